//! Laws of editing JSON, over generated texts. The judge is another parser.

use patchbay_core::document::{Document, Format, JsonDialect, splice};
use patchbay_test_support::cases;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::generate::{Manner, json_text, key, manner, object, value};
use super::law::without_comments;
use super::{JSONC, STRICT, applied, parse};

type Table = &'static [&'static str];

const TABLE: Table = &["o", "t/é"];

/// The apps' tables, and one that lies deeper and needs escapes.
fn tables() -> impl Strategy<Value = Table> {
    prop::sample::select(vec![TABLE, &["mcpServers"], &["servers"], &["context_servers"]])
}

/// A document with a table that has these members, and something before and behind it.
fn around(path: Table, table: &Value, other: &Value) -> Value {
    let inside = match path {
        [_, last] => json!({"x": other, *last: table, "y": []}),
        _ => table.clone(),
    };
    json!({"first": other, path[0]: inside, "last": {"k": other}})
}

fn dialect(manner: &Manner) -> Format {
    Format::Json(manner.dialect)
}

/// What another parser reads.
fn read(text: &str) -> Value {
    let plain = without_comments(text.trim_start_matches('\u{feff}'), true).expect("comments end");
    serde_json::from_str(&plain).unwrap_or_else(|error| panic!("{error}: {plain:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), max_global_rejects: cases(1024), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_gives_what_was_written(path in tables(), table in object(), other in value(), manner in manner(any::<bool>())) {
        let whole = around(path, &table, &other);
        let text = json_text(&whole, &manner);
        let document = parse(&text, dialect(&manner));
        prop_assert_eq!(document.bytes(), text.as_bytes());
        prop_assert_eq!(splice(document.bytes(), &[]), text.as_bytes());
        prop_assert_eq!(document.get(&[]), Some(whole));
        let entries: Vec<_> = table.as_object().expect("an object").clone().into_iter().collect();
        prop_assert_eq!(document.entries(path), Ok(entries));
    }

    #[test]
    fn a_new_member_changes_nothing_else_and_goes_without_a_trace(
        path in tables(), table in object(), other in value(), key in key(), new in object(), manner in manner(any::<bool>()),
    ) {
        prop_assume!(table.get(&key).is_none());
        let text = json_text(&around(path, &table, &other), &manner);
        let format = dialect(&manner);
        let edits = parse(&text, format).set(path, &key, &new).expect("it can be set");
        let with = applied(&text, &edits);
        let mut expected = table.clone();
        expected[&key] = new;
        prop_assert_eq!(read(&with), around(path, &expected, &other));

        let without = applied(&with, &parse(&with, format).remove(path, &key).expect("it can be removed"));
        prop_assert_eq!(read(&without), around(path, &table, &other));
        if table.as_object().is_some_and(|table| !table.is_empty()) {
            prop_assert!(edits.iter().all(|edit| edit.range.is_empty()), "only insertions: {:?}", edits);
            prop_assert_eq!(without, text);
        }
    }

    #[test]
    fn a_missing_table_is_made(path in tables(), other in value(), key in key(), new in object(), manner in manner(any::<bool>())) {
        let whole = json!({"first": other});
        let text = json_text(&whole, &manner);
        let edits = parse(&text, dialect(&manner)).set(path, &key, &new).expect("it can be set");
        let inside = path[1..].iter().rfold(json!({key: new}), |inside, name| json!({*name: inside}));
        let expected = json!({"first": other, path[0]: inside});
        prop_assert_eq!(read(&applied(&text, &edits)), expected);
    }

    #[test]
    fn a_changed_member_changes_nothing_else(
        path in tables(), old in object(), new in object(), other in value(), manner in manner(any::<bool>()),
    ) {
        let text = json_text(&around(path, &json!({"a": other, "k": old, "z": 1}), &other), &manner);
        let format = dialect(&manner);
        let edits = parse(&text, format).set(path, "k", &new).expect("it can be set");
        prop_assert_eq!(edits.is_empty(), old == new);
        let changed = applied(&text, &edits);
        prop_assert_eq!(read(&changed), around(path, &json!({"a": other, "k": new, "z": 1}), &other));

        let raw = parse(&text, format).raw(path, "k").expect("it is there");
        let back = parse(&changed, format).set_raw(path, "k", &raw).expect("it can be put back");
        prop_assert_eq!(applied(&changed, &back), text);
    }

    #[test]
    fn a_member_goes_alone(
        path in tables(), table in object(), other in value(), index in any::<prop::sample::Index>(), manner in manner(any::<bool>()),
    ) {
        let members = table.as_object().expect("an object");
        prop_assume!(!members.is_empty());
        let key = members.keys().nth(index.index(members.len())).expect("in range").clone();
        let text = json_text(&around(path, &table, &other), &manner);
        let edits = parse(&text, dialect(&manner)).remove(path, &key).expect("it can be removed");
        let mut expected = table.clone();
        expected.as_object_mut().expect("an object").shift_remove(&key);
        prop_assert_eq!(read(&applied(&text, &edits)), around(path, &expected, &other));
    }
}

/// Small damage of the kinds that parsers disagree about.
fn damaged(text: &str, damage: &[(prop::sample::Index, usize)]) -> String {
    const PIECES: &[&str] = &[
        "", "{", "}", "[", "]", ",", ":", "\"", "\\", "0", "-", "+", ".", "e", "1", "true", "nul", "/", "//", "/**/",
        "'", "\u{1}", "\n", "\u{a0}", "\\ud800", "\\u12", "\u{c}", "NaN", "0x1", "\u{feff}", " ",
    ];
    let mut characters: Vec<String> = text.chars().map(String::from).collect();
    for (index, piece) in damage {
        let at = index.index(characters.len() + 1);
        if piece % 3 == 0 && at < characters.len() {
            characters.remove(at);
        } else {
            characters.insert(at, PIECES[piece % PIECES.len()].to_owned());
        }
    }
    characters.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3000), max_global_rejects: cases(1024), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strict_json_is_what_another_parser_takes(
        value in value(), manner in manner(Just(false)), damage in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..100), 1..3),
    ) {
        let text = damaged(&json_text(&json!({"a": value, "\u{e9}\\\"\n": [-1.5e3, 10]}), &manner), &damage);
        let plain = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let judge = serde_json::from_str::<IgnoredAny>(plain).is_ok();
        prop_assume!(!plain.trim_matches([' ', '\t', '\r', '\n']).is_empty());
        let ours = Document::parse(text.as_bytes(), STRICT);
        let not_an_object = matches!(ours, Err(patchbay_core::document::DocumentError::Shape { .. }));
        prop_assert_eq!(ours.is_ok() || not_an_object, judge, "{:?}: {:?}", text, ours.err());
        if judge {
            prop_assert!(not_an_object || Document::parse(text.as_bytes(), JSONC).is_ok(), "one dialect holds the other");
        }
    }

    #[test]
    fn edits_of_damaged_texts_never_break_them(
        table in object(), manner in manner(any::<bool>()), damage in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..100), 1..3),
    ) {
        let text = damaged(&json_text(&around(TABLE, &table, &json!(1)), &manner), &damage);
        let format = Format::Json(JsonDialect { trailing_commas: true, ..manner.dialect });
        let Ok(document) = Document::parse(text.as_bytes(), format) else { return Ok(()) };
        match document.set(TABLE, "k", &json!({"x": [1]})) {
            Ok(edits) => {
                let after = Document::parse(applied(&text, &edits).as_bytes(), format).expect("still well-formed");
                prop_assert_eq!(after.get(&["o", "t/é", "k"]), Some(json!({"x": [1]})));
            }
            Err(error) => prop_assert!(error.code() != patchbay_core::Code::Internal, "{}: {:?}", error, text),
        }
    }
}
