use std::cmp::Reverse;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use patchbay_core::catalog::{self, Lifetime};
use patchbay_core::connection::{Expiry, ExpirySource};
use patchbay_core::host::Zone;
use patchbay_core::secret::Secret;
use patchbay_core::token::reminder::{ShownReminders, Stage, acknowledge, is_shown, is_snoozed, snooze, stage};
use patchbay_core::token::{clean, days_left, life_left, look, parse_date, suggest_end};
use patchbay_core::{Code, Host, Platform};
use proptest::prelude::*;
use rstest::rstest;

const ZONES: [&str; 4] = ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata"];

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn host(now: &str, zone: &str) -> Host {
    let zone = Zone::Known(TimeZone::get(zone).expect("a zone"));
    Host { zone, ..Host::bare(Platform::Linux, "/home/u", at(now)) }
}

fn declared(at: Timestamp) -> Expiry {
    Expiry { at, source: ExpirySource::Declared }
}

fn year() -> Lifetime {
    Lifetime { required: true, min_days: Some(30), max_days: Some(365), suggested_days: Some(90) }
}

/// At noon UTC on the 15th it is the 16th in Auckland and still the 15th elsewhere.
#[rstest]
#[case("UTC", "2027-03-31", Ok("2027-03-31T23:59:59Z"))]
#[case("Pacific/Auckland", "2027-03-31", Ok("2027-03-31T10:59:59Z"))]
#[case("America/Los_Angeles", "2027-03-31", Ok("2027-04-01T06:59:59Z"))]
#[case::today("UTC", "2027-01-15", Ok("2027-01-15T23:59:59Z"))]
#[case::spaces("UTC", "  2027-01-15\n", Ok("2027-01-15T23:59:59Z"))]
#[case::today_there("Pacific/Auckland", "2027-01-16", Ok("2027-01-16T10:59:59Z"))]
#[case::yesterday_there("Pacific/Auckland", "2027-01-15", Err(Code::DatePast))]
#[case::past("UTC", "2027-01-14", Err(Code::DatePast))]
#[case::below_the_minimum_is_the_services_business("UTC", "2027-01-20", Ok("2027-01-20T23:59:59Z"))]
#[case::last_day("UTC", "2028-01-16", Ok("2028-01-16T23:59:59Z"))]
#[case::beyond("UTC", "2028-01-17", Err(Code::DateBeyondMaximum))]
#[case::no_such_day("UTC", "2027-02-29", Err(Code::DateInvalid))]
#[case::other_order("UTC", "31.03.2027", Err(Code::DateInvalid))]
#[case::slashes("UTC", "2027/03/31", Err(Code::DateInvalid))]
#[case::with_time("UTC", "2027-03-31T10:00", Err(Code::DateInvalid))]
#[case::compact("UTC", "20270331T1", Err(Code::DateInvalid))]
#[case::words("UTC", "next March!", Err(Code::DateInvalid))]
#[case::wide("UTC", "２０２７", Err(Code::DateInvalid))]
#[case::nothing("UTC", "", Err(Code::DateInvalid))]
fn end_dates(#[case] zone: &str, #[case] text: &str, #[case] wanted: Result<&str, Code>) {
    let found = parse_date(text, &year(), &host("2027-01-15T12:00:00Z", zone));
    assert_eq!(found.as_ref().map(|expiry| expiry.at).map_err(|error| error.code), wanted.map(at));
    match found {
        Ok(expiry) => assert_eq!(expiry.source, ExpirySource::Declared),
        Err(error) => assert!(error.field.as_deref() == Some("expires") && error.hint.is_some(), "{error:?}"),
    }
}

#[test]
fn the_refusal_names_the_last_day_and_the_far_future_is_no_crash() {
    let host = host("2027-01-15T12:00:00Z", "America/Los_Angeles");
    let error = parse_date("2030-01-01", &year(), &host).expect_err("too late");
    let (suggested, latest) = suggest_end(&year(), &host);
    assert!(error.message.contains(&latest.expect("a last day")), "{}", error.message);
    assert_eq!(suggested.as_deref(), Some("2027-04-15"));
    assert!(parse_date("9999-12-31", &Lifetime::default(), &host).is_err());
    let pasted = parse_date("pbp_012345678", &year(), &host).expect_err("no date");
    assert!(!format!("{pasted:?}").contains("pbp_"), "a token in the wrong field is not repeated");
}

#[rstest]
#[case::same_day("2027-03-31T01:00:00Z", "UTC", "2027-03-31T23:59:59Z", 0)]
#[case::next_minute_is_tomorrow("2027-03-30T23:59:00Z", "UTC", "2027-03-31T00:00:00Z", 1)]
#[case::ended("2027-04-02T00:00:00Z", "UTC", "2027-03-31T23:59:59Z", -2)]
#[case::long("2027-01-01T12:00:00Z", "UTC", "2027-12-31T12:00:00Z", 364)]
#[case::over_the_hour_that_is_lost("2027-03-13T20:00:00Z", "America/Los_Angeles", "2027-03-15T06:59:59Z", 1)]
#[case::where_it_is_tomorrow_already("2027-03-30T12:00:00Z", "Pacific/Auckland", "2027-03-31T10:59:59Z", 0)]
fn days_are_the_calendars(#[case] now: &str, #[case] zone: &str, #[case] end: &str, #[case] days: i32) {
    assert_eq!(days_left(declared(at(end)), &host(now, zone)), days);
}

