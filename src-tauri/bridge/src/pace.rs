//! How many requests are at a service at once.
//!
//! A request takes a connection of its own, which costs both sides tens of KiB. A service that answers quickly serves a
//! burst as fast over a few of them, one request after the other. One that takes its time gets all requests at once, after
//! a wait that nobody notices: what is under way for longer keeps nobody waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// So many requests at once are enough for a quick service.
const TOGETHER: usize = 16;
/// How long a request waits for one of them to be answered, and how long it keeps others waiting.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// The right to be at the service while others wait.
pub(crate) struct Turn<'a> {
    pace: &'a Pace,
    number: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pace.give_back(|taken| taken.number == self.number);
    }
}

/// Gives requests their turns. No timer runs for a request that waits for nobody: a timer wakes the whole program up.
pub(crate) struct Pace {
    free: Semaphore,
    taken: Mutex<Taken>,
}

/// The turns that keep others waiting.
#[derive(Default)]
struct Taken {
    next: u64,
    all: Vec<Place>,
}

struct Place {
    number: u64,
    since: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self { free: Semaphore::new(TOGETHER), taken: Mutex::default() }
    }
}

impl Pace {
    /// Waits for a turn; where it takes too long, goes on without.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        if self.free.available_permits() == 0 {
            self.give_back(|taken| taken.since.elapsed() >= LONGEST_WAIT);
        }
        let place = match self.free.try_acquire() {
            Ok(place) => place,
            Err(_) => timeout(LONGEST_WAIT, self.free.acquire()).await.ok()?.ok()?,
        };
        // Given back by whoever ends it.
        place.forget();
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        taken.all.push(Place { number, since: Instant::now() });
        Some(Turn { pace: self, number })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, is_over: impl Fn(&Place) -> bool) {
        let mut taken = self.taken();
        let before = taken.all.len();
        taken.all.retain(|place| !is_over(place));
        self.free.add_permits(before - taken.all.len());
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
        let begun = Instant::now();
        assert!(pace.turn().await.is_none());
        assert!(begun.elapsed() >= LONGEST_WAIT);
        turns.pop();
        assert!(pace.turn().await.is_some());
    }

    #[tokio::test]
    async fn what_takes_long_keeps_nobody_waiting() {
        let pace = Pace::default();
        let mut turns = Vec::new();
        for _ in 0..TOGETHER {
            turns.push(pace.turn().await.expect("a turn"));
        }
        tokio::time::sleep(2 * LONGEST_WAIT).await;
        let begun = Instant::now();
        let others: Vec<_> = [pace.turn().await, pace.turn().await].into_iter().flatten().collect();
        assert!(others.len() == 2 && begun.elapsed() < LONGEST_WAIT);
        drop(turns);
        assert_eq!(pace.free.available_permits(), TOGETHER - 2, "none is given back twice");
        drop(others);
        assert_eq!(pace.free.available_permits(), TOGETHER);
    }
}
