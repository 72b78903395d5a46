//! Patchbay's own state file, `state.json`: versioned, readable, never a secret's value.
//!
//! Every write goes through [`StateFile::update`]: lock, re-read, change, atomic replacement; so the window, the
//! command line and the bridge may all run at once. The state before is kept beside it as `state.json.bak`. A damaged
//! file is moved aside and rebuilt from the copy before; one written by a newer version is read-only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Connection;
use crate::api::view::{AsAppView, Settings};
use crate::error::{Code, Error, Result};
use crate::file::{self, Lock};
use crate::probe::Report;
use crate::quiet::Quiet;
use crate::secret::Key;
use crate::token::reminder::ShownReminders;

/// The version this program writes.
pub const VERSION: u32 = 1;

/// Everything Patchbay remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The format's version.
    pub version: u32,
    /// The installation's own random value, for fingerprints.
    pub salt: String,
    /// The user's choices.
    #[serde(default)]
    pub settings: Settings,
    /// The connections, in the order they were made.
    #[serde(default)]
    pub connections: Vec<Connection>,
    /// The last check of each connection, by id.
    #[serde(default)]
    pub checks: BTreeMap<String, Checked>,
    /// What is remembered of the checks that run by themselves.
    #[serde(default)]
    pub quiet: Quiet,
    /// What came of doing as the apps do, by entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_app: Vec<KeptAsApp>,
    /// What was already shown of each credential's reminders, by credential id.
    #[serde(default)]
    pub reminders: BTreeMap<String, ShownReminders>,
    /// Something about these records that the user has not dismissed yet.
    #[serde(default)]
    pub notice: Option<Error>,
    /// The keychain entries that may stand in both places for secrets while tokens are moved; see
    /// [`crate::secret::Key::named`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moving: Vec<String>,
    /// The keychain entries that are being made for a connection that is brought in, until it stands among the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub importing: Vec<String>,
}

/// A connection's last check, and the token that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The credential that was tried last: where there are several, the one that the verdict is about.
    #[serde(default)]
    pub token: Option<String>,
    /// What the check found.
    #[serde(flatten)]
    pub report: Report,
}

/// What came of doing as an app does with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAsApp {
    /// What came of it.
    #[serde(flatten)]
    pub view: AsAppView,
    /// The salted digest of the entry as it stood then.
    pub digest: String,
}

impl State {
    fn fresh() -> Self {
        Self {
            version: VERSION,
            salt: random_hex(16),
            settings: Settings::default(),
            connections: Vec::new(),
            checks: BTreeMap::new(),
            quiet: Quiet::default(),
            as_app: Vec::new(),
            reminders: BTreeMap::new(),
            notice: None,
            moving: Vec::new(),
            importing: Vec::new(),
        }
    }

    /// Every place in the keychain in which something of Patchbay's may stand.
    pub fn keys(&self) -> Vec<Key> {
        let of_all = self.settings.network.key();
        self.connections.iter().flat_map(Connection::keys).chain(of_all).collect()
    }

    /// A connection by id.
    ///
    /// # Errors
    /// `UnknownConnection`.
    pub fn connection(&self, id: &str) -> Result<&Connection> {
        self.connections.iter().find(|connection| connection.id == id).ok_or_else(|| unknown(id))
    }

    /// A connection by id, to change it.
    ///
    /// # Errors
    /// `UnknownConnection`.
    pub fn connection_mut(&mut self, id: &str) -> Result<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id).ok_or_else(|| unknown(id))
    }
}

/// `bytes` random bytes in hex.
pub fn random_hex(bytes: usize) -> String {
    let mut raw = vec![0_u8; bytes];
    // Without randomness nothing of Patchbay can work, and no system it runs on lacks it.
    getrandom::fill(&mut raw).expect("the system gives random bytes");
    raw.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unknown(id: &str) -> Error {
    Error::new(Code::UnknownConnection, format!("There is no connection \"{id}\"."))
        .hint("See the connections there are with: patchbay list")
}

/// The state file's place.
#[derive(Debug, Clone)]
pub struct StateFile {
    path: PathBuf,
}

/// What reading found besides the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The state.
    pub state: State,
    /// A problem to tell the user about: the file is damaged, or from a newer version.
    pub problem: Option<Error>,
}

