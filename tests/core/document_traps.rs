//! Traps, each on every dialect that has it: what a file may be like, and what is refused with its place.

use patchbay_core::document::{Document, DocumentError, Format, JsonDialect, splice};
use rstest::rstest;
use serde_json::{Value, json};

use super::{JSONC, STRICT, after_remove, after_set, parse, refusal, there_and_back};

const COMMENTS: Format = Format::Json(JsonDialect { comments: true, trailing_commas: false });
const TOML: Format = Format::Toml;
const TABLE: &[&str] = &["t"];

fn entry() -> Value {
    json!({"command": "x", "args": ["y"]})
}

/// A file with one entry, indented by tabs.
fn plain(format: Format) -> &'static str {
    match format {
        Format::Json(_) => "{\n\t\"z\": \"é\",\n\t\"t\": {\n\t\t\"a\": {\n\t\t\t\"x\": 1\n\t\t}\n\t}\n}\n",
        Format::Toml => "z = \"é\"\n\n[t.a]\n\tx = 1\n",
        Format::Yaml(_) => unreachable!("YAML has its traps in a file of its own"),
    }
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[rstest]
fn marks_line_ends_tabs_and_missing_line_ends_stay(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values(false, true)] mark: bool,
    #[values("\n", "\r\n")] newline: &str,
    #[values(false, true)] ends: bool,
) {
    let text = if ends { plain(format) } else { plain(format).trim_end() }.replace('\n', newline);
    let text = format!("{}{text}", if mark { "\u{feff}" } else { "" });
    let with = there_and_back(&text, format, TABLE, "k", &entry());
    assert_eq!(with.matches('\u{feff}').count(), usize::from(mark));
    assert_eq!(with.starts_with('\u{feff}'), mark);
    assert_eq!(with.matches('\n').count(), with.matches(newline).count(), "one kind of line end: {with:?}");
    assert_eq!(with.ends_with('\n'), ends);
    assert!(format == TOML || with.contains("\n\t\t\"k\": {"), "by tabs: {with:?}");
    let changed = after_set(&text, format, TABLE, "a", &json!({"x": 2}));
    assert_eq!(changed, text.replace('1', "2"));
}

#[rstest]
fn nothing_is_an_empty_document(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values("", "\n", "\r\n", " \t\n\n", "\u{feff}", "\u{feff}\r\n")] text: &str,
) {
    let document = parse(text, format);
    assert_eq!(document.entries(TABLE), Ok(vec![]));
    assert_eq!(document.remove(TABLE, "k"), Ok(vec![]));
    let with = after_set(text, format, TABLE, "k", &entry());
    assert_eq!(parse(&with, format).entries(TABLE), Ok(vec![("k".to_owned(), entry())]));
    assert_eq!(with.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
}

#[rstest]
fn odd_names_are_names(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values(
        "",
        " ",
        "a.b",
        ".",
        "a\"b",
        "'",
        "a'b\"c",
        "\\",
        "a/b",
        "//",
        "/* x */",
        "#",
        "[x]",
        "]",
        "}",
        ",",
        ":",
        "=",
        "😀",
        "👩\u{200d}🚀",
        "\u{200f}rtl\u{202e}",
        "\u{feff}",
        "\u{a0}",
        "\u{2028}",
        "\t",
        "\r\n",
        "\0",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "__proto__",
        "true",
        "1",
        "k k",
        "e\u{301}"
    )]
    name: &str,
) {
    let with = there_and_back(plain(format), format, TABLE, name, &entry());
    let document = parse(&with, format);
    assert_eq!(document.get(&["t", name]), Some(entry()));
    assert_eq!(document.get(&["t", "a"]), Some(json!({"x": 1})));
    let changed = after_set(&with, format, TABLE, name, &json!({"command": name}));
    assert_eq!(parse(&changed, format).get(&["t", name, "command"]), Some(json!(name)));
    let below = after_set(plain(format), format, &["p", name], "k", &entry());
    assert_eq!(parse(&below, format).entries(&["p", name]), Ok(vec![("k".to_owned(), entry())]));
}

#[rstest]
#[case::table("{\"t\": {},\n\"t\": {\"k\": {}}}", &["t"])]
#[case::entry("{\"t\": {\"k\": {},\n\"\\u006b\": {}}}", &["t", "k"])]
fn in_json_a_key_that_stands_twice_is_not_edited(
    #[values(STRICT, COMMENTS, JSONC)] format: Format,
    #[case] text: &str,
    #[case] keys: &[&str],
) {
    let twice = DocumentError::DuplicateKey { path: path(keys), line: 2 };
    let document = parse(text, format);
    assert_eq!(document.set(TABLE, "k", &entry()), Err(twice.clone()));
    assert_eq!(document.set_raw(TABLE, "k", "{}"), Err(twice.clone()));
    assert_eq!(document.remove(TABLE, "k"), Err(twice));
}

