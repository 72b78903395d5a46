//! The tokens, the apps that signed in, and the file that keeps them over a restart.
//!
//! A change is on the disk before it counts: a failed write leaves everything as it was. Readers never wait for the
//! disk. The file holds hashes, never values. A damaged file is kept aside, not repaired; nothing else is deleted.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{PracticeError, StoreError};
use crate::oauth::{Client, SignIn};
use crate::token::{self, Caller, Made, State, Token, Wanted};

/// How many tokens are kept; beyond that the oldest that no longer work are forgotten.
const MOST_TOKENS: usize = 500;

/// The version of the file's layout.
const VERSION: u32 = 1;

/// All that is kept.
pub(crate) struct Store {
    path: Option<PathBuf>,
    all: RwLock<Kept>,
    writing: Mutex<()>,
}

/// Why a value is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Missing,
    Unknown,
    Revoked,
    Expired,
}

/// What stands in the file.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    version: u32,
    tokens: Vec<Token>,
    #[serde(default)]
    pub(crate) clients: Vec<Client>,
    #[serde(default)]
    pub(crate) sign_ins: Vec<SignIn>,
}

impl Kept {
    pub(crate) fn nothing() -> Self {
        Self { version: VERSION, tokens: Vec::new(), clients: Vec::new(), sign_ins: Vec::new() }
    }
}

impl Store {
    /// Opens the file, or begins one where there is none. Without a path, all lives in memory.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, StoreError> {
        let all = path.as_deref().map_or_else(|| Ok(Kept::nothing()), read)?;
        Ok(Self { path, all: RwLock::new(all), writing: Mutex::new(()) })
    }

    /// Makes a token. Blocks for the disk.
    pub(crate) fn make(&self, wanted: &Wanted, now: Timestamp) -> Result<Made, StoreError> {
        let (token, made) = token::make(wanted, now)?;
        self.change(|all| {
            make_room(&mut all.tokens, now)?;
            all.tokens.push(token);
            Ok(())
        })?;
        Ok(made)
    }

    /// Revokes a token, and says whether there is one of that id. Blocks for the disk.
    pub(crate) fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.change(|all| {
            let token = all.tokens.iter_mut().find(|token| token.id == id);
            // The first time is when it happened.
            Ok(token.map(|token| token.revoked.get_or_insert(now)).is_some())
        })
    }

    /// All tokens, the newest first.
    pub(crate) fn list(&self) -> Vec<Token> {
        self.look(|all| all.tokens.iter().rev().cloned().collect())
    }

    /// Who holds the active token of a value.
    pub(crate) fn recognise(&self, value: Option<&str>, now: Timestamp) -> Result<Caller, Refusal> {
        let hash = token::hash(value.ok_or(Refusal::Missing)?);
        self.look(|all| {
            let Some(token) = all.tokens.iter().find(|token| token.hash == hash) else {
                let found = all.sign_ins.iter().find_map(|sign_in| sign_in.caller(&hash, now));
                return found.unwrap_or(Err(Refusal::Unknown));
            };
            match token.state(now) {
                State::Active => Ok(token.caller()),
                State::Revoked => Err(Refusal::Revoked),
                State::Expired => Err(Refusal::Expired),
            }
        })
    }

    /// Looks at what is kept. Never waits for the disk.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is kept, on the disk first; nothing where it cannot be written. Blocks for the disk.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Kept) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.look(Kept::clone);
        let done = change(&mut kept)?;
        if let Some(path) = &self.path {
            write(path, &kept).map_err(StoreError::io(path))?;
        }
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(done)
    }
}

/// Claims the file for this process for as long as the answer lives.
pub(crate) fn claim(path: &Path) -> Result<File, PracticeError> {
    let lock = beside(path, ".lock");
    make_folder(path).map_err(StoreError::io(path))?;
    let file = open_private(&lock).map_err(StoreError::io(&lock))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(PracticeError::StoreInUse(path.to_path_buf())),
        // Where the file system knows no locks, a second service is the lesser evil than none.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn make_room(all: &mut Vec<Token>, now: Timestamp) -> Result<(), StoreError> {
    while all.len() >= MOST_TOKENS {
        let ended = all.iter().position(|token| token.state(now) != State::Active).ok_or(StoreError::Full)?;
        all.remove(ended);
    }
    Ok(())
}

