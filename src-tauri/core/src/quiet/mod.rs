//! Checks that run by themselves: which connection is due, what is kept of what they find, and how old a result may grow.
//!
//! All of it is rules over stored instants and `now`: nothing waits in a timer, so a sleep only delays a look, and a
//! clock that jumps neither loses a check nor makes a burst of them. An instant that lies ahead of `now` counts as
//! unknown. Nothing here asks a service, the keychain or the user.

mod age;
mod battery;
#[cfg(target_os = "linux")]
mod bus;
mod due;
mod judge;
mod sense;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::probe::Verdict;

pub use age::is_old;
pub use battery::{on_battery, pmset_says_battery, supplies_say_battery, windows_says_battery};
#[cfg(target_os = "linux")]
pub use bus::listen;
pub use due::{Asked, Last, Moment, due, is_rested};
pub use judge::{Kept, judge, note, unanswered};
pub use sense::{Heard, Network, Sensed, Senses, network_now};

/// The hours that may lie between two checks; 0: never.
pub const CHOICES: [u8; 6] = [0, 1, 3, 6, 12, 24];

/// The longest that anything is waited for: a service that asks for more, and one that fails and fails.
const MOST: SignedDuration = SignedDuration::from_hours(24);

/// What is remembered of the checks that ran by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quiet {
    /// When the computer last woke up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub woke: Option<Timestamp>,
    /// When the network last became another one, or came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Timestamp>,
    /// Since when there is no network at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<Timestamp>,
    /// The tries of each connection, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tries: BTreeMap<String, Tries>,
}

/// What is remembered of the tries of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tries {
    /// The last one, whether anything was kept of it or not.
    pub at: Option<Timestamp>,
    /// How many in a row did not find it working.
    pub failures: u32,
    /// Whether the last one did not get as far as the service.
    pub unreached: bool,
    /// Not to be asked again before then, because the service said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// What it turned to and the user is still to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<Verdict>,
    /// What the user was told, and when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
}

/// Something that the user was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
}

impl Quiet {
    /// The last thing after which a result of before says little: a wake-up, or another network.
    pub fn last_event(&self, now: Timestamp) -> Option<Timestamp> {
        [self.woke, self.network].into_iter().filter_map(|event| past(event, now)).max()
    }
}

/// An instant, if it does not lie ahead.
fn past(at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    at.filter(|at| *at <= now)
}

/// Some time later; at the end of time, never.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
