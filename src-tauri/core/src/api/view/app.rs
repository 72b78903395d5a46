//! Apps, their files and what stands in them.

use serde::Serialize;
use ts_rs::TS;

use super::Slow;
use crate::client::Scope;
use crate::connection::Wiring;
use crate::error::Error;
use crate::process::ByHand;

/// One app.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct AppView {
    /// The app's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it seems to be installed.
    pub installed: bool,
    /// The version installed, where it can be told.
    pub version: Option<String>,
    /// Whether it runs now.
    pub running: bool,
    /// Since when, RFC 3339: the start of its oldest process.
    pub since: Option<String>,
    /// What to do because it started before Patchbay last changed its file; absent where nothing is to be done.
    pub restart: Option<RestartView>,
    /// Its file; where it would be made if there is none.
    pub path: String,
    /// Whether the file exists.
    pub exists: bool,
    /// Why this file, where there are several candidates (`store_copy`, `env`, `chosen`).
    pub why: Option<String>,
    /// All files that it might read, where there are several; the one by its own rule first.
    pub candidates: Vec<CandidateView>,
    /// What is wrong with the file, if anything.
    pub problem: Option<Error>,
    /// All entries in the file, in its order.
    pub entries: Vec<EntryView>,
    /// What else the app reads: entries for single folders, and those of an administrator.
    pub further: Vec<SourceView>,
    /// The wirings it takes, the default first.
    pub wirings: Vec<Wiring>,
    /// Why its files are only looked at now and then, where the system does not tell of their changes.
    pub slow: Option<Slow>,
}

/// A file that an app might read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct CandidateView {
    /// The file.
    pub path: String,
    /// What it is: `usual`, `env`, `store_copy`, `ordinary_copy`, `profile`, `editor`, `older`, `newer`, `wsl`.
    pub what: String,
    /// The profile's, editor's or Linux's name, where it has one.
    pub name: Option<String>,
    /// Whether it exists.
    pub exists: bool,
    /// Whether it is the one that counts.
    pub counts: bool,
}

/// Entries that an app reads besides the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct SourceView {
    /// For whom they count.
    pub scope: Scope,
    /// The file they stand in.
    pub path: String,
    /// What is wrong with the file, if anything.
    pub problem: Option<Error>,
    /// The entries, in the file's order.
    pub entries: Vec<EntryView>,
}

/// What makes an app read its settings again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct RestartView {
    /// Whether Patchbay can safely quit and reopen it.
    pub reopen: bool,
    /// What the user does otherwise.
    pub words: ByHand,
}

/// One entry in an app's file.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct EntryView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The address or the command with its arguments, secrets masked.
    pub target: String,
    /// Whether the app's file says it is switched off.
    pub disabled: bool,
    /// The connection it belongs to, if Patchbay wrote it.
    pub connection: Option<String>,
    /// Places in the entry where a token lies in plain text (`env.API_TOKEN`).
    pub plain_text: Vec<String>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EntryKind {
    /// The app speaks to an address.
    Remote,
    /// The app starts a program.
    Program,
    /// Neither can be told.
    Unclear,
}
