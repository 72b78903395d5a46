//! TOML by example.

use patchbay_core::document::{Document, DocumentError, Format};
use rstest::rstest;
use serde_json::{Value, json};

use super::{after_remove, after_set, applied, parse, refusal, there_and_back};

const SERVERS: &[&str] = &["mcp_servers"];

fn entry() -> Value {
    json!({"command": "C:\\Users\\me\\patchbay.exe", "args": ["bridge", "retently"], "env": {"A": "b", "c d": "é\n"}, "startup_timeout_sec": 30.0})
}

const CODEX: &str = r#"#:schema https://example.com/config.json
model = "gpt-5"      # the big one
approval_policy = 'on-request'

# My servers
[mcp_servers.files]
command = "npx"
args = ["-y", "server-files"]
# env = { DEBUG = "1" }

# Trusted
[projects."/home/me/x"]
trust_level = "trusted"
"#;

#[test]
fn a_typical_codex_file_gets_one_more_server() {
    let after = r#"#:schema https://example.com/config.json
model = "gpt-5"      # the big one
approval_policy = 'on-request'

# My servers
[mcp_servers.files]
command = "npx"
args = ["-y", "server-files"]
# env = { DEBUG = "1" }

[mcp_servers.retently]
command = "C:\\Users\\me\\patchbay.exe"
args = ["bridge", "retently"]
env = { A = "b", "c d" = "é\n" }
startup_timeout_sec = 30.0

# Trusted
[projects."/home/me/x"]
trust_level = "trusted"
"#;
    assert_eq!(there_and_back(CODEX, Format::Toml, SERVERS, "retently", &entry()), after);
    let windows = format!("\u{feff}{}", CODEX.replace('\n', "\r\n"));
    let expected = format!("\u{feff}{}", after.replace('\n', "\r\n"));
    assert_eq!(there_and_back(&windows, Format::Toml, SERVERS, "retently", &entry()), expected);
}

#[rstest]
#[case::empty("", "[t.k]\nx = 1\n")]
#[case::no_final_newline("a = 1", "a = 1\n\n[t.k]\nx = 1")]
#[case::blank_end("a = 1\n\n\n", "a = 1\n\n[t.k]\nx = 1\n\n\n")]
#[case::only_a_header("[t]\n# mine\n", "[t]\n# mine\n\n[t.k]\nx = 1\n")]
#[case::dotted("t.a.x = 0\nt.b.x = 0 # b\nz = 1\n\n[u]\n", "t.a.x = 0\nt.b.x = 0 # b\nt.k = { x = 1 }\nz = 1\n\n[u]\n")]
#[case::lines("[t]\n  a = { x = 0 }\n\n[u]\n", "[t]\n  a = { x = 0 }\n  k = { x = 1 }\n\n[u]\n")]
#[case::braces("t = { a = { x = 0 } } # end\n", "t = { a = { x = 0 }, k = { x = 1 } } # end\n")]
#[case::empty_braces("t = {}", "t = { k = { x = 1 } }")]
#[case::braces_over_lines("t = {\n  a = 1, # a\n}\n", "t = {\n  a = 1, k = { x = 1 }, # a\n}\n")]
#[case::quoted("[\"t\".a]\nx = 0\n[ 't' . b ]\nx = 0\n", "[\"t\".a]\nx = 0\n[ 't' . b ]\nx = 0\n\n[t.k]\nx = 1\n")]
#[case::comment_of_the_next("[t.a]\n# about u\n[u]\n", "[t.a]\n\n[t.k]\nx = 1\n# about u\n[u]\n")]
#[case::apart(
    "[t.a]\n[u]\n# for a\n[t.a.env]\nX = '1'\n[v]\n",
    "[t.a]\n[u]\n# for a\n[t.a.env]\nX = '1'\n\n[t.k]\nx = 1\n[v]\n"
)]
fn a_new_entry_looks_like_the_others(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_set(before, Format::Toml, &["t"], "k", &json!({"x": 1})), after);
    if before != "t = {}" {
        assert_eq!(after_remove(after, Format::Toml, &["t"], "k"), before);
    }
}

