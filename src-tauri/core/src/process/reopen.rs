//! Quits an app and opens it again. It is asked, never forced: what does not quit goes on running.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sysinfo::{Pid, Process, ProcessesToUpdate, Signal, System, UpdateKind};

use super::facts::Facts;
use super::plan::{ByHand, Instance, Quit, Reopen, Start, plan};
use super::running::{Running, in_detail, is_alive};
use super::starter::ancestors;
use crate::client::{Client, bundle_of, property};
use crate::host::Platform;

/// How long an app may take to quit. Claude Desktop ends its programs one after the other before it does.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Variables that belong to one start of a program.
const OF_ONE_START: &[&str] = &["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"];

/// Why an app was not reopened.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not run.
    #[error("it does not run")]
    NotRunning,
    /// Only the user can do it safely.
    #[error("it is to be done by hand")]
    ByHand(ByHand),
    /// It could not be asked to quit.
    #[error("it cannot be asked to quit")]
    NotAsked,
    /// It was asked and did not quit in time; it may be asking about unsaved work. Nothing was forced.
    #[error("it did not quit")]
    StillRuns,
    /// It has quit and could not be started.
    #[error("it has quit, and could not be started: {0}")]
    NotStarted(#[source] std::io::Error),
}

/// Quits an app and opens it again.
///
/// # Errors
/// A [`Failure`].
pub fn reopen(client: &Client, running: Option<&Running>) -> Result<(), Failure> {
    let running = running.ok_or(Failure::NotRunning)?;
    let instance = of_running(running).ok_or(Failure::NotRunning)?;
    carry_out(&instance, plan(client, &instance, Platform::current()), PATIENCE)
}

/// How a running app can be reopened; absent where its process is gone.
pub fn way(client: &Client, running: &Running) -> Option<Reopen> {
    Some(plan(client, &of_running(running)?, Platform::current()))
}

fn of_running(running: &Running) -> Option<Instance> {
    let instance = instance(*running.pids.first()?)?;
    Some(Instance { alone: running.pids.len() == 1, ..instance })
}

/// What a plan needs to know of a process, taken as its app's only one.
pub fn instance(pid: u32) -> Option<Instance> {
    let mut system = System::new().ok()?;
    let id = Pid::from_u32(pid);
    let detail = in_detail().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, detail);
    let process = system.process(id).filter(|process| is_alive(process))?;
    let program = Facts::of(process).program;
    let resources = program.as_deref().and_then(Path::parent).map(|folder| folder.join("resources"));
    Some(Instance {
        pid,
        start: process.start_time(),
        args: process.cmd().iter().skip(1).cloned().collect(),
        folder: process.cwd().map(Path::to_path_buf),
        env: environment(process),
        alone: true,
        electron: resources.is_some_and(|folder| folder.join("app.asar").exists() || folder.join("app").is_dir()),
        takes_quit: takes_quit(pid),
        around_us: ancestors().iter().any(|(ancestor, _)| *ancestor == pid),
        bundle: program.as_deref().and_then(bundle_of).and_then(|bundle| property(&bundle, "CFBundleIdentifier")),
        program,
    })
}

/// Whether the process has a handler for the signal TERM, which it takes away with the first one.
fn takes_quit(pid: u32) -> bool {
    const TERM: u64 = 1 << 14;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & TERM != 0)
}

fn environment(process: &Process) -> BTreeMap<OsString, OsString> {
    let pairs = process.environ().iter().filter_map(|pair| {
        let (name, value) = pair.to_str()?.split_once('=')?;
        (!OF_ONE_START.contains(&name)).then(|| (OsString::from(name), OsString::from(value)))
    });
    pairs.collect()
}

/// Carries out a plan: asks, waits at most `patience`, starts.
///
/// # Errors
/// A [`Failure`].
pub fn carry_out(instance: &Instance, plan: Reopen, patience: Duration) -> Result<(), Failure> {
    let (quit, start) = match plan {
        Reopen::Words(words) => return Err(Failure::ByHand(words)),
        Reopen::Steps { quit, start } => (quit, start),
    };
    if !ask(instance, &quit) {
        return Err(Failure::NotAsked);
    }
    let end = Instant::now() + patience;
    while lives(instance) {
        if Instant::now() >= end {
            return Err(Failure::StillRuns);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    begin(instance, &start).map_err(Failure::NotStarted)
}

fn ask(instance: &Instance, quit: &Quit) -> bool {
    match quit {
        Quit::Signal => with_process(instance, |process| process.kill_with(Signal::Term)).flatten().unwrap_or(false),
        Quit::Command(words) => command(words).status().is_ok_and(|status| status.success()),
    }
}

fn lives(instance: &Instance) -> bool {
    with_process(instance, is_alive).unwrap_or(false)
}

/// The process, if it is still the same one.
fn with_process<T>(instance: &Instance, act: impl Fn(&Process) -> T) -> Option<T> {
    let mut system = System::new().ok()?;
    let id = Pid::from_u32(instance.pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, in_detail());
    system.process(id).filter(|process| process.start_time() == instance.start).map(act)
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(words.first().map_or("", String::as_str));
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn begin(instance: &Instance, start: &Start) -> std::io::Result<()> {
    let mut command = match start {
        Start::Command(words) => command(words),
        Start::Again { program, args } => again(instance, program, args),
    };
    let mut child = command.spawn()?;
    // Whoever starts a process has to take its result, or it stays in the system's list.
    std::thread::spawn(move || child.wait());
    Ok(())
}

fn again(instance: &Instance, program: &Path, args: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(&instance.env);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(folder) = instance.folder.as_deref().filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    // Not ended together with us by the terminal's Ctrl+C.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}
