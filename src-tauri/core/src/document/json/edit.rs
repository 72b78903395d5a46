//! Edits of one object: a member more, a member less, a member's value changed.
//!
//! A removal undoes an insertion byte for byte, as long as the object had other members.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::edit::{Edit, apply, between};
use super::read::{Member, Object, extent, value};
use super::scan::{BLANK, Scanner};
use super::write::{Content, Layout, Style, line_indent, line_start, member, own_line_indent, write};

/// Puts a member behind the object's last one, in its manner.
pub(super) fn insert(text: &str, object: &Object, key: &str, content: Content, style: &Style) -> Vec<Edit> {
    let Some(last) = object.members.last() else { return vec![insert_first(text, object, key, content, style)] };
    match own_line_indent(text, object.open + 1, last.key.start) {
        Some(indent) => {
            insert_line(text, object, last, &member(key, content, beside(text, last, indent), style), indent, style)
        }
        None => insert_in_line(
            text,
            object,
            last,
            &member(key, content, Layout::Line { padded: padded(text, object.open) }, style),
            style,
        ),
    }
}

/// How a value is laid out beside a sibling: on one line if the sibling is an object on one line.
fn beside<'a>(text: &str, sibling: &Member, indent: &'a str) -> Layout<'a> {
    let raw = &text[sibling.value.clone()];
    let one_line = raw.starts_with('{') && raw != "{}" && !raw.contains(['\n', '\r']);
    if one_line { Layout::Line { padded: padded(text, sibling.value.start) } } else { Layout::Lines(indent) }
}

fn padded(text: &str, open: usize) -> bool {
    text[open..].starts_with("{ ")
}

fn insert_line(text: &str, object: &Object, last: &Member, member: &str, indent: &str, style: &Style) -> Vec<Edit> {
    let newline = style.newline;
    if let Some(comma) = last.comma {
        let at = end_of_line_comments(text, comma + 1, object.close);
        return vec![Edit::insert(at, format!("{newline}{indent}{member},"))];
    }
    let at = end_of_line_comments(text, last.value.end, object.close);
    if at == last.value.end {
        return vec![Edit::insert(at, format!(",{newline}{indent}{member}"))];
    }
    vec![Edit::insert(last.value.end, ","), Edit::insert(at, format!("{newline}{indent}{member}"))]
}

fn insert_in_line(text: &str, object: &Object, last: &Member, member: &str, style: &Style) -> Vec<Edit> {
    let separator = match object.members.first().and_then(|first| first.comma) {
        Some(comma) if object.members.len() > 1 => text[comma + 1..].starts_with([' ', '\t']),
        _ => style.spaced(),
    };
    let separator = if separator { " " } else { "" };
    vec![match last.comma {
        Some(comma) => Edit::insert(comma + 1, format!("{separator}{member},")),
        None => Edit::insert(last.value.end, format!(",{separator}{member}")),
    }]
}

fn insert_first(text: &str, object: &Object, key: &str, content: Content, style: &Style) -> Edit {
    let inside = object.open + 1..object.close;
    let interior = &text[inside.clone()];
    let base = line_indent(text, object.open);
    let filled = interior.trim_end_matches(BLANK).len();
    if style.compact && filled == 0 {
        return Edit::new(inside, member(key, content, Layout::Line { padded: false }, style));
    }
    let indent = format!("{base}{}", style.unit);
    let line = format!("{}{indent}{}", style.newline, member(key, content, Layout::Lines(&indent), style));
    let end = format!("{}{base}", style.newline);
    if filled == 0 {
        return Edit::new(inside, line + &end);
    }
    let closes_on_own_line = interior[filled..].contains(['\n', '\r']);
    Edit::insert(object.open + 1 + filled, if closes_on_own_line { line } else { line + &end })
}

/// Takes a member out.
pub(super) fn remove(text: &str, object: &Object, index: usize) -> Vec<Edit> {
    let gone = &object.members[index];
    if let Some(next) = object.members.get(index + 1) {
        return vec![Edit::new(gone.key.start..until_next(text, gone, next), "")];
    }
    let end = gone.comma.map_or(gone.value.end, |comma| comma + 1);
    let previous = index.checked_sub(1).map(|index| &object.members[index]);
    let stop = previous.and_then(|previous| previous.comma).map_or(object.open + 1, |comma| comma + 1);
    let Range { start, end } = last_with_line(text, stop, gone.key.start..end);
    match previous.and_then(|previous| previous.comma).filter(|_| gone.comma.is_none()) {
        Some(comma) if start == comma + 1 => vec![Edit::new(comma..end, "")],
        Some(comma) => vec![Edit::new(comma..comma + 1, ""), Edit::new(start..end, "")],
        None if previous.is_none() && only_member(text, object, gone) => {
            vec![Edit::new(object.open + 1..object.close, "")]
        }
        None => vec![Edit::new(start..end, "")],
    }
}