#[rstest]
#[case::odd("a.b/\"c\" 😀\u{200f}", "[t.\"a.b/\\\"c\\\" 😀\u{200f}\"]\n")]
#[case::none("", "[t.\"\"]\n")]
#[case::control("\u{7f}\u{1}\t", "[t.\"\\u007F\\u0001\\t\"]\n")]
fn odd_names_are_quoted(#[case] key: &str, #[case] after: &str) {
    assert_eq!(there_and_back("", Format::Toml, &["t"], key, &json!({})), after);
}

#[test]
fn only_what_differs_is_changed() {
    let before = "[t.k]\r\ncommand = 'old' # keep\r\nargs = [ 'a', # one\r\n  'b' ]\r\ngone = true\r\n\r\n[other]\r\n\r\n[t.k.env]\r\nA = \"1\" # a\r\nB = \"2\"\r\n";
    let value = json!({"command": "new", "args": ["a", "b"], "env": {"A": "1", "B": "3"}, "cwd": "/"});
    let after = "[t.k]\r\ncommand = \"new\" # keep\r\nargs = [ 'a', # one\r\n  'b' ]\r\ncwd = \"/\"\r\n\r\n[other]\r\n\r\n[t.k.env]\r\nA = \"1\" # a\r\nB = \"3\"\r\n";
    let edits = parse(before, Format::Toml).set(&["t"], "k", &value).expect("it can be set");
    assert_eq!(applied(before, &edits), after);
    assert!(edits.len() >= 3, "what lies between is not part of an edit: {edits:?}");
    assert_eq!(parse(after, Format::Toml).set(&["t"], "k", &value), Ok(vec![]));
}

#[rstest]
#[case::dotted("t.k.a = 1\nt.k.b = 2\n", json!({"b": 3, "c": {"d": 1}}), "t.k.b = 3\nt.k.c = { d = 1 }\n")]
#[case::dotted_to_empty("t.k.a = 1\nz = 1\n", json!({}), "z = 1\n\n[t.k]\n")]
#[case::braces("t = { k = { a = 1, b.c = 2 } }", json!({"b": {"c": 3, "d": 4}}), "t = { k = { b.c = 3, b.d = 4 } }")]
#[case::header("[t.k]\na = 1\n[t.k.s]\nb = 1\n", json!({"s": "now a text"}), "[t.k]\ns = \"now a text\"\n")]
#[case::list_of_tables("[t.k]\na = 1\n[[t.k.l]]\nb = 1\n", json!({"a": 1, "l": [{"b": 2}]}), "[t.k]\na = 1\nl = [{ b = 2 }]\n")]
fn an_entry_changes_in_its_own_form(#[case] before: &str, #[case] value: Value, #[case] after: &str) {
    assert_eq!(after_set(before, Format::Toml, &["t"], "k", &value), after);
}

#[rstest]
#[case::first("[t.k]\na = 1\n\n[u]\n", "[u]\n")]
#[case::scattered("[t.k]\na = 1\n\n[u]\n\n[t.k.env]\nb = 1\n[v]\n", "[u]\n[v]\n")]
#[case::with_its_lists("[u]\n\n[t.k]\n[[t.k.l]]\na = 1\n[[t.k.l]]\n\n[v]\n", "[u]\n\n[v]\n")]
#[case::comments_stay("# above\n[t.k]\na = 1 # goes\n# below\n", "# above\n# below\n")]
#[case::dotted("t.k.a = 1\nx = 1\nt.k.b = 1\nt.l = {}", "x = 1\nt.l = {}")]
#[case::beside_comments("t = {\n  a = 1, # a\n  k = 1, # k\n}\n", "t = {\n  a = 1, # a\n   # k\n}\n")]
#[case::in_braces("t = { k.a = 1, x = 1, k.b = 2 }", "t = { x = 1 }")]
#[case::absent("x = 1", "x = 1")]
fn an_entry_goes_and_the_rest_stays(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_remove(before, Format::Toml, &["t"], "k"), after);
}

