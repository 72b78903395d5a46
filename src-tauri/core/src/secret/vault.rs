//! The passphrase vault, for computers without a keychain.
//!
//! `vault.json`: a versioned header with the key derivation (Argon2id) and a check value, and one sealed entry per
//! secret (XChaCha20-Poly1305, a random nonce each, the entry's name as associated data). Unlocking asks once per
//! login: the derived key is put into the kernel's keyring of the user, in memory only, so that a bridge started by
//! another app finds it. Where the kernel has no keyrings, the key lives in the unlocking [`Vault`] alone.
//!
//! A damaged file is never repaired or overwritten: a new vault is made beside it, and it is kept under another name.

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

/// What all versions have in common.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Content {
    /// Whether a passphrase could open it at all. Parameters from a file that somebody changed must not make us
    /// allocate without end.
    fn is_sane(&self) -> bool {
        let bounded = (8..=1024 * 1024).contains(&self.memory_kib) && (1..=16).contains(&self.passes);
        let readable = unhex(&self.salt).is_some_and(|salt| salt.len() == 16) && self.check.parts().is_some();
        self.version == VERSION && bounded && readable
    }
}

impl Sealed {
    fn parts(&self) -> Option<([u8; 24], Vec<u8>)> {
        Some((unhex(&self.nonce)?.try_into().ok()?, unhex(&self.text)?))
    }
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

    /// Makes the vault and unlocks it. A damaged one at its place is moved aside first.
    ///
    /// # Errors
    /// `VaultPassphrase` for one of fewer than eight characters; `NameTaken` where there is a sound vault already,
    /// whether it can be opened or not; `StateNewer` where a newer version made it.
    pub fn create(&self, passphrase: &Secret) -> Result<()> {
        if passphrase.expose().chars().count() < 8 {
            return Err(Error::new(Code::VaultPassphrase, "The passphrase is too short.")
                .hint("Use at least eight characters; a few words are good.")
                .field("passphrase"));
        }
        let _lock = self.lock_file()?;
        self.make_room()?;
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

    /// Sees to it that there is no vault at the place of a new one.
    fn make_room(&self) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        match self.load() {
            Ok(_) => Err(Error::new(Code::NameTaken, "There is a passphrase vault already.").hint("Unlock that one.")),
            Err(error) if error.code == Code::VaultDamaged => self.set_aside(),
            Err(error) => Err(error),
        }
    }

    fn set_aside(&self) -> Result<()> {
        let stamp = jiff::Timestamp::now().as_second();
        let aside = self.path.with_file_name(format!("vault.json.damaged-{stamp}-{}", hex(&random::<2>()?)));
        std::fs::rename(&self.path, &aside).map_err(|error| Error::io(&self.path, &error))
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
            Err(error) if error.code == Code::VaultDamaged => StoreStatus::VaultDamaged,
            Err(_) => StoreStatus::Failed,
        }
    }

    pub(super) fn check_open(&self) -> Result<()> {
        self.load().and_then(|content| self.key(&content)).map(drop)
    }

    pub(super) fn read(&self, key: &Key) -> Result<Option<Secret>> {
        let content = self.load()?;
        let Some(sealed) = content.entries.get(key.as_str()) else { return Ok(None) };
        let vault_key = self.key(&content)?;
        let text = open(&vault_key, key.as_str(), sealed).and_then(|text| String::from_utf8(text.to_vec()).ok());
        // The vault as a whole is sound, so this one token is all that is lost.
        text.map(|text| Some(Secret::new(text))).ok_or_else(|| {
            Error::new(Code::TokenMissing, "What the passphrase vault holds for this token is damaged.")
                .at(&self.path)
                .hint("Give the connection its token again.")
        })
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
        let _lock = self.lock_file()?;
        let mut content = self.load()?;
        let key = self.key(&content)?;
        change(&mut content, &key)?;
        self.save(&content)
    }

    fn lock_file(&self) -> Result<Lock> {
        Lock::take(&self.path.with_file_name("vault.lock"))
    }

    fn load(&self) -> Result<Content> {
        let bytes = file::read_own(&self.path)?.ok_or_else(|| {
            Error::new(Code::VaultLocked, "There is no passphrase vault yet.").hint("Make one: patchbay vault create")
        })?;
        if serde_json::from_slice::<Head>(&bytes).is_ok_and(|head| head.version > VERSION) {
            return Err(Error::new(Code::StateNewer, "The passphrase vault was made by a newer version of Patchbay.")
                .at(&self.path)
                .hint("Update Patchbay."));
        }
        let content: Content = serde_json::from_slice(&bytes).map_err(|_| self.damaged())?;
        if content.is_sane() { Ok(content) } else { Err(self.damaged()) }
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
        let label = self.label(content);
        kernel::keep(&label, &key);
        // A copy here would outlive the locking by another process; it is for where there is no other place.
        let kept = kernel::find(&label).is_some_and(|found| *found == *key);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = (!kept).then_some(key);
    }

    fn label(&self, content: &Content) -> String {
        let name = format!("{}{}", self.path.display(), content.salt);
        format!("patchbay-vault-{}", &file::digest(name.as_bytes())[..16])
    }

    fn damaged(&self) -> Error {
        Error::new(Code::VaultDamaged, format!("The passphrase vault is damaged: {}", self.path.display()))
            .at(&self.path)
            .hint("Make a new one, this one is kept aside: patchbay vault create")
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
    let (nonce, text) = sealed.parts()?;
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
