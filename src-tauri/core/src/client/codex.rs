//! Codex: `$CODEX_HOME/config.toml`, TOML, `[mcp_servers.NAME]`.
//!
//! One bad entry makes the whole file fail to load (run with 0.169.0): neither or both of `url` and `command`, or a
//! value of the wrong type. Programs start with a bare environment, without a session bus. `codex mcp add` rewrites
//! every entry and drops comments (openai/codex#45432), so the file is edited in place.

use serde_json::Value;

use super::{Client, Ends, Location, Program, Version, bridge, find_program};
use crate::connection::Wiring;
use crate::document::Format;
use crate::host::Host;

pub(super) static CLIENT: Client = Client {
    id: "codex",
    name: "Codex",
    format: Format::Toml,
    table: &["mcp_servers"],
    wirings: &[Wiring::Bridge],
    processes: &["codex"],
    program: Program {
        package: Some("@openai/codex"),
        // The extension for editors brings its own.
        lies_at: |path| !path.contains("/extensions/"),
        versions: &[Version::Package("codex")],
        ends: Ends::Terminal("/quit"),
        ..Program::BASE
    },
    restart: true,
    locate,
    accepts_name: |name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:@/.".contains(&byte))
    },
    entry: bridge,
    refuses: |value| {
        let has = |key: &str| value.get(key).is_some_and(Value::is_string);
        (has("command") == has("url")).then_some("Codex wants either a command or an address.")
    },
    all_or_nothing: true,
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let (folder, why) = match host.var_path("CODEX_HOME") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.join(".codex"), None),
    };
    let installed = folder.is_dir() || find_program(host, "codex").is_some();
    Location { path: folder.join("config.toml"), why, installed }
}
