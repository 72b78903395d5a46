//! Checks' results, kept together: each write of the state waits for the disk, so those that end while one is written
//! go into the next one. Off the async threads, so that no check waits for another's write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::Patchbay;
use crate::connection::state::Checked;
use crate::connection::{Connection, Credential};
use crate::error::{Code, Error, Result};

/// Results that wait to be kept.
#[derive(Default)]
pub(super) struct Keeping {
    waiting: Mutex<Vec<Kept>>,
    turn: tokio::sync::Mutex<()>,
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
        let (done, kept) = oneshot::channel();
        let worked = worked.iter().map(|credential| (*credential).clone()).collect();
        self.inner.keeping.waiting().push(Kept { seen: seen.clone(), checked: checked.clone(), worked, done });
        let turn = self.inner.keeping.turn.lock().await;
        let batch = std::mem::take(&mut *self.inner.keeping.waiting());
        if !batch.is_empty() {
            let own = self.clone();
            // Where it panics, the senders are gone, and everybody hears of it below.
            let _ = tokio::task::spawn_blocking(move || own.keep_all(batch)).await;
        }
        drop(turn);
        kept.await.unwrap_or_else(|_| Err(Error::new(Code::Internal, "What was found cannot be kept.")))
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
