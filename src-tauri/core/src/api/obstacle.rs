//! What stands in the way of undoing a change: told without touching anything, for many changes at once.
//!
//! A change can be undone while everything that it touched is as it left it, or is back already: its entries in the apps'
//! files, and what Patchbay knows of the connection. Whatever else happened since makes no difference.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::look::Seen;
use super::view::{ActivityKind, ObstacleKind, ObstacleView};
use crate::change::history::{Edited, FileRecord, PlacementEffect, Record, Status};
use crate::change::{Op, parse, refused};
use crate::client;
use crate::connection::Placement;
use crate::connection::state::State;
use crate::error::{Code, Error, Result};
use crate::file;

/// An app's file and the keys to a table in it.
type Place = (PathBuf, Vec<String>);
type Table = BTreeMap<String, Value>;

/// The entries of the apps' files as they are now, each file read once.
#[derive(Default)]
pub(super) struct Entries {
    read: RefCell<BTreeMap<Place, Option<Table>>>,
}

impl Entries {
    /// Begins with what was read already.
    pub(super) fn of(seen: &[Seen]) -> Self {
        let table = |seen: &Seen| seen.entries.as_ref().ok().map(|_| seen.all().iter().cloned().collect());
        let place = |seen: &Seen| (seen.source.path.clone(), seen.source.table.clone());
        Self { read: RefCell::new(seen.iter().map(|seen| (place(seen), table(seen))).collect()) }
    }

    /// An entry's value now.
    ///
    /// # Errors
    /// Its file cannot be read.
    fn now(&self, record: &FileRecord, op: &Op) -> Result<Option<Value>> {
        let client = client::find(&record.client)?;
        let keys: Vec<String> = op.keys(client).into_iter().map(str::to_owned).collect();
        let mut read = self.read.borrow_mut();
        let place = (record.path.clone(), keys);
        if !read.contains_key(&place) {
            let keys: Vec<&str> = place.1.iter().map(String::as_str).collect();
            let table = table(client, &place.0, &keys).ok();
            read.insert(place.clone(), table);
        }
        let unreadable = || Error::new(Code::FileUnreadable, "This file cannot be read.").at(&record.path);
        read[&place].as_ref().map(|table| table.get(&op.entry).cloned()).ok_or_else(unreadable)
    }
}

fn table(client: &client::Client, path: &Path, keys: &[&str]) -> Result<Table> {
    let Some(bytes) = file::read(path)?.bytes else { return Ok(Table::new()) };
    let entries = parse(client, path, &bytes)?.entries(keys);
    entries.map(|entries| entries.into_iter().collect()).map_err(|error| refused(path, &error))
}

/// Whether a kind of change is one that can be undone at all: a renewed token stays, and what was undone can be made
/// again.
pub(super) fn is_undoable(record: &Record) -> bool {
    record.undone_by.is_none()
        && record.status == Status::Done
        && !matches!(
            record.kind,
            ActivityKind::Undone | ActivityKind::Renewed | ActivityKind::RenewalStopped | ActivityKind::Released
        )
}

/// What stands in the way of undoing a record, if anything. `records` are all that may have come later, newest first.
pub(super) fn obstacle(record: &Record, state: &State, now: &Entries, records: &[Record]) -> Option<ObstacleView> {
    if record.kind == ActivityKind::Released {
        return Some(released());
    }
    if record.undo_lost {
        return Some(ObstacleView { kind: ObstacleKind::TokenTakenOut, change: None, path: None });
    }
    let later = || records.iter().take_while(|later| later.id != record.id);
    let by = |touches: &dyn Fn(&Record) -> bool, path: Option<&Path>| {
        let touching: Vec<_> = later().filter(|later| later.status == Status::Done && touches(later)).collect();
        if touching.iter().any(|later| later.kind == ActivityKind::Released) {
            return Some(released());
        }
        let found = touching.iter().find(|later| is_undoable(later)).or(touching.first());
        let kind = if found.is_some() { ObstacleKind::Later } else { ObstacleKind::Outside };
        let path = path.map(|path| path.display().to_string());
        Some(ObstacleView { kind, change: found.map(|later| later.id.clone()), path })
    };
    if record.effect.removed.is_some() {
        let taken = is_taken(record, state);
        if taken {
            return Some(ObstacleView { kind: ObstacleKind::NameTaken, change: None, path: None });
        }
    } else if let Some(effect) = record.effect.placements.iter().find(|effect| !stands(record, effect, state)) {
        return by(&|later| later.connection == record.connection && moves(later, effect), None);
    }
    if let Some(edited) = record.effect.edited.as_ref().filter(|edited| !still(record, edited, state)) {
        return by(&|later| later.connection == record.connection && overlaps(later, edited), None);
    }
    for file in &record.files {
        for op in &file.ops {
            let Ok(value) = now.now(file, op) else {
                let path = Some(file.path.display().to_string());
                return Some(ObstacleView { kind: ObstacleKind::Unreadable, change: None, path });
            };
            if value != op.new && value != op.old {
                // Where the newest of ours left something else as well, it was somebody else.
                let newest = later().filter(|later| later.status == Status::Done).find_map(|one| left(one, file, op));
                let ours = newest == Some(&value);
                return by(&|later| ours && left(later, file, op).is_some(), Some(&file.path));
            }
        }
    }
    None
}

