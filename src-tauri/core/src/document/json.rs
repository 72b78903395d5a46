//! Reading JSON with ranges.
//!
//! Comments and trailing commas, where the dialect has them, are blanked out first, byte for byte, so that one strict
//! parser (`serde_json`) judges the text and every range still holds. Then only the objects on the way to an edit are
//! looked at; values between are skipped without a tree, so memory stays at the text's size.

use std::ops::Range;

use serde_json::Value;

use super::text::{BOM, place};
use super::{DocumentError, JsonDialect};

/// A valid JSON text.
#[derive(Debug, Clone)]
pub(super) struct Json {
    pub(super) dialect: JsonDialect,
    /// The original, with its BOM if it has one.
    pub(super) text: String,
    /// Same length; comments and trailing commas are spaces.
    pub(super) strict: String,
}

/// A member of an object.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_start: usize,
    pub(super) value: Range<usize>,
}

impl Json {
    pub(super) fn parse(text: &str, dialect: JsonDialect) -> Result<Self, DocumentError> {
        let body = text.strip_prefix(BOM).unwrap_or(text);
        let head = text.len() - body.len();
        let strict = format!("{}{}", " ".repeat(head), blank(body, dialect));
        let json = Self { dialect, text: text.to_owned(), strict };
        if json.is_blank() {
            return Ok(json);
        }
        let judged = serde_json::from_str::<serde::de::IgnoredAny>(&json.strict[head..]);
        judged.map_err(|error| json.syntax(&error))?;
        let start = json.root();
        if json.strict.as_bytes()[start] != b'{' {
            let found = kind(json.strict.as_bytes()[start]);
            return Err(DocumentError::Shape { path: Vec::new(), expected: "a table", found });
        }
        Ok(json)
    }

    /// Whether there is nothing in it but white space (and, in that dialect, comments).
    pub(super) fn is_blank(&self) -> bool {
        self.strict.bytes().all(|byte| byte.is_ascii_whitespace())
    }

    /// Where the top object begins. Only for texts that are not blank.
    pub(super) fn root(&self) -> usize {
        self.strict.bytes().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0)
    }

    /// The value of a range; the text is known to be valid.
    pub(super) fn value(&self, range: &Range<usize>) -> Value {
        // A number beyond a double's range is valid text but no value of serde_json's.
        serde_json::from_str(&self.strict[range.clone()]).unwrap_or(Value::Null)
    }

    pub(super) fn get(&self, path: &[&str]) -> Option<Value> {
        if self.is_blank() {
            return path.is_empty().then(|| Value::Object(serde_json::Map::new()));
        }
        let mut at = self.root();
        for key in path {
            let members = self.strict.as_bytes().get(at).filter(|byte| **byte == b'{').map(|_| self.members(at))?;
            // Where a key stands twice, the last one counts, as for JSON.parse.
            at = members.into_iter().rev().find(|member| member.key == *key)?.value.start;
        }
        Some(self.value(&(at..self.skip(at))))
    }

    pub(super) fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        let Some(at) = self.find(table)?.1 else { return Ok(Vec::new()) };
        Ok(self.members(at).into_iter().map(|member| (member.key, self.value(&member.value))).collect())
    }

    /// Follows a path of objects as far as it goes: the start of the last object there is and how many keys led to it;
    /// beside it the table itself, if it is there.
    ///
    /// # Errors
    /// `Shape` where something else stands on the way; `DuplicateKey`.
    pub(super) fn find(&self, table: &[&str]) -> Result<((usize, usize), Option<usize>), DocumentError> {
        if self.is_blank() {
            return Ok(((0, 0), None));
        }
        let mut at = self.root();
        for (depth, key) in table.iter().enumerate() {
            let members = self.members(at);
            let Some(member) = self.only(&members, key, &table[..=depth])? else { return Ok(((at, depth), None)) };
            let first = self.strict.as_bytes()[member.value.start];
            if first != b'{' {
                let path = table[..=depth].iter().map(|key| (*key).to_owned()).collect();
                return Err(DocumentError::Shape { path, expected: "a table", found: kind(first) });
            }
            at = member.value.start;
        }
        Ok(((at, table.len()), Some(at)))
    }

    /// The one member of that key.
    pub(super) fn only<'a>(
        &self,
        members: &'a [Member],
        key: &str,
        path: &[&str],
    ) -> Result<Option<&'a Member>, DocumentError> {
        let mut found = members.iter().filter(|member| member.key == key);
        let first = found.next();
        match found.next() {
            Some(second) => Err(DocumentError::DuplicateKey {
                path: path.iter().map(|key| (*key).to_owned()).collect(),
                line: place(&self.text, second.key_start).0,
            }),
            None => Ok(first),
        }
    }

    /// The members of the object that begins at `at`.
    pub(super) fn members(&self, at: usize) -> Vec<Member> {
        let mut members = Vec::new();
        let mut i = self.white(at + 1);
        while self.strict.as_bytes()[i] == b'"' {
            let end = self.string_end(i);
            let key = serde_json::from_str(&self.strict[i..end]).unwrap_or_else(|_| self.strict[i + 1..end - 1].to_owned());
            let colon = self.white(end);
            let start = self.white(colon + 1);
            let value = start..self.skip(start);
            let next = self.white(value.end);
            members.push(Member { key, key_start: i, value });
            i = if self.strict.as_bytes()[next] == b',' { self.white(next + 1) } else { next };
        }
        members
    }

    /// The end of the value that begins at `at`.
    pub(super) fn skip(&self, at: usize) -> usize {
        let bytes = self.strict.as_bytes();
        let mut depth = 0_usize;
        let mut i = at;
        while i < bytes.len() {
            match bytes[i] {
                b'"' => i = self.string_end(i) - 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return i,
                b'}' | b']' => depth -= 1,
                b',' if depth == 0 => return i,
                byte if depth == 0 && byte.is_ascii_whitespace() => return i,
                _ => {}
            }
            i += 1;
            if depth == 0 && matches!(bytes[i - 1], b'"' | b'}' | b']') {
                return i;
            }
        }
        i
    }

    fn string_end(&self, quote: usize) -> usize {
        let bytes = self.strict.as_bytes();
        let mut i = quote + 1;
        while bytes[i] != b'"' {
            i += if bytes[i] == b'\\' { 2 } else { 1 };
        }
        i + 1
    }

    pub(super) fn white(&self, at: usize) -> usize {
        let rest = &self.strict.as_bytes()[at..];
        at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }

    fn syntax(&self, error: &serde_json::Error) -> DocumentError {
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full).to_owned();
        DocumentError::Syntax { line: error.line(), column: error.column().max(1), message }
    }
}

