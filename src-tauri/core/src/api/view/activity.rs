//! What was done, and what stands in the way of undoing it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::Scope;

/// One change in the history.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct ActivityView {
    /// The change's id.
    pub id: String,
    /// When, RFC 3339.
    pub at: String,
    /// What was done.
    pub kind: ActivityKind,
    /// The connection's id and its name at the time.
    pub connection: String,
    /// Its name at the time.
    pub name: String,
    /// The apps whose files were changed.
    pub clients: Vec<String>,
    /// The files that were changed.
    pub paths: Vec<String>,
    /// For whom the entries count that it changed, where that is not the whole user.
    pub scopes: Vec<Scope>,
    /// The connection's name after it, where it was given another.
    pub renamed: Option<String>,
    /// Whether it can be undone now.
    pub can_undo: bool,
    /// Why it cannot be undone now, where it is of a kind that can be.
    pub obstacle: Option<ObstacleView>,
    /// Whether the copies kept with it hold a token in plain text.
    pub holds_token: bool,
    /// Whether it was undone.
    pub undone: bool,
}

/// What stands in the way of undoing a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct ObstacleView {
    /// What kind of thing.
    pub kind: ObstacleKind,
    /// The later change that is in the way, where it is one of Patchbay's.
    pub change: Option<String>,
    /// The file it is about, where it is about one.
    pub path: Option<String>,
}

/// Kinds of obstacles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ObstacleKind {
    /// A later change of the same.
    Later,
    /// Another program changed the same.
    Outside,
    /// The file cannot be read.
    Unreadable,
    /// Another connection has the name now.
    NameTaken,
    /// The token that it needs was taken out of the history.
    TokenTakenOut,
    /// Apps go on without Patchbay since then, and the tokens are gone from here.
    Released,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ActivityKind {
    /// A connection was placed in apps.
    Connected,
    /// A connection was taken out of apps.
    Disconnected,
    /// A connection was removed.
    Removed,
    /// A connection's name or answers were changed.
    Edited,
    /// Entries were made to work without Patchbay, and the connection given up.
    Released,
    /// An entry was put back.
    PutBack,
    /// A change made outside was kept.
    Kept,
    /// A token was renewed.
    Renewed,
    /// The user signed in.
    SignedIn,
    /// The user signed out.
    SignedOut,
    /// A renewal was cut off before the token was changed; the old one is in use.
    RenewalStopped,
    /// What stood in apps' files already was brought in: its token was moved out of them.
    Imported,
    /// A change was undone.
    Undone,
}
