//! Locks between Patchbay's own processes, and an app's own lock where it has one.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::error::{Code, Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// The age at which Claude Code takes over a lock folder that nobody keeps fresh (seen with 2.1.329).
const STALE: Duration = Duration::from_secs(10);

/// An exclusive lock on one of Patchbay's lock files; released on drop or when the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits up to ten seconds for the lock.
    ///
    /// # Errors
    /// `FileBusy` when another Patchbay process holds it longer than that.
    pub fn take(path: &Path) -> Result<Self> {
        let file = lock_file(path)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(Error::io(path, &error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => return Err(busy(path)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Lock {
    /// The lock if nobody has it.
    ///
    /// # Errors
    /// The lock file cannot be opened.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = lock_file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io(path, &error)),
        }
    }
}

fn lock_file(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(path);
    file.map_err(|error| Error::io(path, &error))
}

/// A lock that is a folder, as Claude Code and Cline take it beside their files; removed on drop.
#[derive(Debug)]
pub struct MkdirLock {
    path: PathBuf,
    /// The file in it that says whose it is, where the app wants one: an empty folder is replaced by a rename.
    mark: Option<PathBuf>,
    /// When we last touched it; another time there means that the app took it over.
    touched: Cell<Option<SystemTime>>,
}

impl MkdirLock {
    /// Waits up to ten seconds; takes over a folder that nobody has touched for ten.
    ///
    /// # Errors
    /// `FileBusy` when the app keeps the lock longer than that.
    pub fn take(path: &Path, marked: bool) -> Result<Self> {
        let begun = Instant::now();
        loop {
            match if marked { make_marked(path) } else { std::fs::create_dir(path).map(|()| None) } {
                Ok(mark) => {
                    return Ok(Self { path: path.to_path_buf(), mark, touched: Cell::new(modified(path)) });
                }
                Err(_) if path.is_dir() => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                // No folder to lock in means no file to protect.
                Err(error) => return Err(Error::io(path, &error)),
            }
            if begun.elapsed() > PATIENCE {
                return Err(busy(path));
            }
            if is_stale(path) {
                // Somebody else may be quicker; then the next round waits for them.
                let _ = set_aside(path);
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Tells whoever waits that somebody is at work.
    pub fn keep_fresh(&self) {
        if self.is_ours() {
            let now = File::open(&self.path).and_then(|folder| folder.set_modified(SystemTime::now()));
            // Where a folder's time cannot be set, ten seconds have to do.
            if now.is_ok() {
                self.touched.set(modified(&self.path));
            }
        }
    }

    fn is_ours(&self) -> bool {
        match &self.mark {
            Some(mark) => mark.exists(),
            None => modified(&self.path) == self.touched.get(),
        }
    }
}

impl Drop for MkdirLock {
    fn drop(&mut self) {
        if self.is_ours() {
            // Gone already means that the app took it over.
            let _ = self.mark.as_ref().map(std::fs::remove_file);
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

/// A name beside a path that nobody else uses.
fn beside(path: &Path, what: &str) -> PathBuf {
    let stamp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{what}.{}.{stamp}", std::process::id()));
    path.with_file_name(name)
}

/// Makes a folder with a mark in it appear all at once, so that nobody ever sees it empty; gives the mark.
fn make_marked(path: &Path) -> std::io::Result<Option<PathBuf>> {
    let staged = beside(path, "tmp");
    let mark = format!("owner.patchbay.{}", std::process::id());
    std::fs::create_dir(&staged)?;
    let placed = std::fs::write(staged.join(&mark), b"").and_then(|()| std::fs::rename(&staged, path));
    if placed.is_err() {
        std::fs::remove_dir_all(&staged)?;
    }
    placed.map(|()| Some(path.join(mark)))
}

/// Takes a forgotten lock away in one step, whatever its owner left in it.
fn set_aside(path: &Path) -> std::io::Result<()> {
    let aside = beside(path, "stale");
    std::fs::rename(path, &aside)?;
    std::fs::remove_dir_all(aside)
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn is_stale(path: &Path) -> bool {
    modified(path).and_then(|changed| SystemTime::now().duration_since(changed).ok()).is_some_and(|age| age > STALE)
}

fn busy(path: &Path) -> Error {
    Error::new(Code::FileBusy, format!("Another program keeps this file busy: {}", path.display()))
        .at(path)
        .hint("Wait a moment, then try again.")
}
