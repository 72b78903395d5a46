//! Changes of a TOML text, one small step after the other, each on a text that parses.
//!
//! A configuration in TOML is a few kilobytes, so every step parses anew instead of keeping track of moved ranges.

use serde_json::Value;
use toml_edit::{Item, Key, Table};

use super::super::error::{DocumentError, owned};
use super::place::{self, Leaf, Pieces};
use super::read::{self, Reached};
use super::write;

/// A parsed text with its spans.
pub(super) type Parsed = toml_edit::Document<String>;

/// What is to be written for an entry that is not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// A value.
    Value(&'a Value),
    /// The source text of a value.
    Raw(&'a str),
    /// The source text of the entry's own sections.
    Sections(&'a str),
}

/// Puts in an entry that is not there, behind the last one of its table and in its manner. `document` is the text, parsed.
pub(super) fn insert_entry(
    text: &mut String,
    document: &Parsed,
    table: &[&str],
    key: &str,
    content: Content,
) -> Result<(), DocumentError> {
    let reached = read::reach(document.as_item(), table)?;
    let manner = if reached.braces.is_some() { Manner::Braces } else { Manner::of(text, &reached) };
    match (manner, content) {
        (Manner::Section(at), Content::Sections(sections)) => place::insert_section(text, at, sections.trim_end()),
        (_, Content::Sections(_)) => {
            place::insert_section(text, place::end_of_content(text), content.inline().trim_end());
        }
        (Manner::Section(at), _) => {
            let section = section(table, key, content, place::newline(text));
            place::insert_section(text, at, &section);
        }
        (Manner::Line { at, indent }, _) => {
            let line = write::line(&[&table[reached.section..], &[key]].concat(), &content.inline());
            place::insert_line(text, at, &format!("{indent}{line}"));
        }
        (Manner::Braces, _) => insert_in_braces(text, &reached, key, &content.inline()),
    }
    Ok(())
}

impl Content<'_> {
    fn inline(self) -> String {
        match self {
            Content::Value(value) => write::inline(value),
            Content::Raw(raw) | Content::Sections(raw) => raw.to_owned(),
        }
    }
}

/// How the entries of a table are written.
enum Manner {
    /// Under headers of their own; the next one goes here.
    Section(usize),
    /// One line each.
    Line { at: usize, indent: String },
    /// In the braces of an inline table.
    Braces,
}

impl Manner {
    /// The manner of the last entry.
    fn of(text: &str, reached: &Reached) -> Self {
        let Some(table) = reached.lines().filter(|_| reached.missing.is_empty()) else {
            return Self::Section(place::end_of_content(text));
        };
        let entries = table.iter().filter(|(_, item)| item.is_table_like());
        let pieces: Vec<_> = entries
            .filter_map(|(key, _)| table.get_key_value(key))
            .map(|(key, item)| Pieces::of(text, key, item))
            .collect();
        let Some(last) = pieces.iter().filter_map(|pieces| pieces.all().pop()).max_by_key(|piece| piece.end) else {
            return Self::Section(Self::first_section(text, table, reached.depth));
        };
        if pieces.iter().any(|pieces| !pieces.sections.is_empty()) {
            return Self::Section(place::after(text, last.end));
        }
        Self::Line { at: last.end, indent: place::indent(text, &last).to_owned() }
    }

    /// Where the first entry of a table goes that may have other lines.
    fn first_section(text: &str, table: &Table, depth: usize) -> usize {
        match table.span().filter(|_| depth > 0 && !table.is_implicit()) {
            Some(header) => {
                let key = Key::new("");
                let own = Pieces::of(text, &key, &Item::Table(table.clone()));
                place::after(text, own.all().last().map_or(header.end, |piece| piece.end))
            }
            None => place::end_of_content(text),
        }
    }
}

fn section(table: &[&str], key: &str, content: Content, newline: &str) -> String {
    let path = [table, &[key]].concat();
    let Content::Value(Value::Object(map)) = content else {
        return match table {
            // A scalar at the very top has no header to stand under; the caller's trial refuses what this breaks.
            [] => write::line(&[key], &content.inline()),
            _ => format!("[{}]{newline}{}", write::dotted(table), write::line(&[key], &content.inline())),
        };
    };
    let mut lines = vec![format!("[{}]", write::dotted(&path))];
    lines.extend(map.iter().map(|(key, value)| write::line(&[key], &write::inline(value))));
    lines.join(newline)
}

fn insert_in_braces(text: &mut String, reached: &Reached, key: &str, value: &str) {
    let Some((braces, _)) = reached.braces else { return };
    let Some(span) = braces.span() else { return };
    let member = member_in_braces(reached, key, value);
    match place::leaves(braces).last() {
        Some(last) => text.insert_str(last.range.end, &format!(", {member}")),
        None if text[span.start + 1..span.end - 1].trim().is_empty() => {
            text.replace_range(span, &format!("{{ {member} }}"));
        }
        None => text.insert_str(span.start + 1, &format!(" {member}")),
    }
}

fn member_in_braces(reached: &Reached, key: &str, value: &str) -> String {
    match reached.missing {
        [] => write::line(&[key], value),
        [first, rest @ ..] => {
            let inner = rest
                .iter()
                .rev()
                .fold(write::line(&[key], value), |inner, key| write::line(&[key], &format!("{{ {inner} }}")));
            write::line(&[first], &format!("{{ {inner} }}"))
        }
    }
}

/// Makes the item at a path equal a value, and leaves what is equal already as it is written.
pub(super) fn update(text: &mut String, path: &[&str], new: &Value) -> Result<(), DocumentError> {
    let document = parse(text, path)?;
    let item = read::find(document.as_item(), path).ok_or_else(|| unsafe_at(path))?;
    let old = read::json(item);
    if old == *new {
        return Ok(());
    }
    match (item, &old, new) {
        (item, Value::Object(old), Value::Object(new))
            if item.is_table_like() && (!new.is_empty() || has_header(item)) =>
        {
            update_members(text, path, old, new)
        }
        (Item::Value(value), ..) if !read::is_dotted(item) => {
            let span = value.span().ok_or_else(|| unsafe_at(path))?;
            text.replace_range(span, &write::inline(new));
            Ok(())
        }
        _ => replace(text, path, new),
    }
}

fn has_header(item: &Item) -> bool {
    match item {
        Item::Table(table) => !table.is_implicit(),
        Item::Value(_) => !read::is_dotted(item),
        _ => false,
    }
}

fn replace(text: &mut String, path: &[&str], new: &Value) -> Result<(), DocumentError> {
    let Some((key, table)) = path.split_last() else { return Err(unsafe_at(path)) };
    remove(text, path)?;
    let document = parse(text, table)?;
    // A table of dotted keys is gone with its last one.
    if read::reach(document.as_item(), table)?.missing.is_empty() {
        insert_member(text, table, key, new)
    } else {
        insert_entry(text, &document, table, key, Content::Value(new))
    }
}

/// New members first: a dotted table without members would be gone.
fn update_members(
    text: &mut String,
    path: &[&str],
    old: &serde_json::Map<String, Value>,
    new: &serde_json::Map<String, Value>,
) -> Result<(), DocumentError> {
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        insert_member(text, path, key, value)?;
    }
    for (key, value) in new.iter().filter(|(key, _)| old.contains_key(*key)) {
        update(text, &[path, &[key.as_str()]].concat(), value)?;
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        remove(text, &[path, &[key.as_str()]].concat())?;
    }
    Ok(())
}

