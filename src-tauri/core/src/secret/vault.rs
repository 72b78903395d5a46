//! The passphrase vault, for computers without a keychain.
//!
//! `vault.json`: a versioned header with the key derivation (Argon2id) and a check value, and one sealed entry per
//! secret (XChaCha20-Poly1305, a random nonce each, the entry's name as associated data). Unlocking asks once per
//! login: the derived key is put into the kernel's keyring of the user, in memory only, so that a bridge started by
//! another app finds it. Where the kernel has no keyrings, the key lives in the unlocking process alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Key, Secret, StoreStatus};
use crate::error::{Code, Error, Result};
use crate::file::{self, Lock};

const VERSION: u32 = 1;
/// 64 MiB, three passes, one lane: the second recommendation of RFC 9106 with less parallelism.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const CHECK: &str = "patchbay vault";
const CHECK_NAME: &str = "check";

type VaultKey = Zeroizing<[u8; 32]>;

/// The vault of one data folder.
pub struct Vault {
    path: PathBuf,
    held: Mutex<Option<VaultKey>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    salt: String,
    memory_kib: u32,
    passes: u32,
    check: Sealed,
    #[serde(default)]
    entries: BTreeMap<String, Sealed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sealed {
    nonce: String,
    text: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// Whether a vault was made in a data folder.
pub fn vault_exists(data_dir: &Path) -> bool {
    data_dir.join("vault.json").exists()
}

impl Vault {
    /// The vault in Patchbay's data folder, whether it was made yet or not.
    pub fn at(data_dir: &Path) -> Self {
        Self { path: data_dir.join("vault.json"), held: Mutex::new(None) }
    }

    /// Makes the vault and unlocks it.
    ///
    /// # Errors
    /// `VaultPassphrase` for one of fewer than eight characters; `NameTaken` where there is a vault already.
    pub fn create(&self, passphrase: &Secret) -> Result<()> {
        if passphrase.expose().chars().count() < 8 {
            return Err(Error::new(Code::VaultPassphrase, "The passphrase is too short.")
                .hint("Use at least eight characters; a few words are good.")
                .field("passphrase"));
        }
        if self.path.exists() {
            return Err(Error::new(Code::NameTaken, "There is a passphrase vault already.").hint("Unlock that one."));
        }
        let salt = random::<16>()?;
        let key = derive(passphrase, &salt, MEMORY_KIB, PASSES)?;
        let check = seal(&key, CHECK_NAME, CHECK.as_bytes())?;
        let content = Content {
            version: VERSION,
            salt: hex(&salt),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            check,
            entries: BTreeMap::new(),
        };
        self.save(&content)?;
        self.hold(&content, key);
        Ok(())
    }

    /// Unlocks the vault until logout.
    ///
    /// # Errors
    /// `VaultPassphrase` where it is wrong; `VaultDamaged`.
    pub fn unlock(&self, passphrase: &Secret) -> Result<()> {
        let content = self.load()?;
        let salt = unhex(&content.salt).ok_or_else(|| self.damaged())?;
        let key = derive(passphrase, &salt, content.memory_kib, content.passes)?;
        if open(&key, CHECK_NAME, &content.check).is_none_or(|text| text.as_slice() != CHECK.as_bytes()) {
            return Err(Error::new(Code::VaultPassphrase, "This is not the vault's passphrase.")
                .hint("Try again; mind capital letters.")
                .field("passphrase"));
        }
        self.hold(&content, key);
        Ok(())
    }

    /// Forgets the key, here and in the kernel's keyring.
    pub fn lock(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Ok(content) = self.load() {
            kernel::forget(&self.label(&content));
        }
    }

    /// Whether it can be used now.
    pub fn status(&self) -> StoreStatus {
        if !self.path.exists() {
            return StoreStatus::VaultMissing;
        }
        match self.load().and_then(|content| self.key(&content)) {
            Ok(_) => StoreStatus::Ready,
            Err(error) if error.code == Code::VaultLocked => StoreStatus::VaultLocked,
            Err(_) => StoreStatus::Failed,
        }
    }

    pub(super) fn read(&self, key: &Key) -> Result<Option<Secret>> {
        let content = self.load()?;
        let Some(sealed) = content.entries.get(key.as_str()) else { return Ok(None) };
        let vault_key = self.key(&content)?;
        let text = open(&vault_key, key.as_str(), sealed).ok_or_else(|| self.damaged())?;
        String::from_utf8(text.to_vec()).map(|text| Some(Secret::new(text))).map_err(|_| self.damaged())
    }

    pub(super) fn write(&self, key: &Key, secret: &Secret) -> Result<()> {
        self.change(|content, vault_key| {
            let sealed = seal(vault_key, key.as_str(), secret.expose().as_bytes())?;
            content.entries.insert(key.as_str().to_owned(), sealed);
            Ok(())
        })
    }

    pub(super) fn delete(&self, key: &Key) -> Result<()> {
        self.change(|content, _| {
            content.entries.remove(key.as_str());
            Ok(())
        })
    }

    fn change(&self, change: impl FnOnce(&mut Content, &[u8; 32]) -> Result<()>) -> Result<()> {
        let _lock = Lock::take(&self.path.with_file_name("vault.lock"))?;
        let mut content = self.load()?;
        let key = self.key(&content)?;
        change(&mut content, &key)?;
        self.save(&content)
    }

    fn load(&self) -> Result<Content> {
        let bytes = file::read_own(&self.path)?.ok_or_else(|| {
            Error::new(Code::VaultLocked, "There is no passphrase vault yet.").hint("Make one: patchbay vault create")
        })?;
        let content: Content = serde_json::from_slice(&bytes).map_err(|_| self.damaged())?;
        // Parameters from a file that somebody changed must not make us allocate without end.
        let sane = content.version == VERSION && content.memory_kib <= 1024 * 1024 && content.passes <= 16;
        if sane { Ok(content) } else { Err(self.damaged()) }
    }

    fn save(&self, content: &Content) -> Result<()> {
        let text = serde_json::to_vec_pretty(content)
            .map_err(|error| Error::new(Code::Internal, format!("The vault cannot be written: {error}")))?;
        file::replace_private(&self.path, &text)
    }

    fn key(&self, content: &Content) -> Result<VaultKey> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = held.or_else(|| kernel::find(&self.label(content)));
        // A key of an earlier vault at the same place does not open this one.
        key.filter(|key| open(key, CHECK_NAME, &content.check).is_some()).ok_or_else(|| {
            Error::new(Code::VaultLocked, "The passphrase vault is locked.")
                .hint("Unlock it in Patchbay, or with: patchbay vault unlock")
        })
    }

    fn hold(&self, content: &Content, key: VaultKey) {
        kernel::keep(&self.label(content), &key);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    fn label(&self, content: &Content) -> String {
        let name = format!("{}{}", self.path.display(), content.salt);
        format!("patchbay-vault-{}", &file::digest(name.as_bytes())[..16])
    }

    fn damaged(&self) -> Error {
        Error::new(Code::VaultDamaged, format!("The passphrase vault is damaged: {}", self.path.display()))
            .at(&self.path)
            .hint("Restore it from a copy; Patchbay left it as it is.")
    }
}

fn derive(passphrase: &Secret, salt: &[u8], memory_kib: u32, passes: u32) -> Result<VaultKey> {
    let failed = |_| Error::new(Code::VaultDamaged, "The vault's key cannot be derived.");
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key)
        .map_err(failed)?;
    Ok(key)
}

fn seal(key: &[u8; 32], name: &str, text: &[u8]) -> Result<Sealed> {
    let nonce = random::<24>()?;
    let payload = Payload { msg: text, aad: name.as_bytes() };
    let sealed = XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::new(Code::Internal, "The secret cannot be sealed."))?;
    Ok(Sealed { nonce: hex(&nonce), text: hex(&sealed) })
}

