//! Writing values as TOML 1.0: one line, inline tables, double quotes.

use serde_json::Value;

use super::super::error::DocumentError;

/// Refuses what TOML has no word for: null, and whole numbers beyond 63 bits.
pub(super) fn check(value: &Value, path: &mut Vec<String>) -> Result<(), DocumentError> {
    let refuse =
        |path: &[String], found| Err(DocumentError::Shape { path: path.to_vec(), expected: "a value of TOML", found });
    match value {
        Value::Null => refuse(path, "null"),
        Value::Number(number) if number.is_u64() && !number.is_i64() => refuse(path, "a number too large"),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| below(item, path, index.to_string()))
        }
        Value::Object(map) => map.iter().try_for_each(|(key, item)| below(item, path, key.clone())),
        _ => Ok(()),
    }
}

fn below(value: &Value, path: &mut Vec<String>, key: String) -> Result<(), DocumentError> {
    path.push(key);
    check(value, path)?;
    path.pop();
    Ok(())
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(key, value)| line(&[key], &inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => toml_edit::Value::from(float).to_string(),
            None => number.to_string(),
        },
        Value::Bool(truth) => truth.to_string(),
        // Refused by `check`.
        Value::Null => "\"\"".to_owned(),
    }
}

/// `key = value`, the key dotted if there are several.
pub(super) fn line(keys: &[&str], value: &str) -> String {
    format!("{} = {value}", dotted(keys))
}

/// `a.b."c d"`.
pub(super) fn dotted(keys: &[&str]) -> String {
    keys.iter().map(|key| bare_or_quoted(key)).collect::<Vec<_>>().join(".")
}

fn bare_or_quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if bare { key.to_owned() } else { quoted(key) }
}

/// A basic string. Everything that may not stand in one is escaped, line ends too: a string never spans lines.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn escaped(character: char) -> String {
    match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        control if control.is_control() => format!("\\u{:04X}", u32::from(control)),
        other => other.to_string(),
    }
}