/// Puts a member of an entry on a line of its own in the entry's section, or into its braces.
fn insert_member(text: &mut String, table: &[&str], key: &str, value: &Value) -> Result<(), DocumentError> {
    let document = parse(text, table)?;
    let reached = read::reach(document.as_item(), table)?;
    if let Some((_, depth)) = reached.braces {
        let dotted = [&table[depth..reached.depth], &[key]].concat();
        let member = Reached { missing: &[], ..reached };
        let line = write::inline(value);
        return insert_dotted_in_braces(text, &member, &dotted, &line);
    }
    let Some(lines) = reached.lines().filter(|_| reached.missing.is_empty()) else { return Err(unsafe_at(table)) };
    let line = write::line(&[&table[reached.section..], &[key]].concat(), &write::inline(value));
    let own = place::own_lines(text, lines).into_iter().max_by_key(|line| line.end);
    match (own, lines.span().filter(|_| !lines.is_implicit() && reached.depth > 0)) {
        (Some(last), _) => {
            let indent = place::indent(text, &last).to_owned();
            place::insert_line(text, last.end, &format!("{indent}{line}"));
        }
        (None, Some(header)) => {
            let end = text[header.end..].find('\n').map_or(text.len(), |newline| header.end + newline + 1);
            place::insert_line(text, end, &line);
        }
        (None, None) => {
            let section = format!("[{}]{}{line}", write::dotted(table), place::newline(text));
            place::insert_section(text, place::end_of_content(text), &section);
        }
    }
    Ok(())
}

