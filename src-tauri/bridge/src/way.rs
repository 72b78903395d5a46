//! The way to the service: its address, the token and open connections, asked of the [`Source`] where needed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use patchbay_core::oauth::Refusal;
use patchbay_core::wire::header::HeaderMap;
use patchbay_core::wire::{Client, Endpoint, Method, Response, StatusCode, Timeouts, shown, veil};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};

use crate::Source;
use crate::trouble::Trouble;

/// Tokens kept in mind to be kept out of texts; a request outlives few renewals.
const MOST_REMEMBERED: usize = 4;
/// How long a source that has just failed is left alone: a locked keychain is not asked by each of many messages.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while there is a token that may still be good.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// A way to the service, as it was when a message set out.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) client: Client,
    pub(crate) endpoint: Endpoint,
    /// How often the source had been asked by then.
    asked: u64,
}

impl Way {
    fn leads_as(&self, other: &Endpoint) -> bool {
        self.endpoint.same_auth(other) && self.endpoint.url() == other.url() && self.is_reached_as(other)
    }

    fn is_reached_as(&self, other: &Endpoint) -> bool {
        self.endpoint.network() == other.network()
    }

    /// Sends a request to the service, or to another place of it.
    pub(crate) async fn send(
        &self,
        place: Option<&str>,
        method: Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, Trouble> {
        let there = place.map(|place| self.endpoint.within(place)).transpose()?;
        let there = there.as_ref().unwrap_or(&self.endpoint);
        Ok(self.client.send(there, method, body.cloned(), headers).await?)
    }

    /// The answer, unless the service still wants another token.
    pub(crate) fn answered(&self, response: Response) -> Result<Response, Trouble> {
        if response.status() == StatusCode::UNAUTHORIZED { Err(self.refused()) } else { Ok(response) }
    }

    /// What to say where the service still answers 401.
    pub(crate) fn refused(&self) -> Trouble {
        if self.endpoint.is_signed_in() {
            Trouble::sign_in_refused()
        } else if self.endpoint.has_auth() {
            Trouble::token_refused()
        } else {
            Trouble::new("token_missing", "The service wants a sign-in. Give the connection a token in Patchbay.")
        }
    }
}

/// What the source said, over all the times it was asked.
#[derive(Default)]
struct Asked {
    times: u64,
    failure: Option<Trouble>,
}

/// Keeps the way, and asks for it once for all who need it at the same time.
pub(crate) struct Ways {
    source: Source,
    known: watch::Sender<Option<Way>>,
    asked: Mutex<Asked>,
    times: AtomicU64,
    /// When the source last failed and whether that may pass, unless it has answered since.
    failed: std::sync::Mutex<Option<(Instant, bool)>>,
    /// Who was sent a token, the newest last; an answer may still repeat one that was replaced since.
    sent: std::sync::Mutex<Vec<Endpoint>>,
}

impl Ways {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            known: watch::Sender::new(None),
            asked: Mutex::default(),
            times: AtomicU64::new(0),
            failed: std::sync::Mutex::default(),
            sent: std::sync::Mutex::default(),
        }
    }

    /// The way where it is known.
    pub(crate) fn known(&self) -> Option<Way> {
        let asked = self.times.load(Ordering::Acquire);
        self.known.borrow().clone().map(|way| Way { asked, ..way })
    }

    /// The way; asked of the source where it is not known yet.
    pub(crate) async fn get(&self) -> Result<Way, Trouble> {
        match self.known() {
            Some(way) if way.endpoint.is_stale(Timestamp::now()) => {
                if self.failed().is_some_and(|(at, may_pass)| may_pass && at.elapsed() < LONG_PAUSE) {
                    return Ok(way);
                }
                let fresh = self.ask(way.asked, None).await;
                // What is only in the way for now leaves the token that may still be good.
                fresh.or_else(|trouble| if trouble.may_pass() { Ok(way) } else { Err(trouble) })
            }
            Some(way) => Ok(way),
            None => self.ask(self.times.load(Ordering::Acquire), None).await,
        }
    }

    /// The way, for who is in no hurry: where only the user can go on, waits until a request has found that they did.
    pub(crate) async fn some_time(&self) -> Option<Way> {
        while self.get().await.is_err() {
            self.changed_from(&self.known()?).await;
        }
        self.known()
    }

    /// Another way than one that was just refused; `None` where the source still gives the same token.
    pub(crate) async fn other_than(&self, refused: &Way, refusal: Option<Refusal>) -> Result<Option<Way>, Trouble> {
        let is_other = |way: &Way| !way.leads_as(&refused.endpoint);
        if let Some(other) = self.known().filter(is_other) {
            return Ok(Some(other));
        }
        Ok(Some(self.ask(refused.asked, refusal).await?).filter(is_other))
    }

    /// What the service says, short, plain and without tokens.
    pub(crate) fn shown(&self, text: &str) -> String {
        shown(text, &self.sent())
    }

    /// A text without tokens.
    pub(crate) fn veil(&self, text: &str) -> String {
        veil(text, &self.sent())
    }

    fn sent(&self) -> MutexGuard<'_, Vec<Endpoint>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, bool)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, endpoint: &Endpoint) {
        let mut sent = self.sent();
        sent.retain(|known| !(known.same_auth(endpoint) && known.network() == endpoint.network()));
        if sent.len() == MOST_REMEMBERED {
            sent.remove(0);
        }
        sent.push(endpoint.clone());
    }

    /// Waits until there is another way than the one given.
    pub(crate) async fn changed_from(&self, way: &Way) {
        let is_other = |known: &Option<Way>| known.as_ref().is_some_and(|known| !known.leads_as(&way.endpoint));
        // The sender is this very object, so it cannot be gone.
        let _ = self.known.subscribe().wait_for(is_other).await;
    }

    /// Asks the source, unless somebody has since `seen`: one read serves all that were refused together.
    async fn ask(&self, seen: u64, refusal: Option<Refusal>) -> Result<Way, Trouble> {
        let mut asked = self.asked.lock().await;
        if asked.times == seen {
            let failed = *self.failed();
            if let Some((at, _)) = failed {
                sleep_until(at + PAUSE).await;
            }
            asked.failure = self.read(refusal).await.err();
            *self.failed() = asked.failure.as_ref().map(|failure| (Instant::now(), failure.may_pass()));
            asked.times += 1;
            self.times.store(asked.times, Ordering::Release);
        }
        if let Some(failure) = &asked.failure {
            return Err(failure.clone());
        }
        self.known().ok_or_else(lost)
    }

    async fn read(&self, refusal: Option<Refusal>) -> Result<(), Trouble> {
        let source = self.source.clone();
        let asked = tokio::task::spawn_blocking(move || source(refusal.as_ref()));
        let endpoint = asked.await.map_err(|_| lost())??;
        let known = self.known.borrow().clone();
        let client = match known {
            Some(way) if way.endpoint.origin() == endpoint.origin() && way.is_reached_as(&endpoint) => way.client,
            _ => Client::for_endpoint(&endpoint, Timeouts::default())?,
        };
        self.note(&endpoint);
        self.known.send_replace(Some(Way { client, endpoint, asked: 0 }));
        Ok(())
    }
}

fn lost() -> Trouble {
    Trouble::new("internal", "Patchbay's bridge failed to read the token.")
}
