//! The place for secrets, as the rest of Patchbay sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;

use super::keychain::Keychain;
use super::notice::{Notice, SOON};
use super::{Secret, Vault};
use crate::error::{Code, Error, Result};

/// How long a keychain may take before the user is told why nothing happens.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Backend {
    /// The system's keychain.
    Keychain,
    /// Patchbay's own vault, opened by a passphrase once per login.
    Vault,
}

/// Whether the place for secrets can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StoreStatus {
    /// It can.
    Ready,
    /// The keychain is locked.
    Locked,
    /// There is no keychain.
    Absent,
    /// The keychain's prompt was dismissed.
    Refused,
    /// The keychain does not answer.
    Slow,
    /// The keychain asks the user for its password just now, and everything waits for that.
    WaitingForYou,
    /// No vault was made yet.
    VaultMissing,
    /// The vault is locked.
    VaultLocked,
    /// The vault's file is damaged; a new one can be made.
    VaultDamaged,
    /// Something else is wrong.
    Failed,
}

impl Backend {
    /// The one that this is not.
    pub fn other(self) -> Self {
        match self {
            Self::Keychain => Self::Vault,
            Self::Vault => Self::Keychain,
        }
    }
}

impl StoreStatus {
    /// Whether there is nothing that a secret could be read from, now or after any unlocking.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Absent | Self::VaultMissing | Self::VaultDamaged)
    }
}

/// A secret's name in the store: the credential and the origin it was saved for.
///
/// The origin is part of the name, so a token cannot even be found for another address than its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of a credential at an origin (`https://host[:port]`).
    pub fn new(credential: &str, origin: &str) -> Self {
        let hash = Sha256::digest(origin.as_bytes());
        let short = hash.iter().take(6).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        Self(format!("{credential}@{short}"))
    }

    /// A key by its name in the keychain, as [`Key::as_str`] gave it.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// As it stands in the keychain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The place for secrets; cheap to clone.
#[derive(Debug, Clone)]
pub struct SecretStore {
    place: Place,
    patience: Duration,
    notice: Option<Notice>,
}

#[derive(Debug, Clone)]
enum Place {
    Keychain(Arc<Keychain>),
    Vault(Arc<Vault>),
}

impl SecretStore {
    /// The place that the user chose; opened at the first use.
    pub fn system(data_dir: &Path, backend: Backend) -> Self {
        Self::at(match backend {
            Backend::Keychain => Place::Keychain(Arc::new(Keychain::system())),
            Backend::Vault => Place::Vault(Arc::new(Vault::at(data_dir))),
        })
    }

    /// A given keyring-core store, for tests.
    pub fn with_store(store: Arc<keyring_core::CredentialStore>) -> Self {
        Self::at(Place::Keychain(Arc::new(Keychain::with(store))))
    }

    /// A given vault, which may hold its key in this process alone.
    pub fn of_vault(vault: Arc<Vault>) -> Self {
        Self::at(Place::Vault(vault))
    }

    fn at(place: Place) -> Self {
        Self { place, patience: PATIENCE, notice: None }
    }

    /// The same place, where a person may be asked to unlock it and is given time for that. `hear` is told when a call
    /// waits for that person, and how that ended.
    pub fn prompting(&self, patience: Duration, hear: impl Fn(StoreStatus) + Send + Sync + 'static) -> Self {
        match &self.place {
            Place::Keychain(keychain) => Self {
                place: Place::Keychain(Arc::new(keychain.prompting())),
                patience,
                notice: Some(Notice::new(hear)),
            },
            // A vault asks nobody: it is open or it is not.
            Place::Vault(_) => self.clone(),
        }
    }

    /// Reads a secret; `None` where there is none of that name.
    ///
    /// # Errors
    /// `KeychainLocked`, `KeychainRefused`, `KeychainAbsent`, `KeychainSlow`, `VaultLocked`, ...
    pub async fn read(&self, key: &Key) -> Result<Option<Secret>> {
        let (place, key) = (self.place.clone(), key.clone());
        self.off_thread(move || place.read(&key)).await
    }

    /// Reads a secret on this thread, with the time limit kept by a helper thread.
    ///
    /// # Errors
    /// As [`SecretStore::read`].
    pub fn read_blocking(&self, key: &Key) -> Result<Option<Secret>> {
        let (send, receive) = std::sync::mpsc::channel();
        let (place, key) = (self.place.clone(), key.clone());
        // Not joined when it hangs: the process ends without it.
        std::thread::spawn(move || send.send(place.read(&key)));
        receive.recv_timeout(self.patience).unwrap_or_else(|_| Err(slow()))
    }

