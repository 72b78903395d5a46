//! Goose: `~/.config/goose/config.yaml`, `%APPDATA%\Block\goose\config\config.yaml` on Windows, YAML, `extensions`.
//!
//! `XDG_CONFIG_HOME` moves it on macOS too, and an absolute `GOOSE_PATH_ROOT` everywhere
//! (`crates/goose/src/config/paths.rs` of aaif-goose/goose). An entry without `enabled`, `type`, `name`, or a program's
//! `cmd` and `args`, is skipped (`agents/extension.rs`, `config/extensions.rs`); `sse` is not supported any more. When
//! the user switches an entry on or off, Goose writes that entry under a key made of its `name`, in small letters, and
//! with all fields: so ours has them from the start. A file that it cannot read counts as empty, and is lost with the
//! next change that it makes. Read at the start of a session.

use std::path::Path;

use serde_json::{Value, json};

use super::shape::{has_text, is_flag, is_text, is_text_table, is_texts};
use super::{Asks, Client, Direct, EntrySpec, Location, Starts, is_there};
use crate::connection::Wiring;
use crate::document::{Format, YamlTable};
use crate::host::{Host, Platform};

pub(super) static CLIENT: Client = Client {
    id: "goose",
    name: "Goose",
    format: Format::Yaml(YamlTable::Keyed),
    table: &["extensions"],
    wirings: &[Wiring::Bridge],
    processes: &["goose", "goosed", "Goose"],
    restart: true,
    starts: Starts { asks: |_| Asks::Posts, ..Starts::SHELL },
    locate,
    accepts_name: |name| {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        !name.is_empty() && name.bytes().all(fine)
    },
    entry: |spec| matches!(spec.wiring, Wiring::Bridge).then(|| entry(spec)),
    refuses: |value| (!fits(value)).then_some("Goose skips an entry of this shape."),
    direct: Direct::Goose,
    off: Some(("enabled", false)),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let moved = host.var_path("GOOSE_PATH_ROOT").filter(|root| Path::is_absolute(root));
    let why = moved.as_ref().map(|_| "env");
    let folder = match (moved, host.platform) {
        (Some(root), _) => root.join("config"),
        (None, Platform::Windows) => host.config_dir().join("Block").join("goose").join("config"),
        (None, Platform::Linux | Platform::MacOs) => {
            host.var_path("XDG_CONFIG_HOME").unwrap_or_else(|| host.home.join(".config")).join("goose")
        }
    };
    // Another program, for databases, is called `goose` too.
    let installed = folder.is_dir() || is_there(host, "goosed", "Goose");
    Location { path: folder.join("config.yaml"), why, installed }
}

fn entry(spec: &EntrySpec<'_>) -> Value {
    json!({
        "enabled": true,
        "type": "stdio",
        "name": spec.connection,
        "description": "",
        "cmd": spec.program.to_string_lossy(),
        "args": ["bridge", spec.connection],
        "envs": {},
        "env_keys": [],
        "timeout": 300,
        "bundled": null,
        "available_tools": [],
    })
}

/// Whether all fields that a program or an address has have the types of its own structure.
fn fits(entry: &Value) -> bool {
    let start = match entry.get("type").and_then(Value::as_str) {
        Some("stdio") => has_text(entry, &["cmd"]) && entry.get("args").is_some() && is_texts(entry, "args"),
        Some("streamable_http") => has_text(entry, &["uri"]) && is_text_table(entry, "headers"),
        kind => return kind.is_some_and(|kind| kind != "sse"),
    };
    let timeout = entry.get("timeout").is_none_or(|timeout| timeout.is_null() || timeout.is_u64());
    let described = entry.get("description").is_none_or(|words| words.is_null() || words.is_string());
    let lists = ["env_keys", "available_tools"].iter().all(|key| is_texts(entry, key));
    let enabled = entry.get("enabled").is_some() && is_flag(entry, "enabled");
    start && enabled && timeout && described && lists && is_text(entry, "name") && is_text_table(entry, "envs")
}
