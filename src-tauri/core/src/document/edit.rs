//! Edits as values: ranges of the original bytes and what replaces them.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Above this size a changed stretch becomes one edit: finding the lines in it that did not change is not worth the time.
const LINE_DIFF_LIMIT: usize = 1 << 20;

/// One replacement. A list of edits is sorted by range, and no two overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes of the original that go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub replacement: String,
}

impl Edit {
    pub(super) fn new(range: Range<usize>, replacement: impl Into<String>) -> Self {
        Self { range, replacement: replacement.into() }
    }

    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(at..at, text)
    }

    pub(super) fn shifted(self, by: usize) -> Self {
        Self { range: self.range.start + by..self.range.end + by, replacement: self.replacement }
    }
}

/// Applies edits to the bytes that they were made for. Everything outside their ranges stays as it is.
pub fn splice(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.replacement.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        out.extend_from_slice(&bytes[done..edit.range.start]);
        out.extend_from_slice(edit.replacement.as_bytes());
        done = edit.range.end;
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

/// Applies edits to text.
pub(super) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.replacement.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        out.push_str(&text[done..edit.range.start]);
        out.push_str(&edit.replacement);
        done = edit.range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// The edits that turn one text into another, small ones: by lines, and within the lines what differs.
pub(crate) fn between(old: &str, new: &str) -> Vec<Edit> {
    let Some(whole) = trimmed(old, new, 0) else { return Vec::new() };
    if whole.range.len() + whole.replacement.len() > LINE_DIFF_LIMIT {
        return vec![whole];
    }
    let (old_lines, new_lines) = (lines(old), lines(new));
    let starts = starts(&old_lines);
    capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines)
        .iter()
        .map(similar::DiffOp::as_tag_tuple)
        .filter(|(tag, ..)| *tag != DiffTag::Equal)
        .filter_map(|(_, from, to)| {
            trimmed(&old_lines[from.clone()].concat(), &new_lines[to].concat(), starts[from.start])
        })
        .collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Where each line starts, and where the last one ends.
fn starts(lines: &[&str]) -> Vec<usize> {
    let mut starts = vec![0];
    for line in lines {
        starts.push(starts[starts.len() - 1] + line.len());
    }
    starts
}

/// One edit without what both texts begin and end with; none when they are the same.
fn trimmed(old: &str, new: &str, offset: usize) -> Option<Edit> {
    let prefix: usize = std::iter::zip(old.chars(), new.chars())
        .take_while(|(left, right)| left == right)
        .map(|(left, _)| left.len_utf8())
        .sum();
    let (old, new) = (&old[prefix..], &new[prefix..]);
    let suffix: usize = std::iter::zip(old.chars().rev(), new.chars().rev())
        .take_while(|(left, right)| left == right)
        .map(|(left, _)| left.len_utf8())
        .sum();
    let (old, new) = (&old[..old.len() - suffix], &new[..new.len() - suffix]);
    let start = offset + prefix;
    (old != new).then(|| Edit::new(start..start + old.len(), new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_distant_changes_are_two_edits() {
        let (old, new) = ("a = 1\r\nb = 2\r\nc = 3\r\n", "a = 10\r\nb = 2\r\nc = 4\r\n");
        let edits = between(old, new);
        assert_eq!(edits, [Edit::insert(5, "0"), Edit::new(18..19, "4")]);
        assert_eq!(apply(old, &edits), new);
    }

    #[test]
    fn equal_texts_need_no_edit() {
        assert_eq!(between("x\n", "x\n"), []);
    }

    #[test]
    fn edits_fall_between_characters() {
        let (old, new) = ("\"é\"", "\"è\"");
        assert_eq!(between(old, new), [Edit::new(1..3, "è")]);
    }
}
