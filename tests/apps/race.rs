//! Two write the same file at the same time: Patchbay, and an app's own command line.
//!
//! What holds after every round, whoever was quicker: the file is whole; what the app reported is in it; nobody else's
//! entry is gone. What Patchbay reported is in it too where the app takes a lock. Codex takes none and writes what it read
//! a moment ago, so an update of ours that fell into that moment may be gone; then Patchbay says so.

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::machine::Machine;

/// Rounds, each with one start of the app and as many of Patchbay as fit beside it.
fn rounds() -> usize {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 60 } else { 6 }
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
        assert!(["file_changed", "file_busy"].contains(&code), "{args:?}: {said}");
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
