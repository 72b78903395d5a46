//! What is said to a server while its answer is awaited: what it asks in between is answered, and a stream that it has
//! ended is asked for again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::http::is_stream;
use crate::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::wire::{Client, Endpoint, Method, Response, is_compressed};

/// How long a server may take to take an answer.
const HANDING: Duration = Duration::from_secs(2);
const METHOD_NOT_FOUND: i64 = -32601;

/// The way to a server that is being listened to.
pub(super) struct Line<'a> {
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a Endpoint,
    /// Those of the session.
    pub(super) headers: &'a HeaderMap,
}

/// What came of asking for a stream again.
pub(super) enum Again {
    /// It goes on.
    Stream(Response),
    /// Not right now.
    Later,
    /// There is none.
    Never,
}

impl Line<'_> {
    /// Answers what the server asks, if it does: a check can do nothing for it, but it is there.
    pub(super) async fn answer(&self, message: &Value) {
        let Some(method) = message.get("method").and_then(Value::as_str) else { return };
        let Some(id) = message.get("id").filter(|id| !id.is_null()) else { return };
        let answer = if method == "ping" {
            json!({ "jsonrpc": "2.0", "id": id, "result": {} })
        } else {
            let error = json!({ "code": METHOD_NOT_FOUND, "message": "Method not found" });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        };
        let body = Some(answer.to_string().into());
        let handed = self.client.send(self.endpoint, Method::POST, body, self.headers);
        // A server that minds will say so in its own answer.
        let _ = timeout(HANDING, handed).await;
    }

    /// Asks for the stream from the event after `last` on.
    pub(super) async fn again(&self, last: &str) -> Again {
        let Ok(last) = HeaderValue::from_str(last) else { return Again::Never };
        let mut headers = self.headers.clone();
        headers.remove(CONTENT_TYPE);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(HeaderName::from_static("last-event-id"), last);
        match self.client.send(self.endpoint, Method::GET, None, &headers).await {
            Ok(response) if response.status().is_server_error() => Again::Later,
            Ok(response) if !response.status().is_success() || is_compressed(&response) => Again::Never,
            Ok(response) if is_stream(&response) => Again::Stream(response),
            Ok(_) => Again::Never,
            Err(_) => Again::Later,
        }
    }
}