fn kind(first: u8) -> &'static str {
    match first {
        b'{' => "a table",
        b'[' => "a list",
        b'"' => "a text",
        b'n' => "null",
        b't' | b'f' => "a yes or no",
        _ => "a number",
    }
}

/// Turns what the dialect allows beyond the standard into spaces, byte for byte.
fn blank(text: &str, dialect: JsonDialect) -> String {
    if !dialect.comments && !dialect.trailing_commas {
        return text.to_owned();
    }
    let mut bytes = text.as_bytes().to_vec();
    if dialect.comments {
        blank_comments(&mut bytes);
    }
    if dialect.trailing_commas {
        blank_commas(&mut bytes);
    }
    // Only whole comments and single ASCII bytes were replaced.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn blank_comments(bytes: &mut [u8]) {
    let mut i = 0;
    while i < bytes.len() {
        let end = match (bytes[i], bytes.get(i + 1)) {
            (b'"', _) => {
                i = after_string(bytes, i);
                continue;
            }
            (b'/', Some(b'/')) => bytes[i..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |n| i + n),
            (b'/', Some(b'*')) => match bytes[i + 2..].windows(2).position(|pair| pair == b"*/") {
                Some(n) => i + n + 4,
                // Unfinished: left for the parser to refuse.
                None => return,
            },
            _ => {
                i += 1;
                continue;
            }
        };
        for byte in &mut bytes[i..end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        i = end;
    }
}

fn blank_commas(bytes: &mut [u8]) {
    let mut comma = None;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                comma = None;
                i = after_string(bytes, i);
                continue;
            }
            b',' => comma = Some(i),
            b'}' | b']' => {
                if let Some(at) = comma.take().filter(|at| follows_value(bytes, *at)) {
                    bytes[at] = b' ';
                }
            }
            byte if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        i += 1;
    }
}

/// A comma right after an opening bracket or another comma trails nothing.
fn follows_value(bytes: &[u8], comma: usize) -> bool {
    let before = bytes[..comma].iter().rev().find(|byte| !byte.is_ascii_whitespace());
    before.is_some_and(|byte| !matches!(byte, b'{' | b'[' | b',' | b':'))
}

fn after_string(bytes: &[u8], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(bytes.len())
}
