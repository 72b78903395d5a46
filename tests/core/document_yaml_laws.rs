//! Laws of editing YAML, over generated texts. The judge is another parser, the one that Goose has.

use patchbay_core::document::{Document, Format, splice};
use patchbay_test_support::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::generate::{Choices, Manner, key, manner, object, value};
use super::yaml::{KEYED, NAMED};
use super::{applied, parse};

const TABLE: &[&str] = &["servers"];

/// How the entries are written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Block,
    BlockOfBraces,
    Braces,
}

/// What another parser reads. It would count a byte order mark as a column of the first line.
pub(super) fn read(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    serde_json::to_value(value).expect("keys are texts here")
}

fn is_simple(text: &str) -> bool {
    !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| (b'a'..=b'c').contains(&byte))
}

fn scalar(text: &str, choices: &mut Choices) -> String {
    let printable = |letter: char| letter == 'é' || letter == '😀' || (' '..='~').contains(&letter);
    let escaped = |letter: char| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if printable(letter) || letter.is_alphanumeric() => letter.to_string(),
        letter => format!("\\U{:08X}", u32::from(letter)),
    };
    match choices.pick(&["plain", "single", "double"]) {
        "plain" if is_simple(text) => text.to_owned(),
        "single" if text.chars().all(printable) => format!("'{}'", text.replace('\'', "''")),
        _ => format!("\"{}\"", text.chars().map(escaped).collect::<String>()),
    }
}

/// A value in brackets, or a scalar.
fn flow(value: &Value, choices: &mut Choices) -> String {
    let comma = choices.pick(&[", ", " , "]);
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| flow(item, choices)).collect::<Vec<_>>().join(comma))
        }
        Value::Object(map) => {
            let members: Vec<_> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key, choices), flow(value, choices))).collect();
            let gap = choices.pick(&["", " "]);
            format!("{{{gap}{}{gap}}}", members.join(comma))
        }
        Value::String(text) => scalar(text, choices),
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64().expect("a float")),
        other => other.to_string(),
    }
}

/// A text with the servers in one form, and other things around them.
struct Writer {
    choices: Choices,
    lines: Vec<String>,
    step: usize,
    dash: usize,
}

impl Writer {
    fn noise(&mut self) {
        match self.choices.pick(&["", "", "", "\n", "# note", " # servers:", "\n# : - \"\n", "                # far"]) {
            "" => {}
            noise => self.lines.push(noise.trim_end_matches('\n').to_owned()),
        }
    }

    fn line(&mut self, line: &str) {
        let end = self.choices.pick(&["", "", " ", " # note \" ' ] }: -", "\t# tab"]);
        self.lines.push(format!("{line}{end}"));
        self.noise();
    }

    /// What leads to a value (a key with its colon, or a dash), and the value.
    fn value(&mut self, lead: &str, column: usize, value: &Value) {
        let block = self.choices.flip();
        match value {
            Value::Object(map) if block && !map.is_empty() => {
                self.line(lead);
                for (key, value) in map {
                    self.member(column + self.step, key, value);
                }
            }
            Value::Array(items) if block && !items.is_empty() => {
                self.line(lead);
                for item in items {
                    let item = flow(item, &mut self.choices);
                    self.line(&format!("{}- {item}", " ".repeat(column + self.dash)));
                }
            }
            Value::String(text) if block && is_simple(text) => {
                let (style, indent) = (self.choices.pick(&["|-", ">-"]), " ".repeat(column + self.step));
                self.lines.push(format!("{lead} {style}\n{indent}{text}"));
            }
            other => {
                let other = flow(other, &mut self.choices);
                self.line(&format!("{lead} {other}"));
            }
        }
    }

    fn member(&mut self, column: usize, key: &str, value: &Value) {
        let key = scalar(key, &mut self.choices);
        let colon = self.choices.pick(&[":", ":", " :"]);
        self.value(&format!("{}{key}{colon}", " ".repeat(column)), column, value);
    }

