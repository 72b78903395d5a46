//! Reminders: computed from stored dates at every look, never held in timers.
//!
//! A credential has stages: some days before its end, and the end. Each is told once, in rising urgency; what was told
//! is stored, so restarts, sleep and clock jumps neither repeat nor lose one. After a long sleep only the most urgent
//! stage is told. A new end date starts anew.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::days_left;
use crate::connection::Expiry;
use crate::host::Host;

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// At most so many days are left. Fewer days are more urgent.
    Days(std::cmp::Reverse<u16>),
    /// It has ended.
    Ended,
}

/// What was already told of a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownReminders {
    /// The end that the stage is about; another end starts anew.
    pub expires: Option<Timestamp>,
    /// The most urgent stage told.
    pub stage: Option<Stage>,
    /// Silent until then.
    pub snoozed: Option<Timestamp>,
}

/// The stage that a credential is in, if any.
///
/// A token is only ever reminded of for thresholds that lay ahead when it was saved: one made for five minutes does not
/// begin with "30 days left".
pub fn stage(created: Timestamp, expiry: Expiry, days: &[u16], host: &Host) -> Option<Stage> {
    if expiry.at <= host.now {
        return Some(Stage::Ended);
    }
    let at_first = days_left(expiry, &host.at(created));
    let left = days_left(expiry, host);
    let reached = |days: &&u16| left <= i32::from(**days) && at_first > i32::from(**days);
    days.iter().filter(reached).min().map(|days| Stage::Days(std::cmp::Reverse(*days)))
}

/// Whether this stage, or a more urgent one, was told already for this end.
pub fn is_shown(shown: Option<&ShownReminders>, expiry: Expiry, stage: Stage) -> bool {
    shown.is_some_and(|shown| shown.expires == Some(expiry.at) && shown.stage.is_some_and(|told| told >= stage))
}

/// Whether the user wants silence now. The end itself is told all the same.
pub fn is_snoozed(shown: Option<&ShownReminders>, stage: Stage, now: Timestamp) -> bool {
    stage != Stage::Ended && shown.and_then(|shown| shown.snoozed).is_some_and(|until| now < until)
}

/// Notes that a stage was told.
pub fn acknowledge(shown: &mut ShownReminders, expiry: Expiry, stage: Stage) {
    if is_shown(Some(shown), expiry, stage) {
        return;
    }
    shown.expires = Some(expiry.at);
    shown.stage = Some(stage);
}

/// Silence for some days; then the stage it is in by then is told, even if it was told before.
pub fn snooze(shown: &mut ShownReminders, days: u16, now: Timestamp) {
    shown.stage = None;
    shown.snoozed = now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok();
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use jiff::ToSpan;
    use proptest::prelude::*;

    use super::*;
    use crate::connection::ExpirySource;
    use crate::host::Platform;

    const DAYS: [u16; 4] = [30, 14, 7, 1];

    fn host(now: Timestamp) -> Host {
        Host::bare(Platform::Linux, "/home/u", now)
    }

    fn day(n: i64) -> Timestamp {
        "2026-01-01T12:00:00Z".parse::<Timestamp>().expect("a time").checked_add((n * 24).hours()).expect("in range")
    }

    fn end(n: i64) -> Expiry {
        Expiry { at: day(n), source: ExpirySource::Declared }
    }

    #[test]
    fn stages_come_in_order() {
        let at = |n| stage(day(0), end(90), &DAYS, &host(day(n)));
        assert_eq!(at(59), None);
        assert_eq!(at(60), Some(Stage::Days(Reverse(30))));
        assert_eq!(at(76), Some(Stage::Days(Reverse(14))));
        assert_eq!(at(89), Some(Stage::Days(Reverse(1))));
        assert_eq!(at(90), Some(Stage::Ended));
    }

    #[test]
    fn a_short_life_begins_in_silence() {
        let soon = Expiry { at: day(0).checked_add(5.minutes()).expect("in range"), source: ExpirySource::Declared };
        assert_eq!(stage(day(0), soon, &DAYS, &host(day(0))), None);
        assert_eq!(stage(day(0), soon, &DAYS, &host(day(1))), Some(Stage::Ended));
        assert_eq!(stage(day(0), end(10), &DAYS, &host(day(1))), None);
        assert_eq!(stage(day(0), end(10), &DAYS, &host(day(3))), Some(Stage::Days(Reverse(7))));
    }

    proptest! {
        #[test]
        fn each_stage_is_told_once_however_the_clock_moves(steps in prop::collection::vec(-40_i64..60, 1..60)) {
            let (mut shown, mut told, mut now) = (ShownReminders::default(), Vec::new(), 0);
            for step in steps.into_iter().chain([400]) {
                now += step;
                let Some(stage) = stage(day(0), end(90), &DAYS, &host(day(now))) else { continue };
                if !is_shown(Some(&shown), end(90), stage) {
                    told.push(stage);
                    acknowledge(&mut shown, end(90), stage);
                }
                // Stored and read again, as over a restart.
                shown = serde_json::from_str(&serde_json::to_string(&shown).expect("writes")).expect("reads");
            }
            prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
            prop_assert_eq!(told.iter().filter(|stage| **stage == Stage::Ended).count(), 1);
        }
    }

    #[test]
    fn a_new_end_starts_anew_and_snooze_is_silence() {
        let mut shown = ShownReminders::default();
        acknowledge(&mut shown, end(90), Stage::Ended);
        assert!(!is_shown(Some(&shown), end(180), Stage::Days(Reverse(30))));
        snooze(&mut shown, 3, day(0));
        assert!(is_snoozed(Some(&shown), Stage::Days(Reverse(7)), day(2)));
        assert!(!is_snoozed(Some(&shown), Stage::Days(Reverse(7)), day(3)));
        assert!(!is_snoozed(Some(&shown), Stage::Ended, day(2)), "the end is told");
    }
}
