//! The program is killed, or refused by the system, at every system call with which it changes something on the disk:
//! in every app's dialect, with every command that writes. `PATCHBAY_THOROUGH=1` runs each app by itself, with each
//! command; the ordinary run has all apps in one change, and one app with each command.
//!
//! A kill at a call that changes nothing leaves what a kill at the next call that does would leave; so these are all.

/// Bringing in, copying, purging, and leaving in such a way that the apps go on.
#[path = "kill/further.rs"]
mod further;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use patchbay_core::client::{CLIENTS, Client};
use patchbay_core::{Host, Platform};
use patchbay_test_support::Home;
use serde_json::Value;

use crate::patchbay_in;

/// Every call that changes what is on the disk.
const CALLS: [&str; 14] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "write",
    "mkdir",
    "mkdirat",
    "fchmod",
    "fchown",
    "fsetxattr",
    "ftruncate",
    "linkat",
];
/// Those of them by which a name comes or goes: between two of them a kill leaves unfinished temporary files at most.
const NAMES: usize = 6;

fn thorough() -> bool {
    std::env::var_os("PATCHBAY_THOROUGH").is_some()
}

fn kills(calls: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    calls.iter().map(|call| (*call, "signal=SIGKILL")).collect()
}

/// A home that is made anew at the same place, in which some apps have the files of their examples.
struct Rounds {
    home: Home,
    files: Vec<(&'static Client, PathBuf, Vec<u8>)>,
    /// What is in Patchbay's own folder at the beginning.
    base: Vec<(PathBuf, Vec<u8>)>,
}

impl Rounds {
    fn of(clients: &[&'static Client]) -> Self {
        let home = Home::new();
        let host = Host { env: home.env(), ..Host::bare(Platform::Linux, home.path(), jiff::Timestamp::now()) };
        let file = |client: &&'static Client| (*client, (client.locate)(&host).path, example(client));
        let files = clients.iter().map(file).collect();
        std::fs::create_dir(home.path().join("run")).expect("made");
        Self { home, files, base: Vec::new() }
    }

    fn only(ids: &[&str]) -> Self {
        Self::of(&CLIENTS.iter().copied().filter(|client| ids.contains(&client.id)).collect::<Vec<_>>())
    }

    fn again(&self) {
        // The program itself, which the entries name, is large and stays.
        for path in
            std::fs::read_dir(self.home.data()).into_iter().flatten().map(|entry| entry.expect("an entry").path())
        {
            match path.is_dir() {
                true if path.ends_with("bin") => Ok(()),
                true => std::fs::remove_dir_all(path),
                false => std::fs::remove_file(path),
            }
            .expect("removed");
        }
        for (path, bytes) in &self.base {
            std::fs::write(path, bytes).expect("written");
        }
        for (_, path, bytes) in &self.files {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
    }

    fn read(&self) -> Vec<Vec<u8>> {
        self.files.iter().map(|(_, path, _)| std::fs::read(path).expect("the file is there")).collect()
    }

    fn write(&self, all: &[Vec<u8>]) {
        self.files.iter().zip(all).for_each(|((_, path, _), bytes)| std::fs::write(path, bytes).expect("written"));
    }

    /// Where the login session keeps what it needs.
    fn session(&self) -> (&'static str, String) {
        ("XDG_RUNTIME_DIR", self.home.path().join("run").display().to_string())
    }

    fn patchbay(&self, args: &[&str], input: Option<&str>) -> Output {
        let (name, folder) = self.session();
        patchbay_in(&self.home, args, input, &[(name, &folder)])
    }

    fn run(&self, args: &[&str]) {
        let done = self.patchbay(args, None);
        assert!(done.status.success(), "{args:?}: {done:?}");
    }

    fn add(&self) -> Vec<&'static str> {
        let mut args = vec!["add", "--provider", "custom", "--name", "n", "--set", "url=http://127.0.0.1:9/mcp"];
        args.extend(["--create", "--app"]);
        args.extend(self.files.iter().map(|(client, ..)| client.id));
        args
    }

    /// Runs the program with a fault at the `n`th of a system call; whether there were as many.
    fn with_fault(&self, args: &[&str], call: &str, fault: &str, n: usize) -> bool {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", &format!("trace={call}"), "-o"]).arg(log.path());
        command.args(["-e", &format!("inject={call}:{fault}:when={n}"), env!("CARGO_BIN_EXE_patchbay")]);
        command.args(args).env_clear().envs(self.home.env()).envs([self.session()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let done = command.status().expect("strace is there");
        let traced = std::fs::read_to_string(log.path()).expect("text");
        !done.success() || traced.contains("INJECTED")
    }

    /// How many apps the connection is used in, and in how many something was changed outside, by the program's own
    /// word after it has settled.
    fn used(&self) -> (usize, usize) {
        let listed = self.patchbay(&["list", "--json"], None);
        let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        let used = listed["connections"][0]["used_in"].as_array().cloned().unwrap_or_default();
        (used.len(), used.iter().filter(|place| !place["drift"].is_null()).count())
    }

    /// Everything outside Patchbay's own folder.
    fn names(&self) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        below(self.home.path(), &mut all);
        all.into_iter().filter(|path| !path.starts_with(self.home.data())).collect()
    }

    /// What in the history is neither a finished record nor a copy that one has. What may be the beginning of another
    /// process's line of activity stays for ten minutes, so these are made to pass.
    fn unfinished(&self) -> Vec<PathBuf> {
        let look = || {
            let mut all = BTreeSet::new();
            below(&self.home.data(), &mut all);
            let known = |path: &PathBuf| match path.extension().and_then(|end| end.to_str()) {
                Some("before") => path.with_file_name("record.json").exists(),
                Some("tmp" | "swap") => false,
                _ if path.ends_with("record.json") => {
                    std::fs::read_to_string(path).expect("text").contains("\"status\": \"done\"")
                }
                _ => {
                    !path.parent().is_some_and(|folder| folder.ends_with("history"))
                        || path.join("record.json").exists()
                }
            };
            all.into_iter().filter(|path| !known(path)).collect::<Vec<_>>()
        };
        let found = look();
        if found.is_empty() {
            return found;
        }
        let hour = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        for path in &found {
            std::fs::File::open(path).and_then(|file| file.set_modified(hour)).expect("aged");
        }
        self.used();
        look()
    }
}

fn below(folder: &Path, all: &mut BTreeSet<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            below(&path, all);
        }
        all.insert(path);
    }
}

/// The app's file before ours came into it.
fn example(client: &Client) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(client.id);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths = files.map(|entry| entry.expect("an entry").path());
    let before = paths.find(|path| path.file_stem().is_some_and(|stem| stem == "before"));
    std::fs::read(before.expect("an example")).expect("readable")
}

