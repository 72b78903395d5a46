//! The system's keychain, through keyring-core.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keyring_core::{CredentialStore, Entry};
use zeroize::Zeroizing;

use super::parts::Parts;
use super::{Key, Secret};
use crate::error::{Code, Error, Result};

const SERVICE: &str = "Patchbay";
/// Windows keeps at most 2560 bytes in one item (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
const MOST_BYTES: usize = 2560;

/// The keychain; opened at the first use.
pub(super) struct Keychain {
    store: OnceLock<Arc<CredentialStore>>,
    /// Windows does not order several operations on one item reliably.
    turn: Mutex<()>,
    prompting: bool,
    is_system: bool,
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keychain")
    }
}

impl Keychain {
    pub(super) fn system() -> Self {
        Self { store: OnceLock::new(), turn: Mutex::new(()), prompting: false, is_system: true }
    }

    pub(super) fn with(store: Arc<CredentialStore>) -> Self {
        Self { store: OnceLock::from(store), turn: Mutex::new(()), prompting: true, is_system: false }
    }

    pub(super) fn prompting(&self) -> Self {
        Self { store: self.store.clone(), turn: Mutex::new(()), prompting: true, is_system: self.is_system }
    }

    pub(super) fn read(&self, key: &Key) -> Result<Option<Secret>> {
        let Some(first) = self.read_one(key)? else { return Ok(None) };
        let Some(parts) = Parts::named_by(&first) else { return Ok(Some(first)) };
        let mut whole = Zeroizing::new(String::new());
        for part in parts.keys(key) {
            // Another process may be writing it anew.
            let part = self.read_one(&part)?.ok_or_else(failed)?;
            whole.push_str(part.expose());
        }
        Ok(Some(Secret::new(whole.as_str())))
    }

    fn read_one(&self, key: &Key) -> Result<Option<Secret>> {
        let bytes = self.read_bytes(key)?;
        bytes.map(|bytes| String::from_utf8(bytes).map(Secret::new)).transpose().map_err(|_| {
            Error::new(Code::KeychainFailed, "What the keychain holds is no text.").hint("Give the token again.")
        })
    }

