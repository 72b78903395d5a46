//! The laws of editing over every app's own file: its dialect, its table, and what else stands in it.

use patchbay_core::client::{CLIENTS, Client};
use patchbay_core::document::{Document, DocumentError, Format, JsonDialect, splice};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use rstest::rstest;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::generate::{Manner, choices, json_text, key, object, value};
use super::law::{without, without_comments};
use super::toml_laws::{Form, text as toml_text};
use super::{JSONC, STRICT, applied};

const COMMENTS: Format = Format::Json(JsonDialect { comments: true, trailing_commas: false });

/// Some app's file as it may be found, and an entry that is put in, changed and taken out.
#[derive(Debug, Clone)]
struct Case {
    app: &'static Client,
    servers: Map<String, Value>,
    other: Value,
    manner: Manner,
    form: Form,
    name: String,
    index: Index,
    entry: Value,
}

fn apps(format: Format) -> Vec<&'static Client> {
    CLIENTS.iter().copied().filter(|app| app.format == format).collect()
}

fn cases(format: Format) -> impl Strategy<Value = Case> {
    let dialect = if let Format::Json(dialect) = format { dialect } else { JsonDialect::JSONC };
    let manner = (any::<bool>(), any::<bool>(), choices()).prop_map(move |(mark, crlf, choices)| Manner {
        mark,
        crlf,
        dialect,
        choices,
    });
    let servers = vec((key(), prop_oneof![entry(), object()]), 1..4).prop_map(|servers| servers.into_iter().collect());
    (select(apps(format)), servers, value(), manner, Form::any(), key(), any::<Index>(), entry()).prop_map(
        |(app, servers, other, manner, form, name, index, entry)| Case {
            app,
            servers,
            other,
            manner,
            form,
            name,
            index,
            entry,
        },
    )
}

/// An entry as apps know them.
fn entry() -> impl Strategy<Value = Value> {
    (key(), vec(key(), 0..3), vec((key(), key()), 0..3), any::<bool>()).prop_map(|(command, args, env, remote)| {
        let table: Map<_, _> = env.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        if remote {
            json!({"type": "http", "url": command, "headers": table, "disabled": false})
        } else {
            json!({"command": command, "args": args, "env": table})
        }
    })
}

impl Case {
    /// The file.
    fn text(&self) -> String {
        match self.app.format {
            Format::Json(_) => json_text(&self.whole(), &self.manner),
            Format::Toml => toml_text(&self.servers, &self.other, self.form, &self.manner),
            Format::Yaml(_) => unreachable!("YAML has its laws in a file of its own"),
        }
    }

    /// What stands in the example of the app's file, with these servers and one key more.
    fn whole(&self) -> Value {
        let path = format!("{}/../../tests/fixtures/{}/before.json", env!("CARGO_MANIFEST_DIR"), self.app.id);
        let text = std::fs::read_to_string(path).expect("each app has an example");
        let mut whole = self.read(&text);
        whole["other"] = self.other.clone();
        whole[self.app.table[0]] = Value::Object(self.servers.clone());
        whole
    }

    /// What another parser reads.
    fn read(&self, text: &str) -> Value {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self.app.format {
            Format::Json(dialect) => {
                let plain = if dialect.comments { without_comments(plain, dialect.trailing_commas) } else { None };
                serde_json::from_str(plain.as_deref().unwrap_or(text.trim_start_matches('\u{feff}'))).expect("JSON")
            }
            Format::Toml => {
                let table: toml::Table = toml::from_str(plain).expect("TOML");
                serde_json::to_value(table).expect("no dates here")
            }
            Format::Yaml(_) => unreachable!("YAML has its laws in a file of its own"),
        }
    }

