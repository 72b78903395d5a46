//! What a scalar means: the core schema of YAML 1.2, as both apps' parsers have it.

use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

/// The value of a scalar as JSON. Numbers that JSON has no word for become null, as in the other formats.
pub(super) fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.and_then(Tag::core_suffix) {
        Some("str") => Value::from(text),
        Some("null" | "bool" | "int" | "float") => plain(text),
        _ if tag.is_some() || style != ScalarStyle::Plain => Value::from(text),
        _ => plain(text),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Null);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with(['+', '-'])).map(Value::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with(['+', '-'])).map(Value::from);
    }
    let digits = unsigned.bytes().all(|byte| byte.is_ascii_digit()) && !unsigned.is_empty();
    if digits && unsigned.len() > 1 && unsigned.starts_with('0') {
        // Goose's parser takes it for a text, Continue's for a number.
        return None;
    }
    if digits {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<u64>().map(Value::from))
            .ok()
            .or_else(|| float(text));
    }
    let float_like = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit());
    if float_like { float(text) } else { None }
}

fn float(text: &str) -> Option<Value> {
    let number = text.parse::<f64>().ok()?;
    Some(Number::from_f64(number).map_or(Value::Null, Value::Number))
}
