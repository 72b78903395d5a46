//! A server of revision 2024-11-05: it speaks on one stream only, and names there the place that messages are posted to.
//!
//! When the stream ends, requests under way fail; the next message opens another one and begins the session again with
//! the app's own words.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Method, Response, WireError, next_piece, sse};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::answer::{Answer, is_stream};
use crate::carry::{Carrier, origin};
use crate::envelope::Envelope;
use crate::message::{Open, Said, one_line};
use crate::passage::{LONGEST_PAUSE, MOST_HELD, Passage};
use crate::room::Claim;
use crate::server::Server;
use crate::trouble::Trouble;
use crate::{INITIALIZED, MOST_BYTES};

/// How long a server may take to name its place.
const NAMING: Duration = Duration::from_secs(5);

/// A stream with its place to post to.
pub(crate) struct Channel {
    /// As the server named it, whole; nothing is sent there where it is at another origin.
    place: String,
    /// The origin of the stream.
    origin: String,
    /// The requests that wait for answers on it; none once it has ended.
    waiting: Mutex<Option<Vec<Waiting>>>,
}

/// Requests of one message.
struct Waiting {
    open: Open,
    /// Whether the answer has to be known as a whole: it is for whoever asked in the app's place, or a batch.
    wants_whole: bool,
    done: oneshot::Sender<Result<Open, Trouble>>,
}

impl Channel {
    /// Opens a stream; none where the server has no such stream.
    pub(crate) async fn open(carrier: &Arc<Carrier>) -> Result<Option<Arc<Self>>, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = carrier.send(None, Method::GET, None, &headers).await?;
        if !response.status().is_success() || !is_stream(&response) {
            return Ok(None);
        }
        let mut reading = Reading { response, decoder: sse::Decoder::going_on(MOST_BYTES), early: Vec::new() };
        let Ok(Some(place)) = tokio::time::timeout(NAMING, reading.place()).await else { return Ok(None) };
        // What is no address is told of when something is sent there.
        let place = reading.response.url().join(&place).map_or(place, String::from);
        let origin = origin(&reading.response);
        let channel = Arc::new(Self { place, origin, waiting: Mutex::new(Some(Vec::new())) });
        carrier.listen_with(&tokio::spawn(reading.pass_on(channel.clone(), carrier.clone())));
        Ok(Some(channel))
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the stream has ended, or is one of a service that is elsewhere now.
    fn has_ended(&self, carrier: &Carrier) -> bool {
        self.waiting().is_none() || carrier.ways.known().is_some_and(|way| way.endpoint.origin() != self.origin)
    }

    /// Posts a message and waits until its requests are answered.
    pub(crate) async fn deliver(&self, carrier: &Carrier, line: &Bytes, open: &mut Open) -> Result<(), Trouble> {
        let waits = !open.is_empty();
        let done = self.expect(open.clone(), open.keeps() || line.starts_with(b"["));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = carrier.send(Some(&self.place), Method::POST, Some(line), &headers).await?;
        if !response.status().is_success() {
            // Its words are for the app, whether they are a JSON-RPC error or not.
            return Answer::read(carrier, response).await?.settle(carrier, &Envelope::of(line), open).await;
        }
        drop(response);
        if waits {
            *open = done.await.map_err(|_| WireError::Broken)??;
        }
        Ok(())
    }

    /// Will hear of the answers; of the end at once where the stream has ended.
    fn expect(&self, open: Open, wants_whole: bool) -> oneshot::Receiver<Result<Open, Trouble>> {
        let (done, answered) = oneshot::channel();
        if let Some(waiting) = self.waiting().as_mut().filter(|_| !open.is_empty()) {
            waiting.retain(|other| !other.done.is_closed());
            waiting.push(Waiting { open, wants_whole, done });
        }
        answered
    }

    /// Passes on what the server says, but for answers that nobody waits for, to the app or to whoever asked in its place.
    async fn hear(&self, carrier: &Carrier, said: &Said<'_>) {
        let (line, done) = self.settle(said);
        let keeps = done.iter().any(|waiting| waiting.open.keeps());
        if let Some(line) = line.clone().filter(|_| !keeps) {
            carrier.say(line).await;
        }
        for mut waiting in done {
            waiting.open.keep(line.clone().unwrap_or_default());
            // Whoever asked may have been called off.
            let _ = waiting.done.send(Ok(waiting.open));
        }
    }

    /// From which size on messages are passed on while they come in: never where one is awaited in the app's place.
    fn hold(&self) -> usize {
        let keeps = self.waiting().iter().flatten().any(|waiting| waiting.open.keeps());
        if keeps { usize::MAX } else { MOST_HELD }
    }

