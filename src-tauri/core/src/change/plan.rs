//! Planning: from what is wanted to a [`Change`], touching nothing.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::history::History;
use super::{Change, Op};
use crate::api::message::ChangeVerb;
use crate::client::{Client, Scope, Source};
use crate::document::{Document, DocumentError, splice};
use crate::error::{Code, Error, Result};
use crate::file::{self, FileState, digest};

/// Plans one app's file: entries that are set (`Some`) or taken out (`None`) for the whole user.
///
/// # Errors
/// As [`Planner::set`].
pub fn plan(client: &'static Client, path: &Path, wanted: &[(&str, Option<Value>)]) -> Result<Change> {
    let source = Source { scope: Scope::User, path: path.to_path_buf(), table: Vec::new() };
    let mut draft = Draft::new(client, path)?;
    for (entry, value) in wanted {
        draft.edit(client, &source, entry, value.as_ref())?;
    }
    Ok(draft.change())
}

/// Plans the changes of several files. Each file is read once, however many of its entries change.
#[derive(Debug)]
pub struct Planner<'a> {
    history: &'a History,
    drafts: Vec<Draft>,
}

impl<'a> Planner<'a> {
    /// Nothing planned yet. The history tells what files were like before Patchbay.
    pub fn new(history: &'a History) -> Self {
        Self { history, drafts: Vec::new() }
    }

    /// Sets an entry.
    ///
    /// # Errors
    /// The file cannot be read, parsed or written; the entry is not of the kind the app takes; a key stands twice.
    pub fn set(&mut self, client: &'static Client, source: &Source, entry: &str, value: &Value) -> Result<()> {
        self.draft(client, source)?.edit(client, source, entry, Some(value))
    }

    /// Takes an entry out so that, where nobody else has changed the file since it was put in, the file has the bytes it
    /// would have had without it.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn take_out(&mut self, client: &'static Client, source: &Source, entry: &str) -> Result<()> {
        self.draft(client, source)?.edit(client, source, entry, None)
    }

    /// The changes, one for each file, in the order in which they were asked for.
    ///
    /// # Errors
    /// The history's copy of a file is damaged.
    pub fn finish(self) -> Result<Vec<Change>> {
        self.drafts.into_iter().map(|draft| without_trace(draft.change(), self.history)).collect()
    }

    fn draft(&mut self, client: &'static Client, source: &Source) -> Result<&mut Draft> {
        if source.scope == Scope::Managed {
            return Err(managed(&source.path));
        }
        let known = self.drafts.iter().position(|draft| draft.path == source.path);
        let at = known.unwrap_or(self.drafts.len());
        if known.is_none() {
            self.drafts.push(Draft::new(client, &source.path)?);
        }
        Ok(&mut self.drafts[at])
    }
}

/// One file, half planned.
#[derive(Debug)]
struct Draft {
    client: &'static Client,
    path: PathBuf,
    state: FileState,
    bytes: Vec<u8>,
    ops: Vec<Op>,
}

impl Draft {
    fn new(client: &'static Client, path: &Path) -> Result<Self> {
        let state = writable(path)?;
        let bytes = state.bytes.clone().unwrap_or_default();
        Ok(Self { client, path: path.to_path_buf(), state, bytes, ops: Vec::new() })
    }

    fn edit(&mut self, client: &Client, source: &Source, entry: &str, value: Option<&Value>) -> Result<()> {
        let is_own = source.table.iter().map(String::as_str).eq(self.client.table.iter().copied());
        let table = if is_own { Vec::new() } else { source.table.clone() };
        let op = Op { table, entry: entry.to_owned(), old: None, new: value.cloned() };
        let (bytes, old) = edit(client, &self.path, &self.bytes, &op)?;
        self.bytes = bytes;
        self.ops.push(Op { old, ..op });
        Ok(())
    }

