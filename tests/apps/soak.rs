//! A bridge at a server on a bad day, with many requests in flight for as long as it takes: each is answered or fails
//! once, memory does not grow, and the token is told nowhere.
//!
//! Twenty seconds in the ordinary run, ten minutes in `cargo xtask test --thorough`; `PATCHBAY_SOAK_SECONDS` and
//! `PATCHBAY_SOAK_SEED` say otherwise.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use patchbay_test_support::canary;
use serde_json::Value;

use crate::machine::Machine;
use crate::rough::Rough;

const IN_FLIGHT: usize = 24;
/// How long a single request may take: a server that never lets go has no place here.
const PATIENCE: Duration = Duration::from_secs(40);
/// How much more memory the bridge may hold at the end than after its first quarter, in KiB.
const MOST_GROWTH: u64 = 2 * 1024;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn duration() -> Duration {
    let usual = if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 600 } else { 20 };
    Duration::from_secs(number("PATCHBAY_SOAK_SECONDS").unwrap_or(usual))
}

/// An app that keeps many requests in flight.
struct Busy {
    bridge: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    words: JoinHandle<String>,
    waiting: HashMap<u64, Instant>,
    next: u64,
    answered: u64,
    /// Failures by their codes.
    failed: BTreeMap<String, u64>,
}

impl Busy {
    fn start(machine: &Machine) -> Self {
        let mut command = machine.command(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["bridge", "soak"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut bridge = command.spawn().expect("it starts");
        let (send, lines) = channel();
        let output = BufReader::new(bridge.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            // Nobody listens any more at the end.
            output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)).unwrap_or_default();
        });
        let mut errors = bridge.stderr.take().expect("its errors");
        let words = std::thread::spawn(move || {
            let mut words = String::new();
            errors.read_to_string(&mut words).expect("text");
            words
        });
        let input = bridge.stdin.take().expect("its input");
        let (waiting, failed) = (HashMap::new(), BTreeMap::new());
        Self { bridge, input, lines, words, waiting, next: 1, answered: 0, failed }
    }

    fn begin(&mut self) {
        let params = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"soak","version":"1"}}"#;
        self.say(&format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#));
        let answer = self.lines.recv_timeout(PATIENCE).expect("an answer");
        assert!(answer.contains("\"result\""), "{answer}");
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the bridge listens");
    }

    fn ask(&mut self) {
        let id = self.next;
        self.next += 1;
        self.waiting.insert(id, Instant::now());
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"x","arguments":{{}}}}}}"#
        ));
    }

    /// Keeps requests in flight until a moment.
    fn work_until(&mut self, end: Instant) {
        while Instant::now() < end {
            while self.waiting.len() < IN_FLIGHT {
                self.ask();
            }
            self.hear();
        }
    }

    /// Hears the next line, if there is one soon.
    fn hear(&mut self) {
        match self.lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => self.take(&line),
            Err(RecvTimeoutError::Timeout) => {
                let longest = self.waiting.values().map(Instant::elapsed).max().unwrap_or_default();
                assert!(longest < PATIENCE, "a request was lost: {:?}", self.waiting);
            }
            Err(RecvTimeoutError::Disconnected) => panic!("the bridge ended"),
        }
    }

    fn take(&mut self, line: &str) {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!line.contains("canary"), "a token is told: {line}");
        if message.get("method").is_some() {
            return;
        }
        let id = message["id"].as_u64().unwrap_or_else(|| panic!("an answer to nothing: {line}"));
        assert!(self.waiting.remove(&id).is_some(), "answered twice, or never asked: {line}");
        if message.get("result").is_some() {
            assert_eq!(message["result"]["number"], id, "an answer to another request: {line}");
            self.answered += 1;
        } else {
            let code = message["error"]["data"]["code"].as_str().unwrap_or_else(|| panic!("no code: {line}"));
            *self.failed.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Memory that it holds, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.bridge.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Lets all come to their end and hangs up; what the bridge said on its standard error.
    fn end(mut self) -> String {
        while !self.waiting.is_empty() {
            self.hear();
        }
        drop(self.input);
        assert!(self.bridge.wait().expect("it ends").success());
        assert_eq!(self.lines.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "nothing more is said");
        self.words.join().expect("its errors were read")
    }
}

#[test]
fn a_bad_day_loses_no_answer_no_memory_and_no_token() {
    let time = duration();
    let now = jiff::Timestamp::now().as_nanosecond().unsigned_abs();
    let seed = number("PATCHBAY_SOAK_SEED").unwrap_or_else(|| u64::try_from(now % u128::from(u64::MAX)).unwrap_or(1));
    println!("PATCHBAY_SOAK_SEED={seed}");
    let (old, new) = (format!("canary-old-{seed:020}"), format!("canary-new-{seed:020}"));
    let machine = Machine::with_keychain();
    let (rough, url) = Rough::start(seed, &old);
    let add = [
        "add",
        "--provider",
        "custom",
        "--name",
        "Soak",
        "--app",
        "codex",
        "--set",
        &format!("url={url}"),
        "--token-stdin",
    ];
    machine.patchbay(&add, &old);
    let mut busy = Busy::start(&machine);
    busy.begin();
    rough.calm(false);
    let begun = Instant::now();
    busy.work_until(begun + time / 4);
    let warm = busy.memory();
    busy.work_until(begun + time / 2);
    // The new token is checked before it is kept, so both have to work for a moment.
    rough.calm(true);
    rough.take(&[&old, &new]);
    machine.patchbay(&["renew", "soak", "--token-stdin"], &new);
    rough.take(&[&new]);
    rough.calm(false);
    let before_renewal = busy.answered;
    busy.work_until(Instant::now() + time / 2);
    let (answered, asked) = (busy.answered, busy.next - 1);
    let (failed, held) = (busy.failed.clone(), busy.memory());
    let words = busy.end();
    println!("{asked} asked, {answered} answered, {failed:?} failed; {:?}", rough.done());
    println!("memory {warm} KiB after a quarter, {held} KiB at the end");
    assert!(
        answered - before_renewal > asked / 8,
        "the new token works: {answered}, {before_renewal} before, of {asked}"
    );
    assert!(answered > asked / 2, "most are answered: {answered} of {asked}, {failed:?}");
    // It is where it was all the time, however often it forgets a session.
    assert!(!failed.contains_key("wrong_address"), "{failed:?}");
    assert!(rough.done().len() >= 9, "everything bad has happened: {:?}", rough.done());
    assert!(held < warm + MOST_GROWTH, "memory grew from {warm} to {held} KiB");
    canary::search(machine.home(), &[&old, &new], &[&words, &machine.said()]).expect("no token is told");
}
