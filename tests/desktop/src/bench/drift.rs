//! How long it takes from a change made by somebody else to the sentence about it: the write, the system's event, the end
//! of its burst, the look at all files, the snapshot in which the change stands. Twenty and more files are watched.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use patchbay_core::api::Patchbay;
use patchbay_core::{Host, Platform};
use serde_json::{Value, json};

use super::{milliseconds, percentile};

const CHANGES: usize = 200;
const FILES: usize = 20;
/// Between two changes: a burst that has ended, and then some.
const PAUSE: Duration = Duration::from_millis(60);

/// Measures and returns a table.
pub(super) fn measure() -> Result<String> {
    let home = tempfile::tempdir()?;
    let file = home.path().join(".cursor/mcp.json");
    let patchbay = prepared(home.path(), &file)?;
    let watched = patchbay.watched_files().len();
    ensure!(watched >= FILES, "{watched} files are watched");
    let (send, receive) = mpsc::channel();
    let _watcher = patchbay.watch(move || send.send(()).unwrap_or_default())?;
    let mut times = Vec::new();
    for n in 0..CHANGES {
        std::thread::sleep(PAUSE);
        let begun = Instant::now();
        write(&file, n % 2 == 0)?;
        receive.recv_timeout(Duration::from_secs(5)).context("nothing was heard")?;
        let drifted = patchbay.snapshot()?.connections[0].used_in[0].drift.is_some();
        times.push(begun.elapsed());
        ensure!(drifted == (n % 2 == 0), "the snapshot shows the change");
        while receive.try_recv().is_ok() {}
    }
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    Ok(format!(
        "| change from outside to its sentence, {watched} files watched, {CHANGES} changes | p50 | p99 |\n|---|---|---|\n\
         | write to snapshot | {} | {} |\n\nAim: p99 under 500 ms, with the window's drawing.\n",
        milliseconds(p50),
        milliseconds(p99)
    ))
}

/// Patchbay with one connection in Cursor, and twenty apps and folders that it looks at.
fn prepared(home: &Path, file: &Path) -> Result<Patchbay> {
    std::fs::create_dir_all(file.parent().context("a parent")?)?;
    let folders = (0..FILES).map(|n| home.join(format!("work/{n}"))).collect::<Vec<_>>();
    for folder in &folders {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(".mcp.json"), r#"{"mcpServers": {"a": {"command": "a"}}}"#)?;
    }
    let projects =
        folders.iter().map(|folder| (folder.display().to_string(), json!({}))).collect::<serde_json::Map<_, _>>();
    std::fs::write(home.join(".claude.json"), json!({ "projects": projects }).to_string())?;
    write(file, false)?;
    let placement = json!({
        "client": "cursor", "entry": "notes", "wiring": "bridge", "expected": entry("notes"), "written": "2026-01-01T00:00:00Z",
    });
    let connection = json!({
        "id": "notes", "name": "Notes", "provider": "custom", "url": "https://notes.example/mcp", "placements": [placement],
        "created": "2026-01-01T00:00:00Z",
    });
    let data = home.join("patchbay");
    std::fs::create_dir_all(&data)?;
    let state = json!({ "version": 1, "salt": "00", "connections": [connection] });
    std::fs::write(data.join("state.json"), state.to_string())?;
    let env = [("PATCHBAY_DATA_DIR".to_owned(), data.display().to_string())].into();
    let host = Host {
        platform: Platform::current(),
        home: home.to_path_buf(),
        env,
        ..Host::real().map_err(anyhow::Error::msg)?
    };
    Ok(Patchbay::open(host))
}

fn entry(id: &str) -> Value {
    json!({ "command": "/opt/patchbay", "args": ["bridge", id] })
}

fn write(file: &Path, changed: bool) -> Result<()> {
    let entry = if changed { json!({ "command": "npx", "args": ["other"] }) } else { entry("notes") };
    Ok(std::fs::write(file, json!({ "mcpServers": { "notes": entry } }).to_string())?)
}
