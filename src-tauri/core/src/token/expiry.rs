//! Ends of tokens, in the calendar of the person who reads them.

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};

use crate::catalog::Lifetime;
use crate::connection::{Expiry, ExpirySource};
use crate::error::{Code, Error, Result};
use crate::host::Host;

/// Reads an end date that a person typed: the end of that day where they are.
///
/// # Errors
/// `DateInvalid`, `DatePast`, `DateBeyondMaximum` with the latest date that the service allows.
pub fn parse_date(text: &str, lifetime: &Lifetime, host: &Host) -> Result<Expiry> {
    let wrong = |code, message: String, hint: &str| Error::new(code, message).hint(hint).field("expires");
    // What was typed is not repeated: it may be a token in the wrong field.
    let invalid = || wrong(Code::DateInvalid, "This is no date.".to_owned(), "Write it like 2027-03-31.");
    let date: Date = (text.trim().len() == 10).then(|| text.trim().parse().ok()).flatten().ok_or_else(invalid)?;
    let today = host.now.to_zoned(host.zone.get()).date();
    if date < today {
        return Err(wrong(
            Code::DatePast,
            format!("{date} lies in the past."),
            "Give the day on which the token ends.",
        ));
    }
    // The service may be a day ahead of the user.
    let beyond = |latest: &Date| latest.tomorrow().is_ok_and(|slack| date > slack);
    if let Some(latest) = latest(lifetime, today).filter(beyond) {
        return Err(wrong(
            Code::DateBeyondMaximum,
            format!("The service allows tokens until {latest} at most."),
            "Look at the token's page for its end.",
        ));
    }
    let end = date.at(23, 59, 59, 0).to_zoned(host.zone.get());
    let at = end
        .map_err(|_| wrong(Code::DateInvalid, format!("{date} is too far away."), "Give an earlier date."))?
        .timestamp();
    Ok(Expiry { at, source: ExpirySource::Declared })
}

/// The suggested and the latest end date, as `YYYY-MM-DD`.
pub fn suggest_end(lifetime: &Lifetime, host: &Host) -> (Option<String>, Option<String>) {
    let today = host.now.to_zoned(host.zone.get()).date();
    let suggested = lifetime.suggested_days.and_then(|days| today.checked_add(Span::new().days(days)).ok());
    (suggested.map(|date| date.to_string()), latest(lifetime, today).map(|date| date.to_string()))
}

/// How many calendar days a token was for.
pub fn length(created: Timestamp, expiry: Expiry, host: &Host) -> i32 {
    days_left(expiry, &host.at(created))
}

/// The end, `YYYY-MM-DD`, of a token made today for as many days as one before it.
pub fn same_length(created: Timestamp, expiry: Expiry, host: &Host) -> Option<String> {
    let days = Some(length(created, expiry, host)).filter(|days| *days > 0)?;
    let today = host.now.to_zoned(host.zone.get()).date();
    today.checked_add(Span::new().days(days)).ok().map(|date| date.to_string())
}

/// A token made late in the day elsewhere may end a calendar day later here, so one day is given.
fn latest(lifetime: &Lifetime, today: Date) -> Option<Date> {
    let days = i64::from(lifetime.max_days?);
    // "A year" is the same date next year, also where a leap day lies between.
    let year = (days == 365).then(|| today.checked_add(1.years()).ok()).flatten();
    today.checked_add(days.days()).ok().max(year)
}

/// Whole calendar days left: 0 on the last day, negative afterwards.
pub fn days_left(expiry: Expiry, host: &Host) -> i32 {
    let day = |at: Timestamp| at.to_zoned(host.zone.get()).date();
    day(host.now).until(day(expiry.at)).map_or(0, |span| span.get_days())
}

/// The share of a token's life that is left, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "seconds of a token's life are far below 2^52")]
pub fn life_left(created: Timestamp, expiry: Expiry, now: Timestamp) -> f64 {
    let whole = (expiry.at.as_second() - created.as_second()).max(1) as f64;
    ((expiry.at.as_second() - now.as_second()) as f64 / whole).clamp(0.0, 1.0)
}
