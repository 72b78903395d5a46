//! Processes on this computer: which app runs since when, and which app started us.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::client::CLIENTS;

/// The apps that run, with the start of their oldest process.
pub fn running_apps() -> BTreeMap<&'static str, Timestamp> {
    let Ok(mut system) = System::new() else { return BTreeMap::new() };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing().without_tasks());
    let mut running = BTreeMap::new();
    for process in system.processes().values() {
        let Some(client) = client_of(process) else { continue };
        let start = i64::try_from(process.start_time()).ok().and_then(|at| Timestamp::from_second(at).ok());
        let start = start.unwrap_or(Timestamp::MIN);
        running.entry(client).and_modify(|known: &mut Timestamp| *known = start.min(*known)).or_insert(start);
    }
    running
}

/// The program that started this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The app's id, where one of the ancestors is a known app.
    pub client: Option<&'static str>,
    /// The parent process's name.
    pub program: String,
}

/// Looks for a known app among the nearest ancestors: some apps start programs through a shell.
pub fn starter() -> Starter {
    const GENERATIONS: usize = 4;
    let mut program = None;
    let mut pid = System::new().is_ok().then(std::process::id);
    for _ in 0..=GENERATIONS {
        let Some(id) = pid.map(Pid::from_u32) else { break };
        let Ok(mut system) = System::new() else { break };
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[id]),
            false,
            ProcessRefreshKind::nothing().without_tasks(),
        );
        let Some(process) = system.process(id) else { break };
        if id.as_u32() != std::process::id() {
            program.get_or_insert_with(|| process.name().to_string_lossy().into_owned());
            if let Some(client) = client_of(process) {
                return Starter { client: Some(client), program: program.unwrap_or_default() };
            }
        }
        pid = process.parent().map(Pid::as_u32);
    }
    Starter { client: None, program: program.unwrap_or_else(|| "unknown".to_owned()) }
}

fn client_of(process: &Process) -> Option<&'static str> {
    let name = process.name().to_string_lossy();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    CLIENTS.iter().find(|client| client.processes.contains(&name)).map(|client| client.id)
}
