//! Cline: `~/.cline/data/settings/cline_mcp_settings.json`, strict JSON, `mcpServers`.
//!
//! Since June 2026 its command line and its extensions for editors share this file; the old one of the extension in VS
//! Code's `globalStorage` is brought over at the first start
//! (`apps/vscode/src/hosts/vscode/mcp-settings-legacy-migration.ts`), so the old one counts only while there is no new
//! one. `CLINE_MCP_SETTINGS_PATH`, `CLINE_DATA_DIR` and `CLINE_DIR` move it (`sdk/packages/shared/src/storage/paths.ts`).
//! One entry that it cannot read makes the whole file unreadable for it; both ways of writing one, flat and under
//! `transport`, are in `sdk/packages/core/src/extensions/mcp/config-loader.ts`, as is its lock: a folder with an owner's
//! mark in it. The file is watched. A byte order mark makes it unreadable (run with 3.0.65).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::shape::{has_text, is_flag, is_one_of, is_text_table, is_texts};
use super::{
    AppLock, Asks, Candidate, Client, Direct, Location, Passes, Program, Starts, Version, bridge, find_program, starts,
    vscode,
};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

const FILE: &str = "cline_mcp_settings.json";

pub(super) static CLIENT: Client = Client {
    id: "cline",
    name: "Cline",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge],
    // In an editor it has no process of its own.
    processes: &["cline"],
    program: Program {
        package: Some("cline"),
        versions: &[Version::Package("cline"), Version::Extension("saoudrizwan.claude-dev")],
        ..Program::BASE
    },
    restart: false,
    starts: Starts { passes: Passes::Few(starts::few_of_the_library), asks, ..Starts::EDITOR },
    locate,
    others: |host| others(host, "saoudrizwan.claude-dev", FILE),
    // The flat way is read by old and new versions alike.
    entry: bridge,
    direct: Direct::typed("streamableHttp"),
    refuses: |value| (!fits(value)).then_some("Cline cannot read an entry of this shape, and then it reads none."),
    all_or_nothing: true,
    lock: Some(AppLock { folder: beside, marked: true }),
    takes_mark: false,
    off: Some(("disabled", true)),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    if let Some(file) = host.var_path("CLINE_MCP_SETTINGS_PATH") {
        return Location { path: file, why: Some("env"), installed: true };
    }
    let moved = host.var_path("CLINE_DATA_DIR").or_else(|| Some(host.var_path("CLINE_DIR")?.join("data")));
    let why = moved.as_ref().map(|_| "env");
    let data = moved.unwrap_or_else(|| host.home.join(".cline").join("data"));
    let path = data.join("settings").join(FILE);
    let extension = vscode::user_folder(host, "Code").0.join("globalStorage").join("saoudrizwan.claude-dev");
    let older = extension.join("settings").join(FILE);
    if !path.exists() && older.is_file() {
        return Location { path: older, why: None, installed: true };
    }
    let installed = data.is_dir() || extension.is_dir() || find_program(host, "cline").is_some();
    Location { path, why, installed }
}

/// The files that an extension has in the editors that are built on VS Code.
pub(super) fn others(host: &Host, extension: &str, file: &str) -> Vec<Candidate> {
    const EDITORS: &[(&str, &str)] = &[
        ("Code", "VS Code"),
        ("Code - Insiders", "VS Code Insiders"),
        ("VSCodium", "VSCodium"),
        ("Cursor", "Cursor"),
        ("Windsurf", "Windsurf"),
    ];
    let of = |(folder, name): &(&str, &str)| {
        let extension = vscode::user_folder(host, folder).0.join("globalStorage").join(extension);
        let path = extension.join("settings").join(file);
        path.is_file().then(|| Candidate::named(path, "editor", *name))
    };
    EDITORS.iter().filter_map(of).collect()
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".lock");
    file.with_file_name(name)
}

/// Whether an entry fits one of the three shapes of its schema.
fn fits(entry: &Value) -> bool {
    if !(entry.is_object() && is_flag(entry, "disabled") && entry.get("metadata").is_none_or(Value::is_object)) {
        return false;
    }
    if let Some(transport) = entry.get("transport") {
        return match transport.get("type").and_then(Value::as_str) {
            Some("stdio") => is_program(transport),
            Some("sse" | "streamableHttp") => is_remote(transport),
            _ => false,
        };
    }
    // `http` is known under the older name of the field only.
    let types = is_one_of(entry, "type", &["stdio", "sse", "streamableHttp"])
        && is_one_of(entry, "transportType", &["stdio", "sse", "http", "streamableHttp"]);
    let named = entry.get("type").or_else(|| entry.get("transportType")).and_then(Value::as_str);
    types
        && (is_program(entry) && matches!(named, None | Some("stdio"))
            || is_remote(entry) && !matches!(named, Some("stdio")))
}

/// An address without a type is one of `sse`. Whether the other type falls back to that is not known.
fn asks(entry: &Value) -> Asks {
    let kind = match entry.get("transport") {
        Some(transport) => transport.get("type"),
        None => entry.get("type").or_else(|| entry.get("transportType")),
    };
    if kind.is_none_or(|kind| kind == "sse") { Asks::Streams } else { Asks::Either }
}

fn is_program(table: &Value) -> bool {
    has_text(table, &["command"]) && is_texts(table, "args") && is_text_table(table, "env")
}

fn is_remote(table: &Value) -> bool {
    let url = table.get("url").and_then(Value::as_str);
    url.is_some_and(|url| url::Url::parse(url).is_ok()) && is_text_table(table, "headers")
}