#[rstest]
#[case::table("[t]\n\n[t]\n", 3)]
#[case::entry("[t.k]\n[u]\n[t.k]\n", 3)]
#[case::line_and_header("[t]\nk = {}\n[t.k]\n", 3)]
#[case::braces("t = {}\n[t.k]\n", 2)]
#[case::quoted("t.k.x = 1\n't'.\"k\".x = 2\n", 2)]
fn in_toml_a_key_that_stands_twice_is_a_mistake(#[case] text: &str, #[case] line: usize) {
    let error = refusal(text, TOML);
    assert!(matches!(error, DocumentError::Syntax { line: at, .. } if at == line), "{error}");
}

#[rstest]
#[case::null("null", "null")]
#[case::list("[{\"k\": {}}]", "a list")]
#[case::text("\"{}\"", "a text")]
#[case::number("-0.5e3", "a number")]
#[case::truth("false", "true or false")]
fn json_of_another_kind_is_not_replaced(
    #[values(STRICT, COMMENTS, JSONC)] format: Format,
    #[case] other: &str,
    #[case] found: &'static str,
) {
    let shape = |keys: &[&str]| Some(DocumentError::Shape { path: path(keys), expected: "an object", found });
    let table = parse(&format!("{{\"t\": {other}}}"), format);
    let outer = parse(&format!("{{\"p\": {other}}}"), format);
    let entry_of = parse(&format!("{{\"t\": {{\"k\": {other}}}}}"), format);
    assert_eq!(table.set(TABLE, "k", &entry()).err(), shape(&["t"]));
    assert_eq!(table.set_raw(TABLE, "k", "{}").err(), shape(&["t"]));
    assert_eq!(table.remove(TABLE, "k").err(), shape(&["t"]));
    assert_eq!(table.entries(TABLE).err(), shape(&["t"]));
    assert_eq!(outer.set(&["p", "t"], "k", &entry()).err(), shape(&["p"]));
    assert_eq!(entry_of.set(TABLE, "k", &entry()).err(), shape(&["t", "k"]));
    assert_eq!(entry_of.set_raw(TABLE, "k", "{}").err(), shape(&["t", "k"]));
    assert!(
        parse("{\"t\": {\"k\": {}}}", format).set_raw(TABLE, "k", other).is_err(),
        "nor an object by something else"
    );
    assert_eq!(refusal_of_root(other, format), shape(&[]));
}

fn refusal_of_root(text: &str, format: Format) -> Option<DocumentError> {
    Document::parse(text.as_bytes(), format).err()
}

#[rstest]
#[case::list("[]", "a list")]
#[case::list_of_tables("[{ k = {} }]", "a list")]
#[case::text("'{}'", "a text")]
#[case::number("0x1", "a number")]
#[case::infinity("inf", "a number")]
#[case::truth("true", "true or false")]
#[case::date("2026-11-05", "a date")]
fn toml_of_another_kind_is_not_replaced(#[case] other: &str, #[case] found: &'static str) {
    let shape = |keys: &[&str]| Some(DocumentError::Shape { path: path(keys), expected: "a table", found });
    let table = parse(&format!("t = {other}\n"), TOML);
    assert_eq!(table.set(TABLE, "k", &entry()).err(), shape(&["t"]));
    assert_eq!(table.set_raw(TABLE, "k", "{}").err(), shape(&["t"]));
    assert_eq!(table.remove(TABLE, "k").err(), shape(&["t"]));
    assert_eq!(table.entries(TABLE).err(), shape(&["t"]));
    for entry_of in [format!("[t]\nk = {other}\n"), format!("t.k = {other}\n"), format!("t = {{ k = {other} }}\n")] {
        let entry_of = parse(&entry_of, TOML);
        assert_eq!(entry_of.set(TABLE, "k", &entry()).err(), shape(&["t", "k"]));
        assert_eq!(entry_of.set_raw(TABLE, "k", "{}").err(), shape(&["t", "k"]));
    }
    assert!(parse("[t.k]\n", TOML).set_raw(TABLE, "k", other).is_err(), "nor a table by something else");
}

