//! A large answer under the id that the app gave, where the request that it answers had another.

use bytes::Bytes;

use crate::message::{Open, same_id};

/// An id longer than this is nobody's here.
const MOST_TOLD: usize = 1024;

/// Puts the app's id in the place of another, in a text that comes in pieces.
#[derive(Debug)]
pub(crate) struct Rename {
    own: String,
    app: String,
    /// The id's value, as far as it is read.
    value: Vec<u8>,
    text: Vec<u8>,
}

impl Rename {
    /// None where the app's id is the request's own.
    pub(crate) fn of(open: &Open) -> Option<Self> {
        let (own, app) = (open.ids().first()?.clone(), open.under()?.to_owned());
        (own != app).then(|| Self { own, app, value: Vec::new(), text: Vec::new() })
    }

    /// Takes a part of the text; whether it is of the id's value.
    pub(crate) fn take(&mut self, part: &[u8], of_id: bool) {
        if of_id && self.value.len() + part.len() <= MOST_TOLD {
            return self.value.extend_from_slice(part);
        }
        self.let_go();
        self.text.extend_from_slice(part);
    }

    fn let_go(&mut self) {
        let value = std::mem::take(&mut self.value);
        let is_own = std::str::from_utf8(&value).is_ok_and(|value| same_id(value.trim(), &self.own));
        self.text.extend_from_slice(if is_own { self.app.as_bytes() } else { &value });
    }

    /// What there is of the text by now.
    pub(crate) fn text(&mut self) -> Bytes {
        std::mem::take(&mut self.text).into()
    }
}
