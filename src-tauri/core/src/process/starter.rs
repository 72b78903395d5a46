//! Which program started this one.

use sysinfo::{Pid, ProcessesToUpdate, System};

use super::facts::Facts;
use super::running::in_detail;
use crate::host::Platform;

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
    let mut program = None;
    for facts in ancestors().into_iter().map(|(_, facts)| facts) {
        program.get_or_insert_with(|| facts.name.clone());
        if let Some(client) = facts.client(Platform::current()) {
            return Starter { client: Some(client.id), program: program.unwrap_or_default() };
        }
    }
    Starter { client: None, program: program.unwrap_or_else(|| "unknown".to_owned()) }
}

/// The nearest ancestors of this process, the parent first.
pub(super) fn ancestors() -> Vec<(u32, Facts)> {
    const GENERATIONS: usize = 4;
    let mut found = Vec::new();
    let mut pid = Some(std::process::id());
    for _ in 0..=GENERATIONS {
        let (Some(id), Ok(mut system)) = (pid.map(Pid::from_u32), System::new()) else { break };
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, in_detail());
        let Some(process) = system.process(id) else { break };
        if id.as_u32() != std::process::id() {
            found.push((id.as_u32(), Facts::of(process)));
        }
        pid = process.parent().map(Pid::as_u32);
    }
    found
}