    /// Whether another parser takes it.
    fn is_taken(&self, text: &str) -> bool {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self.app.format {
            Format::Json(dialect) if dialect.comments => without_comments(plain, dialect.trailing_commas)
                .is_some_and(|plain| serde_json::from_str::<IgnoredAny>(&plain).is_ok()),
            Format::Json(_) => serde_json::from_str::<IgnoredAny>(plain).is_ok(),
            Format::Toml => !plain.starts_with('\u{feff}') && toml::from_str::<toml::Table>(plain).is_ok(),
            Format::Yaml(_) => unreachable!("YAML has its laws in a file of its own"),
        }
    }

    fn parse(&self, text: &str) -> Document {
        Document::parse(text.as_bytes(), self.app.format).expect("well-formed")
    }

    fn set(&self, text: &str, name: &str, value: &Value) -> String {
        applied(text, &self.parse(text).set(self.app.table, name, value).expect("it can be set"))
    }

    fn remove(&self, text: &str, name: &str) -> String {
        applied(text, &self.parse(text).remove(self.app.table, name).expect("it can be removed"))
    }

    /// What was set, with somebody else's change elsewhere in the file, and the file with that change alone.
    fn theirs_besides(&self, text: &str, name: &str) -> (String, String) {
        let ours = self.parse(text).set(self.app.table, name, &self.entry).expect("it can be set");
        let with = applied(text, &ours);
        let theirs = self.parse(&with).set(&["theirs"], "z", &json!(1)).expect("it can be set");
        let alone = without(&theirs, &ours).expect("elsewhere");
        (applied(&with, &theirs), applied(text, &alone))
    }

    /// A server that is there.
    fn standing(&self) -> String {
        self.servers.keys().nth(self.index.index(self.servers.len())).expect("in range").clone()
    }

    fn with(&self, whole: &Value, name: &str, value: Option<&Value>) -> Value {
        let mut whole = whole.clone();
        let servers = whole[self.app.table[0]].as_object_mut().expect("a table");
        match value {
            Some(value) => drop(servers.insert(name.to_owned(), value.clone())),
            None => drop(servers.shift_remove(name)),
        }
        whole
    }

    /// Where TOML's last entry goes, its table goes with it.
    fn tidy(&self, mut whole: Value) -> Value {
        if whole[self.app.table[0]].as_object().is_none_or(Map::is_empty) {
            whole.as_object_mut().expect("an object").shift_remove(self.app.table[0]);
        }
        whole
    }
}

