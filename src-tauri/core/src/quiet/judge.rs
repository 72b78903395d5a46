//! What is kept of what a check found by itself, and what the user is told of it.

use jiff::{SignedDuration, Timestamp};

use super::{MOST, Told, Tries, later, past};
use crate::probe::{Report, Verdict};

/// So many failures of one kind in a row are told even where nothing else answers either.
const CERTAIN: u32 = 4;
/// For so long the same cause is not told again once it was mended.
const SILENCE: SignedDuration = SignedDuration::from_hours(24);
/// Tries of this age say how the network is now.
const FRESH: SignedDuration = SignedDuration::from_mins(90);

/// What happens to a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It takes the place of the one before.
    Yes,
    /// It may be over in a minute: what was known stays, with its age, until another try says the same.
    NotYet,
}

/// Whether something may be over soon without anybody doing anything.
pub(super) fn may_pass(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unreachable | Verdict::TooSlow | Verdict::TlsNotTrusted | Verdict::ServiceError)
}

/// Whether the service itself did not answer.
fn is_unreached(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unreachable | Verdict::TooSlow | Verdict::TlsNotTrusted)
}

/// Whether a result counts, after `before` and the tries until now; `alone` where other services do answer.
///
/// The first failure that may pass never counts, and none while no service at all answers: then the computer is offline,
/// whatever its network says. After some more tries it counts even so.
pub fn judge(before: Option<Verdict>, found: Verdict, tries: &Tries, alone: bool) -> Kept {
    if !may_pass(found) || before.is_some_and(|before| before != Verdict::Working) {
        return Kept::Yes;
    }
    let confirmed = tries.failures > 0 && (alone || !is_unreached(found) || tries.failures + 1 >= CERTAIN);
    if confirmed { Kept::Yes } else { Kept::NotYet }
}

/// Notes a try and what came of it.
pub fn note(tries: &mut Tries, before: Option<Verdict>, found: &Report, kept: Kept, now: Timestamp) {
    tries.at = Some(now);
    tries.unreached = is_unreached(found.verdict);
    tries.not_before = found.retry_after.map(|seconds| {
        let asked = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        later(now, asked.min(MOST))
    });
    if found.verdict == Verdict::Working {
        tries.failures = 0;
        tries.untold = None;
        tries.told.retain(|told| past(Some(told.at), now).is_some_and(|at| now.duration_since(at) < SILENCE));
        return;
    }
    tries.failures = tries.failures.saturating_add(1);
    let is_new = before != Some(found.verdict) && !tries.told.iter().any(|told| told.verdict == found.verdict);
    if kept == Kept::Yes {
        tries.untold = is_new.then_some(found.verdict);
    }
}

impl Tries {
    /// Notes that the user was told of what it turned to.
    pub fn say(&mut self, verdict: Verdict, now: Timestamp) {
        if self.untold == Some(verdict) {
            self.untold = None;
        }
        self.told.retain(|told| told.verdict != verdict);
        self.told.push(Told { verdict, at: now });
    }
}

/// Whether no service answers: at least two hosts were tried lately, and none was reached. `tries` are those of services
/// that are not on this computer, by host, each with the moment of the last result that reached it.
pub fn unanswered<'a>(
    tries: impl IntoIterator<Item = (&'a str, &'a Tries, Option<Timestamp>)>,
    now: Timestamp,
) -> bool {
    let mut hosts = std::collections::BTreeSet::new();
    for (host, tries, reached) in tries {
        let Some(at) = past(tries.at, now).filter(|at| now.duration_since(*at) < FRESH) else { continue };
        if !tries.unreached || past(reached, now) > Some(at) {
            return false;
        }
        hosts.insert(host);
    }
    hosts.len() > 1
}
