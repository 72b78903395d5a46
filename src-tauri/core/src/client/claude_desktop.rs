//! Claude Desktop: `claude_desktop_config.json`, strict JSON, `mcpServers`, programs only.
//!
//! An entry with `url` is skipped, removed or has crashed the app (reports from February to August 2026), hence the
//! bridge. On Windows the Store package, which the direct installer uses too since about February 2026, reads its own
//! copy under `%LOCALAPPDATA%\Packages\Claude_*`; where that package's folder is, that copy counts
//! (anthropics/claude-code#26073, #25579). On Linux an official package exists since June 2026; Electron's default
//! folder `$XDG_CONFIG_HOME/Claude` holds its file.

use std::path::{Path, PathBuf};

use super::{Client, Direct, Location, bridge, is_there};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::{Host, Platform};

const FILE: &str = "claude_desktop_config.json";

pub(super) static CLIENT: Client = Client {
    id: "claude-desktop",
    name: "Claude Desktop",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    processes: &["claude-desktop", "Claude"],
    restart: true,
    locate,
    entry: bridge,
    direct: Direct::Program,
    refuses: |value| value.get("command").is_none().then_some("Claude Desktop takes programs only."),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    if host.platform == Platform::Windows
        && let Some(folder) = store_copy(&host.local_dir().join("Packages"))
    {
        return Location { path: folder.join(FILE), why: Some("store_copy"), installed: true };
    }
    let folder = host.config_dir().join("Claude");
    let installed = folder.is_dir() || program_is_there(host);
    Location { path: folder.join(FILE), why: None, installed }
}

/// The folder of the Store package's shadowed copy. The publisher's part of the name is not relied on.
fn store_copy(packages: &Path) -> Option<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(packages)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("Claude_"))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.pop().map(|package| package.join("LocalCache").join("Roaming").join("Claude"))
}

fn program_is_there(host: &Host) -> bool {
    match host.platform {
        Platform::Linux | Platform::MacOs => is_there(host, "claude-desktop", "Claude"),
        Platform::Windows => host.local_dir().join("AnthropicClaude").is_dir(),
    }
}
