//! YAML by example.

use std::fmt::Write;
use std::time::{Duration, Instant};

use patchbay_core::document::{Document, DocumentError, Format, YamlTable};
use rstest::rstest;
use serde_json::{Value, json};

use super::{after_remove, after_set, applied, parse, refusal};

pub(super) const KEYED: Format = Format::Yaml(YamlTable::Keyed);
pub(super) const NAMED: Format = Format::Yaml(YamlTable::Named("name"));

#[rstest]
#[case::empty("", "t:\n  k:\n    x: 1\n")]
#[case::only_comments("# mine\n\n", "# mine\nt:\n  k:\n    x: 1\n\n")]
#[case::only_a_start("---\n", "---\nt:\n  k:\n    x: 1\n")]
#[case::no_final_newline("a: 1", "a: 1\nt:\n  k:\n    x: 1")]
#[case::ended("a: 1\n...\n", "a: 1\nt:\n  k:\n    x: 1\n...\n")]
#[case::empty_table("t: # mine\nz: 1\n", "t: # mine\n  k:\n    x: 1\nz: 1\n")]
#[case::empty_braces("t: {} # mine\nz: 1\n", "t: # mine\n  k:\n    x: 1\nz: 1\n")]
#[case::its_own_step("t:\n    a:\n        b: 1\n", "t:\n    a:\n        b: 1\n    k:\n        x: 1\n")]
#[case::braces("t: {a: {b: 1}} # end\n", "t: {a: {b: 1}, k: {x: 1}} # end\n")]
#[case::json("{\"t\": {}, \"u\": 1}\n", "{\"t\": {k: {x: 1}}, \"u\": 1}\n")]
#[case::json_without("{\"u\": 1}\n", "{\"u\": 1, t: {k: {x: 1}}}\n")]
#[case::comments_of_the_last(
    "t:\n  a:\n    b: 1\n    # c: 2\n  # d\nz: 1\n",
    "t:\n  a:\n    b: 1\n    # c: 2\n  k:\n    x: 1\n  # d\nz: 1\n"
)]
#[case::behind_a_text(
    "t:\n  a:\n    b: |\n      # no comment\n\n\nz: 1\n",
    "t:\n  a:\n    b: |\n      # no comment\n  k:\n    x: 1\n\n\nz: 1\n"
)]
#[case::behind_a_kept_text("t:\n  a: |+\n    b\n\nz: 1\n", "t:\n  a: |+\n    b\n\n  k:\n    x: 1\nz: 1\n")]
#[case::behind_a_long_text(
    "t:\n  a: b\n    c\n  d: \"e\n\n    f\" # g\n",
    "t:\n  a: b\n    c\n  d: \"e\n\n    f\" # g\n  k:\n    x: 1\n"
)]
#[case::behind_a_reference("u: &u {b: 1}\nt:\n  a: *u\n", "u: &u {b: 1}\nt:\n  a: *u\n  k:\n    x: 1\n")]
#[case::behind_brackets("t:\n  a: [\n    1, # b\n  ]\n", "t:\n  a: [\n    1, # b\n  ]\n  k:\n    x: 1\n")]
fn a_new_entry_looks_like_the_others(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_set(before, KEYED, &["t"], "k", &json!({"x": 1})), after);
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    if before.contains('\n') {
        assert_eq!(after_set(&windows(before), KEYED, &["t"], "k", &json!({"x": 1})), windows(after));
    }
}

#[rstest]
#[case::empty("", "t:\n  - name: k\n    x: 1\n")]
#[case::empty_brackets("t: []\nz: 1\n", "t:\n  - name: k\n    x: 1\nz: 1\n")]
#[case::its_own_place("l:\n- 1\nt: []\n", "l:\n- 1\nt:\n- name: k\n  x: 1\n")]
#[case::flush("t:\n- name: a\nz: 1\n", "t:\n- name: a\n- name: k\n  x: 1\nz: 1\n")]
#[case::apart("t:\n  -\n    name: a\n  -   name: b\n", "t:\n  -\n    name: a\n  -   name: b\n  - name: k\n    x: 1\n")]
#[case::brackets("t: [{name: a}]\n", "t: [{name: a}, {name: k, x: 1}]\n")]
#[case::others("t:\n  - uses: a/b\n  - c\n", "t:\n  - uses: a/b\n  - c\n  - name: k\n    x: 1\n")]
fn a_new_item_looks_like_the_others(#[case] before: &str, #[case] after: &str) {
    assert_eq!(after_set(before, NAMED, &["t"], "k", &json!({"name": "k", "x": 1})), after);
}

