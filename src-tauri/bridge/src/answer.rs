//! Brings the service's answer to the app: one JSON text, or an event stream with messages on the way.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use patchbay_core::wire::header::CONTENT_TYPE;
use patchbay_core::wire::{Response, StatusCode, WireError, is_compressed, next_piece, sse};
use tokio::time::timeout;

use crate::MOST_BYTES;
use crate::carry::{Carrier, origin};
use crate::envelope::Envelope;
use crate::message::{Open, Said};
use crate::object::Object;
use crate::passage::{LONGEST_PAUSE, MOST_HELD, Passage};
use crate::room::{Claim, Place, Room};
use crate::stream;
use crate::trouble::Trouble;
use crate::wait;

/// The most of a refusal that is read, in bytes.
const MOST_OF_REFUSAL: usize = 1024 * 1024;
/// How long a refusal may take to come.
const LONGEST_REFUSAL: Duration = Duration::from_secs(5);

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
    if !status.is_success() {
        return Answer::read(carrier, response).await?.settle(carrier, envelope, open).await;
    }
    if !open.is_empty() {
        refuse_compressed(&response)?;
    }
    if is_stream(&response) {
        return stream::bring(carrier, response, envelope, open).await;
    }
    let passes = !is_page(&response) && !open.is_empty();
    if !passes || open.keeps_large() || envelope.wants_whole_answer() {
        return Answer::read(carrier, response).await?.settle(carrier, envelope, open).await;
    }
    let wait = wait::asked(&response);
    let mut response = response;
    let mut body = BytesMut::new();
    while let Some(piece) = next_piece(&mut response).await? {
        body.extend_from_slice(&piece);
        if body.len() > MOST_HELD {
            return if body.trim_ascii_start().starts_with(b"{") {
                pass_on(carrier, body.freeze(), response, open).await
            } else {
                Err(WireError::TooLarge.into())
            };
        }
    }
    let body = body.freeze();
    Answer { status, is_page: false, wait, body, place: None }.settle(carrier, envelope, open).await
}

/// Passes a large answer on while it comes in.
async fn pass_on(carrier: &Carrier, begin: Bytes, mut response: Response, open: &mut Open) -> Result<(), Trouble> {
    let mut passage = Passage::begin(carrier, begin, open).await?;
    let paused = |_| WireError::Timeout;
    while let Some(piece) = timeout(LONGEST_PAUSE, next_piece(&mut response)).await.map_err(paused)?? {
        passage.pass(carrier, piece).await?;
    }
    passage.end(carrier, open).await?;
    if open.is_empty() { Ok(()) } else { Err(no_message(b"", false)) }
}

/// An answer that is no stream, as a whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    is_page: bool,
    wait: Option<u64>,
    pub(crate) body: Bytes,
    /// Its place in memory, where it is large.
    pub(crate) place: Option<Place>,
}

impl Answer {
    /// Reads it: a refusal as far as it comes within [`LONGEST_REFUSAL`], for its status says enough.
    pub(crate) async fn read(carrier: &Carrier, mut response: Response) -> Result<Self, Trouble> {
        let (status, is_page, wait) = (response.status(), is_page(&response), wait::asked(&response));
        if status.is_success() {
            let (body, place) = read_whole(&carrier.room, response).await?;
            return Ok(Self { status, is_page, wait, body, place });
        }
        let (mut body, mut claim) = (BytesMut::new(), Claim::default());
        let whole = async {
            while let Ok(Some(piece)) = next_piece(&mut response).await {
                body.extend_from_slice(&piece);
                if body.len() > MOST_OF_REFUSAL {
                    break;
                }
                claim.cover(&carrier.room, body.len()).await;
            }
        };
        let _ = timeout(LONGEST_REFUSAL, whole).await;
        Ok(Self { status, is_page, wait, body: body.freeze(), place: claim.into_place() })
    }

