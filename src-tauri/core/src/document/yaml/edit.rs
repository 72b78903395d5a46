//! Edits as ranges of the text. Whatever stands in a way that is not foreseen here is [`Odd`], and left alone.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::edit::Edit;
use super::lines::{Odd, Page};
use super::tree::{Id, Kind, Member};
use super::write;

/// What is to be written for an entry.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Value(&'a Value),
    /// Lines of a block, or a member of braces, as they were read.
    Raw(&'a str),
}

/// Something new for a table or list: its name where it is a member, and what it is.
#[derive(Clone, Copy)]
pub(super) struct New<'a> {
    /// None for an item of a list.
    pub(super) key: Option<&'a str>,
    pub(super) content: Content<'a>,
}

impl New<'_> {
    /// As lines of a block, the first with its indentation.
    fn lines(self, column: usize, step: usize) -> Vec<String> {
        let indent = " ".repeat(column);
        let (lead, deeper) = match self.key {
            Some(key) => (format!("{indent}{}:", write::text(key)), " ".repeat(column + step)),
            None => (format!("{indent}-"), " ".repeat(column + 2)),
        };
        let fields =
            |map: &Map<String, Value>| -> Vec<String> { map.iter().map(|(key, value)| field(key, value)).collect() };
        match (self.content, self.key) {
            (Content::Raw(raw), _) => raw_lines(raw),
            (Content::Value(Value::Object(map)), Some(_)) if !map.is_empty() => {
                let below = fields(map).into_iter().map(|field| format!("{deeper}{field}"));
                std::iter::once(lead).chain(below).collect()
            }
            (Content::Value(Value::Object(map)), None) if !map.is_empty() => {
                let leads = std::iter::once(format!("{lead} ")).chain(std::iter::repeat(deeper));
                std::iter::zip(leads, fields(map)).map(|(lead, field)| lead + &field).collect()
            }
            (Content::Value(value), _) => vec![format!("{lead} {}", write::inline(value))],
        }
    }

    /// Inside brackets.
    fn inline(self) -> String {
        match (self.content, self.key) {
            (Content::Raw(raw), _) => raw.to_owned(),
            (Content::Value(value), Some(key)) => field(key, value),
            (Content::Value(value), None) => write::inline(value),
        }
    }
}

/// The lines of source text, those at its end with nothing on them included: a text may keep them.
fn raw_lines(raw: &str) -> Vec<String> {
    raw.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect()
}

/// Whether the last of some lines is blank, and therefore counts for nothing without an end.
fn ends_blank(lines: &[String]) -> bool {
    lines.last().is_some_and(String::is_empty)
}

fn field(key: &str, value: &Value) -> String {
    format!("{}: {}", write::text(key), write::inline(value))
}

/// Keys that are to lead to something new, and the something.
pub(super) struct Path<'a> {
    pub(super) missing: &'a [&'a str],
    pub(super) new: New<'a>,
}

impl Path<'_> {
    fn lines(&self, page: Page, mut column: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (n, key) in self.missing.iter().enumerate() {
            lines.push(format!("{}{}:", " ".repeat(column), write::text(key)));
            let list = n + 1 == self.missing.len() && self.new.key.is_none();
            column += if list { page.list_step() } else { page.step() };
        }
        lines.extend(self.new.lines(column, page.step()));
        lines
    }

    fn inline(&self) -> String {
        let list = |inner: String| if self.new.key.is_none() { format!("[{inner}]") } else { format!("{{{inner}}}") };
        let [rest @ .., last] = self.missing else { return self.new.inline() };
        let innermost = format!("{}: {}", write::text(last), list(self.new.inline()));
        rest.iter().rev().fold(innermost, |inner, key| format!("{}: {{{inner}}}", write::text(key)))
    }
}

/// The text of a document where there was none: behind the comments, if there are any.
pub(super) fn create(page: Page, path: &Path) -> Edit {
    let at = page.text.trim_end_matches([' ', '\t', '\n', '\r']).len();
    let newline = page.newline();
    let before = if at == 0 { "" } else { newline };
    let after = if page.text[at..].contains('\n') { "" } else { newline };
    Edit::insert(at, format!("{before}{}{after}", path.lines(page, 0).join(newline)))
}

