//! Undoing a change.
//!
//! Where the file is as the change left it, its bytes before come back. Where others changed it since, or the copy of
//! those bytes is gone, only our own entries go back, and only if they still are what the change made of them.

use super::history::{History, Record};
use super::plan::{edit, parse, refused, without_trace, writable};
use super::{Change, Op};
use crate::client;
use crate::error::{Code, Error, Result};

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
    let digest = state.digest();
    let back = |op: &Op| Op { old: op.new.clone(), new: op.old.clone(), ..op.clone() };
    // The last edit goes first, where one entry was edited twice.
    let ops: Vec<Op> = file.ops.iter().rev().map(back).collect();
    let copy = if digest == file.after { history.before(record, n).ok() } else { None };
    let exact = copy.is_some();
    let after = if let Some(before) = copy {
        before
    } else if state.bytes.is_none() && ops.iter().all(|op| op.new.is_none()) {
        // The file is gone, and what was put in with it.
        None
    } else {
        Some(leaves_back(client, file, state.bytes.as_deref().unwrap_or_default(), &ops)?)
    };
    let change = Change { client, path: file.path.clone(), digest, before: state.bytes, after, ops };
    if exact { Ok(change) } else { without_trace(change, history) }
}

fn leaves_back(
    client: &'static client::Client,
    file: &super::history::FileRecord,
    bytes: &[u8],
    ops: &[Op],
) -> Result<Vec<u8>> {
    let mut bytes = bytes.to_vec();
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
        bytes = edit(client, &file.path, &bytes, op)?.0;
    }
    Ok(bytes)
}
