//! Laws of editing TOML, over generated texts. The judge is another parser.

use patchbay_core::document::{Document, Format, splice};
use patchbay_test_support::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::generate::{Choices, Manner, key, manner, object, value};
use super::{applied, parse};

const TABLE: &[&str] = &["mcp_servers"];

/// How the entries of the table are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Headers,
    HeadersWithEnv,
    Dotted,
    Lines,
    Braces,
}

/// What another parser reads.
fn read(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    serde_json::to_value(table).expect("no dates here")
}

fn toml_key(key: &str, choices: &mut Choices) -> String {
    let bare =
        !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-');
    let literal = !key.chars().any(|letter| letter.is_control() || letter == '\'');
    match choices.pick(&["bare", "literal", "basic"]) {
        "bare" if bare => key.to_owned(),
        "literal" if literal => format!("'{key}'"),
        _ => toml_string(key),
    }
}

fn toml_string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

fn toml_value(value: &Value, choices: &mut Choices) -> String {
    match value {
        Value::Array(items) => {
            let gap = choices.pick(&["", " ", "\n  ", " # , ]\n"]);
            let items: Vec<_> = items.iter().map(|item| format!("{gap}{}", toml_value(item, choices))).collect();
            format!("[{}{gap}]", items.join(","))
        }
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(key, value)| pair(&[key.as_str()], value, choices)).collect();
            let gap = choices.pick(&["", " "]);
            format!("{{{gap}{}{gap}}}", members.join(choices.pick(&[",", ", ", " , "])))
        }
        Value::String(text) => toml_string(text),
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64().expect("a float")),
        scalar => scalar.to_string(),
    }
}

fn pair(keys: &[&str], value: &Value, choices: &mut Choices) -> String {
    let dot = choices.pick(&[".", ".", " . "]);
    let keys: Vec<_> = keys.iter().map(|key| toml_key(key, choices)).collect();
    let equals = choices.pick(&["=", " = ", "\t= "]);
    format!("{}{equals}{}", keys.join(dot), toml_value(value, choices))
}

/// A text with the servers in one form, and other things around them.
struct Writer {
    choices: Choices,
    lines: Vec<String>,
}

impl Writer {
    fn noise(&mut self) {
        match self.choices.pick(&["", "", "", "\n", "# note", "  # [mcp_servers.k]", "\n\n# = \"\"\"\n"]) {
            "" => {}
            noise => self.lines.push(noise.trim_end_matches('\n').to_owned()),
        }
    }

    fn line(&mut self, line: &str) {
        let indent = self.choices.pick(&["", "", "  ", "\t"]);
        let end = self.choices.pick(&["", "", " ", " # note \" ' ] }"]);
        self.lines.push(format!("{indent}{line}{end}"));
        self.noise();
    }

    fn pair(&mut self, keys: &[&str], value: &Value) {
        let pair = pair(keys, value, &mut self.choices);
        self.line(&pair);
    }

    fn header(&mut self, keys: &[&str]) {
        let gap = self.choices.pick(&["", "", " "]);
        let keys: Vec<_> = keys.iter().map(|key| toml_key(key, &mut self.choices)).collect();
        self.line(&format!("[{gap}{}{gap}]", keys.join(".")));
    }

    fn servers(&mut self, servers: &Map<String, Value>, form: Form) {
        match form {
            Form::Headers | Form::HeadersWithEnv => {
                for (name, server) in servers {
                    self.section(name, server, matches!(form, Form::HeadersWithEnv));
                }
            }
            Form::Dotted => {
                for (name, server) in servers {
                    for (key, value) in server.as_object().expect("an object") {
                        self.pair(&["mcp_servers", name, key], value);
                    }
                    if server == &json!({}) {
                        self.pair(&["mcp_servers", name], server);
                    }
                }
            }
            Form::Lines => {
                self.header(TABLE);
                for (name, server) in servers {
                    self.pair(&[name], server);
                }
            }
            Form::Braces => self.pair(TABLE, &Value::Object(servers.clone())),
        }
    }

    fn section(&mut self, name: &str, server: &Value, sub: bool) {
        let (tables, values): (Vec<_>, Vec<_>) =
            server.as_object().expect("an object").iter().partition(|(_, value)| sub && value.is_object());
        self.header(&["mcp_servers", name]);
        for (key, value) in values {
            self.pair(&[key], value);
        }
        for (key, table) in tables {
            self.header(&["mcp_servers", name, key]);
            for (inner, value) in table.as_object().expect("an object") {
                self.pair(&[inner], value);
            }
        }
    }
}

pub(super) fn text(servers: &Map<String, Value>, other: &Value, form: Form, manner: &Manner) -> String {
    let mut writer = Writer { choices: Choices::new(manner.choices.clone()), lines: Vec::new() };
    writer.noise();
    writer.pair(&["first"], other);
    if matches!(form, Form::Dotted | Form::Braces) {
        writer.servers(servers, form);
        writer.pair(&["model"], &json!("m"));
    }
    writer.header(&["projects", "/home/a.b"]);
    writer.pair(&["trust"], other);
    if !matches!(form, Form::Dotted | Form::Braces) {
        writer.servers(servers, form);
    }
    writer.lines.push("[[list]]".to_owned());
    writer.pair(&["a"], &json!(1));
    let end = writer.choices.pick(&["\n", "", "\n\n"]);
    manner.finish(&format!("{}{end}", writer.lines.join("\n")))
}

fn servers() -> impl Strategy<Value = Map<String, Value>> {
    vec((key(), object()), 1..4).prop_map(|servers| servers.into_iter().collect())
}

