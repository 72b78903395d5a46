//! How long Patchbay's window takes to come up with its list drawn, and what it holds, beside a bare Tauri window.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::process::memory;
use super::{mebibytes, milliseconds, percentile, ratio};
use crate::session::Session;

const ROUNDS: usize = 7;
/// When memory is looked at: everything that a start sets off has been done by then.
const SETTLED: Duration = Duration::from_secs(6);

/// A program, and what its window is called.
pub(super) struct Program {
    name: &'static str,
    path: &'static str,
    title: &'static str,
}

pub(super) const PATCHBAY: Program =
    Program { name: "Patchbay, list drawn", path: "target/release/patchbay-app", title: "Patchbay" };
const BARE: Program =
    Program { name: "bare window with tray icon", path: "target/release/examples/bare-window", title: "Bare window" };

#[derive(Default)]
struct Figures {
    starts: Vec<Duration>,
    kib: u64,
}

/// Measures in turns and returns a table.
pub(super) async fn measure(session: &Session) -> Result<String> {
    let patchbay = std::env::current_dir()?.join("target/release/patchbay").display().to_string();
    for name in ["First service", "Second service", "Third service"] {
        let add =
            ["add", "--provider", "custom", "--name", name, "--app", "codex", "--set", "url=http://127.0.0.1:9/mcp"];
        session.output_of(session.command(&patchbay).args(add), "").await?;
    }
    let mut own = Figures::default();
    let mut bare = Figures::default();
    for round in 0..=ROUNDS {
        for (program, figures) in [(&BARE, &mut bare), (&PATCHBAY, &mut own)] {
            let (start, kib) = start(session, program, &[], round == ROUNDS).await?;
            // The first round only warms the disk up.
            if round > 0 {
                figures.starts.push(start);
            }
            figures.kib = kib.unwrap_or(figures.kib);
        }
    }
    let mut lines = vec!["| | start to window | memory |".to_owned(), "|---|---|---|".to_owned()];
    let (bare_start, own_start) = (percentile(&mut bare.starts, 50), percentile(&mut own.starts, 50));
    for (program, start, kib) in [(PATCHBAY, own_start, own.kib), (BARE, bare_start, bare.kib)] {
        lines.push(format!("| {} | {} | {:.1} MiB |", program.name, milliseconds(start), mebibytes(kib)));
    }
    lines.push(format!(
        "\nStart: {:.2} times the bare window's (aim: at most 1.5). Memory: {:.2} times (aim: at most 1.15).\n",
        ratio(own_start, bare_start),
        mebibytes(own.kib) / mebibytes(bare.kib)
    ));
    Ok(lines.join("\n"))
}

/// Starts a program with further variables, waits for its window, and ends it; with its memory where that is asked for.
pub(super) async fn start(
    session: &Session,
    program: &Program,
    env: &[(&str, &Path)],
    weigh: bool,
) -> Result<(Duration, Option<u64>)> {
    let path = std::env::current_dir()?.join(program.path).display().to_string();
    ensure!(!visible(session, program).await?, "{} is there already", program.title);
    let begun = Instant::now();
    let mut child = session.command(&path).env_remove("PATCHBAY_LOG").envs(env.iter().copied()).spawn()?;
    while !visible(session, program).await? {
        if begun.elapsed() > Duration::from_secs(20) {
            bail!("{} did not come up", program.name);
        }
    }
    let start = begun.elapsed();
    let kib = if weigh {
        tokio::time::sleep(SETTLED).await;
        child.id().map(memory).transpose()?.map(|memory| memory.proportional)
    } else {
        tokio::time::sleep(Duration::from_secs(1)).await;
        None
    };
    child.kill().await?;
    while visible(session, program).await? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((start, kib))
}

async fn visible(session: &Session, program: &Program) -> Result<bool> {
    let title = format!("^{}$", program.title);
    let found = session.answer(session.command("xdotool").args(["search", "--onlyvisible", "--name", &title])).await?;
    Ok(!found.trim().is_empty())
}