/// Runs a law over one dialect: a thousand times, or as often as a thorough run wants.
fn over(format: Format, law: impl Fn(&Case) -> Result<(), TestCaseError>) {
    let (cases_wanted, max_global_rejects) = (patchbay_test_support::cases(1000), patchbay_test_support::cases(1024));
    let config = ProptestConfig { cases: cases_wanted, max_global_rejects, ..ProptestConfig::default() };
    let config = ProptestConfig { failure_persistence: None, ..config };
    let outcome = TestRunner::new(config).run(&cases(format), |case| law(&case));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_app_is_in_one_of_the_four_dialects_or_in_yaml() {
    let covered: usize = [STRICT, COMMENTS, JSONC, Format::Toml].map(|format| apps(format).len()).iter().sum();
    let yaml = CLIENTS.iter().filter(|app| matches!(app.format, Format::Yaml(_))).count();
    assert_eq!((covered + yaml, yaml), (CLIENTS.len(), 2));
}

#[rstest]
#[case::strict(STRICT)]
#[case::comments(COMMENTS)]
#[case::jsonc(JSONC)]
#[case::toml(Format::Toml)]
fn parsing_and_printing_gives_the_same_bytes(#[case] format: Format) {
    over(format, |case| {
        let text = case.text();
        let document = case.parse(&text);
        prop_assert_eq!(splice(document.bytes(), &[]), text.as_bytes());
        prop_assert_eq!(document.get(&[]), Some(case.read(&text)));
        let servers: Vec<_> = case.servers.clone().into_iter().collect();
        prop_assert_eq!(document.entries(case.app.table), Ok(servers));
        Ok(())
    });
}

#[rstest]
#[case::strict(STRICT)]
#[case::comments(COMMENTS)]
#[case::jsonc(JSONC)]
#[case::toml(Format::Toml)]
fn an_edit_changes_only_what_it_names(#[case] format: Format) {
    over(format, |case| {
        let (text, standing) = (case.text(), case.standing());
        let whole = case.read(&text);
        for name in [&case.name, &standing] {
            let changed = case.set(&text, name, &case.entry);
            prop_assert_eq!(case.read(&changed), case.with(&whole, name, Some(&case.entry)));
        }
        let without = case.remove(&text, &standing);
        prop_assert_eq!(case.tidy(case.read(&without)), case.tidy(case.with(&whole, &standing, None)));
        Ok(())
    });
}

#[rstest]
#[case::strict(STRICT)]
#[case::comments(COMMENTS)]
#[case::jsonc(JSONC)]
#[case::toml(Format::Toml)]
fn what_was_put_in_goes_without_a_trace_also_behind_the_change_of_somebody_else(#[case] format: Format) {
    over(format, |case| {
        prop_assume!(!case.servers.contains_key(&case.name));
        let text = case.text();
        let with = case.set(&text, &case.name, &case.entry);
        prop_assert_eq!(&case.remove(&with, &case.name), &text);
        let (both, alone) = case.theirs_besides(&text, &case.name);
        prop_assert_eq!(case.remove(&both, &case.name), alone);
        Ok(())
    });
}

#[rstest]
#[case::strict(STRICT)]
#[case::comments(COMMENTS)]
#[case::jsonc(JSONC)]
#[case::toml(Format::Toml)]
fn what_was_changed_comes_back_also_behind_the_change_of_somebody_else(#[case] format: Format) {
    over(format, |case| {
        let (text, name) = (case.text(), case.standing());
        let raw = case.parse(&text).raw(case.app.table, &name).expect("it is there");
        let (changed, alone) = case.theirs_besides(&text, &name);
        let back = case.parse(&changed).set_raw(case.app.table, &name, &raw).expect("it can be put back");
        let back = applied(&changed, &back);
        // TOML may have several ways to write what was put back; it means the same.
        prop_assert_eq!(case.read(&back), case.read(&alone));
        prop_assert!(format == Format::Toml || back == alone, "{:?}\n{:?}", back, alone);
        Ok(())
    });
}

#[rstest]
#[case::strict(STRICT)]
#[case::comments(COMMENTS)]
#[case::jsonc(JSONC)]
#[case::toml(Format::Toml)]
fn what_the_apps_parser_refuses_is_refused_with_its_place(#[case] format: Format) {
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", "=", ".", "\"", "'", "\\", "#", "/", "//", "/*", "*/", "\n", "\r", "\u{1}", "\0",
        "\u{a0}", "\u{feff}", "nul", "-", "1", "e", "\\ud800", "\\u12", "\"\"\"", "a",
    ];
    over(format, |case| {
        let mut characters: Vec<char> = case.text().chars().collect();
        let at = case.index.index(characters.len());
        let piece = PIECES[case.index.index(PIECES.len() * 7) % PIECES.len()];
        let gone = usize::from(case.manner.choices.len() % 3 == 0);
        characters.splice(at..at + gone, piece.chars());
        let text: String = characters.into_iter().collect();
        match Document::parse(text.as_bytes(), format) {
            Ok(_) => prop_assert!(case.is_taken(&text), "taken: {:?}", text),
            Err(DocumentError::Shape { .. }) => prop_assert!(case.is_taken(&text), "not an object: {:?}", text),
            Err(DocumentError::Syntax { line, column, .. }) => {
                prop_assert!(!case.is_taken(&text), "refused: {:?}", text);
                let width = text.split('\n').nth(line - 1).map(|line| line.chars().count());
                prop_assert!(width.is_some_and(|width| column <= width + 1), "{}:{} of {:?}", line, column, text);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
        Ok(())
    });
}
