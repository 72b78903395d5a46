//! VS Code and VS Code Insiders: `User/mcp.json` of the default profile, JSON with comments, `servers`.
//!
//! An entry names its `type`. A change is seen at once (microsoft/vscode#252516, fixed in June 2025); VS Code then asks
//! whether the server is trusted. The file knows no switch for "off" (vendor's documentation). Where the folder is:
//! `src/vs/platform/environment/node/userDataPath.ts`, with `VSCODE_PORTABLE` before `VSCODE_APPDATA` before the
//! system's own place. Other profiles have files of their own in `User/profiles`, unless they are set to share the default
//! one's (`userDataProfiles` in `globalStorage/storage.json`); the default one counts unless the user chooses.

use std::path::PathBuf;

use serde_json::Value;

use super::shape::has_text;
use super::{
    Candidate, Client, Direct, Ends, EntrySpec, Fills, Form, Location, Program, Starts, Unset, Version, is_there,
};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::Host;

/// Its placeholders (vendor's documentation).
const FILLS: Fills = Fills {
    forms: &[Form::Env, Form::Editor, Form::Input],
    unset: Unset::Empty,
    unset_in_headers: Unset::Empty,
    own: false,
};
const STARTS: Starts = Starts { fills: FILLS, takes_env_file: true, ..Starts::EDITOR };

pub(super) static STABLE: Client = Client {
    id: "vscode",
    name: "VS Code",
    format: Format::Json(JsonDialect::JSONC),
    table: &["servers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    // On macOS the program itself is called `Electron`, as many others are; its helpers bear its name.
    processes: &["code", "Code", "Code Helper", "Code Helper (Plugin)"],
    program: Program {
        bundle: Some("Visual Studio Code"),
        versions: &[
            Version::Bundle,
            Version::Product { program: "code", folder: "Microsoft VS Code", field: "version" },
        ],
        ends: Ends::Windows,
        ..Program::BASE
    },
    restart: false,
    starts: STARTS,
    locate: |host| locate(host, "Code", "code", "Visual Studio Code"),
    others: |host| profiles(host, "Code"),
    entry,
    direct: Direct::typed("http"),
    refuses,
    ..Client::BASE
};

pub(super) static INSIDERS: Client = Client {
    id: "vscode-insiders",
    name: "VS Code Insiders",
    format: Format::Json(JsonDialect::JSONC),
    table: &["servers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    processes: &["code-insiders", "Code - Insiders", "Code - Insiders Helper", "Code - Insiders Helper (Plugin)"],
    program: Program {
        bundle: Some("Visual Studio Code - Insiders"),
        versions: &[
            Version::Bundle,
            Version::Product { program: "code-insiders", folder: "Microsoft VS Code Insiders", field: "version" },
        ],
        ends: Ends::Windows,
        ..Program::BASE
    },
    restart: false,
    starts: STARTS,
    locate: |host| locate(host, "Code - Insiders", "code-insiders", "Visual Studio Code - Insiders"),
    others: |host| profiles(host, "Code - Insiders"),
    entry,
    direct: Direct::typed("http"),
    refuses,
    ..Client::BASE
};

/// The folder of the default profile, and whether a variable moved it.
pub(super) fn user_folder(host: &Host, product: &str) -> (PathBuf, Option<&'static str>) {
    if let Some(portable) = host.var_path("VSCODE_PORTABLE") {
        return (portable.join("user-data").join("User"), Some("env"));
    }
    if let Some(moved) = host.var_path("VSCODE_APPDATA") {
        return (moved.join(product).join("User"), Some("env"));
    }
    (host.config_dir().join(product).join("User"), None)
}

fn locate(host: &Host, product: &str, program: &str, bundle: &str) -> Location {
    let (folder, why) = user_folder(host, product);
    let installed = folder.is_dir() || is_there(host, program, bundle);
    Location { path: folder.join("mcp.json"), why, installed }
}

/// The files of profiles other than the default one.
fn profiles(host: &Host, product: &str) -> Vec<Candidate> {
    let (folder, _) = user_folder(host, product);
    let stored = std::fs::read(folder.join("globalStorage").join("storage.json")).unwrap_or_default();
    let stored: Value = serde_json::from_slice(&stored).unwrap_or_default();
    let profile = |profile: &Value| {
        // Older versions wrote the folder's whole address here.
        let place = profile.get("location")?.as_str()?;
        let shares = profile.pointer("/useDefaultFlags/mcp").and_then(Value::as_bool) == Some(true);
        let plain = !shares && !place.is_empty() && !place.contains(['/', '\\', ':']) && place != "..";
        let path = folder.join("profiles").join(place).join("mcp.json");
        plain.then(|| Candidate::named(path, "profile", profile.get("name").and_then(Value::as_str).unwrap_or(place)))
    };
    let known = stored.get("userDataProfiles").and_then(Value::as_array);
    known.into_iter().flatten().filter_map(profile).collect()
}

fn entry(spec: &EntrySpec<'_>) -> Option<Value> {
    matches!(spec.wiring, Wiring::Bridge).then(|| spec.bridge_with(&[("type", "stdio".into())], &[]))
}

fn refuses(value: &Value) -> Option<&'static str> {
    (!has_text(value, &["command", "url"])).then_some("VS Code wants a command or an address.")
}