#[test]
fn what_is_read_is_in_file_order() {
    let text = "[t.b.env]\nX = 1\n[t.a]\nd = 2026-11-05\nf = inf\n[t.b]\ny = 0xff\n";
    let document = parse(text, Format::Toml);
    let entries = vec![
        ("a".to_owned(), json!({"d": "2026-11-05", "f": null})),
        ("b".to_owned(), json!({"env": {"X": 1}, "y": 255})),
    ];
    assert_eq!(document.entries(&["t"]), Ok(entries), "by their own headers");
    assert_eq!(document.entries(&["absent", "too"]), Ok(vec![]));
}

#[test]
fn tables_must_be_tables_and_values_expressible() {
    let document = parse("t = 1\n[[l]]\n", Format::Toml);
    let shape = |path: &[&str], found| {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Some(DocumentError::Shape { path, expected: "a table", found })
    };
    assert_eq!(document.entries(&["t"]).err(), shape(&["t"], "a number"));
    assert_eq!(document.set(&["l"], "k", &json!({})).err(), shape(&["l"], "a list"));
    let null = document.set(&["u"], "k", &json!({"a": [null]})).expect_err("there is no null");
    assert!(
        matches!(&null, DocumentError::Shape { path, found: "null", .. } if path == &["u", "k", "a", "0"]),
        "{null}"
    );
}

#[rstest]
#[case::twice("a = 1\na = 2\n", 2, 1)]
#[case::twice_by_header("[a.b]\n[a]\nb = 1\n", 3, 1)]
#[case::no_value("a = 1\r\nb =\r\n", 2, 4)]
#[case::second_mark("\u{feff}a = 1", 1, 1)]
fn what_toml_refuses_is_refused(#[case] text: &str, #[case] line: usize, #[case] column: usize) {
    match refusal(&format!("\u{feff}{text}"), Format::Toml) {
        DocumentError::Syntax { line: at_line, column: at_column, .. } => {
            assert_eq!((at_line, at_column), (line, column));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn depth_is_refused_not_suffered() {
    assert!(Document::parse(format!("a = {}", "[".repeat(100_000)).as_bytes(), Format::Toml).is_err());
    assert!(Document::parse(format!("a = {}", "{a=".repeat(100_000)).as_bytes(), Format::Toml).is_err());
    let value = (0..600).fold(json!([]), |inner, _| json!([inner]));
    let too_deep = DocumentError::Unsafe { path: vec!["t".to_owned(), "k".to_owned()] };
    assert_eq!(
        parse("", Format::Toml).set(&["t"], "k", &value),
        Err(too_deep),
        "what could not be read back is not written"
    );
}

#[rstest]
#[case::sections("x = 1\n\n[t.k]\na = 1 # a\n\n[t.k.env]\nb = 'c'\n")]
#[case::braces("t = { a = 1, k = { x = 'y' } }\n")]
#[case::line("[t]\na = {}\nk = { x = 'y' } # end\n")]
fn source_text_goes_back_as_it_was(#[case] before: &str) {
    let raw = parse(before, Format::Toml).raw(&["t"], "k").expect("it is there");
    let changed = after_set(before, Format::Toml, &["t"], "k", &json!({"z": 1}));
    let edits = parse(&changed, Format::Toml).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(applied(&changed, &edits), before);
    let gone = after_remove(before, Format::Toml, &["t"], "k");
    let edits = parse(&gone, Format::Toml).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(parse(&applied(&gone, &edits), Format::Toml).raw(&["t"], "k"), Some(raw));
}
