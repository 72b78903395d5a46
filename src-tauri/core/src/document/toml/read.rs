//! Reading a parsed document: values, paths, and where on the way things are written.

use std::sync::LazyLock;

use serde_json::{Map, Number, Value};
use toml_edit::{InlineTable, Item, Table, TableLike};

use super::super::error::DocumentError;
use super::write;

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

/// Refuses to put a value in the place of one of another kind: a table in the place of something else, or the other way.
pub(super) fn of_one_kind(standing: Option<&Item>, value: &Value, path: &[&str]) -> Result<(), DocumentError> {
    match standing.filter(|item| item.is_table_like() != value.is_object()) {
        Some(item) if value.is_object() => Err(DocumentError::shape(path, "a table", noun(item))),
        Some(_) => Err(DocumentError::shape(path, "something else", "a table")),
        None => Ok(()),
    }
}

/// Whether an item in braces is only the beginning of dotted keys.
pub(super) fn is_dotted(item: &Item) -> bool {
    item.as_inline_table().is_some_and(InlineTable::is_dotted)
}

/// A table of dotted keys in braces of its own, with the source texts of its values.
pub(super) fn braces(text: &str, dotted: &InlineTable) -> Option<String> {
    let member = |(key, value): (&str, &toml_edit::Value)| {
        let value = match value {
            toml_edit::Value::InlineTable(inner) if inner.is_dotted() => braces(text, inner)?,
            value => text[value.span()?].to_owned(),
        };
        Some(write::line(&[key], &value))
    };
    let members: Option<Vec<_>> = dotted.iter().map(member).collect();
    Some(format!("{{ {} }}", members?.join(", ")))
}

/// Whether two documents say the same but for what stands at a path, and there the second one says `value`; none where
/// nothing is to stand there. A table that was only there because of the entry may come and go with it: `[a.b]` makes `a`
/// as well. Compares in place: a tree of values would take several times the memory of the text.
pub(super) fn differ_only_at(
    before: Option<&Item>,
    after: Option<&Item>,
    path: &[&str],
    value: Option<&Value>,
) -> bool {
    let Some((key, rest)) = path.split_first() else { return after.map(json).as_ref() == value };
    let (Some(old), Some(new)) = (members(before), members(after)) else { return false };
    let others_are_alike = old
        .iter()
        .filter(|(name, _)| name != key)
        .all(|(name, item)| new.get(name).is_some_and(|new| alike(item, new)));
    let others = |table: &dyn TableLike| table.len() - usize::from(table.contains_key(key));
    let (below_old, below_new) = (old.get(key), new.get(key));
    others_are_alike
        && others(old) == others(new)
        && (below_old.is_none() && below_new.is_none() && value.is_none()
            || differ_only_at(below_old, below_new, rest, value))
}

/// A table's members; those of an empty one where nothing stands.
fn members(item: Option<&Item>) -> Option<&dyn TableLike> {
    static NOTHING: LazyLock<Table> = LazyLock::new(Table::new);
    match item {
        Some(item) => item.as_table_like(),
        None => Some(&*NOTHING),
    }
}

/// Whether two items mean the same.
fn alike(a: &Item, b: &Item) -> bool {
    match (a.as_table_like(), b.as_table_like()) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b))),
        (None, None) => json(a) == json(b),
        _ => false,
    }
}
