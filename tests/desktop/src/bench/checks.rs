//! A hundred connections checked at once, each at a server of its own that takes its own time: how much longer than the
//! slowest of them alone.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Request};
use patchbay_core::probe::Verdict;
use patchbay_core::{Host, Platform};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::{percentile, ratio};

const CONNECTIONS: usize = 100;
const ROUNDS: usize = 5;
/// What the slowest server takes for each answer, in milliseconds; the others take less, evenly.
const SLOWEST: usize = 200;
/// The aim.
const WANTED: f64 = 1.3;

/// Measures; the text of it, and the same for programs.
pub(super) async fn measure() -> Result<(String, Value)> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(["service", &CONNECTIONS.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut service = command.kill_on_drop(true).spawn()?;
    service.stdin.take().context("its input")?.write_all(b"none\n").await?;
    let said = BufReader::new(service.stdout.take().context("its output")?).lines().next_line().await?;
    let ports: Vec<u16> = serde_json::from_str(&said.unwrap_or_default()).context("the servers' ports")?;
    let home = tempfile::tempdir()?;
    let patchbay = prepared(home.path(), &ports)?;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(check(&patchbay, vec![id(CONNECTIONS)]).await?);
        together.push(check(&patchbay, Vec::new()).await?);
    }
    let (alone, together) = (percentile(&mut alone, 50), percentile(&mut together, 50));
    let times = ratio(together, alone);
    let text = format!(
        "| check | time |\n|---|---:|\n| the slowest of {CONNECTIONS}, alone | {} |\n| all {CONNECTIONS} at once | {} |\n\n\
         At once: {times:.2} times the slowest one (aim: at most {WANTED}, {}).\n",
        super::milliseconds(alone),
        super::milliseconds(together),
        if times <= WANTED { "met" } else { "**missed**" }
    );
    let value = json!({ "slowest_ms": alone.as_secs_f64() * 1000.0, "all_ms": together.as_secs_f64() * 1000.0, "ratio": times, "wanted": WANTED });
    Ok((text, value))
}

fn id(number: usize) -> String {
    format!("service-{number}")
}

/// Checks connections, all where none is named; every one must work.
async fn check(patchbay: &Patchbay, ids: Vec<String>) -> Result<Duration> {
    let count = if ids.is_empty() { CONNECTIONS } else { ids.len() };
    let begun = Instant::now();
    let answer = patchbay.call(Request::Check { ids }, None).await?;
    let time = begun.elapsed();
    let Answer::Reports(reports) = answer else { bail!("a check answers with reports") };
    ensure!(reports.len() == count, "{} reports for {count} connections", reports.len());
    for checked in reports {
        ensure!(checked.report.verdict == Verdict::Working, "{}: {:?}", checked.id, checked.report);
    }
    Ok(time)
}

/// Patchbay with a connection to each of the servers.
fn prepared(home: &std::path::Path, ports: &[u16]) -> Result<Patchbay> {
    let connections: Vec<Value> = ports
        .iter()
        .zip(1..)
        .map(|(port, number)| {
            let url = format!("http://127.0.0.1:{port}/open/wait-{}", number * SLOWEST / CONNECTIONS);
            let (id, created) = (id(number), "2026-01-01T00:00:00Z");
            json!({ "id": id, "name": id, "provider": "custom", "url": url, "placements": [], "created": created })
        })
        .collect();
    let data = home.join("patchbay");
    std::fs::create_dir_all(&data)?;
    let state = json!({ "version": 1, "salt": "00", "connections": connections });
    std::fs::write(data.join("state.json"), state.to_string())?;
    let env = [("PATCHBAY_DATA_DIR".to_owned(), data.display().to_string())].into();
    let own = Host::real().map_err(anyhow::Error::msg)?;
    Ok(Patchbay::open(Host { platform: Platform::current(), home: home.to_path_buf(), env, ..own }))
}
