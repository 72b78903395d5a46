//! What must hold for any bytes whatever, whether they are a file or not. The fuzz targets and the ordinary tests run
//! these same functions; each panics where a law is broken.

use patchbay_core::document::{Document, DocumentError, Edit, Format, JsonDialect, YamlTable, splice};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// Short names, so that chance finds them.
const TABLE: &[&str] = &["t"];
const KEY: &str = "k";

const STRICT: Format = Format::Json(JsonDialect::STRICT);
const JSONC: Format = Format::Json(JsonDialect::JSONC);

/// Strict JSON: taken exactly where another parser takes it, read as that reads it, edited by the laws.
pub(crate) fn json(bytes: &[u8]) {
    let ours = Document::parse(bytes, STRICT);
    if let Some(text) = text(bytes) {
        judged(text, &ours);
    }
    laws(bytes, STRICT, ours);
}

/// JSON with comments: holds all of strict JSON, and is strict JSON once comments and trailing commas are gone.
pub(crate) fn jsonc(bytes: &[u8]) {
    let ours = Document::parse(bytes, JSONC);
    if let Ok(strict) = Document::parse(bytes, STRICT) {
        let ours = ours.as_ref().expect("the wider dialect holds the narrower one");
        assert_eq!(ours.get(&[]), strict.get(&[]), "one reading in both dialects");
    }
    match text(bytes).map(|text| without_comments(text, true)) {
        Some(Some(plain)) => judged(&plain, &ours),
        Some(None) => assert!(ours.is_err(), "a comment that does not end"),
        None => {}
    }
    laws(bytes, JSONC, ours);
}

/// Compares with what another parser makes of strict JSON.
fn judged(plain: &str, ours: &Result<Document, DocumentError>) {
    if plain.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return assert!(ours.is_ok(), "an empty file is an empty document");
    }
    let judge = serde_json::from_str::<IgnoredAny>(plain);
    // An app wants an object, and no app writes hundreds of levels: both are refused on top of what JSON is.
    match ours {
        Err(DocumentError::Shape { .. }) => assert!(judge.is_ok(), "a list or a scalar, and well-formed"),
        Err(DocumentError::TooDeep { .. }) => {}
        _ => assert_eq!(ours.is_ok(), judge.is_ok(), "ours: {:?}, the judge: {judge:?}", ours.as_ref().err()),
    }
    if let (Ok(ours), Ok(judge)) = (ours, serde_json::from_str::<Value>(plain)) {
        assert!(ours.get(&[]).is_some_and(|ours| alike(&ours, &judge)), "read differently: {judge}");
    }
}

/// TOML: taken exactly where another parser takes it, read as that reads it, edited by the laws.
pub(crate) fn toml(bytes: &[u8]) {
    let ours = Document::parse(bytes, Format::Toml);
    if let Some(text) = text(bytes).filter(|text| !text.starts_with('\u{feff}')) {
        let judge = toml::from_str::<toml::Table>(text);
        assert_eq!(ours.is_ok(), judge.is_ok(), "ours: {:?}, the judge: {:?}", ours.as_ref().err(), judge.err());
        if let (Ok(ours), Ok(judge)) = (&ours, judge) {
            let judge = as_json(&toml::Value::Table(judge));
            assert!(ours.get(&[]).is_some_and(|ours| alike(&ours, &judge)), "read differently: {judge}");
        }
    }
    laws(bytes, Format::Toml, ours);
}

/// YAML: edited by the laws, in tables with keys and in lists of tables that bear their names.
pub(crate) fn yaml(bytes: &[u8]) {
    laws(bytes, Format::Yaml(YamlTable::Keyed), Document::parse(bytes, Format::Yaml(YamlTable::Keyed)));
    let named = Format::Yaml(YamlTable::Named("n"));
    if let Ok(document) = Document::parse(bytes, named) {
        named_laws(bytes, &document, named);
    }
}

/// An item is put in and taken out again, and all else stays.
fn named_laws(bytes: &[u8], document: &Document, format: Format) {
    let new = json!({"n": KEY, "x": [1, "\u{e9}\n"]});
    let Ok(edits) = document.set(TABLE, KEY, &new) else { return };
    let with = Document::parse(&splice(bytes, &edits), format).expect("an edited file is still one");
    let named = |document: &Document| document.entries(TABLE).unwrap_or_default();
    let ours = |entries: &[(String, Value)]| entries.iter().filter(|(name, _)| name == KEY).count();
    assert_eq!(ours(&named(&with)), 1, "it stands there once");
    let others = |document: &Document| named(document).into_iter().filter(|(name, _)| name != KEY).collect::<Vec<_>>();
    assert_eq!(others(&with), others(document), "the others stay");
    if ours(&named(document)) == 0 {
        let out = with.remove(TABLE, KEY).expect("what was put in can be taken out");
        let back = splice(with.bytes(), &out);
        if others(document).is_empty() {
            let _ = Document::parse(&back, format).expect("an edited file is still one");
        } else {
            assert_eq!(String::from_utf8_lossy(&back), String::from_utf8_lossy(bytes), "without a trace");
        }
    }
}

