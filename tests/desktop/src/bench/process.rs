//! What a process and those below it hold and use, as the system counts it.

use anyhow::{Context, Result};

/// The system's unit of processor time: Linux tells all programs a hundredth of a second.
const TICK_MILLISECONDS: f64 = 10.0;

/// Memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    /// Proportional: pages that others share count by share.
    pub(super) proportional: u64,
    /// What would be free again if it ended.
    pub(super) private: u64,
}

/// The memory of a process and its children.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = |name: &str| {
        let value = rollup.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let own = Memory { proportional: kib("Pss:"), private: kib("Private_Clean:") + kib("Private_Dirty:") };
    let below = children(pid)?.into_iter().filter_map(|child| memory(child).ok());
    Ok(below.fold(own, |all, one| Memory {
        proportional: all.proportional + one.proportional,
        private: all.private + one.private,
    }))
}

/// Processor time of a process and its children so far, in milliseconds, in the system's name and its own.
pub(super) fn processor(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program's name stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').context("a stat")?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).context("a number of ticks");
    let own = (ticks(11)? + ticks(12)?) * TICK_MILLISECONDS;
    Ok(own + children(pid)?.into_iter().filter_map(|child| processor(child).ok()).sum::<f64>())
}

fn children(pid: u32) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(Result::ok) {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    Ok(all)
}
