//! The app's requests that are under way, and which of them wait for their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::envelope::{Envelope, Kind};
use crate::message::Open;

/// A request under way, or a batch of them.
pub(crate) struct Request {
    pub(crate) is_modern: bool,
    is_subscription: bool,
    pub(crate) is_batch: bool,
    /// What is not answered yet.
    pub(crate) open: Open,
    pub(crate) set_out: AtomicBool,
    pub(crate) called_off: Notify,
}

impl Request {
    /// Whether the service may have got it.
    pub(crate) fn has_set_out(&self) -> bool {
        self.set_out.load(Ordering::Acquire)
    }
}

/// The requests under way, by their ids as they were written.
#[derive(Clone, Default)]
pub(crate) struct Underway(Arc<Mutex<HashMap<String, Arc<Request>>>>);

impl Underway {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Request>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Request>> {
        self.all().get(id).cloned()
    }

    /// The ids of those whose answers somebody waits for.
    pub(crate) fn ids(&self) -> Vec<String> {
        let all = self.all();
        let waits = |(id, request): &(&String, &Arc<Request>)| !request.is_subscription && request.open.has(id);
        all.iter().filter(waits).map(|(id, _)| id.clone()).collect()
    }

    /// Whether a request waits for the answer under an id.
    pub(crate) fn awaits(&self, id: &str) -> bool {
        self.any(id, |open| open.has(id))
    }

    /// Strikes an id out of the request that waits for its answer; whether there was one.
    pub(crate) fn settle(&self, id: &str) -> bool {
        self.any(id, |open| open.settle_id(id))
    }

    fn any(&self, id: &str, is_it: impl Fn(&Open) -> bool) -> bool {
        let all = self.all();
        // The id may be written otherwise.
        all.get(id).map_or_else(|| all.values().any(|request| is_it(&request.open)), |request| is_it(&request.open))
    }

    pub(crate) fn enter(&self, envelope: &Envelope) -> Option<Entry> {
        let Kind::Request(ids) = &envelope.kind else { return None };
        let request = Arc::new(Request {
            is_modern: envelope.is_modern(),
            is_subscription: envelope.method == "subscriptions/listen",
            is_batch: ids.len() > 1,
            open: Open::new(ids.clone()),
            set_out: AtomicBool::new(false),
            called_off: Notify::new(),
        });
        self.all().extend(ids.iter().map(|id| (id.clone(), request.clone())));
        Some(Entry { underway: self.clone(), ids: ids.clone(), request })
    }

    /// Subscriptions last until the app is gone; nobody waits for their answers.
    pub(crate) fn call_off_subscriptions(&self) {
        for request in self.all().values().filter(|request| request.is_subscription) {
            request.called_off.notify_one();
        }
    }
}

/// A message's place among those under way, given up when dropped.
pub(crate) struct Entry {
    underway: Underway,
    ids: Vec<String>,
    pub(crate) request: Arc<Request>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut all = self.underway.all();
        for id in &self.ids {
            if all.get(id).is_some_and(|request| Arc::ptr_eq(request, &self.request)) {
                all.remove(id);
            }
        }
    }
}
