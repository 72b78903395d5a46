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

/// Whether a text is a message or a batch of them.
pub(crate) fn is_message(text: &[u8]) -> bool {
    !Head::all(text).is_empty()
}

/// The ids that still wait for their answers.
#[derive(Debug)]
pub(crate) struct Open(Vec<String>);

impl Open {
    pub(crate) fn new(ids: Vec<String>) -> Self {
        Self(ids)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.0
    }

    /// Strikes out what a text answers; whether that was anything.
    pub(crate) fn settle(&mut self, text: &[u8]) -> bool {
        let heads = Head::all(text);
        let before = self.0.len();
        self.0.retain(|id| !heads.iter().any(|head| head.answers(id)));
        self.0.len() < before
    }

    /// An error that names no id, under the one id that waits: an app could not tell otherwise what it answers.
    pub(crate) fn adopt(&mut self, text: &[u8]) -> Option<Bytes> {
        let heads = Head::all(text);
        let ([id], [Head { id: None, method: None, error: Some(error), .. }]) = (&self.0[..], &heads[..]) else {
            return None;
        };
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}");
        self.0.clear();
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