impl StateFile {
    /// The state file in Patchbay's data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("state.json") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state, changing nothing. A damaged file reads as its last good copy, a newer one as far as it is
    /// understood, with a problem beside it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(&self) -> Result<Loaded> {
        let Some(bytes) = file::read_own(&self.path)? else {
            return Ok(Loaded { state: State::fresh(), problem: None });
        };
        match parse(&bytes) {
            Parsed::Good(state) => Ok(Loaded { state: *state, problem: None }),
            Parsed::Newer(version) => {
                let state = serde_json::from_slice(&bytes).unwrap_or_else(|_| State::fresh());
                Ok(Loaded { state, problem: Some(self.newer(version)) })
            }
            Parsed::Damaged(why) => Ok(Loaded { state: self.last_good()?, problem: Some(self.damaged(&why)) }),
        }
    }

    /// Changes the state under the lock and writes it, if `change` succeeds.
    ///
    /// A damaged file is moved aside first, never overwritten.
    ///
    /// # Errors
    /// What `change` answers; `StateNewer`; `FileBusy`; or the file cannot be written.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let _lock = Lock::take(&self.path.with_file_name("state.lock"))?;
        let loaded = self.load()?;
        if let Some(newer) = loaded.problem.as_ref().filter(|problem| problem.code == Code::StateNewer) {
            return Err(newer.clone());
        }
        let mut state = loaded.state.clone();
        let answer = change(&mut state)?;
        if loaded.problem.is_some() {
            self.set_aside()?;
        } else if state == loaded.state && self.path.exists() {
            return Ok(answer);
        } else if let Some(old) = file::read_own(&self.path)? {
            file::replace_private(&self.copy_path(), &old)?;
        }
        let mut text = serde_json::to_string_pretty(&state)
            .map_err(|error| Error::new(Code::Internal, format!("The state cannot be written: {error}")))?;
        text.push('\n');
        file::replace_private(&self.path, text.as_bytes())?;
        Ok(answer)
    }

    /// Whether changes can be written at all: asked before an app's file is touched.
    ///
    /// # Errors
    /// `StateNewer`.
    pub fn check_writable(&self) -> Result<()> {
        match self.load()?.problem {
            Some(newer) if newer.code == Code::StateNewer => Err(newer),
            _ => Ok(()),
        }
    }

    /// Makes the copy beside the state the same as the state: what stood in an older one is gone.
    ///
    /// # Errors
    /// `FileBusy`, or the copy cannot be written.
    pub fn renew_copy(&self) -> Result<()> {
        let _lock = Lock::take(&self.path.with_file_name("state.lock"))?;
        match file::read_own(&self.path)?.filter(|_| self.copy_path().exists()) {
            Some(now) if matches!(parse(&now), Parsed::Good(_)) => file::replace_private(&self.copy_path(), &now),
            _ => Ok(()),
        }
    }

    fn copy_path(&self) -> PathBuf {
        self.path.with_file_name("state.json.bak")
    }

    fn last_good(&self) -> Result<State> {
        let copy = file::read_own(&self.copy_path())?;
        Ok(match copy.as_deref().map(parse) {
            Some(Parsed::Good(state)) => *state,
            _ => State::fresh(),
        })
    }

    fn set_aside(&self) -> Result<()> {
        let stamp = jiff::Timestamp::now().as_second();
        let aside = self.path.with_file_name(format!("state.json.damaged-{stamp}-{}", random_hex(2)));
        std::fs::rename(&self.path, &aside).map_err(|error| Error::io(&self.path, &error))
    }

    fn newer(&self, version: u32) -> Error {
        Error::new(
            Code::StateNewer,
            format!("Patchbay's records were written by a newer version (format {version}); they are not changed."),
        )
        .at(&self.path)
        .hint("Update Patchbay.")
    }

    fn damaged(&self, why: &str) -> Error {
        Error::new(Code::StateDamaged, format!("Patchbay's own records were damaged ({why}); they are kept aside."))
            .at(&self.path)
            .hint("Look through your connections; nothing was deleted.")
    }
}

enum Parsed {
    Good(Box<State>),
    Newer(u32),
    Damaged(String),
}

fn parse(bytes: &[u8]) -> Parsed {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    match serde_json::from_slice::<Head>(bytes) {
        Ok(head) if head.version > VERSION => return Parsed::Newer(head.version),
        Ok(_) => {}
        Err(error) => return Parsed::Damaged(place(&error)),
    }
    match serde_json::from_slice(bytes) {
        Ok(state) => Parsed::Good(Box::new(state)),
        Err(error) => Parsed::Damaged(place(&error)),
    }
}

fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}