fn open(key: &[u8; 32], name: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; 24] = unhex(&sealed.nonce)?.try_into().ok()?;
    let text = unhex(&sealed.text)?;
    let payload = Payload { msg: &text, aad: name.as_bytes() };
    XChaCha20Poly1305::new(&(*key).into()).decrypt(&XNonce::from(nonce), payload).ok().map(Zeroizing::new)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::new(Code::Internal, "The system gives no random bytes."))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |n: usize| u8::from_str_radix(text.get(n..n + 2)?, 16).ok();
    text.len().is_multiple_of(2).then(|| (0..text.len()).step_by(2).map(pair).collect())?
}

/// The kernel's keyring of the user: in memory, gone at logout, shared by the user's processes.
#[cfg(target_os = "linux")]
mod kernel {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};

    use super::VaultKey;

    fn ring() -> Option<KeyRing> {
        KeyRing::from_special_id(KeyRingIdentifier::User, true).ok()
    }

    pub(super) fn keep(label: &str, key: &VaultKey) {
        // Without kernel keyrings the key stays in this process.
        let _ = ring().and_then(|ring| ring.add_key(label, key.as_slice()).ok());
    }

    pub(super) fn find(label: &str) -> Option<VaultKey> {
        let mut key = VaultKey::default();
        let found = ring()?.search(label).ok()?;
        (found.read(&mut *key).ok()? == 32).then_some(key)
    }

    pub(super) fn forget(label: &str) {
        if let Some(key) = ring().and_then(|ring| ring.search(label).ok()) {
            // Gone already is as good.
            let _ = key.invalidate();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use super::VaultKey;

    pub(super) fn keep(_: &str, _: &VaultKey) {}

    pub(super) fn find(_: &str) -> Option<VaultKey> {
        None
    }

    pub(super) fn forget(_: &str) {}
}
