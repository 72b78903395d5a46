//! A JSON object as its members' own texts: what is not meant is not touched.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members in their order; the values are the text's own.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(String, Cow<'a, RawValue>)>);

impl<'a> Object<'a> {
    /// `None` where the text is no object.
    pub(crate) fn of(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// A member's text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.get())
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// A member that is an object; empty where it is not.
    pub(crate) fn object(&self, name: &str) -> Object<'_> {
        self.get(name).and_then(|text| Object::of(text.as_bytes())).unwrap_or_default()
    }

    /// Puts a JSON text in a member's place, or at the end; a text that is no JSON is left out.
    pub(crate) fn set(&mut self, name: &str, json: String) {
        let Ok(value) = RawValue::from_string(json) else { return };
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some(member) => member.1 = Cow::Owned(value),
            None => self.0.push((name.to_owned(), Cow::Owned(value))),
        }
    }

    /// Puts all members of another in.
    pub(crate) fn set_all(&mut self, other: &Object<'_>) {
        for (name, value) in other.members() {
            self.set(name, value.to_owned());
        }
    }

    /// All members.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.members().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}:{value}", quoted(name))?;
        }
        f.write_str("}")
    }
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, Cow::Borrowed(value)));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_meant_keeps_its_text() {
        let mut object = Object::of(br#" {"b": 1e400, "a":[ 1.0 ],"q\"":null} "#).expect("an object");
        object.set("a", "{}".to_owned());
        object.set("c", "\"x\"".to_owned());
        object.set("d", "no JSON".to_owned());
        assert_eq!(object.to_string(), r#"{"b":1e400,"a":{},"q\"":null,"c":"x"}"#);
        assert_eq!(object.text("c").as_deref(), Some("x"));
        assert_eq!(object.object("b").members().count(), 0);
        assert!(Object::of(b"[]").is_none());
    }
}
