//! Laws: an edit changes only the addressed member; taking out what was put in gives the same bytes; what the app's own
//! parser refuses is refused.

use patchbay_core::document::{Document, DocumentError, Format, JsonDialect, splice};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

const STRICT: Format = Format::Json(JsonDialect::STRICT);
const JSONC: Format = Format::Json(JsonDialect::JSONC);
const TABLE: &[&str] = &["mcpServers"];

fn entry() -> Value {
    json!({ "command": "/home/u/.local/share/patchbay/bin/patchbay", "args": ["bridge", "notes"] })
}

fn set(text: &[u8], format: Format, table: &[&str], key: &str, value: &Value) -> Vec<u8> {
    let document = Document::parse(text, format).expect("it parses");
    splice(text, &document.set(table, key, value).expect("it can be set"))
}

fn remove(text: &[u8], format: Format, table: &[&str], key: &str) -> Vec<u8> {
    let document = Document::parse(text, format).expect("it parses");
    splice(text, &document.remove(table, key).expect("it can be removed"))
}

/// A JSON value with awkward keys, not deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\/\u{e9}\u{1f600}\u{200f} .]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    "[a-zA-Z.\"/\\\\\u{1f600}\u{202e} {}:,-]{1,8}"
}

/// How a text is written.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Style {
    newline: &'static str,
    indent: &'static str,
    colon: &'static str,
    bom: bool,
    ending: bool,
    comments: bool,
    trailing: bool,
}

fn style() -> impl Strategy<Value = Style> {
    (
        prop::sample::select(vec!["\n", "\r\n", ""]),
        prop::sample::select(vec!["  ", "\t", "    ", ""]),
        prop::sample::select(vec![": ", ":", " : "]),
        any::<(bool, bool, bool, bool)>(),
    )
        .prop_map(|(newline, indent, colon, (bom, ending, comments, trailing))| Style {
            newline,
            indent,
            colon,
            bom,
            ending,
            comments: comments && !newline.is_empty(),
            trailing,
        })
}

impl Style {
    fn write(&self, value: &Value, jsonc: bool) -> String {
        let mut text = if self.bom { "\u{feff}".to_owned() } else { String::new() };
        self.value(value, 0, jsonc, &mut text);
        if self.ending {
            text.push_str(self.newline);
        }
        text
    }

    fn value(&self, value: &Value, depth: usize, jsonc: bool, text: &mut String) {
        let Value::Object(map) = value else {
            text.push_str(&value.to_string());
            return;
        };
        text.push('{');
        for (n, (key, value)) in map.iter().enumerate() {
            text.push_str(self.newline);
            text.push_str(&self.indent.repeat(depth + 1));
            if jsonc && self.comments && n % 2 == 0 {
                text.push_str("/* \"a, }\" */ ");
            }
            text.push_str(&Value::from(key.as_str()).to_string());
            text.push_str(self.colon);
            self.value(value, depth + 1, jsonc, text);
            if n + 1 < map.len() || jsonc && self.trailing {
                text.push(',');
            }
            if jsonc && self.comments {
                text.push_str(" // it's, {");
            }
        }
        if !map.is_empty() {
            text.push_str(self.newline);
            text.push_str(&self.indent.repeat(depth));
        }
        text.push('}');
    }
}

