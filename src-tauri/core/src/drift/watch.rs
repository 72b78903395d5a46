//! Watching the apps' files.
//!
//! The parent folder is watched, because programs replace files by renaming; any event only means "look again", and
//! the answer comes from the bytes' digest. Where a folder does not exist yet, its nearest existing ancestor is
//! watched; what else happens in such a folder, and in some there is always something, wakes nobody. Nothing polls at
//! rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};

use crate::error::{Code, Error, Result};
use crate::file;

/// How long to wait for a burst of events to end before looking.
const QUIET: Duration = Duration::from_millis(120);

/// Watches files until dropped.
pub struct Watcher {
    stop: mpsc::Sender<Signal>,
}

enum Signal {
    Event,
    Stop,
}

impl Watcher {
    /// Calls `changed` from a thread of its own, once for each time that the bytes of any of `paths` differ from
    /// before.
    ///
    /// # Errors
    /// The system refuses to watch.
    pub fn start(paths: Vec<PathBuf>, changed: impl Fn() + Send + 'static) -> Result<Self> {
        let (send, receive) = mpsc::channel();
        let events = send.clone();
        let names = Arc::new(RwLock::new(names_on_the_way(&paths)));
        let wanted = names.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error means that events may be lost: look again.
            if event.is_ok_and(|event| is_elsewhere(&event, &wanted.read().unwrap_or_else(PoisonError::into_inner))) {
                return;
            }
            let _ = events.send(Signal::Event);
        })
        .map_err(|error| refused(&error))?;
        let mut watched = Watched::new();
        if let Err(error) = watch_folders(&mut watcher, &paths, &mut watched) {
            if watched.is_empty() {
                return Err(error);
            }
            // One folder that cannot be watched is no reason to watch none.
            tracing::warn!("{error}");
        }
        let mut seen = digests(&paths);
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                while settle(&receive) {
                    // A folder may have appeared. One that cannot be watched is tried again at the next event.
                    if let Err(error) = watch_folders(&mut watcher, &paths, &mut watched) {
                        tracing::warn!("{error}");
                    }
                    // A link may lead elsewhere now.
                    *names.write().unwrap_or_else(PoisonError::into_inner) = names_on_the_way(&paths);
                    let now = digests(&paths);
                    if now != seen {
                        seen = now;
                        changed();
                    }
                }
            })
            .map_err(|error| Error::new(Code::Io, format!("The watching thread cannot start: {error}")))?;
        Ok(Self { stop: send })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread is gone already if this fails.
        let _ = self.stop.send(Signal::Stop);
    }
}

/// Every name in the files' paths and in what they are links to, in small letters: systems differ in whether they tell
/// those apart, and in how they begin a path.
fn names_on_the_way(paths: &[PathBuf]) -> BTreeSet<String> {
    let targets = paths.iter().filter_map(|path| std::fs::canonicalize(path).ok());
    let all = paths.iter().cloned().chain(targets).collect::<Vec<_>>();
    all.iter().flat_map(|path| path.iter()).map(|name| name.to_string_lossy().to_lowercase()).collect()
}

/// Whether an event is none of ours: reading is no change, and a file of another name matters to nobody.
fn is_elsewhere(event: &notify::Event, names: &BTreeSet<String>) -> bool {
    let known =
        |path: &PathBuf| path.file_name().is_none_or(|name| names.contains(&name.to_string_lossy().to_lowercase()));
    event.kind.is_access() || !event.need_rescan() && !event.paths.is_empty() && !event.paths.iter().any(known)
}

/// Waits for an event and the end of its burst; `false` when it is time to stop.
fn settle(receive: &mpsc::Receiver<Signal>) -> bool {
    if !matches!(receive.recv(), Ok(Signal::Event)) {
        return false;
    }
    // A program that writes without a pause must not keep us from looking.
    for _ in 0..4 {
        match receive.recv_timeout(QUIET) {
            Ok(Signal::Event) => {}
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
        }
        while let Ok(signal) = receive.try_recv() {
            if matches!(signal, Signal::Stop) {
                return false;
            }
        }
    }
    true
}

/// The folders watched, by path, with what tells a folder from another one of the same path.
type Watched = BTreeMap<PathBuf, Option<Identity>>;

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = std::time::SystemTime;

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(folder: &Path) -> Option<Identity> {
    std::fs::metadata(folder).ok()?.created().ok()
}

fn watch_folders(watcher: &mut notify::RecommendedWatcher, paths: &[PathBuf], watched: &mut Watched) -> Result<()> {
    // A folder that was removed, or moved away for another one, has to be watched anew.
    let gone: Vec<_> = watched.iter().filter(|(folder, known)| identity(folder) != **known).collect();
    let gone: Vec<PathBuf> = gone.into_iter().map(|(folder, _)| folder.clone()).collect();
    for folder in gone {
        // The system has let go of a removed folder by itself.
        let _ = watcher.unwatch(&folder);
        watched.remove(&folder);
    }
    let mut outcome = Ok(());
    for path in paths {
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        for folder in [nearest_folder(path), nearest_folder(&target)].into_iter().flatten() {
            // The folder above tells when this one is moved away.
            for folder in folder.ancestors().take(2).map(Path::to_path_buf) {
                if watched.contains_key(&folder) {
                    continue;
                }
                match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => drop(watched.insert(folder.clone(), identity(&folder))),
                    Err(error) => outcome = Err(refused(&error)),
                }
            }
        }
    }
    outcome
}

fn nearest_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

fn digests(paths: &[PathBuf]) -> BTreeMap<PathBuf, String> {
    let look = |path: &PathBuf| match file::read(path) {
        Ok(state) => state.digest(),
        Err(error) => error.to_string(),
    };
    paths.iter().map(|path| (path.clone(), look(path))).collect()
}

fn refused(error: &notify::Error) -> Error {
    Error::new(Code::Io, format!("The system refuses to watch the apps' files: {error}"))
}