    /// The answer to an app's first words that comes on a stream; what comes before it is passed on.
    pub(crate) async fn heard(carrier: &Carrier, response: Response, envelope: &Envelope) -> Result<Self, Trouble> {
        let status = response.status();
        let mut open = Open::keeping(envelope.ids().first().cloned().unwrap_or_default());
        bring(carrier, response, envelope, &mut open).await?;
        // A copy has no place.
        let body = open.into_kept().unwrap_or_default().to_vec().into();
        Ok(Self { status, is_page: false, wait: None, body, place: None })
    }

    /// The code of the JSON-RPC error that it is.
    pub(crate) fn error_code(&self) -> Option<i64> {
        serde_json::from_str(Object::of(&self.body)?.object("error").get("code")?).ok()
    }

    /// Brings it and strikes out what it answers.
    pub(crate) async fn settle(self, carrier: &Carrier, envelope: &Envelope, open: &mut Open) -> Result<(), Trouble> {
        let Self { status, is_page, wait, body, place } = self;
        let refusal = || Trouble::status(status.as_u16(), &words(carrier, &body), wait);
        if open.is_empty() {
            return if status.is_success() { Ok(()) } else { Err(refusal()) };
        }
        // A server's own error comes through with any status: apps tell servers of both generations apart by it.
        if let Some(said) = Said::of(&body)
            && carrier.answered(&said, envelope, open).await
        {
            open.place(place);
            // Of a batch, all must be answered.
            return if open.is_empty() { Ok(()) } else { Err(no_message(&body, is_page)) };
        }
        if (status.is_success() || status == StatusCode::BAD_REQUEST)
            && let Some(line) = open.adopt(&body)
        {
            carrier.bring(line, open).await;
            open.place(place);
            return Ok(());
        }
        Err(if status.is_success() { no_message(&body, is_page) } else { refusal() })
    }
}

/// Reads a body as a whole.
async fn read_whole(room: &Room, mut response: Response) -> Result<(Bytes, Option<Place>), Trouble> {
    let (mut body, mut claim) = (BytesMut::new(), Claim::default());
    loop {
        let next = timeout(claim.patience(), next_piece(&mut response)).await.map_err(|_| WireError::Timeout)?;
        let Some(piece) = next? else { return Ok((body.freeze(), claim.into_place())) };
        body.extend_from_slice(&piece);
        if body.len() > MOST_BYTES {
            return Err(WireError::TooLarge.into());
        }
        claim.cover(room, body.len()).await;
    }
}

/// Reads the answer to a request that the app knows nothing of; a large one has its place while anybody has it.
pub(crate) async fn hear(carrier: &Carrier, mut response: Response, open: &mut Open) -> Result<Bytes, Trouble> {
    let placed = |bytes: Bytes, place: Option<Place>| match place {
        Some(place) => place.around(bytes),
        None => bytes,
    };
    if !is_stream(&response) {
        let (body, place) = read_whole(&carrier.room, response).await?;
        return if open.settle(&body) { Ok(placed(body, place)) } else { Err(no_message(&body, false)) };
    }
    let (mut decoder, mut claim) = (sse::Decoder::new(MOST_BYTES), Claim::default());
    while let Ok(Ok(Some(piece))) = timeout(claim.patience(), response.chunk()).await {
        if let Some(event) = decoder.push(&piece)?.into_iter().find(|event| open.settle(event.data.as_bytes())) {
            stream::drain(response);
            return Ok(placed(event.data.into(), claim.into_place()));
        }
        claim.cover(&carrier.room, decoder.held()).await;
    }
    Err(WireError::Broken.into())
}

/// Whether a response is a stream of events.
pub(crate) fn is_stream(response: &Response) -> bool {
    content_type(response).starts_with("text/event-stream")
}

/// What comes compressed is never unpacked, so that a small answer cannot become a huge one.
pub(crate) fn refuse_compressed(response: &Response) -> Result<(), Trouble> {
    if !is_compressed(response) {
        return Ok(());
    }
    Err(Trouble::new(
        "not_mcp",
        "The service's answer comes compressed, which nobody asked for, so it was not opened. Something on the way may do \
         this: try from another network.",
    ))
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
