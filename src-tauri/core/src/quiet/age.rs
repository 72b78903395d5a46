//! How long "working" may be said after it was seen.

use jiff::{SignedDuration, Timestamp};

use super::past;

/// The least time that a result stays good where nothing happens to the computer.
const LEAST: SignedDuration = SignedDuration::from_hours(24);

/// Whether what was found at `at` is too old to speak for now: older than two of the user's intervals and than a day, or
/// from before the last wake-up or change of network. What lies ahead of `now` is of unknown age, and that is old.
pub fn is_old(at: Timestamp, now: Timestamp, every_hours: u8, event: Option<Timestamp>) -> bool {
    let limit = SignedDuration::from_hours(2 * i64::from(every_hours)).max(LEAST);
    let ahead = at > now;
    ahead || now.duration_since(at) > limit || past(event, now).is_some_and(|event| at < event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    const NOW: &str = "2026-11-21T12:00:00Z";

    #[test]
    fn a_result_is_good_for_a_day_or_two_intervals_whichever_is_longer() {
        let old = |then: &str, every| is_old(at(then), at(NOW), every, None);
        assert!(!old("2026-11-20T12:00:00Z", 6));
        assert!(old("2026-11-20T11:59:59Z", 6));
        assert!(old("2026-11-20T11:59:59Z", 0), "also where nothing is checked by itself");
        assert!(!old("2026-11-19T12:00:00Z", 24));
        assert!(old("2026-11-19T11:59:59Z", 24));
    }

    #[test]
    fn a_result_from_before_a_wake_up_is_old_at_once_and_one_from_after_it_is_not() {
        let event = Some(at("2026-11-21T11:50:00Z"));
        assert!(is_old(at("2026-11-21T11:49:59Z"), at(NOW), 6, event));
        assert!(!is_old(at("2026-11-21T11:50:00Z"), at(NOW), 6, event));
        let ahead = Some(at("2026-11-21T12:00:01Z"));
        assert!(!is_old(at("2026-11-21T11:49:59Z"), at(NOW), 6, ahead), "the clock was set back since");
    }

    #[test]
    fn a_result_that_lies_ahead_is_of_unknown_age() {
        assert!(is_old(at("2026-11-21T12:00:01Z"), at(NOW), 6, None));
    }
}
