//! Computes the snapshot: state + files + records of use + clock, in one pass.

use std::collections::{BTreeMap, BTreeSet};

use super::Patchbay;
use super::as_app::kept;
use super::differ::Ground;
use super::due::token_to_renew;
use super::look::{Seen, look, seen_of};
use super::network::system_proxy;
use super::news::news;
use super::obstacle::{Entries, is_undoable, obstacle};
use super::quiet::is_offline;
use super::reopen::{changed_since, restart};
use super::sign_in::needed;
use super::sign_in_view::{SignInAt, SignInView};
use super::signed::{signed_in_by_apps, signed_status};
use super::token::lacks_token;
use super::view::{
    ActivityKind, ActivityView, AppView, CandidateView, ConnectionView, DriftView, EntryView, Group, NextStep,
    ObstacleView, OldTokenView, PlacementView, ReminderView, SecretsView, Snapshot, SourceView, Status, TokenView,
    UseView,
};
use crate::change::history::Record;
use crate::client::{Candidate, read_entry, version};
use crate::connection::runs::Run;
use crate::connection::state::State;
use crate::connection::{Connection, Credential, Placement, Previous};
use crate::error::Result;
use crate::host::Host;
use crate::oauth::Kept;
use crate::probe::Verdict;
use crate::process::{Running, running_apps};
use crate::quiet::is_old;
use crate::secret::{find_plaintext, mask, vault_exists};
use crate::token::{days_left, life_left, reminder, same_length};

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
            sign_ins: Kept::all(&self.inner.data_dir).unwrap_or_default().iter().map(SignInAt::from).collect(),
            secrets: SecretsView {
                backend: state.settings.backend,
                status: *self.inner.secrets_status.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
                vault_exists: vault_exists(&self.inner.data_dir),
            },
            problem: loaded.problem.or_else(|| state.notice.clone()),
            system_proxy: proxy.shown(),
            system_proxy_note: proxy.note().cloned(),
            data_dir: self.inner.data_dir.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            reminders,
        })
    }
}

/// The newest changes, each with whether it can be undone as things are.
fn activities(records: &[Record], state: &State, seen: &[Seen]) -> Vec<ActivityView> {
    let now = Entries::of(seen);
    // Of these it is said why they cannot be undone.
    let is_told = |record: &Record| is_undoable(record) || record.kind == ActivityKind::Released;
    let obstacle = |record: &Record| is_told(record).then(|| obstacle(record, state, &now, records)).flatten();
    records.iter().map(|record| activity(record, obstacle(record))).collect()
}

