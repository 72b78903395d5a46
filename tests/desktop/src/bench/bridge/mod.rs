//! What the bridge costs, beside its peers and beside calls with no bridge at all: in one run, at one service that has
//! nothing to do, in rounds in which each has its turn, so that whatever else the machine does hits all alike.

mod direct;
mod figures;
mod growth;
mod subject;
mod talk;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

use super::process::{memory, processor};
use super::{Effort, mebibytes, percentile};
use crate::say;
use crate::session::Session;
pub(crate) use direct::relay;
use direct::{Library, Socket};
use figures::{Aim, Figure, Figures};
use subject::{KEYCHAIN, PEERS, PLAIN, REMOTE, Subject, connection};
use talk::Talk;

/// The kinds of answers, and the one of a service that takes its time.
const KINDS: [&str; 2] = ["json", "sse"];
const WAITING: &str = "wait-5";
const LIBRARY: &str = "no bridge, HTTP library";
const SOCKET: &str = "no bridge, bare socket";
/// What is behind pipes as a bridge is, and only posts: the floor of every bridge.
const RELAY: &str = "the library behind pipes";
const IN_FLIGHT: usize = 64;
const WARM_UP: usize = 50;
/// How long a program is left alone before its idle memory is looked at.
const QUIET: Duration = Duration::from_millis(500);

/// Measures; the text of it, and the same for programs.
pub(super) async fn measure(patchbay: &Path, peers: &Path, effort: Effort) -> Result<(String, Value)> {
    let session = Session::with_keychain().await?;
    let token = format!("bench-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond());
    let (_service, origin) = start_service(&session, &token).await?;
    for kind in KINDS.into_iter().chain([WAITING]) {
        connect(
            &session,
            patchbay,
            &connection(kind),
            &format!("url={origin}/locked/{kind}"),
            &format!("{token}-{kind}"),
        )
        .await?;
    }
    let subjects = subject::all(&session, patchbay, &origin, peers)?;
    let mut figures = Figures::default();
    for round in 0..effort.rounds {
        for kind in KINDS {
            for subject in &subjects {
                say(&format!("round {} of {}, {kind}: {}", round + 1, effort.rounds, subject.name));
                one(subject, kind, effort, &mut figures).with_context(|| subject.name)?;
            }
            // A runtime must not be started inside of another.
            tokio::task::block_in_place(|| floors(&origin, kind, effort, &mut figures))?;
        }
    }
    let growth = growth::measure(&subjects, effort)?;
    Ok(told(&subjects, &figures, &growth))
}

/// The service in a process of its own, and its origin.
async fn start_service(session: &Session, token: &str) -> Result<(Child, String)> {
    let program = std::env::current_exe()?.display().to_string();
    let mut command = session.command(&program);
    let mut service = command.args(["service", "1"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    service.stdin.take().context("its input")?.write_all(format!("{token}\n").as_bytes()).await?;
    let said = BufReader::new(service.stdout.take().context("its output")?).lines().next_line().await?;
    let [port]: [u16; 1] = serde_json::from_str(&said.unwrap_or_default()).context("the service's port")?;
    Ok((service, format!("http://127.0.0.1:{port}")))
}

async fn connect(session: &Session, patchbay: &Path, name: &str, setting: &str, token: &str) -> Result<()> {
    let add = ["add", "--provider", "custom", "--name", name, "--app", "codex", "--set", setting, "--token-stdin"];
    let added = session.output_of(session.command(&patchbay.display().to_string()).args(add), token).await;
    added.map(drop).with_context(|| format!("add {name}"))
}

/// One subject's turn.
fn one(subject: &Subject, kind: &'static str, effort: Effort, figures: &mut Figures) -> Result<()> {
    let mut note = |figure, value| figures.note(subject.name, kind, figure, value);
    let own = subject.name == PLAIN || subject.name == KEYCHAIN;
    for _ in 1..if own { effort.starts } else { 1 } {
        note(Figure::Start, milliseconds(Talk::open(subject.command(kind))?.1));
    }
    let (mut talk, start) = Talk::open(subject.command(kind))?;
    note(Figure::Start, milliseconds(start));
    std::thread::sleep(QUIET);
    note(Figure::Idle, mebibytes(memory(talk.pid())?.proportional));
    let mut calls = calls(effort.calls, || talk.call())?;
    note(Figure::Call, milliseconds(percentile(&mut calls, 50)));
    note(Figure::SlowCall, milliseconds(percentile(&mut calls, 99)));
    let (pid, half) = (talk.pid(), effort.burst / 2);
    let looked = std::thread::spawn(move || {
        std::thread::sleep(half);
        memory(pid)
    });
    let before = processor(pid)?;
    let (count, time) = talk.burst(IN_FLIGHT, effort.burst)?;
    let used = processor(pid)? - before;
    let loaded = looked.join().map_err(|_| anyhow::anyhow!("memory could not be read"))??;
    note(Figure::PerSecond, per_second(count, time));
    note(Figure::Processor, used * 1000.0 / as_float(count));
    note(Figure::Loaded, mebibytes(loaded.proportional));
    note(Figure::Private, mebibytes(loaded.private));
    drop(talk);
    let (mut talk, _) = Talk::open(subject.command(WAITING))?;
    note(Figure::WaitingCall, milliseconds(percentile(&mut self::calls(effort.calls / 8, || talk.call())?, 50)));
    Ok(())
}

fn floors(origin: &str, kind: &'static str, effort: Effort, figures: &mut Figures) -> Result<()> {
    let (url, waiting) = (format!("{origin}/open/{kind}"), format!("{origin}/open/{WAITING}"));
    let (mut library, mut socket) = (Library::open(&url)?, Socket::open(&url)?);
    let (mut slow_library, mut slow_socket) = (Library::open(&waiting)?, Socket::open(&waiting)?);
    let mut note = |subject, times: &mut [Duration], slow: &mut [Duration]| {
        figures.note(subject, kind, Figure::Call, milliseconds(percentile(times, 50)));
        figures.note(subject, kind, Figure::SlowCall, milliseconds(percentile(times, 99)));
        figures.note(subject, kind, Figure::WaitingCall, milliseconds(percentile(slow, 50)));
    };
    let mut slow = calls(effort.calls / 8, || slow_library.call())?;
    note(LIBRARY, &mut calls(effort.calls, || library.call())?, &mut slow);
    let mut slow = calls(effort.calls / 8, || slow_socket.call())?;
    note(SOCKET, &mut calls(effort.calls, || socket.call())?, &mut slow);
    let (mut relay, mut slow_relay) = (behind_pipes(&url)?, behind_pipes(&waiting)?);
    let mut slow = calls(effort.calls / 8, || slow_relay.call())?;
    note(RELAY, &mut calls(effort.calls, || relay.call())?, &mut slow);
    let (count, time) = library.burst(IN_FLIGHT, effort.burst)?;
    figures.note(LIBRARY, kind, Figure::PerSecond, per_second(count, time));
    Ok(())
}

fn behind_pipes(url: &str) -> Result<Talk> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["relay", url]);
    Ok(Talk::open(command)?.0)
}

/// So many calls after some that are not counted.
fn calls(count: usize, mut call: impl FnMut() -> Result<Duration>) -> Result<Vec<Duration>> {
    for _ in 0..WARM_UP {
        call()?;
    }
    (0..count).map(|_| call()).collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn per_second(count: usize, time: Duration) -> f64 {
    as_float(count) / time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// Everything in words and for programs.
fn told(subjects: &[Subject], figures: &Figures, growth: &growth::Growth) -> (String, Value) {
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).chain([RELAY, LIBRARY, SOCKET]).collect();
    let mut text = String::new();
    for kind in KINDS {
        text += &figures.table(&names, kind);
        text.push('\n');
    }
    text += "| | files, MiB |\n|---|---:|\n";
    for subject in subjects.iter().filter(|subject| subject.name != KEYCHAIN) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} | {:.1} |", subject.name, mebibytes(subject.size() / 1024));
    }
    text += "\nFiles: the program, or the packages without the Node or Python that runs them.\n\n";
    text += &growth.table();
    let aims = aims(figures);
    text += "\nThe floor of every bridge is the library behind pipes: a program that posts each line and writes each answer, one after \
             the other. Where there is no bridge there are no pipes either: two changes between programs less for each call.\n";
    text += "\n| beside | ratio | aim | |\n|---|---:|---|---|\n";
    for aim in &aims {
        text += &aim.line();
        text.push('\n');
    }
    let sizes: Vec<_> =
        subjects.iter().map(|subject| json!({ "subject": subject.name, "files_bytes": subject.size() })).collect();
    let aims: Vec<_> = aims.iter().map(Aim::json).collect();
    (text, json!({ "figures": figures.json(), "sizes": sizes, "growth": growth.json(), "aims": aims }))
}

