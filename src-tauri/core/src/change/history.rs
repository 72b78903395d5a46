//! The history: what was applied, with what undoes it.
//!
//! One folder per change under `history/`: `record.json` and, per file, the bytes before (`N.before`), all readable by
//! the owner alone. A record is written as *pending* before the first file is touched and becomes *done* when files
//! and state agree; what a kill left pending is settled by [`History::pending`] and its caller.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::{digest_of, edit};
use super::{Change, Op};
use crate::api::view::ActivityKind;
use crate::client::{Client, Scope};
use crate::connection::{Connection, Placement, state::random_hex};
use crate::error::{Code, Error, Result};
use crate::file;

/// One applied change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id: the time and four hex digits; sorts by time.
    pub id: String,
    /// When it was applied.
    pub at: Timestamp,
    /// What was done.
    pub kind: ActivityKind,
    /// The connection's id.
    pub connection: String,
    /// The connection's name at the time.
    pub name: String,
    /// The files changed.
    pub files: Vec<FileRecord>,
    /// What it meant for the state.
    pub effect: Effect,
    /// How far it came.
    pub status: Status,
    /// The record that undid it.
    #[serde(default)]
    pub undone_by: Option<String>,
    /// The record that it undoes.
    #[serde(default)]
    pub undoes: Option<String>,
}

/// How far a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Begun; files or state may lack it.
    Pending,
    /// Files and state have it.
    Done,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The app's id.
    pub client: String,
    /// The path that the app knows.
    pub path: PathBuf,
    /// Digest before.
    pub before: String,
    /// Digest after.
    pub after: String,
    /// What happened to which entry.
    pub ops: Vec<Op>,
    /// What turns the bytes before into those after.
    pub patch: Patch,
}

/// The one stretch of a file in which before and after differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Its length before, in bytes.
    pub old: usize,
    /// Its text after; whole characters, because files are UTF-8.
    pub new: String,
}

impl Patch {
    fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let boundary = |at: usize| after.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
        let mut start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
        while !boundary(start) {
            start -= 1;
        }
        let room = before.len().min(after.len()) - start;
        let mut tail = before.iter().rev().zip(after.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        while !boundary(after.len() - tail) {
            tail -= 1;
        }
        let new = String::from_utf8_lossy(&after[start..after.len() - tail]).into_owned();
        Self { start, old: before.len() - tail - start, new }
    }

    fn apply(&self, before: Option<&[u8]>, gone: bool) -> Option<Vec<u8>> {
        let before = before.unwrap_or_default();
        let (head, rest) = before.split_at(self.start.min(before.len()));
        let tail = &rest[self.old.min(rest.len())..];
        (!gone).then(|| [head, self.new.as_bytes(), tail].concat())
    }
}

/// What a change meant for the state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Placements by app: before and after.
    #[serde(default)]
    pub placements: Vec<PlacementEffect>,
    /// The connection that was removed, facts only.
    #[serde(default)]
    pub removed: Option<Connection>,
}

/// One app's placement, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacementEffect {
    /// The app's id.
    pub client: String,
    /// For whom it counts in that app.
    #[serde(default, skip_serializing_if = "Scope::is_user")]
    pub scope: Scope,
    /// Before; absent where there was none.
    pub before: Option<Placement>,
    /// After; absent where it is gone.
    pub after: Option<Placement>,
}

impl PlacementEffect {
    /// What happens to one placement.
    ///
    /// # Panics
    /// Where there is none before nor after.
    pub fn new(before: Option<Placement>, after: Option<Placement>) -> Self {
        let place = after.as_ref().or(before.as_ref()).expect("a placement before or after");
        Self { client: place.client.clone(), scope: place.scope.clone(), before, after }
    }
}

/// What a caller says about a change it applies.
#[derive(Debug, Clone)]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// What is done.
    pub kind: ActivityKind,
    /// The connection's id.
    pub connection: String,
    /// The connection's name.
    pub name: String,
    /// What it means for the state.
    pub effect: Effect,
    /// The record that it undoes.
    pub undoes: Option<String>,
}

/// A file as it would be; no bytes where it would not be there.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) bytes: Option<Vec<u8>>,
}

/// The history's folder.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
}

