//! What leaving Patchbay would do, and what it did.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::message::PlanView;
use crate::client::Scope;

/// How to leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeaveChoice {
    /// Make entries of ours into such that work without Patchbay, instead of taking them out. Their tokens then stand in
    /// the apps' files in plain text.
    #[serde(default)]
    pub keep_working: bool,
    /// Take out also what somebody changed so that it no longer needs Patchbay.
    #[serde(default)]
    pub take_changed: bool,
}

/// What leaving would do.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct LeaveView {
    /// The changes of files, one for each.
    pub plan: PlanView,
    /// The names of the connections.
    pub connections: Vec<String>,
    /// The names of those that are taken out although the apps had them before Patchbay.
    pub brought_in: Vec<String>,
    /// Entries that stay, and why.
    pub stays: Vec<StaysView>,
    /// The apps in whose files a token would stand in plain text.
    pub plain_text: Vec<String>,
    /// The apps that would start a program of others, which needs Node.js.
    pub needs_node: Vec<String>,
    /// The apps that would have you sign in by themselves, where Patchbay is signed in now.
    pub signs_in: Vec<String>,
    /// The apps that cannot sign in by themselves: entries that Patchbay is signed in for are taken out of them.
    pub cannot_sign_in: Vec<String>,
    /// Files that others read too: entries are taken out of them in any case.
    pub shared: Vec<String>,
    /// How many tokens would be deleted from the keychain or vault.
    pub tokens: u32,
    /// Whether Patchbay starts at login now.
    pub start_at_login: bool,
    /// Patchbay's own folder, which stays until somebody deletes it.
    pub data_dir: String,
}

/// What leaving did.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct LeftView {
    /// Entries that were taken out.
    pub taken_out: u32,
    /// Entries that work without Patchbay now.
    pub released: u32,
    /// Entries that stay, and why.
    pub stays: Vec<StaysView>,
    /// Tokens that were deleted.
    pub tokens: u32,
    /// Whether the services have ended the sign-ins that went; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_out: Option<bool>,
    /// Whether it no longer starts at login, where it did.
    pub login_ended: bool,
    /// The apps to restart.
    pub restart: Vec<String>,
    /// Patchbay's own folder, which stays until somebody deletes it.
    pub data_dir: String,
}

/// An entry that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct StaysView {
    /// The app's id.
    pub client: String,
    /// The app's name.
    pub client_name: String,
    /// For whom it counts there.
    pub scope: Scope,
    /// The entry's name.
    pub entry: String,
    /// The file.
    pub path: String,
    /// Why.
    pub why: StaysWhy,
}

/// Why an entry stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StaysWhy {
    /// The file cannot be read, by its app neither.
    FileBroken,
    /// The file may not be written.
    FileReadOnly,
    /// Somebody changed it so that it no longer needs Patchbay.
    Changed,
}
