//! Undoing a change.
//!
//! Where the file is as the change left it, its bytes before come back. Where others changed it since, or the copy of
//! those bytes is gone, only our own entries go back, and only if they still are what the change made of them: as they
//! were written, comments and layout included, as long as the copy is there; otherwise by their values.

use super::history::{FileRecord, History, Record};
use super::merge::{turned_back, value};
use super::plan::{begun, edit, parse, refused, without_trace, writable};
use super::{Change, Op};
use crate::client::{self, Client};
use crate::document::{Document, splice};
use crate::error::{Code, Error, Result};
use crate::file::digest;

/// Plans the undoing of a record, one change per file.
///
/// # Errors
/// `UndoConflict` where somebody changed the same entry since; or a file cannot be read.
pub fn plan_undo(record: &Record, history: &History) -> Result<Vec<Change>> {
    (0..record.files.len()).map(|n| undo_file(record, n, history)).collect()
}

fn undo_file(record: &Record, n: usize, history: &History) -> Result<Change> {
    let file = &record.files[n];
    let client = client::find(&file.client)?;
    let state = writable(&file.path)?;
    let found = state.digest();
    let back = |op: &Op| Op { old: op.new.clone(), new: op.old.clone(), ..op.clone() };
    // The last edit goes first, where one entry was edited twice.
    let ops: Vec<Op> = file.ops.iter().rev().map(back).collect();
    let copy = history.before(record, n).ok();
    let exact = found == file.after && copy.is_some();
    let after = if exact {
        copy.flatten()
    } else if state.bytes.is_none() && ops.iter().all(|op| op.new.is_none()) {
        // The file is gone, and what was put in with it.
        None
    } else {
        let now = state.bytes.as_deref().unwrap_or_default();
        Some(leaves_back(client, file, copy.flatten(), now, &ops)?)
    };
    let change = Change { client, path: file.path.clone(), digest: found, before: state.bytes, after, ops };
    if exact { Ok(change) } else { without_trace(change, history) }
}

/// The file as others made it, with our entries as they were; `copy` has the bytes before the change.
fn leaves_back(
    client: &'static Client,
    file: &FileRecord,
    copy: Option<Vec<u8>>,
    now: &[u8],
    ops: &[Op],
) -> Result<Vec<u8>> {
    let plain = one_by_one(client, file, copy.as_deref(), now, ops)?;
    // Entries that only go are taken out without a trace elsewhere.
    if ops.iter().all(|op| op.new.is_none()) {
        return Ok(plain);
    }
    let after = file.patch.apply(copy.as_deref(), false);
    // The patch of a change that was to hold a secret does not lead to the bytes that it made.
    let after = after.filter(|after| digest(after) == file.after);
    let (path, before) = (file.path.clone(), copy);
    let applied = Change { client, path, digest: file.before.clone(), before, after, ops: file.ops.clone() };
    Ok(turned_back(&applied, now, ops).unwrap_or(plain))
}

/// Each entry by itself, wherever it now stands.
fn one_by_one(
    client: &'static Client,
    file: &FileRecord,
    copy: Option<&[u8]>,
    now: &[u8],
    ops: &[Op],
) -> Result<Vec<u8>> {
    let before = copy.and_then(|copy| parse(client, &file.path, copy).ok());
    let mut bytes = now.to_vec();
    for op in ops {
        let document = parse(client, &file.path, &bytes)?;
        let entries = document.entries(&op.keys(client)).map_err(|error| refused(&file.path, &error))?;
        let now = entries.into_iter().rev().find(|(name, _)| *name == op.entry).map(|(_, value)| value);
        if now == op.new {
            continue;
        }
        if now != op.old {
            return Err(Error::new(
                Code::UndoConflict,
                format!("The entry \"{}\" was changed since in {}.", op.entry, file.path.display()),
            )
            .at(&file.path)
            .hint("Undo or keep the later change first."));
        }
        let as_written = before.as_ref().and_then(|before| as_written(client, file, before, &bytes, op));
        bytes = as_written.map_or_else(|| edit(client, &file.path, &bytes, op).map(|(bytes, _)| bytes), Ok)?;
    }
    Ok(bytes)
}

/// An entry put back as its former source text; `None` where that is gone or does not fit into the file as it is now.
fn as_written(client: &'static Client, file: &FileRecord, before: &Document, bytes: &[u8], op: &Op) -> Option<Vec<u8>> {
    let table = op.keys(client);
    if op.new.is_none() || value(before, &table, &op.entry) != op.new {
        return None;
    }
    let raw = before.raw(&table, &op.entry)?;
    let bytes = begun(client, bytes);
    let edits = parse(client, &file.path, bytes).ok()?.set_raw(&table, &op.entry, &raw).ok()?;
    let bytes = splice(bytes, &edits);
    let now = parse(client, &file.path, &bytes).ok()?;
    (value(&now, &table, &op.entry) == op.new).then_some(bytes)
}