/// A whole file: other keys around a table of servers, which may be missing or empty.
fn file() -> impl Strategy<Value = Value> {
    let servers = prop::option::of(prop::collection::btree_map(key(), value(), 0..4));
    (prop::collection::btree_map(key(), value(), 0..4), servers, any::<bool>()).prop_map(|(others, servers, first)| {
        let mut map = Map::new();
        let servers = servers.map(|servers| Value::Object(servers.into_iter().collect()));
        if first && let Some(servers) = &servers {
            map.insert("mcpServers".into(), servers.clone());
        }
        map.extend(others.into_iter().filter(|(key, _)| key != "mcpServers"));
        if let Some(servers) = servers {
            map.insert("mcpServers".into(), servers);
        }
        Value::Object(map)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_json_edit_changes_only_its_member(file in file(), style in style(), jsonc in any::<bool>()) {
        let format = if jsonc { JSONC } else { STRICT };
        let before = style.write(&file, jsonc);
        let document = Document::parse(before.as_bytes(), format).expect("it parses");
        prop_assert_eq!(document.get(&[]), Some(file.clone()));
        let edits = document.set(TABLE, "notes", &entry()).expect("it can be set");
        let after = splice(before.as_bytes(), &edits);

        // As the app's own parser sees it, everything else is as it was.
        let mut wanted = file.clone();
        wanted["mcpServers"]["notes"] = entry();
        let seen = Document::parse(&after, format).expect("it still parses").get(&[]);
        prop_assert_eq!(seen, Some(wanted));
        // Nothing is cut out, and what is put in stands in one style of line ends.
        prop_assert!(edits.iter().all(|edit| before[edit.range.clone()].trim().is_empty()));
        if style.newline == "\r\n" && before.contains("\r\n") {
            let text = String::from_utf8(after.clone()).expect("text");
            prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        }

        // Taking it out again gives the values back, and the bytes where the table had other members.
        let back = remove(&after, format, TABLE, "notes");
        let others = file["mcpServers"].as_object().is_some_and(|servers| !servers.is_empty());
        if others {
            prop_assert_eq!(String::from_utf8(back).expect("text"), before);
        } else {
            let mut wanted = file;
            if wanted["mcpServers"].is_null() { wanted["mcpServers"] = json!({}); }
            prop_assert_eq!(Document::parse(&back, format).expect("it parses").get(&[]), Some(wanted));
        }
    }

    #[test]
    fn removing_any_member_leaves_the_others(file in file(), style in style(), jsonc in any::<bool>(), which in any::<prop::sample::Index>()) {
        let mut file = file;
        if file["mcpServers"].as_object().is_none_or(Map::is_empty) {
            file["mcpServers"] = json!({ "only": 1 });
        }
        let servers = file["mcpServers"].as_object().cloned().unwrap_or_default();
        let format = if jsonc { JSONC } else { STRICT };
        let key = servers.keys().nth(which.index(servers.len())).expect("in range").clone();
        let after = remove(style.write(&file, jsonc).as_bytes(), format, TABLE, &key);
        let mut wanted = file.clone();
        wanted["mcpServers"].as_object_mut().expect("a table").shift_remove(&key);
        prop_assert_eq!(Document::parse(&after, format).expect("it parses").get(&[]), Some(wanted));
    }

    #[test]
    fn strict_json_is_judged_as_its_own_parser_does(text in "[\\{\\}\\[\\]\",:0-9a-e\\\\ \n.truefalsn/*+-]{0,24}") {
        let own = serde_json::from_str::<Value>(&text);
        let ours = Document::parse(text.as_bytes(), STRICT);
        match own {
            Ok(Value::Object(_)) => prop_assert!(ours.is_ok()),
            Ok(_) => prop_assert!(matches!(ours, Err(DocumentError::Shape { .. })), "a shape error"),
            Err(_) if text.trim_matches([' ', '\n', '\t', '\r']).is_empty() => prop_assert!(ours.is_ok()),
            Err(_) => prop_assert!(matches!(ours, Err(DocumentError::Syntax { .. })), "{:?}", ours.map(|_| ())),
        }
    }

    #[test]
    fn a_toml_edit_changes_only_its_table(
        parts in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..6),
        crlf in any::<bool>(), bom in any::<bool>(), ending in any::<bool>(),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let mut text: String = parts.into_iter().filter(|piece| seen.insert(*piece)).collect();
        if !ending { text = text.trim_end_matches('\n').to_owned(); }
        if crlf { text = text.replace('\n', "\r\n"); }
        if bom { text.insert(0, '\u{feff}'); }
        let table: &[&str] = &["mcp_servers"];
        let Ok(document) = Document::parse(text.as_bytes(), Format::Toml) else { return Ok(()) };
        let edits = document.set(table, "notes", &entry()).expect("it can be set");
        prop_assert!(edits.iter().all(|edit| text[edit.range.clone()].trim().is_empty()), "{text:?} {edits:?}");
        let after = splice(text.as_bytes(), &edits);
        let now = Document::parse(&after, Format::Toml).expect("it still parses");
        let mut wanted = document.get(&[]).expect("a table");
        wanted["mcp_servers"]["notes"] = entry();
        prop_assert_eq!(now.get(&[]), Some(wanted));
        let back = now.remove(table, "notes").expect("it can be removed");
        let back = splice(&after, &back);
        let own = Document::parse(&back, Format::Toml).expect("it parses").entries(table).expect("a table");
        prop_assert_eq!(own, document.entries(table).expect("a table"));
        let comments = |text: &str| text.matches('#').count();
        prop_assert_eq!(comments(&String::from_utf8(back).expect("text")), comments(&text));
    }
}

/// Pieces of a Codex file, each valid by itself.
const PIECES: &[&str] = &[
    "# a comment at the top\n\n",
    "model = \"gpt\" # which\n",
    "list = [\n  1, # one\n  2,\n]\n",
    "[mcp_servers.docs]\ncommand = \"npx\" # keep\nargs = [\"-y\", \"docs\"]\n\n",
    "# about the other\n[mcp_servers.\"a.b\"]\nurl = \"https://example.com/mcp\"\n",
    "[mcp_servers.docs.env]\nA = \"1\"\n",
    "[other]\ntext = '''\n[mcp_servers.fake]\n'''\n",
    "\n# the end\n",
];

#[rstest]
#[case::empty("", "{\n  \"mcpServers\": {\n    \"n\": {\n      \"command\": \"p\"\n    }\n  }\n}\n")]
#[case::empty_object("{}", "{\"mcpServers\": {\"n\": {\"command\": \"p\"}}}")]
#[case::empty_table(
    "{\n\t\"mcpServers\": {}\n}\n",
    "{\n\t\"mcpServers\": {\n\t\t\"n\": {\n\t\t\t\"command\": \"p\"\n\t\t}\n\t}\n}\n"
)]
#[case::after_the_last(
    "{\n    \"mcpServers\": {\n        \"a\": {}\n    }\n}",
    "{\n    \"mcpServers\": {\n        \"a\": {},\n        \"n\": {\n            \"command\": \"p\"\n        }\n    }\n}"
)]
#[case::compact("{\"mcpServers\":{\"a\":{}},\"z\":1}", "{\"mcpServers\":{\"a\":{},\"n\":{\"command\":\"p\"}},\"z\":1}")]
fn json_is_written_in_the_files_own_style(#[case] before: &str, #[case] after: &str) {
    let done = set(before.as_bytes(), STRICT, TABLE, "n", &json!({ "command": "p" }));
    assert_eq!(String::from_utf8(done).expect("text"), after);
}

