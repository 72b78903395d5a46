//! Kiro: `~/.kiro/settings/mcp.json`, `mcpServers`; the same file for its window and its command line.
//!
//! `disabled` switches off, and `${NAME}` is filled in for variables that the user approved. The window connects anew when
//! the file changes (vendor's documentation; kirodotdev/Kiro#7495). It takes comments, its command line does not
//! (kirodotdev/Kiro#5968), so a file with comments is no mistake. Not sure: whether it takes trailing commas, and whether
//! `KIRO_HOME`, which the command line knows, moves this file; it is not looked at.

use super::shape::has_text;
use super::{Client, Ends, Fills, Form, Location, Program, Starts, Unset, Version, bridge, find_program, is_there};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// Only variables that the user approved there; which, Patchbay does not know (vendor's documentation).
const FILLS: Fills = Fills { forms: &[Form::Braces], unset: Unset::Stays, unset_in_headers: Unset::Stays, own: false };

pub(super) static CLIENT: Client = Client {
    id: "kiro",
    name: "Kiro",
    format: Format::Json(JsonDialect { comments: true, trailing_commas: false }),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    processes: &["kiro", "Kiro", "kiro-cli", "kiro-cli-chat"],
    program: Program {
        bundle: Some("Kiro"),
        versions: &[Version::Bundle, Version::Product { program: "kiro", folder: "Kiro", field: "version" }],
        ends: Ends::Windows,
        ..Program::BASE
    },
    restart: false,
    starts: Starts { fills: FILLS, ..Starts::EDITOR },
    locate,
    entry: bridge,
    refuses: |value| {
        let known = has_text(value, &["command", "url"]) || value.get("type").is_some_and(|kind| kind == "registry");
        (!known).then_some("Kiro wants a command or an address.")
    },
    off: Some(("disabled", true)),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let folder = host.home.join(".kiro");
    let program = is_there(host, "kiro", "Kiro") || find_program(host, "kiro-cli").is_some();
    Location { installed: folder.is_dir() || program, path: folder.join("settings").join("mcp.json"), why: None }
}
