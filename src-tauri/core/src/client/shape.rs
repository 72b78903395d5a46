//! Questions about an entry's fields, as the apps' own schemas ask them. A field that is absent is always fine.

use serde_json::Value;

/// Whether any of these fields is a text that is not empty.
pub(super) fn has_text(entry: &Value, keys: &[&str]) -> bool {
    keys.iter().any(|key| entry.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty()))
}

/// Whether a field is a text.
pub(super) fn is_text(entry: &Value, key: &str) -> bool {
    entry.get(key).is_none_or(Value::is_string)
}

/// Whether a field is one of these texts.
pub(super) fn is_one_of(entry: &Value, key: &str, words: &[&str]) -> bool {
    entry.get(key).is_none_or(|value| value.as_str().is_some_and(|text| words.contains(&text)))
}

/// Whether a field is a list of texts.
pub(super) fn is_texts(entry: &Value, key: &str) -> bool {
    let all_texts = |items: &Vec<Value>| items.iter().all(Value::is_string);
    entry.get(key).is_none_or(|value| value.as_array().is_some_and(all_texts))
}

/// Whether a field is a table of texts.
pub(super) fn is_text_table(entry: &Value, key: &str) -> bool {
    entry.get(key).is_none_or(|value| value.as_object().is_some_and(|table| table.values().all(Value::is_string)))
}

/// Whether a field is true or false.
pub(super) fn is_flag(entry: &Value, key: &str) -> bool {
    entry.get(key).is_none_or(Value::is_boolean)
}