/// The bytes as text behind a byte order mark.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Equal, but for the last digits of a float: the judges round them differently.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            (a - b).abs() <= a.abs() * 1e-14 + f64::MIN_POSITIVE
        }
        _ => a == b,
    }
}

/// A value of TOML as JSON: dates as texts, numbers that JSON has no word for as null.
fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(truth) => Value::from(*truth),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
    }
}

/// Takes out comments, and trailing commas where the dialect has them; slowly, and knowing nothing of the editor. None
/// where a comment does not end. Text that is not well-formed stays so.
pub(crate) fn without_comments(text: &str, trailing_commas: bool) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let comment = rest.starts_with("//") || rest.starts_with("/*");
        let length = match first {
            '"' => string_length(rest),
            '/' if rest.starts_with("//") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '/' if comment => rest[2..].find("*/")? + 4,
            other => other.len_utf8(),
        };
        if trailing_commas && matches!(first, '}' | ']') {
            drop_last_comma(&mut out);
        }
        out.push_str(if comment { " " } else { &rest[..length] });
        rest = &rest[length..];
    }
    Some(out)
}

/// Takes the comma off the end, if it follows a value.
fn drop_last_comma(out: &mut String) {
    const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
    let Some(before) = out.trim_end_matches(BLANK).strip_suffix(',') else { return };
    if !before.trim_end_matches(BLANK).ends_with(['{', '[', ',', ':']) && !before.trim_end_matches(BLANK).is_empty() {
        out.truncate(before.len());
    }
}

/// The length of a string token, quotes included; all that is left where it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = true;
    let end = text.bytes().position(|byte| {
        let closing = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closing
    });
    // The opening quote does not count as closing because of the first state.
    end.map_or(text.len(), |end| end + 1)
}

/// The laws of editing, which are the same in every format.
fn laws(bytes: &[u8], format: Format, parsed: Result<Document, DocumentError>) {
    let document = match parsed {
        Ok(document) => document,
        Err(error) => return placed(bytes, &error),
    };
    assert_eq!(document.bytes(), bytes, "parse and print");
    let case = Case { bytes, format, whole: document.get(&[]).unwrap_or_else(|| json!({})), document };
    case.set();
    case.remove();
}

/// A refusal names a place that is in the text.
fn placed(bytes: &[u8], error: &DocumentError) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match error {
        DocumentError::Syntax { line, column, .. } => {
            assert!((1..=lines).contains(line) && (1..=bytes.len() + 1).contains(column), "{error}");
        }
        // YAML forbids doubled keys everywhere in a file.
        DocumentError::TooDeep { line, .. } | DocumentError::DuplicateKey { line, .. } => {
            assert!((1..=lines).contains(line), "{error}");
        }
        DocumentError::Encoding { offset } => assert!(*offset < bytes.len(), "{error}"),
        DocumentError::Shape { path, .. } => assert!(path.is_empty(), "{error}"),
        _ => panic!("not a refusal of a whole file: {error}"),
    }
}

struct Case<'a> {
    bytes: &'a [u8],
    format: Format,
    document: Document,
    whole: Value,
}

