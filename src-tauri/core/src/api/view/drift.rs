//! What others did in the apps' files.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::EntryView;
use crate::client::Scope;

/// What was changed outside Patchbay.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct DriftView {
    /// The connection's id.
    pub connection: String,
    /// The app's id.
    pub client: String,
    /// For whom the entry counts in that app.
    pub scope: Scope,
    /// What kind of change it is.
    pub kind: DriftKind,
    /// What differs within the entry, in its order; literal secrets are masked.
    pub fields: Vec<FieldView>,
    /// The names under which it stands now: the new one of a renamed entry, those of its copies, its own in the file
    /// that the app reads now.
    pub entries: Vec<String>,
    /// For whom it counts now, where it was moved.
    pub other: Option<Scope>,
    /// Where the entry stands now, or the file that the app reads now.
    pub path: String,
    /// What stands in its place and has nothing of it: the command or address, secrets masked.
    pub target: Option<String>,
    /// The same in an English sentence, for the command line and logs.
    pub sentence: String,
}

/// One field of an entry that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct FieldView {
    /// Its name (`command`, `args`).
    pub name: String,
    /// Its value as Patchbay wrote it.
    pub from: Option<String>,
    /// Its value now.
    pub to: Option<String>,
}

/// Kinds of change outside Patchbay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum DriftKind {
    /// The entry is gone.
    Removed,
    /// Fields of the entry differ.
    Changed,
    /// Its name stands for something else now.
    Replaced,
    /// It stands under another name.
    Renamed,
    /// It is switched off, in the way that its app knows.
    Disabled,
    /// It stands in another scope of its app.
    Moved,
    /// It is as it was, and copies of it stand beside it.
    Duplicated,
    /// The app's file is gone.
    FileGone,
    /// The app's file cannot be parsed.
    FileBroken,
    /// The app's file cannot be read.
    FileUnreadable,
    /// The app reads another file now.
    FileMoved,
}

impl DriftKind {
    /// Whether nothing can be told about the entry before the file is mended.
    pub fn is_of_file(self) -> bool {
        matches!(self, Self::FileBroken | Self::FileUnreadable)
    }
}

/// An entry that somebody else put into an app's file, or changed there, since it was last looked at.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct NewsView {
    /// Tells this piece of news from others, to dismiss it.
    pub id: String,
    /// What happened.
    pub kind: NewsKind,
    /// The app's id.
    pub client: String,
    /// For whom the entry counts in that app.
    pub scope: Scope,
    /// The file.
    pub path: String,
    /// The entry as it is now.
    pub entry: EntryView,
    /// The same in an English sentence, for the command line.
    pub sentence: String,
}

/// What happened to somebody else's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum NewsKind {
    /// It is new.
    Added,
    /// It is another one than before.
    Changed,
}