#[test]
fn the_share_of_life_left_stays_between_none_and_all() {
    let (from, end) = (at("2027-01-01T00:00:00Z"), declared(at("2027-01-11T00:00:00Z")));
    let left = |now: &str| life_left(from, end, at(now));
    assert!((left("2027-01-06T00:00:00Z") - 0.5).abs() < 1e-9);
    assert!((left("2020-01-01T00:00:00Z") - 1.0).abs() < 1e-9, "the clock was put back");
    assert!(left("2028-01-01T00:00:00Z").abs() < 1e-9);
    assert!(life_left(end.at, declared(from), end.at).is_finite(), "an end before the beginning");
}

const LAST_DAY: Stage = Stage::Days(Reverse(1));
const FORTNIGHT: Stage = Stage::Days(Reverse(14));

/// A token for a day and a bit hears of its last day; one for some minutes only of its end.
#[rstest]
#[case::five_minutes("2027-01-01T23:58:00Z", "2027-01-02T00:03:00Z", "2027-01-02T00:02:00Z", None)]
#[case::five_minutes_over("2027-01-01T23:58:00Z", "2027-01-02T00:03:00Z", "2027-01-02T00:03:00Z", Some(Stage::Ended))]
#[case::two_days("2027-01-01T12:00:00Z", "2027-01-03T12:00:00Z", "2027-01-02T00:00:00Z", Some(LAST_DAY))]
#[case::just_made("2027-01-01T12:00:00Z", "2027-01-31T12:00:00Z", "2027-01-01T12:00:00Z", None)]
#[case::a_month_skips_thirty("2027-01-01T12:00:00Z", "2027-01-31T12:00:00Z", "2027-01-16T12:00:00Z", None)]
#[case::a_month_has_fourteen("2027-01-01T12:00:00Z", "2027-01-31T12:00:00Z", "2027-01-17T00:00:00Z", Some(FORTNIGHT))]
#[case::slept_over_three("2027-01-01T12:00:00Z", "2027-06-01T12:00:00Z", "2027-05-31T12:00:00Z", Some(LAST_DAY))]
fn stages(#[case] made: &str, #[case] end: &str, #[case] now: &str, #[case] wanted: Option<Stage>) {
    assert_eq!(stage(at(made), declared(at(end)), &[30, 14, 7, 1], &host(now, "UTC")), wanted);
}

/// What the window promises: "You will be reminded in 3 days".
#[test]
fn a_snoozed_reminder_comes_back() {
    let (made, end) = (at("2027-01-01T12:00:00Z"), declared(at("2027-06-01T12:00:00Z")));
    let mut shown = ShownReminders::default();
    let tell = |now: &str, shown: &mut ShownReminders| {
        let stage = stage(made, end, &[14], &host(now, "UTC")).expect("it is near its end");
        let told = !is_snoozed(Some(shown), stage, at(now)) && !is_shown(Some(shown), end, stage);
        if told {
            acknowledge(shown, end, stage);
        }
        told
    };
    assert!(tell("2027-05-20T12:00:00Z", &mut shown));
    assert!(!tell("2027-05-20T13:00:00Z", &mut shown), "told already");
    snooze(&mut shown, 3, at("2027-05-20T13:00:00Z"));
    assert!(!tell("2027-05-22T12:00:00Z", &mut shown), "still silent");
    assert!(tell("2027-05-23T13:00:00Z", &mut shown), "the silence is over");
    assert!(!tell("2027-05-24T13:00:00Z", &mut shown), "and told once");
}

#[rstest]
#[case::practice("practice", "pbp_abc", &[Code::TokenShape], &[])]
#[case::sure_shape("practice", "pbp_0123456789abcdefghij-_", &[], &[])]
#[case::uipath_unsure("uipath", "0123456789abcdefghij", &[], &[Code::TokenShape])]
#[case::uipath("uipath", "rt_0123456789abcdefghij", &[], &[])]
#[case::xurrent("xurrent", "0123456789abcdef", &[], &[])]
#[case::control("xurrent", "0123456789\u{7}abcdef", &[Code::TokenControlCharacters], &[])]
#[case::custom("custom", "x", &[], &[])]
#[case::longest("custom", &"x".repeat(16 * 1024), &[], &[])]
#[case::too_long("custom", &"x".repeat(16 * 1024 + 1), &[Code::TokenTooLong], &[])]
fn looks(#[case] id: &str, #[case] token: &str, #[case] errors: &[Code], #[case] warnings: &[Code]) {
    let look = look(catalog::find(id).expect("a service"), &Secret::new(token));
    assert_eq!(look.errors.iter().map(|error| error.code).collect::<Vec<_>>(), errors);
    assert_eq!(look.warnings.iter().map(|error| error.code).collect::<Vec<_>>(), warnings);
    assert!(look.errors.iter().chain(&look.warnings).all(|error| error.field.as_deref() == Some("token")));
}