#[rstest]
#[case::last_braces(KEYED, "t: # mine\n  k:\n    x: 1\nz: 1\n", "t: {} # mine\nz: 1\n")]
#[case::last_brackets(NAMED, "t:\n- name: k\n  x: 1\nz: 1\n", "t: []\nz: 1\n")]
#[case::in_braces(KEYED, "t: {k: 1, a: 2}\n", "t: {a: 2}\n")]
#[case::alone_in_braces(KEYED, "t: { k: 1 }\n", "t: {}\n")]
#[case::in_brackets(NAMED, "t: [{name: a}, {name: k}, {name: b}]", "t: [{name: a}, {name: b}]")]
#[case::at_the_end(KEYED, "t:\n  a: 1\n  k:\n    x: 1", "t:\n  a: 1")]
#[case::comments_stay(KEYED, "t:\n  # above\n  k: 1 # goes\n  # below\n  a: 1\n", "t:\n  # above\n  # below\n  a: 1\n")]
#[case::absent(KEYED, "t:\n  a: 1\n", "t:\n  a: 1\n")]
fn an_entry_goes_and_the_rest_stays(#[case] format: Format, #[case] before: &str, #[case] after: &str) {
    assert_eq!(after_remove(before, format, &["t"], "k"), after);
}

#[test]
fn only_what_differs_is_changed() {
    let before = "t:\r\n  k:\r\n    cmd: 'old' # keep\r\n    args: [ 'a', # one\r\n      b ]\r\n    gone: yes\r\n    envs:\r\n      A: \"1\" # a\r\n      B: \"2\"\r\n  z: 1\r\n";
    let value = json!({"cmd": "new", "args": ["a", "b"], "envs": {"A": "1", "B": "3"}, "cwd": "/"});
    let after = "t:\r\n  k:\r\n    cmd: new # keep\r\n    args: [ 'a', # one\r\n      b ]\r\n    envs:\r\n      A: \"1\" # a\r\n      B: \"3\"\r\n    cwd: /\r\n  z: 1\r\n";
    let edits = parse(before, KEYED).set(&["t"], "k", &value).expect("it can be set");
    assert_eq!(applied(before, &edits), after);
    assert!(edits.len() >= 4, "what lies between is not part of an edit: {edits:?}");
    assert_eq!(parse(after, KEYED).set(&["t"], "k", &value), Ok(vec![]));
}

#[rstest]
#[case::odd("a.b/\"c\" 😀 ", "t:\n  \"a.b/\\\"c\\\" 😀 \": {}\n")]
#[case::none("", "t:\n  \"\": {}\n")]
#[case::unseen("\u{7f}\u{1}\t\u{feff}\u{2028}", "t:\n  \"\\u007F\\u0001\\t\\uFEFF\\u2028\": {}\n")]
#[case::truth("yes", "t:\n  \"yes\": {}\n")]
#[case::number("0o7", "t:\n  \"0o7\": {}\n")]
#[case::merge("<<", "t:\n  \"<<\": {}\n")]
fn odd_names_are_quoted(#[case] key: &str, #[case] after: &str) {
    assert_eq!(after_set("", KEYED, &["t"], key, &json!({})), after);
}

/// What another version of YAML would take for a truth, a number, a time or nothing.
#[test]
fn text_is_text_in_every_version() {
    let words = [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "true",
        "null",
        "~",
        "",
        "0o7",
        "0x1f",
        "007",
        "1_000",
        "12:30:45",
        "1e3",
        ".inf",
        "2026-11-05",
        "=",
        "<<",
        "- a",
        "a: b",
        "# a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'",
        "a ",
        " a",
        "...",
        "---",
        "?",
        "[",
        "{a",
        "a,b",
        "C:\\Users",
        "a\nb",
    ];
    for word in words {
        let after = after_set("", KEYED, &["t"], "k", &json!({"x": word}));
        let plain = after.lines().nth(2).expect("a third line").trim().trim_start_matches("x: ");
        assert!(plain.starts_with('"'), "{plain}");
        assert_eq!(super::yaml_laws::read(&after)["t"]["k"]["x"], *word);
    }
    assert_eq!(after_set("", KEYED, &["t"], "k", &json!("/home/me/a-b_c.d")), "t:\n  k: /home/me/a-b_c.d\n");
}