impl History {
    /// The history in Patchbay's data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("history") }
    }

    /// All records, the newest first. A record that cannot be read is left out: it can be neither shown nor undone.
    pub fn records(&self) -> Vec<Record> {
        let mut ids: Vec<_> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.iter().filter_map(|id| self.record(id).ok()).collect()
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
        let bytes = file::read_own(&self.folder.join(id).join("record.json"))?.ok_or_else(unknown)?;
        serde_json::from_slice(&bytes).map_err(|_| unknown())
    }

    /// Records that a kill left between file and state.
    pub fn pending(&self) -> Vec<Record> {
        self.records().into_iter().filter(|record| record.status == Status::Pending).collect()
    }

    /// The bytes of a record's `n`th file before it.
    ///
    /// # Errors
    /// The copy cannot be read.
    pub fn before(&self, record: &Record, n: usize) -> Result<Option<Vec<u8>>> {
        if record.files[n].before == "absent" {
            return Ok(None);
        }
        let path = self.folder.join(&record.id).join(format!("{n}.before"));
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

    /// A record's changes as they were planned then, to be shown.
    ///
    /// # Errors
    /// A copy is damaged.
    pub fn changes(&self, record: &Record) -> Result<Vec<Change>> {
        let change = |n: usize, file: &FileRecord| {
            let before = self.before(record, n)?;
            let after = file.patch.apply(before.as_deref(), file.after == "absent");
            let client = crate::client::find(&file.client)?;
            let (path, digest, ops) = (file.path.clone(), file.before.clone(), file.ops.clone());
            Ok(Change { client, path, digest, before, after, ops })
        };
        record.files.iter().enumerate().map(|(n, file)| change(n, file)).collect()
    }

    /// Writes a pending record with the bytes before, ahead of the files themselves.
    pub(super) fn begin(&self, intent: &Intent, changes: &[&Change]) -> Result<Record> {
        let id = format!("{}-{}", intent.at.strftime("%Y%m%dT%H%M%S%6f"), random_hex(2));
        let files = changes.iter().map(|change| FileRecord {
            client: change.client.id.to_owned(),
            path: change.path.clone(),
            before: change.digest.clone(),
            after: digest_of(change.after.as_deref()),
            ops: change.ops.clone(),
            patch: Patch::between(change.before.as_deref(), change.after.as_deref()),
        });
        let record = Record {
            id,
            at: intent.at,
            kind: intent.kind,
            connection: intent.connection.clone(),
            name: intent.name.clone(),
            files: files.collect(),
            effect: intent.effect.clone(),
            status: Status::Pending,
            undone_by: None,
            undoes: intent.undoes.clone(),
        };
        if let Err(error) = self.keep(&record, changes) {
            self.forget(&record);
            return Err(error);
        }
        Ok(record)
    }

    /// Writes the bytes before, and then the record: without it they are nobody's.
    fn keep(&self, record: &Record, changes: &[&Change]) -> Result<()> {
        for (n, change) in changes.iter().enumerate() {
            if let Some(bytes) = &change.before {
                file::replace_private(&self.folder.join(&record.id).join(format!("{n}.before")), bytes)?;
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
            file::clear_strays(&folder, age);
            let touched =
                std::fs::metadata(&folder).and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
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

    /// Forgets a record whose files were never changed.
    pub fn forget(&self, record: &Record) {
        // What stays behind is read as pending next time and settled then.
        let _ = std::fs::remove_dir_all(self.folder.join(&record.id));
    }

    fn write(&self, record: &Record) -> Result<()> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| Error::new(Code::Internal, format!("The history cannot be written: {error}")))?;
        file::replace_private(&self.folder.join(&record.id).join("record.json"), &text)
    }

    /// The bytes that a file would have, had these entries never been put in: the bytes before the first of Patchbay's
    /// changes since which nobody else wrote, with what else those came to. `None` where an entry is older than that.
    pub(super) fn replay_without(
        &self,
        client: &'static Client,
        path: &Path,
        now: &str,
        gone: &[Op],
    ) -> Result<Option<Replayed>> {
        let records = self.records();
        let mut digest = now.to_owned();
        let mut chain = Vec::new();
        for record in records.iter().filter(|record| record.status == Status::Done) {
            let Some(n) = record.files.iter().position(|file| file.path == path) else { continue };
            if record.files[n].after != digest {
                break;
            }
            digest.clone_from(&record.files[n].before);
            chain.push((record, n));
        }
        let ops = || chain.iter().rev().flat_map(|(record, n)| &record.files[*n].ops);
        if !gone.iter().all(|gone| ops().any(|op| op.is_of(gone) && op.old.is_none())) {
            return Ok(None);
        }
        let Some((first, n)) = chain.last() else { return Ok(None) };
        let base = self.before(first, *n)?;
        let bytes = replay(client, path, base, &net(ops().filter(|op| !gone.iter().any(|gone| op.is_of(gone)))))?;
        Ok(Some(Replayed { bytes }))
    }
}

/// What several ops come to: one per entry, none where it is as it was.
fn net<'a>(ops: impl Iterator<Item = &'a Op>) -> Vec<Op> {
    let mut net: Vec<Op> = Vec::new();
    for op in ops {
        match net.iter_mut().find(|known| known.is_of(op)) {
            Some(known) => known.new.clone_from(&op.new),
            None => net.push(op.clone()),
        }
    }
    net.retain(|op| op.old != op.new);
    net
}

fn replay(client: &Client, path: &Path, base: Option<Vec<u8>>, ops: &[Op]) -> Result<Option<Vec<u8>>> {
    let mut bytes = base;
    for op in ops {
        let (next, _) = edit(client, path, bytes.as_deref().unwrap_or_default(), op)?;
        bytes = Some(next);
    }
    Ok(bytes)
}
