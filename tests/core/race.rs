//! Another program rewrites the same file over and over, in place or by renaming, while Patchbay adds and removes its
//! entry: what either of them has brought to the disk stays. The ordinary run has a part of the 1,000 rounds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use patchbay_core::Code;
use patchbay_core::api::view::ActivityKind;
use patchbay_core::change::history::{Effect, History, Intent};
use patchbay_core::change::{apply, plan};
use patchbay_core::client;
use patchbay_core::file::MkdirLock;
use patchbay_test_support::Home;
use rstest::rstest;
use serde_json::{Value, json};

fn rounds() -> usize {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 1000 } else { 150 }
}

/// How the other program writes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Empties the file, then fills it.
    InPlace,
    /// Writes a new file and renames it over the old one.
    Rename,
}

/// The other program: each of its rounds puts an entry of its own in, or takes it out, and looks whether what it did
/// before is still there.
struct Other {
    path: PathBuf,
    way: Way,
    /// The lock that it takes, if it does.
    lock: Option<PathBuf>,
    round: usize,
}

impl Other {
    /// One round; what is there, by its own reading, that should not be, or the other way round.
    fn again(&mut self) -> Option<String> {
        let _held = self.lock.as_ref().map(|lock| MkdirLock::take(lock, false).expect("it is its turn"));
        let text = std::fs::read_to_string(&self.path).expect("the file is there");
        let mut value: Value = serde_json::from_str(&text).expect("whole, at every moment");
        let wrong = self.wrong(&value);
        self.round += 1;
        value["count"] = json!(self.round);
        let servers = value["mcpServers"].as_object_mut().expect("a table");
        if self.round % 2 == 1 {
            servers.insert("theirs".to_owned(), json!({ "command": "x", "args": [self.round.to_string()] }));
        } else {
            servers.remove("theirs");
        }
        self.write(&serde_json::to_vec_pretty(&value).expect("JSON"));
        wrong
    }

    fn wrong(&self, value: &Value) -> Option<String> {
        let stands = value["mcpServers"]["theirs"]["args"][0].as_str().map(str::to_owned);
        let expected = (self.round % 2 == 1).then(|| self.round.to_string());
        let same = stands == expected && value["count"] == json!(self.round);
        (!same).then(|| format!("round {}: {stands:?} and {} stand there", self.round, value["count"]))
    }

    fn write(&self, bytes: &[u8]) {
        match self.way {
            Way::InPlace => std::fs::write(&self.path, bytes).expect("written"),
            Way::Rename => {
                let temp = self.path.with_extension("other");
                std::fs::write(&temp, bytes).expect("written");
                std::fs::rename(&temp, &self.path).expect("renamed");
            }
        }
    }
}

/// Patchbay's side.
struct Ours {
    home: Home,
    path: PathBuf,
    client: &'static client::Client,
}

