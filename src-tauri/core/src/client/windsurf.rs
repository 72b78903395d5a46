//! Windsurf, called Devin Desktop since June 2026: `~/.codeium/windsurf/mcp_config.json`, JSON, `mcpServers`.
//!
//! A remote entry has `serverUrl` or `url`; `disabled` switches off; `${env:NAME}` and `${file:/path}` are filled in
//! (vendor's documentation). Its own agent, Cascade, still reads this file after the renaming (a review in
//! fullstorydev/subtext-wizard#3, July 2026); newer agents read `~/.config/devin/mcp_config.json`, on Windows
//! `%APPDATA%\devin` (upstash/context7#3090, August 2026). So the second counts only where the first one's folder is
//! missing. Not sure: both, because no vendor's page says it outright, and whether comments are taken.

use std::path::PathBuf;

use super::shape::has_text;
use super::{
    Candidate, Client, Direct, Ends, Fills, Form, Location, Program, Starts, Unset, Version, bridge, is_there,
};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::{Host, Platform};

/// Its placeholders (vendor's documentation).
const FILLS: Fills =
    Fills { forms: &[Form::Env, Form::File], unset: Unset::Empty, unset_in_headers: Unset::Empty, own: false };

pub(super) static CLIENT: Client = Client {
    id: "windsurf",
    name: "Windsurf",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    processes: &["windsurf", "Windsurf", "Devin"],
    program: Program {
        bundle: Some("Windsurf"),
        // `version` is that of the VS Code it is built on.
        versions: &[
            Version::Bundle,
            Version::Product { program: "windsurf", folder: "Windsurf", field: "windsurfVersion" },
        ],
        ends: Ends::Windows,
        ..Program::BASE
    },
    // "Refresh" in its list of servers is enough.
    restart: true,
    starts: Starts { fills: FILLS, ..Starts::EDITOR },
    locate,
    others,
    entry: bridge,
    direct: Direct::Remote { kind: None, url: "serverUrl", headers: "headers", tools: false },
    refuses: |value| {
        let known = has_text(value, &["command", "serverUrl", "url"]);
        (!known).then_some("Windsurf wants a command or an address.")
    },
    off: Some(("disabled", true)),
    ..Client::BASE
};

const FILE: &str = "mcp_config.json";

fn locate(host: &Host) -> Location {
    let (cascade, devin) = (host.home.join(".codeium").join("windsurf"), devin(host));
    if !cascade.is_dir() && devin.join(FILE).is_file() {
        return Location { path: devin.join(FILE), why: None, installed: true };
    }
    let installed = cascade.is_dir() || is_there(host, "windsurf", "Windsurf");
    Location { path: cascade.join(FILE), why: None, installed }
}

/// The newer agents' folder.
fn devin(host: &Host) -> PathBuf {
    match host.platform {
        Platform::Windows => host.config_dir(),
        Platform::Linux | Platform::MacOs => {
            host.var_path("XDG_CONFIG_HOME").unwrap_or_else(|| host.home.join(".config"))
        }
    }
    .join("devin")
}

/// Both agents' files, and that of the test version, where they are.
fn others(host: &Host) -> Vec<Candidate> {
    let older = host.home.join(".codeium");
    let files = [
        Candidate::new(older.join("windsurf").join(FILE), "older"),
        Candidate::new(devin(host).join(FILE), "newer"),
        Candidate::named(older.join("windsurf-next").join(FILE), "editor", "Windsurf Next"),
    ];
    files.into_iter().filter(|candidate| candidate.path.is_file()).collect()
}
