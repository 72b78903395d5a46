//! Claude Code, user scope: `~/.claude.json`, strict JSON, `mcpServers`.
//!
//! `CLAUDE_CONFIG_DIR` moves the file. The program writes under a lock folder, `~/.claude.json.lock`, and calls a file
//! with a comment corrupted (run with 2.1.329). `headersHelper` is a shell command whose output is one JSON object of
//! headers; a `url` without `type` is skipped.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::claude_desktop::is_desktop;
use super::{AppLock, Client, Ends, EntrySpec, Location, Program, Version, find_program};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

pub(super) static CLIENT: Client = Client {
    id: "claude-code",
    name: "Claude Code",
    format: Format::Json(JsonDialect::STRICT),
    table: &["mcpServers"],
    wirings: &[Wiring::Bridge, Wiring::HeadersHelper],
    processes: &["claude"],
    program: Program {
        package: Some("@anthropic-ai/claude-code"),
        lies_at: |path| !is_kept_by_another(path),
        versions: &[Version::LinkName("claude"), Version::Package("claude")],
        ends: Ends::Terminal("/exit"),
        ..Program::BASE
    },
    restart: true,
    locate,
    // Its command line takes `[A-Za-z0-9_-]`; `workspace` is reserved.
    accepts_name: |name| {
        !name.is_empty()
            && name != "workspace"
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    },
    entry: |spec| Some(entry(spec)),
    refuses: |value| {
        let untyped = value.get("url").is_some() && value.get("type").is_none();
        untyped.then_some("Claude Code skips an address without a type.")
    },
    lock: Some(AppLock { folder: lock_folder, marked: false }),
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

fn entry(spec: &EntrySpec<'_>) -> Value {
    match spec.wiring {
        Wiring::Bridge => spec.bridge(),
        Wiring::HeadersHelper => {
            json!({ "type": "http", "url": spec.url, "headersHelper": spec.headers_command() })
        }
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