/// Puts something into a table or list that has members already.
pub(super) fn insert(page: Page, id: Id, path: &Path) -> Result<Vec<Edit>, Odd> {
    let node = page.tree.node(id);
    match &node.kind {
        Kind::Map { flow: true, members } => {
            let last = members.last().map(|member| page.end(member)).transpose()?;
            in_brackets(page, &node.range, last, &path.inline())
        }
        Kind::List { flow: true, items } => {
            let last = items.last().map(|item| page.tree.end(page.text, *item));
            in_brackets(page, &node.range, last, &path.inline())
        }
        Kind::Map { members, .. } => {
            let (Some(first), Some(last)) = (members.first(), members.last()) else { return Err(Odd) };
            let column = page.column(first.key.start)?;
            let at = page.behind(page.end(last)?, column)?;
            Ok(vec![insert_lines(page, at, &path.lines(page, column))])
        }
        Kind::List { items, .. } => {
            let (Some(first), Some(last)) = (items.first(), items.last()) else { return Err(Odd) };
            let column = page.column(page.dash(*first)?)?;
            let at = page.behind(page.tree.end(page.text, *last), column)?;
            Ok(vec![insert_lines(page, at, &path.lines(page, column))])
        }
        Kind::Scalar { .. } | Kind::Alias(_) => Err(Odd),
    }
}

/// Brackets over several lines may have comments anywhere, and are left alone.
fn in_brackets(page: Page, range: &Range<usize>, last: Option<usize>, new: &str) -> Result<Vec<Edit>, Odd> {
    if page.text[range.clone()].contains(['\n', '\r']) {
        return Err(Odd);
    }
    Ok(vec![match last {
        Some(end) => Edit::insert(end, format!(", {new}")),
        None => Edit::new(range.start + 1..range.end - 1, new),
    }])
}

/// Puts something into a member of a block that has nothing in it, or empty brackets.
pub(super) fn fill(page: Page, member: &Member, path: &Path) -> Result<Vec<Edit>, Odd> {
    let node = page.tree.node(member.value);
    let colon = page.colon(member)?;
    let end = page.end(member)?;
    if node.marked || page.text[colon..end].contains(['\n', '\r']) {
        return Err(Odd);
    }
    let column = page.column(member.key.start)?;
    let step = if path.new.key.is_none() && path.missing.is_empty() { page.list_step() } else { page.step() };
    let at = page.after(end)?;
    let new = insert_lines(page, at, &path.lines(page, column + step));
    let emptied = Edit::new(colon..end, "");
    Ok(if emptied.range.is_empty() { vec![new] } else { vec![emptied, new] })
}

/// Puts lines at the beginning of another one, or behind a last one that does not end.
fn insert_lines(page: Page, at: usize, lines: &[String]) -> Edit {
    let newline = page.newline();
    let unfinished = at > 0 && !page.text[..at].ends_with('\n');
    let before = if unfinished { newline } else { "" };
    let end = if unfinished && !ends_blank(lines) { "" } else { newline };
    Edit::insert(at, format!("{before}{}{end}", lines.join(newline)))
}

/// Where an entry stands: as a member of a table or as an item of a list.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The table or list.
    pub(super) table: Id,
    /// The member that holds it; none where it is the document itself.
    pub(super) holder: Option<&'a Member>,
    /// Which of them it is.
    pub(super) index: usize,
}

impl<'a> Place<'a> {
    /// The entry's node.
    pub(super) fn node(self, page: Page<'a>) -> Id {
        match &page.tree.node(self.table).kind {
            Kind::Map { members, .. } => members[self.index].value,
            Kind::List { items, .. } => items[self.index],
            Kind::Scalar { .. } | Kind::Alias(_) => self.table,
        }
    }

    /// The bytes of the entry: its lines with the last one's end, or what stands in the brackets.
    pub(super) fn range(self, page: Page) -> Result<Range<usize>, Odd> {
        match &page.tree.node(self.table).kind {
            Kind::Map { flow: true, members } => {
                let member = &members[self.index];
                Ok(member.key.start..page.end(member)?)
            }
            Kind::List { flow: true, items } => Ok(page.tree.node(items[self.index]).range.clone()),
            Kind::Map { members, .. } => page.member_lines(&members[self.index]),
            Kind::List { items, .. } => page.item_lines(items[self.index]),
            Kind::Scalar { .. } | Kind::Alias(_) => Err(Odd),
        }
    }

    fn siblings(self, page: Page) -> (bool, usize) {
        match &page.tree.node(self.table).kind {
            Kind::Map { flow, members } => (*flow, members.len()),
            Kind::List { flow, items } => (*flow, items.len()),
            Kind::Scalar { .. } | Kind::Alias(_) => (false, 0),
        }
    }
}

/// Makes an entry equal a value, and leaves what is equal already as it is written.
pub(super) fn update(page: Page, place: Place, new: New) -> Result<Vec<Edit>, Odd> {
    let Content::Value(value) = new.content else { return replace(page, place, new) };
    let id = place.node(page);
    if page.tree.value(id) == *value {
        return Ok(Vec::new());
    }
    if let (Kind::Map { flow: false, members }, Value::Object(map), false) =
        (&page.tree.node(id).kind, value, page.tree.node(id).marked)
        && !map.is_empty()
        && let Ok(edits) = update_members(page, id, members, map)
    {
        return Ok(edits);
    }
    replace(page, place, new)
}

