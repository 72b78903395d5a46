//! Watching the apps' files.
//!
//! The parent folder is watched, because programs replace files by renaming; any event only means "look again", and
//! the answer comes from the bytes' digest. Where a folder does not exist yet, its nearest existing ancestor is
//! watched; what else happens in such a folder, and in some there is always something, wakes nobody. Nothing polls at
//! rest, but for files of whose changes the system tells nothing: those are looked at every ten seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use notify::{RecursiveMode, Watcher as _};

use super::slow::{Mounts, Slow};
use crate::error::{Code, Error, Result};
use crate::file;

/// How long to wait for a burst of events to end before looking.
const QUIET: Duration = Duration::from_millis(120);

/// How often files are looked at of whose changes the system tells nothing.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// The files that are only looked at now and then, and why.
pub type SlowFiles = Arc<RwLock<BTreeMap<PathBuf, Slow>>>;

/// Watches files until dropped.
pub struct Watcher {
    stop: mpsc::Sender<Signal>,
    slow: SlowFiles,
}

enum Signal {
    Event,
    Stop,
}

/// Some of the files.
pub type Choose = Box<dyn Fn(&[PathBuf]) -> BTreeSet<PathBuf> + Send>;

/// What to watch, and how.
pub struct Watching {
    /// The files. Asked again after each change: one file may tell of others.
    pub paths: Box<dyn Fn() -> Vec<PathBuf> + Send>,
    /// Those of them whose changes may come without an event.
    pub far: Choose,
    /// How often such files are looked at.
    pub every: Duration,
}

impl Watching {
    /// These files, as this machine is made.
    pub fn files(paths: impl Fn() -> Vec<PathBuf> + Send + 'static) -> Self {
        let far = |paths: &[PathBuf]| {
            let mounts = Mounts::now();
            paths.iter().filter(|path| mounts.is_far(path)).cloned().collect()
        };
        Self { paths: Box::new(paths), far: Box::new(far), every: NOW_AND_THEN }
    }
}

impl Watcher {
    /// Calls `changed` from a thread of its own, once for each time that the bytes of any of the files differ from
    /// before. Where the system refuses to watch, the files are looked at now and then.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn start(watching: Watching, changed: impl Fn() + Send + 'static) -> Result<Self> {
        let (send, receive) = mpsc::channel();
        let slow = SlowFiles::default();
        let mut watch = Watch::new(watching, send.clone(), slow.clone());
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                loop {
                    match watch.wait(&receive) {
                        Woken::Stopped => return,
                        Woken::ByTime if !watch.differs_in_stamps() => {}
                        Woken::ByTime | Woken::ByEvent => watch.look_again(&changed),
                    }
                }
            })
            .map_err(|error| Error::new(Code::Io, format!("The watching thread cannot start: {error}")))?;
        Ok(Self { stop: send, slow })
    }

    /// The files that are only looked at now and then, kept up to date.
    pub fn slow(&self) -> SlowFiles {
        self.slow.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread is gone already if this fails.
        let _ = self.stop.send(Signal::Stop);
    }
}

/// What ended a wait.
enum Woken {
    ByEvent,
    ByTime,
    Stopped,
}

/// What a file looks like from outside, to tell without reading it whether to read it.
type Stamp = Option<(u64, Option<SystemTime>)>;

/// The watching thread's own.
struct Watch {
    watching: Watching,
    /// Absent where the system gives no watcher at all.
    system: Option<notify::RecommendedWatcher>,
    paths: Vec<PathBuf>,
    names: Arc<RwLock<BTreeSet<String>>>,
    watched: Watched,
    slow: SlowFiles,
    stamps: BTreeMap<PathBuf, Stamp>,
    seen: BTreeMap<PathBuf, String>,
}

