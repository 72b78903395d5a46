//! What a screen needs, computed in one pass from state, files and clock. Values only; no secret, no words for people
//! beyond what users and services wrote themselves.

mod activity;
mod app;
mod connection;
mod drift;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::connection::NetworkChoice;
pub use crate::drift::slow::Slow;
use crate::error::Error;
use crate::secret::{Backend, StoreStatus};
use crate::wire::ProxyNote;

pub use super::as_app_view::AsAppView;
pub use super::found::{FoundBlock, FoundEntryView, FoundLeft, FoundNote, FoundPlaceView, FoundTokenView, FoundView};
pub use super::sign_in_view::SignInAt;
pub use super::token_view::{OldTokenView, TokenView};
pub use activity::{ActivityKind, ActivityView, ObstacleKind, ObstacleView};
pub use app::{AppView, CandidateView, EntryKind, EntryView, RestartView, SourceView};
pub use connection::{ConnectionView, Group, NextStep, PlacementView, Status, UseView};
pub use drift::{DriftKind, DriftView, FieldView, NewsKind, NewsView};

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