impl Form {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(vec![Self::Headers, Self::HeadersWithEnv, Self::Dotted, Self::Lines, Self::Braces])
    }
}

fn with_servers(mut whole: Value, servers: &Map<String, Value>) -> Value {
    whole["mcp_servers"] = Value::Object(servers.clone());
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), max_global_rejects: cases(1024), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_gives_what_another_parser_reads(servers in servers(), other in value(), form in Form::any(), manner in manner(Just(true))) {
        let text = text(&servers, &other, form, &manner);
        let document = parse(&text, Format::Toml);
        prop_assert_eq!(document.bytes(), text.as_bytes());
        prop_assert_eq!(splice(document.bytes(), &[]), text.as_bytes());
        prop_assert_eq!(document.get(&[]), Some(read(&text)));
        prop_assert_eq!(document.entries(TABLE), Ok(servers.into_iter().collect()));
    }

    #[test]
    fn a_new_entry_changes_nothing_else_and_goes_without_a_trace(
        mut servers in servers(), other in value(), form in Form::any(), key in key(), new in object(), manner in manner(Just(true)),
    ) {
        prop_assume!(!servers.contains_key(&key));
        let text = text(&servers, &other, form, &manner);
        let edits = parse(&text, Format::Toml).set(TABLE, &key, &new).expect("it can be set");
        prop_assert!(edits.iter().all(|edit| edit.range.is_empty()), "only insertions: {:?}", edits);
        let with = applied(&text, &edits);
        servers.insert(key.clone(), new);
        prop_assert_eq!(read(&with), with_servers(read(&text), &servers));
        let without = parse(&with, Format::Toml).remove(TABLE, &key).expect("it can be removed");
        prop_assert_eq!(applied(&with, &without), text);
    }

    #[test]
    fn a_changed_entry_changes_nothing_else(
        mut servers in servers(), other in value(), form in Form::any(), index in any::<prop::sample::Index>(), new in object(), manner in manner(Just(true)),
    ) {
        let text = text(&servers, &other, form, &manner);
        let key = servers.keys().nth(index.index(servers.len())).expect("in range").clone();
        let document = parse(&text, Format::Toml);
        let edits = document.set(TABLE, &key, &new).expect("it can be set");
        prop_assert_eq!(edits.is_empty(), servers[&key] == new);
        let changed = applied(&text, &edits);
        let before = read(&text);
        servers.insert(key.clone(), new);
        prop_assert_eq!(read(&changed), with_servers(before.clone(), &servers));

        let raw = document.raw(TABLE, &key).expect("it is there");
        let back = parse(&changed, Format::Toml).set_raw(TABLE, &key, &raw).expect("it can be put back");
        prop_assert_eq!(read(&applied(&changed, &back)), before);
    }

    #[test]
    fn an_entry_goes_alone(mut servers in servers(), other in value(), form in Form::any(), index in any::<prop::sample::Index>(), manner in manner(Just(true))) {
        let text = text(&servers, &other, form, &manner);
        let key = servers.keys().nth(index.index(servers.len())).expect("in range").clone();
        let edits = parse(&text, Format::Toml).remove(TABLE, &key).expect("it can be removed");
        servers.shift_remove(&key);
        let after = read(&applied(&text, &edits));
        let left = after.get("mcp_servers").cloned().unwrap_or(json!({}));
        prop_assert_eq!(left, Value::Object(servers.clone()));
        prop_assert_eq!(with_servers(after, &servers), with_servers(read(&text), &servers));
    }

    #[test]
    fn a_missing_table_is_made(other in value(), key in key(), new in object(), manner in manner(Just(true))) {
        let text = text(&Map::from_iter([("a".to_owned(), json!({}))]), &other, Form::Headers, &manner);
        let edits = parse(&text, Format::Toml).set(&["t", "u"], &key, &new).expect("it can be set");
        let with = applied(&text, &edits);
        let mut expected = read(&text);
        expected["t"] = json!({"u": {key.clone(): new}});
        prop_assert_eq!(read(&with), expected);
        let without = parse(&with, Format::Toml).remove(&["t", "u"], &key).expect("it can be removed");
        prop_assert_eq!(applied(&with, &without), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1500), max_global_rejects: cases(1024), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_texts_are_judged_as_another_parser_does_and_never_broken(
        servers in servers(), form in Form::any(), manner in manner(Just(true)), damage in vec((any::<prop::sample::Index>(), 0_usize..60), 1..3),
    ) {
        const PIECES: &[&str] = &["", "[", "]", "{", "}", "=", ".", ",", "\"", "'", "#", "\n", "\r", " ", "a", "1", "\\", "\"\"\"", "[mcp_servers]\n", "\u{1}"];
        let mut characters: Vec<String> = text(&servers, &json!(1), form, &manner).chars().map(String::from).collect();
        for (index, piece) in damage {
            let at = index.index(characters.len());
            if piece % 3 == 0 { characters.remove(at); } else { characters.insert(at, PIECES[piece % PIECES.len()].to_owned()); }
        }
        let text = characters.concat();
        let ours = Document::parse(text.as_bytes(), Format::Toml);
        prop_assert_eq!(ours.is_ok(), toml::from_str::<toml::Table>(&text).is_ok(), "{:?}", text);
        if let Ok(document) = ours
            && let Ok(edits) = document.set(TABLE, "k", &json!({"x": [1]}))
        {
            prop_assert_eq!(&read(&applied(&text, &edits))["mcp_servers"]["k"], &json!({"x": [1]}));
        }
    }
}
