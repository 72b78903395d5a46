//! JSON by example.

use patchbay_core::document::{Document, DocumentError, splice};
use rstest::rstest;
use serde_json::{Value, json};

use super::{JSONC, STRICT, after_remove, after_set, parse, refusal, there_and_back};

const SERVERS: &[&str] = &["mcpServers"];

fn entry() -> Value {
    json!({"command": "/home/me/.patchbay/bin/patchbay", "args": ["bridge", "retently"]})
}

#[test]
fn a_typical_desktop_file_gets_one_more_server() {
    let before = r#"{
  "globalShortcut": "",
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": [
        "-y",
        "server-files"
      ]
    }
  },
  "preferences": {"theme": "dark"}
}
"#;
    let after = r#"{
  "globalShortcut": "",
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": [
        "-y",
        "server-files"
      ]
    },
    "retently": {
      "command": "/home/me/.patchbay/bin/patchbay",
      "args": [
        "bridge",
        "retently"
      ]
    }
  },
  "preferences": {"theme": "dark"}
}
"#;
    assert_eq!(there_and_back(before, STRICT, SERVERS, "retently", &entry()), after);
}

#[test]
fn a_file_without_servers_gets_the_table_behind_its_last_key() {
    let before =
        "{\n  \"numStartups\": 3,\n  \"projects\": {\n    \"/home/me/x\": {\n      \"mcpServers\": {}\n    }\n  }\n}";
    let value = json!({"type": "http", "url": "https://example.com/mcp"});
    let after = "{\n  \"numStartups\": 3,\n  \"projects\": {\n    \"/home/me/x\": {\n      \"mcpServers\": {}\n    }\n  },\n  \"mcpServers\": {\n    \"a\": {\n      \"type\": \"http\",\n      \"url\": \"https://example.com/mcp\"\n    }\n  }\n}";
    assert_eq!(after_set(before, STRICT, SERVERS, "a", &value), after);
    let nested = after_set(before, STRICT, &["projects", "/home/me/x", "mcpServers"], "a", &json!({"url": "u"}));
    assert!(
        nested.contains("      \"mcpServers\": {\n        \"a\": {\n          \"url\": \"u\"\n        }\n      }\n"),
        "{nested}"
    );
}

#[rstest]
#[case::empty("", "{\n  \"t\": {\n    \"k\": {}\n  }\n}\n")]
#[case::blank_line("\r\n", "{\r\n  \"t\": {\r\n    \"k\": {}\r\n  }\r\n}\r\n")]
#[case::mark_only("\u{feff}", "\u{feff}{\n  \"t\": {\n    \"k\": {}\n  }\n}\n")]
#[case::braces("{}", "{\n  \"t\": {\n    \"k\": {}\n  }\n}")]
#[case::empty_table("{\n\t\"t\": {\n\t}\n}", "{\n\t\"t\": {\n\t\t\"k\": {}\n\t}\n}")]
#[case::comment("// mine", "// mine\n{\n  \"t\": {\n    \"k\": {}\n  }\n}\n")]
#[case::comment_inside("{ \"t\": { /* mine */ }\n}", "{ \"t\": { /* mine */\n  \"k\": {}\n }\n}")]
fn empty_places_fill_up(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_set(before, JSONC, &["t"], "k", &json!({})), after);
}

