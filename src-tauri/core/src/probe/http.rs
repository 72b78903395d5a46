//! One exchange of the check: a request, and its answer out of JSON or an event stream.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use super::Limits;
use super::challenge::parameter;
use super::events::Events;
use super::line::Line;
use crate::wire::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use crate::wire::{
    Client, Endpoint, Method, Response, WireError, is_compressed, is_page, read_bounded, read_json, shown,
};

const SESSION: &str = "mcp-session-id";

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
    /// The session that a server of the older generations begins.
    pub(super) session: Option<HeaderValue>,
    pub(super) challenge: Option<String>,
    /// As it was written.
    pub(super) retry_after: Option<String>,
    /// Where a redirect leads.
    location: Option<String>,
    /// Who answered: its token is kept out of its words.
    endpoint: Endpoint,
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
    /// Compressed, and left so.
    Compressed,
    /// A stream that ended without the answer.
    Unanswered,
    /// No text, or JSON that is none.
    Unreadable,
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
    patience: Duration,
) -> Result<Reply, NoReply> {
    let mut headers = headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    let work = async {
        let body = Bytes::from(message.to_string());
        let response = client.send(endpoint, Method::POST, Some(body), &headers).await?;
        let mut reply = head(&response, endpoint);
        // A notification has no answer to wait for.
        if let Some(id) = message.get("id") {
            // The beginning of a session is part of it already.
            if let Some(session) = &reply.session {
                headers.insert(SESSION, session.clone());
            }
            let line = Line { client, endpoint, headers: &headers };
            reply.body = answer(response, id, &line, limits, patience).await?;
        }
        Ok(reply)
    };
    timeout(patience, work).await.unwrap_or(Err(NoReply::Slow))
}

/// What answers, as one body or as events.
async fn answer(
    response: Response,
    id: &Value,
    line: &Line<'_>,
    limits: &Limits,
    patience: Duration,
) -> Result<Body, NoReply> {
    if response.status().is_success() && is_stream(&response) && !is_compressed(&response) {
        return Events::of(response, limits.body).answer_in_the_end(id, line).await;
    }
    body(response, id, limits, patience).await
}

/// A reply without its body.
pub(super) fn head(response: &Response, endpoint: &Endpoint) -> Reply {
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenge = challenges.collect::<Vec<_>>().join(", ");
    Reply {
        status: response.status().as_u16(),
        body: Body::Other(String::new()),
        session: response.headers().get(SESSION).cloned(),
        challenge: (!challenge.is_empty()).then_some(challenge),
        retry_after: text(response, RETRY_AFTER),
        location: text(response, LOCATION),
        endpoint: endpoint.clone(),
    }
}

fn text(response: &Response, name: HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Whether it is a stream of events.
pub(super) fn is_stream(response: &Response) -> bool {
    let kind = text(response, CONTENT_TYPE).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("text/event-stream")
}

/// The body, as far as it is understood; that of a refusal only where it comes soon.
pub(super) async fn body(response: Response, id: &Value, limits: &Limits, patience: Duration) -> Result<Body, NoReply> {
    let success = response.status().is_success();
    let kind = text(&response, CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if is_compressed(&response) {
        // Never unpacked, so that a small answer cannot become a huge one.
        return Ok(Body::Compressed);
    }
    let bytes = read_bounded(response, limits.body);
    if success {
        return Ok(understand(&bytes.await?, &kind, id));
    }
    // The status says enough by itself where its words do not come in time.
    let bytes = timeout(patience / 3, bytes).await.ok().and_then(Result::ok).unwrap_or_default();
    Ok(understand(&bytes, &kind, id))
}

fn understand(bytes: &[u8], kind: &str, id: &Value) -> Body {
    if let Some(value) = read_json(bytes) {
        return if is_answer(&value, id) { Body::Answer(value) } else { Body::Json(value) };
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Body::Unreadable };
    if kind.starts_with("text/html") || is_page(bytes) {
        return Body::Html;
    }
    if kind.contains("json") && !bytes.is_empty() {
        return Body::Unreadable;
    }
    Body::Other(text.to_owned())
}

/// Whether a message answers the request of that id.
pub(super) fn is_answer(value: &Value, id: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    let is_own = value.get("id") == Some(id) && (has("result") || has("error"));
    // An error may name nobody: who could not read a request does not know whose it was.
    let is_nobodys = value.get("id").is_none_or(Value::is_null) && has("error");
    value.get("jsonrpc").and_then(Value::as_str) == Some("2.0") && !has("method") && (is_own || is_nobodys)
}

impl Reply {
    fn shown(&self, text: &str) -> String {
        shown(text, std::slice::from_ref(&self.endpoint))
    }

    /// Whether a token was sent.
    pub(super) fn has_token(&self) -> bool {
        self.endpoint.has_auth()
    }

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
        Some((error.get("code").and_then(Value::as_i64).unwrap_or_default(), self.shown(message)))
    }

    /// The service's own words about a refusal.
    pub(super) fn words(&self) -> Option<String> {
        let from = |value: &Value| {
            let nested = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
            ["message", "error_description", "detail", "title", "error"]
                .iter()
                .find_map(|key| nested.get(*key).and_then(Value::as_str))
                .map(|text| self.shown(text))
        };
        let words = match &self.body {
            Body::Answer(value) | Body::Json(value) => from(value),
            // Marks of another kind of text say nothing to people.
            Body::Other(text) if text.trim_start().starts_with('<') => None,
            Body::Other(text) => Some(self.shown(text)),
            Body::Html | Body::Compressed | Body::Unanswered | Body::Unreadable => None,
        };
        words.filter(|words| !words.is_empty()).or_else(|| self.parameter("error_description"))
    }

    /// The place to which it redirects, without what may be private in it.
    pub(super) fn place(&self) -> Option<String> {
        let there = self.endpoint.url().join(self.location.as_deref()?).ok().filter(url::Url::has_host)?;
        Some(self.shown(&format!("{}{}", there.origin().ascii_serialization(), there.path())))
    }

    /// Another kind of sign-in that is asked for in the place of a token, where none with a token is.
    pub(super) fn other_sign_in(&self) -> Option<&'static str> {
        let challenge = self.challenge.as_deref()?;
        let names = |scheme: &str| {
            let word =
                |part: &str| part.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(scheme));
            challenge.split(',').any(word)
        };
        if !self.endpoint.sends_bearer() || names("Bearer") {
            return None;
        }
        ["Basic", "Digest", "Negotiate", "NTLM"].into_iter().find(|scheme| names(scheme))
    }

    /// A parameter of the `WWW-Authenticate` challenge (RFC 6750).
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let value = parameter(self.challenge.as_deref()?, name);
        value.map(|text| self.shown(&text)).filter(|value| !value.is_empty())
    }
}
