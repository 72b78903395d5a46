//! The tokens: made, listed, revoked, and recognised by their hash.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The permissions there are, with what they allow.
pub const SCOPES: &[(&str, &str)] = &[
    ("profile:read", "See whose token it is"),
    ("notes:read", "Read the notes"),
    ("notes:write", "Add and delete notes"),
];

/// The shortest and longest life of a token, in seconds.
const LIFETIMES: std::ops::RangeInclusive<i64> = 60..=365 * 24 * 3600;

/// Why a token cannot be made, or the file not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The name is empty or too long.
    #[error("Give the token a name of at most 128 characters.")]
    Name,
    /// A permission is not known.
    #[error("There is no permission \"{0}\".")]
    Scope(String),
    /// The lifetime is out of bounds.
    #[error("A token lasts from one minute to one year.")]
    Lifetime,
    /// The file cannot be read or written.
    #[error("The practice service's file cannot be used: {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A token's facts; never its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its permissions.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    hash: String,
}

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Active,
    /// It has ended.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Token {
    /// What became of it.
    pub fn state(&self, now: Timestamp) -> State {
        match self.revoked {
            Some(_) => State::Revoked,
            None if self.expires <= now => State::Expired,
            None => State::Active,
        }
    }
}

/// A token that was just made: the only time that its value is there.
#[derive(Debug, Serialize)]
pub struct NewToken {
    /// Its id.
    pub id: String,
    /// Its value.
    pub token: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// All tokens.
pub struct Tokens {
    path: Option<PathBuf>,
    all: Mutex<Vec<Token>>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Opens the file, or begins one; a damaged file is kept aside.
    ///
    /// # Errors
    /// The file cannot be read, or not be put aside.
    pub fn open(path: Option<PathBuf>, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Self, StoreError> {
        let mut all = Vec::new();
        if let Some(path) = &path {
            let io = |source| StoreError::Io { path: path.clone(), source };
            match std::fs::read(path) {
                Ok(bytes) => match serde_json::from_slice(&bytes) {
                    Ok(tokens) => all = tokens,
                    Err(_) => std::fs::rename(path, path.with_extension("json.damaged")).map_err(io)?,
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io(error)),
            }
        }
        Ok(Self { path, all: Mutex::new(all), clock: Box::new(clock) })
    }

    /// The present moment, as tokens see it.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Makes a token.
    ///
    /// # Errors
    /// The name, a permission or the lifetime is unfit; the file cannot be written.
    pub fn make(&self, name: &str, scopes: &[String], seconds: i64) -> Result<NewToken, StoreError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 128 {
            return Err(StoreError::Name);
        }
        if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.iter().any(|(id, _)| id == scope)) {
            return Err(StoreError::Scope(unknown.clone()));
        }
        if !LIFETIMES.contains(&seconds) {
            return Err(StoreError::Lifetime);
        }
        let (value, id) = (format!("pbp_{}", random(22)), random(8));
        let created = self.now();
        let expires = created.checked_add(SignedDuration::from_secs(seconds)).map_err(|_| StoreError::Lifetime)?;
        let token = Token {
            id: id.clone(),
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            created,
            expires,
            revoked: None,
            hash: hash(&value),
        };
        self.change(|all| all.push(token))?;
        Ok(NewToken { id, token: value, expires })
    }

    /// Revokes a token; whether there is one of that id.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let mut found = false;
        self.change(|all| {
            if let Some(token) = all.iter_mut().find(|token| token.id == id) {
                found = true;
                token.revoked.get_or_insert(now);
            }
        })?;
        Ok(found)
    }

    /// All tokens, the newest first.
    pub fn list(&self) -> Vec<Token> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }

    /// The token of a value.
    pub fn find(&self, value: &str) -> Option<Token> {
        let hash = hash(value);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|token| token.hash == hash).cloned()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Token>)) -> Result<(), StoreError> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = all.clone();
        change(&mut changed);
        if let Some(path) = &self.path {
            write(path, &changed).map_err(|source| StoreError::Io { path: path.clone(), source })?;
        }
        *all = changed;
        Ok(())
    }
}

fn write(path: &std::path::Path, tokens: &[Token]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| std::path::Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, tokens)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

fn hash(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn random(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = vec![0; length];
    // Without randomness no token could be made at all.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect()
}
