//! Codex: `$CODEX_HOME/config.toml`, TOML, `[mcp_servers.NAME]`; per folder `FOLDER/.codex/config.toml`, which it reads
//! where its own file says that the folder is trusted (run with 0.169.0).
//!
//! One bad entry makes the whole file fail to load (run with 0.169.0): neither or both of `url` and `command`, or a
//! value of the wrong type. Programs start with a bare environment, without a session bus. `codex mcp add` rewrites
//! every entry and drops comments (openai/codex#45432), so the file is edited in place.

use std::path::Path;

use serde_json::Value;

use super::scope::keys;
use super::{
    Asks, Client, Direct, Ends, HeadersHelper, Location, Passes, Program, Scope, Scopes, Source, Starts, Version,
    bridge, find_program,
};
use crate::connection::Wiring;
use crate::document::{Document, Format};
use crate::host::{Host, Platform};

/// Programs get few variables, and the one that gives headers still fewer (run with 0.169.0).
const STARTS: Starts = Starts {
    passes: Passes::Few(few),
    cuts_at_blanks: true,
    asks_newest: false,
    asks: |_| Asks::Posts,
    headers_helper: Some(HeadersHelper {
        field: "http_headers_helper",
        passes: Passes::Few(|_| &["HOME", "PATH", "PWD"]),
        told: None,
    }),
    sure: true,
    ..Starts::SHELL
};

pub(super) static CLIENT: Client = Client {
    id: "codex",
    name: "Codex",
    format: Format::Toml,
    table: &["mcp_servers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
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
    starts: STARTS,
    locate,
    accepts_name: |name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:@/.".contains(&byte))
    },
    entry: bridge,
    direct: Direct::Remote { kind: None, url: "url", headers: "http_headers", tools: false },
    refuses: |value| {
        let has = |key: &str| value.get(key).is_some_and(Value::is_string);
        (has("command") == has("url")).then_some("Codex wants either a command or an address.")
    },
    all_or_nothing: true,
    scopes: Some(Scopes { source, known }),
    off: Some(("enabled", false)),
    ..Client::BASE
};

/// What a program gets of Codex's own variables (run with 0.169.0; on Windows not run).
fn few(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Windows => &[
            "PATH",
            "PATHEXT",
            "COMSPEC",
            "SYSTEMROOT",
            "SYSTEMDRIVE",
            "USERNAME",
            "USERPROFILE",
            "HOMEDRIVE",
            "HOMEPATH",
            "PROGRAMFILES",
            "LOCALAPPDATA",
            "APPDATA",
            "TEMP",
            "TMP",
        ],
        Platform::Linux | Platform::MacOs => {
            &["HOME", "PATH", "LANG", "SHELL", "TERM", "PWD", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"]
        }
    }
}

fn locate(host: &Host) -> Location {
    let (folder, why) = match host.var_path("CODEX_HOME") {
        Some(moved) => (moved, Some("env")),
        None => (host.home.join(".codex"), None),
    };
    let installed = folder.is_dir() || find_program(host, "codex").is_some();
    Location { path: folder.join("config.toml"), why, installed }
}

fn source(_: &Host, scope: &Scope, _: &Path) -> Option<Source> {
    let Scope::Project(folder) = scope else { return None };
    let path = Path::new(folder).join(".codex").join("config.toml");
    Some(Source { scope: scope.clone(), path, table: keys(&["mcp_servers"]) })
}

fn known(_: &Host, document: &Document) -> Vec<Scope> {
    let folders = document.keys_with(&["projects"], "trust_level").into_iter().map(|(folder, _)| folder);
    let trusted = |folder: &String| {
        Path::new(folder).join(".codex").join("config.toml").is_file()
            && document.get(&["projects", folder, "trust_level"]).is_some_and(|level| level == "trusted")
    };
    folders.filter(trusted).map(Scope::Project).collect()
}
