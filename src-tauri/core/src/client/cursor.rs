//! Cursor: `~/.cursor/mcp.json`, JSON, `mcpServers`; the same file for its window and its command line.
//!
//! A remote entry is `{"url", "headers", "auth"}`, `${env:NAME}` is filled in, and what is switched off stands in the
//! app's own state, not in the file (vendor's documentation). It looks at the file again when it changes, but the first
//! try to connect may fail then (cursor/cursor#3887, December 2025), so a restart is advised. Not sure: whether it takes
//! comments. No source says so, hence they are reported as a mistake. `CURSOR_CONFIG_DIR` moves other files only.

use super::shape::has_text;
use super::{Client, Ends, Fills, Form, Location, Program, Starts, Unset, Version, bridge, is_there};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// A missing variable is not said to stay (vendor's documentation of its placeholders).
const FILLS: Fills =
    Fills { forms: &[Form::Env, Form::Editor], unset: Unset::Empty, unset_in_headers: Unset::Empty, own: false };

pub(super) static CLIENT: Client = Client {
    id: "cursor",
    name: "Cursor",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    processes: &["cursor", "Cursor", "cursor-agent"],
    program: Program {
        bundle: Some("Cursor"),
        versions: &[Version::Bundle, Version::Product { program: "cursor", folder: "cursor", field: "version" }],
        ends: Ends::Windows,
        ..Program::BASE
    },
    restart: true,
    starts: Starts { fills: FILLS, takes_env_file: true, cuts_at_blanks: true, ..Starts::EDITOR },
    locate,
    entry: bridge,
    refuses: |value| (!has_text(value, &["command", "url"])).then_some("Cursor wants a command or an address."),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let folder = host.home.join(".cursor");
    let installed = folder.is_dir() || is_there(host, "cursor", "Cursor");
    Location { path: folder.join("mcp.json"), why: None, installed }
}