#[test]
fn lists_of_tables_are_lists() {
    let found = "a list";
    let table = parse("[[t]]\n[t.k]\nx = 1\n", TOML);
    let shape = DocumentError::Shape { path: path(&["t"]), expected: "a table", found };
    assert_eq!(table.set(TABLE, "k", &entry()), Err(shape.clone()));
    assert_eq!(table.remove(TABLE, "k"), Err(shape));
    let entry_of = parse("[[t.k]]\nx = 1\n", TOML).set(TABLE, "k", &entry());
    assert_eq!(entry_of, Err(DocumentError::Shape { path: path(&["t", "k"]), expected: "a table", found }));
}

#[rstest]
#[case::headers("[t.a]\nx = 1\n\n[t.b]\n")]
#[case::quoted_headers("[\"t\".'a']\nx = 1\n")]
#[case::spaced_headers("[ t . a ]\nx = 1\n")]
#[case::header_and_below("[t]\n\n[t.a]\nx = 1\n\n[t.a.env]\ny = 1\n")]
#[case::lines("[t]\na = { x = 1 }\n")]
#[case::dotted_lines("[t]\na.x = 1\na.y = 2\n")]
#[case::dotted("t.a.x = 1\n\"t\".a.y = 2\n[u]\n")]
#[case::braces("t = { a = { x = 1 } }\n[u]\n")]
#[case::braces_with_dots("t = { a.x = 1, 'a'.y = 2 }\n")]
#[case::out_of_order("[t.a.env]\ny = 1\n[u]\n[t.a]\nx = 1\n")]
fn every_form_of_toml_is_edited_in_its_own(#[case] text: &str) {
    there_and_back(text, TOML, TABLE, "k", &entry());
    let changed = after_set(text, TOML, TABLE, "a", &json!({"x": 7}));
    assert_eq!(parse(&changed, TOML).get(&["t", "a"]), Some(json!({"x": 7})));
    assert_eq!(changed.lines().filter(|line| line.contains('u')).count(), text.matches("[u]").count());
    assert_eq!(parse(&after_remove(text, TOML, TABLE, "a"), TOML).get(&["t", "a"]), None);
}

/// Openings without their ends.
const OPENINGS: usize = 1_000_000;

#[rstest]
fn a_million_brackets_are_refused_and_not_suffered(
    #[values(STRICT, COMMENTS, JSONC)] format: Format,
    #[values(("", "[", "]"), ("", "{\"a\":", "}"), ("{\"t\": {\"k\": ", "[", "]"), ("{\"t\": ", "[{\"a\":", "}]"))]
    shape: (&str, &str, &str),
    #[values(false, true)] closed: bool,
) {
    let (before, open, close) = shape;
    let end = if closed { format!("1{}", close.repeat(OPENINGS)) } else { String::new() };
    assert_eq!(
        refusal(&format!("{before}{}{end}", open.repeat(OPENINGS)), format),
        DocumentError::TooDeep { line: 1, limit: 512 }
    );
}

#[rstest]
#[case::lists("a = ", "[", "]", "")]
#[case::braces("a = ", "{a=", "}", "")]
#[case::headers("", "[", "]", "")]
#[case::dots("", "a.", "", "a = 1")]
#[case::dots_in_a_header("[", "a.", "", "a]")]
#[case::dots_in_braces("t = {", "a.", "", "a = 1}")]
#[case::header_of_lists("[[", "a.", "", "a]]")]
fn a_million_levels_of_toml_are_refused_and_not_suffered(
    #[case] before: &str,
    #[case] open: &str,
    #[case] close: &str,
    #[case] end: &str,
    #[values(false, true)] closed: bool,
) {
    let end = if closed { format!("{}{end}", close.repeat(OPENINGS)) } else { String::new() };
    let error = refusal(&format!("{before}{}{end}", open.repeat(OPENINGS)), TOML);
    assert!(matches!(error, DocumentError::Syntax { line: 1, .. } | DocumentError::TooDeep { line: 1, .. }), "{error}");
}

#[rstest]
fn a_file_of_32_mebibytes_is_edited(#[values(STRICT, JSONC)] format: Format) {
    let project = "    \"/home/me/project\": {\n      \"history\": [\"a \\\"question\\\"\", 1, true, null, {}]\n    }";
    let projects = std::iter::repeat_n(project, (32 << 20) / project.len()).collect::<Vec<_>>().join(",\n");
    let text = format!("{{\n  \"projects\": {{\n{projects}\n  }},\n  \"t\": {{\n    \"a\": {{}}\n  }}\n}}");
    let document = parse(&text, format);
    let edits = document.set(TABLE, "k", &entry()).expect("it can be set");
    assert_eq!(edits.len(), 1);
    let with = Document::parse(&splice(text.as_bytes(), &edits), format).expect("well-formed");
    let back = with.remove(TABLE, "k").expect("it can be removed");
    assert!(splice(with.bytes(), &back) == text.as_bytes(), "the same bytes");
}