impl Scene<'_> {
    fn connection(&self, connection: &Connection, runs: &[Run]) -> ConnectionView {
        let used_in: Vec<_> =
            connection.placements.iter().map(|placement| self.placement(connection, placement, runs)).collect();
        let (status, action, action_client) = self.status(connection, &used_in);
        ConnectionView {
            id: connection.id.clone(),
            name: connection.name.clone(),
            provider: connection.provider.clone(),
            url: connection.url.clone(),
            group: group(status),
            status,
            action,
            action_client,
            renew_token: token_to_renew(self.state, connection, self.reminders).map(|credential| credential.id.clone()),
            tokens: connection.credentials.iter().map(|credential| self.token(connection, credential)).collect(),
            used_in,
            last_check: self.state.checks.get(&connection.id).map(|checked| checked.report.clone()),
            check_is_old: self.check_is_old(connection),
            checking: self.checking.contains(&connection.id),
            last_used: runs.first().map(use_view),
            created: connection.created.to_string(),
            settings: connection.settings.clone(),
            network: connection.network.clone(),
            brought_in: self.was_brought_in(connection),
        }
    }

    /// Whether what the last check found is good, and too old to speak for now: so much has passed since, or a sign-in
    /// has ended.
    fn check_is_old(&self, connection: &Connection) -> bool {
        let works = self.state.checks.get(&connection.id).filter(|checked| checked.report.verdict == Verdict::Working);
        let (now, every) = (self.host.now, self.state.settings.check_every_hours);
        let has_ended = |at| {
            connection.credentials.iter().filter_map(needed).any(|needed| needed.scopes.is_empty() && needed.since > at)
        };
        works.is_some_and(|works| {
            is_old(works.report.at, now, every, self.state.quiet.last_event(now)) || has_ended(works.report.at)
        })
    }

    fn was_brought_in(&self, connection: &Connection) -> bool {
        connection.is_program() || self.records.iter().any(|record| record.brings_in(&connection.id))
    }

    fn placement(&self, connection: &Connection, placement: &Placement, runs: &[Run]) -> PlacementView {
        let seen = seen_of(self.seen, placement, self.host);
        let restarts = seen.as_ref().is_some_and(|seen| seen.client.restart);
        let running = self.running.get(placement.client.as_str()).filter(|_| restarts);
        PlacementView {
            client: placement.client.clone(),
            scope: placement.scope.clone(),
            entry: placement.entry.clone(),
            wiring: placement.wiring,
            token: placement.credential.clone(),
            kept: placement.kept,
            drift: self.ground.view(connection, placement),
            last_used: runs.iter().find(|run| run.client.as_deref() == Some(&placement.client)).map(use_view),
            restart: running.is_some_and(|running| running.since.as_second() < placement.written.as_second()),
        }
    }

    fn status(&self, connection: &Connection, used_in: &[PlacementView]) -> (Status, NextStep, Option<String>) {
        let is = |drift: &DriftView, broken: bool| drift.kind.is_of_file() == broken;
        let drifted =
            |broken: bool| used_in.iter().find(|place| place.drift.as_ref().is_some_and(|drift| is(drift, broken)));
        if let Some(place) = drifted(true) {
            return (Status::FileBroken, NextStep::OpenFile, Some(place.client.clone()));
        }
        if let Some(place) = drifted(false) {
            return (Status::ChangedOutside, NextStep::PutBack, Some(place.client.clone()));
        }
        let (status, action) = self.own_status(connection);
        (status, action, None)
    }

    fn own_status(&self, connection: &Connection) -> (Status, NextStep) {
        if signed_in_by_apps(connection) {
            return (Status::SignedInByApps, NextStep::Nothing);
        }
        if let Some(told) = signed_status(connection, self.state.checks.get(&connection.id)) {
            return told;
        }
        let reminder = self.reminders.iter().find(|reminder| reminder.connection == connection.id);
        if lacks_token(connection) {
            // A program's tokens come with its entry, not by themselves.
            let next = if connection.is_program() { NextStep::Nothing } else { NextStep::Finish };
            return (Status::TokenMissing, next);
        }
        // Also while its reminder is snoozed.
        if connection.credentials.iter().any(|credential| credential.has_ended(self.host.now)) {
            return (Status::TokenEnded, NextStep::Renew);
        }
        let checked = self.state.checks.get(&connection.id).map(|checked| checked.report.verdict);
        let is_bad = |verdict: &Verdict| !matches!(verdict, Verdict::Working | Verdict::NotTried);
        if let Some(found) = checked.filter(is_bad) {
            return match of_verdict(found) {
                // It has a token, but not for its address, or the keychain has lost it.
                (Status::TokenMissing, _) if !connection.credentials.is_empty() => {
                    (Status::TokenMissing, NextStep::Renew)
                }
                other => other,
            };
        }
        if connection.placements.is_empty() {
            return (Status::Unused, NextStep::ChooseApp);
        }
        if reminder.is_some() {
            return (Status::TokenEndsSoon, NextStep::Renew);
        }
        if connection.credentials.iter().any(|credential| !credential.previous.is_empty()) {
            return (Status::OldTokenToRevoke, NextStep::RevokeOld);
        }
        if connection.is_program() {
            return (Status::StartedByApp, NextStep::Nothing);
        }
        match checked {
            Some(_) if self.check_is_old(connection) => (Status::WorkedBefore, NextStep::Check),
            Some(_) => (Status::Working, NextStep::Check),
            None => (Status::Unchecked, NextStep::Check),
        }
    }

    fn token(&self, connection: &Connection, credential: &Credential) -> TokenView {
        let uses = |placement: &&Placement| {
            connection.credential_for(Some(placement)).is_some_and(|used| used.id == credential.id)
        };
        TokenView {
            id: credential.id.clone(),
            label: credential.label.clone(),
            scopes: credential.scopes.clone(),
            created: credential.created.to_string(),
            expires: credential.expires,
            days_left: credential.expires.map(|expires| days_left(expires, self.host)),
            life_left: credential.expires.map(|expires| life_left(credential.created, expires, self.host.now)),
            ended: credential.has_ended(self.host.now),
            fingerprint: credential.fingerprint.clone(),
            renewed_until: credential.expires.and_then(|end| same_length(credential.created, end, self.host)),
            sign_in: credential.sign_in.as_ref().map(SignInView::from),
            old: credential.previous.iter().map(old_token).collect(),
            used_by: connection.placements.iter().filter(uses).map(|placement| placement.client.clone()).collect(),
        }
    }

    /// One app, from everything that it reads: its own table comes first.
    fn app(&self, seen: &[Seen]) -> Option<AppView> {
        let (own, further) = seen.split_first()?;
        let running = self.running.get(own.client.id);
        let stale = running.filter(|running| self.runs_with_old_settings(own, running));
        Some(AppView {
            id: own.client.id.to_owned(),
            name: own.client.name.to_owned(),
            installed: own.location.installed,
            version: self.version(own, running),
            running: running.is_some(),
            since: running.map(|running| running.since.to_string()),
            restart: stale.map(|running| restart(own.client, running)),
            path: own.location.path.display().to_string(),
            exists: !matches!(own.entries, Ok(None)),
            why: own.location.why.map(str::to_owned),
            candidates: self.candidates(own),
            problem: own.entries.as_ref().err().cloned().or_else(|| own.refused()),
            entries: self.entries(own),
            further: further.iter().map(|seen| self.source(seen)).collect(),
            wirings: own.client.wirings.to_vec(),
            slow: self.patchbay.slow(seen.iter().map(|seen| seen.source.path.clone())),
        })
    }

    /// The files to choose from; none where there is no doubt.
    fn candidates(&self, own: &Seen) -> Vec<CandidateView> {
        let all = own.client.candidates(self.host);
        let view = |one: &Candidate| CandidateView {
            path: one.path.display().to_string(),
            what: one.what.to_owned(),
            name: one.name.clone(),
            exists: one.path.exists(),
            counts: one.path == own.location.path,
        };
        if all.len() > 1 { all.iter().map(view).collect() } else { Vec::new() }
    }

    fn source(&self, seen: &Seen) -> SourceView {
        SourceView {
            scope: seen.source.scope.clone(),
            path: seen.source.path.display().to_string(),
            problem: seen.entries.as_ref().err().cloned().or_else(|| seen.refused()),
            entries: self.entries(seen),
        }
    }

    fn entries(&self, seen: &Seen) -> Vec<EntryView> {
        seen.all().iter().map(|(name, value)| entry_view(self.state, seen, name, value)).collect()
    }

    fn version(&self, seen: &Seen, running: Option<&Running>) -> Option<String> {
        let program = running.and_then(|running| running.program.as_deref());
        seen.location.installed.then(|| version(seen.client, self.host, program)).flatten()
    }

    fn runs_with_old_settings(&self, seen: &Seen, running: &Running) -> bool {
        let Seen { client, location, .. } = seen;
        client.restart && changed_since(self.records, client.id, &location.path, running.since)
    }
}

