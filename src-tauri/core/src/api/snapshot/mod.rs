//! Computes the snapshot: state + files + records of use + clock, in one pass.

mod activity;
mod app;
mod connection;

use std::collections::{BTreeMap, BTreeSet};

use super::Patchbay;
use super::as_app::kept;
use super::differ::Ground;
use super::look::{Seen, look};
use super::network::system_proxy;
use super::news::news;
use super::quiet::is_offline;
use super::sign_in_view::SignInAt;
use super::view::{ReminderView, SecretsView, Snapshot};
use crate::change::history::Record;
use crate::connection::Credential;
use crate::connection::state::State;
use crate::error::Result;
use crate::host::Host;
use crate::oauth::Kept;
use crate::process::{Running, running_apps};
use crate::secret::vault_exists;
use crate::token::{days_left, reminder};

use activity::activities;
pub(super) use app::entry_view;

/// What the pieces of a snapshot are computed from.
struct Scene<'a> {
    host: &'a Host,
    state: &'a State,
    seen: &'a [Seen],
    ground: Ground<'a>,
    patchbay: &'a Patchbay,
    running: &'a BTreeMap<&'static str, Running>,
    records: &'a [Record],
    reminders: &'a [ReminderView],
    checking: &'a BTreeSet<String>,
}

impl Patchbay {
    /// Everything a screen needs, as of now.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let host = self.host();
        let loaded = self.inner.state.load()?;
        let state = loaded.state;
        let seen = look(&host);
        let running = running_apps();
        let records = self.inner.history.newest(200);
        let reminders = reminders(&state, &host);
        let checking = self.inner.checking.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let memory = self.inner.memory.load();
        let scene = Scene {
            ground: Ground { host: &host, state: &state, seen: &seen, memory: memory.as_ref() },
            patchbay: self,
            host: &host,
            state: &state,
            seen: &seen,
            running: &running,
            records: &records,
            reminders: &reminders,
            checking: &checking,
        };
        let mut connections: Vec<_> = state
            .connections
            .iter()
            .map(|connection| scene.connection(connection, &self.inner.runs.of(&connection.id)))
            .collect();
        connections.sort_by_key(|connection| (connection.group, connection.name.to_lowercase()));
        let proxy = system_proxy(&host);
        Ok(Snapshot {
            now: host.now.to_string(),
            connections,
            apps: seen.chunk_by(|a, b| a.client.id == b.client.id).filter_map(|seen| scene.app(seen)).collect(),
            as_app: kept(&state, &seen),
            news: news(&state, &seen, memory.as_ref()),
            activity: activities(&records, &state, &seen),
            offline: is_offline(&state, host.now),
            settings: state.settings.clone(),
            sign_ins: kept_sign_ins(&self.inner.data_dir).iter().map(SignInAt::from).collect(),
            secrets: SecretsView {
                backend: state.settings.backend,
                status: *self.inner.secrets_status.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
                vault_exists: vault_exists(&self.inner.data_dir),
            },
            problem: loaded.problem.or_else(|| state.notice.clone()),
            system_proxy: proxy.shown(),
            system_proxy_note: proxy.note(),
            data_dir: self.inner.data_dir.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            reminders,
        })
    }
}

/// The sign-ins for addresses alone. Nothing else need be missed where their folder cannot be read.
fn kept_sign_ins(data_dir: &std::path::Path) -> Vec<Kept> {
    Kept::all(data_dir).unwrap_or_else(|error| {
        tracing::warn!("the sign-ins for addresses cannot be listed: {error}");
        Vec::new()
    })
}

/// Reminders that are due and not snoozed, most urgent first.
pub(super) fn reminders(state: &State, host: &Host) -> Vec<ReminderView> {
    let mut due: Vec<ReminderView> = Vec::new();
    for connection in &state.connections {
        for credential in &connection.credentials {
            let Some(expires) = credential.expires else { continue };
            // Of what ends on the same day one is told, and it is renewed in one step.
            let is_same = |token: &Credential| token.expires.is_some_and(|own| own.at == expires.at);
            if credential.header.is_some() && connection.tokens().any(is_same) {
                continue;
            }
            let shown = state.reminders.get(&credential.id);
            let stage = reminder::stage(credential.created, expires, &state.settings.reminder_days, host);
            let Some(stage) = stage.filter(|stage| !reminder::is_snoozed(shown, *stage, host.now)) else { continue };
            due.push(ReminderView {
                connection: connection.id.clone(),
                name: connection.name.clone(),
                token: credential.id.clone(),
                days_left: days_left(expires, host),
                ended: credential.has_ended(host.now),
                expires: expires.at.to_string(),
                notified: reminder::is_shown(shown, expires, stage),
            });
        }
    }
    due.sort_by(|a, b| a.expires.cmp(&b.expires));
    due
}
