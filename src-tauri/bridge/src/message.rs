//! JSON-RPC messages as texts: told apart, never written anew.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

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

    fn answers(&self, id: &str) -> bool {
        self.method.is_none() && self.id.is_some_and(|own| same_id(own.get(), id))
    }
}

/// `1` and `1.0`, `"é"` and `"\u00e9"` are the same id.
fn same_id(a: &str, b: &str) -> bool {
    let value = serde_json::from_str::<serde_json::Value>;
    a == b || matches!((value(a), value(b)), (Ok(a), Ok(b)) if a == b)
}

/// The messages of a batch; none where the text is no batch.
pub(crate) fn batch(text: &[u8]) -> Option<Vec<Bytes>> {
    let parts: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    Some(parts.iter().map(|part| Bytes::copy_from_slice(part.get().as_bytes())).collect())
}

/// Whether a text is a message or a batch of them.
pub(crate) fn is_message(text: &[u8]) -> bool {
    !Head::all(text).is_empty()
}

/// The ids that still wait for their answers.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    ids: Vec<String>,
    /// The answer, where it is not for the app as it is.
    kept: Option<Bytes>,
    keeps: bool,
}

impl Open {
    pub(crate) fn new(ids: Vec<String>) -> Self {
        Self { ids, kept: None, keeps: false }
    }

    /// One id whose answer is kept instead of passed on.
    pub(crate) fn keeping(id: String) -> Self {
        Self { keeps: true, ..Self::new(vec![id]) }
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Keeps an answer.
    pub(crate) fn keep(&mut self, answer: Bytes) {
        self.kept = Some(answer);
    }

    /// The answer that was kept.
    pub(crate) fn into_kept(self) -> Option<Bytes> {
        self.kept
    }

    /// Strikes out everything.
    pub(crate) fn clear(&mut self) {
        self.ids.clear();
    }

    /// Strikes out an id; whether it waited.
    pub(crate) fn settle_id(&mut self, answered: &str) -> bool {
        let before = self.ids.len();
        self.ids.retain(|id| !same_id(answered, id));
        self.ids.len() < before
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Strikes out what a text answers; whether that was anything.
    pub(crate) fn settle(&mut self, text: &[u8]) -> bool {
        let heads = Head::all(text);
        let before = self.ids.len();
        self.ids.retain(|id| !heads.iter().any(|head| head.answers(id)));
        self.ids.len() < before
    }

    /// An error that names no id, under the one id that waits: an app could not tell otherwise what it answers.
    pub(crate) fn adopt(&mut self, text: &[u8]) -> Option<Bytes> {
        let heads = Head::all(text);
        let ([id], [Head { id: None, method: None, error: Some(error), .. }]) = (&self.ids[..], &heads[..]) else {
            return None;
        };
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}");
        self.ids.clear();
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
        let mut open = Open::new(vec!["\"\\u00e9\"".to_owned(), "7".to_owned(), "\"7\"".to_owned()]);
        assert!(open.settle("{\"jsonrpc\":\"2.0\",\"id\":\"é\",\"result\":{}}".as_bytes()));
        assert!(open.settle(br#"{"jsonrpc":"2.0","id":7,"error":{}}"#));
        assert_eq!(open.ids(), ["\"7\""]);
    }

    #[test]
    fn a_request_of_the_server_answers_nothing() {
        let mut open = Open::new(vec!["1".to_owned()]);
        assert!(!open.settle(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#));
        assert!(!open.settle(br#"{"id":1,"result":{}}"#));
        assert!(!open.is_empty());
    }

    #[test]
    fn only_an_error_without_an_id_is_adopted() {
        let mut open = Open::new(vec!["1".to_owned()]);
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
