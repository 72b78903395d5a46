//! Connections in the snapshot: their state, their places, their tokens.

use super::Scene;
use crate::api::due::token_to_renew;
use crate::api::look::seen_of;
use crate::api::sign_in::needed;
use crate::api::sign_in_again::Again;
use crate::api::sign_in_view::SignInView;
use crate::api::signed::{signed_in_by_apps, signed_status};
use crate::api::token::{lacks_beside, lacks_token};
use crate::api::view::{
    ConnectionView, DriftView, Group, NextStep, OldTokenView, PlacementView, Status, TokenView, UseView,
};
use crate::catalog::{self, SecretField};
use crate::connection::runs::Run;
use crate::connection::{Connection, Credential, Placement, Previous};
use crate::probe::Verdict;
use crate::quiet::is_old;
use crate::token::{days_left, life_left, same_length};

impl Scene<'_> {
    pub(super) fn connection(&self, connection: &Connection, runs: &[Run]) -> ConnectionView {
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
            signed_out_of: connection
                .last_sign_in()
                .map(|left| SignInView::of(left, Again::left(&connection.id, left))),
            secrets: secrets(connection),
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
        if lacks_beside(connection) {
            return (Status::TokenMissing, NextStep::Renew);
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
            let is_shared = credential.header.is_some();
            is_shared || connection.credential_for(Some(placement)).is_some_and(|used| used.id == credential.id)
        };
        TokenView {
            id: credential.id.clone(),
            label: credential.label.clone(),
            header: credential.header.clone(),
            scopes: credential.scopes.clone(),
            created: credential.created.to_string(),
            expires: credential.expires,
            days_left: credential.expires.map(|expires| days_left(expires, self.host)),
            life_left: credential.expires.map(|expires| life_left(credential.created, expires, self.host.now)),
            ended: credential.has_ended(self.host.now),
            fingerprint: credential.fingerprint.clone(),
            renewed_until: credential.expires.and_then(|end| same_length(credential.created, end, self.host)),
            sign_in: credential.sign_in.as_ref().map(|own| SignInView::of(own, Again::of(&connection.id, own))),
            old: credential.previous.iter().map(old_token).collect(),
            used_by: connection.placements.iter().filter(uses).map(|placement| placement.client.clone()).collect(),
        }
    }
}

/// The fields for a connection's secrets; most have one, which is asked for without further words.
fn secrets(connection: &Connection) -> Vec<SecretField> {
    if connection.auth.beside.is_empty() {
        return Vec::new();
    }
    let resolved = || catalog::find(&connection.provider).ok()?.resolve(&connection.settings).ok();
    resolved().map(|resolved| resolved.secrets).unwrap_or_default()
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
