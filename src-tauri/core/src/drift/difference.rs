//! What differs between two values of an entry, masked and bounded.

use serde_json::Value;

use crate::api::view::FieldView;
use crate::client::{Client, read_entry};
use crate::document::{Format, YamlTable};
use crate::secret::{find_plaintext, mask, redact};

/// The fields that say what is started or spoken to.
const IDENTITY: &[&str] = &["command", "args", "url", "httpUrl", "serverUrl", "uri", "headersHelper", "transport"];

/// As [`between`], for an entry that stands under another name: the field that bears its name is no further difference.
pub(super) fn besides_the_name(client: &Client, expected: &Value, now: &Value) -> Vec<FieldView> {
    let mut fields = between(expected, now);
    if let Format::Yaml(YamlTable::Named(name)) = client.format {
        fields.retain(|field| field.name != name);
    }
    fields
}

/// Every field that differs: those of `expected` in their order, then what was added.
pub(super) fn between(expected: &Value, now: &Value) -> Vec<FieldView> {
    let (Some(before), Some(after)) = (expected.as_object(), now.as_object()) else {
        let whole = FieldView { name: "the entry".to_owned(), from: Some(shown(expected)), to: Some(shown(now)) };
        return if expected == now { Vec::new() } else { vec![whole] };
    };
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    keys.filter(|key| before.get(*key) != after.get(*key))
        .map(|key| FieldView {
            name: key.clone(),
            from: before.get(key).map(|value| shown_at(key, value)),
            to: after.get(key).map(|value| shown_at(key, value)),
        })
        .collect()
}

/// Whether nothing was done but to switch it off, in the way that its app knows.
pub(super) fn is_switched_off(client: &Client, expected: &Value, now: &Value) -> bool {
    let (Some((flag, off)), Some(before), Some(after)) = (client.off, expected.as_object(), now.as_object()) else {
        return false;
    };
    let without = |table: &serde_json::Map<String, Value>| {
        let mut table = table.clone();
        table.shift_remove(flag);
        table
    };
    after.get(flag) == Some(&Value::Bool(off)) && without(before) == without(after)
}

/// Whether nothing of what an entry starts or speaks to is left.
pub(super) fn is_another(expected: &Value, now: &Value) -> bool {
    let kept = |key: &&&str| now.get(**key).is_some_and(|value| Some(value) == expected.get(**key));
    let says = |value: &Value| IDENTITY.iter().any(|key| value.get(*key).is_some());
    says(now) && !IDENTITY.iter().any(|key| kept(&key))
}

/// What an entry starts or speaks to, masked and bounded.
pub(super) fn target(name: &str, value: &Value) -> String {
    bounded(&mask(&read_entry(name, value).target, std::iter::once(value)))
}

/// A value as text, without secrets.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    bounded(&redact(&text))
}

fn bounded(text: &str) -> String {
    const MOST: usize = 400;
    if text.chars().count() > MOST { text.chars().take(MOST - 1).chain(['…']).collect() } else { text.to_owned() }
}

/// As [`shown`], but nothing at all of a value that is likely to hold a literal secret.
fn shown_at(key: &str, value: &Value) -> String {
    if find_plaintext(&serde_json::json!({ key: value })).is_empty() {
        shown(value)
    } else {
        "a value with a token in it".to_owned()
    }
}
