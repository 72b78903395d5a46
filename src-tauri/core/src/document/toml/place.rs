//! Which lines of the text a table takes up, and where new ones go.

use std::ops::Range;

use toml_edit::{InlineTable, Item, Key, Table};

/// The whole lines that an item takes up.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// `key = value` lines in the section of a table around it.
    pub(super) lines: Vec<Range<usize>>,
    /// Headers with the lines below them.
    pub(super) sections: Vec<Range<usize>>,
}

impl Pieces {
    /// The pieces of a member.
    pub(super) fn of(text: &str, key: &Key, item: &Item) -> Self {
        let mut pieces = Self::default();
        match item {
            Item::Value(value) => pieces.lines.extend(line(text, key, value)),
            Item::Table(table) => pieces.table(text, table),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| pieces.section(text, table)),
            Item::None => {}
        }
        pieces
    }

    fn table(&mut self, text: &str, table: &Table) {
        if table.is_implicit() {
            self.lines.extend(own_lines(text, table));
            self.below(text, table);
        } else {
            self.section(text, table);
        }
    }

    fn section(&mut self, text: &str, table: &Table) {
        if let Some(header) = table.span() {
            let header = whole_lines(text, &header);
            let end = own_lines(text, table).iter().map(|line| line.end).fold(header.end, usize::max);
            self.sections.push(header.start..end);
        }
        self.below(text, table);
    }

    fn below(&mut self, text: &str, table: &Table) {
        for (_, item) in table {
            match item {
                Item::Table(table) if table.is_implicit() => self.below(text, table),
                Item::Table(table) => self.section(text, table),
                Item::ArrayOfTables(tables) => tables.iter().for_each(|table| self.section(text, table)),
                _ => {}
            }
        }
    }

    /// All of them in file order.
    pub(super) fn all(&self) -> Vec<Range<usize>> {
        let mut all: Vec<_> = self.lines.iter().chain(&self.sections).cloned().collect();
        all.sort_by_key(|range| range.start);
        all
    }
}

/// The `key = value` lines in a table's own section, those of dotted keys too.
pub(super) fn own_lines(text: &str, table: &Table) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    for (name, item) in table {
        match item {
            Item::Value(value) => lines.extend(table.key(name).and_then(|key| line(text, key, value))),
            Item::Table(table) if table.is_implicit() => lines.extend(own_lines(text, table)),
            _ => {}
        }
    }
    lines
}

fn line(text: &str, key: &Key, value: &toml_edit::Value) -> Option<Range<usize>> {
    Some(whole_lines(text, &(key.span()?.start..value.span()?.end)))
}

/// The lines that a range touches, with the last one's line end.
fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    start..line_end(text, range.end)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// One `key = value` inside braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// From the key to the end of the value.
    pub(super) range: Range<usize>,
}

/// The members inside braces, those of dotted keys too, in file order.
pub(super) fn leaves(table: &InlineTable) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (name, value) in table {
        let key = table.key(name);
        match value {
            toml_edit::Value::InlineTable(inner) if inner.is_dotted() => leaves.extend(self::leaves(inner)),
            value => leaves.extend(key.and_then(|key| leaf(key, value))),
        }
    }
    leaves.sort_by_key(|leaf| leaf.range.start);
    leaves
}

/// The leaf of a member whose key is not the beginning of a dotted one.
pub(super) fn leaf(key: &Key, value: &toml_edit::Value) -> Option<Leaf> {
    // A dotted key starts where the white space before it ends; the last part knows only its own place.
    let start =
        key.leaf_decor().prefix().and_then(toml_edit::RawString::span).map_or(key.span()?.start, |span| span.end);
    Some(Leaf { range: start..value.span()?.end })
}

/// Where a section goes that is to follow the lines before `end`: comments that close the section before stay with it, those
/// that stand right above a header stay with that.
pub(super) fn after(text: &str, end: usize) -> usize {
    let mut at = end;
    for line in text[end..].split_inclusive('\n') {
        match line.trim_start().chars().next() {
            Some('#') => at += line.len(),
            Some('[') => return end,
            _ => break,
        }
    }
    at
}

/// Where a section goes that is to be the last: behind the last line that is not blank.
pub(super) fn end_of_content(text: &str) -> usize {
    match text.trim_end().len() {
        0 => 0,
        length => line_end(text, length),
    }
}

/// The text's line end.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Puts a line at the beginning of another one, or behind a last one that does not end.
pub(super) fn insert_line(text: &mut String, at: usize, line: &str) {
    let newline = newline(text);
    let unfinished = at > 0 && !text[..at].ends_with('\n');
    let line = if unfinished { format!("{newline}{line}") } else { format!("{line}{newline}") };
    text.insert_str(at, &line);
}

/// Puts a section there, with a blank line before it unless it is the first.
pub(super) fn insert_section(text: &mut String, at: usize, section: &str) {
    let newline = newline(text);
    if at > 0 && !text[..at].ends_with('\n') {
        text.insert_str(at, &format!("{newline}{newline}{section}"));
    } else if at > 0 {
        text.insert_str(at, &format!("{newline}{section}{newline}"));
    } else {
        text.insert_str(at, &format!("{section}{newline}"));
    }
}

/// Takes a line out. Where the text did not end with a line end, it does not afterwards.
pub(super) fn remove_lines(text: &mut String, range: Range<usize>) {
    let Range { mut start, end } = range;
    if end == text.len() && !text.ends_with('\n') {
        start -= line_end_before(text, start);
    }
    text.replace_range(start..end, "");
}

/// Takes a section out, and the blank line before it; before the first one there is none, so there the one behind it.
pub(super) fn remove_section(text: &mut String, range: Range<usize>) {
    let Range { mut start, mut end } = range;
    if start == 0 {
        let next = line_end(text, end);
        end = if text[end..next].trim().is_empty() { next } else { end };
    } else {
        let before = text[..start - line_end_before(text, start)].rfind('\n').map_or(0, |newline| newline + 1);
        start = if text[before..start].trim().is_empty() { before } else { start };
    }
    remove_lines(text, start..end);
}

/// The length of the line end right before `at`.
fn line_end_before(text: &str, at: usize) -> usize {
    match &text[..at] {
        before if before.ends_with("\r\n") => 2,
        before => usize::from(before.ends_with('\n')),
    }
}

/// The white space that a line begins with.
pub(super) fn indent<'a>(text: &'a str, line: &Range<usize>) -> &'a str {
    let line = &text[line.clone()];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
