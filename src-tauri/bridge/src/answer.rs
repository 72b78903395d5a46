//! Brings the service's answer to the app: one JSON text, or an event stream with messages on the way.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Method, Response, WireError, read_bounded, sse};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::MOST_BYTES;
use crate::carry::Carrier;
use crate::envelope::{Envelope, Kind};
use crate::trouble::Trouble;

/// How often a stream that broke off is taken up again.
const RESUMES: u32 = 5;

/// Brings an answer; for a request, `Ok` means that it was answered.
pub(crate) async fn bring(carrier: &Carrier, response: Response, envelope: &Envelope) -> Result<(), Trouble> {
    let status = response.status().as_u16();
    if envelope.method == "initialize" && response.status().is_success() {
        carrier.session.set_id(response.headers().get("mcp-session-id").cloned());
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if response.status().is_success() && kind.starts_with("text/event-stream") {
        return stream(carrier, response, envelope).await;
    }
    let body = read_bounded(response, MOST_BYTES).await?;
    let is_message = serde_json::from_slice::<Head<'_>>(&body).is_ok_and(|head| head.is_message()) || is_batch(&body);
    match (&envelope.kind, status) {
        (Kind::Request(_) | Kind::Batch, 200..=299) if is_message => {}
        // A server's own error, which apps of both generations tell servers apart by.
        (Kind::Request(id), 400..=499) if answers(&body, id) => {}
        (Kind::Request(_) | Kind::Batch, 200..=299) => return Err(no_message(&body, &kind)),
        (_, 200..=299) => return Ok(()),
        _ => return Err(Trouble::status(status, &words(&body))),
    }
    if envelope.method == "initialize" {
        carrier.session.learn_version(&body);
    }
    carrier.say(one_line(&body)).await;
    Ok(())
}

/// Reads an answer that nobody waits for, so that its connection can serve again.
pub(crate) async fn swallow(response: Response) -> Result<(), Trouble> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        let mut pieces = response.bytes_stream();
        let mut decoder = sse::Decoder::new(MOST_BYTES);
        while let Some(Ok(piece)) = pieces.next().await {
            if decoder.push(&piece)?.iter().any(|event| !event.data.is_empty()) {
                break;
            }
        }
        return Ok(());
    }
    read_bounded(response, MOST_BYTES).await?;
    Ok(())
}

/// Brings a stream's messages until the answer has come; takes it up again where it breaks off before.
async fn stream(carrier: &Carrier, response: Response, envelope: &Envelope) -> Result<(), Trouble> {
    let mut flow = Flow::default();
    let mut next = Some(response);
    for round in 0..=RESUMES {
        if let Some(response) = next.take() {
            let ended = flow.pass_on(carrier, response, envelope).await;
            if flow.answered || !matches!(envelope.kind, Kind::Request(_)) {
                return Ok(());
            }
            if let Err(error @ WireError::TooLarge) = ended {
                return Err(error.into());
            }
        }
        let Some(last) = flow.last_id.clone() else { break };
        tokio::time::sleep(flow.wait(round)).await;
        next = resume(carrier, &last).await?;
    }
    Err(WireError::Broken.into())
}

/// What is known of a stream, over its interruptions.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) last_id: Option<HeaderValue>,
    retry: Option<Duration>,
    pub(crate) answered: bool,
}

impl Flow {
    /// Passes a stream's messages on until it ends or the request is answered.
    pub(crate) async fn pass_on(
        &mut self,
        carrier: &Carrier,
        response: Response,
        envelope: &Envelope,
    ) -> Result<(), WireError> {
        let mut decoder = sse::Decoder::new(MOST_BYTES);
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| WireError::Broken)?;
            for event in decoder.push(&piece)? {
                if let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) {
                    self.last_id = HeaderValue::from_str(id).ok();
                }
                self.retry = event.retry.map(Duration::from_millis).or(self.retry);
                let named = event.event.as_deref().is_none_or(|name| name == "message");
                let is_message = serde_json::from_str::<Head<'_>>(&event.data).is_ok_and(|head| head.is_message());
                if named && (is_message || is_batch(event.data.as_bytes())) {
                    self.message(carrier, event.data, envelope).await;
                }
            }
            if self.answered {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn message(&mut self, carrier: &Carrier, data: String, envelope: &Envelope) {
        let data = Bytes::from(data);
        if let Kind::Request(id) = &envelope.kind
            && answers(&data, id)
        {
            self.answered = true;
            if envelope.method == "initialize" {
                carrier.session.learn_version(&data);
            }
        }
        carrier.say(one_line(&data)).await;
    }

    /// How long to wait before taking a stream up again: as the server says, otherwise longer each time.
    pub(crate) fn wait(&self, round: u32) -> Duration {
        let own = Duration::from_millis(500) * 2_u32.pow(round.min(6));
        self.retry.unwrap_or(own).min(Duration::from_secs(30))
    }
}

/// Takes a stream up after an event; `None` where the server cannot right now.
async fn resume(carrier: &Carrier, last: &HeaderValue) -> Result<Option<Response>, Trouble> {
    let way = carrier.way().await?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert("last-event-id", last.clone());
    carrier.session.headers(&mut headers);
    let response = way.client.send(&way.endpoint, Method::GET, None, &headers).await;
    match response {
        Ok(response) if response.status().is_success() => Ok(Some(response)),
        Ok(response) if response.status().is_client_error() => Err(WireError::Broken.into()),
        _ => Ok(None),
    }
}

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

impl Head<'_> {
    fn is_message(&self) -> bool {
        self.jsonrpc.as_deref() == Some("2.0")
            && (self.method.is_some() || self.result.is_some() || self.error.is_some())
    }
}

/// Whether a text is the answer to a request: a result or an error under its id.
fn answers(body: &[u8], id: &str) -> bool {
    let Ok(head) = serde_json::from_slice::<Head<'_>>(body) else { return false };
    head.is_message() && head.method.is_none() && head.id.is_some_and(|own| same_id(own.get(), id))
}

fn same_id(a: &str, b: &str) -> bool {
    a == b
        || matches!((serde_json::from_str::<serde_json::Value>(a), serde_json::from_str::<serde_json::Value>(b)), (Ok(a), Ok(b)) if a == b)
}

fn is_batch(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[")
        && serde_json::from_slice::<Vec<Head<'_>>>(body).is_ok_and(|heads| heads.iter().all(Head::is_message))
}

/// The text on one line. Line breaks in valid JSON stand only between its parts, never in a string.
fn one_line(body: &Bytes) -> Bytes {
    let body = body.trim_ascii();
    let mut line = Vec::with_capacity(body.len() + 1);
    line.extend(body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.push(b'\n');
    line.into()
}

fn no_message(body: &[u8], kind: &str) -> Trouble {
    if kind.starts_with("text/html") || body.trim_ascii_start().starts_with(b"<") {
        return Trouble::new("not_mcp", "A web page answers at the service's address. Check the address in Patchbay.");
    }
    Trouble::new("not_mcp", "What answers at the service's address is no MCP server. Check the address in Patchbay.")
}

/// The service's own words in a refusal, short and plain.
fn words(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let nested = value.get("error").filter(|error| error.is_object()).unwrap_or(&value);
    let words = ["message", "error_description", "detail"].iter().find_map(|key| nested.get(*key)?.as_str());
    let line: String =
        words.unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    patchbay_core::secret::redact(&line).into_owned()
}
