//! Claude Code: `~/.claude.json`, strict JSON, `mcpServers`; per folder `projects.FOLDER.mcpServers` in the same file for
//! the user alone (local scope), and `FOLDER/.mcp.json` for all who work there (project scope). An administrator's
//! `managed-mcp.json` is read only. Of the same name, local counts before project before user (vendor's documentation).
//!
//! `CLAUDE_CONFIG_DIR` moves the file. The program writes under a lock folder, `~/.claude.json.lock`, and calls a file
//! with a comment corrupted (run with 2.1.329). `headersHelper` is a shell command whose output is one JSON object of
//! headers; a `url` without `type` is skipped. `type: http` falls back to a stream of 2024-11-05, `type: sse` knows nothing
//! else.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::claude_desktop::is_desktop;
use super::scope::keys;
use super::{
    AppLock, Asks, Client, Direct, Ends, EntrySpec, Fills, Form, HeadersHelper, Location, Passes, Program, Scope,
    Scopes, Source, Starts, Unset, Version, find_program,
};
use crate::connection::Wiring;
use crate::document::{Document, Format, JsonDialect};
use crate::host::{Host, Platform};

/// Also in the user's own scope; a missing variable stays as it is written (run with 2.1.329).
const FILLS: Fills =
    Fills { forms: &[Form::Braces, Form::Otherwise], unset: Unset::Stays, unset_in_headers: Unset::Stays, own: false };

/// A program gets all its variables; `headersHelper` is told the entry's name and address (run with 2.1.329).
const STARTS: Starts = Starts {
    fills: FILLS,
    takes_folder: false,
    adds: &[("CLAUDECODE", "1")],
    asks: |value| if value["type"] == "sse" { Asks::Streams } else { Asks::Either },
    headers_helper: Some(HeadersHelper {
        field: "headersHelper",
        passes: Passes::Everything,
        told: Some(("CLAUDE_CODE_MCP_SERVER_NAME", "CLAUDE_CODE_MCP_SERVER_URL")),
    }),
    sure: true,
    ..Starts::SHELL
};

pub(super) static CLIENT: Client = Client {
    id: "claude-code",
    name: "Claude Code",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge, Wiring::HeadersHelper, Wiring::ClientOauth],
    processes: &["claude"],
    program: Program {
        package: Some("@anthropic-ai/claude-code"),
        lies_at: |path| !is_kept_by_another(path),
        versions: &[Version::LinkName("claude"), Version::Package("claude")],
        ends: Ends::Terminal("/exit"),
        ..Program::BASE
    },
    restart: true,
    starts: STARTS,
    locate,
    // Its command line takes `[A-Za-z0-9_-]`; `workspace` is reserved.
    accepts_name: |name| {
        !name.is_empty()
            && name != "workspace"
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    },
    entry,
    direct: Direct::typed("http"),
    refuses: |value| {
        let untyped = value.get("url").is_some() && value.get("type").is_none();
        untyped.then_some("Claude Code skips an address without a type.")
    },
    lock: Some(AppLock { folder: lock_folder, marked: false }),
    scopes: Some(Scopes { source, known }),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let (folder, why) = match host.var_path("CLAUDE_CONFIG_DIR") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.clone(), None),
    };
    let path = folder.join(".claude.json");
    let used = path.exists() || (why.is_some() && folder.is_dir()) || host.home.join(".claude").is_dir();
    Location { installed: used || find_program(host, "claude").is_some(), path, why }
}

fn entry(spec: &EntrySpec<'_>) -> Option<Value> {
    match spec.wiring {
        Wiring::Bridge => Some(spec.bridge()),
        Wiring::HeadersHelper => {
            Some(json!({ "type": "http", "url": spec.url, "headersHelper": spec.headers_command() }))
        }
        Wiring::Run | Wiring::ClientOauth => None,
    }
}

/// Whether another program brought this copy along: the desktop app, or the extension for editors. Nobody typed its name
/// in a terminal, so it is neither a session of Claude Code nor ended in one. The path is in lower case, with `/`.
fn is_kept_by_another(path: &str) -> bool {
    is_desktop(path) || ["/claude/claude-code/", "/claude.app/", "/extensions/"].iter().any(|part| path.contains(part))
}

fn lock_folder(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".lock");
    file.with_file_name(name)
}

const TABLE: &str = "mcpServers";

fn source(host: &Host, scope: &Scope, main: &Path) -> Option<Source> {
    let (path, table) = match scope {
        Scope::User => return None,
        Scope::Local(folder) => (main.to_path_buf(), keys(&["projects", folder, TABLE])),
        Scope::Project(folder) => (Path::new(folder).join(".mcp.json"), keys(&[TABLE])),
        Scope::Managed => (managed_file(host), keys(&[TABLE])),
    };
    Some(Source { scope: scope.clone(), path, table })
}

/// The folders it has been used in stand in the user's own file.
fn known(host: &Host, document: &Document) -> Vec<Scope> {
    let folders = document.keys_with(&["projects"], TABLE);
    let locals = folders.iter().filter(|(_, filled)| *filled).map(|(folder, _)| Scope::Local(folder.clone()));
    let shared = folders.iter().filter(|(folder, _)| Path::new(folder).join(".mcp.json").is_file());
    let managed = managed_file(host).is_file().then_some(Scope::Managed);
    locals.chain(shared.map(|(folder, _)| Scope::Project(folder.clone()))).chain(managed).collect()
}

/// Read out of the program, 2.1.329; not run.
fn managed_file(host: &Host) -> PathBuf {
    let folder = match host.platform {
        Platform::Linux => "/etc/claude-code",
        Platform::MacOs => "/Library/Application Support/ClaudeCode",
        Platform::Windows => r"C:\Program Files\ClaudeCode",
    };
    PathBuf::from(folder).join("managed-mcp.json")
}
