//! LM Studio: `mcp.json` in its home, JSON, `mcpServers`, "in Cursor's notation" (vendor's documentation, since 0.3.17).
//!
//! Its home is named by `~/.lmstudio-home-pointer`, a file with one path; without it `~/.cache/lm-studio` where that
//! exists, and `~/.lmstudio` otherwise (`findLMStudioHome.ts` in lmstudio-ai/lmstudio-js), which explains the place that
//! lmstudio-ai/lmstudio-bug-tracker#1371 wonders about. It loads the file when it is saved in its own editor. Not sure:
//! whether it notices that another program wrote it, so a restart is advised, and whether it takes comments.

use std::path::PathBuf;

use super::shape::has_text;
use super::{Candidate, Client, Location, bridge, is_there};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

pub(super) static CLIENT: Client = Client {
    id: "lm-studio",
    name: "LM Studio",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    processes: &["lm-studio", "LM Studio"],
    restart: true,
    locate,
    others: |host| {
        let homes = [(host.home.join(".lmstudio"), "newer"), (host.home.join(".cache").join("lm-studio"), "older")];
        let files = homes.into_iter().map(|(home, what)| Candidate::new(home.join("mcp.json"), what));
        files.filter(|candidate| candidate.path.is_file()).collect()
    },
    entry: bridge,
    refuses: |value| (!has_text(value, &["command", "url"])).then_some("LM Studio wants a command or an address."),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let folder = home(host);
    let installed = folder.is_dir() || is_there(host, "lm-studio", "LM Studio");
    Location { path: folder.join("mcp.json"), why: None, installed }
}

fn home(host: &Host) -> PathBuf {
    let pointer = std::fs::read_to_string(host.home.join(".lmstudio-home-pointer")).unwrap_or_default();
    let pointed = PathBuf::from(pointer.trim());
    let older = host.home.join(".cache").join("lm-studio");
    if pointed.is_dir() {
        pointed
    } else if older.is_dir() {
        older
    } else {
        host.home.join(".lmstudio")
    }
}
