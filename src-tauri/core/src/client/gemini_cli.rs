//! Gemini CLI: `~/.gemini/settings.json`, JSON with comments but without trailing commas, `mcpServers`.
//!
//! It takes comments out and hands the rest to `JSON.parse`; a mistake ends the program with an error
//! (`packages/cli/src/config/settings.ts`), and so does a byte order mark (run). `GEMINI_CLI_HOME` stands for the home folder. A remote entry is `httpUrl`, or
//! `url` with `type`; `disabled` is not known and the entry is loaded all the same; names may not hold `_`, because the
//! names of tools are cut there. In a folder that is not trusted it starts no server at all. `gemini mcp add` writes
//! filled-in secrets into the file, so it is never called (run with 0.61.0).

use serde_json::Value;

use super::shape::has_text;
use super::{
    Asks, Client, Direct, Ends, Fills, Form, Location, Passes, Program, Starts, Unset, Version, bridge, find_program,
};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// A missing variable stays in a program's words (run with 0.61.0).
const FILLS: Fills = Fills {
    forms: &[Form::Dollar, Form::Braces, Form::Otherwise],
    unset: Unset::Stays,
    unset_in_headers: Unset::Empty,
    own: false,
};

pub(super) static CLIENT: Client = Client {
    id: "gemini-cli",
    name: "Gemini CLI",
    format: Format::Json(JsonDialect { comments: true, trailing_commas: false }),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    // Not sure: it is a Node program, which some systems show as `node`.
    processes: &["gemini"],
    program: Program {
        package: Some("@google/gemini-cli"),
        versions: &[Version::Package("gemini")],
        ends: Ends::Terminal("/quit"),
        ..Program::BASE
    },
    restart: true,
    starts: Starts { passes: Passes::NoSecrets, fills: FILLS, asks_newest: false, asks, sure: true, ..Starts::SHELL },
    locate,
    accepts_name: |name| !name.is_empty() && !name.contains('_'),
    entry: bridge,
    direct: Direct::Remote { kind: None, url: "httpUrl", headers: "headers", tools: false },
    refuses: |value| {
        let known = has_text(value, &["command", "httpUrl", "url", "tcp"]);
        (!known).then_some("Gemini CLI wants a command or an address.")
    },
    takes_mark: false,
    ..Client::BASE
};

/// `sse` beside a `url` means that alone; all others are posted to (run with 0.61.0).
fn asks(value: &Value) -> Asks {
    let streams = value.get("httpUrl").is_none() && value["type"] == "sse";
    if streams { Asks::Streams } else { Asks::Posts }
}

fn locate(host: &Host) -> Location {
    let (home, why) = match host.var_path("GEMINI_CLI_HOME") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.clone(), None),
    };
    let folder = home.join(".gemini");
    let installed = folder.join("settings.json").is_file() || find_program(host, "gemini").is_some();
    Location { path: folder.join("settings.json"), why, installed }
}
