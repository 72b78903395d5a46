//! What comes back from a server of the newest generation for an app of an older one, as long as it may be a question.
//!
//! A question (`input_required`) is not for the app as it is, so it is known as a whole. An answer is passed on while it
//! comes in. Which of both a large message is shows in what its result has beside `resultType`, which often comes last.

use std::cell::Cell;
use std::fmt;

use patchbay_core::wire::WireError;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::MOST_BYTES;
use crate::passage::MOST_HELD;
use crate::room::{Claim, Place, Room};

/// What a question's result may have.
const OF_QUESTION: [&str; 3] = ["_meta", "inputRequests", "requestState"];

/// A large message that may be a question.
#[derive(Default)]
pub(crate) struct Held {
    text: Vec<u8>,
    claim: Claim,
    /// Of how much of it is known that it may be one.
    known: usize,
}

impl Held {
    /// Takes a piece; whether all of it may be a question.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(crate) async fn take(&mut self, room: &Room, piece: &[u8]) -> Result<bool, WireError> {
        if self.text.len() + piece.len() > MOST_BYTES {
            return Err(WireError::TooLarge);
        }
        self.text.extend_from_slice(piece);
        // Looked at a few times only, however long it grows.
        if self.text.len() > 2 * self.known {
            if !may_be_question(&self.text) {
                return Ok(false);
            }
            self.known = self.text.len().max(MOST_HELD);
        }
        self.claim.cover(room, self.text.len()).await;
        Ok(true)
    }

    /// All of it, and its place.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Option<Place>) {
        (self.text, self.claim.into_place())
    }
}

/// Whether a message that begins so may be a question.
fn may_be_question(begin: &[u8]) -> bool {
    let is_other = Cell::new(false);
    // The text ends somewhere; what was seen until there counts.
    let _ =
        Look { is_other: &is_other, in_result: false }.deserialize(&mut serde_json::Deserializer::from_slice(begin));
    !is_other.get()
}

/// Reads the members of a message, or those of its result, until one shows what it is.
#[derive(Clone, Copy)]
struct Look<'a> {
    is_other: &'a Cell<bool>,
    in_result: bool,
}

impl Look<'_> {
    fn found<T, E: Error>(self) -> Result<T, E> {
        self.is_other.set(true);
        Err(E::custom("found"))
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match (self.in_result, name.as_str()) {
                (false, "result") => map.next_value_seed(Look { in_result: true, ..self })?,
                (true, "resultType") if map.next_value::<String>()? != "input_required" => return self.found(),
                (true, "resultType") => return Ok(()),
                (false, "method" | "error") => return self.found(),
                (true, name) if !OF_QUESTION.contains(&name) => return self.found(),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_from_an_answer_by_what_its_result_begins_with() {
        for (begin, may_be) in [
            (r#"{"jsonrpc":"2.0","id":1,"resu"#, true),
            (r#"{"result":{"resultType":"input_required","x":1,"content":["#, true),
            (r#"{"id":{"result":{"content":1}},"result":{"requestState":"abc"#, true),
            (r#"{"result":{"_meta":{"content":1},"inputRequests":{"a":{"method":"#, true),
            (r#"{"id":1,"result":{"_meta":{},"resultType":"complete""#, false),
            (r#"{"result":{"content":[{"te"#, false),
            (r#"{"error":{"#, false),
            (r#"{"jsonrpc":"2.0","method":"n","params":{"#, false),
        ] {
            assert_eq!(may_be_question(begin.as_bytes()), may_be, "{begin}");
        }
    }
}
