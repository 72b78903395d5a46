//! Edits of TOML.
//!
//! A new entry becomes a table of its own behind its siblings, or a member of the inline table where the file has it
//! so. Changing an entry touches only the leaves that differ. Comments above a table that goes stay.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value as Toml1};

use super::toml::{Toml, to_json};
use super::{DocumentError, Edit};

impl Toml {
    pub(super) fn set(&self, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        let found = self.table(table)?;
        if found.and_then(|found| to_json(found.get(key)?)).as_ref() == Some(value) {
            return Ok(Vec::new());
        }
        let members = value.as_object().ok_or_else(|| shape(table, key))?;
        let mut document = self.document.clone();
        let parent = make_table(&mut document, table);
        let done = match found.and_then(|found| found.get(key)) {
            None => add(parent, key, members),
            Some(_) => parent
                .as_table_like_mut()
                .and_then(|parent| parent.get_mut(key)?.as_table_like_mut())
                .ok_or(())
                .and_then(|entry| change(entry, members)),
        };
        done.map_err(|()| shape(table, key))?;
        if self.document.is_empty() {
            return Ok(self.edits_to(&self.below_comments(table, key, members).map_err(|()| shape(table, key))?));
        }
        Ok(self.edits_to(&self.printed(&document)))
    }

    pub(super) fn remove(&self, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        let Some(found) = self.table(table)? else { return Ok(Vec::new()) };
        if !found.contains_key(key) {
            return Ok(Vec::new());
        }
        let mut document = self.document.clone();
        let comments = above(found.get(key));
        let parent = make_table(&mut document, table);
        if let Some(parent) = parent.as_table_like_mut() {
            parent.remove(key);
        }
        let mut after = self.printed(&document);
        if let Some(comments) = comments.filter(|comments| comments.contains('#')) {
            after = with_comments(&self.plain, &after, &comments);
        }
        Ok(self.edits_to(&after))
    }

    /// The first table of a text that has nothing but comments goes below them.
    fn below_comments(
        &self,
        table: &[&str],
        key: &str,
        members: &serde_json::Map<String, Value>,
    ) -> Result<String, ()> {
        let mut document = DocumentMut::new();
        add(make_table(&mut document, table), key, members)?;
        let comments = self.plain.trim_end();
        let gap = if comments.is_empty() { "" } else { "\n\n" };
        let kept = if comments.is_empty() { comments } else { self.plain.trim_end_matches('\n') };
        Ok(format!("{kept}{gap}{}", document.to_string().trim_start()))
    }

    /// The document's text; it ends as the original does.
    fn printed(&self, document: &DocumentMut) -> String {
        let text = document.to_string();
        let original = self.document.to_string();
        // The printer ends every line; where that alone makes the last one differ, it is not wanted.
        if original.len() == self.plain.len() + 1 && text.ends_with(last_line(&original)) {
            return text[..text.len() - 1].to_owned();
        }
        text
    }
}

fn last_line(text: &str) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    &text[body.rfind('\n').map_or(0, |at| at + 1)..]
}

fn shape(table: &[&str], key: &str) -> DocumentError {
    let path = table.iter().copied().chain([key]).map(str::to_owned).collect();
    DocumentError::Shape { path, expected: "a table", found: "something else" }
}

/// The table at a path, made where it is missing; what is there is known to be tables.
fn make_table<'a>(document: &'a mut DocumentMut, path: &[&str]) -> &'a mut Item {
    let mut item = document.as_item_mut();
    for key in path {
        let table = item.as_table_like_mut().expect("the way was checked to be tables");
        if !table.contains_key(key) {
            let mut made = Table::new();
            // Its own header would say nothing.
            made.set_implicit(true);
            table.insert(key, Item::Table(made));
        }
        item = table.get_mut(key).expect("just made where it was missing");
    }
    item
}

fn add(parent: &mut Item, key: &str, members: &serde_json::Map<String, Value>) -> Result<(), ()> {
    let inline = parent.is_inline_table();
    let parent = parent.as_table_like_mut().ok_or(())?;
    if inline {
        parent.insert(key, Item::Value(Toml1::InlineTable(inline_table(members)?)));
        return Ok(());
    }
    let mut table = Table::new();
    for (key, value) in members {
        table.insert(key, Item::Value(to_toml(value)?));
    }
    parent.insert(key, Item::Table(table));
    Ok(())
}

fn change(entry: &mut dyn TableLike, members: &serde_json::Map<String, Value>) -> Result<(), ()> {
    let gone: Vec<String> =
        entry.iter().map(|(key, _)| key.to_owned()).filter(|key| !members.contains_key(key)).collect();
    for key in gone {
        entry.remove(&key);
    }
    for (key, value) in members {
        if entry.get(key).and_then(to_json).as_ref() == Some(value) {
            continue;
        }
        let mut new = to_toml(value)?;
        match entry.get_mut(key) {
            Some(Item::Value(old)) => {
                // The comment behind the value stays.
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            _ => {
                entry.insert(key, Item::Value(new));
            }
        }
    }
    Ok(())
}

fn to_toml(value: &Value) -> Result<Toml1, ()> {
    Ok(match value {
        Value::Null => return Err(()),
        Value::Bool(flag) => Toml1::from(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Toml1::from(whole),
            None => Toml1::from(number.as_f64().ok_or(())?),
        },
        Value::String(text) => Toml1::from(text.as_str()),
        Value::Array(items) => Toml1::Array(items.iter().map(to_toml).collect::<Result<Array, ()>>()?),
        Value::Object(members) => Toml1::InlineTable(inline_table(members)?),
    })
}

fn inline_table(members: &serde_json::Map<String, Value>) -> Result<InlineTable, ()> {
    members.iter().map(|(key, value)| Ok((key.as_str(), to_toml(value)?))).collect()
}

/// What stands above a table's header.
fn above(item: Option<&Item>) -> Option<String> {
    let table = item?.as_table()?;
    let prefix = table.decor().prefix()?.as_str()?;
    (!table.is_implicit() && !table.is_dotted()).then(|| prefix.to_owned())
}

/// Puts comments that went with a table's header back where they were.
fn with_comments(before: &str, after: &str, comments: &str) -> String {
    let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let at = before.match_indices(comments).map(|(at, _)| at).filter(|at| *at <= head).last();
    match at.filter(|at| after.is_char_boundary(*at)) {
        Some(at) => format!("{}{comments}{}", &after[..at], after[at..].strip_prefix(comments).unwrap_or(&after[at..])),
        None => format!("{after}{comments}"),
    }
}
