//! Lossless editing of the apps' files: JSON with or without comments, and TOML.
//!
//! An edit is a list of (range, replacement) over the original bytes, so every byte outside is kept by construction.
//! A text is accepted exactly where the app's own parser accepts it. A key that stands twice on the way to an edit is
//! refused: parsers disagree about which of the two counts. After each edit the result is parsed again and compared.

mod json;
mod json_edit;
mod text;
mod toml;
mod toml_edits;

use std::ops::Range;

use serde_json::Value;

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json(JsonDialect),
    /// TOML.
    Toml,
}

/// What a JSON reader accepts beyond the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonDialect {
    /// `//` and `/* */`.
    pub comments: bool,
    /// A comma after the last member.
    pub trailing_commas: bool,
}

impl JsonDialect {
    /// The standard, as `JSON.parse` reads it.
    pub const STRICT: Self = Self { comments: false, trailing_commas: false };
    /// With comments and trailing commas.
    pub const JSONC: Self = Self { comments: true, trailing_commas: true };
}

/// One replacement; ranges are of the original bytes, in order, not overlapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// By what.
    pub replacement: String,
}

/// Why a text cannot be read or edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The app's own parser would refuse it.
    #[error("There is a mistake at line {line}, column {column}: {message}.")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else stands where a table is expected.
    #[error("At {} there is {found}, where {expected} belongs.", shown(.path))]
    Shape {
        /// The path of keys.
        path: Vec<String>,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key stands twice at the place of the edit.
    #[error("{} stands twice (line {line}).", shown(.path))]
    DuplicateKey {
        /// The path of keys.
        path: Vec<String>,
        /// The line of the second.
        line: usize,
    },
    /// Not UTF-8.
    #[error("The text is not UTF-8 (byte {offset}).")]
    Encoding {
        /// The first offending byte.
        offset: usize,
    },
    /// The edit's result does not say what it should; nothing was changed.
    #[error("This file is written in a way that cannot be edited safely.")]
    Unsafe,
}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "the top".to_owned() } else { format!("\"{}\"", path.join("\" / \"")) }
}

/// A text that its app can read.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Vec<u8>,
    inner: Inner,
}

#[derive(Debug, Clone)]
enum Inner {
    Json(json::Json),
    Toml(Box<toml::Toml>),
}

impl Document {
    /// Parses by the app's rules. An empty or blank text is an empty table.
    ///
    /// # Errors
    /// What the app's own parser would refuse, with line and column.
    pub fn parse(bytes: &[u8], format: Format) -> Result<Self, DocumentError> {
        let text = std::str::from_utf8(bytes).map_err(|error| DocumentError::Encoding { offset: error.valid_up_to() })?;
        let inner = match format {
            Format::Json(dialect) => Inner::Json(json::Json::parse(text, dialect)?),
            Format::Toml => Inner::Toml(Box::new(toml::Toml::parse(text)?)),
        };
        Ok(Self { bytes: bytes.to_vec(), inner })
    }

    /// The original bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value at a path of keys, as the app's parser sees it.
    pub fn get(&self, path: &[&str]) -> Option<Value> {
        match &self.inner {
            Inner::Json(json) => json.get(path),
            Inner::Toml(toml) => toml.get(path),
        }
    }

    /// The members of the table at a path, in the file's order; none where it is absent.
    ///
    /// # Errors
    /// `Shape` where something else stands there; `DuplicateKey` where a key on the way stands twice.
    pub fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        match &self.inner {
            Inner::Json(json) => json.entries(table),
            Inner::Toml(toml) => toml.entries(table),
        }
    }

    /// The edits that set one member of a table, making the table where it is missing.
    ///
    /// # Errors
    /// `Shape`, `DuplicateKey`, `Unsafe`.
    pub fn set(&self, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        self.checked(table, key, Some(value))
    }

    /// The edits that take one member out of a table; none where it is absent.
    ///
    /// # Errors
    /// `Shape`, `DuplicateKey`, `Unsafe`.
    pub fn remove(&self, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        self.checked(table, key, None)
    }

    /// Makes the edits and proves on the result that they do what they should, and nothing else in the table.
    fn checked(&self, table: &[&str], key: &str, value: Option<&Value>) -> Result<Vec<Edit>, DocumentError> {
        let before = self.entries(table)?;
        let edits = match (&self.inner, value) {
            (Inner::Json(json), Some(value)) => json_edit::set(json, table, key, value)?,
            (Inner::Json(json), None) => json_edit::remove(json, table, key)?,
            (Inner::Toml(toml), Some(value)) => toml.set(table, key, value)?,
            (Inner::Toml(toml), None) => toml.remove(table, key)?,
        };
        let format = match &self.inner {
            Inner::Json(json) => Format::Json(json.dialect),
            Inner::Toml(_) => Format::Toml,
        };
        let after = Self::parse(&splice(&self.bytes, &edits), format).map_err(|_| DocumentError::Unsafe)?;
        let after = after.entries(table).map_err(|_| DocumentError::Unsafe)?;
        let others = |entries: &[(String, Value)]| {
            entries.iter().filter(|(name, _)| name != key).cloned().collect::<Vec<_>>()
        };
        let now = after.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        if now == value && others(&before) == others(&after) { Ok(edits) } else { Err(DocumentError::Unsafe) }
    }
}

/// The bytes with the edits made.
pub fn splice(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let grown: usize = edits.iter().map(|edit| edit.replacement.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() + grown);
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(&bytes[at..edit.range.start]);
        out.extend_from_slice(edit.replacement.as_bytes());
        at = edit.range.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}
