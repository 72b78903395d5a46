use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use patchbay_core::api::message::Request;
use patchbay_core::api::view::{Group, Status};
use patchbay_core::api::{Notice, Patchbay};
use patchbay_core::probe::Verdict;
use patchbay_core::quiet::{Heard, Network, Sensed, Senses, on_battery, supplies_say_battery};
use patchbay_core::quiet::{pmset_says_battery, windows_says_battery};

use crate::api::{World, open, world};

/// The rules over days, one look at the clock after the other.
#[path = "quiet/days.rs"]
mod days;

/// What the system tells by itself, on a bus of its own.
#[cfg(target_os = "linux")]
#[path = "quiet/bus.rs"]
mod bus;

const HOUR: i64 = 3600;

/// A clock that a test sets, in seconds.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).expect("in range")
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// A connection to the practice service in all apps, checked and found working, at a clock of its own.
struct Desk {
    world: World,
    patchbay: Patchbay,
    clock: Clock,
    began: Timestamp,
}

impl Desk {
    async fn new() -> Self {
        let world = world().await;
        world.connected().await;
        assert_eq!(world.verdict().await, Verdict::Working);
        let clock = Clock(Arc::new(AtomicI64::new(Timestamp::now().as_second() + 1)));
        let of = clock.clone();
        let patchbay = open(&world.home, &world.keychain, move || of.now());
        let began = clock.now();
        Self { world, patchbay, clock, began }
    }

    fn sensed(&self) -> Sensed {
        Sensed { began: self.began, woke: false, changed: false, online: true }
    }

    fn due(&self, sensed: Sensed) -> Vec<String> {
        self.patchbay.due_checks(&sensed, || false).expect("the state reads")
    }

    async fn check(&self) {
        self.patchbay.check_quietly("my-notes").await.expect("checked");
    }

    fn status(&self) -> Status {
        self.patchbay.snapshot().expect("a snapshot").connections[0].status
    }

    fn notices(&self) -> Vec<Notice> {
        self.patchbay.notices().expect("the state reads")
    }

    async fn set(&self, change: impl FnOnce(&mut patchbay_core::api::view::Settings)) {
        let mut settings = self.patchbay.state().expect("a state").settings;
        change(&mut settings);
        self.patchbay.call(Request::SetSettings { settings }, None).await.expect("set");
    }
}

#[tokio::test]
async fn a_green_that_is_too_old_is_shown_as_old_and_is_green_again_after_a_check() {
    let desk = Desk::new().await;
    assert_eq!(desk.status(), Status::Working);
    desk.clock.pass(24 * HOUR + 60);
    let old = desk.patchbay.snapshot().expect("a snapshot").connections.remove(0);
    assert_eq!((old.status, old.group, old.check_is_old), (Status::WorkedBefore, Group::Working, true));
    assert_eq!(desk.due(desk.sensed()), ["my-notes"]);
    desk.check().await;
    assert_eq!(desk.status(), Status::Working);
    assert!(desk.due(desk.sensed()).is_empty(), "it was just checked");
}

#[tokio::test]
async fn after_a_wake_up_a_green_is_old_until_it_was_checked_again() {
    let desk = Desk::new().await;
    desk.clock.pass(600);
    assert!(desk.due(Sensed { woke: true, ..desk.sensed() }).is_empty(), "the network comes up first");
    assert_eq!(desk.status(), Status::WorkedBefore);
    desk.clock.pass(150);
    assert_eq!(desk.due(desk.sensed()), ["my-notes"]);
    desk.check().await;
    assert_eq!(desk.status(), Status::Working);
}

#[tokio::test]
async fn nothing_is_checked_on_battery_unless_the_user_says_so_and_never_where_they_say_never() {
    let desk = Desk::new().await;
    desk.clock.pass(7 * HOUR);
    let due = |battery| desk.patchbay.due_checks(&desk.sensed(), || battery).expect("the state reads");
    assert!(due(true).is_empty());
    assert_eq!(due(false), ["my-notes"]);
    desk.set(|settings| settings.check_on_battery = true).await;
    assert_eq!(due(true), ["my-notes"]);
    desk.set(|settings| settings.check_every_hours = 0).await;
    assert!(due(false).is_empty());
    assert!(desk.patchbay.due_checks(&desk.sensed(), || panic!("nobody asks")).expect("reads").is_empty());
}

#[tokio::test]
async fn only_the_offered_intervals_are_taken() {
    let desk = Desk::new().await;
    let mut settings = desk.patchbay.state().expect("a state").settings;
    settings.check_every_hours = 5;
    let error = desk.patchbay.call(Request::SetSettings { settings }, None).await.expect_err("refused");
    assert_eq!(error.field.as_deref(), Some("check_every_hours"));
}

