//! Checks' results, kept together: each write of the state waits for the disk, so those that end within a moment go into
//! one. Who ends last waits for nobody. Off the async threads, so that no check waits for another's write.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::{Event, Patchbay};
use crate::connection::state::Checked;
use crate::connection::{Connection, Credential};
use crate::error::{Code, Error, Result};
use crate::probe::{Report, Verdict};

/// From one write to the next while more checks are running.
const APART: Duration = Duration::from_millis(250);

/// Results that wait to be kept.
#[derive(Default)]
pub(super) struct Keeping {
    waiting: Mutex<Vec<Kept>>,
    /// Hears of each check that has found something, and of each that is over.
    moved: Notify,
    /// Whose turn it is to write, and when somebody last did.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

struct Kept {
    seen: Connection,
    checked: Checked,
    worked: Vec<Credential>,
    /// Hears when it is kept; gone where the check was called off, and then it is not kept.
    done: oneshot::Sender<Result<()>>,
}

impl Keeping {
    fn waiting(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patchbay {
    /// Keeps what a check found, like [`Self::keep_check`], in one write with others that end at the same time.
    pub(super) async fn keep_together(
        &self,
        seen: &Connection,
        checked: &Checked,
        worked: &[&Credential],
    ) -> Result<()> {
        let (done, mut kept) = oneshot::channel();
        let lost = |_| Err(Error::new(Code::Internal, "What was found cannot be kept."));
        let worked = worked.iter().map(|credential| (*credential).clone()).collect();
        let keeping = &self.inner.keeping;
        keeping.waiting().push(Kept { seen: seen.clone(), checked: checked.clone(), worked, done });
        keeping.moved.notify_one();
        let mut turn = tokio::select! {
            biased;
            // By somebody else.
            outcome = &mut kept => return outcome.unwrap_or_else(lost),
            turn = keeping.turn.lock() => turn,
        };
        if let Ok(outcome) = kept.try_recv() {
            return outcome;
        }
        if let Some(last) = *turn {
            self.gather(last + APART).await;
        }
        *turn = Some(Instant::now());
        let (own, batch) = (self.clone(), std::mem::take(&mut *keeping.waiting()));
        // Where it panics, the senders are gone, and everybody hears of it.
        let _ = tokio::task::spawn_blocking(move || own.keep_all(batch)).await;
        drop(turn);
        kept.await.unwrap_or_else(lost)
    }

    /// Keeps what trying a new sign-in found: it was a check like any other.
    pub(super) async fn keep_trial(&self, connection: &Connection, report: Report) {
        let worked = connection.first_token().filter(|_| report.verdict == Verdict::Working);
        let checked = Checked { token: connection.first_token().map(|own| own.id.clone()), report };
        if let Err(error) = self.keep_together(connection, &checked, worked.as_slice()).await {
            tracing::warn!(id = connection.id, "what the check found cannot be kept: {error}");
        }
        self.tell(Event::Changed);
    }

    /// Lets more results come, until then at the latest or until all that are running have.
    async fn gather(&self, end: Instant) {
        let keeping = &self.inner.keeping;
        let running = || self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner).len();
        while Instant::now() < end && keeping.waiting().len() < running() {
            tokio::select! {
                () = keeping.moved.notified() => {}
                () = sleep_until(end) => {}
            }
        }
    }

    /// A check is over, and what it found is kept.
    pub(super) fn is_over(&self, connection: &Connection) {
        self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection.id);
        self.inner.keeping.moved.notify_one();
        self.tell(Event::Changed);
    }

    fn keep_all(&self, mut batch: Vec<Kept>) {
        batch.retain(|kept| !kept.done.is_closed());
        let outcome = self.inner.state.update(|state| {
            for kept in &batch {
                let worked: Vec<&Credential> = kept.worked.iter().collect();
                Self::note_check(state, &kept.seen, &kept.checked, &worked);
            }
            Ok(())
        });
        for kept in batch {
            // Whoever waited may have been called off meanwhile.
            let _ = kept.done.send(outcome.clone());
        }
    }
}
