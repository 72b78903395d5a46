use proptest::prelude::*;

use super::*;
use patchbay_core::quiet::{Asked, Kept, Last, Moment, Tries, due, is_rested, judge, note, unanswered};

const TICK: i64 = 15;
const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).expect("in range")
}

fn report(verdict: Verdict, now: Timestamp, retry_after: Option<u64>) -> patchbay_core::probe::Report {
    patchbay_core::probe::Report {
        verdict,
        layers: Vec::new(),
        at: now,
        millis: 1,
        server: None,
        protocol: None,
        tools: None,
        detail: None,
        missing_right: None,
        retry_after,
        status: None,
        explained: None,
    }
}

/// Connections at a computer whose clock the test moves.
struct Computer {
    asked: Vec<Asked>,
    moment: Moment,
    /// What was checked, and when.
    done: Vec<(i64, String)>,
    retry_after: Option<u64>,
}

impl Computer {
    /// All checked at the start, and found working.
    fn with(connections: usize) -> Self {
        let asked = (0..connections).map(|n| Asked {
            id: format!("c-{n}"),
            is_local: false,
            last: Some(Last { at: at(0), verdict: Verdict::Working }),
            tries: Tries::default(),
        });
        let moment = Moment { now: at(0), began: at(0), woke: None, network: None, online: true, every_hours: 6 };
        Self { asked: asked.collect(), moment, done: Vec::new(), retry_after: None }
    }

    /// Looks at the clock from one moment to another; every check finds what `found` says.
    fn run(&mut self, from: i64, to: i64, found: impl Fn(&str) -> Verdict) {
        for look in 0..(to - from) / TICK {
            let now = from + look * TICK;
            self.moment.now = at(now);
            for id in due(&self.asked, &self.moment, &BTreeSet::new()) {
                self.done.push((now, id.clone()));
                self.check(&id, found(&id));
            }
        }
    }

    fn check(&mut self, id: &str, found: Verdict) {
        let now = self.moment.now;
        let one = self.asked.iter_mut().find(|one| one.id == id).expect("known");
        let before = one.last.map(|last| last.verdict);
        let kept = judge(before, found, &one.tries, true);
        note(&mut one.tries, before, &report(found, now, self.retry_after), kept, now);
        if kept == Kept::Yes {
            one.last = Some(Last { at: now, verdict: found });
        }
    }

    fn times(&self, id: &str) -> Vec<i64> {
        self.done.iter().filter(|(_, one)| one == id).map(|(at, _)| *at).collect()
    }
}

fn working(_: &str) -> Verdict {
    Verdict::Working
}

#[test]
fn a_connection_that_works_is_checked_every_interval_give_or_take_a_tenth() {
    let mut computer = Computer::with(5);
    computer.run(0, 10 * 24 * HOUR, working);
    for n in 0..5 {
        let times = computer.times(&format!("c-{n}"));
        assert!((36..=45).contains(&times.len()), "{}", times.len());
        let between: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let tenth = HOUR * 6 / 10;
        assert!(between.iter().all(|gap| (6 * HOUR - tenth..=6 * HOUR + tenth + TICK).contains(gap)), "{between:?}");
        assert!(between.iter().collect::<BTreeSet<_>>().len() > 10, "not like clockwork: {between:?}");
    }
}

#[test]
fn after_a_long_sleep_the_checks_are_spread_and_each_connection_is_checked_once() {
    let mut computer = Computer::with(30);
    let morning = 14 * HOUR;
    computer.moment.woke = Some(at(morning));
    computer.run(morning, morning + 600, working);
    assert_eq!(computer.done.len(), 30);
    assert!(computer.done.iter().all(|(now, _)| *now >= morning + 20), "the network comes up first");
    let mut by_look = BTreeMap::<i64, usize>::new();
    computer.done.iter().for_each(|(now, _)| *by_look.entry(*now).or_default() += 1);
    assert!(by_look.values().all(|count| *count <= 3), "{by_look:?}");
}

#[test]
fn a_program_that_starts_checks_what_is_overdue_and_nothing_else() {
    let mut computer = Computer::with(2);
    let start = 7 * HOUR;
    computer.asked[0].last = Some(Last { at: at(start - HOUR), verdict: Verdict::Working });
    computer.moment.began = at(start);
    computer.run(start, start + 600, working);
    assert_eq!(computer.done.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["c-1"]);
    assert!(computer.done[0].0 >= start + 20);
}

#[test]
fn a_network_that_changes_again_and_again_brings_no_more_than_one_check_in_five_minutes() {
    let mut computer = Computer::with(3);
    for minute in 0..120_i64 {
        let now = HOUR + minute * 150;
        computer.moment.network = Some(at(now));
        computer.run(now, now + 150, working);
    }
    for n in 0..3 {
        let times = computer.times(&format!("c-{n}"));
        assert!(!times.is_empty());
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 300), "{times:?}");
    }
}

#[test]
fn a_service_that_asks_for_patience_gets_it_also_after_a_change_of_network() {
    let mut computer = Computer::with(1);
    computer.retry_after = Some(5 * 3600);
    computer.run(5 * HOUR, 8 * HOUR, |_| Verdict::ServiceError);
    let first = computer.times("c-0")[0];
    computer.moment.network = Some(at(first + 3600));
    computer.run(first + 3600, first + 12 * HOUR, working);
    assert!(computer.times("c-0")[1] >= first + 5 * HOUR, "{:?}", computer.done);
    let mut computer = Computer::with(1);
    computer.retry_after = Some(u64::MAX);
    computer.run(5 * HOUR, 40 * HOUR, |_| Verdict::ServiceError);
    assert_eq!(computer.done.len(), 2, "and a day at most: {:?}", computer.done);
}

