//! What a screen needs, computed in one pass from state, files and clock. Values only; no secret, no words for people
//! beyond what users and services wrote themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::Scope;
use crate::connection::{NetworkChoice, Wiring};
pub use crate::drift::slow::Slow;
use crate::error::Error;
use crate::probe::Report;
use crate::process::ByHand;
use crate::secret::{Backend, StoreStatus};
use crate::wire::ProxyNote;

pub use super::as_app_view::AsAppView;
pub use super::found::{FoundBlock, FoundEntryView, FoundLeft, FoundNote, FoundPlaceView, FoundTokenView, FoundView};
pub use super::sign_in_view::SignInAt;
pub use super::token_view::{OldTokenView, TokenView};

/// Everything the window draws.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct Snapshot {
    /// The moment it was computed, RFC 3339.
    pub now: String,
    /// All connections, in the order they are shown: what needs the user first.
    pub connections: Vec<ConnectionView>,
    /// All apps Patchbay knows, installed or not.
    pub apps: Vec<AppView>,
    /// What came of doing as the apps do, of entries that have not changed since.
    pub as_app: Vec<AsAppView>,
    /// What others put into the apps' files, in the apps' order.
    pub news: Vec<NewsView>,
    /// Reminders that are due and not yet acknowledged, most urgent first.
    pub reminders: Vec<ReminderView>,
    /// The newest changes first, at most 200.
    pub activity: Vec<ActivityView>,
    /// Whether there is no network, or none of the services answers.
    pub offline: bool,
    /// The user's choices.
    pub settings: Settings,
    /// The sign-ins for addresses alone, without a connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<SignInAt>>")]
    pub sign_ins: Vec<SignInAt>,
    /// Where secrets are kept.
    pub secrets: SecretsView,
    /// A problem with Patchbay's own file (damaged and rebuilt, or written by a newer version).
    pub problem: Option<Error>,
    /// The host and port of the proxy that the system names.
    pub system_proxy: Option<String>,
    /// What there is to know of the system's settings where they name none that could be used.
    pub system_proxy_note: Option<ProxyNote>,
    /// Patchbay's own folder.
    pub data_dir: String,
    /// Patchbay's version.
    pub version: String,
}

/// One connection, ready to draw.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct ConnectionView {
    /// The connection's id; also its entry's name.
    pub id: String,
    /// The name the user gave.
    pub name: String,
    /// The catalog's id of the service.
    pub provider: String,
    /// The endpoint's address.
    pub url: String,
    /// Which group it belongs to.
    pub group: Group,
    /// Its state in one word.
    pub status: Status,
    /// The right next step.
    pub action: NextStep,
    /// The app that the next step is about, where it is about one.
    pub action_client: Option<String>,
    /// The token that a renewal is about: what the next step is about, else the one that ends first.
    pub renew_token: Option<String>,
    /// Its tokens; the first is the one for all apps unless a placement names another.
    pub tokens: Vec<TokenView>,
    /// The apps that use it.
    pub used_in: Vec<PlacementView>,
    /// The last check, with its age in its own time stamp.
    pub last_check: Option<Report>,
    /// Whether the last check found it working and is too old to speak for now.
    pub check_is_old: bool,
    /// Whether a check is running now.
    pub checking: bool,
    /// When any app last used it through the bridge, RFC 3339, and which one.
    pub last_used: Option<UseView>,
    /// When it was set up, RFC 3339.
    pub created: String,
    /// The user's answers to the service's fields.
    pub settings: BTreeMap<String, String>,
    /// How it is reached, where that is not as for all.
    pub network: Option<NetworkChoice>,
    /// Whether it was made of what the apps had before Patchbay: removing it takes that out too.
    pub brought_in: bool,
}

/// The groups of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Group {
    /// Something for the user to do.
    NeedsYou,
    /// Nothing to do.
    Working,
    /// Used in no app.
    Off,
}

