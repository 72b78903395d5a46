//! The record of a bridge's use, written off the thread that carries.
//!
//! Only the last use counts, so what waits to be written is one use, and a newer one takes its place. A bridge may live
//! for less time than a write takes: [`Recorder::finish`] waits for it, and not for long.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use patchbay_bridge::{Event, Observer};
use patchbay_core::Code;
use patchbay_core::connection::runs::{Run, Runs};
use patchbay_core::process::Starter;

/// Seconds between two records that say the same.
const EVERY: i64 = 20;
/// How long the end of the program waits for the last record.
const PATIENCE: Duration = Duration::from_secs(2);

/// Records uses: the first at once, then now and then, and every change of outcome.
pub struct Recorder {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    last: Option<(Event, Timestamp)>,
    waiting: Option<(Event, Timestamp)>,
    writing: bool,
}

impl Recorder {
    /// A recorder of a connection's uses; `starter` is asked once there is something to record.
    pub fn start(runs: Runs, id: String, starter: impl Fn() -> Starter + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let desk = shared.clone();
        // Not joined: the program does not wait for it longer than `finish` does.
        std::thread::spawn(move || {
            loop {
                let (event, at) = desk.next();
                write(&runs, &id, &starter(), event, at);
                desk.written();
            }
        });
        Self { shared }
    }

    /// What the bridge tells of its uses.
    pub fn observer(&self) -> Observer {
        let shared = self.shared.clone();
        Arc::new(move |event| shared.take(event, Timestamp::now()))
    }

    /// Waits until the last use is recorded.
    pub fn finish(self) {
        let desk = self.shared.desk();
        let pending = |desk: &mut Desk| desk.waiting.is_some() || desk.writing;
        let (_desk, waited) =
            self.shared.changed.wait_timeout_while(desk, PATIENCE, pending).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            tracing::warn!("the last use could not be recorded in time");
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, event: Event, now: Timestamp) {
        // What nobody set up is used by nobody.
        if event == Event::Failed(Code::UnknownConnection.as_str()) {
            return;
        }
        let mut desk = self.desk();
        let known =
            desk.last.as_ref().is_some_and(|(last, at)| *last == event && now.as_second() - at.as_second() < EVERY);
        if !known {
            desk.last = Some((event.clone(), now));
            desk.waiting = Some((event, now));
            self.changed.notify_all();
        }
    }

    /// The use to be written next; waits for one.
    fn next(&self) -> (Event, Timestamp) {
        let mut desk = self.desk();
        loop {
            if let Some(next) = desk.waiting.take() {
                desk.writing = true;
                return next;
            }
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn written(&self) {
        self.desk().writing = false;
        self.changed.notify_all();
    }
}

fn write(runs: &Runs, id: &str, starter: &Starter, event: Event, at: Timestamp) {
    let error = match event {
        Event::Answered => None,
        Event::Failed(code) => Some(code),
    };
    let run = Run { at, client: starter.client.map(str::to_owned), program: starter.program.clone(), error };
    if let Err(error) = runs.record(id, &run) {
        tracing::warn!("the use cannot be recorded: {error}");
    }
}
