//! Reading a parsed document: values, paths, and where on the way things are written.

use serde_json::{Map, Number, Value};
use toml_edit::{InlineTable, Item, Table, TableLike};

use super::super::error::DocumentError;

/// The value of an item as JSON.
pub(super) fn json(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => json_value(value),
        Item::Table(table) => json_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| json_table(table)).collect(),
    }
}

fn json_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Number::from_f64(*number.value()).map_or(Value::Null, Value::Number),
        toml_edit::Value::Boolean(truth) => Value::Bool(*truth.value()),
        toml_edit::Value::Datetime(date) => Value::String(date.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(json_value).collect(),
        toml_edit::Value::InlineTable(table) => json_table(table),
    }
}

fn json_table(table: &dyn TableLike) -> Value {
    Value::Object(table.iter().map(|(key, item)| (key.to_owned(), json(item))).collect::<Map<_, _>>())
}

/// What a person would call an item.
fn noun(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "a text",
        "integer" | "float" => "a number",
        "boolean" => "true or false",
        "datetime" => "a date",
        "array" | "array of tables" => "a list",
        _ => "something else",
    }
}

/// How far a path of keys goes, and in what the innermost table is written.
pub(super) struct Reached<'d, 'p> {
    /// The innermost table that is there.
    pub(super) table: &'d Item,
    /// How many keys lead to it.
    pub(super) depth: usize,
    /// How many keys lead to the table whose section holds its lines: the innermost that is not dotted.
    pub(super) section: usize,
    /// The innermost table in braces around it, and how many keys lead to that.
    pub(super) braces: Option<(&'d InlineTable, usize)>,
    /// The keys that are not there.
    pub(super) missing: &'p [&'p str],
}

impl<'d> Reached<'d, '_> {
    /// The table, where it is one of lines and headers.
    pub(super) fn lines(&self) -> Option<&'d Table> {
        self.table.as_table()
    }
}

/// Walks down a path of tables.
pub(super) fn reach<'d, 'p>(root: &'d Item, path: &'p [&'p str]) -> Result<Reached<'d, 'p>, DocumentError> {
    let mut reached = Reached { table: root, depth: 0, section: 0, braces: None, missing: &[] };
    for (depth, key) in path.iter().enumerate() {
        let Some(item) = reached.table.get(*key) else {
            reached.missing = &path[depth..];
            break;
        };
        match item {
            Item::Table(table) if !table.is_dotted() => reached.section = depth + 1,
            Item::Value(toml_edit::Value::InlineTable(table)) if !table.is_dotted() => {
                reached.braces = Some((table, depth + 1));
            }
            other if other.is_table_like() => {}
            other => return Err(DocumentError::shape(&path[..=depth], "a table", noun(other))),
        }
        reached.table = item;
        reached.depth = depth + 1;
    }
    Ok(reached)
}

/// The item at a path.
pub(super) fn find<'d>(root: &'d Item, path: &[&str]) -> Option<&'d Item> {
    path.iter().try_fold(root, |item, key| item.as_table_like()?.get(key))
}

/// Whether an item in braces is only the beginning of dotted keys.
pub(super) fn is_dotted(item: &Item) -> bool {
    item.as_inline_table().is_some_and(InlineTable::is_dotted)
}
