//! Planning: from what is wanted to a [`Change`], touching nothing.

use std::path::Path;

use serde_json::Value;

use super::history::History;
use super::{Change, Op};
use crate::api::message::ChangeVerb;
use crate::client::Client;
use crate::document::{Document, DocumentError, splice};
use crate::error::{Code, Error, Result};
use crate::file::{self, FileState, digest};

/// Plans setting (`Some`) or taking out (`None`) entries of one file.
///
/// # Errors
/// The file cannot be read, parsed or written; the entry is not of the kind the app takes; a key stands twice.
pub fn plan(client: &'static Client, path: &Path, wanted: &[(&str, Option<Value>)]) -> Result<Change> {
    let state = writable(path)?;
    let before = state.bytes.clone();
    let mut bytes = before.clone().unwrap_or_default();
    let mut ops = Vec::new();
    for (entry, value) in wanted {
        let (next, op) = edit(client, path, &bytes, entry, value.as_ref())?;
        bytes = next;
        ops.push(op);
    }
    let untouched = before.is_none() && ops.iter().all(|op| op.new.is_none());
    let after = if untouched { None } else { Some(bytes) };
    Ok(Change { client, path: path.to_path_buf(), digest: state.digest(), before, after, ops })
}

/// Plans taking out an entry so that, where nobody else has changed the file since it was put in, the file has the
/// bytes it would have had without it.
///
/// # Errors
/// As [`plan`].
pub fn plan_without(client: &'static Client, path: &Path, entry: &str, history: &History) -> Result<Change> {
    let plain = plan(client, path, &[(entry, None)])?;
    let Some(replayed) = history.replay_without(client, path, &plain.digest, entry)? else { return Ok(plain) };
    let after = replayed.bytes;
    // The replay may never disagree with the plain edit about anything but white space.
    let same = values(client, path, after.as_deref()) == values(client, path, plain.after.as_deref());
    Ok(if same || after.is_none() { Change { after, ..plain } } else { plain })
}

fn values(client: &Client, path: &Path, bytes: Option<&[u8]>) -> Option<Vec<(String, Value)>> {
    let document = parse(client, path, bytes.unwrap_or_default()).ok()?;
    document.entries(client.table).ok()
}

/// One entry's edit of some bytes: the bytes after, and the op that says what happened.
pub(super) fn edit(
    client: &Client,
    path: &Path,
    bytes: &[u8],
    entry: &str,
    value: Option<&Value>,
) -> Result<(Vec<u8>, Op)> {
    let document = parse(client, path, bytes)?;
    let entries = document.entries(client.table).map_err(|error| refused(path, &error))?;
    let old = entries.into_iter().rev().find(|(name, _)| name == entry).map(|(_, value)| value);
    let edits = match value {
        Some(value) => {
            check(client, entry, value)?;
            document.set(client.table, entry, value)
        }
        None => document.remove(client.table, entry),
    }
    .map_err(|error| refused(path, &error))?;
    let op = Op { entry: entry.to_owned(), old, new: value.cloned() };
    Ok((splice(bytes, &edits), op))
}

fn check(client: &Client, entry: &str, value: &Value) -> Result<()> {
    if !(client.accepts_name)(entry) {
        return Err(Error::new(Code::AppRefuses, format!("{} does not take the name \"{entry}\".", client.name))
            .hint("Choose another name: small letters, digits and hyphens work everywhere.")
            .field("name"));
    }
    match (client.refuses)(value) {
        Some(why) => Err(Error::new(Code::AppRefuses, why)),
        None => Ok(()),
    }
}

/// Parses an app's file by the app's own rules.
///
/// # Errors
/// `FileSyntax` with line and column, `FileShape`, `FileEncoding`.
pub(crate) fn parse(client: &Client, path: &Path, bytes: &[u8]) -> Result<Document> {
    Document::parse(bytes, client.format).map_err(|error| refused(path, &error))
}

/// Turns the editor's refusal into the front door's error.
pub(crate) fn refused(path: &Path, error: &DocumentError) -> Error {
    let code = match error {
        DocumentError::Shape { .. } => Code::FileShape,
        DocumentError::DuplicateKey { .. } => Code::FileDuplicateKey,
        DocumentError::Encoding { .. } => Code::FileEncoding,
        _ => Code::FileSyntax,
    };
    Error::new(code, format!("{error} In {}", path.display()))
        .at(path)
        .hint("Open the file and mend it, or restore it from a copy; Patchbay left it as it is.")
}

/// Reads a file that is to be changed, refusing what cannot be written.
pub(super) fn writable(path: &Path) -> Result<FileState> {
    let state = file::read_settled(path)?;
    if state.read_only {
        return Err(read_only(path));
    }
    let folder = state.target.parent().and_then(|folder| std::fs::metadata(folder).ok());
    if folder.is_some_and(|meta| meta.permissions().readonly()) {
        return Err(read_only(state.target.parent().unwrap_or(path)));
    }
    Ok(state)
}

fn read_only(path: &Path) -> Error {
    Error::new(Code::FileReadOnly, format!("This place is read-only: {}", path.display()))
        .at(path)
        .hint("Allow writing to it, then try again.")
}

/// What a change does to its first entry, in a word.
pub fn verb(change: &Change) -> ChangeVerb {
    match change.ops.first() {
        _ if change.is_nothing() => ChangeVerb::Nothing,
        Some(Op { old: None, new: Some(_), .. }) => ChangeVerb::Add,
        Some(Op { new: None, .. }) => ChangeVerb::Remove,
        _ => ChangeVerb::Change,
    }
}

/// The digest of optional bytes, as [`FileState::digest`] gives it.
pub(super) fn digest_of(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "absent".to_owned(), digest)
}
