//! One exchange of the check: a request, and its answer out of JSON or an event stream.

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use super::Limits;
use crate::secret::redact;
use crate::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use crate::wire::{Client, Endpoint, Method, Response, WireError, read_bounded, sse};

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
    /// The session that a server of the older generations begins.
    pub(super) session: Option<HeaderValue>,
    pub(super) challenge: Option<String>,
    pub(super) retry_after: Option<u64>,
}

/// A body, as far as it is understood.
#[derive(Debug)]
pub(super) enum Body {
    /// The JSON-RPC answer to our request.
    Answer(Value),
    /// JSON of another kind.
    Json(Value),
    /// A web page.
    Html,
    /// Something else, or nothing.
    Other(String),
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum NoReply {
    /// It took too long.
    Slow,
    /// It failed on the way.
    Wire(WireError),
}

impl From<WireError> for NoReply {
    fn from(error: WireError) -> Self {
        if error == WireError::Timeout { Self::Slow } else { Self::Wire(error) }
    }
}

/// Sends a JSON-RPC message and reads its reply within the limits.
pub(super) async fn post(
    client: &Client,
    endpoint: &Endpoint,
    message: &Value,
    headers: &HeaderMap,
    limits: &Limits,
    patience: std::time::Duration,
) -> Result<Reply, NoReply> {
    let mut headers = headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    let work = async {
        let body = Bytes::from(message.to_string());
        let response = client.send(endpoint, Method::POST, Some(body), &headers).await?;
        read(response, message.get("id"), limits).await
    };
    timeout(patience, work).await.unwrap_or(Err(NoReply::Slow))
}

async fn read(response: Response, id: Option<&Value>, limits: &Limits) -> Result<Reply, NoReply> {
    let text =
        |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let kind = text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let reply = Reply {
        status: response.status().as_u16(),
        body: Body::Other(String::new()),
        session: response.headers().get("mcp-session-id").cloned(),
        challenge: text(WWW_AUTHENTICATE),
        retry_after: text(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
    };
    let body = if kind.starts_with("text/event-stream") && response.status().is_success() {
        stream(response, id, limits).await?
    } else {
        let bytes = read_bounded(response, limits.body).await?;
        understand(&bytes, &kind, id)
    };
    Ok(Reply { body, ..reply })
}

/// Waits for the answer among a stream's events; what else comes is let pass.
async fn stream(response: Response, id: Option<&Value>, limits: &Limits) -> Result<Body, NoReply> {
    let mut decoder = sse::Decoder::new(limits.body);
    let mut pieces = response.bytes_stream();
    let mut total = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| WireError::Broken)?;
        total += piece.len();
        if total > limits.body {
            return Err(WireError::TooLarge.into());
        }
        for event in decoder.push(&piece)? {
            let answer = serde_json::from_str::<Value>(&event.data).ok().filter(|value| is_answer(value, id));
            if let Some(answer) = answer {
                return Ok(Body::Answer(answer));
            }
        }
    }
    Ok(Body::Other("the stream ended without an answer".to_owned()))
}

fn understand(bytes: &[u8], kind: &str, id: Option<&Value>) -> Body {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        return if is_answer(&value, id) { Body::Answer(value) } else { Body::Json(value) };
    }
    let head: String = text.trim_start().chars().take(15).collect::<String>().to_ascii_lowercase();
    if kind.starts_with("text/html") || head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Body::Html;
    }
    Body::Other(text.into_owned())
}

fn is_answer(value: &Value, id: Option<&Value>) -> bool {
    let answers = value.get("result").is_some() || value.get("error").is_some();
    value.get("jsonrpc").and_then(Value::as_str) == Some("2.0")
        && answers
        && (value.get("id") == id || value.get("id") == Some(&Value::Null))
}

impl Reply {
    /// The result of a JSON-RPC answer.
    pub(super) fn result(&self) -> Option<&Value> {
        match &self.body {
            Body::Answer(value) => value.get("result"),
            _ => None,
        }
    }

    /// The error of a JSON-RPC answer: code and message.
    pub(super) fn error(&self) -> Option<(i64, String)> {
        let Body::Answer(value) = &self.body else { return None };
        let error = value.get("error")?;
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        Some((error.get("code").and_then(Value::as_i64).unwrap_or_default(), shown(message)))
    }

    /// The service's own words about a refusal.
    pub(super) fn words(&self) -> Option<String> {
        let from = |value: &Value| {
            let nested = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
            ["message", "error_description", "detail", "title", "error"]
                .iter()
                .find_map(|key| nested.get(*key).and_then(Value::as_str))
                .map(shown)
        };
        let words = match &self.body {
            Body::Answer(value) | Body::Json(value) => from(value),
            Body::Other(text) => Some(shown(text)),
            Body::Html => None,
        };
        words.filter(|words| !words.is_empty()).or_else(|| self.parameter("error_description"))
    }

    /// A parameter of the `WWW-Authenticate` challenge (RFC 6750).
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let challenge = self.challenge.as_deref()?;
        let start = challenge.find(&format!("{name}="))? + name.len() + 1;
        let rest = &challenge[start..];
        let value = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split([',', ' ']).next(),
        };
        value.map(shown).filter(|value| !value.is_empty())
    }
}

/// A service's words as plain text: bounded, on one line, without control and direction marks, without secrets.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 300;
    let hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let plain: String =
        text.chars().take(4 * MOST).filter(|c| !hidden(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    redact(&line).chars().take(MOST).collect()
}
