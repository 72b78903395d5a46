//! Lossless editing of the apps' files: JSON (with comments or without), TOML and YAML.
//!
//! A [`Document`] is read once and never changes. What is to change comes out as [`Edit`]s, ranges of the original bytes and
//! what replaces them, which are the preview as well: every byte outside of them stays, be it comments, order, indentation,
//! line ends, a byte order mark or keys that nobody knows. Inserted text takes on the file's own line ends and indentation.
//!
//! Every list of edits has been tried on a copy before it is handed out: the result parses, and says what was asked.
//! Nothing here repairs: a text that the app itself would refuse is an error, and so is a key that stands twice at the place
//! of the edit. Nothing here reads or writes files.

mod edit;
mod error;
mod json;
mod toml;
mod yaml;

use serde_json::Value;

pub(crate) use self::edit::between;
pub use self::edit::{Edit, splice};
pub use self::error::DocumentError;
use self::error::owned;
use self::json::Json;
use self::toml::Toml;
use self::yaml::Yaml;

const BOM: &str = "\u{feff}";

/// What an app takes for its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON in a dialect.
    Json(JsonDialect),
    /// TOML.
    Toml,
    /// YAML, with the entries in such a table.
    Yaml(YamlTable),
}

/// How a YAML file holds its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YamlTable {
    /// In a table, by their names.
    Keyed,
    /// In a list of tables, each of which bears its name in this field. A name stands for a key everywhere here.
    Named(&'static str),
}

/// What an app's JSON parser takes beyond RFC 8259.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonDialect {
    /// `//` and `/* */`.
    pub comments: bool,
    /// A comma behind the last member or item.
    pub trailing_commas: bool,
}

impl JsonDialect {
    /// JSON by the letter, as `JSON.parse` takes it.
    pub const STRICT: Self = Self { comments: false, trailing_commas: false };
    /// JSON with comments and trailing commas.
    pub const JSONC: Self = Self { comments: true, trailing_commas: true };
}

/// A file's text, checked.
#[derive(Debug, Clone)]
pub struct Document {
    /// With its byte order mark, if it has one.
    whole: String,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Json(Json),
    Toml(Toml),
    Yaml(Yaml),
}

impl Document {
    /// Checks the bytes of a file. No bytes or nothing but white space is an empty document.
    pub fn parse(bytes: &[u8], format: Format) -> Result<Self, DocumentError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of(text.to_owned(), format),
            Err(error) => Err(DocumentError::Encoding { offset: error.valid_up_to() }),
        }
    }

    fn of(whole: String, format: Format) -> Result<Self, DocumentError> {
        let text = without_mark(&whole);
        let body = match format {
            Format::Json(dialect) => Body::Json(Json::parse(text, dialect)?),
            Format::Toml => Body::Toml(Toml::parse(text)?),
            Format::Yaml(table) => Body::Yaml(Yaml::parse(text, table)?),
        };
        Ok(Self { whole, body })
    }

    /// The original bytes.
    pub fn bytes(&self) -> &[u8] {
        self.whole.as_bytes()
    }

    /// The value at a path of keys, as the app's own parser would see it. The empty path is the whole document.
    ///
    /// Dates of TOML become texts; numbers beyond a float, which JSON has no word for, become null.
    pub fn get(&self, path: &[&str]) -> Option<Value> {
        match &self.body {
            Body::Json(json) => json.get(self.text(), path),
            Body::Toml(toml) => toml.get(path),
            Body::Yaml(yaml) => yaml.get(path),
        }
    }

    /// The names of the members of the table at a path, in file order, each with whether it is a table that has something
    /// under `inner`. Empty where no table is at the path. One walk, however large the members are.
    pub fn keys_with(&self, table: &[&str], inner: &str) -> Vec<(String, bool)> {
        match &self.body {
            Body::Json(json) => json.keys_with(self.text(), table, inner),
            Body::Toml(toml) => toml.keys_with(table, inner),
            // No app with YAML has scopes.
            Body::Yaml(_) => Vec::new(),
        }
    }

    /// The members of the table at a path, in file order. None where it is absent; an error where something else is there.
    pub fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        match &self.body {
            Body::Json(json) => json.entries(self.text(), table),
            Body::Toml(toml) => toml.entries(table),
            Body::Yaml(yaml) => yaml.entries(table),
        }
    }

    /// The edits that make `table[key]` equal `value`, tables on the way included.
    ///
    /// A new member goes behind the last one, in its manner. Of a member that is there, only what differs is changed; one
    /// of another kind, a list where a table is to stand, is refused and not replaced.
    pub fn set(&self, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        let edits = match &self.body {
            Body::Json(json) => json.set(self.text(), table, key, value),
            Body::Toml(toml) => toml.set(self.text(), table, key, value),
            Body::Yaml(yaml) => yaml.set(self.text(), table, key, value),
        }?;
        self.tried(edits, table, key, |now| now.as_ref() == Some(value))
    }

    /// The edits that take `table[key]` out; none where it is absent. The inverse of a [`set`](Self::set) that inserted:
    /// byte for byte where the table had other members, and otherwise all but the table's brackets.
    pub fn remove(&self, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        let edits = match &self.body {
            Body::Json(json) => json.remove(self.text(), table, key),
            Body::Toml(toml) => toml.remove(self.text(), table, key),
            Body::Yaml(yaml) => yaml.remove(self.text(), table, key),
        }?;
        self.tried(edits, table, key, Option::is_none)
    }

    /// The source text of `table[key]`'s value, comments inside it included. In TOML, for an entry with headers of its own,
    /// the lines of its sections; in YAML its lines with the key, or the dash.
    pub fn raw(&self, table: &[&str], key: &str) -> Option<String> {
        match &self.body {
            Body::Json(json) => json.raw(self.text(), table, key),
            Body::Toml(toml) => toml.raw(self.text(), table, key),
            Body::Yaml(yaml) => yaml.raw(self.text(), table, key),
        }
    }

    /// The edits that put a source text from [`raw`](Self::raw) back as `table[key]`'s value, as it is.
    pub fn set_raw(&self, table: &[&str], key: &str, raw: &str) -> Result<Vec<Edit>, DocumentError> {
        let edits = match &self.body {
            Body::Json(json) => json.set_raw(self.text(), table, key, raw),
            Body::Toml(toml) => toml.set_raw(self.text(), table, key, raw),
            Body::Yaml(yaml) => yaml.set_raw(self.text(), table, key, raw),
        }?;
        self.tried(edits, table, key, Option::is_some)
    }

    /// What is parsed: all but the byte order mark.
    fn text(&self) -> &str {
        without_mark(&self.whole)
    }

    /// Tries edits on a copy and moves them behind the byte order mark. TOML has tried its own.
    fn tried(
        &self,
        edits: Vec<Edit>,
        table: &[&str],
        key: &str,
        as_asked: impl Fn(&Option<Value>) -> bool,
    ) -> Result<Vec<Edit>, DocumentError> {
        let path: Vec<&str> = table.iter().copied().chain([key]).collect();
        if let Body::Json(json) = &self.body
            && !edits.is_empty()
            && !json.stands(self.text(), &edits, &path, as_asked)
        {
            return Err(DocumentError::Unsafe { path: owned(&path) });
        }
        let mark = self.whole.len() - self.text().len();
        Ok(edits.into_iter().map(|edit| edit.shifted(mark)).collect())
    }
}

fn without_mark(whole: &str) -> &str {
    whole.strip_prefix(BOM).unwrap_or(whole)
}
