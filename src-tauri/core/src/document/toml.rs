//! Reading TOML.
//!
//! `toml_edit` reads a copy of the text with LF line ends and without a BOM; [`Toml::original`] maps that copy's offsets
//! back, so edits are ranges of the original bytes whatever its line ends are.

use serde_json::{Map, Number, Value};
use toml_edit::{DocumentMut, Item, TableLike};

use super::text::{BOM, place};
use super::{DocumentError, Edit};

/// A valid TOML text.
#[derive(Debug, Clone)]
pub(super) struct Toml {
    /// The original.
    pub(super) text: String,
    /// Without BOM, with LF line ends.
    pub(super) plain: String,
    pub(super) document: DocumentMut,
}

impl Toml {
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        let body = text.strip_prefix(BOM).unwrap_or(text);
        let plain = body.replace("\r\n", "\n");
        let document = plain.parse::<DocumentMut>().map_err(|error| syntax(&plain, &error))?;
        Ok(Self { text: text.to_owned(), plain, document })
    }

    /// The original's offset for one of [`Toml::plain`].
    pub(super) fn original(&self, offset: usize) -> usize {
        let head = if self.text.starts_with(BOM) { BOM.len() } else { 0 };
        let bytes = &self.text.as_bytes()[head..];
        let (mut at, mut seen) = (0, 0);
        while seen < offset && at < bytes.len() {
            at += if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
            seen += 1;
        }
        head + at
    }

    pub(super) fn get(&self, path: &[&str]) -> Option<Value> {
        let mut item = self.document.as_item();
        for key in path {
            item = item.as_table_like()?.get(key)?;
        }
        to_json(item)
    }

    pub(super) fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        let Some(found) = self.table(table)? else { return Ok(Vec::new()) };
        let entries = found.iter().filter_map(|(key, item)| Some((key.to_owned(), to_json(item)?)));
        Ok(entries.collect())
    }

    pub(super) fn table(&self, table: &[&str]) -> Result<Option<&dyn TableLike>, DocumentError> {
        let mut item = self.document.as_item();
        for (depth, key) in table.iter().enumerate() {
            let Some(next) = item.as_table_like().and_then(|table| table.get(key)) else { return Ok(None) };
            if next.as_table_like().is_none() {
                let path = table[..=depth].iter().map(|key| (*key).to_owned()).collect();
                return Err(DocumentError::Shape { path, expected: "a table", found: kind(next) });
            }
            item = next;
        }
        Ok(item.as_table_like())
    }

    /// The edits that turn the plain text into another, as one range of the original.
    pub(super) fn edits_to(&self, after: &str) -> Vec<Edit> {
        if self.plain == after {
            return Vec::new();
        }
        let (before, new) = (self.plain.as_bytes(), after.as_bytes());
        let mut head = before.iter().zip(new).take_while(|(a, b)| a == b).count();
        while !self.plain.is_char_boundary(head) || !after.is_char_boundary(head) {
            head -= 1;
        }
        let room = before.len().min(new.len()) - head;
        let mut tail = before.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        while !self.plain.is_char_boundary(before.len() - tail) || !after.is_char_boundary(new.len() - tail) {
            tail -= 1;
        }
        let replacement = after[head..after.len() - tail].replace('\n', super::text::newline(&self.text));
        let range = self.original(head)..self.original(before.len() - tail);
        vec![Edit { range, replacement }]
    }
}

fn syntax(text: &str, error: &toml_edit::TomlError) -> DocumentError {
    let (line, column) = place(text, error.span().map_or(0, |span| span.start));
    let message = error.message().lines().next().unwrap_or("it cannot be read").to_owned();
    DocumentError::Syntax { line, column, message }
}

/// An item's value; dates become texts.
pub(super) fn to_json(item: &Item) -> Option<Value> {
    Some(match item {
        Item::None => return None,
        Item::Value(value) => value_to_json(value),
        Item::Table(table) => table_to_json(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| table_to_json(table)).collect(),
    })
}

fn table_to_json(table: &dyn TableLike) -> Value {
    let members = table.iter().filter_map(|(key, item)| Some((key.to_owned(), to_json(item)?)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn value_to_json(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Number::from_f64(*number.value()).map_or(Value::Null, Value::Number),
        toml_edit::Value::Boolean(flag) => Value::from(*flag.value()),
        toml_edit::Value::Datetime(date) => Value::from(date.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(value_to_json).collect(),
        toml_edit::Value::InlineTable(table) => table_to_json(table),
    }
}

pub(super) fn kind(item: &Item) -> &'static str {
    match item {
        Item::Table(_) | Item::Value(toml_edit::Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) | Item::Value(toml_edit::Value::Array(_)) => "a list",
        Item::Value(toml_edit::Value::String(_)) => "a text",
        Item::Value(toml_edit::Value::Boolean(_)) => "a yes or no",
        Item::Value(toml_edit::Value::Datetime(_)) => "a date",
        _ => "a number",
    }
}
