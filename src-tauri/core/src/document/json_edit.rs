//! Edits of JSON, in the style of what stands around them.

use serde_json::{Map, Value};

use super::json::{Json, Member};
use super::text::{BOM, indent_at, indent_unit, newline};
use super::{DocumentError, Edit};

/// Sets one member of a table.
pub(super) fn set(json: &Json, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
    let ((object, depth), there) = json.find(table)?;
    if json.is_blank() {
        return Ok(vec![whole(json, table, key, value)]);
    }
    let Some(object_start) = there else {
        let nested = nest(&table[depth + 1..], key, value);
        return Ok(insert(json, object, table[depth], &nested));
    };
    let members = json.members(object_start);
    let path: Vec<_> = table.iter().copied().chain([key]).collect();
    match json.only(&members, key, &path)? {
        Some(member) if json.value(&member.value) == *value => Ok(Vec::new()),
        Some(member) => {
            let indent = indent_at(&json.text, member.key_start).to_owned();
            let lines = spans_lines(json, object_start);
            let replacement = if lines { pretty(json, value, &indent) } else { compact(json, value) };
            Ok(vec![Edit { range: member.value.clone(), replacement }])
        }
        None => Ok(insert(json, object_start, key, value)),
    }
}

/// Takes one member out of a table.
pub(super) fn remove(json: &Json, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
    let Some(object) = json.find(table)?.1 else { return Ok(Vec::new()) };
    let members = json.members(object);
    let path: Vec<_> = table.iter().copied().chain([key]).collect();
    let Some(member) = json.only(&members, key, &path)? else { return Ok(Vec::new()) };
    let at = members.iter().position(|other| other.key_start == member.key_start).unwrap_or(0);
    Ok(match (at, members.len()) {
        (0, 1) => only_member(json, object, member),
        (at, count) if at + 1 == count => last_member(json, &members[at - 1], member),
        (at, _) => vec![up_to_next(json, member, &members[at + 1])],
    })
}

/// A blank text becomes an object; what blank there was (a BOM, a comment) stays ahead of it.
fn whole(json: &Json, table: &[&str], key: &str, value: &Value) -> Edit {
    let nested = nest(table, key, value);
    let text = format!("{}{}", pretty(json, &nested, ""), newline(&json.text));
    let start = if json.text.starts_with(BOM) { BOM.len() } else { 0 };
    let keep = json.text[start..].trim_end();
    let lead = if keep.is_empty() { String::new() } else { newline(&json.text).to_owned() };
    let from = start + keep.len();
    Edit { range: from..json.text.len(), replacement: lead + &text }
}

fn nest(table: &[&str], key: &str, value: &Value) -> Value {
    let leaf = Value::Object(Map::from_iter([(key.to_owned(), value.clone())]));
    table.iter().rev().fold(leaf, |inner, key| Value::Object(Map::from_iter([((*key).to_owned(), inner)])))
}

fn insert(json: &Json, object: usize, key: &str, value: &Value) -> Vec<Edit> {
    let members = json.members(object);
    match members.last() {
        None => vec![into_empty(json, object, key, value)],
        Some(last) if spans_lines(json, object) => after_last(json, last, key, value),
        Some(last) => {
            let member = format!(",{}{}", space_after_comma(json, &members), inline_member(json, key, value));
            vec![Edit { range: last.value.end..last.value.end, replacement: member }]
        }
    }
}

/// After the last member, on a line of its own; a comment behind that member stays behind it.
fn after_last(json: &Json, last: &Member, key: &str, value: &Value) -> Vec<Edit> {
    let indent = indent_at(&json.text, last.key_start).to_owned();
    let line = format!("{}{indent}{}", newline(&json.text), member(json, key, value, &indent));
    let end = last.value.end;
    let at = |place: usize, replacement: String| Edit { range: place..place, replacement };
    if let Some(comma) = json.trailing_comma(end) {
        return vec![at(past_comments(json, comma + 1), line + ",")];
    }
    match past_comments(json, end) {
        place if place == end => vec![at(end, format!(",{line}"))],
        place => vec![at(end, ",".to_owned()), at(place, line)],
    }
}

/// The end of the comments behind a place; the place itself where there are none.
fn past_comments(json: &Json, place: usize) -> usize {
    let past = json.after_comments(place);
    if json.text[place..past].trim().is_empty() { place } else { past }
}

