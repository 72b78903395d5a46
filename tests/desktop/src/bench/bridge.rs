//! What the bridge costs, beside mcp-remote and a direct call, against one practice service with one token.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::direct::Direct;
use super::{mebibytes, memory, milliseconds, percentile, ratio};
use crate::PRACTICE;
use crate::apps::{Talk, tools};
use crate::session::Session;

const STARTS: usize = 10;
const CALLS: usize = 400;
const WARM_UP: usize = 20;

struct Row {
    name: &'static str,
    start: Duration,
    p50: Duration,
    p99: Duration,
    kib: u64,
}

/// Measures and returns a table.
pub(super) async fn measure(session: &Session) -> Result<String> {
    let patchbay = std::env::current_dir()?.join("target/release/patchbay").display().to_string();
    let mut service = session.command(&patchbay);
    // Lives as long as the measurement.
    let (_service, told) = session.start_and_read(service.args(["practice", "--json"])).await.context("practice")?;
    let told: Value = serde_json::from_str(&told)?;
    let url = told["mcp"].as_str().context("an address")?.to_owned();
    let (_, token) = PRACTICE.make("bench", 3600)?;
    let add = ["add", "--provider", "practice", "--name", "Bench", "--app", "codex", "--token-stdin"];
    session.output_of(session.command(&patchbay).args(add), &token).await.context("add")?;
    let remote = tools()?.join("node_modules/.bin/mcp-remote").display().to_string();
    let header = format!("Bearer {token}");
    let own = || {
        let mut command = session.command(&patchbay);
        command.args(["bridge", "bench"]).env_remove("PATCHBAY_LOG");
        command
    };
    let peer = || {
        let mut command = session.command(&remote);
        let flags = ["--allow-http", "--transport", "http-only", "--header", "Authorization:${BENCH_AUTH}"];
        command.arg(&url).args(flags).env("BENCH_AUTH", &header);
        command
    };
    let rows = [row("patchbay bridge", own).await?, row("mcp-remote", peer).await?];
    let direct = Direct::open(&url, &header).await?.calls(WARM_UP, CALLS).await?;
    Ok(table(&rows, direct))
}

async fn row(name: &'static str, command: impl Fn() -> Command) -> Result<Row> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut talk = Talk::start(&mut command())?;
        talk.open().await.with_context(|| name.to_owned())?;
        starts.push(begun.elapsed());
    }
    let mut talk = Talk::start(&mut command())?;
    talk.open().await?;
    let mut calls = Vec::new();
    for n in 0..WARM_UP + CALLS {
        let begun = Instant::now();
        let answer = talk.whoami().await?;
        ensure!(answer.get("result").is_some(), "{answer}");
        if n >= WARM_UP {
            calls.push(begun.elapsed());
        }
    }
    let kib = memory(talk.pid().context("it ended")?)?;
    let start = percentile(&mut starts, 50);
    Ok(Row { name, start, p50: percentile(&mut calls, 50), p99: percentile(&mut calls, 99), kib })
}

fn table(rows: &[Row; 2], mut direct: Vec<Duration>) -> String {
    let mut lines = vec![
        "| | start to `initialize` | call p50 | call p99 | memory |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for Row { name, start, p50, p99, kib } in rows {
        let (start, p50, p99) = (milliseconds(*start), milliseconds(*p50), milliseconds(*p99));
        lines.push(format!("| {name} | {start} | {p50} | {p99} | {:.1} MiB |", mebibytes(*kib)));
    }
    let (p50, p99) = (percentile(&mut direct, 50), percentile(&mut direct, 99));
    lines.push(format!("| direct call, kept alive | - | {} | {} | - |", milliseconds(p50), milliseconds(p99)));
    let [own, peer] = rows;
    lines.push(format!(
        "\nStart: {:.0} times faster than {} (aim: 30). Call p50: {:.2} times the direct call (aim: at most 1.3). Memory: \
         {:.3} of {}'s (aim: at most 0.1).\n",
        ratio(peer.start, own.start),
        peer.name,
        ratio(own.p50, p50),
        mebibytes(own.kib) / mebibytes(peer.kib),
        peer.name
    ));
    lines.join("\n")
}
