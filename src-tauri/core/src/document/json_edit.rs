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
    let rest = &json.text[end..];
    let strict = &json.strict[end..];
    let line_end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let trails = rest[..line_end].trim_start().starts_with(',');
    let blank = strict[..line_end].bytes().all(|byte| byte.is_ascii_whitespace());
    if !blank || rest[..line_end].trim().is_empty() {
        return vec![Edit { range: end..end, replacement: format!(",{line}") }];
    }
    let line = Edit { range: end + line_end..end + line_end, replacement: if trails { line + "," } else { line } };
    if trails { vec![line] } else { vec![Edit { range: end..end, replacement: ",".to_owned() }, line] }
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
    let end = json.skip(object) - 1;
    let around = (object + 1..member.key_start, member.value.end..end);
    let bare = |range: &std::ops::Range<usize>| json.text[range.clone()].trim().is_empty();
    let range = if bare(&around.0) && bare(&around.1) { object + 1..end } else { member.key_start..member.value.end };
    vec![Edit { range, replacement: String::new() }]
}

/// Takes out the comma before, and the member with the white space before it; a comment between stays.
fn last_member(json: &Json, before: &Member, member: &Member) -> Vec<Edit> {
    let between = before.value.end..member.key_start;
    let comma = between.start + json.strict[between.clone()].find(',').unwrap_or(0);
    let text = &json.text[comma + 1..member.key_start];
    let kept = text.trim_end().len();
    let cut = Edit { range: comma + 1 + kept..member.value.end, replacement: String::new() };
    let comma = Edit { range: comma..comma + 1, replacement: String::new() };
    if kept == 0 {
        return vec![Edit { range: comma.range.start..cut.range.end, replacement: String::new() }];
    }
    vec![comma, cut]
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
            let members: Vec<_> =
                map.iter().map(|(key, value)| format!("{}:{space}{}", Value::from(key.as_str()), compact(json, value))).collect();
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