    /// Saves a secret and proves it by reading it back.
    ///
    /// # Errors
    /// As [`SecretStore::read`].
    pub async fn write(&self, key: &Key, secret: &Secret) -> Result<()> {
        let (place, key, secret) = (self.place.clone(), key.clone(), secret.clone());
        self.off_thread(move || {
            place.write(&key, &secret)?;
            match place.read(&key)? {
                Some(stored) if stored == secret => Ok(()),
                _ => Err(Error::new(Code::KeychainFailed, "The keychain did not keep the token.")
                    .hint("Try again, or use a passphrase vault.")),
            }
        })
        .await
    }

    /// Deletes a secret; that there is none is fine.
    ///
    /// # Errors
    /// As [`SecretStore::read`].
    pub async fn delete(&self, key: &Key) -> Result<()> {
        let (place, key) = (self.place.clone(), key.clone());
        self.off_thread(move || place.delete(&key)).await
    }

    /// Looks whether a secret could be kept now, ahead of what brings one: a place that is locked also says of what was
    /// never there that there is none. Where a person may be asked to unlock it, that is left to the writing.
    ///
    /// # Errors
    /// As [`SecretStore::read`].
    pub async fn check_open(&self) -> Result<()> {
        let place = self.place.clone();
        self.off_thread(move || place.check_open()).await
    }

    /// Whether it can be used now. Never prompts.
    pub async fn status(&self) -> StoreStatus {
        let place = self.place.clone();
        // Nobody is asked, so nobody is waited for.
        let looked = Self::in_time(PATIENCE, move || Ok(place.status())).await;
        looked.unwrap_or_else(|error| status_of(error.code))
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let mut answer = std::pin::pin!(Self::in_time(self.patience, work));
        let Some(notice) = &self.notice else { return answer.await };
        if let Ok(answer) = tokio::time::timeout(SOON, &mut answer).await {
            return answer;
        }
        let waiting = notice.waiting();
        let answer = answer.await;
        waiting.over(answer.as_ref().map_or_else(|error| status_of(error.code), |_| StoreStatus::Ready));
        answer
    }

    async fn in_time<T: Send + 'static>(
        patience: Duration,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let task = tokio::task::spawn_blocking(work);
        match tokio::time::timeout(patience, task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::new(Code::KeychainFailed, "The keychain's library failed.")),
            Err(_) => Err(slow()),
        }
    }
}

impl Place {
    fn read(&self, key: &Key) -> Result<Option<Secret>> {
        match self {
            Self::Keychain(keychain) => keychain.read(key),
            Self::Vault(vault) => vault.read(key),
        }
    }

    fn write(&self, key: &Key, secret: &Secret) -> Result<()> {
        match self {
            Self::Keychain(keychain) => keychain.write(key, secret),
            Self::Vault(vault) => vault.write(key, secret),
        }
    }

    fn delete(&self, key: &Key) -> Result<()> {
        match self {
            Self::Keychain(keychain) => keychain.delete(key),
            Self::Vault(vault) => vault.delete(key),
        }
    }

    fn check_open(&self) -> Result<()> {
        match self {
            Self::Keychain(keychain) => keychain.check_open(),
            Self::Vault(vault) => vault.check_open(),
        }
    }

    fn status(&self) -> StoreStatus {
        match self {
            Self::Keychain(keychain) => {
                keychain.status().map_or_else(|error| status_of(error.code), |()| StoreStatus::Ready)
            }
            Self::Vault(vault) => vault.status(),
        }
    }
}

fn status_of(code: Code) -> StoreStatus {
    match code {
        Code::KeychainLocked => StoreStatus::Locked,
        Code::KeychainAbsent => StoreStatus::Absent,
        Code::KeychainRefused => StoreStatus::Refused,
        Code::KeychainSlow => StoreStatus::Slow,
        Code::VaultLocked => StoreStatus::VaultLocked,
        Code::VaultDamaged => StoreStatus::VaultDamaged,
        _ => StoreStatus::Failed,
    }
}

fn slow() -> Error {
    Error::new(Code::KeychainSlow, "The keychain does not answer; it may be waiting for you to unlock it.")
        .hint("Look for a window that asks for your password, then try again.")
}
