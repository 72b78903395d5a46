//! How many requests are at a service at once.
//!
//! A request takes a connection of its own, which costs both sides tens of KiB. A service that answers quickly serves a
//! burst as fast over a few of them, one request after the other; one that takes its time gets all requests at once, after
//! a wait that nobody notices.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// So many requests at once are enough for a quick service.
const TOGETHER: usize = 16;
/// How long a request waits for one of them to be answered.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// Gives requests their turns.
pub(crate) struct Pace(Semaphore);

impl Default for Pace {
    fn default() -> Self {
        Self(Semaphore::new(TOGETHER))
    }
}

impl Pace {
    /// Waits for a turn, which ends when it is dropped; where it takes too long, goes on without.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        timeout(LONGEST_WAIT, self.0.acquire()).await.ok()?.ok()
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
}
