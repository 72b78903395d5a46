//! Roo Code: `mcp_settings.json` in VS Code's `globalStorage`, strict JSON, `mcpServers`.
//!
//! Discontinued, the last release is of May 2026; whoever still has it can go on. An entry with `url` needs its `type`,
//! `sse` or `streamable-http`; `disabled` switches off; the file is watched. At its start it tries the other entries where
//! one is wrong, but a change to a file with a wrong entry is not taken before the next start
//! (`src/services/mcp/McpHub.ts`). Its setting `customStoragePath`, which moves the folder, is not looked at.

use serde_json::Value;

use super::shape::has_text;
use super::{
    Asks, Client, Direct, Fills, Form, Location, Passes, Program, Starts, Unset, Version, bridge, cline, starts, vscode,
};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// Its placeholders (`src/utils/config.ts`).
const FILLS: Fills = Fills { forms: &[Form::Env], unset: Unset::Empty, unset_in_headers: Unset::Empty, own: false };

pub(super) static CLIENT: Client = Client {
    id: "roo-code",
    name: "Roo Code",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    // It has no process of its own.
    processes: &[],
    program: Program { versions: &[Version::Extension("rooveterinaryinc.roo-cline")], ..Program::BASE },
    restart: false,
    starts: Starts { passes: Passes::Few(starts::few_of_the_library), fills: FILLS, asks, ..Starts::EDITOR },
    locate,
    others: |host| cline::others(host, "rooveterinaryinc.roo-cline", "mcp_settings.json"),
    entry: bridge,
    direct: Direct::typed("streamable-http"),
    refuses: |value| {
        let (program, remote) = (has_text(value, &["command"]), has_text(value, &["url"]));
        let untyped = remote && !has_text(value, &["type"]);
        (program == remote || untyped).then_some("Roo Code wants either a command or an address with its type.")
    },
    off: Some(("disabled", true)),
    ..Client::BASE
};

/// A connection of each type is made with a class of its own (`src/services/mcp/McpHub.ts`).
fn asks(value: &Value) -> Asks {
    match value["type"].as_str() {
        Some("sse") => Asks::Streams,
        Some("streamable-http") => Asks::Posts,
        _ => Asks::Either,
    }
}

fn locate(host: &Host) -> Location {
    let (user, why) = vscode::user_folder(host, "Code");
    let folder = user.join("globalStorage").join("rooveterinaryinc.roo-cline");
    let installed = folder.is_dir();
    Location { path: folder.join("settings").join("mcp_settings.json"), why, installed }
}