#[rstest]
#[case::not_base64("eyJ.e!!.x", None)]
#[case::not_json("eyJhbGciOiJub25lIn0.bm90IGpzb24.x", None)]
#[case::no_end("eyJhbGciOiJub25lIn0.e30.x", None)]
#[case::end_as_text("eyJhbGciOiJub25lIn0.eyJleHAiOiJzb29uIn0.x", None)]
#[case::end("eyJhbGciOiJub25lIn0.eyJleHAiOjE5MDAwMDAwMDB9.x", Some("2030-03-17T17:46:40Z"))]
fn a_web_token_tells_its_end(#[case] token: &str, #[case] end: Option<&str>) {
    assert_eq!(look(catalog::find("custom").expect("a service"), &Secret::new(token)).expires, end.map(at));
}

proptest! {
    /// However a token is wrapped when it is copied, it comes out as it was.
    #[test]
    fn wrapping_comes_off(
        token in "[A-Za-z0-9][A-Za-z0-9_.=-]{6,40}[A-Za-z0-9]",
        scheme in prop::sample::select(vec!["", "Bearer ", "bearer\t", "Authorization: Bearer ", "AUTHORIZATION:bearer "]),
        quotes in prop::sample::select(vec![("", ""), ("\"", "\""), ("“", "”"), ("'", "',"), ("‘", "’")]),
        outer in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        within in prop::sample::select(vec!["", "\u{200b}", "\u{feff}", "\u{2060}"]),
    ) {
        let mut broken = token.clone();
        broken.insert_str(cut.index(token.len()), within);
        let (open, close) = quotes;
        let all = format!(" {open}{scheme}{broken}{close}\n");
        let value = format!("{scheme}{open}{broken}{close} ");
        let wrapped = if outer { all } else { value };
        let cleaned = clean(&wrapped);
        prop_assert_eq!(cleaned.secret.expose(), token.as_str());
        prop_assert_eq!(clean(&token).changes, vec![]);
    }

    /// No message repeats what was pasted.
    #[test]
    fn no_message_holds_the_token(token in "\\PC{8,60}", provider in 0..5_usize) {
        let provider = &catalog::all()[provider];
        let said = format!("{:?} {:?}", look(provider, &Secret::new(token.clone())), clean(&token));
        prop_assert!(!said.contains(&token), "{}", said);
    }

    /// Random lives, thresholds, zones and clocks: ticks, sleeps, jumps back, a restart at every step.
    #[test]
    fn each_reminder_comes_at_most_once_and_the_end_exactly_once(
        life in 60_i64..400 * 86_400,
        days in prop::collection::vec(1_u16..60, 0..6),
        zone in prop::sample::select(ZONES.to_vec()),
        steps in prop::collection::vec(prop_oneof![1_i64..7_200, 1_i64..40 * 86_400, -20 * 86_400_i64..0], 1..80),
    ) {
        let made = at("2027-01-01T09:30:00Z");
        let after = |seconds: i64| made.checked_add(SignedDuration::from_secs(seconds)).expect("in range");
        let (end, base) = (declared(after(life)), host("2027-01-01T09:30:00Z", zone));
        let ahead: Vec<_> = days.iter().copied().filter(|days| days_left(end, &base) > i32::from(*days)).collect();
        let mut stored = serde_json::to_string(&ShownReminders::default()).expect("it writes");
        let (mut told, mut clock) = (Vec::new(), 0_i64);
        for step in steps.into_iter().chain([800 * 86_400, 60]) {
            clock = (clock + step).max(0);
            let now = base.at(after(clock));
            let mut shown: ShownReminders = serde_json::from_str(&stored).expect("it reads");
            let reached = ahead.iter().copied().filter(|days| days_left(end, &now) <= i32::from(*days)).min();
            let wanted = if now.now >= end.at { Some(Stage::Ended) } else { reached.map(|n| Stage::Days(Reverse(n))) };
            prop_assert_eq!(stage(made, end, &days, &now), wanted, "the most urgent of those that lay ahead");
            let Some(stage) = wanted.filter(|stage| !is_shown(Some(&shown), end, *stage)) else { continue };
            told.push(stage);
            acknowledge(&mut shown, end, stage);
            stored = serde_json::to_string(&shown).expect("it writes");
        }
        prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "in rising urgency, none twice: {told:?}");
        prop_assert_eq!(told.last(), Some(&Stage::Ended));
        let shown: ShownReminders = serde_json::from_str(&stored).expect("it reads");
        prop_assert!(!is_shown(Some(&shown), declared(after(life + 1)), FORTNIGHT), "a new end starts anew");
    }
}
