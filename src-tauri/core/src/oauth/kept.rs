//! Sign-ins for an address alone, without a connection: what is known of them, in a private file each. Of those that the
//! user has signed out of as much stays known as of a connection's, in a folder of their own: the next one goes the same way.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::connection::SignIn;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::secret::Key;

/// The folder of those that there are.
const HERE: &str = "sign-ins";
/// The folder of those that the user has signed out of.
const LEFT: &str = "signed-out";

/// What is known of a sign-in for an address. Never a token, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The service's address.
    pub url: String,
    /// The sign-in.
    pub sign_in: SignIn,
    /// The permissions that were given.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl Kept {
    /// The sign-in for an address, where there is one.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn of(data_dir: &Path, url: &Url) -> Result<Option<Self>> {
        Self::read(&place(data_dir, HERE, url))
    }

    /// The one that the user has signed out of, where there was one.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn left(data_dir: &Path, url: &Url) -> Result<Option<Self>> {
        Self::read(&place(data_dir, LEFT, url))
    }

    fn read(path: &Path) -> Result<Option<Self>> {
        let Some(bytes) = file::read_own(path)? else { return Ok(None) };
        let damaged = |_| Error::new(Code::StateDamaged, "What is known of this sign-in is damaged.").at(path);
        serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(error).hint("Sign in again."))
    }

    /// All of them. One that is damaged is told in the log, and left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn all(data_dir: &Path) -> Result<Vec<Self>> {
        let folder = data_dir.join(HERE);
        let files = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(|error| Error::io(&folder, &error))?,
        };
        let mut all = Vec::new();
        for file in files.filter_map(std::io::Result::ok).map(|file| file.path()) {
            let is_one = file.extension().is_some_and(|end| end == "json");
            match file::read_own(&file)?.filter(|_| is_one).map(|bytes| serde_json::from_slice::<Self>(&bytes)) {
                Some(Ok(kept)) => all.push(kept),
                Some(Err(_)) => tracing::warn!("what is known of a sign-in is damaged: {}", file.display()),
                None => {}
            }
        }
        all.sort_by(|a, b| a.url.cmp(&b.url));
        Ok(all)
    }

    /// Where its tokens stand in the keychain; none where its address is none.
    pub fn own_key(&self) -> Option<Key> {
        Some(Self::key(&Url::parse(&self.url).ok()?))
    }

    /// Writes it down.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, data_dir: &Path) -> Result<()> {
        self.write(&place(data_dir, HERE, &self.address()?))
    }

    /// The user has signed out of it.
    ///
    /// # Errors
    /// Its file cannot be written, or removed.
    pub fn leave(&self, data_dir: &Path) -> Result<()> {
        let url = self.address()?;
        let sign_in = SignIn { needed: None, ..self.sign_in.clone() };
        Self { sign_in, ..self.clone() }.write(&place(data_dir, LEFT, &url))?;
        Self::forget(data_dir, &url)
    }

    fn address(&self) -> Result<Url> {
        Url::parse(&self.url).map_err(|_| Error::new(Code::AddressInvalid, "This is no address."))
    }

    fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        }
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::new(Code::Internal, format!("The sign-in cannot be written down: {error}")))?;
        file::replace_private(path, format!("{text}\n").as_bytes())
    }

    /// Forgets the sign-in for an address.
    ///
    /// # Errors
    /// Its file cannot be removed.
    pub fn forget(data_dir: &Path, url: &Url) -> Result<()> {
        let path = place(data_dir, HERE, url);
        removed(&path, std::fs::remove_file(&path))
    }

    /// Forgets the one that the user has signed out of: something has taken its place.
    ///
    /// # Errors
    /// Its file cannot be removed.
    pub fn forget_left(data_dir: &Path, url: &Url) -> Result<()> {
        let path = place(data_dir, LEFT, url);
        removed(&path, std::fs::remove_file(&path))
    }

    /// Forgets all that the user has signed out of.
    ///
    /// # Errors
    /// Their folder cannot be removed.
    pub fn forget_all_left(data_dir: &Path) -> Result<()> {
        let folder = data_dir.join(LEFT);
        removed(&folder, std::fs::remove_dir_all(&folder))
    }

    /// Where its tokens stand in the keychain.
    pub fn key(url: &Url) -> Key {
        Key::new(&format!("url-{}", short(url)), &url.origin().ascii_serialization())
    }
}

fn removed(path: &Path, outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, &error)),
        _ => Ok(()),
    }
}

fn place(data_dir: &Path, folder: &str, url: &Url) -> PathBuf {
    data_dir.join(folder).join(format!("{}.json", short(url)))
}

fn short(url: &Url) -> String {
    let hash = Sha256::digest(url.as_str().as_bytes());
    hash.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
