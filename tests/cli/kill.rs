//! The program is killed, or refused by the system, at every system call with which it changes something on the disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use patchbay_test_support::Home;
use serde_json::Value;

use crate::patchbay;

const FILES: [(&str, &str); 3] = [
    ("claude-desktop", "{\r\n  \"mcpServers\": { \"own\": { \"command\": \"x\" } }\r\n}\r\n"),
    ("claude-code", "{\"numStartups\": 3}"),
    ("codex", "# mine\nmodel = \"x\"\n\n[mcp_servers.own]\ncommand = \"x\" # why\n"),
];
const CALLS: [&str; 9] = ["openat", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "fchmod", "flock"];
const ADD: [&str; 11] = [
    "add",
    "--provider",
    "custom",
    "--name",
    "n",
    "--set",
    "url=http://127.0.0.1:9/mcp",
    "--app",
    "claude-desktop",
    "claude-code",
    "codex",
];

/// A home that is made anew at the same place.
struct Rounds {
    home: Home,
}

impl Rounds {
    fn again(&self) {
        // Not there in the first round.
        let _ = std::fs::remove_dir_all(self.home.data());
        for (client, text) in FILES {
            self.home.write(client, text);
        }
    }

    fn files(&self) -> Vec<String> {
        FILES.iter().map(|(client, _)| self.home.read(client)).collect()
    }

    /// Runs the program with a fault at the `n`th of a system call; whether there were as many.
    fn with_fault(&self, args: &[&str], call: &str, fault: &str, n: usize) -> bool {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", &format!("trace={call}"), "-o"]).arg(log.path());
        command.args(["-e", &format!("inject={call}:{fault}:when={n}"), env!("CARGO_BIN_EXE_patchbay")]);
        command.args(args).env_clear().envs(self.home.env());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let done = command.status().expect("strace is there");
        let traced = std::fs::read_to_string(log.path()).expect("text");
        !done.success() || traced.contains("INJECTED")
    }

    /// How many apps the connection is used in, by the program's own word after it has settled.
    fn used(&self) -> usize {
        let listed = patchbay(&self.home, &["list", "--json"], None);
        let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        listed["connections"][0]["used_in"].as_array().map_or(0, Vec::len)
    }

    fn strays(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.home.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path()) {
                let is_stray = |path: &Path| path.extension().is_some_and(|end| end == "tmp");
                if path.is_dir() && !path.ends_with("locks") {
                    folders.push(path.clone());
                }
                if is_stray(&path) && !path.starts_with(self.home.data()) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Puts a fault at every point of a command; afterwards each file is one of two, all agree, and nothing is left behind.
fn every_point(
    rounds: &Rounds,
    faults: &[(&str, &str)],
    args: &[&str],
    prepare: impl Fn(),
    (without, with): (&[String], &[String]),
) {
    let mut points = 0;
    for (call, fault) in faults {
        for n in 1.. {
            prepare();
            let done = !rounds.with_fault(args, call, fault, n);
            let at = format!("{} with {fault} at {call} {n}", args[0]);
            // Claude Code takes a lock over that nobody has touched for ten seconds.
            let _ = std::fs::remove_dir(rounds.home.path().join(".claude.json.lock"));
            for (now, (without, with)) in rounds.files().iter().zip(without.iter().zip(with)) {
                assert!(now == without || now == with, "{at}: {now:?}");
            }
            let used = rounds.used();
            let files = rounds.files();
            assert_eq!(files, if used == 0 { without } else { with }, "{at}, then settled, used in {used}");
            assert!(used == 0 || used == FILES.len(), "{at}: used in {used}");
            let strays = rounds.strays();
            assert!(strays.is_empty(), "{at}: {strays:?}");
            if done {
                break;
            }
            points += 1;
        }
    }
    assert!(points > 20, "only {points} points");
}

/// Puts faults into setting a connection up, and into its removal.
fn add_and_remove(faults: &[(&str, &str)]) {
    let rounds = Rounds { home: Home::new() };
    rounds.again();
    let without = rounds.files();
    assert!(patchbay(&rounds.home, &ADD, None).status.success());
    let with = rounds.files();
    let both = (&without[..], &with[..]);
    every_point(&rounds, faults, &ADD, || rounds.again(), both);
    let add = || {
        rounds.again();
        assert!(patchbay(&rounds.home, &ADD, None).status.success());
    };
    every_point(&rounds, faults, &["remove", "n"], add, both);
}

#[test]
fn killed_at_any_system_call_the_files_are_whole_and_agree_with_the_state() {
    add_and_remove(&CALLS.map(|call| (call, "signal=SIGKILL")));
}

#[test]
fn refused_by_the_system_at_any_call_the_files_are_whole_and_agree_with_the_state() {
    add_and_remove(&[
        // A full disk shows here at the latest. The runtime writes to wake itself, so `write` is left alone.
        ("fsync", "error=ENOSPC"),
        ("rename", "error=EACCES"),
        ("mkdir", "error=EROFS"),
        ("fchmod", "error=EPERM"),
        ("unlink", "error=EACCES"),
    ]);
}