/// A command, from one state to another.
struct Deed<'a> {
    args: &'a [&'a str],
    prepare: &'a dyn Fn(),
    /// The files before and after; each is one of the two at any kill, and after the next start all are of one.
    files: (&'a [Vec<u8>], &'a [Vec<u8>]),
    /// In how many apps it is used, and how many were changed outside, before and after.
    used: [(usize, usize); 2],
    /// Whether an undo leads from after to before.
    undone: bool,
    /// What else has to hold once it has settled, given whether the command has come about where that can be told.
    then: &'a dyn Fn(Option<bool>),
}

/// Nothing else has to hold.
fn nothing_else(_: Option<bool>) {}

/// Puts a fault at every point of a command; afterwards each file is one of two, all agree, and nothing is left behind.
fn every_point(rounds: &Rounds, faults: &[(&str, &str)], deed: &Deed<'_>) {
    let mut points = 0;
    let (without, with) = deed.files;
    (deed.prepare)();
    let names = rounds.names();
    for (call, fault) in faults {
        for n in 1.. {
            (deed.prepare)();
            let done = !rounds.with_fault(deed.args, call, fault, n);
            let at = format!("{} {} with {fault} at {call} {n}", rounds.files[0].0.id, deed.args.join(" "));
            // Claude Code takes a lock over that nobody has touched for ten seconds.
            let _ = std::fs::remove_dir(rounds.home.path().join(".claude.json.lock"));
            for (now, (without, with)) in rounds.read().iter().zip(without.iter().zip(with)) {
                assert!(now == without || now == with, "{at}: {}", String::from_utf8_lossy(now));
            }
            let used = rounds.used();
            assert!(deed.used.contains(&used), "{at}: used in {used:?}, not {:?}", deed.used);
            let reached = if deed.used[0] == deed.used[1] { None } else { Some(used == deed.used[1]) };
            if let Some(reached) = reached {
                assert_eq!(rounds.read(), if reached { with } else { without }, "{at}, then settled: {reached}");
            }
            assert_eq!(rounds.names(), names, "{at}: nothing is left beside the files");
            assert_eq!(rounds.unfinished(), Vec::<PathBuf>::new(), "{at}: the history is whole");
            (deed.then)(reached);
            if deed.undone && reached == Some(true) && (thorough() || points % 4 == 0) {
                rounds.run(&["undo"]);
                assert_eq!(rounds.read(), without, "{at}, then undone");
            }
            if done {
                break;
            }
            points += 1;
        }
    }
    assert!(points > 5, "only {points} points");
}

/// The files without our entries, and with them.
fn both(rounds: &Rounds) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    rounds.again();
    let without = rounds.read();
    rounds.run(&rounds.add());
    let with = rounds.read();
    assert!(without.iter().zip(&with).all(|(without, with)| without != with), "every app has it");
    (without, with)
}

