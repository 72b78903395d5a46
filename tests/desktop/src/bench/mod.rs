//! Measurements, each as a ratio to a peer or a floor in the same run.

mod bridge;
mod direct;
mod drift;
mod list;
mod plan;
mod window;

use std::time::Duration;

use anyhow::Result;

use crate::say;
use crate::session::Session;

pub(crate) use plan::one as plan;

/// Measures everything, prints the tables and leaves them in `target/bench`.
pub(crate) async fn bench() -> Result<()> {
    let plan = plan::measure()?;
    let session = Session::start().await?;
    let bridge = bridge::measure(&session).await?;
    let window = window::measure(&session).await?;
    let list = list::measure(&session).await?;
    let drift = drift::measure()?;
    let text = format!("{bridge}\n{window}\n{list}\n{drift}\n{plan}");
    say(&text);
    std::fs::create_dir_all("target/bench")?;
    Ok(std::fs::write("target/bench/figures.md", text)?)
}

/// The value below which so many of a hundred lie.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// Proportional memory of a process and its children, in KiB: shared pages count by share.
fn memory(pid: u32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let own = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let mut below = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(Result::ok) {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        below += children.split_whitespace().filter_map(|child| memory(child.parse().ok()?).ok()).sum::<u64>();
    }
    Ok(own.unwrap_or(0) + below)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