/// Where the text of a member ends that has one behind it: before the next, unless there are comments between.
fn until_next(text: &str, gone: &Member, next: &Member) -> usize {
    let after_comma = gone.comma.map_or(gone.value.end, |comma| comma + 1);
    let gap = &text[after_comma..next.key.start];
    if gap.trim_matches(BLANK).is_empty() { next.key.start } else { skip_spaces(text, after_comma) }
}

fn skip_spaces(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    from + rest.len() - rest.trim_start_matches([' ', '\t']).len()
}

/// The text that goes with the last member: what stands before it is followed by what stands behind it. Where that is a
/// comment to the end of its line, and more follows the member on its own line, the line stays, or the rest would be a
/// comment too.
fn last_with_line(text: &str, stop: usize, member: Range<usize>) -> Range<usize> {
    let rest = &text[member.end..];
    let rest = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
    let before = comments(text, stop, member.start).pop();
    if before.as_ref().is_some_and(|comment| comment.to_line_end) && !rest.trim_matches(BLANK).is_empty() {
        return member.start..skip_spaces(text, member.end);
    }
    // White space at the end of a comment is the comment's.
    let stop = before.map_or(stop, |comment| comment.end);
    stop + text[stop..member.start].trim_end_matches(BLANK).len()..member.end
}

fn only_member(text: &str, object: &Object, gone: &Member) -> bool {
    let after = gone.comma.map_or(gone.value.end, |comma| comma + 1);
    [object.open + 1..gone.key.start, after..object.close]
        .into_iter()
        .all(|range| text[range].trim_matches(BLANK).is_empty())
}

/// Changes what differs in the value that stands in a range, and nothing else of it.
pub(super) fn update(text: &str, range: &Range<usize>, new: &Value, style: &Style) -> Vec<Edit> {
    let base = line_start(text, range.start);
    let old = &text[base..range.end];
    let mut work = old.to_owned();
    rewrite(&mut work, range.start - base, new, style);
    between(old, &work).into_iter().map(|edit| edit.shifted(base)).collect()
}

/// Works on a copy of the few lines concerned, one step after the other, so that no step has to know of the others.
fn rewrite(text: &mut String, at: usize, new: &Value, style: &Style) {
    let old = value(text, at);
    match (&old, new) {
        _ if old == *new => {}
        (Value::Object(before), Value::Object(after)) if !has_duplicates(text, at) => {
            rewrite_members(text, at, before, after, style);
        }
        _ => {
            let range = extent(text, at);
            let replacement = replacement(text, &range, new, style);
            text.replace_range(range, &replacement);
        }
    }
}

fn rewrite_members(
    text: &mut String,
    at: usize,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    style: &Style,
) {
    for (key, new) in after {
        let object = Object::at(text, at);
        match object.last_named(text, key).map(|member| member.value.start) {
            Some(start) => rewrite(text, start, new, style),
            None => *text = apply(text, &insert(text, &object, key, Content::Value(new), style)),
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        let object = Object::at(text, at);
        if let Ok(Some(index)) = object.only_named(text, key) {
            *text = apply(text, &remove(text, &object, index));
        }
    }
}

fn has_duplicates(text: &str, at: usize) -> bool {
    let object = Object::at(text, at);
    let names: std::collections::HashSet<_> = object.members.iter().map(|member| member.name(text)).collect();
    names.len() < object.members.len()
}

/// A new value in the old one's manner: several lines stay several lines.
fn replacement(text: &str, range: &Range<usize>, new: &Value, style: &Style) -> String {
    let old = &text[range.clone()];
    let one_line = old.starts_with(['{', '[']) && old.len() > 2 && !old.contains(['\n', '\r']);
    let layout = if one_line || style.compact {
        Layout::Line { padded: padded(text, range.start) }
    } else {
        Layout::Lines(line_indent(text, range.start))
    };
    write(Content::Value(new), layout, style)
}

/// A comment between tokens.
struct Comment {
    end: usize,
    to_line_end: bool,
}

/// The comments between two tokens, in order.
fn comments(text: &str, from: usize, to: usize) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(slash) = text[at..to].find('/') {
        let start = at + slash;
        let rest = &text[start..to];
        let to_line_end = rest.starts_with("//");
        let length = if to_line_end { rest.find(['\n', '\r']) } else { rest[2..].find("*/").map(|end| end + 4) };
        at = start + length.unwrap_or(rest.len());
        found.push(Comment { end: at, to_line_end });
    }
    found
}

/// The end of the comments that follow on the same line; `from` itself where there are none.
fn end_of_line_comments(text: &str, from: usize, to: usize) -> usize {
    let to = to.min(text.len());
    let comments = comments(text, from, comment_limit(text, from, to));
    let mut end = from;
    for comment in comments {
        if text[end..].trim_start_matches([' ', '\t']).starts_with('/') && !text[from..end].contains(['\n', '\r']) {
            end = comment.end;
        }
    }
    end
}

/// Trivia ends where a comma or the closing brace stands that is in no comment.
fn comment_limit(text: &str, from: usize, to: usize) -> usize {
    let mut scanner = Scanner::new(text, from, true);
    scanner.next().ok().flatten().map_or(to, |token| token.start.min(to))
}