fn released() -> ObstacleView {
    ObstacleView { kind: ObstacleKind::Released, change: None, path: None }
}

/// The same as an error, in English.
pub(super) fn refusal(record: &Record, obstacle: &ObstacleView) -> Error {
    let file = obstacle.path.clone().unwrap_or_default();
    let (text, hint) = match (obstacle.kind, &obstacle.change) {
        (ObstacleKind::Later, Some(later)) => (
            format!("A later change is in the way, {later}: it changed the same of {}.", record.name),
            "Undo the later one first.",
        ),
        (ObstacleKind::Later | ObstacleKind::Outside, _) => (
            format!("What this change made of {} was changed since by another program. {file}", record.name),
            "Put it back or keep it first.",
        ),
        (ObstacleKind::Unreadable, _) => (format!("This file cannot be read: {file}"), "Mend it, then try again."),
        (ObstacleKind::NameTaken, _) => {
            (format!("There is another connection \"{}\" now.", record.name), "Remove or rename that one first.")
        }
        (ObstacleKind::TokenTakenOut, _) => (
            "The token that this change needs was taken out of the history, so it cannot be undone.".to_owned(),
            "Set it up anew.",
        ),
        (ObstacleKind::Released, _) => (
            format!(
                "The apps go on without Patchbay since then, and the tokens of {} are gone from here.",
                record.name
            ),
            "Set it up anew, or bring it in from the apps.",
        ),
    };
    let error = Error::new(Code::UndoConflict, text.trim_end()).hint(hint);
    match &obstacle.path {
        Some(path) => error.at(path),
        None => error,
    }
}

fn is_taken(record: &Record, state: &State) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(&record.name);
    state.connections.iter().any(|other| other.id == record.connection || same(&other.name))
}

/// Whether a placement is as the change left it. Which token it uses is another matter, and stays.
fn stands(record: &Record, effect: &PlacementEffect, state: &State) -> bool {
    let Ok(connection) = state.connection(&record.connection) else { return false };
    let now = connection.placements.iter().find(|placement| placement.is_at(&effect.client, &effect.scope));
    match (now, &effect.after) {
        (None, None) => true,
        (Some(now), Some(after)) => {
            let same = Placement { credential: after.credential.clone(), written: after.written, ..now.clone() };
            same == *after
        }
        _ => false,
    }
}

fn moves(later: &Record, effect: &PlacementEffect) -> bool {
    let same = |other: &PlacementEffect| other.client == effect.client && other.scope == effect.scope;
    later.effect.removed.is_some() || later.effect.placements.iter().any(same)
}

/// Whether what an edit changed is as it left it: name and address are two things.
fn still(record: &Record, edited: &Edited, state: &State) -> bool {
    let Ok(connection) = state.connection(&record.connection) else { return false };
    let now = connection.facts();
    (!edited.renames() || now.name == edited.after.name) && (!edited.moves() || now.is_same_way(&edited.after))
}

fn overlaps(later: &Record, edited: &Edited) -> bool {
    let both = |other: &Edited| other.renames() && edited.renames() || other.moves() && edited.moves();
    later.effect.removed.is_some() || later.effect.edited.as_ref().is_some_and(both)
}

/// What a later change made of the same entry, if it touched it.
fn left<'a>(later: &'a Record, file: &FileRecord, op: &Op) -> Option<&'a Option<Value>> {
    let same = later.files.iter().filter(|other| other.path == file.path).flat_map(|other| &other.ops);
    same.filter(|other| other.is_of(op)).map(|other| &other.new).next_back()
}