#[tokio::test]
async fn the_first_failure_on_the_way_changes_nothing_and_the_second_is_told_once() {
    let desk = Desk::new().await;
    let Desk { world, patchbay, clock, began } = desk;
    let World { home, keychain, practice, patchbay: other } = world;
    practice.shutdown().await;
    let told = |patchbay: &Patchbay| patchbay.notices().expect("reads");
    clock.pass(7 * HOUR);
    patchbay.check_quietly("my-notes").await.expect("checked");
    let seen = patchbay.snapshot().expect("a snapshot").connections.remove(0);
    assert_eq!((seen.status, told(&patchbay)), (Status::Working, Vec::new()), "one failure may pass");

    clock.pass(240);
    let sensed = Sensed { began, woke: false, changed: false, online: true };
    assert_eq!(patchbay.due_checks(&sensed, || false).expect("reads"), ["my-notes"], "it is made sure of soon");
    patchbay.check_quietly("my-notes").await.expect("checked");
    assert_eq!(patchbay.snapshot().expect("a snapshot").connections[0].status, Status::Unreachable);
    let notices = told(&patchbay);
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].verdict, Verdict::Unreachable);
    patchbay.noticed(&notices[0]).expect("noted");
    for _ in 0..3 {
        clock.pass(2 * HOUR);
        patchbay.check_quietly("my-notes").await.expect("checked");
        assert!(told(&patchbay).is_empty(), "nobody is told the same twice");
    }
    drop((home, keychain, other));
}