/// One entry in an app's file, to be shown.
pub(super) fn entry_view(state: &State, seen: &Seen, name: &str, value: &serde_json::Value) -> EntryView {
    let entry = read_entry(name, value);
    let is_here = |place: &Placement| place.is_at(seen.client.id, &seen.source.scope) && place.entry == name;
    let placed = |connection: &&Connection| connection.placements.iter().any(is_here);
    let owner = state.connections.iter().find(placed).map(|connection| connection.id.clone());
    EntryView {
        name: entry.name,
        kind: entry.kind,
        target: mask(&entry.target, std::iter::once(value)),
        disabled: entry.disabled,
        connection: owner.or(entry.ours),
        plain_text: find_plaintext(value).into_iter().map(|finding| finding.path).collect(),
    }
}

fn old_token(old: &Previous) -> OldTokenView {
    OldTokenView { id: old.id.clone(), since: old.replaced.to_string(), fingerprint: old.fingerprint.clone() }
}

fn group(status: Status) -> Group {
    match status {
        Status::Working | Status::WorkedBefore | Status::Unchecked | Status::StartedByApp | Status::SignedInByApps => {
            Group::Working
        }
        Status::Unused => Group::Off,
        _ => Group::NeedsYou,
    }
}

fn of_verdict(verdict: Verdict) -> (Status, NextStep) {
    match verdict {
        Verdict::Working => (Status::Working, NextStep::Check),
        Verdict::TokenRefused => (Status::TokenRefused, NextStep::Renew),
        Verdict::NotAllowed => (Status::NotAllowed, NextStep::Renew),
        Verdict::NeedsBrowserSignIn => (Status::NeedsBrowserSignIn, NextStep::SignIn),
        Verdict::NotMcp => (Status::NotMcp, NextStep::Edit),
        Verdict::WrongAddress => (Status::WrongAddress, NextStep::Edit),
        Verdict::Unreachable => (Status::Unreachable, NextStep::Check),
        Verdict::TlsNotTrusted => (Status::TlsNotTrusted, NextStep::Check),
        Verdict::ProxyUnreachable => (Status::ProxyUnreachable, NextStep::Network),
        Verdict::ProxySignInNeeded => (Status::ProxySignInNeeded, NextStep::Network),
        Verdict::ProxySignInRefused => (Status::ProxySignInRefused, NextStep::Network),
        Verdict::ProxyForbids => (Status::ProxyForbids, NextStep::Check),
        Verdict::ProxyNeeded => (Status::ProxyNeeded, NextStep::Network),
        Verdict::TooSlow => (Status::TooSlow, NextStep::Check),
        Verdict::TokenMissing => (Status::TokenMissing, NextStep::Finish),
        Verdict::TokenUnreadable => (Status::TokenUnreadable, NextStep::Check),
        Verdict::ServiceError => (Status::ServiceError, NextStep::Check),
        Verdict::NotTried => (Status::StartedByApp, NextStep::Nothing),
    }
}

