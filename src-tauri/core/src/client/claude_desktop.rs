//! Claude Desktop: `claude_desktop_config.json`, strict JSON, `mcpServers`, programs only.
//!
//! An entry with `url` is skipped, removed or has crashed the app (reports from February to August 2026), hence the
//! bridge. On Windows the Store package, which the direct installer uses too since about February 2026, reads its own
//! copy under `%LOCALAPPDATA%\Packages\Claude_*`; where that package's folder is, that copy counts
//! (anthropics/claude-code#26073, #25579). On Linux an official package exists since June 2026; Electron's default
//! folder `$XDG_CONFIG_HOME/Claude` holds its file. A byte order mark makes it ignore all servers (tradingview-mcp #406).

use std::path::{Path, PathBuf};

use super::{
    Candidate, Client, Direct, Ends, Folder, Location, Passes, Program, Starts, Version, bridge, is_there, starts,
};
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
    program: Program {
        bundle: Some("Claude"),
        // On Windows its process is called as Claude Code's is.
        lies_at: |path| Path::new(path).extension().is_none_or(|ending| ending != "exe") || is_desktop(path),
        versions: &[
            Version::Bundle,
            Version::Squirrel("AnthropicClaude"),
            Version::Store("Claude"),
            Version::System("claude-desktop"),
        ],
        ends: Ends::Tray,
        ..Program::BASE
    },
    restart: true,
    starts: Starts {
        passes: Passes::Few(starts::few_of_the_library),
        folder: Folder::Root,
        takes_folder: false,
        cuts_at_blanks: true,
        sure: true,
        ..Starts::BASE
    },
    locate,
    others,
    entry: bridge,
    direct: Direct::Program,
    refuses: |value| value.get("command").is_none().then_some("Claude Desktop takes programs only."),
    takes_mark: false,
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

/// Where a Store package is, its own menu opens the ordinary file, which it never reads; an ordinary copy beside it does.
fn others(host: &Host) -> Vec<Candidate> {
    if host.platform != Platform::Windows {
        return Vec::new();
    }
    let ordinary = host.config_dir().join("Claude").join(FILE);
    let stores = store_copies(&host.local_dir().join("Packages"));
    let mut all: Vec<_> = stores.into_iter().map(|folder| Candidate::new(folder.join(FILE), "store_copy")).collect();
    if !all.is_empty() && ordinary.exists() {
        all.push(Candidate::new(ordinary, "ordinary_copy"));
    }
    all
}

/// Whether a program of Windows lies where the desktop app is installed. The path is in lower case, with `/`.
pub(super) fn is_desktop(path: &str) -> bool {
    path.contains("/anthropicclaude/") || path.contains("/windowsapps/claude_")
}

/// The folder of the Store package's shadowed copy. The publisher's part of the name is not relied on.
fn store_copy(packages: &Path) -> Option<PathBuf> {
    store_copies(packages).pop()
}

fn store_copies(packages: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(packages)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("Claude_"))
        .map(|entry| entry.path().join("LocalCache").join("Roaming").join("Claude"))
        .collect();
    found.sort();
    found
}

fn program_is_there(host: &Host) -> bool {
    match host.platform {
        Platform::Linux | Platform::MacOs => is_there(host, "claude-desktop", "Claude"),
        Platform::Windows => host.local_dir().join("AnthropicClaude").is_dir(),
    }
}
