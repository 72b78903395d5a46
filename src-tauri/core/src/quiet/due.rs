//! Which connections are to be checked now.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::{MOST, Tries, later, past};
use crate::probe::Verdict;

/// Networks come up in steps: the line, the name servers, the VPN.
const SETTLE: SignedDuration = SignedDuration::from_secs(20);
/// Over this time the first checks after a start, a wake-up or a change of network are spread.
const SPREAD: SignedDuration = SignedDuration::from_secs(120);
/// The least time between two checks of one connection, however often the network changes.
const GAP: SignedDuration = SignedDuration::from_mins(5);
/// After a failure that may pass: first to make sure, then less and less often.
const AGAIN: [SignedDuration; 3] =
    [SignedDuration::from_mins(3), SignedDuration::from_mins(15), SignedDuration::from_mins(60)];
/// The most that begin at one look at the clock.
const AT_ONCE: usize = 3;

/// How things are at one look at the clock.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The present moment.
    pub now: Timestamp,
    /// When the program began to look.
    pub began: Timestamp,
    /// The last wake-up.
    pub woke: Option<Timestamp>,
    /// The last change of network.
    pub network: Option<Timestamp>,
    /// Whether there is a network.
    pub online: bool,
    /// Hours between two checks; 0: never.
    pub every_hours: u8,
}

/// A connection that can be checked without anybody being asked for anything.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// Whether it is on this computer, which needs no network.
    pub is_local: bool,
    /// The result that is kept of it.
    pub last: Option<Last>,
    /// Its tries so far.
    pub tries: Tries,
}

/// A result that is kept.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// When it was made.
    pub at: Timestamp,
    /// What it was.
    pub verdict: Verdict,
}

/// The connections to check now, the longest overdue first; at most a few at once, and none of `busy`.
pub fn due(asked: &[Asked], moment: &Moment, busy: &BTreeSet<String>) -> Vec<String> {
    if moment.every_hours == 0 {
        return Vec::new();
    }
    let is_possible = |one: &&Asked| (moment.online || one.is_local) && !busy.contains(&one.id);
    let mut due: Vec<_> = asked.iter().filter(is_possible).map(|one| (due_at(one, moment), &one.id)).collect();
    due.retain(|(at, _)| *at <= moment.now);
    due.sort();
    due.into_iter().take(AT_ONCE).map(|(_, id)| id.clone()).collect()
}

fn due_at(one: &Asked, moment: &Moment) -> Timestamp {
    let now = moment.now;
    let checked = past(one.last.map(|last| last.at), now);
    let tried = past(one.tries.at, now);
    let latest = checked.max(tried);
    let spread = portion(SPREAD, &one.id, None);
    // Overdue by any amount, it waits for its turn after a start or a wake-up.
    let resumed = past(Some(moment.began), now).max(past(moment.woke, now));
    let turn = resumed.map_or(Timestamp::MIN, |resumed| later(resumed, SETTLE + spread));
    let regular = latest.map_or(Timestamp::MIN, |latest| later(latest, wait(one, moment, latest))).max(turn);
    let event = past(moment.woke, now).max(past(moment.network, now)).filter(|event| latest < Some(*event));
    let by_event = event.map(|event| {
        let soon = later(event, SETTLE + spread);
        latest.map_or(soon, |latest| soon.max(later(latest, GAP * 2_i32.pow(failures(one).min(4)))))
    });
    let due = by_event.map_or(regular, |by_event| by_event.min(regular));
    due.max(asked_for(one, now).unwrap_or(due))
}

/// How long a connection rests after its latest check: the user's interval, give or take a tenth, or what its failures
/// ask for.
fn wait(one: &Asked, moment: &Moment, latest: Timestamp) -> SignedDuration {
    let interval = SignedDuration::from_hours(i64::from(moment.every_hours));
    let failures = failures(one);
    let rest = match failures.checked_sub(1) {
        None => interval,
        Some(n) if may_pass(one) => {
            AGAIN.get(n as usize).map_or_else(|| doubled(interval, failures - 3), |again| interval.min(*again))
        }
        Some(n) => doubled(interval, n),
    };
    rest * 9 / 10 + portion(rest / 5, &one.id, Some(latest))
}

fn doubled(interval: SignedDuration, times: u32) -> SignedDuration {
    (interval * 2_i32.pow(times.min(6))).min(MOST)
}

/// Failures in a row; none where somebody has found it working since.
fn failures(one: &Asked) -> u32 {
    let works = one.last.is_some_and(|last| last.verdict == Verdict::Working && Some(last.at) > one.tries.at);
    if works { 0 } else { one.tries.failures }
}

/// Whether what went wrong last may be over soon: also where nothing was kept of it.
fn may_pass(one: &Asked) -> bool {
    let kept = one.last.map(|last| last.verdict);
    one.tries.unreached || kept.is_none_or(|kept| kept == Verdict::Working || super::judge::may_pass(kept))
}

/// What the service asked to wait for, unless the clock was set back since.
fn asked_for(one: &Asked, now: Timestamp) -> Option<Timestamp> {
    one.tries.not_before.filter(|until| *until <= later(now, MOST))
}

/// Whether a connection can be asked out of its turn: it was not asked just now, and its service did not say to wait.
pub fn is_rested(one: &Asked, now: Timestamp) -> bool {
    let latest = past(one.last.map(|last| last.at), now).max(past(one.tries.at, now));
    latest.is_none_or(|latest| later(latest, GAP) <= now) && asked_for(one, now).is_none_or(|until| until <= now)
}

/// A part of a time, the same for the same connection and moment.
fn portion(of: SignedDuration, id: &str, at: Option<Timestamp>) -> SignedDuration {
    let mut hasher = DefaultHasher::new();
    (id, at.map(Timestamp::as_second)).hash(&mut hasher);
    let thousandths = i32::try_from(hasher.finish() % 1000).unwrap_or(0);
    of * thousandths / 1000
}
