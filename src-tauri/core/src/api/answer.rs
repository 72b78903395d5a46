//! Answers of the front door.

use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;

use super::as_app_view::{AsAppPlanView, AsAppView};
use super::found::{Copied, FoundView, LeftOut};
use super::leave_view::{LeaveView, LeftView};
use super::renewed::{Renewed, Retired};
use super::sign_in_view::{SignedIn, SignedOut};
use super::view::Snapshot;
use crate::catalog::{Provider, Resolved};
use crate::error::Error;
use crate::probe::Report;

/// What comes back.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
#[ts(export)]
pub enum Answer {
    /// Everything to draw.
    Snapshot(Box<Snapshot>),
    /// The services.
    Catalog(Vec<Provider>),
    /// What a form amounts to.
    Form(Box<Form>),
    /// What a token looks like.
    TokenLook(TokenLookView),
    /// Changes to show before they are made.
    Plan(PlanView),
    /// What was set up or changed.
    Connected(Connected),
    /// Checks' results by connection.
    Reports(Vec<CheckedView>),
    /// What an app would do with an entry.
    AsAppPlan(Box<AsAppPlanView>),
    /// What came of doing as an app does.
    AsApp(Box<AsAppView>),
    /// What a renewal did.
    Renewed(Box<Renewed>),
    /// Whether the old token is refused now.
    Retired(Retired),
    /// What a sign-in did.
    SignedIn(SignedIn),
    /// What a sign-out did.
    SignedOut(SignedOut),
    /// What was taken out of the history.
    Purged(PurgedView),
    /// What leaving would do.
    Leave(Box<LeaveView>),
    /// What leaving did.
    Left(LeftView),
    /// What could be brought in.
    Found(Vec<FoundView>),
    /// What was copied to another app.
    Copied(Copied),
    /// Text to copy.
    Text(String),
    /// Done, nothing to tell.
    Done,
}

/// What a service's form amounts to.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Form {
    /// The address and headers, where the answers suffice.
    pub resolved: Option<Resolved>,
    /// What is missing or wrong, each with its field.
    pub errors: Vec<Error>,
    /// The id that the name would give.
    pub id: Option<String>,
    /// A name that is free, to begin with.
    pub suggested_name: String,
    /// The service's suggested end date, `YYYY-MM-DD`.
    pub suggested_expires: Option<String>,
    /// The latest end date that the service allows, `YYYY-MM-DD`.
    pub latest_expires: Option<String>,
    /// The address on this computer to which the browser comes back, for clients that users register by themselves.
    pub redirect: String,
}

/// What a pasted token looks like.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct TokenLookView {
    /// Whether something was cleaned away (spaces, quotes, `Bearer `).
    pub cleaned: bool,
    /// What makes it unusable.
    pub errors: Vec<Error>,
    /// What looks odd and can be overruled.
    pub warnings: Vec<Error>,
    /// Its end, where the token itself says so, RFC 3339.
    pub expires: Option<String>,
}

/// Changes to show.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct PlanView {
    /// One for each file.
    pub files: Vec<FileChangeView>,
    /// What each file's change means, by path, to hand back when applying.
    pub expected: BTreeMap<String, String>,
    /// The connections that are not among them although they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<LeftOut>>")]
    pub left: Vec<LeftOut>,
}

/// The change of one file.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct FileChangeView {
    /// The app.
    pub client: String,
    /// The app's name.
    pub client_name: String,
    /// The file.
    pub path: String,
    /// Whether the file is made.
    pub creates: bool,
    /// What happens to which entry.
    pub verb: ChangeVerb,
    /// The entry's name.
    pub entry: String,
    /// A unified diff, secrets masked.
    pub diff: String,
    /// Lines added and removed.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Whether the app must be restarted to see it.
    pub restart: bool,
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ChangeVerb {
    /// The entry is added.
    Add,
    /// The entry is changed.
    Change,
    /// The entry is taken out.
    Remove,
    /// Nothing changes.
    Nothing,
}

/// What was set up or changed.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Connected {
    /// The connection's id.
    pub id: String,
    /// The change in the history, to undo it.
    pub change: Option<String>,
    /// The apps to restart.
    pub restart: Vec<String>,
    /// Files in which an entry had to stay, because they cannot be read or may not be written.
    pub kept_in: Vec<String>,
    /// Whether it came back without its token, which has to be given again: removing it had deleted the token.
    pub token_missing: bool,
    /// Whether the service has ended the sign-ins that went with it; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_out: Option<bool>,
}

/// What was taken out of the history.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[ts(export)]
pub struct PurgedView {
    /// Changes whose copies of files were deleted.
    pub changes: u32,
    /// Of those, the ones that cannot be undone any more.
    pub lost: u32,
}

/// One connection's check.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct CheckedView {
    /// The connection's id.
    pub id: String,
    /// The credential that was tried last: where there are several, the one that the verdict is about.
    pub token: Option<String>,
    /// What the check found.
    pub report: Report,
}
