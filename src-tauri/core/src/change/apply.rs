//! Applying changes: lock, read again, compare, record, write.

use std::path::{Path, PathBuf};

use super::Change;
use super::history::{History, Intent, Record};
use super::plan::digest_of;
use crate::error::{Code, Error, Result};
use crate::file::{self, Lock, MkdirLock};

/// What was applied; the record is still pending until the caller's state agrees.
#[derive(Debug)]
pub struct Applied {
    /// The history's record.
    pub record: Record,
}

/// Applies changes of one or several files, all or none.
///
/// # Errors
/// `FileChanged` when a file is not what it was when the change was planned; `FileBusy`; or a file cannot be written.
/// In each case every file is as it was before.
pub fn apply(changes: &[Change], intent: &Intent, history: &History, data_dir: &Path) -> Result<Applied> {
    let mut changes: Vec<&Change> = changes.iter().filter(|change| !change.is_nothing()).collect();
    // One order for everybody, so that two processes never wait for each other.
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    let locks = Locks::take(&changes, data_dir)?;
    let targets = changes.iter().map(|change| unchanged(change)).collect::<Result<Vec<_>>>()?;
    let record = history.begin(intent, &changes)?;
    if let Err(error) = write_all(&changes, &targets, &locks) {
        // Where even going back fails, the record stays, and the next start tries again.
        if put_back(&changes, &targets) {
            history.forget(&record);
        }
        return Err(error);
    }
    Ok(Applied { record })
}

/// Brings files back to what they were before a change that a kill cut short; the history keeps no record of it.
///
/// # Errors
/// As [`apply`].
pub(crate) fn roll_back(changes: &[Change], data_dir: &Path) -> Result<()> {
    let mut changes: Vec<&Change> = changes.iter().filter(|change| !change.is_nothing()).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    let locks = Locks::take(&changes, data_dir)?;
    let targets = changes.iter().map(|change| unchanged(change)).collect::<Result<Vec<_>>>()?;
    write_all(&changes, &targets, &locks)
}

/// The locks of all files of a change.
struct Locks {
    _own: Vec<Lock>,
    apps: Vec<MkdirLock>,
}

impl Locks {
    fn take(changes: &[&Change], data_dir: &Path) -> Result<Self> {
        let own = changes.iter().map(|change| own_lock(change, data_dir)).collect::<Result<_>>()?;
        let apps = changes.iter().filter_map(|change| app_lock(change)).collect::<Result<_>>()?;
        Ok(Self { _own: own, apps })
    }

    /// Backups of large files take their time; nobody may take the locks for forgotten ones meanwhile.
    fn keep_fresh(&self) {
        self.apps.iter().for_each(MkdirLock::keep_fresh);
    }
}

/// Writes the files, up to the first that cannot be written.
fn write_all(changes: &[&Change], targets: &[PathBuf], locks: &Locks) -> Result<()> {
    for (change, target) in changes.iter().zip(targets) {
        locks.keep_fresh();
        write(target, change.after.as_deref(), &change.digest)?;
    }
    Ok(())
}

/// Gives those files back their bytes that were written already: also the one that failed, because a file may have its
/// new bytes and the system report a fault afterwards. Whether all are as they were.
fn put_back(changes: &[&Change], targets: &[PathBuf]) -> bool {
    let mut all = true;
    for (change, target) in changes.iter().zip(targets) {
        let after = digest_of(change.after.as_deref());
        let written = file::read(target).map_or(true, |state| state.digest() == after);
        if written && let Err(error) = write(target, change.before.as_deref(), &after) {
            tracing::warn!("a file cannot be brought back: {error}");
            all = false;
        }
    }
    all
}

fn own_lock(change: &Change, data_dir: &Path) -> Result<Lock> {
    let name = file::digest(change.path.to_string_lossy().as_bytes());
    Lock::take(&data_dir.join("locks").join(format!("{}.lock", &name[..16])))
}

fn app_lock(change: &Change) -> Option<Result<MkdirLock>> {
    let lock = change.client.lock?;
    let folder = (lock.folder)(&change.path);
    folder.parent().is_some_and(Path::is_dir).then(|| MkdirLock::take(&folder, lock.marked))
}

/// Reads the file again: the digest must still hold.
fn unchanged(change: &Change) -> Result<PathBuf> {
    let state = file::read(&change.path)?;
    if state.digest() != change.digest {
        return Err(changed(&change.path));
    }
    Ok(state.target)
}

/// The error for a file that is not what it was.
pub(crate) fn changed(path: &Path) -> Error {
    Error::new(Code::FileChanged, format!("Another program changed this file in the meantime: {}", path.display()))
        .at(path)
        .hint("Look at the change again.")
}

/// Writes a file if it still has the digest that the change was planned for, looked at as late as possible: apps that
/// know no lock may write at any moment.
fn write(target: &Path, bytes: Option<&[u8]>, digest: &str) -> Result<()> {
    let still = || {
        let now = file::read(target)?;
        if now.digest() == digest { Ok(()) } else { Err(changed(target)) }
    };
    match bytes {
        Some(bytes) => file::replace_if(target, bytes, still),
        None if target.exists() => {
            still()?;
            file::remove_file(target)
        }
        None => Ok(()),
    }
}

/// Whether a record's files all stand as they were after it; used to settle what a kill left behind.
pub(crate) fn reached(record: &Record) -> bool {
    record
        .files
        .iter()
        .all(|file| file::read(&file.path).is_ok_and(|state| digest_of(state.bytes.as_deref()) == file.after))
}
