//! A started program with everything that it starts: ended politely, then for good, and nothing left behind.
//!
//! The program leads a process group of its own. What leaves that group still bears a mark in its environment, by which it
//! is found. Dropping it ends it too.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, Signal, System, UpdateKind};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::connection::state::random_hex;
use crate::process::is_alive;

/// The variable by which what a check started is known, also to Patchbay itself.
pub(crate) const MARK: &str = "PATCHBAY_CHECK";
/// For a program that was asked to end, by its input's end and then by a signal.
const GRACE: Duration = Duration::from_millis(1500);

/// A program that was started.
pub(super) struct Group {
    pub(super) child: Child,
    family: Family,
    ended: bool,
}

/// By what a program and all that it started are known.
#[derive(Clone)]
struct Family {
    /// The program, as long as its number is its own.
    leader: Option<u32>,
    mark: String,
    /// What it had started when it was last looked at: number and start.
    seen: Vec<(u32, u64)>,
}

/// How a program ended.
pub(super) struct Ended {
    /// How it ended by itself, or after it was asked.
    pub(super) status: Option<ExitStatus>,
    /// How many of its programs were still there.
    pub(super) left: usize,
}

impl Group {
    /// Starts a program with exactly these variables.
    ///
    /// # Errors
    /// The system does not start it.
    pub(super) fn start(
        program: &Path,
        args: &[String],
        env: &BTreeMap<String, String>,
        folder: &Path,
    ) -> std::io::Result<Self> {
        let mark = random_hex(16);
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env).env(MARK, &mark).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        let family = Family { leader: child.id(), mark, seen: Vec::new() };
        Ok(Self { child, family, ended: false })
    }

    /// Ends it: its input ends first, then it is asked, then it is made to.
    pub(super) async fn end(mut self) -> Ended {
        self.family.seen = self.members().await;
        drop(self.child.stdin.take());
        let mut status = timeout(GRACE, self.child.wait()).await.ok().and_then(Result::ok);
        if status.is_some() {
            // Its number may be another's from now on.
            self.family.leader = None;
        }
        let left = if status.is_some() { self.members().await.len() } else { 0 };
        if status.is_none() || left > 0 {
            self.signal(Signal::Term).await;
            let asked = timeout(GRACE, async {
                let ended = self.child.wait().await.ok();
                while !self.members().await.is_empty() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                ended
            });
            status = status.or(asked.await.ok().flatten());
        }
        self.signal(Signal::Kill).await;
        if status.is_none() {
            status = timeout(GRACE, self.child.wait()).await.ok().and_then(Result::ok);
        }
        self.ended = true;
        Ended { status, left }
    }

    async fn members(&self) -> Vec<(u32, u64)> {
        let family = self.family.clone();
        let known = |members: &[&Process]| members.iter().map(|one| (one.pid().as_u32(), one.start_time())).collect();
        tokio::task::spawn_blocking(move || family.with_members(known)).await.unwrap_or_default()
    }

    async fn signal(&self, signal: Signal) {
        let family = self.family.clone();
        // What cannot be asked has ended already.
        let _ = tokio::task::spawn_blocking(move || family.send(signal)).await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            self.family.seen =
                self.family.with_members(|all| all.iter().map(|one| (one.pid().as_u32(), one.start_time())).collect());
            self.family.send(Signal::Term);
            let family = self.family.clone();
            std::thread::spawn(move || {
                std::thread::sleep(GRACE / 2);
                family.send(Signal::Kill);
            });
        }
    }
}

impl Family {
    /// Signals every one; twice, because one may have been started in between.
    fn send(&self, signal: Signal) {
        for _ in 0..2 {
            self.with_members(|members| {
                for process in members {
                    // Windows knows no request to end; there only the second signal means anything.
                    if process.kill_with(signal).is_none() && signal == Signal::Kill {
                        process.kill();
                    }
                }
            });
        }
    }

    /// Those of it that have not ended.
    fn with_members<T: Default>(&self, act: impl FnOnce(&[&Process]) -> T) -> T {
        let Ok(mut system) = System::new() else { return T::default() };
        let wanted = ProcessRefreshKind::nothing().without_tasks().with_environ(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
        let line = format!("{MARK}={}", self.mark);
        let belongs = |process: &&Process| {
            self.leader.is_some_and(|leader| descends(&system, process, Pid::from_u32(leader)))
                || self.seen.contains(&(process.pid().as_u32(), process.start_time()))
                || process.environ().iter().any(|pair| pair.to_str() == Some(&line))
        };
        let own = Pid::from_u32(std::process::id());
        let others = system.processes().values().filter(|process| process.pid() != own);
        act(&others.filter(|process| is_alive(process)).filter(belongs).collect::<Vec<_>>())
    }
}

fn descends(system: &System, process: &Process, leader: Pid) -> bool {
    let mut at = Some(process);
    for _ in 0..16 {
        let Some(one) = at else { return false };
        if one.pid() == leader {
            return true;
        }
        at = one.parent().and_then(|parent| system.process(parent));
    }
    false
}
