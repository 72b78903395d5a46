//! How many requests are at a service at once.
//!
//! A request takes a connection of its own, which costs both sides tens of KiB. A service that answers quickly serves a
//! burst as fast over a few of them, one request after the other. One that takes its time gets all requests at once, after
//! a wait that nobody notices: what is under way for longer keeps nobody waiting.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// So many requests at once are enough for a quick service.
const TOGETHER: usize = 16;
/// How long a request waits for one of them to be answered, and how long it keeps others waiting.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// The right to be at the service while others wait.
pub(crate) struct Turn<'a>(SemaphorePermit<'a>);

impl Turn<'_> {
    /// Does the work, and gives the turn back when it is done or takes long.
    pub(crate) async fn within<T>(turn: Option<Self>, mut work: Pin<Box<impl Future<Output = T>>>) -> T {
        let Some(Self(place)) = turn else { return work.await };
        if let Ok(done) = timeout(LONGEST_WAIT, &mut work).await {
            return done;
        }
        drop(place);
        work.await
    }
}

/// Gives requests their turns.
pub(crate) struct Pace(Semaphore);

impl Default for Pace {
    fn default() -> Self {
        Self(Semaphore::new(TOGETHER))
    }
}

impl Pace {
    /// Waits for a turn; where it takes too long, goes on without.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        timeout(LONGEST_WAIT, self.0.acquire()).await.ok()?.ok().map(Turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_takes_turns_and_nobody_waits_for_what_is_slow() {
        let pace = Pace::default();
        let mut turns = Vec::new();
        for _ in 0..TOGETHER {
            turns.push(pace.turn().await.expect("a turn"));
        }
        let begun = tokio::time::Instant::now();
        assert!(pace.turn().await.is_none());
        assert!(begun.elapsed() >= LONGEST_WAIT);
        turns.pop();
        assert!(pace.turn().await.is_some());
    }

    #[tokio::test]
    async fn what_takes_long_keeps_nobody_waiting() {
        let pace = Pace::default();
        let turn = pace.turn().await;
        let work = Turn::within(turn, Box::pin(tokio::time::sleep(20 * LONGEST_WAIT)));
        let late = async {
            tokio::time::sleep(10 * LONGEST_WAIT).await;
            pace.0.available_permits()
        };
        let ((), free) = tokio::join!(work, late);
        assert_eq!(free, TOGETHER);
    }
}
