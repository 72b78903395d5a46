//! The first list of somebody who uses many apps, beside that of somebody who uses one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use patchbay_core::client::{CLIENTS, Client, EntrySpec};
use patchbay_core::connection::Wiring;
use patchbay_core::document::{Document, splice};
use patchbay_core::{Host, Platform};
use serde_json::Value;

use super::window::{PATCHBAY, start};
use super::{milliseconds, percentile, ratio};
use crate::session::Session;

const APPS: usize = 16;
const ENTRIES: usize = 300;
const WINDOWS: usize = 5;
const LISTS: usize = 30;

/// Measures in turns and returns a table.
pub(super) async fn measure(session: &Session) -> Result<String> {
    let (one, many) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fill(one.path(), &CLIENTS[..1], 1)?;
    fill(many.path(), &CLIENTS[..APPS.min(CLIENTS.len())], ENTRIES)?;
    let homes = [one.path(), many.path()];
    let mut lists = [Vec::new(), Vec::new()];
    for _ in 0..LISTS {
        for (home, times) in homes.iter().zip(&mut lists) {
            times.push(list(session, home).await?);
        }
    }
    let mut windows = [Vec::new(), Vec::new()];
    // The first round only warms the disk up.
    for round in 0..=WINDOWS {
        for (home, times) in homes.iter().zip(&mut windows) {
            let data = home.join("patchbay");
            let env = [("HOME", *home), ("XDG_CONFIG_HOME", &home.join(".config")), ("PATCHBAY_DATA_DIR", &data)];
            let (time, _) = start(session, &PATCHBAY, &env, false).await?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    Ok(table(&mut lists, &mut windows))
}

/// Writes the apps' files with so many entries in all.
fn fill(home: &Path, clients: &[&'static Client], entries: usize) -> Result<()> {
    let host = Host::bare(Platform::Linux, home, jiff::Timestamp::now());
    for (n, client) in clients.iter().enumerate() {
        let path = client.location(&host).path;
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        let mut bytes = Vec::new();
        for entry in 0..entries / clients.len() + usize::from(n < entries % clients.len()) {
            let document = Document::parse(&bytes, client.format)?;
            let edits = document.set(client.table, &format!("service-{n}-{entry}"), &value(client)?)?;
            bytes = splice(&bytes, &edits);
        }
        std::fs::write(&path, bytes)?;
    }
    Ok(())
}

fn value(client: &Client) -> Result<Value> {
    let spec = EntrySpec {
        connection: "service",
        program: Path::new("/opt/somebody/else"),
        url: "https://service.example/mcp",
        wiring: Wiring::Bridge,
        platform: Platform::Linux,
    };
    (client.entry)(&spec).context("every app takes the bridge")
}

/// How long the command line takes to list everything.
async fn list(session: &Session, home: &Path) -> Result<Duration> {
    let patchbay = std::env::current_dir()?.join("target/release/patchbay").display().to_string();
    let mut command = session.command(&patchbay);
    command.args(["list", "--json"]).env("HOME", home).env("XDG_CONFIG_HOME", home.join(".config"));
    command.env("PATCHBAY_DATA_DIR", home.join("patchbay")).env_remove("PATCHBAY_LOG");
    let begun = Instant::now();
    let said = session.answer(&mut command).await?;
    let time = begun.elapsed();
    ensure!(said.contains("service-0-0"), "the list lacks its entries");
    Ok(time)
}

fn table(lists: &mut [Vec<Duration>; 2], windows: &mut [Vec<Duration>; 2]) -> String {
    let [one, many] = lists.each_mut().map(|times| percentile(times, 50));
    let [one_window, many_windows] = windows.each_mut().map(|times| percentile(times, 50));
    format!(
        "| | `patchbay list` | start to window |\n|---|---|---|\n| 1 app, 1 entry | {} | {} |\n| {APPS} apps, {ENTRIES} entries \
         | {} | {} |\n\nWindow with {APPS} apps: {:.2} times the one with one app (aim: at most 1.2). `patchbay list`: {:.2} \
         times.\n",
        milliseconds(one),
        milliseconds(one_window),
        milliseconds(many),
        milliseconds(many_windows),
        ratio(many_windows, one_window),
        ratio(many, one)
    )
}