fn adding(rounds: &Rounds, faults: &[(&str, &str)]) {
    let (without, with) = both(rounds);
    let used = [(0, 0), (rounds.files.len(), 0)];
    let deed = Deed {
        args: &rounds.add(),
        prepare: &|| rounds.again(),
        files: (&without, &with),
        used,
        undone: true,
        then: &nothing_else,
    };
    every_point(rounds, faults, &deed);
}

fn removing(rounds: &Rounds, faults: &[(&str, &str)]) {
    let (without, with) = both(rounds);
    let prepare = || {
        rounds.again();
        rounds.run(&rounds.add());
    };
    let used = [(rounds.files.len(), 0), (0, 0)];
    let deed = Deed {
        args: &["remove", "n"],
        prepare: &prepare,
        files: (&with, &without),
        used,
        undone: true,
        then: &nothing_else,
    };
    every_point(rounds, faults, &deed);
}

fn undoing(rounds: &Rounds, faults: &[(&str, &str)]) {
    let (without, with) = both(rounds);
    let prepare = || {
        rounds.again();
        rounds.run(&rounds.add());
    };
    let used = [(rounds.files.len(), 0), (0, 0)];
    let deed =
        Deed { args: &["undo"], prepare: &prepare, files: (&with, &without), used, undone: false, then: &nothing_else };
    every_point(rounds, faults, &deed);
}

/// Somebody took the entry out: back with it, or so be it. One app, because each is put back by itself.
fn answering_drift(rounds: &Rounds, faults: &[(&str, &str)]) {
    let (without, with) = both(rounds);
    let prepare = || {
        rounds.again();
        rounds.run(&rounds.add());
        rounds.write(&without);
    };
    let restore = ["drift", "restore", "n"];
    let used = [(1, 1), (1, 0)];
    let deed =
        Deed { args: &restore, prepare: &prepare, files: (&without, &with), used, undone: false, then: &nothing_else };
    every_point(rounds, faults, &deed);
    let keep = ["drift", "keep", "n"];
    let used = [(1, 1), (0, 0)];
    let deed =
        Deed { args: &keep, prepare: &prepare, files: (&without, &without), used, undone: false, then: &nothing_else };
    every_point(rounds, faults, &deed);
}

#[test]
fn killed_while_it_adds_to_all_apps_the_files_are_whole_and_agree_with_the_state() {
    adding(&Rounds::of(CLIENTS), &kills(&CALLS[..if thorough() { CALLS.len() } else { NAMES }]));
}

#[test]
fn killed_while_it_takes_out_of_all_apps_the_files_are_whole_and_agree_with_the_state() {
    removing(&Rounds::of(CLIENTS), &kills(&CALLS[..if thorough() { CALLS.len() } else { NAMES }]));
}

#[test]
fn killed_at_any_point_of_any_command_the_files_are_whole_and_agree_with_the_state() {
    // One that has a lock with a mark in it, and one with another format.
    let ordinary = CLIENTS.iter().filter(|client| ["cline", "codex"].contains(&client.id));
    let clients: Vec<_> = if thorough() { CLIENTS.iter().collect() } else { ordinary.collect() };
    for (n, client) in clients.into_iter().enumerate() {
        let rounds = Rounds::of(&[*client]);
        let faults = kills(&CALLS);
        if thorough() || n == 0 {
            adding(&rounds, &faults);
            removing(&rounds, &faults);
        }
        if thorough() || n == 1 {
            undoing(&rounds, &faults);
            answering_drift(&rounds, &faults);
        }
    }
}

#[test]
fn refused_by_the_system_at_any_call_the_files_are_whole_and_agree_with_the_state() {
    let faults = [
        // A full disk shows here at the latest. The runtime writes to wake itself, so `write` is left alone.
        ("fsync", "error=ENOSPC"),
        ("renameat", "error=EACCES"),
        ("renameat2", "error=EDQUOT"),
        ("mkdir", "error=EROFS"),
        ("fchmod", "error=EPERM"),
        ("unlink", "error=EACCES"),
    ];
    let rounds = Rounds::only(&["claude-desktop", "claude-code", "codex"]);
    adding(&rounds, &faults);
    removing(&rounds, &faults);
}

/// The list above is complete: nothing else that changes the disk is called.
#[test]
fn no_other_call_changes_the_disk() {
    let others = "creat,link,symlink,symlinkat,truncate,fallocate,pwrite64,pwritev,pwritev2,copy_file_range,sendfile";
    let others = format!("{others},chmod,fchmodat,chown,fchownat,setxattr,removexattr,fremovexattr,utimensat");
    let rounds = Rounds::of(CLIENTS);
    // The program itself is copied the first time.
    both(&rounds);
    rounds.again();
    assert!(!rounds.with_fault(&rounds.add(), &others, "signal=SIGKILL", 1));
    assert!(!rounds.with_fault(&["remove", "n"], &others, "signal=SIGKILL", 1));
}