#[rstest]
#[case::several_lines("t: {\n  a: 1\n}\n")]
#[case::question("t:\n  ? a\n  : 1\n")]
#[case::shared("u: &u\n  a: 1\nt: *u\n")]
#[case::used_elsewhere("t: &t\n  a: 1\nu: *t\n")]
#[case::indented_by_a_mark("--- !!map\n? t\n: a: 1\n")]
fn what_is_written_in_an_odd_way_is_left_alone(#[case] text: &str) {
    let set = parse(text, KEYED).set(&["t"], "k", &json!({"x": 1}));
    assert!(matches!(set, Err(DocumentError::Unsafe { .. } | DocumentError::Shape { .. })), "{set:?}");
}

#[rstest]
#[case::anchored("t:\n  k: &k\n    x: 2\nu: *k\n")]
#[case::a_reference("u: &u {x: 2}\nt:\n  k: *u\n")]
fn an_entry_that_others_share_is_left_alone(#[case] text: &str) {
    let document = parse(text, KEYED);
    let refused = DocumentError::Unsafe { path: vec!["t".to_owned(), "k".to_owned()] };
    assert_eq!(document.set(&["t"], "k", &json!({"x": 1})), Err(refused.clone()));
    if text.ends_with("*k\n") {
        assert_eq!(document.remove(&["t"], "k"), Err(refused));
    }
}

#[test]
fn tables_must_be_tables_and_lists_lists() {
    let shape = |path: &[&str], expected, found| {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Some(DocumentError::Shape { path, expected, found })
    };
    let document = parse("t: 1\nl: [a]\nn: null\ns: 'x'\n", KEYED);
    assert_eq!(document.entries(&["t"]).err(), shape(&["t"], "a table", "a number"));
    assert_eq!(document.set(&["l"], "k", &json!({})).err(), shape(&["l"], "a table", "a list"));
    assert_eq!(document.set(&["n"], "k", &json!({})).err(), shape(&["n"], "a table", "null"));
    assert_eq!(document.remove(&["s"], "k").err(), shape(&["s"], "a table", "a text"));
    let listed = parse("t: {a: 1}\n", NAMED);
    assert_eq!(listed.set(&["t"], "k", &json!({"name": "k"})).err(), shape(&["t"], "a list", "a table"));
    assert_eq!(refusal("- a\n", KEYED), shape(&[], "a table", "a list").expect("a refusal"));
    assert_eq!(
        listed.set(&["u"], "k", &json!({"name": "other"})).err(),
        Some(DocumentError::Unsafe { path: vec!["u".into(), "k".into()] })
    );
}