fn into_empty(json: &Json, object: usize, key: &str, value: &Value) -> Edit {
    let end = json.skip(object) - 1;
    let inner = &json.text[object + 1..end];
    if is_one_line(json) {
        let replacement = inline_member(json, key, value);
        let range = if inner.trim().is_empty() { object + 1..end } else { object + 1..object + 1 };
        return Edit { range, replacement };
    }
    let outer = indent_at(&json.text, object);
    let indent = format!("{outer}{}", indent_unit(&json.text));
    let line = format!("{}{indent}{}", newline(&json.text), member(json, key, value, &indent));
    if inner.trim().is_empty() {
        return Edit { range: object + 1..end, replacement: format!("{line}{}{outer}", newline(&json.text)) };
    }
    // A comment stands inside; it stays where it is, behind the member.
    Edit { range: object + 1..object + 1, replacement: line }
}

fn only_member(json: &Json, object: usize, member: &Member) -> Vec<Edit> {
    let close = json.skip(object) - 1;
    let comma = json.trailing_comma(member.value.end);
    let bare = |from: usize, to: usize| json.text[from..to].trim().is_empty();
    let end = comma.filter(|comma| bare(member.value.end, *comma)).map_or(member.value.end, |comma| comma + 1);
    if bare(object + 1, member.key_start) && bare(end, close) {
        return vec![cut(object + 1, close)];
    }
    let mut edits = vec![cut(member.key_start, end)];
    edits.extend(comma.filter(|comma| *comma >= end).map(|comma| cut(comma, comma + 1)));
    edits
}

fn cut(from: usize, to: usize) -> Edit {
    Edit { range: from..to, replacement: String::new() }
}

/// Takes out a comma, and the member with the white space before it; comments stay. Where commas trail, the one before
/// the member stays and its own goes.
fn last_member(json: &Json, before: &Member, member: &Member) -> Vec<Edit> {
    let between = before.value.end..member.key_start;
    let comma = between.start + json.strict[between].find(',').unwrap_or(0);
    let kept = comma + 1 + json.text[comma + 1..member.key_start].trim_end().len();
    match json.trailing_comma(member.value.end) {
        Some(own) if json.text[member.value.end..own].trim().is_empty() => vec![cut(kept, own + 1)],
        Some(own) => vec![cut(kept, member.value.end), cut(own, own + 1)],
        None if kept == comma + 1 => vec![cut(comma, member.value.end)],
        None => vec![cut(comma, comma + 1), cut(kept, member.value.end)],
    }
}

/// Takes out a member up to the next one; a comment between stays.
fn up_to_next(json: &Json, member: &Member, next: &Member) -> Edit {
    let between = member.value.end..next.key_start;
    let comma = between.start + json.strict[between].find(',').unwrap_or(0);
    let rest = &json.text[comma + 1..next.key_start];
    let white = rest.len() - rest.trim_start().len();
    let end = if rest.trim().is_empty() { next.key_start } else { comma + 1 + white };
    Edit { range: member.key_start..end, replacement: String::new() }
}

fn spans_lines(json: &Json, object: usize) -> bool {
    let first = json.white(object + 1);
    json.text[object..first].contains('\n')
}

fn is_one_line(json: &Json) -> bool {
    !json.text.trim().contains('\n')
}

fn space_after_comma<'a>(json: &'a Json, members: &[Member]) -> &'a str {
    match members {
        [first, second, ..] => {
            let between = &json.strict[first.value.end..second.key_start];
            if between.trim_start().trim_start_matches(',').is_empty() { "" } else { " " }
        }
        _ => colon_space(json),
    }
}

fn colon_space(json: &Json) -> &'static str {
    if json.strict.contains("\": ") || !json.strict.contains("\":") { " " } else { "" }
}

fn inline_member(json: &Json, key: &str, value: &Value) -> String {
    format!("{}:{}{}", Value::from(key), colon_space(json), compact(json, value))
}

fn member(json: &Json, key: &str, value: &Value, indent: &str) -> String {
    format!("{}: {}", Value::from(key), pretty(json, value, indent))
}

fn compact(json: &Json, value: &Value) -> String {
    let space = colon_space(json);
    match value {
        Value::Object(map) => {
            let members: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{}:{space}{}", Value::from(key.as_str()), compact(json, value)))
                .collect();
            format!("{{{}}}", members.join(&format!(",{space}")))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| compact(json, item)).collect();
            format!("[{}]", items.join(&format!(",{space}")))
        }
        other => other.to_string(),
    }
}

/// A value over several lines, its first line unindented. Lists of plain values stay on one line.
fn pretty(json: &Json, value: &Value, indent: &str) -> String {
    let (nl, unit) = (newline(&json.text), indent_unit(&json.text));
    match value {
        Value::Object(map) if !map.is_empty() => {
            let inner = format!("{indent}{unit}");
            let members: Vec<_> =
                map.iter().map(|(key, value)| format!("{inner}{}", member(json, key, value, &inner))).collect();
            format!("{{{nl}{}{nl}{indent}}}", members.join(&format!(",{nl}")))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| pretty(json, item, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
