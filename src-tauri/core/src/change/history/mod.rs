//! The history: what was applied, with what undoes it.
//!
//! One folder per change under `history/`: `record.json` and, per file, the bytes before (`N.before`), all readable by
//! the owner alone. A record is written as *pending* before the first file is touched and becomes *done* when files
//! and state agree; what a kill left pending is settled by [`History::pending`] and its caller. [`prune`] says for how
//! long a record is kept, [`purge`] takes tokens out of one.

pub mod prune;
mod purge;
mod record;
mod replay;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::plan::digest_of;
use super::{Change, Op};
use crate::connection::state::random_hex;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::secret::Secret;

pub use purge::Purged;
pub use record::{Edited, Effect, FileRecord, Intent, Patch, PlacementEffect, Record, Status};

/// The time in an id, in UTC, to the microsecond.
const ID_TIME: &str = "%Y%m%dT%H%M%S%6f";

/// The history's folder.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    /// What is never written into a record, although it stands in what is applied.
    hidden: Vec<String>,
}

impl History {
    /// The history in Patchbay's data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("history"), hidden: Vec::new() }
    }

    /// The same history, which notes these secrets as masks and copies no file that holds one. A change that holds one can
    /// be settled, but not undone.
    #[must_use]
    pub fn hiding<'a>(&self, secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let hidden = secrets.map(|secret| secret.expose().to_owned()).collect();
        Self { folder: self.folder.clone(), hidden }
    }

    /// All records, the newest first. A record that cannot be read is left out: it can be neither shown nor undone.
    pub fn records(&self) -> Vec<Record> {
        self.newest(usize::MAX)
    }

    /// The newest records, at most `most`, the newest first.
    pub fn newest(&self, most: usize) -> Vec<Record> {
        let mut ids = self.ids();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.iter().filter_map(|id| self.record(id).ok()).take(most).collect()
    }

    fn ids(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    /// A record by id.
    ///
    /// # Errors
    /// `UnknownChange`.
    pub fn record(&self, id: &str) -> Result<Record> {
        let unknown = || Error::new(Code::UnknownChange, format!("There is no change \"{id}\" in the history."));
        if id.contains(['/', '\\', '.']) {
            return Err(unknown());
        }
        let bytes = file::read_own(&self.record_path(id))?.ok_or_else(unknown)?;
        serde_json::from_slice(&bytes).map_err(|_| unknown())
    }

    /// Records that a kill left between file and state.
    pub fn pending(&self) -> Vec<Record> {
        self.records().into_iter().filter(|record| record.status == Status::Pending).collect()
    }

    /// The bytes of a record's `n`th file before it.
    ///
    /// # Errors
    /// The copy is gone, damaged, or cannot be read.
    pub fn before(&self, record: &Record, n: usize) -> Result<Option<Vec<u8>>> {
        if record.files[n].before == "absent" {
            return Ok(None);
        }
        let path = self.copy_path(&record.id, n);
        let bytes = file::read_own(&path)?;
        match bytes {
            Some(bytes) if file::digest(&bytes) == record.files[n].before => Ok(Some(bytes)),
            _ => Err(Error::new(
                Code::Io,
                format!("The copy of the file before this change is damaged: {}", path.display()),
            )
            .at(path)),
        }
    }

    /// A record's changes as they were planned then, to be shown. Where the copy of a file is gone, its entries alone.
    ///
    /// # Errors
    /// No app is known by a name in the record.
    pub fn changes(&self, record: &Record) -> Result<Vec<Change>> {
        let change = |n: usize, file: &FileRecord| {
            let client = crate::client::find(&file.client)?;
            let (path, digest, ops) = (file.path.clone(), file.before.clone(), file.ops.clone());
            let (before, after) = match self.before(record, n) {
                Ok(before) => {
                    let after = file.patch.apply(before.as_deref(), file.after == "absent");
                    (before, after)
                }
                Err(_) => (Some(entries_alone(file, |op| &op.old)), Some(entries_alone(file, |op| &op.new))),
            };
            Ok(Change { client, path, digest, before, after, ops })
        };
        record.files.iter().enumerate().map(|(n, file)| change(n, file)).collect()
    }

    /// Writes a pending record with the bytes before, ahead of the files themselves.
    pub(super) fn begin(&self, intent: &Intent, changes: &[&Change]) -> Result<Record> {
        let files = changes.iter().map(|change| FileRecord {
            client: change.client.id.to_owned(),
            path: change.path.clone(),
            before: change.digest.clone(),
            after: digest_of(change.after.as_deref()),
            // An entry that stays as it is was not changed, and does not stand in the way of an undo.
            ops: change.ops.iter().filter(|op| op.old != op.new).cloned().collect(),
            patch: Patch::between(change.before.as_deref(), change.after.as_deref()),
        });
        let mut record = Record {
            id: self.next_id(intent.at),
            at: intent.at,
            kind: intent.kind,
            connection: intent.connection.clone(),
            name: intent.name.clone(),
            files: files.collect(),
            effect: intent.effect.clone(),
            status: Status::Pending,
            undone_by: None,
            undoes: intent.undoes.clone(),
            holds_token: false,
            undo_lost: false,
        };
        purge::mask(&mut record, &self.hidden);
        record.holds_token = purge::holds_token(&record, changes);
        if let Err(error) = self.keep(&record, changes) {
            self.forget(&record);
            return Err(error);
        }
        Ok(record)
    }

    /// An id that sorts behind all others: whoever waited for a lock had looked at the clock before, and clocks jump.
    fn next_id(&self, at: Timestamp) -> String {
        let time_of =
            |id: &String| DateTime::strptime(ID_TIME, id.split('-').next()?).ok()?.to_zoned(TimeZone::UTC).ok();
        let newest = self.ids().iter().filter_map(time_of).max();
        let free = newest.and_then(|newest| newest.timestamp().checked_add(1.microsecond()).ok());
        format!("{}-{}", free.map_or(at, |free| free.max(at)).strftime(ID_TIME), random_hex(2))
    }

    /// Writes the bytes before, and then the record: without it they are nobody's.
    fn keep(&self, record: &Record, changes: &[&Change]) -> Result<()> {
        for (n, change) in changes.iter().enumerate() {
            if let Some(bytes) = change.before.as_deref().filter(|bytes| !purge::holds_any(bytes, &self.hidden)) {
                file::replace_private(&self.copy_path(&record.id, n), bytes)?;
            }
        }
        self.write(record)
    }

    /// Removes what killed writers left in the history's folder, where no change is under way.
    pub fn tidy(&self) {
        for folder in std::fs::read_dir(&self.folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
        {
            // A line of activity may be being written at this moment; it has no copies.
            let age = Duration::from_secs(if folder.join("0.before").exists() { 0 } else { 600 });
            let touched =
                std::fs::metadata(&folder).and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            file::clear_strays(&folder, age);
            if !folder.join("record.json").exists() && touched.is_some_and(|touched| touched >= age) {
                // It is tried again at the next start.
                let _ = std::fs::remove_dir_all(&folder);
            }
        }
    }

    /// Writes down what happened without any file being changed.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn note(&self, intent: &Intent) -> Result<()> {
        let mut record = self.begin(intent, &[])?;
        self.finish(&mut record)
    }

    /// Marks a record as done.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn finish(&self, record: &mut Record) -> Result<()> {
        record.status = Status::Done;
        self.write(record)
    }

    /// Notes which record undid this one.
    ///
    /// # Errors
    /// The record cannot be read or written.
    pub fn mark_undone(&self, id: &str, by: &str) -> Result<()> {
        let mut record = self.record(id)?;
        record.undone_by = Some(by.to_owned());
        self.write(&record)
    }

    /// Forgets a record, its copies first: a kill in between leaves a record that is forgotten the next time.
    pub fn forget(&self, record: &Record) {
        let folder = self.folder.join(&record.id);
        for n in 0..record.files.len() {
            // What stays behind is tried again the next time.
            let _ = std::fs::remove_file(self.copy_path(&record.id, n));
        }
        let _ = std::fs::remove_file(self.record_path(&record.id));
        let _ = std::fs::remove_dir_all(folder);
    }

    fn write(&self, record: &Record) -> Result<()> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| Error::new(Code::Internal, format!("The history cannot be written: {error}")))?;
        file::replace_private(&self.record_path(&record.id), &text)
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.folder.join(id).join("record.json")
    }

    fn copy_path(&self, id: &str, n: usize) -> PathBuf {
        self.folder.join(id).join(format!("{n}.before"))
    }

    /// Makes everything in the history readable by its owner alone, whatever older versions or copying left.
    #[cfg(unix)]
    pub(crate) fn close_to_others(&self) {
        use std::os::unix::fs::PermissionsExt;
        let close = |path: &Path, mode: u32| {
            let open = std::fs::symlink_metadata(path)
                .is_ok_and(|meta| !meta.is_symlink() && meta.permissions().mode() & 0o777 != mode);
            if open && let Err(error) = std::fs::set_permissions(path, PermissionsExt::from_mode(mode)) {
                tracing::warn!("the history cannot be closed to others: {error}");
            }
        };
        if !self.folder.is_dir() {
            return;
        }
        close(&self.folder, 0o700);
        for folder in self.ids().iter().map(|id| self.folder.join(id)).filter(|folder| folder.is_dir()) {
            close(&folder, 0o700);
            let files = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
            files.for_each(|file| close(&file.path(), 0o600));
        }
    }

    /// Elsewhere the user's own folder is closed to others by the system.
    #[cfg(not(unix))]
    pub(crate) fn close_to_others(&self) {}
}

/// A file as it would be with nothing but the entries that a change is about.
fn entries_alone(file: &FileRecord, value: fn(&Op) -> &Option<serde_json::Value>) -> Vec<u8> {
    let Ok(client) = crate::client::find(&file.client) else { return Vec::new() };
    file.ops.iter().fold(Vec::new(), |bytes, op| {
        let Some(value) = value(op) else { return bytes };
        let edits = super::parse(client, &file.path, &bytes)
            .ok()
            .and_then(|document| document.set(&op.keys(client), &op.entry, value).ok());
        edits.map_or(bytes.clone(), |edits| crate::document::splice(&bytes, &edits))
    })
}