impl Case<'_> {
    /// Whether the format has ways of writing in which nothing can be put in; that is found out by trying, and refused.
    fn may_refuse(&self) -> bool {
        !matches!(self.format, Format::Json(_))
    }

    fn parse(&self, bytes: &[u8]) -> Document {
        Document::parse(bytes, self.format).expect("an edited file is still one")
    }

    /// The bytes after some edits; none where the edit was refused for a reason that may be given.
    fn edited(&self, document: &Document, edits: Result<Vec<Edit>, DocumentError>) -> Option<Vec<u8>> {
        match edits {
            Ok(edits) => {
                in_order(document.bytes(), &edits);
                Some(splice(document.bytes(), &edits))
            }
            Err(DocumentError::Unsafe { .. }) if self.may_refuse() => None,
            Err(DocumentError::Shape { .. } | DocumentError::DuplicateKey { .. }) => None,
            Err(other) => panic!("a refusal without a reason: {other}"),
        }
    }

    fn table(&self) -> Option<&Map<String, Value>> {
        self.whole.get(TABLE[0])?.as_object()
    }

    fn old(&self) -> Option<&Value> {
        self.table()?.get(KEY)
    }

    fn set(&self) {
        let new = json!({"x": [1, "\u{e9}\n"]});
        let edits = self.document.set(TABLE, KEY, &new);
        let ours = edits.clone().unwrap_or_default();
        assert!(edits.is_err() || self.old().is_none_or(Value::is_object), "nothing of another kind is replaced");
        let Some(with) = self.edited(&self.document, edits) else { return };
        let after = self.parse(&with);
        assert_eq!(after.get(&[]), Some(self.with(Some(&new))), "only the entry changes");
        assert_eq!(after.set(TABLE, KEY, &new), Ok(Vec::new()), "once is enough");
        match self.document.raw(TABLE, KEY) {
            Some(raw) => self.put_back(&after, &raw),
            // An entry that does not stand on lines of its own has no source text to go back to.
            None if self.old().is_some() => assert!(matches!(self.format, Format::Yaml(_)), "what is there has a text"),
            None => self.take_back(&after, &ours),
        }
    }

    /// What was there comes back.
    fn put_back(&self, after: &Document, raw: &str) {
        let Some(back) = self.edited(after, after.set_raw(TABLE, KEY, raw)) else { return };
        assert_eq!(self.parse(&back).get(&[]), Some(self.whole.clone()), "the old entry is back");
        if !self.may_refuse() {
            assert_eq!(back, self.bytes, "in the same bytes");
        }
    }

    /// What was not there goes again, also when somebody else has added something in between.
    fn take_back(&self, after: &Document, ours: &[Edit]) {
        let Some(back) = self.edited(after, after.remove(TABLE, KEY)) else {
            // Odd YAML, with tags and the like beside the entry, is refused then, and never guessed at.
            return assert!(matches!(self.format, Format::Yaml(_)), "what was put in can be taken out");
        };
        let had_others = self.table().is_some_and(|table| !table.is_empty());
        assert_eq!(tidy(self.parse(&back).get(&[])), tidy(Some(self.whole.clone())), "the entry is gone");
        if !had_others {
            return;
        }
        assert_eq!(String::from_utf8_lossy(&back), String::from_utf8_lossy(self.bytes), "without a trace");
        let theirs = after.set(&["o"], "z", &json!(1)).unwrap_or_default();
        let Some(alone) = without(&theirs, ours) else { return };
        let both = self.parse(&splice(after.bytes(), &theirs));
        let undone = self.edited(&both, both.remove(TABLE, KEY)).expect("what was put in can be taken out");
        let alone = splice(self.bytes, &alone);
        assert_eq!(String::from_utf8_lossy(&undone), String::from_utf8_lossy(&alone), "theirs alone stays");
    }

    fn remove(&self) {
        let Some(without) = self.edited(&self.document, self.document.remove(TABLE, KEY)) else { return };
        assert_eq!(without == self.bytes, self.old().is_none(), "nothing happens where there is nothing to remove");
        assert_eq!(tidy(self.parse(&without).get(&[])), tidy(Some(self.with(None))), "only the entry goes");
    }

    /// The whole document with another entry.
    fn with(&self, new: Option<&Value>) -> Value {
        let mut whole = self.whole.clone();
        let Some(root) = whole.as_object_mut() else { return whole };
        let table = root.entry(TABLE[0]).or_insert_with(|| json!({}));
        match new {
            Some(new) => table[KEY] = new.clone(),
            None => drop(table.as_object_mut().and_then(|table| table.shift_remove(KEY))),
        }
        whole
    }
}

/// The same edits as `theirs`, which were made behind `ours`, in a text that has never had ours. None where they touch.
pub(crate) fn without(theirs: &[Edit], ours: &[Edit]) -> Option<Vec<Edit>> {
    let moved = |mut at: usize| {
        for edit in ours {
            if at < edit.range.start {
                break;
            }
            if at <= edit.range.start + edit.replacement.len() {
                return None;
            }
            at = at + edit.range.len() - edit.replacement.len();
        }
        Some(at)
    };
    let edit = |edit: &Edit| {
        let range = moved(edit.range.start)?..moved(edit.range.end)?;
        Some(Edit { range, replacement: edit.replacement.clone() })
    };
    theirs.iter().map(edit).collect()
}

/// Edits are in order, inside the text, and between characters.
fn in_order(bytes: &[u8], edits: &[Edit]) {
    let text = std::str::from_utf8(bytes).expect("a document is text");
    let mut done = 0;
    for edit in edits {
        let (start, end) = (edit.range.start, edit.range.end);
        assert!(done <= start && start <= end && end <= bytes.len(), "{edits:?}");
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{edits:?}");
        done = end;
    }
}

/// A table may stay behind empty, or go with its last entry. In YAML nothing at all is an empty table as well.
fn tidy(whole: Option<Value>) -> Value {
    let mut whole = whole.unwrap_or_else(|| json!({}));
    let emptied =
        whole.get(TABLE[0]).is_some_and(|table| table.is_null() || table.as_object().is_some_and(Map::is_empty));
    if let (true, Some(root)) = (emptied, whole.as_object_mut()) {
        root.shift_remove(TABLE[0]);
    }
    whole
}