    fn change(self) -> Change {
        let untouched = self.state.bytes.is_none() && self.ops.iter().all(|op| op.new.is_none());
        let after = if untouched { None } else { Some(self.bytes) };
        let digest = self.state.digest();
        Change { client: self.client, path: self.path, digest, before: self.state.bytes, after, ops: self.ops }
    }
}

/// The change; where entries only go, with the bytes that the file would have, had they never been put in.
pub(super) fn without_trace(plain: Change, history: &History) -> Result<Change> {
    if plain.ops.is_empty() || plain.ops.iter().any(|op| op.new.is_some()) {
        return Ok(plain);
    }
    let replayed = history.replay_without(plain.client, &plain.path, &plain.digest, &plain.ops)?;
    let Some(replayed) = replayed else { return Ok(plain) };
    let after = replayed.bytes;
    // The replay may never disagree with the plain edit about anything but white space.
    let same =
        plain.ops.iter().all(|op| values(&plain, op, after.as_deref()) == values(&plain, op, plain.after.as_deref()));
    Ok(if same || after.is_none() { Change { after, ..plain } } else { plain })
}

fn values(change: &Change, op: &Op, bytes: Option<&[u8]>) -> Option<Vec<(String, Value)>> {
    let document = parse(change.client, &change.path, bytes.unwrap_or_default()).ok()?;
    document.entries(&op.keys(change.client)).ok()
}

/// One entry's edit of some bytes: the bytes after, and the entry's value before.
pub(super) fn edit(client: &Client, path: &Path, bytes: &[u8], op: &Op) -> Result<(Vec<u8>, Option<Value>)> {
    let bytes = if op.new.is_some() { begun(client, bytes) } else { bytes };
    let document = parse(client, path, bytes)?;
    let table = op.keys(client);
    let entries = document.entries(&table).map_err(|error| refused(path, &error))?;
    let old = entries.into_iter().rev().find(|(name, _)| *name == op.entry).map(|(_, value)| value);
    let edits = match &op.new {
        Some(value) => {
            check(client, path, &op.entry, value)?;
            document.set(&table, &op.entry, value)
        }
        None => document.remove(&table, &op.entry),
    }
    .map_err(|error| refused(path, &error))?;
    Ok((splice(bytes, &edits), old))
}

/// A file that is made, or has nothing in it yet, begins as its app wants it to.
pub(super) fn begun<'a>(client: &'a Client, bytes: &'a [u8]) -> &'a [u8] {
    if bytes.trim_ascii().is_empty() { client.template.as_bytes() } else { bytes }
}

fn managed(path: &Path) -> Error {
    Error::new(Code::SetByAdministrator, format!("An administrator set what stands in {}.", path.display()))
        .at(path)
        .hint("Ask your administrator to change it.")
}

fn check(client: &Client, path: &Path, entry: &str, value: &Value) -> Result<()> {
    if let Some(why) = (client.hindrance)(path) {
        let hint = format!("Let {} bring its older settings over, then try again.", client.name);
        return Err(Error::new(Code::AppRefuses, why).at(path).hint(hint));
    }
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
    let marked = bytes.starts_with("\u{feff}".as_bytes());
    let document = if marked && !client.takes_mark { Err(mark(client)) } else { Document::parse(bytes, client.format) };
    document.map_err(|error| refused(path, &error))
}

fn mark(client: &Client) -> DocumentError {
    let message = format!("a byte order mark, which {} does not read; save the file as UTF-8 without one", client.name);
    DocumentError::Syntax { line: 1, column: 1, message }
}

/// Turns the editor's refusal into the front door's error.
pub(crate) fn refused(path: &Path, error: &DocumentError) -> Error {
    let code = match error {
        DocumentError::Shape { .. } | DocumentError::Unsafe { .. } => Code::FileShape,
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
    // On Windows the attribute of a folder says something else.
    let folder = state.target.parent().and_then(|folder| std::fs::metadata(folder).ok()).filter(|_| cfg!(unix));
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
