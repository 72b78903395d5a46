//! Event streams: what is passed on from them, and how they are taken up again where they break off.

use std::time::Duration;

use patchbay_core::wire::header::HeaderValue;
use patchbay_core::wire::{Method, Response, WireError, sse};

use tokio::time::timeout;

use crate::MOST_BYTES;
use crate::answer::{is_stream, unreadable};
use crate::carry::Carrier;
use crate::envelope::Envelope;
use crate::message::{Open, Said};
use crate::passage::{LONGEST_PAUSE, MOST_HELD, Passage};
use crate::room::Claim;
use crate::trouble::Trouble;
use crate::wait::{self, is_for_now};

/// How long the end of a stream is waited for once its answer has come.
const DRAIN: Duration = Duration::from_secs(2);

/// Brings a stream's messages until all is answered; takes it up again where it ends before.
///
/// A server may also end a stream on purpose, naming the time after which to ask again: as long as it does, it is asked.
pub(crate) async fn bring(
    carrier: &Carrier,
    response: Response,
    envelope: &Envelope,
    open: &mut Open,
) -> Result<(), Trouble> {
    let mut flow = Flow::default();
    flow.pass_on(carrier, response, envelope, open).await?;
    let mut in_vain = 0;
    while !open.is_empty() {
        let Some(last) = flow.last_id.clone().filter(|_| in_vain < sse::RESUMES) else {
            return Err(WireError::Broken.into());
        };
        tokio::time::sleep(flow.wait(in_vain)).await;
        flow.heard = false;
        if let Some(response) = resume(carrier, &last, &mut flow).await? {
            flow.pass_on(carrier, response, envelope, open).await?;
            flow.heard |= flow.retry.is_some();
        }
        in_vain = if flow.heard { 0 } else { in_vain + 1 };
    }
    Ok(())
}

/// Takes a stream up after an event; `None` where the server cannot right now.
async fn resume(carrier: &Carrier, last: &HeaderValue, flow: &mut Flow) -> Result<Option<Response>, Trouble> {
    let headers = carrier.session.listening(Some(last));
    match carrier.send(None, Method::GET, None, &headers).await {
        Ok(response) if response.status().is_success() && is_stream(&response) => Ok(Some(response)),
        Ok(response) if is_for_now(response.status()) => {
            flow.heed(&response);
            Ok(None)
        }
        Ok(_) => Err(WireError::Broken.into()),
        Err(trouble) if trouble.may_pass() => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// What is known of a stream, over its interruptions.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) last_id: Option<HeaderValue>,
    /// Whether anything came since this was last set to false.
    pub(crate) heard: bool,
    retry: Option<Duration>,
    /// How long the service asked to wait when it was last asked for the stream.
    asked: Option<Duration>,
}

impl Flow {
    /// Passes a stream's messages on until what waited is answered, or until it ends where nothing waited.
    ///
    /// # Errors
    /// `TooLarge`, what is no text where an answer is waited for, and `Broken` for a large message that is no JSON: a stream that breaks off ends like any other.
    pub(crate) async fn pass_on(
        &mut self,
        carrier: &Carrier,
        mut response: Response,
        envelope: &Envelope,
        open: &mut Open,
    ) -> Result<(), Trouble> {
        self.asked = None;
        let waits = !open.is_empty();
        let holds = open.keeps_large() || envelope.wants_whole_answer();
        let mut decoder = sse::Decoder::passing(MOST_BYTES, if holds { usize::MAX } else { MOST_HELD });
        let (mut large, mut claim) = (None, Claim::default());
        loop {
            let longest = if large.is_some() { LONGEST_PAUSE } else { claim.patience() };
            let Ok(Ok(Some(piece))) = timeout(longest, response.chunk()).await else { break };
            let parts = match decoder.parts(&piece) {
                Err(WireError::TooLarge) => return Err(WireError::TooLarge.into()),
                // It may have been the answer, for which nobody is to wait in vain.
                Err(_) if waits => return Err(unreadable()),
                other => other.unwrap_or_default(),
            };
            for part in parts {
                self.part(carrier, part, &mut large, envelope, open).await?;
            }
            if waits && open.is_empty() {
                open.place(claim.into_place());
                drain(response);
                break;
            }
            claim.cover(&carrier.room, decoder.held()).await;
        }
        Ok(())
    }

    async fn part(
        &mut self,
        carrier: &Carrier,
        part: sse::Part,
        large: &mut Option<Passage>,
        envelope: &Envelope,
        open: &mut Open,
    ) -> Result<(), Trouble> {
        match part {
            sse::Part::Event(event) => self.take(carrier, event, envelope, open).await,
            sse::Part::Data(data) => match large {
                Some(passage) => passage.pass(carrier, data).await?,
                None => *large = Some(Passage::begin(carrier, data, open).await?),
            },
            sse::Part::End(event) => {
                self.note(&event);
                if let Some(passage) = large.take() {
                    passage.end(carrier, open).await?;
                }
            }
            sse::Part::TooLarge(_) => return Err(WireError::TooLarge.into()),
        }
        Ok(())
    }

    async fn take(&mut self, carrier: &Carrier, event: sse::Event, envelope: &Envelope, open: &mut Open) {
        self.note(&event);
        if let Some(said) = Said::of(event.data.as_bytes()).filter(|_| event.is_message()) {
            carrier.pass_on(&said, envelope, open).await;
        }
    }

    /// Notes where the stream stands.
    fn note(&mut self, event: &sse::Event) {
        self.heard = true;
        if let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) {
            self.last_id = HeaderValue::from_str(id).ok();
        }
        self.retry = event.retry.map(Duration::from_millis).or(self.retry);
    }

    /// Notes how long the service asks to wait.
    pub(crate) fn heed(&mut self, response: &Response) {
        self.asked = wait::asked(response).map(Duration::from_secs);
    }

    /// How long to wait before taking a stream up again: as the server says, and longer each time in vain.
    pub(crate) fn wait(&self, in_vain: u32) -> Duration {
        sse::pause(self.retry, in_vain).max(self.asked.unwrap_or_default()).min(sse::LONGEST_PAUSE)
    }
}

/// Reads what is left of a stream after its answer, so that its connection can serve again.
pub(crate) fn drain(mut response: Response) {
    tokio::spawn(tokio::time::timeout(DRAIN, async move { while let Ok(Some(_)) = response.chunk().await {} }));
}
