//! The AI apps: where an app's file is, how an entry looks in its dialect. Data and pure functions.
//!
//! Each app is one [`Client`] value in a file of its own; nothing else in Patchbay knows an app by name. Sources of the
//! facts are named in each file.

mod amazon_q;
mod claude_code;
mod claude_desktop;
mod cline;
mod codex;
mod copilot_cli;
mod cursor;
mod entry;
mod gemini_cli;
mod kiro;
mod lm_studio;
mod locate;
mod roo_code;
mod scope;
mod shape;
mod vscode;
mod windsurf;
mod zed;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::error::{Code, Error, Result};
use crate::host::Host;

pub use entry::{Entry, EntrySpec, read_entry};
pub use locate::find_program;
use locate::is_there;
pub use scope::{Scope, Scopes, Source};

/// One AI app, as rules.
pub struct Client {
    /// Its id on the command line and in records.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The dialect of its file.
    pub format: Format,
    /// The path of keys to the table of servers.
    pub table: &'static [&'static str],
    /// The wirings it takes, the default first.
    pub wirings: &'static [Wiring],
    /// Names of its processes, without `.exe`; `Claude` is the desktop app, `claude` the command line.
    pub processes: &'static [&'static str],
    /// Whether it must be restarted to see a new entry.
    pub restart: bool,
    /// Where its file is on a machine.
    pub locate: fn(&Host) -> Location,
    /// Whether it accepts an entry's name.
    pub accepts_name: fn(&str) -> bool,
    /// How an entry of ours looks in its dialect; absent where it does not take the wiring.
    pub entry: fn(&EntrySpec<'_>) -> Option<Value>,
    /// What it would refuse about an entry, checked before writing: one bad entry can take a whole file down.
    pub refuses: fn(&Value) -> Option<&'static str>,
    /// Whether one entry that it refuses makes it refuse the whole file.
    pub all_or_nothing: bool,
    /// The lock that it takes while it writes, where it does.
    pub lock: Option<AppLock>,
    /// Its scopes beside the user's own, where it has any.
    pub scopes: Option<Scopes>,
    /// The flag in an entry that switches it off, where it knows one.
    pub off: Option<(&'static str, bool)>,
}

/// An app's own lock: a folder beside its file.
#[derive(Debug, Clone, Copy)]
pub struct AppLock {
    /// Where it is, for a file.
    pub folder: fn(&Path) -> PathBuf,
    /// Whether its owner leaves a file in it, and an empty folder is nobody's.
    pub marked: bool,
}

/// Where an app's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file that the app reads, whether it exists or not.
    pub path: PathBuf,
    /// Why this one, as a code for the language files: `env` (a variable moves it), `store_copy` (the Store build
    /// reads its own copy).
    pub why: Option<&'static str>,
    /// Whether the app seems to be installed.
    pub installed: bool,
}

/// All apps, in the order in which they are shown.
pub static CLIENTS: &[&Client] = &[
    &claude_desktop::CLIENT,
    &claude_code::CLIENT,
    &codex::CLIENT,
    &cursor::CLIENT,
    &vscode::STABLE,
    &vscode::INSIDERS,
    &windsurf::CLIENT,
    &gemini_cli::CLIENT,
    &copilot_cli::CLIENT,
    &zed::CLIENT,
    &lm_studio::CLIENT,
    &cline::CLIENT,
    &roo_code::CLIENT,
    &kiro::CLIENT,
    &amazon_q::CLIENT,
];

/// An app by its id.
///
/// # Errors
/// `UnknownApp`, naming the apps there are.
pub fn find(id: &str) -> Result<&'static Client> {
    CLIENTS.iter().copied().find(|client| client.id == id).ok_or_else(|| {
        Error::new(Code::UnknownApp, format!("Patchbay knows no app \"{id}\".")).hint(format!("Use one of: {}.", ids()))
    })
}

/// The ids of all apps, to be read.
pub fn ids() -> String {
    CLIENTS.iter().map(|client| client.id).collect::<Vec<_>>().join(", ")
}

impl Client {
    /// What holds for an app unless its own file says otherwise: any name, any entry, no lock, no restart.
    const BASE: Self = Self {
        id: "",
        name: "",
        format: Format::Json(JsonDialect::STRICT),
        table: &["mcpServers"],
        wirings: &[Wiring::Bridge],
        processes: &[],
        restart: false,
        locate: |host| Location { path: host.home.clone(), why: None, installed: false },
        accepts_name: any_name,
        entry: bridge,
        refuses: |_| None,
        all_or_nothing: false,
        lock: None,
        scopes: None,
        off: None,
    };
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.id)
    }
}

/// Names that are safe in every app: `[a-z0-9-]`, not empty.
pub fn is_safe_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// For apps that take any name.
fn any_name(name: &str) -> bool {
    !name.is_empty()
}

/// For apps to which a command with its arguments is enough, and that take the bridge only.
fn bridge(spec: &EntrySpec<'_>) -> Option<Value> {
    matches!(spec.wiring, Wiring::Bridge).then(|| spec.bridge())
}