impl Ours {
    fn stands(&self) -> bool {
        for _ in 0..1000 {
            let bytes = std::fs::read(&self.path).unwrap_or_default();
            if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
                return value["mcpServers"].get("ours").is_some();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never whole");
    }

    /// Puts the entry in or takes it out, planning anew as often as somebody was quicker.
    fn set(&self, there: bool) {
        let history = History::new(&self.home.data());
        let intent = Intent {
            undoes: None,
            at: jiff::Timestamp::now(),
            kind: ActivityKind::Connected,
            connection: "ours".into(),
            name: "Ours".into(),
            effect: Effect::default(),
        };
        let wanted = there.then(|| json!({ "command": "p", "args": ["bridge", "ours"] }));
        for _ in 0..1000 {
            let planned = plan(self.client, &self.path, &[("ours", wanted.clone())]);
            match planned.and_then(|change| apply(&[change], &intent, &history, &self.home.data())) {
                Ok(_) => return,
                // Half written, or changed in between.
                Err(error) => assert!(matches!(error.code, Code::FileChanged | Code::FileSyntax), "{error:?}"),
            }
        }
        panic!("it never came to its turn");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[rstest]
#[case::in_place("cursor", Way::InPlace, false)]
#[case::by_renaming("cursor", Way::Rename, false)]
#[case::in_place_under_its_lock("claude-code", Way::InPlace, true)]
#[case::by_renaming_under_its_lock("claude-code", Way::Rename, true)]
fn neither_side_loses_an_update(#[case] client: &str, #[case] way: Way, #[case] locks: bool) {
    let home = Home::new();
    let folder = home.path().join("app");
    std::fs::create_dir(&folder).expect("made");
    let path = folder.join("mcp.json");
    std::fs::write(&path, "{\"count\": 0, \"mcpServers\": {}}").expect("written");
    let lock = locks.then(|| folder.join("mcp.json.lock"));
    let ours = Ours { path: path.clone(), client: client::find(client).expect("an app"), home };
    let stop = Arc::new(AtomicBool::new(false));
    let mut other = Other { path, way, lock, round: 0 };
    let (stopped, done) = (stop.clone(), Arc::new(AtomicUsize::new(0)));
    let told = done.clone();
    let theirs = std::thread::spawn(move || {
        let mut lost = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            lost.extend(other.again());
            told.store(other.round, Ordering::Relaxed);
            // No app writes without a pause.
            std::thread::sleep(Duration::from_micros(5_000 + 4_130 * (other.round as u64 % 5)));
        }
        (other.round, lost)
    });
    let mut lost = 0;
    let (mut there, mut our_rounds) = (false, 0);
    while (our_rounds < rounds() || done.load(Ordering::Relaxed) < rounds()) && !theirs.is_finished() {
        our_rounds += 1;
        // What the other program had read before and wrote after is its doing, and shows as a change from outside.
        lost += usize::from(ours.stands() != there);
        there = !there;
        ours.set(there);
        let before = done.load(Ordering::Relaxed);
        while locks && done.load(Ordering::Relaxed) == before && !theirs.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    stop.store(true, Ordering::Relaxed);
    let (their_rounds, theirs_lost) = theirs.join().expect("the file was whole at every look");
    assert_eq!(theirs_lost, Vec::<String>::new(), "we lose nothing of theirs");
    assert!(our_rounds >= rounds() && their_rounds >= rounds(), "both had their turns: {our_rounds}, {their_rounds}");
    assert!(lost <= if locks { 0 } else { our_rounds / 20 }, "ours overwritten {lost} times of {our_rounds}");
    assert_eq!(names(&folder), ["mcp.json"], "nothing is left behind");
}

/// A holder who keeps the lock fresh is waited for and then named; nothing is changed.
#[test]
fn a_lock_that_its_app_keeps_fresh_is_respected() {
    let home = Home::new();
    home.write("claude-code", "{\"a\": 1}");
    let lock = home.path().join(".claude.json.lock");
    std::fs::create_dir(&lock).expect("locked");
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, touched) = (stop.clone(), lock.clone());
    let holder = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            std::fs::File::open(&touched).and_then(|lock| lock.set_modified(SystemTime::now())).expect("touched");
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    let refused = MkdirLock::take(&lock, false).map(drop).expect_err("it is busy");
    let client = client::find("claude-code").expect("an app");
    let change = plan(client, &home.file("claude-code"), &[("ours", Some(json!({ "command": "p" })))]).expect("a plan");
    let intent = Intent {
        undoes: None,
        at: jiff::Timestamp::now(),
        kind: ActivityKind::Connected,
        connection: "ours".into(),
        name: "Ours".into(),
        effect: Effect::default(),
    };
    let history = History::new(&home.data());
    let also = apply(&[change], &intent, &history, &home.data()).map(drop).expect_err("it is busy");
    stop.store(true, Ordering::Relaxed);
    holder.join().expect("no panic");
    assert_eq!((refused.code, also.code), (Code::FileBusy, Code::FileBusy));
    assert_eq!(also.path, Some(home.file("claude-code")), "the file is named, not its lock");
    assert!(also.hint.is_some_and(|hint| hint.contains("try again")));
    assert_eq!(home.read("claude-code"), "{\"a\": 1}");
    assert!(lock.is_dir(), "it is theirs still");
    assert!(history.records().is_empty());
}

/// A holder who died: by the clock at once, and with a time in the future after ten seconds of silence.
#[rstest]
#[case::a_minute_ago(-60, 3)]
#[case::in_the_future(3600, 13)]
fn a_lock_whose_holder_died_is_taken_over(#[case] offset: i64, #[case] within: u64) {
    let home = Home::new();
    let lock = home.path().join(".claude.json.lock");
    std::fs::create_dir(&lock).expect("locked");
    let seconds = Duration::from_secs(offset.unsigned_abs());
    let at = if offset < 0 { SystemTime::now() - seconds } else { SystemTime::now() + seconds };
    std::fs::File::open(&lock).and_then(|lock| lock.set_modified(at)).expect("set");
    let begun = std::time::Instant::now();
    let held = MkdirLock::take(&lock, false).expect("taken over");
    assert!(begun.elapsed() < Duration::from_secs(within), "{:?}", begun.elapsed());
    assert!(lock.is_dir());
    drop(held);
    assert_eq!(names(home.path()).iter().filter(|name| name.contains("lock")).count(), 0, "it is given back");
}

/// While it is held, nobody takes it for a forgotten one, however long the write takes.
#[test]
fn a_lock_is_kept_fresh_while_it_is_held() {
    let home = Home::new();
    let lock = home.path().join(".claude.json.lock");
    let _held = MkdirLock::take(&lock, false).expect("taken");
    let touched = || std::fs::metadata(&lock).and_then(|meta| meta.modified()).expect("there");
    let first = touched();
    std::thread::sleep(Duration::from_millis(2500));
    assert!(touched() > first + Duration::from_secs(1));
}

/// Emptied by somebody who fills it a moment later: that is no file without entries, to nobody who plans.
#[test]
fn a_file_that_is_just_being_written_is_not_taken_for_an_empty_one() {
    let home = Home::new();
    home.write("codex", "");
    let path = home.file("codex");
    let filled = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        std::fs::write(path, "model = \"x\"\n").expect("written");
    });
    let client = client::find("codex").expect("an app");
    let change = plan(client, &home.file("codex"), &[("ours", None)]).expect("a plan");
    filled.join().expect("no panic");
    assert_eq!(change.before.as_deref(), Some(&b"model = \"x\"\n"[..]));
}