/// A connection's state. Each has one sentence in the language files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Status {
    /// Every layer passed at the last check.
    Working,
    /// Every layer passed at the last check, which is too long ago to speak for now.
    WorkedBefore,
    /// Nothing is known to be wrong; it was not checked yet, or its token or address changed since.
    Unchecked,
    /// Used in no app.
    Unused,
    /// It has no token yet.
    TokenMissing,
    /// Its token cannot be read from where it is kept.
    TokenUnreadable,
    /// Its token has ended.
    TokenEnded,
    /// Its token ends within the first reminder that is due.
    TokenEndsSoon,
    /// The service refused the token.
    TokenRefused,
    /// The token is good but lacks a right.
    NotAllowed,
    /// The service wants a sign-in in the browser.
    NeedsBrowserSignIn,
    /// The user has to sign in anew.
    SignInNeeded,
    /// The user has signed out of it.
    SignedOut,
    /// Its apps sign in to it by themselves; Patchbay has no part in that.
    SignedInByApps,
    /// What answers there is no MCP server.
    NotMcp,
    /// Nothing is at this address.
    WrongAddress,
    /// The service cannot be reached.
    Unreachable,
    /// The connection to the service is not trusted.
    TlsNotTrusted,
    /// The network's proxy cannot be reached.
    ProxyUnreachable,
    /// The network's proxy wants a user name and a password.
    ProxySignInNeeded,
    /// The network's proxy refuses the user name or the password.
    ProxySignInRefused,
    /// The network's proxy does not allow the service.
    ProxyForbids,
    /// The service is reached through a proxy only, and none is used.
    ProxyNeeded,
    /// The service took too long.
    TooSlow,
    /// The service reports an error of its own.
    ServiceError,
    /// An app's entry was changed outside Patchbay.
    ChangedOutside,
    /// An app's file cannot be read by its app.
    FileBroken,
    /// The token was renewed; the old one is still to be revoked at the service.
    OldTokenToRevoke,
    /// A program that its apps start, with its token from the keychain; Patchbay does not try it.
    StartedByApp,
}

/// What the row's primary button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum NextStep {
    /// Check it.
    Check,
    /// Renew the token.
    Renew,
    /// Put the entry back.
    PutBack,
    /// Sign in with the browser.
    SignIn,
    /// Finish setting it up: give a token.
    Finish,
    /// Change its address or answers.
    Edit,
    /// Say how it is reached.
    Network,
    /// Choose an app.
    ChooseApp,
    /// Open the app's file.
    OpenFile,
    /// Revoke the old token at the service and confirm it.
    RevokeOld,
    /// Nothing is to be done.
    Nothing,
}

/// A connection's place in one app.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct PlacementView {
    /// Whether the entry is another one than Patchbay wrote, and the user chose to keep it so.
    pub kept: bool,
    /// The app's id.
    pub client: String,
    /// For whom it counts in that app.
    pub scope: Scope,
    /// The entry's name in the app's file.
    pub entry: String,
    /// How the token gets there.
    pub wiring: Wiring,
    /// The credential's id it uses.
    pub token: Option<String>,
    /// What was changed outside Patchbay, if anything.
    pub drift: Option<DriftView>,
    /// When this app last used it.
    pub last_used: Option<UseView>,
    /// Whether the app has to be restarted to see it, because it started before the entry was written.
    pub restart: bool,
}

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

/// A use of a connection by an app.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct UseView {
    /// When, RFC 3339.
    pub at: String,
    /// The app's id where the parent process is a known app.
    pub client: Option<String>,
    /// The parent process's name.
    pub program: String,
    /// Whether it went well; otherwise the error's code.
    pub error: Option<String>,
}

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

/// A reminder that is due.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct ReminderView {
    /// The connection's id.
    pub connection: String,
    /// Its name.
    pub name: String,
    /// The credential's id.
    pub token: String,
    /// Calendar days left; 0 on the last day, negative when ended.
    pub days_left: i32,
    /// Whether the token has ended.
    pub ended: bool,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// Whether the system notification for it was already shown.
    pub notified: bool,
}

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

/// The user's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    /// Days before a token's end at which to remind, in falling order.
    pub reminder_days: Vec<u16>,
    /// Hours between two checks that run by themselves: one of [`crate::quiet::CHOICES`], 0 for never.
    pub check_every_hours: u8,
    /// Whether they run on battery too.
    pub check_on_battery: bool,
    /// Whether Patchbay starts at login.
    pub start_at_login: bool,
    /// Whether the user has been told that closing the window leaves Patchbay in the tray.
    pub tray_explained: bool,
    /// Where secrets are kept.
    pub backend: Backend,
    /// The files chosen, by app, where an app has several candidates.
    pub files: BTreeMap<String, PathBuf>,
    /// How services are reached, but for connections with a choice of their own.
    pub network: NetworkChoice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reminder_days: vec![30, 14, 7, 1],
            check_every_hours: 6,
            check_on_battery: false,
            start_at_login: false,
            tray_explained: false,
            backend: Backend::Keychain,
            files: BTreeMap::new(),
            network: NetworkChoice::default(),
        }
    }
}

/// Where secrets are kept, and whether that place can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct SecretsView {
    /// The place chosen.
    pub backend: Backend,
    /// Its state when last asked; absent before the first time.
    pub status: Option<StoreStatus>,
    /// Whether a passphrase vault exists.
    pub vault_exists: bool,
}
