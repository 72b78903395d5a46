//! Two write the same file at the same time: Patchbay, and an app's own command line.
//!
//! What holds after every round, whoever was quicker: the file is whole; what the app reported is in it; nobody else's
//! entry is gone. What Patchbay reported is in it too where the app takes a lock. Codex takes none and writes what it read
//! a moment ago, so an update of ours that fell into that moment may be gone; then Patchbay says so.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::machine::Machine;

/// Rounds, each with one start of the app and as many of Patchbay as fit beside it.
fn rounds() -> usize {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 100 } else { 6 }
}

const OURS: &str = "ours";
const ADD: [&str; 5] = ["add", "--provider=custom", "--name=Ours", "--set=url=http://127.0.0.1:9/mcp", "--json"];

/// Patchbay's side: adds its entry and removes it again.
struct Ours<'a> {
    machine: &'a Machine,
    client: &'a str,
    /// Whether it stands in the file, by Patchbay's own last word.
    there: bool,
    /// How many updates it reported.
    done: usize,
}

impl Ours<'_> {
    /// One update; one that would overwrite what somebody else just wrote is refused and made anew next time.
    fn update(&mut self) {
        let add = [&ADD[..], &["--app", self.client]].concat();
        let args = if self.there { vec!["remove", OURS] } else { add };
        let output = self.machine.try_patchbay(&args, "");
        if output.status.success() {
            self.there = !self.there;
            self.done += 1;
            return;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let code = said.lines().last().unwrap_or_default().split(':').next().unwrap_or_default();
        // The last one: an app without a lock has written ours back after its removal.
        assert!(["file_changed", "file_busy", "name_taken"].contains(&code), "{args:?}: {said}");
    }

    /// Updates, at least one, until the other side is done.
    fn beside<T: Send>(&mut self, other: impl FnOnce() -> T + Send) -> T {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let done = other();
                over.store(true, Ordering::Relaxed);
                done
            });
            self.update();
            while !over.load(Ordering::Relaxed) {
                self.update();
            }
            other.join().expect("the other side is well")
        })
    }
}

/// The app's side: every third round takes out what the round before has put in.
fn theirs(round: usize, expected: &mut BTreeSet<String>) -> (&'static str, String) {
    if round % 3 == 2 {
        let name = format!("theirs-{}", round - 1);
        expected.remove(&name);
        return ("remove", name);
    }
    let name = format!("theirs-{round}");
    expected.insert(name.clone());
    ("add", name)
}

/// Everybody's entries but ours, and whether ours is among them.
fn split(names: impl Iterator<Item = String>) -> (BTreeSet<String>, bool) {
    let (ours, others): (BTreeSet<_>, _) = names.partition(|name| name == OURS);
    (others, !ours.is_empty())
}

