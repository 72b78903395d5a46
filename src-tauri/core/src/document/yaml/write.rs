//! Writing values: one line each, in a spelling that means the same in YAML 1.1 and 1.2.

use serde_json::Value;

/// Words that some version of YAML takes for something else than text.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", text(key), inline(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(string) => text(string),
        Value::Number(number) => self::number(number),
        Value::Bool(_) | Value::Null => value.to_string(),
    }
}

/// A whole number stays one; of a float, the exponent gets the point and the sign that YAML 1.1 wants.
fn number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match text.split_once(['e', 'E']) {
        Some((digits, exponent)) if number.is_f64() => {
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
            format!("{digits}{point}e{sign}{exponent}")
        }
        _ => text,
    }
}

/// A text, quoted unless it can be nothing else.
pub(super) fn text(text: &str) -> String {
    let first = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let plain = first && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    if plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn escaped(letter: char) -> String {
    match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        // Line ends and blanks beyond ASCII, marks that cannot be seen, and what YAML does not take as it is.
        '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
            format!("\\u{:04X}", u32::from(letter))
        }
        control if control.is_control() => format!("\\u{:04X}", u32::from(control)),
        high if u32::from(high) & 0xFFFE == 0xFFFE => format!("\\U{:08X}", u32::from(high)),
        other => other.to_string(),
    }
}