fn use_view(run: &Run) -> UseView {
    UseView {
        at: run.at.to_string(),
        client: run.client.clone(),
        program: run.program.clone(),
        error: run.error.clone(),
    }
}

fn activity(record: &Record, obstacle: Option<ObstacleView>) -> ActivityView {
    let scopes: BTreeSet<_> = record.effect.placements.iter().map(|effect| effect.scope.clone()).collect();
    let renamed = record.effect.edited.as_ref().filter(|edited| edited.renames());
    ActivityView {
        id: record.id.clone(),
        at: record.at.to_string(),
        kind: record.kind,
        connection: record.connection.clone(),
        name: record.name.clone(),
        clients: clients(record),
        paths: record.files.iter().map(|file| file.path.display().to_string()).collect(),
        scopes: scopes.into_iter().filter(|scope| !scope.is_user()).collect(),
        renamed: renamed.map(|edited| edited.after.name.clone()),
        can_undo: is_undoable(record) && obstacle.is_none(),
        obstacle,
        holds_token: record.holds_token,
        undone: record.undone_by.is_some(),
    }
}

/// The apps that a change is about, each once; also where it changed no file of theirs.
fn clients(record: &Record) -> Vec<String> {
    let files = record.files.iter().map(|file| &file.client);
    let all = files.chain(record.effect.placements.iter().map(|effect| &effect.client));
    let mut clients: Vec<String> = Vec::new();
    for client in all {
        if !clients.contains(client) {
            clients.push(client.clone());
        }
    }
    clients
}

/// Reminders that are due and not snoozed, most urgent first.
pub(super) fn reminders(state: &State, host: &Host) -> Vec<ReminderView> {
    let mut due: Vec<ReminderView> = Vec::new();
    for connection in &state.connections {
        for credential in &connection.credentials {
            let Some(expires) = credential.expires else { continue };
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
