//! Tokens in plain text in what the history keeps: whether a change holds one, and how it is taken out.
//!
//! Apps' files may hold tokens that others put there, and so may the copies of those files. Taking them out deletes the
//! copies, which are whole files, and masks the tokens in the record. Afterwards our own entries can still be taken back,
//! one by one instead of byte for byte; an entry that held a token cannot come back, because nothing is left to bring.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{History, Record};
use crate::change::{Change, parse};
use crate::client;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::secret::{mask_all, plaintext_literals, redact};

/// What taking tokens out came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Changes whose copies were deleted.
    pub changes: u32,
    /// Of those, the ones that cannot be undone any more.
    pub lost: u32,
}

/// Whether a change's copies, or what its record notes, hold a token.
pub(super) fn holds_token(record: &Record, changes: &[&Change]) -> bool {
    let holds = |change: &Change, bytes: &[u8]| {
        tokens_in(change.client, &change.path, bytes).is_none_or(|found| !found.is_empty())
    };
    let in_copies = changes.iter().any(|change| change.before.as_deref().is_some_and(|bytes| holds(change, bytes)));
    in_copies || !noted_tokens(record).is_empty()
}

/// The tokens in a file's bytes, whatever its size: a token that is not found is not taken out. None where the file
/// cannot be read by its app's rules, so that nobody can say.
fn tokens_in(client: &client::Client, path: &std::path::Path, bytes: &[u8]) -> Option<BTreeSet<String>> {
    let document = parse(client, path, bytes).ok()?;
    let mut found = BTreeSet::new();
    if let Some(whole) = document.get(&[]) {
        collect(&whole, &mut found);
    }
    Some(found)
}

/// Every table at any depth is looked at as if it were an entry: an app may keep entries in several places.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(table) => {
            found.extend(plaintext_literals(value).into_iter().map(str::to_owned));
            table.values().for_each(|value| collect(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::String(text) if redact(text) != text.as_str() => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// The tokens in what a record notes of entries.
fn noted_tokens(record: &Record) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for op in record.files.iter().flat_map(|file| &file.ops) {
        op.old.iter().chain(&op.new).for_each(|value| collect(value, &mut found));
    }
    for effect in &record.effect.placements {
        let both = effect.before.iter().chain(&effect.after);
        both.for_each(|placement| collect(&placement.expected, &mut found));
    }
    found
}

/// Masks texts in what a record notes; it can no longer be undone where one stood there.
pub(super) fn mask(record: &mut Record, literals: &[String]) {
    let mut lost = false;
    for file in &mut record.files {
        for op in &mut file.ops {
            op.old.iter_mut().chain(&mut op.new).for_each(|value| lost |= mask_value(value, literals));
        }
        // Only of use with the copy.
        file.patch.new = masked(&file.patch.new, literals);
    }
    let effects = record.effect.placements.iter_mut();
    for placement in effects.flat_map(|effect| effect.before.iter_mut().chain(&mut effect.after)) {
        lost |= mask_value(&mut placement.expected, literals);
    }
    let removed = record.effect.removed.iter_mut().flat_map(|connection| &mut connection.placements);
    removed.for_each(|placement| lost |= mask_value(&mut placement.expected, literals));
    record.undo_lost |= lost;
}

fn mask_value(value: &mut Value, literals: &[String]) -> bool {
    match value {
        Value::String(text) => {
            let masked = masked(text, literals);
            let differs = masked != *text;
            *text = masked;
            differs
        }
        Value::Array(list) => list.iter_mut().fold(false, |any, value| mask_value(value, literals) | any),
        Value::Object(table) => table.values_mut().fold(false, |any, value| mask_value(value, literals) | any),
        _ => false,
    }
}

fn masked(text: &str, literals: &[String]) -> String {
    mask_all(text, literals.iter().map(String::as_str).filter(|literal| literal.len() >= 4))
}

/// Whether one of these texts stands in a file's bytes, as it is or as JSON writes it.
pub(super) fn holds_any(bytes: &[u8], literals: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    !literals.is_empty() && masked(&text, literals) != text
}

impl History {
    /// Takes the tokens out of one change.
    ///
    /// # Errors
    /// It is under way, or cannot be written.
    pub fn purge(&self, record: &Record) -> Result<Purged> {
        if record.status == super::Status::Pending {
            return Err(Error::new(Code::FileBusy, "This change is still under way.").hint("Try again in a moment."));
        }
        let (literals, clear) = self.tokens(record)?;
        if clear && literals.is_empty() && !record.holds_token {
            return Ok(Purged::default());
        }
        let mut purged = record.clone();
        mask(&mut purged, &literals);
        for file in &mut purged.files {
            file.patch.new = redact(&file.patch.new).into_owned();
        }
        // The copies go first: while they stand the mark does too.
        for n in 0..record.files.len() {
            match std::fs::remove_file(self.copy_path(&record.id, n)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(self.copy_path(&record.id, n), &error));
                }
                _ => {}
            }
        }
        purged.holds_token = false;
        self.write(&purged)?;
        Ok(Purged { changes: 1, lost: u32::from(purged.undo_lost && !record.undo_lost) })
    }

    /// All tokens of a change, the longest first, and whether that is known for certain.
    fn tokens(&self, record: &Record) -> Result<(Vec<String>, bool)> {
        let (mut found, mut clear) = (noted_tokens(record), true);
        for (n, file) in record.files.iter().enumerate() {
            let Some(bytes) = file::read_own(&self.copy_path(&record.id, n))? else { continue };
            match client::find(&file.client).ok().and_then(|client| tokens_in(client, &file.path, &bytes)) {
                Some(tokens) => found.extend(tokens),
                None => clear = false,
            }
        }
        // The token itself as well, without what stands before it in a header.
        let words = found.iter().filter_map(|literal| literal.rsplit(' ').next()).filter(|word| word.len() >= 8);
        let words: Vec<_> = words.map(str::to_owned).collect();
        let mut found: Vec<_> = found.into_iter().chain(words).collect();
        found.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        Ok((found, clear))
    }
}