#[rstest]
#[case::four_spaces(
    "{\n    \"t\": {\n        \"a\": {}\n    }\n}",
    "{\n    \"t\": {\n        \"a\": {},\n        \"k\": {\n            \"x\": 1\n        }\n    }\n}"
)]
#[case::tabs_and_crlf(
    "{\r\n\t\"t\": {\r\n\t\t\"a\": 1\r\n\t}\r\n}\r\n",
    "{\r\n\t\"t\": {\r\n\t\t\"a\": 1,\r\n\t\t\"k\": {\r\n\t\t\t\"x\": 1\r\n\t\t}\r\n\t}\r\n}\r\n"
)]
#[case::compact("{\"t\":{\"a\":1}}", "{\"t\":{\"a\":1,\"k\":{\"x\":1}}}")]
#[case::compact_with_spaces("{\"t\": {\"a\": 1}}", "{\"t\": {\"a\": 1, \"k\": {\"x\": 1}}}")]
#[case::one_line_siblings(
    "{\n  \"t\": {\n    \"a\": { \"x\": 0 }\n  }\n}",
    "{\n  \"t\": {\n    \"a\": { \"x\": 0 },\n    \"k\": { \"x\": 1 }\n  }\n}"
)]
#[case::trailing_comma(
    "{\n  \"t\": {\n    \"a\": {}, // about a\n  }\n}",
    "{\n  \"t\": {\n    \"a\": {}, // about a\n    \"k\": {\n      \"x\": 1\n    },\n  }\n}"
)]
#[case::comment_after_last(
    "{\n  \"t\": {\n    \"a\": {} // about, a\n    // the end\n  }\n}",
    "{\n  \"t\": {\n    \"a\": {}, // about, a\n    \"k\": {\n      \"x\": 1\n    }\n    // the end\n  }\n}"
)]
#[case::space_before_colon(
    "{\n  \"t\" : {\n    \"a\" : 1\n  }\n}",
    "{\n  \"t\" : {\n    \"a\" : 1,\n    \"k\" : {\n      \"x\" : 1\n    }\n  }\n}"
)]
fn a_new_member_looks_like_the_others(#[case] before: &str, #[case] after: &str) {
    assert_eq!(there_and_back(before, JSONC, &["t"], "k", &json!({"x": 1})), after);
}

#[test]
fn only_what_differs_is_changed() {
    let before = "{ \"t\": {\n  \"k\": {\n    // which one\n    \"command\": \"old\", /* here */ \"args\": [ 1,2 ],\n    \"gone\": true\n  }\n} }";
    let after = "{ \"t\": {\n  \"k\": {\n    // which one\n    \"command\": \"new\", /* here */ \"args\": [ 1,2 ],\n    \"env\": {\"A\": \"b\"}\n  }\n} }";
    let value = json!({"env": {"A": "b"}, "args": [1, 2], "command": "new"});
    let after_layout = after_set(before, JSONC, &["t"], "k", &value);
    assert_eq!(
        after_layout
            .replace("{\n      \"A\": \"b\"\n    }", "{\"A\": \"b\"}")
            .replace("{\n        \"A\": \"b\"\n      }", "{\"A\": \"b\"}"),
        after
    );
    assert_eq!(
        parse(before, JSONC).set(&["t"], "k", &json!({"gone": true, "args": [1, 2], "command": "old"})),
        Ok(vec![])
    );
}

#[rstest]
#[case::first("{\n  \"k\": 1,\n  \"b\": 2\n}", "{\n  \"b\": 2\n}")]
#[case::middle("{\"a\": 1, \"k\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2}")]
#[case::only("{\n  \"k\": 1\n}", "{}")]
#[case::last_keeps_comments(
    "{\n  \"a\": 1, // about a\n  \"k\": 1 // mine\n}",
    "{\n  \"a\": 1 // about a\n  // mine\n}"
)]
#[case::comment_does_not_swallow_brace("{\n  // first\n  \"k\": 1 }", "{\n  // first\n  }")]
#[case::next_comment_stays("{\n  \"k\": 1, // one\n  // two\n  \"b\": 2\n}", "{\n  // one\n  // two\n  \"b\": 2\n}")]
#[case::odd_space_in_comment_stays("{ \"a\": 1, // x\u{a0}\n  \"k\": 1\n}", "{ \"a\": 1 // x\u{a0}\n}")]
#[case::absent("{\"a\": 1}", "{\"a\": 1}")]
fn a_member_goes_and_the_rest_stays(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_remove(before, JSONC, &[], "k"), after);
}

