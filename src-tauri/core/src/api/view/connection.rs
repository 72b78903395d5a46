//! Connections, ready to draw: their state, their next step, their places.

use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;

use super::{DriftView, TokenView};
use crate::api::sign_in_view::SignInView;
use crate::catalog::SecretField;
use crate::client::Scope;
use crate::connection::{NetworkChoice, Wiring};
use crate::probe::Report;

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
    /// The sign-in that the user has signed out of: the next one goes the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_out_of: Option<SignInView>,
    /// The secrets that it needs, where it needs several, the token ahead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<SecretField>>")]
    pub secrets: Vec<SecretField>,
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