    /// Passes on a part of what the server says.
    async fn part(&self, carrier: &Carrier, part: sse::Part, large: &mut Option<Passage>) -> Result<(), Trouble> {
        match part {
            sse::Part::Event(event) => {
                let is_named = event.event.as_deref().is_some_and(|name| name != "message");
                if let Some(said) = Said::of(event.data.as_bytes()).filter(|_| !is_named) {
                    self.hear(carrier, &said).await;
                }
            }
            sse::Part::Data(data) => match large {
                Some(passage) => passage.pass(carrier, data).await?,
                None => *large = Some(Passage::begin(carrier, data, &Open::new(Vec::new())).await?),
            },
            sse::Part::End(_) => {
                if let Some(passage) = large.take() {
                    passage.end(carrier, &mut Open::new(Vec::new())).await?;
                    self.tell(|waiting| waiting.open.is_empty(), || None);
                }
            }
            // All other answers are passed on, whatever their size.
            sse::Part::TooLarge(true) => self.tell(|waiting| waiting.wants_whole, || Some(WireError::TooLarge.into())),
            sse::Part::TooLarge(false) => {}
        }
        Ok(())
    }

    /// Tells some of those that wait that they are answered, or why they are not.
    fn tell(&self, whom: impl Fn(&Waiting) -> bool, why: impl Fn() -> Option<Trouble>) {
        for waiting in self.waiting().iter_mut().flat_map(|all| all.extract_if(.., |waiting| whom(waiting))) {
            let told = why().map_or(Ok(waiting.open), Err);
            // Whoever asked may have been called off.
            let _ = waiting.done.send(told);
        }
    }

    /// What is left of it as a line, and those that waited for nothing but its answers.
    fn settle(&self, said: &Said<'_>) -> (Option<Bytes>, Vec<Waiting>) {
        let mut waiting = self.waiting();
        let Some(waiting) = waiting.as_mut() else { return (None, Vec::new()) };
        waiting.retain(|waiting| !waiting.done.is_closed());
        let text = said.sifted(|id| waiting.iter().any(|waiting| waiting.open.settle_id(id)));
        let done = waiting.extract_if(.., |waiting| waiting.open.is_empty()).collect();
        (text.map(|text| one_line(&text)), done)
    }
}

/// Carries a message to a server of this kind, on a new stream where the old one has ended.
pub(crate) async fn deliver(
    carrier: &Arc<Carrier>,
    channel: Arc<Channel>,
    line: &Bytes,
    open: &mut Open,
) -> Result<(), Trouble> {
    let channel = if channel.has_ended(carrier) { begin_again(carrier).await? } else { channel };
    channel.deliver(carrier, line, open).await
}

/// Begins a session on a new stream, unseen by the app; once for all who need it at the same time.
async fn begin_again(carrier: &Arc<Carrier>) -> Result<Arc<Channel>, Trouble> {
    let _beginning = carrier.beginning.lock().await;
    if let Server::Channel(channel) = carrier.server()
        && !channel.has_ended(carrier)
    {
        return Ok(channel);
    }
    let ended = || Trouble::new("session_ended", "The service ended the session. Restart the app.");
    let initialize = carrier.session.initialize().ok_or_else(ended)?;
    let channel = Channel::open(carrier).await?.ok_or_else(ended)?;
    let id = Envelope::of(&initialize).ids().first().cloned().unwrap_or_default();
    channel.deliver(carrier, &initialize, &mut Open::keeping(id)).await?;
    channel.deliver(carrier, &Bytes::from_static(INITIALIZED), &mut Open::new(Vec::new())).await?;
    carrier.set_server(Server::Channel(channel.clone()));
    Ok(channel)
}

/// A stream that is being read.
struct Reading {
    response: Response,
    decoder: sse::Decoder,
    /// What came together with the place, after it.
    early: Vec<sse::Part>,
}

impl Reading {
    /// The place, which is the first that the server says.
    async fn place(&mut self) -> Option<String> {
        loop {
            let piece = next_piece(&mut self.response).await.ok()??;
            let mut parts = self.decoder.parts(&piece).ok()?.into_iter();
            let named = parts.find_map(|part| match part {
                sse::Part::Event(event) if event.event.as_deref() == Some("endpoint") => Some(event.data),
                _ => None,
            });
            if named.is_some() {
                self.early = parts.collect();
                return named;
            }
        }
    }

    /// Passes messages on until the stream ends.
    async fn pass_on(mut self, channel: Arc<Channel>, carrier: Arc<Carrier>) {
        let _ending = Ending(channel.clone());
        let mut parts = std::mem::take(&mut self.early);
        let (mut large, mut claim) = (None, Claim::default());
        loop {
            for part in parts {
                if channel.part(&carrier, part, &mut large).await.is_err() {
                    return;
                }
            }
            claim.cover(&carrier.room, self.decoder.held()).await;
            let longest = if large.is_some() { LONGEST_PAUSE } else { claim.patience() };
            let Ok(Ok(Some(piece))) = timeout(longest, next_piece(&mut self.response)).await else { return };
            self.decoder.hold(channel.hold());
            let Ok(next) = self.decoder.parts(&piece) else { return };
            parts = next;
        }
    }
}

/// However the reading ends, nobody waits for it any longer.
struct Ending(Arc<Channel>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.waiting().take();
    }
}
