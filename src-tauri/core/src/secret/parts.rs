//! A secret that is too long for one item of a keychain, such as a sign-in with its tokens, in several.
//!
//! The item of its name then holds only how many parts there are and by which mark they are found, so that a secret is
//! replaced at once: new parts have a mark of their own.

use super::{Key, Secret};
use crate::connection::state::random_hex;
use crate::error::{Code, Error, Result};

const NAME: &str = "patchbay-parts:";
/// No secret of anybody's is longer than so many parts.
const MOST: usize = 16;

/// The parts of one secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    mark: String,
    count: usize,
}

impl Parts {
    /// The parts that an item names, if it does.
    pub(super) fn named_by(first: &Secret) -> Option<Self> {
        let (mark, count) = first.expose().strip_prefix(NAME)?.split_once(':')?;
        let count = count.parse().ok().filter(|count| (1..=MOST).contains(count))?;
        Some(Self { mark: mark.to_owned(), count })
    }

    /// Takes a text apart, into parts of at most so many bytes.
    ///
    /// # Errors
    /// `TokenTooLong`.
    pub(super) fn of(text: &str, most: usize) -> Result<(Self, Vec<&str>)> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = (1..=most.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            pieces.push(piece);
            rest = after;
        }
        if pieces.len() > MOST {
            return Err(Error::new(Code::TokenTooLong, format!("This token is longer than {} bytes.", MOST * most))
                .hint("Check that nothing else was pasted with it.")
                .field("token"));
        }
        Ok((Self { mark: random_hex(4), count: pieces.len() }, pieces))
    }

    /// What stands in the item of the secret's name.
    pub(super) fn name(&self) -> String {
        format!("{NAME}{}:{}", self.mark, self.count)
    }

    /// Where the parts stand.
    pub(super) fn keys(&self, key: &Key) -> impl Iterator<Item = Key> {
        (1..=self.count).map(move |number| Key::named(&format!("{}.{}.{number}", key.as_str(), self.mark)))
    }
}
