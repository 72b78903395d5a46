//! Entries without their tokens, which can still be told apart: in place of each literal token stands a salted digest.

use serde_json::Value;

use super::plaintext::find_plaintext;
use super::redact::MASK;
use crate::connection::state::random_hex;
use crate::file::digest;

/// The length of a salt, in hex digits.
const SALT: usize = 16;

/// An entry's value with a digest in place of each token that lies in it in plain text.
pub(crate) fn marked(value: &Value) -> Value {
    let mut marked = value.clone();
    for finding in find_plaintext(value) {
        if let (Some(text), Some(place)) = (finding.literal(value), marked.pointer_mut(&finding.pointer)) {
            *place = Value::from(mark(text, &random_hex(SALT / 2)));
        }
    }
    marked
}

fn mark(text: &str, salt: &str) -> String {
    format!("{MASK}{salt}{}", digest(format!("{salt}{text}").as_bytes()))
}

/// The salt of a digest that stands for a token.
fn salt(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(MASK)?;
    (rest.len() == SALT + 64 && rest.is_ascii()).then(|| &rest[..SALT])
}

/// The same to be shown: a mask alone in place of each digest.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if salt(text).is_some() => Value::from(MASK),
        Value::Array(list) => list.iter().map(masked).collect(),
        Value::Object(table) => table.iter().map(|(key, value)| (key.clone(), masked(value))).collect(),
        _ => value.clone(),
    }
}

/// Whether digests stand for tokens in it.
pub(crate) fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => salt(text).is_some(),
        Value::Array(list) => list.iter().any(is_marked),
        Value::Object(table) => table.values().any(is_marked),
        _ => false,
    }
}

/// Whether a value is the one that was noted, whose tokens may have been replaced.
pub(crate) fn is_same(noted: &Value, now: &Value) -> bool {
    is_alike(noted, now, &|noted, now| match salt(noted) {
        Some(salt) => mark(now, salt) == noted,
        None => noted == now,
    })
}

/// Whether a value may be the one that was noted with masks in place of tokens.
pub(crate) fn is_behind_masks(noted: &Value, now: &Value) -> bool {
    is_alike(noted, now, &|noted, now| match noted.split_once(MASK) {
        Some((before, rest)) => {
            let after = rest.rsplit(MASK).next().unwrap_or_default();
            now.strip_prefix(before).is_some_and(|now| now.ends_with(after))
        }
        None => noted == now,
    })
}

/// Whether two values are the same but for their texts, which `same` compares.
fn is_alike(noted: &Value, now: &Value, same: &dyn Fn(&str, &str) -> bool) -> bool {
    match (noted, now) {
        (Value::String(noted), Value::String(now)) => same(noted, now),
        (Value::Array(noted), Value::Array(now)) => {
            noted.len() == now.len() && noted.iter().zip(now).all(|(noted, now)| is_alike(noted, now, same))
        }
        (Value::Object(noted), Value::Object(now)) => {
            let has = |(key, noted)| now.get(key).is_some_and(|now| is_alike(noted, now, same));
            noted.len() == now.len() && noted.iter().all(has)
        }
        _ => noted == now,
    }
}
