//! Applying changes: lock, read again, compare, record, write.

use std::path::Path;
use std::time::Duration;

use super::history::{Effect, History, Intent, Record};
use super::plan::{digest_of, parse};
use super::{Change, Op};
use crate::document::Document;
use crate::error::Result;
pub(crate) use crate::file::changed;
use crate::file::{self, FileState, Lock, MkdirLock, Readers};

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
    let found = changes.iter().map(|change| unchanged(change)).collect::<Result<Vec<_>>>()?;
    let record = history.begin(intent, &changes)?;
    let written = write_all(&changes, &found, &intent.effect);
    if let Err(error) = written.and_then(|()| changes.iter().try_for_each(|change| holds(change))) {
        // Where even going back fails, the record stays, and the next start tries again.
        if put_back(&changes, &intent.effect) {
            history.forget(&record);
        }
        return Err(error);
    }
    drop(locks);
    Ok(Applied { record })
}

/// Brings files back to what they were before a change with this effect that a kill cut short; the history keeps no
/// record of it.
///
/// # Errors
/// As [`apply`].
pub(crate) fn roll_back(changes: &[Change], effect: &Effect, data_dir: &Path) -> Result<()> {
    let mut changes: Vec<&Change> = changes.iter().filter(|change| !change.is_nothing()).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    let locks = Locks::take(&changes, data_dir)?;
    let found = changes.iter().map(|change| unchanged(change)).collect::<Result<Vec<_>>>()?;
    let written = write_all(&changes, &found, effect);
    drop(locks);
    written
}

/// The locks of all files of a change.
struct Locks {
    _own: Vec<Lock>,
    _apps: Vec<MkdirLock>,
}

impl Locks {
    fn take(changes: &[&Change], data_dir: &Path) -> Result<Self> {
        let own = changes.iter().map(|change| own_lock(change, data_dir)).collect::<Result<_>>()?;
        let apps = changes.iter().filter_map(|change| app_lock(change)).collect::<Result<_>>()?;
        Ok(Self { _own: own, _apps: apps })
    }
}

/// Writes the files, up to the first that cannot be written.
fn write_all(changes: &[&Change], found: &[FileState], effect: &Effect) -> Result<()> {
    changes.iter().zip(found).try_for_each(|(change, found)| {
        let readers = effect.readers_of(&change.path);
        write(found, change.after.as_deref(), readers)
    })
}

/// Gives those files back their bytes that were written already: also the one that failed, because a file may have its
/// new bytes and the system report a fault afterwards. Whether all are as they were.
fn put_back(changes: &[&Change], effect: &Effect) -> bool {
    let mut all = true;
    for change in changes {
        let Ok(now) = file::read(&change.path) else {
            all = false;
            continue;
        };
        let written = now.digest() == digest_of(change.after.as_deref());
        if written && let Err(error) = write(&now, change.before.as_deref(), effect.readers_of(&change.path)) {
            tracing::warn!("a file cannot be brought back: {error}");
            all = false;
        }
    }
    all
}

/// Looks whether the entries stand as they were written: a program that knows no lock may have read the file before
/// and written it after, and nobody may believe then that our change is there.
fn holds(change: &Change) -> Result<()> {
    let Some(document) = document_now(change)? else { return Ok(()) };
    let stands = |op: &Op| {
        let entries = document.entries(&op.keys(change.client)).unwrap_or_default();
        entries.iter().rev().find(|(entry, _)| *entry == op.entry).map(|(_, value)| value) == op.new.as_ref()
    };
    if change.ops.iter().all(stands) { Ok(()) } else { Err(changed(&change.path)) }
}

/// A file that somebody wrote since; `None` where nobody did, or where what they wrote is no use.
fn document_now(change: &Change) -> Result<Option<Document>> {
    // Somebody may be in the middle of writing in place.
    for _ in 0..25 {
        let now = file::read_settled(&change.path)?;
        if now.bytes == change.after {
            return Ok(None);
        }
        let document = parse(change.client, &change.path, now.bytes.as_deref().unwrap_or_default());
        if let Ok(document) = document {
            return Ok(Some(document));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
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
fn unchanged(change: &Change) -> Result<FileState> {
    let state = file::read_settled(&change.path)?;
    if state.digest() == change.digest { Ok(state) } else { Err(changed(&change.path)) }
}

/// Writes a file if it still is what was found.
fn write(found: &FileState, bytes: Option<&[u8]>, readers: Readers) -> Result<()> {
    match bytes {
        Some(bytes) => file::replace(found, bytes, readers),
        None => file::remove(found),
    }
}

/// Whether a record's files all stand as they were after it; used to settle what a kill left behind.
pub(crate) fn reached(record: &Record) -> bool {
    record
        .files
        .iter()
        .all(|file| file::read(&file.path).is_ok_and(|state| digest_of(state.bytes.as_deref()) == file.after))
}