/// The aims, each where both of its values are there.
fn aims(figures: &Figures) -> Vec<Aim> {
    let mut aims = Vec::new();
    let mut aim = |words: String, value: Option<f64>, over: Option<f64>, wanted: f64, at_least: bool| {
        if let (Some(value), Some(over)) = (value, over) {
            aims.push(Aim { words, value: value / over, wanted, at_least });
        }
    };
    for kind in KINDS {
        let median = |subject, figure| figures.median(subject, kind, figure);
        for (own, wanted) in [(PLAIN, 50.0), (KEYCHAIN, 40.0)] {
            let words = format!("{kind}: {REMOTE}'s start over {own}'s");
            aim(words, median(REMOTE, Figure::Start), median(own, Figure::Start), wanted, true);
        }
        for floor in [RELAY, LIBRARY, SOCKET] {
            let words = format!("{kind}: call p50 over {floor}'s");
            aim(words, median(PLAIN, Figure::Call), median(floor, Figure::Call), 1.15, false);
            let words = format!("{kind}: the same at a service that takes 5 ms");
            aim(words, median(PLAIN, Figure::WaitingCall), median(floor, Figure::WaitingCall), 1.15, false);
        }
        let best = PEERS.iter().filter_map(|peer| median(peer, Figure::PerSecond)).max_by(f64::total_cmp);
        aim(format!("{kind}: calls/s over the best peer's"), median(PLAIN, Figure::PerSecond), best, 5.0, true);
        for own in [PLAIN, KEYCHAIN] {
            let memory = median(own, Figure::Loaded);
            aim(format!("{kind}: {own}'s memory under load, MiB"), memory, Some(1.0), 8.0, false);
            let words = format!("{kind}: {REMOTE}'s memory under load over {own}'s");
            aim(words, median(REMOTE, Figure::Loaded), memory, 15.0, true);
        }
    }
    aims
}

/// Where the peers are installed.
pub(super) fn peers() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("PATCHBAY_BENCH_PEERS").context("PATCHBAY_BENCH_PEERS is not set")?))
}
