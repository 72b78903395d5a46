//! A change, to be read by people: a unified diff with secrets masked.

use std::collections::BTreeSet;

use similar::TextDiff;

use super::Change;
use super::plan::parse;
use crate::secret::mask;

/// A diff and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// Unified, three lines of context, secrets masked.
    pub text: String,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// The diff of a planned change.
pub fn diff(change: &Change) -> Diff {
    let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
    let after = String::from_utf8_lossy(change.after.as_deref().unwrap_or_default());
    let (head, tail) = common(&before, &after);
    let diff = TextDiff::from_lines(&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let text = without_positions(&diff.unified_diff().context_radius(3).to_string());
    let count = |mark: char| {
        let lines = text.lines().filter(|line| line.starts_with(mark)).count();
        u32::try_from(lines).unwrap_or(u32::MAX)
    };
    let (added, removed) = (count('+'), count('-'));
    // Entries that others wrote may hold tokens, and stand beside ours.
    let entries = entries(change, change.before.as_deref()).into_iter().chain(entries(change, change.after.as_deref()));
    let entries: Vec<_> = entries.map(|(_, value)| value).collect();
    Diff { added, removed, text: mask(&text, entries.iter()) }
}

fn entries(change: &Change, bytes: Option<&[u8]>) -> Vec<(String, serde_json::Value)> {
    let Ok(document) = parse(change.client, &change.path, bytes.unwrap_or_default()) else { return Vec::new() };
    let tables: BTreeSet<_> = change.ops.iter().map(|op| op.keys(change.client)).collect();
    tables.iter().filter_map(|table| document.entries(table).ok()).flatten().collect()
}

/// Hunk headers count from where the comparison began, which tells a reader nothing; a gap is marked instead.
fn without_positions(text: &str) -> String {
    let mut seen = false;
    text.lines().fold(String::with_capacity(text.len()), |mut out, line| {
        match line.starts_with("@@") {
            true if seen => out.push_str(" ⋯\n"),
            true => seen = true,
            false => {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    })
}

/// Lengths of a shared beginning and end in bytes, cut at line starts and a few lines short: a diff of a large file
/// costs only as much as what changed.
fn common(before: &str, after: &str) -> (usize, usize) {
    let same =
        |a: &mut dyn Iterator<Item = u8>, b: &mut dyn Iterator<Item = u8>| a.zip(b).take_while(|(a, b)| a == b).count();
    let head = same(&mut before.bytes(), &mut after.bytes());
    let head = back_lines(before, head, 4);
    let room = before.len().min(after.len()) - head;
    let tail = same(&mut before.bytes().rev(), &mut after.bytes().rev()).min(room);
    let start = forward_lines(before, before.len() - tail, 4);
    (head, before.len() - start)
}

fn back_lines(text: &str, at: usize, lines: usize) -> usize {
    text.as_bytes()[..at]
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(lines)
        .map_or(0, |(i, _)| i + 1)
}

fn forward_lines(text: &str, at: usize, lines: usize) -> usize {
    text.as_bytes()[at..]
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(lines)
        .map_or(text.len(), |(i, _)| at + i + 1)
}
