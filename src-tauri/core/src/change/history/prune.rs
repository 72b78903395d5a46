//! For how long a change is kept: 90 days, and in any case among the newest 50 of a file that it touched.
//!
//! Longer than that is kept what is still under way, and what taking an entry out byte for byte still needs: the changes
//! of a file from the one that put an entry in which is still there, as long as they follow upon each other. Forgetting
//! one of those would cost blanks and commas, never an entry.
//!
//! A clock may be wrong for a while. So a change is forgotten only when it has been too old for a week: it is noted at
//! the first time, and the note goes where the clock goes back. What is dated in the future is not old.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{History, Record, Status};
use crate::connection::Placement;
use crate::error::Result;
use crate::file;

/// Days for which every change is kept.
pub const DAYS: i64 = 90;
/// The newest changes of a file that are kept in any case.
pub const NEWEST: usize = 50;
/// Days for which a change has to be too old before it is forgotten.
pub const WAIT_DAYS: i64 = 7;

/// The age at which a folder without a record is nobody's work any more.
const STALE: Duration = Duration::from_secs(600);

/// Since when changes are too old, by their ids.
pub type Old = BTreeMap<String, Timestamp>;

/// What to do about old changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// To be forgotten now.
    pub forget: BTreeSet<String>,
    /// Too old, and since when.
    pub old: Old,
}

/// Which changes are to be forgotten. `records` come newest first; `old` is what the last look noted.
pub fn due(records: &[Record], placed: &[Placement], old: &Old, now: Timestamp) -> Due {
    let kept = &(&newest(records) | &needed(records, placed)) | &under_way(records);
    let too_old = |record: &&Record| now.duration_since(record.at) > days(DAYS);
    let mut due = Due::default();
    for record in records.iter().filter(too_old).filter(|record| !kept.contains(record.id.as_str())) {
        let since = old.get(&record.id).copied().filter(|since| *since <= now).unwrap_or(now);
        if now.duration_since(since) >= days(WAIT_DAYS) {
            due.forget.insert(record.id.clone());
        } else {
            due.old.insert(record.id.clone(), since);
        }
    }
    due
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn under_way(records: &[Record]) -> BTreeSet<&str> {
    records.iter().filter(|record| record.status == Status::Pending).map(|record| record.id.as_str()).collect()
}

/// The newest of each file, and of those that touched none.
fn newest(records: &[Record]) -> BTreeSet<&str> {
    let mut seen: BTreeMap<Option<&Path>, usize> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for record in records {
        let files: BTreeSet<_> = record.files.iter().map(|file| Some(file.path.as_path())).collect();
        for file in if files.is_empty() { BTreeSet::from([None]) } else { files } {
            let count = seen.entry(file).or_default();
            *count += 1;
            if *count <= NEWEST {
                kept.insert(record.id.as_str());
            }
        }
    }
    kept
}

/// The changes that taking out what is still placed goes back to.
fn needed<'a>(records: &'a [Record], placed: &[Placement]) -> BTreeSet<&'a str> {
    let paths: BTreeSet<&PathBuf> = records.iter().flat_map(|record| &record.files).map(|file| &file.path).collect();
    paths.into_iter().flat_map(|path| chain(records, path, placed)).collect()
}

fn chain<'a>(records: &'a [Record], path: &Path, placed: &[Placement]) -> Vec<&'a str> {
    let is_here = |client: &str, entry: &str| {
        let here = |place: &&Placement| place.path.as_deref().is_none_or(|of| of == path);
        placed.iter().filter(here).any(|place| place.client == client && place.entry == entry)
    };
    let (mut chain, mut length, mut before) = (Vec::new(), 0, None::<&String>);
    for record in records.iter().filter(|record| record.status == Status::Done) {
        let Some(file) = record.files.iter().find(|file| file.path == path) else { continue };
        if before.is_some_and(|before| *before != file.after) {
            break;
        }
        before = Some(&file.before);
        chain.push(record.id.as_str());
        if file.ops.iter().any(|op| op.old.is_none() && is_here(&file.client, &op.entry)) {
            length = chain.len();
        }
    }
    chain.truncate(length);
    chain
}

impl History {
    /// Forgets what is too old, and what a kill left of records. Only where nobody else is at work.
    ///
    /// # Errors
    /// What is too old cannot be noted.
    pub fn prune(&self, placed: &[Placement], now: Timestamp) -> Result<()> {
        self.sweep();
        let noted = self.folder.with_file_name("history-old.json");
        let old: Old =
            file::read_own(&noted)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let records = self.records();
        let due = due(&records, placed, &old, now);
        for record in records.iter().filter(|record| due.forget.contains(&record.id)) {
            self.forget(record);
        }
        if due.old != old {
            file::replace_private(&noted, serde_json::to_string(&due.old).unwrap_or_default().as_bytes())?;
        }
        Ok(())
    }

    /// Removes folders without a record: one that was just being begun or forgotten. No file was touched for them.
    fn sweep(&self) {
        for folder in self.ids().into_iter().map(|id| self.folder.join(id)) {
            let touched = std::fs::metadata(&folder).and_then(|meta| meta.modified()).ok();
            // What is just being begun is younger.
            let old = touched.and_then(|touched| touched.elapsed().ok()).is_some_and(|age| age > STALE);
            if old && folder.is_dir() && !folder.join("record.json").exists() {
                // It may be tried again at the next start.
                let _ = std::fs::remove_dir_all(folder);
            }
        }
    }
}
