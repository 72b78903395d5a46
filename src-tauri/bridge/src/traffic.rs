//! Messages under way: how many at once, in which order they set out, and which of them the app has called off.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::carry::Carrier;
use crate::envelope::Envelope;
use crate::message::Open;
use crate::pace::Pace;
use crate::trouble::Trouble;
use crate::underway::{Entry, Request};

/// Messages in flight at once; as many again that want no answer, so that a cancellation never waits for a request.
const MOST_AT_ONCE: usize = 256;
/// How long later messages wait for a notification that they depend on.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// Sends messages on their way.
pub(crate) struct Traffic {
    carrier: Arc<Carrier>,
    running: JoinSet<()>,
    requests: Arc<Semaphore>,
    others: Arc<Semaphore>,
    pace: Arc<Pace>,
    /// Closed when the last message that later ones depend on has been dealt with.
    hold: Option<watch::Receiver<()>>,
}

impl Traffic {
    pub(crate) fn new(carrier: Arc<Carrier>) -> Self {
        Self {
            carrier,
            running: JoinSet::new(),
            requests: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            others: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            pace: Arc::default(),
            hold: None,
        }
    }

    /// Sends a message on its way; waits while too many are.
    pub(crate) async fn take(&mut self, line: Bytes) {
        while self.running.try_join_next().is_some() {}
        let envelope = Envelope::of(&line);
        let places = if envelope.ids().is_empty() { &self.others } else { &self.requests };
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let called_off = envelope.cancels.as_ref().and_then(|id| self.carrier.underway.get(id));
        // One of a batch is the server's to end.
        let called_off = called_off.filter(|request| !request.is_batch);
        if called_off.as_ref().is_some_and(|request| request.is_modern || !request.has_set_out()) {
            // Servers of the newest generation learn of it by the end of the request's connection; others need not learn of
            // what they never get.
            return call_off(called_off);
        }
        let before = self.hold.clone().filter(|_| !envelope.is_reply());
        let holds = envelope.begins_session().then(|| {
            let (holds, hold) = watch::channel(());
            self.hold = Some(hold);
            holds
        });
        let entry = self.carrier.underway.enter(&envelope);
        let (carrier, pace) = (self.carrier.clone(), self.pace.clone());
        self.running.spawn(async move {
            if let Some(mut before) = before {
                // An error says that the sender is gone, which is what this waits for.
                let _ = before.changed().await;
            }
            // What says something of another request, or answers the service's, never waits for requests.
            let turn = if envelope.ids().is_empty() { None } else { pace.turn().await };
            if let Some(entry) = &entry {
                entry.request.set_out.store(true, Ordering::Release);
            }
            // Those that wait for their turn need no room for it yet.
            Box::pin(carry(&carrier, line, envelope, holds, entry.as_ref())).await;
            drop(turn);
            call_off(called_off);
            drop(place);
        });
    }

    /// Answers a line that was too long.
    pub(crate) async fn refuse_line(&self) {
        self.carrier.refuse_line().await;
    }

    /// Lets what is under way come to its end, for as long as `patience` lasts, and ends the session.
    pub(crate) async fn finish(mut self, patience: Duration) {
        self.carrier.underway.call_off_subscriptions();
        self.carrier.app_is_gone();
        let rest = async { while self.running.join_next().await.is_some() {} };
        let left = if timeout(patience, rest).await.is_err() { self.carrier.underway.ids() } else { Vec::new() };
        self.running.shutdown().await;
        let ended = Trouble::new("bridge_ended", "Patchbay's bridge had to end before the service answered.");
        for id in left {
            tracing::warn!("a request was still under way at the end");
            self.carrier.say(ended.line(&id)).await;
        }
        self.carrier.end().await;
    }
}

async fn carry(
    carrier: &Arc<Carrier>,
    line: Bytes,
    envelope: Envelope,
    holds: Option<watch::Sender<()>>,
    entry: Option<&Entry>,
) {
    let limit = if envelope.is_initialize() { Duration::MAX } else { LONGEST_HOLD };
    let mut work = pin!(async {
        match entry {
            None => carrier.carry(line, envelope, Open::new(Vec::new())).await,
            Some(entry) => tokio::select! {
                // One that is called off before its turn is never sent.
                biased;
                () = entry.request.called_off.notified() => {}
                () = carrier.carry(line, envelope, entry.request.open.clone()) => {}
            },
        }
    });
    if holds.is_some() && timeout(limit, &mut work).await.is_ok() {
        return;
    }
    drop(holds);
    work.await;
}

fn call_off(request: Option<Arc<Request>>) {
    if let Some(request) = request {
        request.called_off.notify_one();
    }
}