#[tokio::test]
async fn a_refused_token_is_red_at_once_and_mending_it_makes_room_for_another_notice_a_day_later() {
    let desk = Desk::new().await;
    let tokens = desk.patchbay.state().expect("a state").connections[0].credentials.clone();
    let key = tokens[0].key();
    let good = desk.world.stored(&key).expect("stored");
    desk.world.put(&key, "pat_wrong");
    desk.check().await;
    assert_eq!(desk.status(), Status::TokenRefused);
    let notice = desk.notices().remove(0);
    assert_eq!(notice.verdict, Verdict::TokenRefused);
    desk.patchbay.noticed(&notice).expect("noted");
    for (seconds, expected) in [(HOUR, 0), (26 * HOUR, 1)] {
        desk.world.put(&key, &good);
        desk.clock.pass(seconds);
        desk.check().await;
        assert_eq!(desk.status(), Status::Working);
        desk.world.put(&key, "pat_wrong");
        desk.check().await;
        assert_eq!(desk.notices().len(), expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_vault_that_is_locked_is_passed_over_in_silence() {
    let desk = Desk::new().await;
    let passphrase = patchbay_core::secret::Secret::new("a long enough passphrase");
    desk.patchbay.call(Request::VaultCreate, Some(passphrase)).await.expect("made");
    desk.patchbay.call(Request::VaultLock, None).await.expect("locked");
    desk.clock.pass(7 * HOUR);
    let before = desk.patchbay.state().expect("a state").checks;
    assert_eq!(desk.due(desk.sensed()), ["my-notes"]);
    desk.check().await;
    assert_eq!(desk.patchbay.state().expect("a state").checks, before, "nothing is kept of it");
    assert!(desk.due(desk.sensed()).is_empty(), "and it is not tried at every look");
    assert!(desk.notices().is_empty());
}

#[tokio::test]
async fn an_offline_computer_is_said_once_and_makes_nothing_red() {
    let desk = Desk::new().await;
    let id = "my-notes".to_owned();
    desk.clock.pass(7 * HOUR);
    // As if it were not on this computer.
    let state = desk.patchbay.data_dir().join("state.json");
    let text = std::fs::read_to_string(&state).expect("a state");
    let practice = desk.world.practice.mcp_url();
    std::fs::write(&state, text.replace(&practice, "https://service.example/mcp")).expect("written");
    assert_eq!(desk.due(desk.sensed()), [id]);
    assert!(desk.due(Sensed { online: false, ..desk.sensed() }).is_empty());
    let snapshot = desk.patchbay.snapshot().expect("a snapshot");
    assert!(snapshot.offline && snapshot.connections[0].status == Status::Working);
    let written = std::fs::metadata(&state).expect("there").modified().expect("a time");
    desk.due(Sensed { online: false, ..desk.sensed() });
    assert_eq!(std::fs::metadata(&state).expect("there").modified().expect("a time"), written, "it is noted once");
    desk.due(Sensed { changed: true, ..desk.sensed() });
    assert!(!desk.patchbay.snapshot().expect("a snapshot").offline);
}

#[tokio::test]
async fn a_connection_that_no_app_uses_or_whose_token_has_ended_is_left_alone() {
    let desk = Desk::new().await;
    desk.clock.pass(7 * HOUR);
    assert_eq!(desk.due(desk.sensed()).len(), 1);
    let request = Request::SetExpiry {
        id: "my-notes".into(),
        token: desk.patchbay.state().expect("a state").connections[0].credentials[0].id.clone(),
        expires: Some(
            desk.clock.now().checked_add(SignedDuration::from_hours(48)).expect("in range").to_string()[..10].into(),
        ),
    };
    desk.patchbay.call(request, None).await.expect("set");
    desk.clock.pass(5 * 24 * HOUR);
    assert!(desk.due(desk.sensed()).is_empty(), "its end was told already");
    desk.clock.pass(-5 * 24 * HOUR);
    let request = Request::Place { id: "my-notes".into(), places: Vec::new(), expected: None };
    desk.patchbay.call(request, None).await.expect("taken out");
    assert!(desk.due(desk.sensed()).is_empty());
}

#[test]
fn sleep_and_another_network_are_seen_from_one_look_to_the_next() {
    let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).expect("in range");
    let network = |last| Network::of(Some([192, 168, 1, last].into()), None);
    let heard = Arc::new(Heard::default());
    let mut senses = Senses::new(at(0), Duration::from_secs(15), heard.clone());
    let mut look = |seconds, network| {
        let Sensed { woke, changed, online, .. } = senses.look(at(seconds), network);
        (woke, changed, online)
    };
    assert_eq!(look(0, network(5)), (false, false, true), "the first look finds nothing changed");
    assert_eq!(look(15, network(5)), (false, false, true));
    assert_eq!(look(55, network(5)), (false, false, true), "a busy computer is late");
    assert_eq!(look(3600, network(5)), (true, false, true), "it slept");
    assert_eq!(look(3615, network(6)), (false, true, true), "another network");
    assert_eq!(look(3630, None), (false, false, false), "none is no other one");
    assert_eq!(look(3645, network(6)), (false, true, true), "it came back");
    assert_eq!(look(3000, network(6)), (false, false, true), "the clock was set back");
    heard.woke.store(true, Ordering::Relaxed);
    heard.network.store(true, Ordering::Relaxed);
    assert_eq!(look(3015, network(6)), (true, true, true), "the system told so");
    assert_eq!(look(3030, network(6)), (false, false, true), "once");
}

#[test]
fn an_address_that_changes_for_privacy_is_the_same_network() {
    let v6 = |text: &str| Network::of(None, Some(text.parse().expect("an address")));
    assert_eq!(v6("2001:db8:1:2:aaaa::1"), v6("2001:db8:1:2:bbbb::9"));
    assert_ne!(v6("2001:db8:1:2:aaaa::1"), v6("2001:db8:1:3:aaaa::1"));
    assert_eq!(Network::of(None, None), None);
}

#[test]
fn a_battery_counts_where_it_is_the_computers_own_and_nothing_is_plugged_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let supply = |name: &str, facts: &[(&str, &str)]| {
        std::fs::create_dir_all(folder.path().join(name)).expect("a folder");
        for (fact, value) in facts {
            std::fs::write(folder.path().join(name).join(fact), format!("{value}\n")).expect("written");
        }
    };
    let says = || supplies_say_battery(folder.path());
    assert!(!says(), "a computer without any");
    supply("hid-mouse", &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")]);
    assert!(!says(), "a mouse's battery");
    supply("BAT0", &[("type", "Battery"), ("status", "Discharging")]);
    assert!(says());
    supply("AC", &[("type", "Mains"), ("online", "1")]);
    assert!(!says(), "plugged in, and the battery is calibrated");
    supply("AC", &[("online", "0")]);
    assert!(says());
    supply("BAT0", &[("status", "Not charging")]);
    assert!(!says());
    // Of this computer nothing is known but that asking it does not fail.
    on_battery();
}

#[test]
fn what_macos_and_windows_say_about_batteries_is_understood() {
    assert!(pmset_says_battery("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t87%; discharging\n"));
    assert!(!pmset_says_battery("Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t87%; charging\n"));
    assert!(!pmset_says_battery(""));
    assert!(windows_says_battery("1\r\n") && windows_says_battery("1\r\n4\r\n"));
    assert!(!windows_says_battery("2\r\n") && !windows_says_battery("1\r\n2\r\n") && !windows_says_battery(""));
}