    fn servers(&mut self, servers: &Map<String, Value>, form: Form) {
        if form == Form::Braces {
            let braces = flow(&Value::Object(servers.clone()), &mut self.choices);
            return self.line(&format!("servers: {braces}"));
        }
        self.line("servers:");
        for (name, server) in servers {
            if form == Form::BlockOfBraces {
                let line = format!(
                    "{}{}: {}",
                    " ".repeat(self.step),
                    scalar(name, &mut self.choices),
                    flow(server, &mut self.choices)
                );
                self.line(&line);
            } else {
                self.member(self.step, name, server);
            }
        }
    }

    fn listed(&mut self, servers: &[Value], form: Form) {
        if form == Form::Braces {
            let brackets = flow(&Value::Array(servers.to_vec()), &mut self.choices);
            return self.line(&format!("servers: {brackets}"));
        }
        self.line("servers:");
        for server in servers {
            let dash = format!("{}- ", " ".repeat(self.dash));
            if form == Form::BlockOfBraces {
                let server = flow(server, &mut self.choices);
                self.line(&format!("{dash}{server}"));
                continue;
            }
            let first = self.lines.len();
            for (key, value) in server.as_object().expect("a table") {
                self.member(self.dash + 2, key, value);
            }
            self.lines[first].replace_range(..self.dash + 2, &dash);
        }
    }
}

fn text(other: &Value, manner: &Manner, servers: impl FnOnce(&mut Writer)) -> String {
    let mut choices = Choices::new(manner.choices.clone());
    let step = choices.pick(&["  ", "    ", "   "]).len();
    let dash = choices.pick(&["", "  "]).len();
    let mut writer = Writer { choices, lines: Vec::new(), step, dash };
    writer.noise();
    if writer.choices.flip() {
        writer.line("---");
    }
    writer.member(0, "first", other);
    writer.lines.push("anchored: &x\n  - 1\ntext: |\n  servers: no\n\n   # no".to_owned());
    servers(&mut writer);
    writer.lines.push("again: *x".to_owned());
    writer.member(0, "last", other);
    let end = writer.choices.pick(&["\n", "", "\n\n", "\n...\n"]);
    manner.finish(&format!("{}{end}", writer.lines.join("\n")))
}

fn keyed() -> impl Strategy<Value = Map<String, Value>> {
    vec((key(), object()), 1..4).prop_map(|servers| servers.into_iter().collect())
}

/// The same as a list.
fn named(servers: &Map<String, Value>) -> Vec<Value> {
    servers.iter().map(|(name, server)| with_name(name, server)).collect()
}

fn with_name(name: &str, server: &Value) -> Value {
    let mut item = server.clone();
    item["name"] = json!(name);
    item
}

fn form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![Form::Block, Form::BlockOfBraces, Form::Braces])
}

/// A text in one of the two formats, and what its servers are.
fn example(servers: &Map<String, Value>, other: &Value, form: Form, manner: &Manner, list: bool) -> (Format, String) {
    if list {
        (NAMED, text(other, manner, |writer| writer.listed(&named(servers), form)))
    } else {
        (KEYED, text(other, manner, |writer| writer.servers(servers, form)))
    }
}

fn with_servers(mut whole: Value, servers: &Map<String, Value>, list: bool) -> Value {
    whole["servers"] = if list { Value::Array(named(servers)) } else { Value::Object(servers.clone()) };
    whole
}

