//! What planning a change costs on large files, beside one parse of the same bytes by an ordinary parser.
//!
//! A plan is what the editor does for it: parse, edit with its trial, and the bytes after. Each row is a process of its own,
//! so that its peak of memory (`VmHWM`, the whole process) is that of one plan: the file's bytes, the text and the bytes
//! after are three times the file. TOML's parser keeps a tree; no app's file in TOML comes near these sizes.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use patchbay_core::document::{Document, Format, JsonDialect, splice};
use serde_json::{Value, json};

use super::{milliseconds, ratio};
use crate::say;

const SIZES: &[usize] = &[1, 4, 16, 32];
const ROUNDS: usize = 7;

/// Measures each size and returns a table.
pub(super) fn measure() -> Result<String> {
    let mut text = "| plan on | time | beside one parse | memory, times the file |\n|---|---|---|---|\n".to_owned();
    for kind in ["json", "toml"] {
        let mut times = Vec::new();
        for size in SIZES {
            let (time, peer) = (told(kind, *size, "time")?, told(kind, *size, "peer")?);
            let (time, peer) = (Duration::from_secs_f64(time), Duration::from_secs_f64(peer));
            let memory = told(kind, *size, "memory")?;
            writeln!(
                text,
                "| {size} MiB of {kind} | {} | {:.2} | {memory:.2} |",
                milliseconds(time),
                ratio(time, peer)
            )?;
            times.push(time);
        }
        let growth = ratio(times[times.len() - 1], times[0]) / 32.0;
        writeln!(text, "| 32 MiB beside 32 times 1 MiB of {kind} | {growth:.2} | | |")?;
    }
    Ok(
        text + "\nAims, for JSON: at most 1.0 beside `serde_json` into a `Value`, at most 4 times the file, growth near 1.\n"
    )
}

/// Asks a process of its own for one figure.
fn told(kind: &str, mebibytes: usize, figure: &str) -> Result<f64> {
    let program = std::env::current_exe()?;
    let output = std::process::Command::new(program).args(["plan", kind, &mebibytes.to_string(), figure]).output()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().with_context(|| format!("{kind}, {mebibytes} MiB"))
}

/// What that process does.
pub(crate) fn one(args: &[String]) -> Result<()> {
    let [kind, mebibytes, figure] = args else { bail!("plan KIND MEBIBYTES time|peer|memory") };
    let (format, table, bytes) = match kind.as_str() {
        "json" => (Format::Json(JsonDialect::STRICT), "mcpServers", claude_code(mebibytes.parse()?)),
        _ => (Format::Toml, "mcp_servers", codex(mebibytes.parse()?)),
    };
    let figure = match figure.as_str() {
        "time" => best(|| plan(&bytes, format, table))?,
        "peer" => best(|| parse(&bytes, format))?,
        _ => {
            plan(&bytes, format, table)?;
            peak()? / f64::from(u32::try_from(bytes.len())?)
        }
    };
    say(&figure.to_string());
    Ok(())
}

fn best(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn plan(bytes: &[u8], format: Format, table: &str) -> Result<()> {
    let entry = json!({"type": "stdio", "command": "/home/me/.patchbay/bin/patchbay", "args": ["bridge", "retently"]});
    let document = Document::parse(bytes, format)?;
    black_box(document.entries(&[table])?);
    let edits = document.set(&[table], "retently", &entry)?;
    black_box(splice(document.bytes(), &edits));
    Ok(())
}

fn parse(bytes: &[u8], format: Format) -> Result<()> {
    match format {
        Format::Toml => drop(black_box(toml_edit::Document::parse(std::str::from_utf8(bytes)?)?)),
        // Its apps' files are small, and it is edited with the same parser.
        Format::Yaml(_) => {}
        Format::Json(_) => drop(black_box(serde_json::from_slice::<Value>(bytes)?)),
    }
    Ok(())
}

/// The most memory that this process has held, in bytes.
fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

/// A file as Claude Code's grows: few servers, many projects, each with what was asked there.
fn claude_code(mebibytes: usize) -> Vec<u8> {
    let asked = r#"        {
          "display": "Please look at the failing test and \"mend\" it, thanks\n",
          "pastedContents": {}
        }"#;
    let history = vec![asked; 40].join(",\n");
    let facts = r#""allowedTools": [], "hasTrustDialogAccepted": true, "lastCost": 0.1234567, "lastDuration": 48211"#;
    let files = r#"{ "type": "stdio", "command": "npx", "args": [] }"#;
    let project = |name: usize| {
        format!("    \"/home/me/{name}\": {{\n      {facts},\n      \"history\": [\n{history}\n      ]\n    }}")
    };
    let projects = (mebibytes << 20) / project(0).len();
    let projects = (0..projects).map(project).collect::<Vec<_>>().join(",\n");
    format!("{{\n  \"numStartups\": 42,\n  \"mcpServers\": {{\n    \"files\": {files}\n  }},\n  \"projects\": {{\n{projects}\n  }}\n}}\n")
        .into_bytes()
}

/// A file as Codex has it, with more projects than anybody has.
fn codex(mebibytes: usize) -> Vec<u8> {
    let project = |name: usize| format!("[projects.\"/home/me/work/{name}\"]\ntrust_level = \"trusted\" # once\n\n");
    let projects: String = (0..(mebibytes << 20) / project(0).len()).map(project).collect();
    format!("model = \"gpt-5\"\n\n[mcp_servers.files]\ncommand = \"npx\"\n\n{projects}").into_bytes()
}