#[test]
#[ignore = "takes half a minute and two gigabytes"]
fn a_file_of_toml_of_32_mebibytes_is_edited() {
    let project = "[projects.\"/home/me/NNNNNNN\"]\ntrust_level = \"trusted\"\n\n";
    let projects: String =
        (0..(32 << 20) / project.len()).map(|n| project.replace("NNNNNNN", &n.to_string())).collect();
    let text = format!("{projects}[t.a]\nx = 1\n");
    let with = after_set(&text, TOML, TABLE, "k", &entry());
    assert!(after_remove(&with, TOML, TABLE, "k") == text, "the same bytes");
}

#[rstest]
fn bytes_that_are_no_text_are_refused_with_their_place(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values(&[0xff], &[0xc3, b'('], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80], &[0xc3])] wrong: &[u8],
) {
    let at = plain(format).find('1').expect("a number");
    let (before, after) = plain(format).as_bytes().split_at(at);
    let error = Document::parse(&[before, wrong, after].concat(), format).expect_err("not UTF-8");
    assert_eq!(error, DocumentError::Encoding { offset: at });
}

#[rstest]
fn another_encoding_is_refused(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values(u16::to_le_bytes, u16::to_be_bytes)] bytes: fn(u16) -> [u8; 2],
    #[values("", "\u{feff}")] mark: &str,
) {
    let wide: Vec<u8> = format!("{mark}{}", plain(format)).encode_utf16().flat_map(bytes).collect();
    match Document::parse(&wide, format).expect_err("not UTF-8") {
        DocumentError::Encoding { offset } => assert!(offset <= 30, "{offset}"),
        DocumentError::Syntax { line, column, .. } => assert!((1, 1) <= (line, column) && mark.is_empty()),
        other => panic!("{other}"),
    }
}

#[rstest]
fn a_zero_byte_is_a_mistake_with_its_place(
    #[values(STRICT, COMMENTS, JSONC, TOML)] format: Format,
    #[values(("é", "\0", 1), ("1", "1\0", 2), ("a", "a\0", 2))] place: (&str, &str, usize),
) {
    let (old, new, beyond) = place;
    let text = plain(format).replacen(old, new, 1);
    let before = &text[..text.find('\0').expect("a zero byte")];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    match refusal(&text, format) {
        DocumentError::Syntax { line: at_line, column: at_column, .. } => {
            assert_eq!(at_line, line);
            assert!(at_column <= column && column - at_column <= beyond + 1, "{at_column} is not near {column}");
        }
        other => panic!("{other}"),
    }
}

#[rstest]
fn half_a_pair_is_kept_as_it_is(
    #[values(STRICT, COMMENTS, JSONC)] format: Format,
    #[values("\\ud800", "\\udc00", "\\uD83D\\u0041", "\\ud800\\ud800")] half: &str,
) {
    let text = format!("{{\"{half}\": \"{half}\", \"t\": {{\"{half}\": {{}}, \"a\": \"{half}\"}}}}");
    let with = there_and_back(&text, format, TABLE, "k", &entry());
    assert_eq!(with.matches(half).count(), 4, "{with}");
}

#[rstest]
#[case::surrogate("a = \"\\ud800\"", 1)]
#[case::long_surrogate("\na = \"\\U0000d800\"", 2)]
#[case::whole_number("a = 9223372036854775808", 1)]
fn toml_has_no_half_pairs_and_no_endless_numbers(#[case] text: &str, #[case] line: usize) {
    let error = refusal(text, TOML);
    assert!(matches!(error, DocumentError::Syntax { line: at, .. } if at == line), "{error}");
}

#[rstest]
fn huge_numbers_are_kept_as_they_are(
    #[values(STRICT, COMMENTS, JSONC)] format: Format,
    #[values(1, 19, 20, 400)] digits: usize,
) {
    for number in [
        "9".repeat(digits),
        format!("-{}", "9".repeat(digits)),
        format!("0.{}", "1".repeat(digits)),
        format!("1e{}", "9".repeat(digits)),
    ] {
        let text = format!("{{\"n\": {number}, \"t\": {{\"a\": {number}}}}}");
        let with = there_and_back(&text, format, TABLE, "k", &entry());
        assert_eq!(with.matches(&number).count(), 2);
    }
}
