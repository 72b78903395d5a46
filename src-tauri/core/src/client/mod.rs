//! The AI apps: where an app's file is, how an entry looks in its dialect. Data and pure functions.
//!
//! Each app is one [`Client`] value in a file of its own; nothing else in Patchbay knows an app by name. Sources of the
//! facts are named in each file.

mod amazon_q;
mod candidate;
mod claude_code;
mod claude_desktop;
mod cline;
mod codex;
mod continue_dev;
mod copilot_cli;
mod cursor;
mod direct;
mod entry;
mod gemini_cli;
mod goose;
mod kiro;
mod lm_studio;
mod locate;
mod program;
mod roo_code;
mod scope;
mod shape;
mod snippet;
mod starts;
mod version;
mod vscode;
mod windsurf;
mod zed;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::error::{Code, Error, Result};
use crate::host::Host;

pub use candidate::{Candidate, is_in_wsl, seen_from_wsl};
pub use direct::Direct;
pub(crate) use entry::words_of;
pub use entry::{Entry, EntrySpec, read_entry};
pub use locate::find_program;
use locate::is_there;
pub use program::{Ends, Program, Version};
pub use scope::{Scope, Scopes, Source};
pub use snippet::snippet;
pub use starts::{Asks, Fills, Folder, Form, HeadersHelper, Passes, StartedBy, Starts, Unset};
pub(crate) use version::slashed;
pub use version::{bundle_of, property, version, version_below};

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
    /// What else is known of its program.
    pub program: Program,
    /// How it starts the programs in its file.
    pub starts: Starts,
    /// Whether it must be restarted to see a new entry.
    pub restart: bool,
    /// Where its file is on a machine by the app's own rule; see [`Client::location`].
    pub locate: fn(&Host) -> Location,
    /// Further files that it may read: of another copy, of another profile, at an older place.
    pub others: fn(&Host) -> Vec<Candidate>,
    /// Whether it accepts an entry's name.
    pub accepts_name: fn(&str) -> bool,
    /// How an entry of ours looks in its dialect; absent where it does not take the wiring.
    pub entry: fn(&EntrySpec<'_>) -> Option<Value>,
    /// How an entry looks that works without Patchbay.
    pub direct: Direct,
    /// What it would refuse about an entry, checked before writing: one bad entry can take a whole file down.
    pub refuses: fn(&Value) -> Option<&'static str>,
    /// Whether one entry that it refuses makes it refuse the whole file.
    pub all_or_nothing: bool,
    /// Whether it reads a file that begins with a byte order mark, as Notepad may write one.
    pub takes_mark: bool,
    /// The lock that it takes while it writes, where it does.
    pub lock: Option<AppLock>,
    /// Its scopes beside the user's own, where it has any.
    pub scopes: Option<Scopes>,
    /// What a new file of its has to begin with; empty where an entry is enough.
    pub template: &'static str,
    /// Why its file at a path is not to be written although it could be.
    pub hindrance: fn(&Path) -> Option<&'static str>,
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
    /// reads its own copy), `chosen` (the user said so).
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
    &goose::CLIENT,
    &continue_dev::CLIENT,
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
        program: Program::BASE,
        starts: Starts::BASE,
        restart: false,
        locate: |host| Location { path: host.home.clone(), why: None, installed: false },
        others: |_| Vec::new(),
        accepts_name: any_name,
        entry: bridge,
        direct: Direct::PLAIN,
        refuses: |_| None,
        all_or_nothing: false,
        takes_mark: true,
        lock: None,
        scopes: None,
        template: "",
        hindrance: |_| None,
        off: None,
    };
}

impl Client {
    /// The entry with which it speaks to a service itself and has its user sign in by itself; absent where it cannot. No
    /// header of it holds a token.
    pub fn plain_entry(&self, name: &str, url: &str, headers: &[(String, String)]) -> Option<Value> {
        self.wirings.contains(&Wiring::ClientOauth).then(|| self.direct.entry(name, url, headers))
    }
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