#[rstest]
#[case::unclosed("a: [\n", 1, 4)]
#[case::nested("a: 1\r\n b: 2\r\n", 2, 3)]
#[case::tab("a:\n\tb: 1\n", 2, 2)]
#[case::tab_before_a_comment("a: 1\n \t# b\n", 2, 2)]
#[case::unknown("é: *x\n", 1, 4)]
#[case::of_itself("a: &a\n  b: *a\n", 2, 6)]
#[case::two_documents("a: 1\n---\nb: 1\n", 2, 1)]
#[case::reserved("a: @b\n", 1, 4)]
#[case::key("? [a]\n: 1\n", 1, 3)]
#[case::old_line_end("a: 1\rb: 2\n", 1, 5)]
#[case::unseen_line_end("a: 1 # \u{2028}b: 2\n", 1, 8)]
#[case::no_key("a: 1\n: 2\n", 2, 1)]
#[case::second_mark("\u{feff}a: 1", 1, 1)]
fn what_the_apps_refuse_is_refused(#[case] text: &str, #[case] line: usize, #[case] column: usize) {
    match refusal(&format!("\u{feff}{text}"), KEYED) {
        DocumentError::Syntax { line: at_line, column: at_column, .. } => {
            assert_eq!((at_line, at_column), (line, column));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_stands_twice_is_refused() {
    let twice = |path: &[&str], line| DocumentError::DuplicateKey {
        path: path.iter().map(|key| (*key).to_owned()).collect(),
        line,
    };
    assert_eq!(refusal("t:\n  a: 1\n  'a': 2\n", KEYED), twice(&["t", "a"], 3));
    let named = parse("t:\n  - name: k\n  - name: k\n", NAMED);
    assert_eq!(named.set(&["t"], "k", &json!({"name": "k", "x": 1})), Err(twice(&["t", "k"], 3)));
    assert_eq!(named.remove(&["t"], "k"), Err(twice(&["t", "k"], 3)));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(Document::parse(b"a: \xff", KEYED).err(), Some(DocumentError::Encoding { offset: 3 }));
}

#[test]
fn references_cannot_multiply_a_file() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in std::iter::zip('b'..='z', 'a'..) {
        let nine = vec![format!("*{before}"); 9].join(", ");
        writeln!(bomb, "{name}: &{name} [{nine}]").expect("a text takes all");
    }
    assert!(matches!(refusal(&bomb, KEYED), DocumentError::Syntax { line: 6, .. }), "{}", refusal(&bomb, KEYED));
    let mut chain = "a0: &a0 x\n".to_owned();
    for n in 1..5000 {
        writeln!(chain, "a{n}: &a{n} [*a{}]", n - 1).expect("a text takes all");
    }
    assert!(Document::parse(chain.as_bytes(), KEYED).is_err());
}

#[rstest]
#[case("[")]
#[case("{a: ")]
#[case("- ")]
#[case("? ")]
fn depth_is_refused_not_suffered(#[case] opening: &str) {
    let started = Instant::now();
    for text in [opening.repeat(1_000_000), format!("a: {}", opening.repeat(1_000_000))] {
        assert!(Document::parse(text.as_bytes(), KEYED).is_err());
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let value = (0..200).fold(json!([]), |inner, _| json!([inner]));
    let too_deep = DocumentError::Unsafe { path: vec!["t".to_owned(), "k".to_owned()] };
    assert_eq!(parse("", KEYED).set(&["t"], "k", &value), Err(too_deep), "what could not be read back is not written");
}

#[test]
fn a_large_file_is_edited_like_a_small_one() {
    let line = "  # what was said a long time ago, and is kept all the same\n";
    let before = format!("t:\n  a: 1\nlog: |\n{}", line.repeat((32 << 20) / line.len()));
    let after = after_set(&before, KEYED, &["t"], "k", &json!({"x": 1}));
    assert!(after == before.replacen("log:", "  k:\n    x: 1\nlog:", 1));
}

#[rstest]
#[case::lines(KEYED, "t:\n  a: 1\n  k:\n      x: 'y' # z\n\n      l:\n      - 1\n  b: 1\n")]
#[case::braces(KEYED, "t: { a: 1, k: { x: 'y' } }\n")]
#[case::item(NAMED, "t:\n-   name: k # n\n    x: |\n      y\n")]
#[case::kept_blank_lines_at_the_end(KEYED, "t:\n  a: 1\n  k:\n    x: |+\n      y\n\n\n")]
#[case::kept_blank_lines_before_others(KEYED, "t:\r\n  k:\r\n    x: |+\r\n      y\r\n\r\n  b: 1\r\n")]
#[case::an_item_with_kept_blank_lines(NAMED, "t:\n- name: a\n- name: k\n  x: |+\n    y\n\n")]
fn source_text_goes_back_as_it_was(#[case] format: Format, #[case] before: &str) {
    let raw = parse(before, format).raw(&["t"], "k").expect("it is there");
    let changed = after_set(before, format, &["t"], "k", &json!({"name": "k", "z": 1}));
    let edits = parse(&changed, format).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(applied(&changed, &edits), before);
    let gone = after_remove(before, format, &["t"], "k");
    let edits = parse(&gone, format).set_raw(&["t"], "k", &raw).expect("it can be put back");
    assert_eq!(parse(&applied(&gone, &edits), format).raw(&["t"], "k"), Some(raw));
}

#[test]
fn what_is_read_is_what_the_apps_read() {
    let text = "t:\n  a: {d: 2026-11-05, f: .inf, y: 0xff, o: 0o17, t: yes, n: ~, e: }\n  b: !!str 1\nu: &u [1]\nv: *u\n<<: {w: 1}\n";
    let document = parse(text, KEYED);
    let a = json!({"d": "2026-11-05", "f": null, "y": 255, "o": 15, "t": "yes", "n": null, "e": null});
    assert_eq!(document.entries(&["t"]), Ok(vec![("a".to_owned(), a), ("b".to_owned(), json!("1"))]));
    assert_eq!(document.get(&["v"]), Some(json!([1])));
    assert_eq!(document.get(&["w"]), None, "there is no merging");
    assert_eq!(document.entries(&["absent", "too"]), Ok(vec![]));
    let items = parse("t:\n  - name: a\n  - uses: x/y\n  - 1\n", NAMED).entries(&["t"]).expect("a list");
    let names: Vec<_> = items.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "[1]", "[2]"]);
    let value: Value = parse("t:\n  - name: a\n", NAMED).get(&["t", "a"]).expect("by its name");
    assert_eq!(value, json!({"name": "a"}));
}