#[rstest]
#[case::new_table("model = \"x\" # c\n", "model = \"x\" # c\n\n[mcp_servers.n]\ncommand = \"p\"\n")]
#[case::behind_its_siblings(
    "[mcp_servers.a]\nurl = \"u\" # c\n\n# next\n[z]\n",
    "[mcp_servers.a]\nurl = \"u\" # c\n\n[mcp_servers.n]\ncommand = \"p\"\n\n# next\n[z]\n"
)]
#[case::inline(
    "mcp_servers = { a = { url = \"u\" } } # c\n",
    "mcp_servers = { a = { url = \"u\" } , n = { command = \"p\" } } # c\n"
)]
#[case::changes_the_leaf_alone(
    "[mcp_servers.n] # h\ncommand = \"old\" # c\nextra = 1\n",
    "[mcp_servers.n] # h\ncommand = \"p\" # c\n"
)]
fn toml_is_written_in_the_files_own_style(#[case] before: &str, #[case] after: &str) {
    let done = set(before.as_bytes(), Format::Toml, &["mcp_servers"], "n", &json!({ "command": "p" }));
    assert_eq!(String::from_utf8(done).expect("text"), after);
}

#[rstest]
#[case("{\"mcpServers\": null}", STRICT)]
#[case("{\"mcpServers\": []}", STRICT)]
#[case("{\"mcpServers\": \"x\"}", STRICT)]
#[case("mcpServers = 1", Format::Toml)]
#[case("[[mcpServers]]\na = 1", Format::Toml)]
fn something_else_at_the_place_is_refused(#[case] text: &str, #[case] format: Format) {
    let document = Document::parse(text.as_bytes(), format).expect("it parses");
    let refused = document.set(TABLE, "n", &entry());
    assert!(matches!(refused, Err(DocumentError::Shape { .. })), "{refused:?}");
}

#[rstest]
#[case("{\"mcpServers\": {}, \"mcpServers\": {}}")]
#[case("{\"mcpServers\": {}, \"\\u006dcpServers\": {}}")]
#[case("{\"mcpServers\": {\"n\": {}, \"n\": {}}}")]
fn a_key_that_stands_twice_is_refused(#[case] text: &str) {
    let document = Document::parse(text.as_bytes(), STRICT).expect("JSON.parse reads it too");
    let refused = document.set(TABLE, "n", &entry());
    assert!(matches!(refused, Err(DocumentError::DuplicateKey { .. })), "{refused:?}");
}

#[test]
fn a_mistake_is_named_by_its_place() {
    let error = Document::parse(b"{\n  \"a\": 1,\n}", STRICT).expect_err("a trailing comma");
    assert!(matches!(error, DocumentError::Syntax { line: 3, .. }), "{error:?}");
    let error = Document::parse(b"a = 1\nb = = 2\n", Format::Toml).expect_err("two signs");
    assert!(matches!(error, DocumentError::Syntax { line: 2, column: 5, .. }), "{error:?}");
    assert!(matches!(Document::parse(b"{\"a\": \"\xff\"}", STRICT), Err(DocumentError::Encoding { offset: 7 })));
}

#[test]
fn a_million_brackets_are_refused_without_falling_over() {
    let text = format!("{{\"a\": {}", "[".repeat(1_000_000));
    assert!(matches!(Document::parse(text.as_bytes(), STRICT), Err(DocumentError::Syntax { .. })));
}
