//! Amazon Q Developer: `~/.aws/amazonq/mcp.json`, strict JSON, `mcpServers`.
//!
//! A comment makes it discard the file (aws/amazon-q-developer-cli#2082), and so does one field of another type than the
//! expected, in any entry: the file is read in one go into `CustomToolConfig`
//! (`crates/chat-cli/src/cli/chat/tools/custom_tool.rs`). `disabled` switches off. Read at the start of a chat. Its
//! command line went on as Kiro CLI, which reads Kiro's file. An agent of its own in `cli-agents` may say that it does
//! not use this file.

use serde_json::Value;

use super::shape::{is_flag, is_one_of, is_text, is_text_table, is_texts};
use super::{Client, Direct, Ends, Fills, Form, Location, Program, Starts, Unset, bridge, find_program};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// Its placeholders (aws/amazon-q-developer-cli#3646).
const FILLS: Fills = Fills { forms: &[Form::Env], unset: Unset::Stays, unset_in_headers: Unset::Stays, own: false };

pub(super) static CLIENT: Client = Client {
    id: "amazon-q",
    name: "Amazon Q",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    // Its starter `q` shares its name with other programs.
    processes: &["qchat"],
    program: Program { ends: Ends::Terminal("/quit"), ..Program::BASE },
    restart: true,
    starts: Starts { fills: FILLS, ..Starts::SHELL },
    locate,
    entry: bridge,
    direct: Direct::typed("http"),
    refuses: |value| (!fits(value)).then_some("Amazon Q cannot read an entry of this shape, and then it reads none."),
    all_or_nothing: true,
    off: Some(("disabled", true)),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let folder = host.home.join(".aws").join("amazonq");
    let installed = folder.is_dir() || find_program(host, "qchat").is_some();
    Location { path: folder.join("mcp.json"), why: None, installed }
}

/// Whether all fields have the types of its own structure.
fn fits(entry: &Value) -> bool {
    entry.is_object()
        && is_one_of(entry, "type", &["stdio", "http"])
        && ["command", "url"].iter().all(|key| is_text(entry, key))
        && ["args", "oauthScopes"].iter().all(|key| is_texts(entry, key))
        && is_text_table(entry, "headers")
        && (is_text_table(entry, "env") || entry["env"].is_null())
        && entry.get("timeout").is_none_or(Value::is_u64)
        && is_flag(entry, "disabled")
}