#[test]
fn keys_compare_by_what_they_mean() {
    let text = r#"{"\u006dcpServers": {"a\/b": {"x": 1}}}"#;
    let document = parse(text, STRICT);
    assert_eq!(document.get(&["mcpServers", "a/b", "x"]), Some(json!(1)));
    assert_eq!(document.raw(SERVERS, "a/b").as_deref(), Some(r#"{"x": 1}"#));
    assert_eq!(after_remove(text, STRICT, SERVERS, "a/b"), r#"{"\u006dcpServers": {}}"#);
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts_but_is_not_edited() {
    let text = "{\n  \"t\": {\"a\": 1},\n  \"o\": {\"x\": 1, \"x\": 2},\n  \"t\": {\"b\": 2}\n}";
    let document = parse(text, STRICT);
    assert_eq!(document.get(&["t"]), Some(json!({"b": 2})));
    assert_eq!(document.get(&["o", "x"]), Some(json!(2)));
    let twice = DocumentError::DuplicateKey { path: vec!["t".to_owned()], line: 4 };
    assert_eq!(document.set(&["t"], "k", &json!({})), Err(twice.clone()));
    assert_eq!(document.remove(&["t"], "a"), Err(twice));
    assert_eq!(
        document.set(&["o"], "x", &json!(3)).map_err(|error| error.code().as_str()),
        Err("file_duplicate_key".to_owned())
    );
    assert_eq!(after_set(text, STRICT, &[], "o", &json!({"y": 3})).matches("\"x\"").count(), 0, "inside, both go");
    assert!(document.set(&["o"], "y", &json!(3)).is_ok(), "a duplicate beside the edit does not matter");
}

#[rstest]
#[case("[]", "a list")]
#[case("null", "null")]
#[case("\"x\"", "a text")]
fn the_root_must_be_an_object(#[case] text: &str, #[case] found: &'static str) {
    assert_eq!(refusal(text, STRICT), DocumentError::Shape { path: vec![], expected: "an object", found });
}

#[test]
fn a_table_must_be_an_object() {
    let document = parse("{\"a\": {\"t\": null}}", STRICT);
    let shape =
        DocumentError::Shape { path: vec!["a".to_owned(), "t".to_owned()], expected: "an object", found: "null" };
    assert_eq!(document.entries(&["a", "t"]), Err(shape.clone()));
    assert_eq!(document.set(&["a", "t"], "k", &json!({})), Err(shape.clone()));
    assert_eq!(document.remove(&["a", "t"], "k"), Err(shape));
    assert_eq!(document.entries(&["b", "t"]), Ok(vec![]));
}

#[rstest]
#[case::comment("{\n  // no\n}", 2, 3)]
#[case::trailing_comma("{\"a\": 1,\n}", 2, 1)]
#[case::single_quotes("{'a': 1}", 1, 2)]
#[case::bare_key("{a: 1}", 1, 2)]
#[case::hexadecimal("{\"a\": 0x1}", 1, 8)]
#[case::not_a_number("{\"a\": NaN}", 1, 7)]
#[case::plus("{\"a\": +1}", 1, 7)]
#[case::leading_zero("{\"a\": 01}", 1, 8)]
#[case::bare_point("{\"a\": 1.}", 1, 9)]
#[case::line_in_text("{\"a\": \"é\n\"}", 1, 7)]
#[case::tab_in_text("{\"é\": \"\t\"}", 1, 8)]
#[case::escape("{\"a\": \"\\x41\"}", 1, 8)]
#[case::odd_space("{\u{a0}}", 1, 2)]
#[case::more("{} {}", 1, 4)]
#[case::unfinished("{\"a\": {", 1, 8)]
#[case::second_mark("\u{feff}{}", 1, 1)]
#[case::mismatched("{\"a\": [1}", 1, 9)]
fn what_json_parse_refuses_is_refused(#[case] text: &str, #[case] line: usize, #[case] column: usize) {
    let text = format!("\u{feff}{text}");
    match refusal(&text, STRICT) {
        DocumentError::Syntax { line: at_line, column: at_column, .. } => {
            assert_eq!((at_line, at_column), (line, column));
        }
        other => panic!("{other}"),
    }
}

#[rstest]
#[case::half_pair("{\"a\": \"\\ud800\"}", json!({"a": "\u{fffd}"}))]
#[case::huge_number("{\"a\": 1e999}", json!({"a": null}))]
#[case::many_digits("{\"a\": 12345678901234567890123}", json!({"a": 12_345_678_901_234_567_890_123_f64}))]
#[case::deleted_character("{\"a\": \"\u{7f}\u{2028}\"}", json!({"a": "\u{7f}\u{2028}"}))]
fn what_json_parse_takes_is_taken(#[case] text: &str, #[case] value: Value) {
    assert_eq!(parse(text, STRICT).get(&[]), Some(value));
}

#[rstest]
#[case("{/**/\"a\"/* \" */:// ,\n1,}", true)]
#[case("{\"a\": [1, /* two */],} // end", true)]
#[case("{,}", false)]
#[case("{\"a\": [,]}", false)]
#[case("{\"a\": 1,,}", false)]
#[case("{\"a\": 1} /* open", false)]
#[case("{\"a\": 1} /", false)]
#[case("{/*/}", false)]
fn comments_and_trailing_commas_have_their_places(#[case] text: &str, #[case] fine: bool) {
    assert_eq!(Document::parse(text.as_bytes(), JSONC).is_ok(), fine);
}

#[test]
fn depth_is_refused_not_suffered() {
    let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refusal(&"[".repeat(1_000_000), STRICT), DocumentError::TooDeep { line: 1, limit: 512 });
    assert_eq!(refusal(&nested(512), STRICT), DocumentError::TooDeep { line: 1, limit: 512 });
    let deep = nested(511);
    assert!(parse(&deep, STRICT).get(&["a"]).is_some());
    assert_eq!(there_and_back(&deep, STRICT, &[], "k", &json!({})).len(), deep.len() + 9);
    let value = (0..600).fold(json!([]), |inner, _| json!([inner]));
    let too_deep = DocumentError::Unsafe { path: vec!["t".to_owned(), "k".to_owned()] };
    assert_eq!(parse("", STRICT).set(&["t"], "k", &value), Err(too_deep), "what could not be read back is not written");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let error = Document::parse(b"{\"a\": \"\xff\"}", STRICT).expect_err("not UTF-8");
    assert_eq!(error, DocumentError::Encoding { offset: 7 });
}

#[test]
fn source_text_goes_back_as_it_was() {
    let before = "{\n  \"t\": {\n    \"a\": 1,\n    \"k\": { // mine\n      \"x\" : 1 },\n    \"b\": 2\n  }\n}";
    let raw = parse(before, JSONC).raw(&["t"], "k").expect("it is there");
    let changed = after_set(before, JSONC, &["t"], "k", &json!({"y": []}));
    let edits = parse(&changed, JSONC).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(super::applied(&changed, &edits), before);
    let gone = after_remove(before, JSONC, &["t"], "k");
    let edits = parse(&gone, JSONC).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(parse(&super::applied(&gone, &edits), JSONC).raw(&["t"], "k"), Some(raw));
    assert!(parse(&gone, JSONC).set_raw(&["t"], "k", "1, \"x\": 2").is_err(), "only one value");
    assert!(
        parse("", JSONC).set_raw(&["t"], "k", "{ }").is_ok_and(|edits| edits[0].replacement.contains("\"k\": { }"))
    );
}

#[test]
fn a_large_file_is_planned_in_passing() {
    let project = "    \"/home/me/project\": {\n      \"history\": [\"a question\", 1, true, null, {}]\n    }";
    let projects = std::iter::repeat_n(project, 40_000).collect::<Vec<_>>().join(",\n");
    let text = format!("{{\n  \"projects\": {{\n{projects}\n  }},\n  \"mcpServers\": {{}}\n}}");
    let document = parse(&text, STRICT);
    let edits = document.set(SERVERS, "k", &entry()).expect("it can be set");
    assert_eq!(edits.len(), 1);
    assert_eq!(splice(text.as_bytes(), &edits).len(), text.len() + edits[0].replacement.len());
}
