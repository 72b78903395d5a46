//! How long a service asks to wait (`Retry-After`).

use jiff::Timestamp;

/// What a service may ask to wait at most, in seconds; longer is as good as never.
const LONGEST: u64 = 30 * 24 * 3600;

/// How long a service asks to wait: so many seconds, or until a moment (RFC 9110), and no longer than anybody would.
pub fn seconds_until(when: &str, now: Timestamp) -> Option<u64> {
    let of_moment = || {
        let moment = jiff::fmt::rfc2822::parse(when.trim()).ok()?.timestamp();
        let left = moment.duration_since(now);
        // Not a moment before.
        u64::try_from(left.as_secs() + i64::from(left.subsec_nanos() > 0)).ok().filter(|_| left.is_positive())
    };
    when.trim().parse().ok().or_else(of_moment).map(|seconds: u64| seconds.min(LONGEST))
}

/// The same as a sentence, roughly: in seconds, minutes or hours. What nobody waits for is told as that.
pub fn asks_to_wait(seconds: u64) -> String {
    let count = |unit: u64, noun: &str| {
        let count = seconds.div_ceil(unit);
        format!("It asks to wait {count} {noun}{}.", if count == 1 { "" } else { "s" })
    };
    match seconds {
        ..120 => count(1, "second"),
        120..7200 => count(60, "minute"),
        7200..172_800 => count(3600, "hour"),
        _ => "It asks to wait for days; try again later.".to_owned(),
    }
}
