//! Continue: `~/.continue/config.yaml`, YAML, the list `mcpServers`, whose items bear their `name`.
//!
//! `CONTINUE_GLOBAL_DIR` moves the folder (`core/util/paths.ts`). The file begins with a name and a version, and one
//! item of another shape than the expected makes it refuse the whole file (`packages/config-yaml/src/schemas`; run with
//! its command line, cn 1.5.47); an item may also point to a block elsewhere with `uses`. While there is no
//! `config.yaml`, an older `config.json` counts; making the new file would put the older one out of use. There is no
//! switch for "off".

use std::path::Path;

use serde_json::Value;

use super::shape::{has_text, is_one_of, is_text, is_text_table, is_texts};
use super::{Asks, Client, Direct, EntrySpec, Fills, Form, Location, Starts, Unset, find_program};
use crate::connection::Wiring;
use crate::document::{Format, YamlTable};
use crate::host::Host;

/// From its own variables or `.continue/.env` (run with cn 1.5.47).
const FILLS: Fills = Fills { forms: &[Form::Secrets], unset: Unset::Stays, unset_in_headers: Unset::Stays, own: false };

pub(super) static CLIENT: Client = Client {
    id: "continue",
    name: "Continue",
    format: Format::Yaml(YamlTable::Named("name")),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    // In an editor it has no process of its own; its command line is a Node program, which some systems show as `node`.
    processes: &["cn"],
    restart: true,
    starts: Starts { fills: FILLS, asks_newest: false, asks, sure: true, ..Starts::SHELL },
    locate,
    entry: |spec| matches!(spec.wiring, Wiring::Bridge).then(|| entry(spec)),
    refuses: |value| (!fits(value)).then_some("Continue cannot read an entry of this shape, and then it reads none."),
    all_or_nothing: true,
    template: "name: Local Config\nversion: 1.0.0\nschema: v1\n",
    hindrance: |file| {
        (!file.exists() && older(file).is_file()).then_some(
            "Continue still reads its older settings file, config.json, and would stop reading it if config.yaml were made.",
        )
    },
    direct: Direct::Continue,
    ..Client::BASE
};

/// What it does with `streamable-http`, and without a type, is not known for sure.
fn asks(item: &Value) -> Asks {
    if item["type"] == "sse" { Asks::Streams } else { Asks::Either }
}

fn locate(host: &Host) -> Location {
    let (folder, why) = match host.var_path("CONTINUE_GLOBAL_DIR") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.join(".continue"), None),
    };
    let installed = folder.is_dir() || find_program(host, "cn").is_some();
    Location { path: folder.join("config.yaml"), why, installed }
}

fn older(file: &Path) -> std::path::PathBuf {
    file.with_file_name("config.json")
}

fn entry(spec: &EntrySpec<'_>) -> Value {
    spec.bridge_with(&[("name", spec.connection.into()), ("type", "stdio".into())], &[])
}

/// Whether an item is a program, an address, or a block elsewhere.
fn fits(item: &Value) -> bool {
    let program = has_text(item, &["command"])
        && is_one_of(item, "type", &["stdio"])
        && is_texts(item, "args")
        && is_text_table(item, "env")
        && is_text(item, "cwd");
    let remote = has_text(item, &["url"])
        && is_one_of(item, "type", &["sse", "streamable-http"])
        && is_text(item, "apiKey")
        && item.get("requestOptions").is_none_or(|options| options.is_object() && is_text_table(options, "headers"));
    has_text(item, &["uses"]) || has_text(item, &["name"]) && (program || remote)
}