fn insert_dotted_in_braces(
    text: &mut String,
    reached: &Reached,
    keys: &[&str],
    value: &str,
) -> Result<(), DocumentError> {
    let Some((key, before)) = keys.split_last() else { return Err(unsafe_at(keys)) };
    if before.is_empty() {
        insert_in_braces(text, reached, key, value);
        return Ok(());
    }
    let leaves = reached.braces.map(|(braces, _)| place::leaves(braces)).unwrap_or_default();
    let Some(last) = leaves.last() else { return Err(unsafe_at(keys)) };
    text.insert_str(last.range.end, &format!(", {}", write::line(keys, value)));
    Ok(())
}

/// Takes out the item at a path.
pub(super) fn remove(text: &mut String, path: &[&str]) -> Result<(), DocumentError> {
    let Some((key, table)) = path.split_last() else { return Err(unsafe_at(path)) };
    loop {
        let document = parse(text, path)?;
        let reached = read::reach(document.as_item(), table)?;
        let parent = reached.table.as_table_like().filter(|_| reached.missing.is_empty());
        let Some((key, item)) = parent.and_then(|parent| parent.get_key_value(key)) else { return Ok(()) };
        let Some((braces, _)) = reached.braces else {
            remove_pieces(text, &Pieces::of(text, key, item));
            return Ok(());
        };
        let own = own_leaves(key, item);
        let leaf = own.last().ok_or_else(|| unsafe_at(path))?;
        remove_leaf(text, &place::leaves(braces), leaf, braces.span().ok_or_else(|| unsafe_at(path))?);
    }
}

fn own_leaves(key: &Key, item: &Item) -> Vec<Leaf> {
    match item.as_value() {
        Some(toml_edit::Value::InlineTable(table)) if table.is_dotted() => place::leaves(table),
        Some(value) => place::leaf(key, value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn remove_pieces(text: &mut String, pieces: &Pieces) {
    for range in pieces.all().into_iter().rev() {
        let remove = if pieces.sections.contains(&range) { place::remove_section } else { place::remove_lines };
        // The last line of a text without a line end takes the line end before it along.
        remove(text, range.start..range.end.min(text.len()));
    }
}

/// Takes one member out of braces, with the comma on its side.
fn remove_leaf(text: &mut String, leaves: &[Leaf], leaf: &Leaf, braces: std::ops::Range<usize>) {
    let index = leaves.iter().position(|other| other == leaf).unwrap_or_default();
    let range = match (index.checked_sub(1).map(|index| &leaves[index]), leaves.get(index + 1)) {
        (_, Some(next)) => leaf.range.start..next.range.start,
        (Some(previous), None) => previous.range.end..leaf.range.end,
        (None, None) => braces.start + 1..braces.end - 1,
    };
    if text[range.clone()].replace(&text[leaf.range.clone()], "").contains('#') {
        remove_beside_comment(text, leaf);
    } else {
        text.replace_range(range, "");
    }
}

/// Braces over several lines may have comments between the members. They stay, so only the member and the comma behind it go.
fn remove_beside_comment(text: &mut String, leaf: &Leaf) {
    let rest = &text[leaf.range.end..];
    let comma = rest.trim_start().starts_with(',').then(|| rest.find(',')).flatten();
    text.replace_range(leaf.range.start..leaf.range.end + comma.map_or(0, |comma| comma + 1), "");
}

/// Parses a text on the way to an edit.
pub(super) fn parse(text: &str, path: &[&str]) -> Result<Parsed, DocumentError> {
    Parsed::parse(text.to_owned()).map_err(|_| unsafe_at(path))
}

fn unsafe_at(path: &[&str]) -> DocumentError {
    DocumentError::Unsafe { path: owned(path) }
}
