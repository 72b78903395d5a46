//! Brings the service's answer to the app: one JSON text, or an event stream with messages on the way.

use bytes::{Bytes, BytesMut};
use patchbay_core::wire::header::CONTENT_TYPE;
use patchbay_core::wire::{Response, StatusCode, WireError, next_piece, read_bounded, sse};
use tokio::time::timeout;

use crate::MOST_BYTES;
use crate::carry::{Carrier, origin};
use crate::envelope::Envelope;
use crate::message::Open;
use crate::object::Object;
use crate::passage::{LONGEST_PAUSE, MOST_HELD, Passage};
use crate::stream;
use crate::trouble::Trouble;

/// Brings an answer and strikes out what it answers.
pub(crate) async fn bring(
    carrier: &Carrier,
    response: Response,
    envelope: &Envelope,
    open: &mut Open,
) -> Result<(), Trouble> {
    let status = response.status();
    if envelope.is_initialize() && status.is_success() {
        carrier.session.set_id(response.headers().get("mcp-session-id").cloned(), origin(&response));
    }
    if status.is_success() && !open.is_empty() && is_compressed(&response) {
        // Never unpacked, so that a small answer cannot become a huge one.
        return Err(Trouble::new(
            "not_mcp",
            "The service's answer comes compressed, which nobody asked for, so it was not opened. Something on the way may \
             do this: try from another network.",
        ));
    }
    if status.is_success() && is_stream(&response) {
        return stream::bring(carrier, response, envelope, open).await;
    }
    let is_page = is_page(&response);
    let mut response = response;
    let passes = status.is_success() && !is_page && !open.is_empty();
    let passes = passes && !open.keeps() && !envelope.wants_whole_answer();
    let most = if passes { MOST_HELD } else { MOST_BYTES };
    let mut body = BytesMut::new();
    while let Some(piece) = next_piece(&mut response).await? {
        body.extend_from_slice(&piece);
        if body.len() > most {
            let large = passes && body.trim_ascii_start().starts_with(b"{");
            return if large {
                pass_on(carrier, body.freeze(), response, open).await
            } else {
                Err(WireError::TooLarge.into())
            };
        }
    }
    Answer { status, is_page, body: body.freeze() }.settle(carrier, envelope, open).await
}

/// Passes a large answer on while it comes in.
async fn pass_on(carrier: &Carrier, begin: Bytes, mut response: Response, open: &mut Open) -> Result<(), Trouble> {
    let mut passage = Passage::begin(carrier).await;
    passage.pass(begin).await?;
    let paused = |_| WireError::Timeout;
    while let Some(piece) = timeout(LONGEST_PAUSE, next_piece(&mut response)).await.map_err(paused)?? {
        passage.pass(piece).await?;
    }
    passage.end(open)?;
    if open.is_empty() { Ok(()) } else { Err(no_message(b"", false)) }
}

/// An answer that is no stream, as a whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    is_page: bool,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads it.
    pub(crate) async fn read(response: Response) -> Result<Self, Trouble> {
        let (status, is_page) = (response.status(), is_page(&response));
        Ok(Self { status, is_page, body: read_bounded(response, MOST_BYTES).await? })
    }

    /// The code of the JSON-RPC error that it is.
    pub(crate) fn error_code(&self) -> Option<i64> {
        serde_json::from_str(Object::of(&self.body)?.object("error").get("code")?).ok()
    }

    /// Brings it and strikes out what it answers.
    pub(crate) async fn settle(self, carrier: &Carrier, envelope: &Envelope, open: &mut Open) -> Result<(), Trouble> {
        let Self { status, is_page, body } = self;
        if open.is_empty() {
            let refused = || Err(Trouble::status(status.as_u16(), &words(carrier, &body)));
            return if status.is_success() { Ok(()) } else { refused() };
        }
        // A server's own error comes through with any status: apps tell servers of both generations apart by it.
        if carrier.answered(&body, envelope, open).await {
            // Of a batch, all must be answered.
            return if open.is_empty() { Ok(()) } else { Err(no_message(&body, is_page)) };
        }
        if (status.is_success() || status == StatusCode::BAD_REQUEST)
            && let Some(line) = open.adopt(&body)
        {
            carrier.bring(line, open).await;
            return Ok(());
        }
        Err(if status.is_success() {
            no_message(&body, is_page)
        } else {
            Trouble::status(status.as_u16(), &words(carrier, &body))
        })
    }
}

/// Reads the answer to a request that the app knows nothing of.
pub(crate) async fn hear(mut response: Response, open: &mut Open) -> Result<Vec<u8>, Trouble> {
    if !is_stream(&response) {
        let body = read_bounded(response, MOST_BYTES).await?;
        return if open.settle(&body) { Ok(body.into()) } else { Err(no_message(&body, false)) };
    }
    let mut decoder = sse::Decoder::new(MOST_BYTES);
    while let Ok(Some(piece)) = response.chunk().await {
        if let Some(event) = decoder.push(&piece)?.into_iter().find(|event| open.settle(event.data.as_bytes())) {
            stream::drain(response);
            return Ok(event.data.into());
        }
    }
    Err(WireError::Broken.into())
}

/// Whether a response is a stream of events.
pub(crate) fn is_stream(response: &Response) -> bool {
    content_type(response).starts_with("text/event-stream")
}

fn is_compressed(response: &Response) -> bool {
    patchbay_core::wire::is_compressed(response)
}

fn is_page(response: &Response) -> bool {
    content_type(response).starts_with("text/html")
}

fn content_type(response: &Response) -> String {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.unwrap_or_default().to_ascii_lowercase()
}

fn no_message(body: &[u8], is_page: bool) -> Trouble {
    if is_page || patchbay_core::wire::is_page(body) {
        return Trouble::new("not_mcp", "A web page answers at the service's address. Check the address in Patchbay.");
    }
    if std::str::from_utf8(body).is_err() {
        return unreadable();
    }
    Trouble::new("not_mcp", "What answers at the service's address is no MCP server. Check the address in Patchbay.")
}

/// An answer that is no text.
pub(crate) fn unreadable() -> Trouble {
    Trouble::new("not_mcp", "What comes back from the service cannot be read: it is no text in UTF-8.")
}

/// The service's own words in a refusal, short, plain and without tokens.
pub(crate) fn words(carrier: &Carrier, body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let nested = value.get("error").filter(|error| error.is_object()).unwrap_or(&value);
    let words = ["message", "error_description", "detail"].iter().find_map(|key| nested.get(*key)?.as_str());
    carrier.ways.shown(words.unwrap_or_default())
}