impl Watch {
    fn new(watching: Watching, events: mpsc::Sender<Signal>, slow: SlowFiles) -> Self {
        let paths = (watching.paths)();
        let names = Arc::new(RwLock::new(names_on_the_way(&paths)));
        let wanted = names.clone();
        let system = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error means that events may be lost: look again.
            if event.is_ok_and(|event| is_elsewhere(&event, &wanted.read().unwrap_or_else(PoisonError::into_inner))) {
                return;
            }
            let _ = events.send(Signal::Event);
        });
        let system = system.inspect_err(|error| tracing::warn!("the apps' files cannot be watched: {error}")).ok();
        let (watched, stamps) = (Watched::new(), BTreeMap::new());
        let mut watch = Self { watching, system, seen: BTreeMap::new(), paths, names, watched, slow, stamps };
        watch.watch_folders();
        watch.seen = digests(&watch.paths);
        watch
    }

    /// Waits for an event and the end of its burst, or, where there are files that bring none, for their time.
    fn wait(&self, receive: &mpsc::Receiver<Signal>) -> Woken {
        let has_slow = !self.stamps.is_empty();
        let first = if has_slow {
            receive.recv_timeout(self.watching.every)
        } else {
            receive.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match first {
            Ok(Signal::Event) if settle(receive) => Woken::ByEvent,
            Err(RecvTimeoutError::Timeout) => Woken::ByTime,
            _ => Woken::Stopped,
        }
    }

    fn differs_in_stamps(&self) -> bool {
        self.stamps.iter().any(|(path, known)| stamp(path) != *known)
    }

    /// Tells of a change, where there is one, and then finds out what else there is to watch.
    fn look_again(&mut self, changed: &impl Fn()) {
        // A folder may have appeared: before the look, so that what comes into it after the look is heard.
        self.watch_folders();
        let now = digests(&self.paths);
        if now == self.seen {
            return;
        }
        self.seen = now;
        changed();
        let paths = (self.watching.paths)();
        if paths != self.paths {
            self.paths = paths;
            self.watch_folders();
            let mut seen = digests(&self.paths);
            // What changed meanwhile in a file known before is told the next time.
            seen.extend(
                self.seen.iter().filter(|(path, _)| self.paths.contains(path)).map(|(p, d)| (p.clone(), d.clone())),
            );
            self.seen = seen;
        }
    }

    fn watch_folders(&mut self) {
        // A link may lead elsewhere now.
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names_on_the_way(&self.paths);
        let refused = match &mut self.system {
            Some(system) => watch_folders(system, &self.paths, &mut self.watched),
            None => self.paths.iter().cloned().collect(),
        };
        let far = (self.watching.far)(&self.paths);
        let why = |path: &PathBuf| {
            let far = far.contains(path).then_some(Slow::NetworkFolder);
            Some((path.clone(), far.or_else(|| refused.contains(path).then_some(Slow::NotWatched))?))
        };
        let slow: BTreeMap<PathBuf, Slow> = self.paths.iter().filter_map(why).collect();
        self.stamps = slow.keys().map(|path| (path.clone(), stamp(path))).collect();
        *self.slow.write().unwrap_or_else(PoisonError::into_inner) = slow;
    }
}

fn stamp(path: &Path) -> Stamp {
    std::fs::metadata(path).ok().map(|meta| (meta.len(), meta.modified().ok()))
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

/// Waits for the end of a burst of events; `false` when it is time to stop.
fn settle(receive: &mpsc::Receiver<Signal>) -> bool {
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

/// Watches the folders of files. The files of which the system will not tell everything.
fn watch_folders(
    watcher: &mut notify::RecommendedWatcher,
    paths: &[PathBuf],
    watched: &mut Watched,
) -> BTreeSet<PathBuf> {
    // A folder that was removed, or moved away for another one, has to be watched anew.
    let gone: Vec<_> = watched.iter().filter(|(folder, known)| identity(folder) != **known).collect();
    let gone: Vec<PathBuf> = gone.into_iter().map(|(folder, _)| folder.clone()).collect();
    for folder in gone {
        // The system has let go of a removed folder by itself.
        let _ = watcher.unwatch(&folder);
        watched.remove(&folder);
    }
    let mut refused = BTreeSet::new();
    for path in paths {
        let own = own_folders(path);
        // The folder above tells when this one is moved away.
        for folder in own.iter().flat_map(|folder| folder.ancestors().take(2).map(Path::to_path_buf)) {
            if watched.contains_key(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(watched.insert(folder.clone(), identity(&folder))),
                // Of the folder above, which some may not read, nothing is needed but its being moved.
                Err(error) if own.contains(&folder) || matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                    tracing::warn!("{} cannot be watched: {error}", folder.display());
                    refused.insert(path.clone());
                }
                Err(_) => {}
            }
        }
    }
    refused
}

/// The folders in which a file and what it is a link to come and go.
fn own_folders(path: &Path) -> BTreeSet<PathBuf> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    [nearest_folder(path), nearest_folder(&target)].into_iter().flatten().collect()
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
