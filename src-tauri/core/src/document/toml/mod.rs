//! TOML: parsed with its spans, edited in the text itself.
//!
//! Printing the parsed document would lose line ends of two characters, the way a table's name is quoted in each of its
//! headers, and the order of dotted keys. So nothing is printed but what is new. Every list of edits has been tried: the text
//! after it was parsed, and differs from the one before at the place of the edit and nowhere else.

mod edit;
mod place;
mod read;
mod write;

use serde_json::Value;

use self::edit::Content;
use self::place::Pieces;
use super::edit::{Edit, apply, between};
use super::error::{DocumentError, owned};

/// A parsed text. Spans are ranges of the text without its byte order mark.
#[derive(Debug, Clone)]
pub(super) struct Toml {
    parsed: toml_edit::Document<String>,
}

impl Toml {
    /// Parses a text.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        // The parser would skip another byte order mark.
        if text.starts_with(super::BOM) {
            return Err(DocumentError::syntax(text, 0, "a second byte order mark"));
        }
        let parsed = toml_edit::Document::parse(text.to_owned());
        let parsed = parsed
            .map_err(|error| DocumentError::syntax(text, error.span().map_or(0, |span| span.start), error.message()))?;
        Ok(Self { parsed })
    }

    /// The value at a path.
    pub(super) fn get(&self, path: &[&str]) -> Option<Value> {
        read::find(self.parsed.as_item(), path).map(read::json)
    }

    /// The members of the table at a path.
    pub(super) fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        let reached = read::reach(self.parsed.as_item(), table)?;
        let there = reached.table.as_table_like().filter(|_| reached.missing.is_empty());
        let members = there.into_iter().flat_map(toml_edit::TableLike::iter);
        Ok(members.map(|(key, item)| (key.to_owned(), read::json(item))).collect())
    }

    /// The keys of the table at a path, each with whether there is something under `inner` in its value.
    pub(super) fn keys_with(&self, table: &[&str], inner: &str) -> Vec<(String, bool)> {
        let found = read::find(self.parsed.as_item(), table).and_then(toml_edit::Item::as_table_like);
        let members = found.into_iter().flat_map(toml_edit::TableLike::iter);
        let is_filled = |item: &toml_edit::Item| {
            let inner = item.as_table_like().and_then(|table| table.get(inner));
            inner.is_some_and(|inner| inner.as_table_like().is_none_or(|table| !table.is_empty()))
        };
        members.map(|(key, item)| (key.to_owned(), is_filled(item))).collect()
    }

    /// The edits that set a member.
    pub(super) fn set(&self, text: &str, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        let path = [table, &[key]].concat();
        write::check(value, &mut owned(&path))?;
        read::reach(self.parsed.as_item(), table)?;
        read::of_one_kind(read::find(self.parsed.as_item(), &path), value, &path)?;
        let mut work = text.to_owned();
        if self.get(&path).is_some() {
            edit::update(&mut work, &path, value)?;
        } else {
            edit::insert_entry(&mut work, &self.parsed, table, key, Content::Value(value))?;
        }
        self.tried(text, &work, &path, Some(value))
    }

    /// The edits that take a member out.
    pub(super) fn remove(&self, text: &str, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        let path = [table, &[key]].concat();
        read::reach(self.parsed.as_item(), table)?;
        if self.get(&path).is_none() {
            return Ok(Vec::new());
        }
        let mut work = text.to_owned();
        edit::remove(&mut work, &path)?;
        self.tried(text, &work, &path, None)
    }

    /// The source text of a member: of its value, or its own lines where it has several.
    pub(super) fn raw(&self, text: &str, table: &[&str], key: &str) -> Option<String> {
        let parent = read::find(self.parsed.as_item(), table)?.as_table_like()?;
        let (key, item) = parent.get_key_value(key)?;
        if let Some(span) = item.as_value().and_then(toml_edit::Value::span)
            && !read::is_dotted(item)
        {
            return Some(text[span].to_owned());
        }
        if let Some(dotted) = item.as_inline_table() {
            return read::braces(text, dotted);
        }
        let pieces = Pieces::of(text, key, item);
        let parts: Vec<_> = pieces.all().into_iter().map(|range| text[range].trim_end()).collect();
        let newline = place::newline(text);
        let separator = if pieces.sections.is_empty() { newline.to_owned() } else { newline.repeat(2) };
        Some(parts.join(&separator))
    }

    /// The edits that put the text from `raw` back.
    pub(super) fn set_raw(&self, text: &str, table: &[&str], key: &str, raw: &str) -> Result<Vec<Edit>, DocumentError> {
        let path = [table, &[key]].concat();
        if self.raw(text, table, key).as_deref() == Some(raw) {
            return Ok(Vec::new());
        }
        let lines = Self::parse(raw);
        let value = raw.trim().parse::<toml_edit::Value>();
        if let Some(value) = lines.as_ref().ok().and_then(|lines| lines.get(&path))
            && raw.trim_start().starts_with('[')
        {
            return self.put(text, table, key, Content::Sections(raw), &value);
        }
        if let Ok(value) = value {
            return self.put(text, table, key, Content::Raw(raw.trim()), &read::json(&toml_edit::Item::Value(value)));
        }
        // Lines with dotted keys begin below the table in whose section they stood.
        let lines = lines?;
        let value = (0..path.len()).find_map(|depth| lines.get(&path[depth..]));
        let value = value.ok_or_else(|| DocumentError::syntax(raw, 0, "a value is missing"))?;
        self.set(text, table, key, &value)
    }

    fn put(
        &self,
        text: &str,
        table: &[&str],
        key: &str,
        content: Content,
        value: &Value,
    ) -> Result<Vec<Edit>, DocumentError> {
        let path = [table, &[key]].concat();
        read::reach(self.parsed.as_item(), table)?;
        read::of_one_kind(read::find(self.parsed.as_item(), &path), value, &path)?;
        let mut work = text.to_owned();
        let standing =
            read::find(self.parsed.as_item(), &path).filter(|item| item.is_value() && !read::is_dotted(item));
        if let (Some(span), Content::Raw(raw)) = (standing.and_then(toml_edit::Item::span), content) {
            work.replace_range(span, raw);
        } else {
            edit::remove(&mut work, &path)?;
            let document = edit::parse(&work, table)?;
            edit::insert_entry(&mut work, &document, table, key, content)?;
        }
        self.tried(text, &work, &path, Some(value))
    }

    /// The edits that lead to a text, if it says what was asked and nothing else has changed.
    fn tried(&self, text: &str, work: &str, path: &[&str], value: Option<&Value>) -> Result<Vec<Edit>, DocumentError> {
        let edits = between(text, work);
        let as_asked = Self::parse(work).is_ok_and(|now| {
            read::differ_only_at(Some(self.parsed.as_item()), Some(now.parsed.as_item()), path, value)
        });
        if as_asked && apply(text, &edits) == *work {
            Ok(edits)
        } else {
            Err(DocumentError::Unsafe { path: owned(path) })
        }
    }
}