fn update_members(page: Page, id: Id, members: &[Member], new: &Map<String, Value>) -> Result<Vec<Edit>, Odd> {
    let mut edits = Vec::new();
    for (index, member) in members.iter().enumerate() {
        match new.get(&member.name) {
            Some(value) => {
                let place = Place { table: id, holder: None, index };
                let new = New { key: Some(&member.name), content: Content::Value(value) };
                edits.extend(update(page, place, new)?);
            }
            None => edits.push(remove_lines(page, page.member_lines(member)?)),
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !members.iter().any(|member| member.name == **key)) {
        let new = New { key: Some(key), content: Content::Value(value) };
        edits.extend(insert(page, id, &Path { missing: &[], new })?);
    }
    Ok(edits)
}

/// Writes an entry anew: of a member on lines only the value, so that comments behind it stay.
fn replace(page: Page, place: Place, new: New) -> Result<Vec<Edit>, Odd> {
    let node = page.tree.node(place.node(page));
    if node.marked || matches!(node.kind, Kind::Alias(_)) {
        return Err(Odd);
    }
    match (&page.tree.node(place.table).kind, new.content) {
        (Kind::Map { flow, members }, Content::Value(value)) => {
            let member = &members[place.index];
            let block = matches!(node.kind, Kind::Map { flow: false, .. } | Kind::List { flow: false, .. });
            if *flow && block {
                return Err(Odd);
            }
            Ok(vec![Edit::new(page.colon(member)?..page.end(member)?, format!(" {}", write::inline(value)))])
        }
        (Kind::List { flow: false, items }, Content::Value(_)) => {
            let column = page.column(page.dash(items[place.index])?)?;
            Ok(vec![replace_lines(page, place.range(page)?, &new.lines(column, page.step()))])
        }
        (_, Content::Raw(raw)) if !place.siblings(page).0 => {
            Ok(vec![replace_lines(page, place.range(page)?, &raw_lines(raw))])
        }
        _ => Ok(vec![Edit::new(place.range(page)?, new.inline())]),
    }
}

fn replace_lines(page: Page, range: Range<usize>, lines: &[String]) -> Edit {
    let ended = page.text[range.clone()].ends_with('\n') || ends_blank(lines);
    let end = if ended { page.newline() } else { "" };
    Edit::new(range, lines.join(page.newline()) + end)
}

/// Takes an entry out. Where it was the only one, empty brackets stay: no value at all would be a mistake to Continue.
pub(super) fn remove(page: Page, place: Place) -> Result<Vec<Edit>, Odd> {
    let range = place.range(page)?;
    let (flow, count) = place.siblings(page);
    if flow {
        return Ok(vec![Edit::new(with_comma(page, place, range)?, "")]);
    }
    let lines = remove_lines(page, range);
    match place.holder.filter(|_| count == 1) {
        Some(holder) => {
            let empty = if matches!(page.tree.node(place.table).kind, Kind::List { .. }) { " []" } else { " {}" };
            Ok(vec![Edit::insert(page.colon(holder)?, empty), lines])
        }
        None => Ok(vec![lines]),
    }
}

/// What goes with a member of brackets: the comma on its side.
fn with_comma(page: Page, place: Place, own: Range<usize>) -> Result<Range<usize>, Odd> {
    let node = page.tree.node(place.table);
    if page.text[node.range.clone()].contains(['\n', '\r']) {
        return Err(Odd);
    }
    let (_, count) = place.siblings(page);
    let before = place.index.checked_sub(1).map(|index| Place { index, ..place }.range(page)).transpose()?;
    let after =
        if place.index + 1 < count { Some(Place { index: place.index + 1, ..place }.range(page)?) } else { None };
    Ok(match (before, after) {
        (Some(before), _) => before.end..own.end,
        (None, Some(after)) => own.start..after.start,
        (None, None) => node.range.start + 1..node.range.end - 1,
    })
}

/// Takes lines out. Where the text did not end with a line end, it does not afterwards.
fn remove_lines(page: Page, range: Range<usize>) -> Edit {
    let Range { mut start, end } = range;
    if end == page.text.len() && !page.text.ends_with('\n') {
        let before = &page.text[..start];
        start -= if before.ends_with("\r\n") { 2 } else { usize::from(before.ends_with('\n')) };
    }
    Edit::new(start..end, "")
}