#[test]
fn a_service_that_fails_is_made_sure_of_soon_and_then_asked_less_and_less() {
    let mut computer = Computer::with(1);
    computer.run(5 * HOUR, 100 * HOUR, |_| Verdict::Unreachable);
    let times = computer.times("c-0");
    let between: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]) / 60).collect();
    assert!((2..=4).contains(&between[0]) && (13..=17).contains(&between[1]), "{between:?}");
    assert!((53..=67).contains(&between[2]), "{between:?}");
    assert!(between[3..].iter().all(|minutes| *minutes >= 320), "{between:?}");
    assert!(times.len() < 12, "{between:?}");

    let mut computer = Computer::with(1);
    computer.run(5 * HOUR, 100 * HOUR, |_| Verdict::TokenRefused);
    let times = computer.times("c-0");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 5 * HOUR) && times.len() < 9, "{times:?}");
}

#[test]
fn a_clock_that_is_set_back_a_year_stops_nothing_and_starts_no_burst() {
    let mut computer = Computer::with(8);
    let year = -365 * 24 * HOUR;
    for one in &mut computer.asked {
        one.tries = Tries { at: Some(at(0)), not_before: Some(at(HOUR)), ..Tries::default() };
    }
    computer.moment.woke = Some(at(-60));
    computer.run(year, year + 24 * HOUR, working);
    for n in 0..8 {
        assert!((3..=6).contains(&computer.times(&format!("c-{n}")).len()), "{:?}", computer.done);
    }
}

#[test]
fn without_a_network_only_what_is_on_this_computer_is_checked() {
    let mut computer = Computer::with(2);
    computer.asked[1].is_local = true;
    computer.moment.online = false;
    computer.run(0, 8 * HOUR, working);
    assert_eq!(computer.done.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["c-1"]);
}

#[test]
fn what_is_being_checked_is_not_checked_twice_and_holds_up_nothing_else() {
    let mut computer = Computer::with(2);
    computer.moment.now = at(8 * HOUR);
    let busy = BTreeSet::from(["c-0".to_owned()]);
    assert_eq!(due(&computer.asked, &computer.moment, &busy), ["c-1"]);
}

#[test]
fn nothing_turns_red_while_no_service_answers_at_all() {
    let now = at(0);
    let failed =
        |failures, minutes: i64| Tries { at: Some(at(-60 * minutes)), failures, unreached: true, ..Tries::default() };
    let fine = Tries { at: Some(at(-600)), ..Tries::default() };
    let (one, two) = (failed(1, 3), failed(1, 5));
    assert!(unanswered([("a", &one, None), ("b", &two, None)], now));
    assert!(!unanswered([("a", &one, None), ("a", &two, None)], now), "two connections to one host");
    assert!(!unanswered([("a", &one, None), ("b", &fine, None)], now), "another one answers");
    assert!(!unanswered([("a", &one, None), ("b", &two, Some(at(-60)))], now), "somebody reached it since");
    assert!(!unanswered([("a", &one, None), ("b", &failed(1, 300), None)], now), "that was long ago");

    let unreachable = |tries: &Tries, alone| judge(Some(Verdict::Working), Verdict::Unreachable, tries, alone);
    assert_eq!(unreachable(&Tries::default(), true), Kept::NotYet, "the first never counts");
    assert_eq!(unreachable(&failed(1, 3), true), Kept::Yes);
    assert_eq!(unreachable(&failed(1, 3), false), Kept::NotYet);
    assert_eq!(unreachable(&failed(3, 3), false), Kept::Yes, "not for ever");
    assert_eq!(judge(Some(Verdict::Working), Verdict::TokenRefused, &Tries::default(), false), Kept::Yes);
}

proptest! {
    #[test]
    fn however_clock_and_network_jump_no_connection_is_checked_twice_within_its_rest(
        steps in prop::collection::vec((-100_000_i64..100_000, 0_u8..4, any::<bool>()), 1..25),
    ) {
        let mut computer = Computer::with(4);
        let mut now = 0;
        for (jump, event, fails) in steps {
            now += if event == 3 { jump } else { jump.abs() / 10 };
            match event {
                1 => computer.moment.woke = Some(at(now)),
                2 => computer.moment.network = Some(at(now)),
                _ => {}
            }
            let before = computer.done.len();
            computer.run(now, now + 900, |_| if fails { Verdict::Unreachable } else { Verdict::Working });
            now += 900;
            for n in 0..4 {
                let id = format!("c-{n}");
                let times: Vec<_> = computer.done[before..].iter().filter(|(_, one)| *one == id).map(|(at, _)| *at).collect();
                prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 160), "{times:?}");
                prop_assert!(times.len() <= 3, "{times:?}");
            }
        }
    }
}

#[test]
fn out_of_its_turn_nobody_is_asked_who_was_just_asked_or_said_to_wait() {
    let mut one = Computer::with(1).asked.remove(0);
    let rested = |one: &Asked, moments: [i64; 2]| moments.map(|moment| is_rested(one, at(moment)));
    assert_eq!(rested(&one, [299, 300]), [false, true], "after a check that somebody made");
    one.tries.at = Some(at(1000));
    assert_eq!(rested(&one, [1299, 1300]), [false, true], "after one that was made by itself");
    one.tries.not_before = Some(at(5000));
    assert_eq!(rested(&one, [4999, 5000]), [false, true], "as the service has said");
}