    fn read_bytes(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        #[cfg(target_os = "linux")]
        if self.is_system && !self.prompting {
            return super::linux::read(SERVICE, key.as_str());
        }
        match self.with_entry(key, Entry::get_secret) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Failed::NoEntry) => Ok(None),
            Err(Failed::Other(error)) => Err(error),
        }
    }

    pub(super) fn write(&self, key: &Key, secret: &Secret) -> Result<()> {
        let before = self.parts(key)?;
        if secret.expose().len() <= MOST_BYTES {
            self.write_one(key, secret.expose())?;
        } else {
            let (parts, pieces) = Parts::of(secret.expose(), MOST_BYTES)?;
            // The parts come first: what names them makes them count all at once.
            for (part, piece) in parts.keys(key).zip(pieces) {
                self.write_one(&part, piece)?;
            }
            self.write_one(key, &parts.name())?;
        }
        self.delete_parts(key, before.as_ref())
    }

    fn write_one(&self, key: &Key, text: &str) -> Result<()> {
        self.with_entry(key, |entry| entry.set_secret(text.as_bytes())).map_err(Failed::into_error)
    }

    fn parts(&self, key: &Key) -> Result<Option<Parts>> {
        Ok(self.read_one(key)?.and_then(|first| Parts::named_by(&first)))
    }

    fn delete_parts(&self, key: &Key, parts: Option<&Parts>) -> Result<()> {
        parts.into_iter().flat_map(|parts| parts.keys(key)).try_for_each(|part| self.delete_one(&part))
    }

    pub(super) fn delete(&self, key: &Key) -> Result<()> {
        // What cannot be read is deleted all the same.
        let parts = self.parts(key).unwrap_or_default();
        self.delete_one(key)?;
        self.delete_parts(key, parts.as_ref())
    }

    fn delete_one(&self, key: &Key) -> Result<()> {
        match self.with_entry(key, Entry::delete_credential) {
            Ok(()) | Err(Failed::NoEntry) => Ok(()),
            Err(Failed::Other(error)) => Err(error),
        }
    }

    pub(super) fn status(&self) -> Result<()> {
        self.look()?;
        self.store().map(|_| ())
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.prompting { Ok(()) } else { self.status() }
    }

    fn with_entry<T>(&self, key: &Key, work: impl FnOnce(&Entry) -> keyring_core::Result<T>) -> Result<T, Failed> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.prompting {
            self.look().map_err(Failed::Other)?;
        }
        let store = self.store().map_err(Failed::Other)?;
        let modifiers = modifiers(key);
        let modifiers = (self.is_system && !modifiers.is_empty()).then_some(&modifiers);
        let entry = store.build(SERVICE, key.as_str(), modifiers).map_err(|error| Failed::of(&error))?;
        work(&entry).map_err(|error| Failed::of(&error))
    }

    fn store(&self) -> Result<Arc<CredentialStore>> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let opened = open().map_err(|error| Failed::of(&error).into_error())?;
        Ok(self.store.get_or_init(|| opened).clone())
    }

    /// Asks whether the keychain is there and open, without any prompt.
    fn look(&self) -> Result<()> {
        if !self.is_system {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        super::linux::look()?;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// Windows' default would send the item to every computer of the user's domain.
#[cfg(windows)]
fn modifiers(_: &Key) -> HashMap<&'static str, &'static str> {
    HashMap::from([("persistence", "Local")])
}

#[cfg(not(windows))]
fn modifiers(_: &Key) -> HashMap<&'static str, &'static str> {
    HashMap::new()
}

/// Why an operation failed, without what the store's error may carry.
enum Failed {
    NoEntry,
    Other(Error),
}

impl Failed {
    fn of(error: &keyring_core::Error) -> Self {
        use keyring_core::Error as Raw;
        match error {
            Raw::NoEntry => Self::NoEntry,
            Raw::NoStorageAccess(cause) => Self::Other(no_access(cause.as_ref())),
            Raw::PlatformFailure(cause) => Self::Other(platform_failure(cause.as_ref())),
            _ => Self::Other(failed()),
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::NoEntry => Error::new(Code::KeychainFailed, "The keychain has no such item."),
            Self::Other(error) => error,
        }
    }
}

type Cause<'a> = &'a (dyn std::error::Error + Send + Sync + 'static);

#[cfg(target_os = "linux")]
fn no_access(cause: Cause<'_>) -> Error {
    super::linux::classify(cause).unwrap_or_else(locked)
}

#[cfg(not(target_os = "linux"))]
fn no_access(_: Cause<'_>) -> Error {
    locked()
}

#[cfg(target_os = "linux")]
fn platform_failure(cause: Cause<'_>) -> Error {
    super::linux::classify(cause).unwrap_or_else(failed)
}

#[cfg(not(target_os = "linux"))]
fn platform_failure(_: Cause<'_>) -> Error {
    failed()
}

pub(super) fn locked() -> Error {
    Error::new(Code::KeychainLocked, "The keychain is locked.")
        .hint("Unlock it (log in again, or open your system's password program), then try again.")
}

pub(super) fn refused() -> Error {
    Error::new(Code::KeychainRefused, "The keychain was not opened: its question was dismissed.")
        .hint("Try again and allow Patchbay to use it.")
}

pub(super) fn absent() -> Error {
    Error::new(Code::KeychainAbsent, "This computer has no keychain that Patchbay can reach.")
        .hint("Use a passphrase vault instead: patchbay vault create")
}

pub(super) fn failed() -> Error {
    Error::new(Code::KeychainFailed, "The keychain reported an error.").hint("Try again.")
}
