//! What the history keeps of one change: data, and how the bytes of a file are told apart.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::view::ActivityKind;
use crate::change::Op;
use crate::client::Scope;
use crate::connection::{Connection, Facts, Placement};
use crate::file::Readers;

/// One applied change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id: the time and four hex digits; sorts in the order in which changes were applied, whatever the clock did.
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
    /// Whether its copies, or what it notes of the entries, hold a token in plain text.
    #[serde(default, skip_serializing_if = "is_no")]
    pub holds_token: bool,
    /// Whether tokens were taken out of what undoing it needs, so that it cannot be undone any more.
    #[serde(default, skip_serializing_if = "is_no")]
    pub undo_lost: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_no(flag: &bool) -> bool {
    !flag
}

impl Record {
    /// Whether it brought a connection in from what the apps had before Patchbay, and stands.
    pub fn brings_in(&self, connection: &str) -> bool {
        self.kind == ActivityKind::Imported && self.connection == connection && self.undone_by.is_none()
    }
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
    pub(super) fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
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

    pub(in crate::change) fn apply(&self, before: Option<&[u8]>, gone: bool) -> Option<Vec<u8>> {
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
    /// What was changed about the connection itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
}

impl Effect {
    /// Who may read an app's file where this makes it: one that lies in a folder for everybody who works there is shared
    /// with them, and goes into version control; all others are the user's own.
    pub(in crate::change) fn readers_of(&self, path: &Path) -> Readers {
        let is_shared = |effect: &PlacementEffect| {
            let mut places = effect.before.iter().chain(&effect.after);
            matches!(effect.scope, Scope::Project(_)) && places.any(|place| place.path.as_deref() == Some(path))
        };
        if self.placements.iter().any(is_shared) { Readers::AsUsual } else { Readers::Owner }
    }
}

/// A connection's own facts, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    /// Before.
    pub before: Facts,
    /// After.
    pub after: Facts,
}

impl Edited {
    /// Whether the name changed.
    pub fn renames(&self) -> bool {
        self.before.name != self.after.name
    }

    /// Whether the way to the service changed.
    pub fn moves(&self) -> bool {
        !self.before.is_same_way(&self.after)
    }

    /// The other way round.
    #[must_use]
    pub fn back(&self) -> Self {
        Self { before: self.after.clone(), after: self.before.clone() }
    }
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
