//! Locks between Patchbay's own processes, and an app's own lock where it has one.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::error::{Code, Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// The age at which Claude Code takes over a lock folder that nobody keeps fresh (seen with 2.1.329).
const STALE: Duration = Duration::from_secs(10);
/// How long to wait for an app's lock: long enough to see that nobody keeps it fresh.
const APP_PATIENCE: Duration = Duration::from_secs(11);
/// How often a lock folder is touched while it is held.
const FRESH: Duration = Duration::from_secs(2);

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
        let begun = Instant::now();
        loop {
            match Self::try_take(path)? {
                Some(lock) => return Ok(lock),
                None if begun.elapsed() > PATIENCE => return Err(busy_ourselves(path)),
                None => std::thread::sleep(PAUSE),
            }
        }
    }

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

/// A lock that is a folder, as Claude Code and Cline take it beside their files; kept fresh by a thread of its own,
/// removed on drop.
#[derive(Debug)]
pub struct MkdirLock {
    /// Gone when the folder is to be let go.
    held: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl MkdirLock {
    /// Waits up to eleven seconds; takes over a folder that nobody has touched for ten, by its own time or while we
    /// waited: another computer's clock, or a folder's time in the future, make no lock eternal.
    ///
    /// # Errors
    /// `FileBusy` when the app keeps the lock longer than that.
    pub fn take(path: &Path, marked: bool) -> Result<Self> {
        let begun = Instant::now();
        let mut seen = (modified(path), begun);
        loop {
            match if marked { make_marked(path) } else { std::fs::create_dir(path).map(|()| None) } {
                Ok(mark) => return Ok(Self::kept(Folder { path: path.to_path_buf(), mark, touched: modified(path) })),
                Err(_) if path.is_dir() => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                // No folder to lock in means no file to protect.
                Err(error) => return Err(Error::io(path, &error)),
            }
            let now = modified(path);
            if now != seen.0 {
                seen = (now, Instant::now());
            }
            if is_stale(path) || seen.1.elapsed() > STALE {
                set_aside(path, now);
            } else if begun.elapsed() > APP_PATIENCE {
                return Err(busy(path));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn kept(mut folder: Folder) -> Self {
        let (held, dropped) = mpsc::channel();
        let keeper = std::thread::Builder::new().name("lock".to_owned()).spawn(move || {
            while dropped.recv_timeout(FRESH) == Err(RecvTimeoutError::Timeout) {
                folder.keep_fresh();
            }
            folder.remove();
        });
        // A system without room for a thread has other worries: the folder is forgotten after ten seconds.
        Self { held: Some(held), keeper: keeper.ok() }
    }
}

impl Drop for MkdirLock {
    fn drop(&mut self) {
        self.held = None;
        // It has told what went wrong if it panicked.
        let _ = self.keeper.take().map(JoinHandle::join);
    }
}

/// A lock folder of ours.
struct Folder {
    path: PathBuf,
    /// The file in it that says whose it is, where the app wants one: an empty folder is replaced by a rename.
    mark: Option<PathBuf>,
    /// When we last touched it; another time there means that the app took it over.
    touched: Option<SystemTime>,
}

impl Folder {
    /// Tells whoever waits that somebody is at work.
    fn keep_fresh(&mut self) {
        if self.is_ours() {
            let now = File::open(&self.path).and_then(|folder| folder.set_modified(SystemTime::now()));
            // Where a folder's time cannot be set, ten seconds have to do.
            if now.is_ok() {
                self.touched = modified(&self.path);
            }
        }
    }

    fn remove(self) {
        if self.is_ours() {
            // Gone already means that the app took it over.
            let _ = self.mark.as_ref().map(std::fs::remove_file);
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    fn is_ours(&self) -> bool {
        match &self.mark {
            Some(mark) => mark.exists(),
            None => modified(&self.path) == self.touched,
        }
    }
}

/// How the name of a lock's folder begins while it is made or taken away.
const STAGED: &str = ".patchbay-lock-";
/// How the mark in a lock of ours begins.
const MARK: &str = "owner.patchbay.";

/// A name beside a path that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("{STAGED}{}-{}", std::process::id(), crate::connection::state::random_hex(4)))
}

/// Removes what killed processes of ours left of locks beside a file; none that lives may hold one.
pub(super) fn clear_locks(target: &Path) {
    let mut lock = target.as_os_str().to_os_string();
    lock.push(".lock");
    let marks = std::fs::read_dir(&lock).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<_> = marks.map(|mark| mark.file_name().to_string_lossy().into_owned()).collect();
    if !names.is_empty() && names.iter().all(|name| name.starts_with(MARK)) {
        // What stays is taken over when it is stale.
        let _ = std::fs::remove_dir_all(&lock);
    }
    for entry in target.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten() {
        if let Some(entry) = entry.ok().filter(|entry| entry.file_name().to_string_lossy().starts_with(STAGED)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes a folder with a mark in it appear all at once, so that nobody ever sees it empty; gives the mark.
fn make_marked(path: &Path) -> std::io::Result<Option<PathBuf>> {
    let staged = beside(path);
    let mark = format!("{MARK}{}", std::process::id());
    std::fs::create_dir(&staged)?;
    let placed = std::fs::write(staged.join(&mark), b"").and_then(|()| std::fs::rename(&staged, path));
    if placed.is_err() {
        std::fs::remove_dir_all(&staged)?;
    }
    placed.map(|()| Some(path.join(mark)))
}

/// Takes a forgotten lock away in one step, whatever its owner left in it. Somebody else may have been quicker and have
/// it freshly: then it goes back.
fn set_aside(path: &Path, seen: Option<SystemTime>) {
    let aside = beside(path);
    if std::fs::rename(path, &aside).is_err() {
        // It is gone; the next round takes it.
        return;
    }
    let done = if modified(&aside) == seen { std::fs::remove_dir_all(&aside) } else { std::fs::rename(&aside, path) };
    if let Err(error) = done {
        tracing::warn!("a lock's folder is left behind at {}: {error}", aside.display());
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn is_stale(path: &Path) -> bool {
    modified(path).and_then(|changed| SystemTime::now().duration_since(changed).ok()).is_some_and(|age| age > STALE)
}

fn busy(path: &Path) -> Error {
    // The lock stands beside the file, with an ending of its own.
    let file = path.with_extension("");
    Error::new(Code::FileBusy, format!("Another program is writing this file: {}", file.display()))
        .at(file)
        .hint("Wait a moment, then try again.")
}

fn busy_ourselves(path: &Path) -> Error {
    Error::new(Code::FileBusy, "Patchbay is at work on this already, in another window or command.")
        .at(path)
        .hint("Wait until that is done, then try again.")
}