fn read(path: &Path) -> Result<Kept, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::nothing()),
        Err(error) => return Err(StoreError::io(path)(error)),
    };
    match serde_json::from_slice::<Kept>(&bytes) {
        Ok(kept) if kept.version == VERSION => Ok(kept),
        _ => keep_aside(path).map(|()| Kept::nothing()).map_err(StoreError::io(path)),
    }
}

fn keep_aside(path: &Path) -> io::Result<()> {
    let mut names = (1..1000).map(|number| beside(path, &format!(".damaged-{number}")));
    let aside = names.find(|name| !name.exists()).ok_or_else(|| io::Error::other("it is damaged once too often"))?;
    fs::rename(path, &aside)?;
    tracing::warn!("the practice service's file was damaged and is kept as {}", aside.display());
    Ok(())
}

/// Writes the file whole or not at all, readable by its owner alone.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    make_folder(path)?;
    let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
    serde_json::to_writer_pretty(&mut file, kept)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    // The rename itself must survive a power cut, too; Windows has no such call.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut folders = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.recursive(true).create(folder(path))
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create(true).truncate(false).open(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn wanted(lifetime_seconds: i64) -> Wanted {
        Wanted { name: "test".into(), scopes: vec!["notes:read".into()], lifetime_seconds }
    }

    fn refusal(tokens: &Store, value: Option<&str>, now: i64) -> Option<Refusal> {
        tokens.recognise(value, at(now)).err()
    }

    #[test]
    fn each_refusal_has_its_own_reason() {
        let tokens = Store::open(None).expect("in memory");
        let made = tokens.make(&wanted(60), at(0)).expect("a token");
        assert_eq!(tokens.recognise(Some(&made.value), at(59)).expect("it is good").id, made.id);
        assert_eq!(refusal(&tokens, None, 0), Some(Refusal::Missing));
        assert_eq!(refusal(&tokens, Some("pbp_other"), 0), Some(Refusal::Unknown));
        assert_eq!(refusal(&tokens, Some(&made.value), 60), Some(Refusal::Expired));
        assert!(tokens.revoke(&made.id, at(1)).expect("no disk"));
        assert_eq!(refusal(&tokens, Some(&made.value), 2), Some(Refusal::Revoked));
        assert!(!tokens.revoke("nobody", at(1)).expect("no disk"));
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.json");
        let tokens = Store::open(Some(path.clone())).expect("a new file");
        let made = tokens.make(&wanted(60), at(0)).expect("a token");
        fs::remove_file(&path).expect("gone");
        // A folder in the file's place makes the rename fail, for root, too.
        fs::create_dir_all(path.join("in the way")).expect("a folder");
        tokens.make(&wanted(60), at(0)).map(|_| ()).expect_err("no room for the file");
        tokens.revoke(&made.id, at(0)).expect_err("no room for the file");
        assert_eq!(tokens.list().len(), 1);
        assert_eq!(refusal(&tokens, Some(&made.value), 0), None);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file stays behind");
    }

    #[test]
    fn the_oldest_ended_tokens_make_room_and_active_ones_never_do() {
        let tokens = Store::open(None).expect("in memory");
        let first = tokens.make(&wanted(3600), at(0)).expect("a token");
        let short = tokens.make(&wanted(60), at(0)).expect("a token");
        for _ in 2..MOST_TOKENS {
            tokens.make(&wanted(3600), at(0)).expect("a token");
        }
        assert!(matches!(tokens.make(&wanted(60), at(59)), Err(StoreError::Full)));
        tokens.make(&wanted(60), at(60)).expect("the short one has ended");
        assert_eq!(refusal(&tokens, Some(&short.value), 60), Some(Refusal::Unknown));
        assert_eq!(refusal(&tokens, Some(&first.value), 60), None);
    }
}
