//! JSON-RPC messages as texts: told apart, never written anew.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::room::Place;

/// What tells a JSON-RPC message from other JSON.
#[derive(Deserialize)]
struct Head<'a> {
    jsonrpc: Option<String>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    method: Option<String>,
}

impl<'a> Head<'a> {
    /// The heads of one message or of a batch; none where the text is anything else.
    fn all(text: &'a [u8]) -> Vec<Self> {
        let heads = if text.trim_ascii_start().starts_with(b"[") {
            serde_json::from_slice(text).unwrap_or_default()
        } else {
            serde_json::from_slice(text).map(|head| vec![head]).unwrap_or_default()
        };
        if heads.iter().all(Self::is_message) { heads } else { Vec::new() }
    }

    fn is_message(&self) -> bool {
        self.jsonrpc.as_deref() == Some("2.0")
            && (self.method.is_some() || self.result.is_some() || self.error.is_some())
    }

    /// The id of the request that this answers.
    fn answered(&self) -> Option<&'a str> {
        self.id.filter(|_| self.method.is_none()).map(RawValue::get)
    }
}

/// What a server says: a message or a batch of them.
pub(crate) struct Said<'a> {
    pub(crate) text: &'a [u8],
    heads: Vec<Head<'a>>,
}

impl<'a> Said<'a> {
    /// None where the text is anything else.
    pub(crate) fn of(text: &'a [u8]) -> Option<Self> {
        let heads = Head::all(text);
        (!heads.is_empty()).then_some(Self { text, heads })
    }

    /// The text without the answers whose ids are not wanted; none where nothing is left of it.
    pub(crate) fn sifted(&self, mut is_wanted: impl FnMut(&str) -> bool) -> Option<Cow<'a, [u8]>> {
        let wanted: Vec<_> = self.heads.iter().map(|head| head.answered().is_none_or(&mut is_wanted)).collect();
        if wanted.iter().all(|wanted| *wanted) {
            return Some(Cow::Borrowed(self.text));
        }
        let parts = batch(self.text)?.into_iter().zip(wanted);
        let left: Vec<_> = parts.filter_map(|(part, wanted)| wanted.then_some(part)).collect();
        (!left.is_empty()).then(|| Cow::Owned([b"[", &left.join(&b","[..])[..], b"]"].concat()))
    }
}

/// `1` and `1.0`, `"é"` and `"\u00e9"` are the same id.
pub(crate) fn same_id(a: &str, b: &str) -> bool {
    let value = serde_json::from_str::<serde_json::Value>;
    a == b || matches!((value(a), value(b)), (Ok(a), Ok(b)) if a == b)
}

/// The messages of a batch; none where the text is no batch.
pub(crate) fn batch(text: &[u8]) -> Option<Vec<Bytes>> {
    let parts: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    Some(parts.iter().map(|part| Bytes::copy_from_slice(part.get().as_bytes())).collect())
}

/// The ids that still wait for their answers; one list for all clones.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    ids: Arc<Mutex<Vec<String>>>,
    /// The answer, where it is not for the app as it is.
    kept: Option<Bytes>,
    keeps: bool,
    /// What the app calls the one that is asked in its place.
    under: Option<String>,
}

impl Open {
    pub(crate) fn new(ids: Vec<String>) -> Self {
        Self { ids: Arc::new(Mutex::new(ids)), kept: None, keeps: false, under: None }
    }

    /// One id whose answer is kept instead of passed on.
    pub(crate) fn keeping(id: String) -> Self {
        Self { keeps: true, ..Self::new(vec![id]) }
    }

    /// The same, but for a large answer, which is passed on under the app's own id.
    pub(crate) fn translating(id: String, under: String) -> Self {
        Self { under: Some(under), ..Self::keeping(id) }
    }

    fn list(&self) -> MutexGuard<'_, Vec<String>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// What the app calls the request whose large answer is passed on though others are kept.
    pub(crate) fn under(&self) -> Option<&str> {
        self.under.as_deref()
    }

    /// Whether a large answer has to be known as a whole.
    pub(crate) fn keeps_large(&self) -> bool {
        self.keeps && self.under.is_none()
    }

    /// Keeps an answer.
    pub(crate) fn keep(&mut self, answer: Bytes) {
        self.kept = Some(answer);
    }

    /// Gives the answer that was kept, if one was, the place that it had while it was read.
    pub(crate) fn place(&mut self, place: Option<Place>) {
        if let (Some(place), Some(kept)) = (place, &mut self.kept) {
            *kept = place.around(std::mem::take(kept));
        }
    }

    /// The answer that was kept.
    pub(crate) fn into_kept(self) -> Option<Bytes> {
        self.kept
    }

    /// Strikes out everything.
    pub(crate) fn clear(&self) {
        self.list().clear();
    }

    /// Strikes out an id; whether it waited.
    pub(crate) fn settle_id(&self, answered: &str) -> bool {
        let mut ids = self.list();
        let before = ids.len();
        ids.retain(|id| !same_id(answered, id));
        ids.len() < before
    }

    /// Whether an id waits.
    pub(crate) fn has(&self, answered: &str) -> bool {
        self.list().iter().any(|id| same_id(answered, id))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.list().clone()
    }

    /// Strikes out what a text answers; whether that was anything.
    pub(crate) fn settle(&self, text: &[u8]) -> bool {
        let heads = Head::all(text);
        let answered = heads.iter().filter_map(Head::answered);
        answered.filter(|id| self.settle_id(id)).count() > 0
    }

    /// An error that names no id, under the one id that waits: an app could not tell otherwise what it answers.
    pub(crate) fn adopt(&self, text: &[u8]) -> Option<Bytes> {
        let (mut ids, heads) = (self.list(), Head::all(text));
        let ([id], [Head { id: None, method: None, error: Some(error), .. }]) = (&ids[..], &heads[..]) else {
            return None;
        };
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}");
        ids.clear();
        Some(one_line(line.as_bytes()))
    }
}

/// The text on one line. Line breaks in valid JSON stand only between its parts, never in a string.
pub(crate) fn one_line(text: &[u8]) -> Bytes {
    let text = text.trim_ascii();
    let mut line = Vec::with_capacity(text.len() + 1);
    line.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_written_in_two_ways() {
        let open = Open::new(vec!["\"\\u00e9\"".to_owned(), "7".to_owned(), "\"7\"".to_owned()]);
        assert!(open.settle("{\"jsonrpc\":\"2.0\",\"id\":\"é\",\"result\":{}}".as_bytes()));
        assert!(open.settle(br#"{"jsonrpc":"2.0","id":7,"error":{}}"#));
        assert_eq!(open.ids(), ["\"7\""]);
    }

    #[test]
    fn a_request_of_the_server_answers_nothing() {
        let open = Open::new(vec!["1".to_owned()]);
        assert!(!open.settle(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#));
        assert!(!open.settle(br#"{"id":1,"result":{}}"#));
        assert!(!open.is_empty());
    }

    #[test]
    fn only_an_error_without_an_id_is_adopted() {
        let open = Open::new(vec!["1".to_owned()]);
        assert_eq!(open.adopt(br#"{"jsonrpc":"2.0","id":2,"error":{}}"#), None);
        assert_eq!(open.adopt(br#"{"jsonrpc":"2.0","id":null,"result":{}}"#), None);
        let line = open.adopt(b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":\n-32022,\"x\":1.0}}");
        assert_eq!(
            line.as_deref(),
            Some(&b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\": -32022,\"x\":1.0}}\n"[..])
        );
        assert!(open.is_empty());
    }
}
