//! The check the way an app does it, for the screens: what would be started, and what came of it. No secret's value.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::Scope;
use crate::probe::Verdict;
use crate::start::{AroundFrom, Finding, Way, Went};

/// An entry in an app's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EntryAt {
    /// The app.
    pub client: String,
    /// For whom it counts there.
    #[serde(default)]
    pub scope: Scope,
    /// Its name.
    pub entry: String,
}

/// What would be started or asked: to be seen before it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct AsAppPlanView {
    /// The entry.
    pub at: EntryAt,
    /// The file that it stands in.
    pub path: String,
    /// Whether a program would be started, or an address asked.
    pub way: Way,
    /// The program's name and its arguments, as the program gets them; secrets masked.
    pub command: Vec<String>,
    /// The program's file, where it was found.
    pub program: Option<String>,
    /// The variables that the entry gives, without the values of secrets.
    pub variables: Vec<AsAppVariable>,
    /// The folder that it starts in.
    pub folder: Option<String>,
    /// The address, secrets masked.
    pub url: Option<String>,
    /// The names of the headers.
    pub headers: Vec<String>,
    /// The command that gives further headers, secrets masked.
    pub helper: Option<String>,
    /// The folders in which the app looks for programs.
    pub looks_in: Option<String>,
    /// Where the app's environment was taken from.
    pub from: AroundFrom,
    /// Whether it may first have to fetch what it needs.
    pub fetches: bool,
    /// What is known to be wrong before anything is started.
    pub findings: Vec<Finding>,
    /// Whether anything would be started or asked at all; where not, the findings say why, and there is nothing to consent
    /// to.
    pub starts: bool,
    /// Whether it is Patchbay's own, which needs no consent.
    pub ours: bool,
    /// What to send along to have exactly this started.
    pub expected: String,
}

/// A variable that an entry gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct AsAppVariable {
    /// Its name.
    pub name: String,
    /// Its value; absent where it is a secret, or where the entry takes the variable away.
    pub value: Option<String>,
}

/// What came of doing as an app does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AsAppView {
    /// The entry.
    #[serde(flatten)]
    #[ts(flatten)]
    pub at: EntryAt,
    /// What came of it.
    pub report: Went,
    /// What Patchbay's own check found at the same time, of a connection.
    pub direct: Option<Verdict>,
    /// Whether the two differ, and how.
    pub differs: Option<Differs>,
}

/// How the app's way and Patchbay's own differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Differs {
    /// Directly it works; the app's way does not.
    OnlyDirect,
    /// The app's way works; directly it does not.
    OnlyApp,
}
