//! What a proxy script asks of the clock: weekdays, dates, hours.
//!
//! Ranges hold both their ends, and go round: from Friday to Monday is four days. The last argument may be `GMT`. What is
//! no range of the documented kinds is `None`.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The clock that is meant, and the arguments that are left.
fn clock<'a, 'b>(now: &Zoned, args: &'a [&'b str]) -> (DateTime, &'a [&'b str]) {
    match args.split_last() {
        Some((last, rest)) if last.eq_ignore_ascii_case("GMT") => (now.with_time_zone(TimeZone::UTC).datetime(), rest),
        _ => (now.datetime(), args),
    }
}

/// Whether something lies between two ends, which may stand the other way round where it goes round.
fn within<T: PartialOrd>(from: &T, now: &T, to: &T) -> bool {
    if from <= to { from <= now && now <= to } else { from <= now || now <= to }
}

fn place(names: &[&str], name: &str) -> Option<i16> {
    let at = names.iter().position(|own| own.eq_ignore_ascii_case(name))?;
    i16::try_from(at + 1).ok()
}

/// `weekdayRange(day)`, `weekdayRange(day, day)`.
pub(super) fn weekdays(now: &Zoned, args: &[&str]) -> Option<bool> {
    let (now, args) = clock(now, args);
    let today = i16::from(now.date().weekday().to_sunday_one_offset());
    let day = |name: &str| place(&DAYS, name);
    match args {
        [only] => Some(day(only)? == today),
        [from, to] => Some(within(&day(from)?, &today, &day(to)?)),
        _ => None,
    }
}

/// What a part of a date is; in the order in which dates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Year,
    Month,
    Day,
}

/// A number up to 31 is a day, and one beyond it a year.
fn part(text: &str) -> Option<(Part, i16)> {
    if let Some(month) = place(&MONTHS, text) {
        return Some((Part::Month, month));
    }
    let number = text.trim().parse().ok()?;
    match number {
        1..=31 => Some((Part::Day, number)),
        32.. => Some((Part::Year, number)),
        _ => None,
    }
}

/// Some parts of a date, the greater ones first, each but once.
fn date(parts: &[(Part, i16)]) -> Option<Vec<(Part, i16)>> {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let is_once = parts.windows(2).all(|two| two[0].0 != two[1].0);
    (is_once && !parts.is_empty()).then_some(parts)
}

/// `dateRange` with a day, a month, a year, or two of a kind; with day and month, month and year, or all three, twice;
/// or with several parts of one date, once.
pub(super) fn dates(now: &Zoned, args: &[&str]) -> Option<bool> {
    let (now, args) = clock(now, args);
    let parts = args.iter().map(|arg| part(arg)).collect::<Option<Vec<_>>>()?;
    let today = |of: &[(Part, i16)]| {
        let part = |(part, _): &(Part, i16)| match part {
            Part::Year => (Part::Year, now.year()),
            Part::Month => (Part::Month, now.month().into()),
            Part::Day => (Part::Day, now.day().into()),
        };
        of.iter().map(part).collect::<Vec<_>>()
    };
    let (one, other) = parts.split_at(parts.len() / 2);
    if one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.0 == other.0) {
        let (from, to) = (date(one)?, date(other)?);
        let is_of_a_year = from[0].0 == Part::Year;
        let is_empty = is_of_a_year && from > to;
        return Some(!is_empty && within(&from, &today(&from), &to));
    }
    let whole = date(&parts)?;
    Some(today(&whole) == whole)
}

/// `timeRange(hour)`, which is that whole hour, and from one time of the day to another: hours, hours and minutes, or
/// hours, minutes and seconds, twice.
pub(super) fn hours(now: &Zoned, args: &[&str]) -> Option<bool> {
    let (now, args) = clock(now, args);
    let numbers = args.iter().map(|arg| arg.trim().parse().ok()).collect::<Option<Vec<u32>>>()?;
    let seconds = |time: &[u32]| {
        let is_time = time[0] <= 24 && time[1..].iter().all(|part| *part < 60);
        is_time.then(|| time.iter().zip([3600, 60, 1]).map(|(part, length)| part * length).sum::<u32>())
    };
    let (hour, minute, second) = (now.hour(), now.minute(), now.second());
    let time = [hour, minute, second].map(|part| u32::from(part.unsigned_abs()));
    let (from, to) = match numbers.as_slice() {
        [only] => return Some(time[0] == *only),
        [from, to] if from == to => return Some(time[0] == *from),
        both if matches!(both.len(), 2 | 4 | 6) => both.split_at(both.len() / 2),
        _ => return None,
    };
    Some(within(&seconds(from)?, &seconds(&time)?, &seconds(to)?))
}