fn entry(key: &str, value: &Value, list: bool) -> Value {
    if list { with_name(key, value) } else { value.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(800), max_global_rejects: cases(1024), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_gives_what_another_parser_reads(servers in keyed(), other in value(), form in form(), list in any::<bool>(), manner in manner(Just(true))) {
        let (format, text) = example(&servers, &other, form, &manner, list);
        let document = parse(&text, format);
        prop_assert_eq!(document.bytes(), text.as_bytes());
        prop_assert_eq!(splice(document.bytes(), &[]), text.as_bytes());
        prop_assert_eq!(document.get(&[]), Some(read(&text)));
        let entries: Vec<_> = servers.iter().map(|(key, value)| (key.clone(), entry(key, value, list))).collect();
        prop_assert_eq!(document.entries(TABLE), Ok(entries));
    }

    #[test]
    fn a_new_entry_changes_nothing_else_and_goes_without_a_trace(
        mut servers in keyed(), other in value(), form in form(), list in any::<bool>(), key in key(), new in object(), manner in manner(Just(true)),
    ) {
        prop_assume!(!servers.contains_key(&key));
        let (format, text) = example(&servers, &other, form, &manner, list);
        let edits = parse(&text, format).set(TABLE, &key, &entry(&key, &new, list)).unwrap_or_else(|error| panic!("{error} {text:?}"));
        prop_assert!(edits.iter().all(|edit| edit.range.is_empty()), "only insertions: {:?}", edits);
        let with = applied(&text, &edits);
        servers.insert(key.clone(), new);
        prop_assert_eq!(read(&with), with_servers(read(&text), &servers, list));
        let without = parse(&with, format).remove(TABLE, &key).unwrap_or_else(|error| panic!("{error} {text:?}"));
        prop_assert_eq!(applied(&with, &without), text);
    }

    #[test]
    fn a_changed_entry_changes_nothing_else(
        mut servers in keyed(), other in value(), form in form(), list in any::<bool>(), index in any::<prop::sample::Index>(), new in object(), manner in manner(Just(true)),
    ) {
        let (format, text) = example(&servers, &other, form, &manner, list);
        let key = servers.keys().nth(index.index(servers.len())).expect("in range").clone();
        let document = parse(&text, format);
        prop_assert_eq!(document.set(TABLE, &key, &entry(&key, &servers[&key], list)), Ok(vec![]), "nothing to do");
        let edits = document.set(TABLE, &key, &entry(&key, &new, list)).unwrap_or_else(|error| panic!("{error} {text:?}"));
        let changed = applied(&text, &edits);
        servers.insert(key.clone(), new);
        prop_assert_eq!(read(&changed), with_servers(read(&text), &servers, list));
        let gone = applied(&changed, &parse(&changed, format).remove(TABLE, &key).unwrap_or_else(|error| panic!("{error} {text:?}")));
        servers.shift_remove(&key);
        prop_assert_eq!(read(&gone), with_servers(read(&text), &servers, list));
    }

    #[test]
    fn source_text_goes_back(
        servers in keyed(), other in value(), form in form(), list in any::<bool>(), index in any::<prop::sample::Index>(), manner in manner(Just(true)),
    ) {
        let (format, text) = example(&servers, &other, form, &manner, list);
        let key = servers.keys().nth(index.index(servers.len())).expect("in range").clone();
        let document = parse(&text, format);
        let raw = document.raw(TABLE, &key).expect("it is there");
        let gone = applied(&text, &document.remove(TABLE, &key).unwrap_or_else(|error| panic!("{error} {text:?}")));
        if servers.len() > 1 {
            let edits = parse(&gone, format).set_raw(TABLE, &key, &raw).expect("it can be put back");
            let back = parse(&applied(&gone, &edits), format);
            prop_assert_eq!(back.get(&[TABLE[0], &key]), Some(entry(&key, &servers[&key], list)));
        }
    }

    // Not for everything that can be wrong: our parser follows YAML 1.2, and takes some colons, line ends and tabs that
    // the older one does not.
    #[test]
    fn what_goose_refuses_is_refused(
        servers in keyed(), other in value(), form in form(), at in any::<prop::sample::Index>(),
        noise in prop::sample::select(vec!["- ", "{", "]", "\"", "'", "*b ", "@", "|", ",", "}"]),
        manner in manner(Just(true)),
    ) {
        let (_, text) = example(&servers, &other, form, &manner, false);
        let mut places = text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
        places.push(text.len());
        let at = places[at.index(places.len())];
        let broken = format!("{}{noise}{}", &text[..at], &text[at..]);
        let ours = Document::parse(broken.as_bytes(), KEYED);
        if let Err(error) = serde_yaml::from_str::<serde_yaml::Value>(broken.trim_start_matches('\u{feff}')) {
            let is_colon = error.to_string().contains("unexpected ':'");
            prop_assert!(ours.is_err() || is_colon, "{}: {:?}", error, broken);
        }
    }
}