/// The kinds of what Patchbay found changed.
fn drift(machine: &Machine) -> Vec<String> {
    let found = machine.try_patchbay(&["drift", "--json"], "").stdout;
    let found: Value = serde_json::from_slice(&found).expect("JSON");
    let found = found["drift"].as_array().expect("a list");
    found.iter().map(|drift| drift["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn beside_the_real_claude_mcp_add_and_remove_no_update_of_either_side_is_lost() {
    let machine = Machine::new();
    std::fs::write(machine.home().join(".claude.json"), "{\"numStartups\": 3, \"own\": [1]}").expect("written");
    let mut ours = Ours { machine: &machine, client: "claude-code", there: false, done: 0 };
    let mut expected = BTreeSet::new();
    for round in 0..rounds() {
        let (verb, name) = theirs(round, &mut expected);
        let mut args = vec!["mcp", verb, "--scope", "user", &name];
        args.extend(["--", "true"].iter().filter(|_| verb == "add"));
        let done = ours.beside(|| machine.app("claude", &args));
        assert!(done.status.success(), "round {round}: {}", String::from_utf8_lossy(&done.stderr));
        let file: Value = serde_json::from_slice(&machine.read(".claude.json")).expect("the file is whole");
        let names = file["mcpServers"].as_object().into_iter().flat_map(|table| table.keys().cloned());
        assert_eq!(split(names), (expected.clone(), ours.there), "round {round}");
        assert_eq!((&file["numStartups"], &file["own"]), (&3.into(), &serde_json::json!([1])), "round {round}");
        assert_eq!(drift(&machine), [""; 0], "round {round}");
    }
    assert!(ours.done > rounds(), "{} updates of ours beside {} of theirs", ours.done, rounds());
}

#[test]
fn beside_the_real_codex_mcp_add_and_remove_theirs_is_never_lost_and_patchbay_knows_when_ours_was() {
    let machine = Machine::new();
    std::fs::write(machine.home().join(".codex/config.toml"), "# mine\nmodel = \"x\"\n").expect("written");
    let mut ours = Ours { machine: &machine, client: "codex", there: false, done: 0 };
    let mut expected = BTreeSet::new();
    for round in 0..rounds() {
        let (verb, name) = theirs(round, &mut expected);
        let mut args = vec!["mcp", verb, &name];
        args.extend(["--", "true"].iter().filter(|_| verb == "add"));
        let done = ours.beside(|| machine.app("codex", &args));
        assert!(done.status.success(), "round {round}: {}", String::from_utf8_lossy(&done.stderr));
        let (names, there) = split(codex_sees(&machine).into_iter());
        assert_eq!(names, expected, "round {round}");
        assert!(machine.read(".codex/config.toml").starts_with(b"# mine\nmodel = \"x\"\n"), "round {round}");
        match (ours.there, there) {
            (true, false) => put_back(&machine, round),
            (false, true) => take_out(&machine, round),
            _ => assert_eq!(drift(&machine), [""; 0], "round {round}"),
        }
    }
    assert!(ours.done > rounds(), "{} updates of ours beside {} of theirs", ours.done, rounds());
}

/// The names in Codex's file, by its own parser.
fn codex_sees(machine: &Machine) -> Vec<String> {
    let listed = machine.app("codex", &["mcp", "list", "--json"]);
    assert!(listed.status.success(), "the file is whole: {}", String::from_utf8_lossy(&listed.stderr));
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    listed.iter().map(|server| server["name"].as_str().expect("a name").to_owned()).collect()
}

/// Codex wrote what it had read before our entry came: Patchbay says that it is gone, and can put it back.
fn put_back(machine: &Machine, round: usize) {
    assert_eq!(drift(machine), ["removed"], "round {round}");
    machine.patchbay(&["drift", "restore", OURS], "");
    assert!(codex_sees(machine).iter().any(|name| name == OURS), "round {round}: it is back");
}

/// Codex wrote what it had read before our entry went: Patchbay shows it as one that nobody manages.
fn take_out(machine: &Machine, round: usize) {
    let listed = machine.patchbay(&["list"], "");
    assert!(listed.lines().any(|line| line == "Codex also has: ours"), "round {round}: {listed}");
    assert!(machine.app("codex", &["mcp", "remove", OURS]).status.success(), "round {round}");
}

/// The moment that the rounds above seldom meet: the file was looked at for the last time and is about to be replaced.
#[test]
fn what_the_real_codex_writes_after_our_last_look_at_its_file_is_not_lost() {
    let machine = Machine::new();
    let file = ".codex/config.toml";
    std::fs::write(machine.home().join(file), "# mine\nmodel = \"x\"\n").expect("written");
    let add = [&ADD[..], &["--app", "codex"]].concat();
    let slow = machine.patchbay_slow_at(file, 1_500_000, &add);
    wait_for_the_new_file(&machine.home().join(".codex"));
    assert!(machine.app("codex", &["mcp", "add", "theirs", "--", "true"]).status.success());
    let slow = slow.wait_with_output().expect("it ends");
    let (theirs, ours) = split(codex_sees(&machine).into_iter());
    assert_eq!(theirs, BTreeSet::from(["theirs".to_owned()]), "and ours is there: {ours}");
    assert_eq!(ours, slow.status.success(), "{}", String::from_utf8_lossy(&slow.stderr));
    assert_eq!(drift(&machine), [""; 0]);
}

/// Waits until the new bytes lie beside the file, and a little more for them to reach the disk.
fn wait_for_the_new_file(folder: &Path) {
    let is_there = || {
        let mut names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        names.any(|name| name.to_string_lossy().starts_with(".patchbay-"))
    };
    for _ in 0..1000 {
        if is_there() {
            return std::thread::sleep(Duration::from_millis(200));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("there is no new file in {}", folder.display());
}
