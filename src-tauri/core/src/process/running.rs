//! The apps that run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::facts::{Facts, may_be_an_app};
use crate::host::Platform;

/// An app that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its processes that no other process of the same app started, the oldest first. Windows of one program share
    /// one; sessions in terminals have one each.
    pub pids: Vec<u32>,
    /// When the oldest of them started, to the second.
    pub since: Timestamp,
    /// The oldest one's program, where it can be read.
    pub program: Option<PathBuf>,
}

struct Found {
    client: &'static str,
    pid: Pid,
    parent: Option<Pid>,
    start: u64,
    program: Option<PathBuf>,
}

/// The apps that run for this user.
pub fn running_apps() -> BTreeMap<&'static str, Running> {
    let Ok(mut system) = System::new() else { return BTreeMap::new() };
    let names = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, names);
    let own = Pid::from_u32(std::process::id());
    let may = |process: &&Process| is_alive(process) && may_be_an_app(&process.name().to_string_lossy());
    let candidates: Vec<Pid> = system.processes().values().filter(may).map(Process::pid).chain([own]).collect();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&candidates), false, in_detail());
    let user = system.process(own).and_then(Process::user_id);
    let mine = candidates.iter().filter_map(|pid| system.process(*pid)).filter(|process| process.user_id() == user);
    group(mine.filter_map(found).collect())
}

pub(super) fn in_detail() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing()
        .without_tasks()
        .with_user(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .with_cmd(UpdateKind::Always)
        .with_cwd(UpdateKind::Always)
}

/// One that has ended stays in the list until its starter has asked for its result.
pub(crate) fn is_alive(process: &Process) -> bool {
    !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
}

fn found(process: &Process) -> Option<Found> {
    let facts = Facts::of(process);
    let client = facts.client(Platform::current())?.id;
    Some(Found {
        client,
        pid: process.pid(),
        parent: process.parent(),
        start: process.start_time(),
        program: facts.program,
    })
}

fn group(mut found: Vec<Found>) -> BTreeMap<&'static str, Running> {
    found.sort_by_key(|one| (one.start, one.pid));
    let mut running: BTreeMap<&'static str, Running> = BTreeMap::new();
    for one in &found {
        let is_child = found.iter().any(|other| other.client == one.client && Some(other.pid) == one.parent);
        if is_child {
            continue;
        }
        let since = i64::try_from(one.start).ok().and_then(|at| Timestamp::from_second(at).ok());
        let new = || Running { pids: Vec::new(), since: since.unwrap_or(Timestamp::MIN), program: one.program.clone() };
        running.entry(one.client).or_insert_with(new).pids.push(one.pid.as_u32());
    }
    running
}
