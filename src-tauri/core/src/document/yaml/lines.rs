//! Which lines of the text a node takes up, and where new ones go.

use std::ops::Range;

use super::tree::{Id, Kind, Member, Tree};

/// A place that is written in a way that is not edited.
pub(super) struct Odd;

/// A tree beside its text.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) text: &'a str,
    pub(super) tree: &'a Tree,
}

impl Page<'_> {
    /// The text's line end.
    pub(super) fn newline(self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// Where the line of a byte begins.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// How far to the right something stands, where nothing but spaces and the dashes of lists is before it.
    pub(super) fn column(self, at: usize) -> Result<usize, Odd> {
        let before = &self.text[self.line_start(at)..at];
        if before.bytes().all(|byte| byte == b' ' || byte == b'-') { Ok(before.len()) } else { Err(Odd) }
    }

    /// The end of the line on which content ends. Nothing but a comment may follow there.
    pub(super) fn after(self, end: usize) -> Result<usize, Odd> {
        if end > 0 && self.text[..end].ends_with('\n') {
            return Ok(end);
        }
        let stop = self.line_end(end);
        let rest = &self.text[end..stop];
        let comment = rest.trim_start();
        let fine = comment.is_empty() || comment.starts_with('#') && rest.starts_with([' ', '\t']);
        if fine { Ok(stop) } else { Err(Odd) }
    }

    /// Where something goes that follows content in a block of that column: comments further to the right belong to the
    /// content before them.
    pub(super) fn behind(self, end: usize, column: usize) -> Result<usize, Odd> {
        let mut at = self.after(end)?;
        for line in self.text[at..].split_inclusive('\n') {
            let blank = line.len() - line.trim_start_matches(' ').len();
            if blank <= column || !line[blank..].starts_with('#') {
                break;
            }
            at += line.len();
        }
        Ok(at)
    }

    /// The byte behind a key's colon.
    pub(super) fn colon(self, member: &Member) -> Result<usize, Odd> {
        let rest = &self.text[member.key.end..];
        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[gap..].starts_with(':') { Ok(member.key.end + gap + 1) } else { Err(Odd) }
    }

    /// Where a member's content ends.
    pub(super) fn end(self, member: &Member) -> Result<usize, Odd> {
        Ok(self.tree.end(self.text, member.value).max(self.colon(member)?))
    }

    /// The whole lines of a member of a block, which begins its line, with the comments that belong to it.
    pub(super) fn member_lines(self, member: &Member) -> Result<Range<usize>, Odd> {
        let start = self.line_start(member.key.start);
        if !self.text[start..member.key.start].bytes().all(|byte| byte == b' ') {
            return Err(Odd);
        }
        Ok(start..self.behind(self.end(member)?, member.key.start - start)?)
    }

    /// The dash of an item of a block.
    pub(super) fn dash(self, item: Id) -> Result<usize, Odd> {
        let before = self.text[..self.tree.node(item).range.start].trim_end_matches([' ', '\t', '\n', '\r']);
        if before.ends_with('-') { Ok(before.len() - 1) } else { Err(Odd) }
    }

    /// The whole lines of an item of a block.
    pub(super) fn item_lines(self, item: Id) -> Result<Range<usize>, Odd> {
        let dash = self.dash(item)?;
        let start = self.line_start(dash);
        if self.tree.node(item).marked || !self.text[start..dash].bytes().all(|byte| byte == b' ') {
            return Err(Odd);
        }
        Ok(start..self.behind(self.tree.end(self.text, item), dash - start)?)
    }

    /// How much further to the right this file's tables stand than their keys.
    pub(super) fn step(self) -> usize {
        self.habit(|value| match &self.tree.node(value).kind {
            Kind::Map { flow: false, .. } => Some(self.tree.node(value).range.start),
            _ => None,
        })
        .filter(|step| *step > 0)
        .unwrap_or(2)
    }

    /// How much further to the right this file's dashes stand than their keys.
    pub(super) fn list_step(self) -> usize {
        self.habit(|value| match &self.tree.node(value).kind {
            Kind::List { flow: false, items } => self.dash(*items.first()?).ok(),
            _ => None,
        })
        .unwrap_or(2)
    }

    /// The first distance between a key and what `place` finds for its value.
    fn habit(self, place: impl Fn(Id) -> Option<usize>) -> Option<usize> {
        let distance = |member: &Member| {
            let at = place(member.value)?;
            let (key, value) = (self.column(member.key.start).ok()?, self.column(at).ok()?);
            (self.line_start(at) != self.line_start(member.key.start)).then(|| value.checked_sub(key)).flatten()
        };
        self.tree.nodes().find_map(|node| match &node.kind {
            Kind::Map { flow: false, members } => members.iter().find_map(distance),
            _ => None,
        })
    }
}
