//! GitHub Copilot CLI: `~/.copilot/mcp-config.json`, JSON with comments and trailing commas, `mcpServers`.
//!
//! `COPILOT_HOME` moves the folder; `XDG_CONFIG_HOME` does not, whatever older pages say. An entry has a `type` (`local`
//! for programs) and the list of `tools` that may be used, `*` for all: `copilot mcp add` writes both, and adds the list to
//! entries that lack it, which would look like a change behind our back. What is switched off stands in its
//! `settings.json`. An entry that it cannot use is skipped and kept (run with 1.0.102). Its own lock,
//! `.mcp-writer.lock`, is bound to the file's inode in a way that is not documented, so it is left alone.

use serde_json::{Value, json};

use super::shape::has_text;
use super::{Client, Direct, Ends, EntrySpec, Fills, Form, Location, Program, Starts, Unset, Version, find_program};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// The entry's own variables are filled into its words too (run with 1.0.102).
const FILLS: Fills = Fills {
    forms: &[Form::Dollar, Form::Braces, Form::Otherwise],
    unset: Unset::Stays,
    unset_in_headers: Unset::Stays,
    own: true,
};

pub(super) static CLIENT: Client = Client {
    id: "copilot-cli",
    name: "GitHub Copilot CLI",
    format: Format::Json(JsonDialect::JSONC),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    processes: &["copilot"],
    program: Program {
        package: Some("@github/copilot"),
        lies_at: |path| !path.contains("/extensions/"),
        versions: &[Version::Package("copilot")],
        ends: Ends::Terminal("/exit"),
        ..Program::BASE
    },
    restart: true,
    starts: Starts { fills: FILLS, sure: true, ..Starts::SHELL },
    locate,
    entry,
    direct: Direct::Remote { kind: Some("http"), url: "url", headers: "headers", tools: true },
    refuses: |value| {
        let known = has_text(value, &["command", "url"]);
        (!known).then_some("GitHub Copilot CLI wants a command or an address.")
    },
    ..Client::BASE
};

fn entry(spec: &EntrySpec<'_>) -> Option<Value> {
    let (before, after) = ([("type", json!("local"))], [("tools", json!(["*"]))]);
    matches!(spec.wiring, Wiring::Bridge).then(|| spec.bridge_with(&before, &after))
}

fn locate(host: &Host) -> Location {
    let (folder, why) = match host.var_path("COPILOT_HOME") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.join(".copilot"), None),
    };
    // Copilot's helpers in editors make this folder as well; its own settings are the program's alone.
    let used = folder.join("mcp-config.json").is_file() || folder.join("settings.json").is_file();
    Location { installed: used || find_program(host, "copilot").is_some(), path: folder.join("mcp-config.json"), why }
}
