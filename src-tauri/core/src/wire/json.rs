//! JSON as apps read it, most of which are written in JavaScript: it takes half of a surrogate pair, a number beyond all,
//! and any depth. What of it has no place in a [`Value`] is replaced, so that one odd text does not hide all the others.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, from_slice, from_str};

/// How deep it is looked for what has no place; anything odd below is replaced as a whole.
const DEEPEST: usize = 8;

/// What a JSON text says; `None` where it is none.
pub(crate) fn read(text: &[u8]) -> Option<Value> {
    let whole = || from_slice::<&RawValue>(text).ok();
    from_slice(text).ok().or_else(|| Some(leniently(whole()?.get(), DEEPEST)))
}

fn leniently(text: &str, deepest: usize) -> Value {
    if let Ok(value) = from_str(text) {
        return value;
    }
    let inside = |part: &RawValue| leniently(part.get(), deepest - 1);
    match text.as_bytes().first() {
        Some(b'"') => from_str::<Text>(text).map(|text| text.0.into()),
        Some(b'{') if deepest > 0 => from_str::<BTreeMap<Text, &RawValue>>(text)
            .map(|members| members.into_iter().map(|(name, value)| (name.0, inside(value))).collect()),
        Some(b'[') if deepest > 0 => {
            from_str::<Vec<&RawValue>>(text).map(|parts| parts.into_iter().map(inside).collect())
        }
        _ => Ok(Value::Null),
    }
    .unwrap_or_default()
}

/// A string, with the replacement character for each half of a surrogate pair.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // As bytes a string is not asked to be one in Unicode.
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_no_place_is_replaced_and_the_rest_is_as_it_was() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let text = format!(r#" {{"a":[1,"x\ud83dy","\ud83d\ude00",1e999],"\udc00":true,"d":{deep},"e":1.5}} "#);
        let value = read(text.as_bytes()).expect("it is JSON");
        let texts: Vec<_> = value["a"].as_array().expect("a list").iter().map(Value::as_str).collect();
        let cut = texts[1].expect("a text");
        assert!(cut.starts_with('x') && cut.ends_with('y') && cut.contains('\u{fffd}'), "{cut}");
        assert_eq!((texts[2], &value["a"][3]), (Some("\u{1f600}"), &Value::Null));
        assert_eq!((&value["e"], value.as_object().map(serde_json::Map::len)), (&json!(1.5), Some(4)));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in ["", "{", r#"{"a":01}"#, "nope", r#""\x""#, "{} {}", "[1,]", "\"a\nb\""] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"\"\xff\""), None);
    }
}
