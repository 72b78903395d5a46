//! The front door: every request and answer that the window, the command line and the tests use.
//!
//! [`Patchbay`] is cheap to clone and may be used from many threads and processes at once: it holds no truth of its
//! own, every request reads state and files anew.

mod answer;
mod apply;
mod as_app;
mod as_app_view;
mod by_url;
mod check;
mod connect;
mod copy;
mod differ;
mod dispatch;
mod due;
mod expiry;
mod fit;
mod found;
mod given;
mod import;
mod install;
mod keep;
mod leave;
mod leave_view;
mod look;
pub mod message;
mod network;
mod news;
mod obstacle;
mod place;
mod purge;
mod quiet;
mod remove;
mod renew;
mod renewed;
mod reopen;
mod restore;
mod retire;
mod run;
mod secrets;
mod settings;
mod settle;
mod sign_in;
mod sign_in_again;
mod sign_in_view;
mod sign_in_want;
mod sign_out;
mod signed;
mod snapshot;
mod token;
mod token_view;
pub mod view;
mod wanted;
mod watching;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use crate::change::history::History;
use crate::connection::runs::Runs;
use crate::connection::state::{State, StateFile};
use crate::drift::memory::MemoryFile;
use crate::drift::watch::SlowFiles;
use crate::error::Result;
use crate::file::Lock;
use crate::host::Host;
use crate::probe::Layer;
use crate::secret::{Backend, SecretStore, StoreStatus};

use secrets::Places;
use view::Settings;

pub use by_url::ready_url;
pub use fit::UNKNOWN_END;
pub use install::install_program;
pub use message::{Answer, Request};
pub use network::ready_network;
pub use quiet::Notice;
pub use reopen::say as say_restart;
pub use run::{RunSecrets, run_secrets};
pub use sign_in_view::{DueSignIn, RevokeAt, SignInStep, SignInView, SignInWith, SignedIn, SignedOut};
pub use token::ready_token;
pub use view::Snapshot;

/// What happens while requests are served, for a window that listens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something changed: ask for the snapshot again.
    Changed,
    /// A sign-in has come this far. The page that it names is to be opened in the browser.
    SignIn {
        /// The connection, also where it is still to be set up.
        id: String,
        /// How far.
        step: SignInStep,
    },
    /// A layer of a running check is known.
    Layer {
        /// The connection.
        id: String,
        /// The layer.
        layer: Layer,
    },
}

type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// The front door.
#[derive(Clone)]
pub struct Patchbay {
    inner: Arc<Inner>,
}

struct Inner {
    host: Host,
    data_dir: PathBuf,
    state: StateFile,
    history: History,
    runs: Runs,
    memory: MemoryFile,
    slow: RwLock<SlowFiles>,
    places: RwLock<Places>,
    secrets_status: Mutex<Option<StoreStatus>>,
    checking: Mutex<BTreeSet<String>>,
    keeping: keep::Keeping,
    cancel: tokio::sync::watch::Sender<u64>,
    /// Sign-ins that may be under way, by connection: dropping one's sender stops it.
    signing: Mutex<BTreeMap<String, tokio::sync::oneshot::Sender<()>>>,
    listener: RwLock<Option<Listener>>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Patchbay {
    /// Opens Patchbay on a machine. Where the state cannot be read, every request that needs it tells.
    pub fn open(host: Host) -> Self {
        let data_dir = host.data_dir();
        // Not known to the bridge, which starts often and needs none of it.
        let host = Host { wsl: crate::wsl::homes(), ..host };
        Self::with(host, SecretStore::system(&data_dir, Backend::Keychain), Timestamp::now)
    }

    /// Opens Patchbay with another store in the keychain's place and another clock.
    pub fn with(host: Host, keychain: SecretStore, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        crate::wire::bring_engine();
        let data_dir = host.data_dir();
        let inner = Inner {
            state: StateFile::new(&data_dir),
            history: History::new(&data_dir),
            runs: Runs::new(&data_dir),
            memory: MemoryFile::new(&data_dir),
            slow: RwLock::default(),
            places: RwLock::new(Places::new(keychain, &data_dir)),
            secrets_status: Mutex::new(None),
            checking: Mutex::default(),
            keeping: keep::Keeping::default(),
            cancel: tokio::sync::watch::Sender::new(0),
            signing: Mutex::default(),
            listener: RwLock::new(None),
            clock: Box::new(clock),
            host,
            data_dir,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Has `listener` called for every [`Event`], in place of an earlier one.
    pub fn listen(&self, listener: impl Fn(Event) + Send + Sync + 'static) {
        let mut place = self.inner.listener.write().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Arc::new(listener));
    }

    /// The machine at this moment, with what the user chose about it.
    pub fn host(&self) -> Host {
        self.host_by(&self.state().map(|state| state.settings).unwrap_or_default())
    }

    /// The same by settings that were read before.
    pub(crate) fn host_by(&self, settings: &Settings) -> Host {
        Host { chosen: settings.files.clone(), ..self.inner.host.at(self.now()) }
    }

    /// This moment.
    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Patchbay's own folder.
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// The state as it is now.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn state(&self) -> Result<State> {
        Ok(self.inner.state.load()?.state)
    }

    /// The folder in which the bridges record their use.
    pub fn runs_folder(&self) -> &Path {
        self.inner.runs.folder()
    }

    /// The records of use, for the bridge.
    pub fn runs(&self) -> &Runs {
        &self.inner.runs
    }

    /// Held from a record's beginning to its end, so that what another process has under way is not taken for what a
    /// kill left behind.
    fn at_work(&self) -> Result<Lock> {
        Lock::take(&self.work_lock())
    }

    fn work_lock(&self) -> PathBuf {
        self.inner.data_dir.join("locks").join("work.lock")
    }

    fn tell(&self, event: Event) {
        let listener = self.inner.listener.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener(event);
        }
    }

    /// The installed program that the apps' entries name.
    fn program(&self) -> PathBuf {
        install::program_path(&self.inner.data_dir, self.inner.host.platform)
    }
}
