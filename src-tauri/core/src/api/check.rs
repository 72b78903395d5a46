//! Live checks at the front door: which connections, with which tokens, side by side.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};

use super::message::CheckedView;
use super::sign_in::needed;
use super::view::Settings;
use super::{Event, Patchbay, token};
use crate::catalog::{self, Provider};
use crate::connection::state::{Checked, State};
use crate::connection::{Connection, Credential, Grant};
use crate::error::{Code, Error, Result};
use crate::oauth::Access;
use crate::probe::{self, LayerKind, Limits, OfSignIn, Probe, Report, Speaks, Verdict};
use crate::secret::Secret;
use crate::wire::Endpoint;

/// So many checks run side by side. Each has one or two sockets open, and some systems give a program no more than 256
/// files; nobody has as many services that do not answer.
const AT_ONCE: usize = 100;

impl Patchbay {
    /// Checks connections side by side, all where none is named; results are kept in the state.
    pub(super) async fn check(&self, ids: &[String]) -> Result<Vec<CheckedView>> {
        let state = self.state()?;
        let chosen: Vec<Connection> = match ids {
            [] => state.connections.clone(),
            ids => ids.iter().map(|id| state.connection(id).cloned()).collect::<Result<_>>()?,
        };
        let mut cancel = self.inner.cancel.subscribe();
        self.mark(&chosen, true);
        // Read once: reading it for each takes longer than asking a hundred services.
        let done = tokio::select! {
            done = self.check_all(Arc::new(state.settings), &chosen) => Ok(done),
            _ = cancel.changed() => Err(Error::new(Code::Cancelled, "The check was stopped.")),
        };
        self.mark(&chosen, false);
        let mut done = done?;
        // In the order asked for, not in that of their ends.
        done.sort_by_key(|checked| chosen.iter().position(|connection| connection.id == checked.id));
        Ok(done)
    }

    /// Checks connections on all processors, in the order of their ends. Where this is dropped, so are they.
    async fn check_all(&self, settings: Arc<Settings>, chosen: &[Connection]) -> Vec<CheckedView> {
        let mut running = JoinSet::new();
        let mut done = Vec::new();
        for connection in chosen {
            if running.len() == AT_ONCE {
                done.extend(running.join_next().await.map(outcome));
            }
            let (own, settings, connection) = (self.clone(), settings.clone(), connection.clone());
            running.spawn(async move { own.check_one(&settings, &connection).await });
        }
        while let Some(ended) = running.join_next().await {
            done.push(outcome(ended));
        }
        done
    }

    pub(super) fn cancel_checks(&self) {
        self.inner.cancel.send_modify(|round| *round += 1);
    }

    pub(super) fn mark(&self, connections: &[Connection], running: bool) {
        let mut checking = self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections {
            if running {
                checking.insert(connection.id.clone());
            } else {
                checking.remove(&connection.id);
            }
        }
        drop(checking);
        self.tell(Event::Changed);
    }

    /// Checks one connection, each of its tokens in turn until one fails. Whatever stands in the way of that is its own
    /// outcome, and nobody else's.
    async fn check_one(&self, settings: &Settings, connection: &Connection) -> CheckedView {
        if connection.is_program() {
            return self.check_program(settings, connection).await;
        }
        let (checked, worked) = self.find(settings, connection).await;
        if let Err(error) = self.keep_together(connection, &checked, &worked).await {
            tracing::warn!(id = connection.id, "what the check found cannot be kept: {error}");
        }
        self.is_over(connection);
        CheckedView { id: connection.id.clone(), token: checked.token, report: checked.report }
    }

    /// What a check of a connection finds, by settings that were read before, and the tokens that worked; keeps nothing.
    pub(super) async fn find<'a>(
        &self,
        settings: &Settings,
        connection: &'a Connection,
    ) -> (Checked, Vec<&'a Credential>) {
        let mut token = connection.first_token();
        let mut report = self.check_token(settings, connection, token).await;
        let mut worked = Vec::new();
        for credential in used(connection).skip(1) {
            if report.verdict != Verdict::Working {
                break;
            }
            worked.extend(token);
            token = Some(credential);
            report = self.check_token(settings, connection, token).await;
        }
        worked.extend(token.filter(|_| report.verdict == Verdict::Working));
        (Checked { token: token.map(|credential| credential.id.clone()), report }, worked)
    }

    /// Reads a program's tokens, and does not start it: what it then does is between it and its app.
    async fn check_program(&self, settings: &Settings, connection: &Connection) -> CheckedView {
        let mut report = probe::not_tried_at_all(self.host().now);
        for credential in &connection.credentials {
            if let Err(error) = token::read_by(self, settings, connection, credential, None).await {
                report = match error.code {
                    Code::TokenMissing => {
                        probe::not_tried(Verdict::TokenMissing, LayerKind::SignIn, error.message, self.host().now)
                    }
                    _ => not_tried(&error, self.host().now),
                };
            }
        }
        let checked = Checked { token: connection.credentials.first().map(|own| own.id.clone()), report };
        if let Err(error) = self.keep_together(connection, &checked, &[]).await {
            tracing::warn!(id = connection.id, "what the check found cannot be kept: {error}");
        }
        self.is_over(connection);
        CheckedView { id: connection.id.clone(), token: checked.token, report: checked.report }
    }

    async fn check_token(
        &self,
        settings: &Settings,
        connection: &Connection,
        credential: Option<&Credential>,
    ) -> Report {
        let checked = self.try_token(settings, connection, credential).await;
        let report = checked.unwrap_or_else(|error| not_tried(&error, self.host().now));
        said_of(report, connection, credential)
    }

    async fn try_token(
        &self,
        settings: &Settings,
        connection: &Connection,
        credential: Option<&Credential>,
    ) -> Result<Report> {
        let access = match credential {
            Some(credential) => match token::read_by(self, settings, connection, credential, None).await {
                Ok(access) => Some(access),
                Err(error) if error.code == Code::TokenMissing => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let mut endpoint = self.bare_by(settings, connection).await?;
        if access.is_some() {
            endpoint = self.with_beside(endpoint, connection, &[]).await?;
        }
        let mut report = self.probe_at(endpoint.clone(), connection, access.as_ref(), true).await?;
        let signed_in = credential.filter(|credential| credential.sign_in.is_some()).zip(access.as_ref());
        if let Some((credential, refused)) = signed_in.filter(|_| report.verdict == Verdict::TokenRefused) {
            // What a bridge does at once: a token may end before its time.
            let fresh = token::read_by(self, settings, connection, credential, Some(&refused.token)).await?;
            report = self.probe_at(endpoint, connection, Some(&fresh), true).await?;
        }
        // It is used with a token: that one is missed, also where people could sign in instead.
        if credential.is_some() && access.is_none() && report.verdict == Verdict::NeedsBrowserSignIn {
            report.verdict = Verdict::TokenMissing;
        }
        Ok(report)
    }

    /// Probes a connection with a token that may not be stored (yet), and tells of each layer; `fresh` takes the place of
    /// what is kept for the headers beside the token's.
    ///
    /// # Errors
    /// The address, a header or the token is unfit to be sent.
    pub(super) async fn probe_with(
        &self,
        connection: &Connection,
        access: Option<&Access>,
        fresh: &[(String, Secret)],
        call: bool,
    ) -> Result<Report> {
        let mut endpoint = self.bare(connection).await?;
        if access.is_some() {
            endpoint = self.with_beside(endpoint, connection, fresh).await?;
        }
        self.probe_at(endpoint, connection, access, call).await
    }

    async fn probe_at(
        &self,
        mut endpoint: Endpoint,
        connection: &Connection,
        access: Option<&Access>,
        call: bool,
    ) -> Result<Report> {
        if let Some(access) = access {
            endpoint = access.on(endpoint, &connection.auth)?;
        }
        let provider = catalog::find(&connection.provider).ok();
        let tool = provider.and_then(|provider| provider.read_only_tool.clone());
        let probe = Probe {
            endpoint,
            tool: tool.filter(|_| call),
            has_token: access.is_some(),
            speaks: Speaks::ALL,
            limits: Limits::default(),
        };
        let progress =
            |layer: &probe::Layer| self.tell(Event::Layer { id: connection.id.clone(), layer: layer.clone() });
        let report = probe::probe(&probe, self.now(), progress).await;
        Ok(match provider {
            Some(provider) => {
                let hint = provider.forbidden_hint.as_deref();
                provider.explain(report).of_several(&several(provider, connection), hint)
            }
            None => report,
        })
    }

    /// Keeps what a check found, and of the tokens that worked how they were sent.
    pub(super) fn keep_check(&self, seen: &Connection, checked: &Checked, worked: &[&Credential]) -> Result<()> {
        self.inner.state.update(|state| {
            Self::note_check(state, seen, checked, worked);
            Ok(())
        })
    }

    /// Notes in the state what a check found.
    pub(super) fn note_check(state: &mut State, seen: &Connection, checked: &Checked, worked: &[&Credential]) {
        // Removed while it was checked.
        let Ok(connection) = state.connection_mut(&seen.id) else { return };
        for credential in &mut connection.credentials {
            let is_tried =
                |tried: &&&Credential| tried.id == credential.id && tried.fingerprint == credential.fingerprint;
            let Some(tried) = worked.iter().find(is_tried) else { continue };
            credential.way = Some(seen.way());
            let known = needed(tried).cloned();
            if let Some(sign_in) = &mut credential.sign_in {
                // What the service asks for beyond what works is still asked for.
                sign_in.needed.take_if(|needed| needed.scopes.is_empty() && known.as_ref() == Some(needed));
            }
        }
        if checked.report.verdict == Verdict::Working && checked.token.is_none() {
            // It does without the one that was deleted.
            connection.token_lost = false;
        }
        state.checks.insert(seen.id.clone(), checked.clone());
    }

    pub(super) fn curl(&self, id: &str) -> Result<String> {
        // A program has no address to be asked at, which is what the endpoint says then.
        let state = self.state()?;
        let connection = state.connection(id)?;
        let endpoint = Endpoint::new(&connection.url)?.with_headers(&connection.headers)?;
        // One that is bound to a key would be refused from anybody else.
        let is_lent = |own: &Credential| !own.sign_in.as_ref().is_some_and(|sign_in| sign_in.bound);
        Ok(probe::curl(&endpoint, &connection.auth, connection.first_token().is_some_and(is_lent)))
    }
}

/// What a check came to. Whoever asked hears of a panic as if it had run in their place.
fn outcome(ended: Result<CheckedView, JoinError>) -> CheckedView {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// What kept a connection from being tried, as its report.
pub(super) fn not_tried(error: &Error, now: Timestamp) -> Report {
    let (verdict, layer) = match error.code {
        Code::AddressInvalid
        | Code::AddressNotHttps
        | Code::AddressHasCredentials
        | Code::AddressHasToken
        | Code::SettingInvalid => (Verdict::WrongAddress, LayerKind::Name),
        Code::CertificateUnfit => (Verdict::TlsNotTrusted, LayerKind::Tls),
        Code::ProxyInvalid => (Verdict::ProxyUnreachable, LayerKind::Connect),
        Code::ProxyPasswordMissing => (Verdict::ProxySignInNeeded, LayerKind::Connect),
        Code::SignInNeeded | Code::SignInRefused => (Verdict::NeedsBrowserSignIn, LayerKind::SignIn),
        Code::ServiceError => (Verdict::ServiceError, LayerKind::SignIn),
        // Of a file that is late.
        Code::Unreachable if error.path.is_some() => (Verdict::TokenUnreadable, LayerKind::SignIn),
        Code::Unreachable => (Verdict::Unreachable, LayerKind::SignIn),
        Code::TokenMissing => (Verdict::TokenMissing, LayerKind::SignIn),
        // The keychain or the vault, whichever way it fails.
        _ => (Verdict::TokenUnreadable, LayerKind::SignIn),
    };
    let report = probe::not_tried(verdict, layer, error.in_sentences(), now);
    let is_of_file = verdict == Verdict::TokenUnreadable && error.path.is_some();
    if matches!(error.code, Code::ServiceError | Code::SignInNewer) || is_of_file {
        report.in_words_of(error)
    } else {
        report
    }
}

/// What the secrets are called that a connection sends, where it sends several.
fn several(provider: &Provider, connection: &Connection) -> Vec<String> {
    if connection.auth.beside.is_empty() { Vec::new() } else { provider.secret_labels(&connection.auth) }
}

/// What a check found, in the words for a sign-in where it is about one.
fn said_of(report: Report, connection: &Connection, credential: Option<&Credential>) -> Report {
    let signed_in = credential.is_some_and(|credential| credential.sign_in.is_some());
    match report.verdict {
        // Also where the service does not say that it takes sign-ins: there was one.
        Verdict::TokenMissing | Verdict::NeedsBrowserSignIn if connection.is_signed_out() => {
            let grant = connection.last_sign_in().map_or(Grant::AuthorizationCode, |last| last.grant);
            Report { verdict: Verdict::NeedsBrowserSignIn, ..report }.of_sign_in(OfSignIn::out_of(grant))
        }
        Verdict::TokenRefused | Verdict::TokenMissing | Verdict::NeedsBrowserSignIn if signed_in => {
            report.of_sign_in(OfSignIn::Ended)
        }
        Verdict::NeedsBrowserSignIn if credential.is_none() => report.of_sign_in(OfSignIn::None),
        _ => report,
    }
}

/// The credentials in use, the first ahead.
pub(super) fn used(connection: &Connection) -> impl Iterator<Item = &Credential> {
    let is_used = |credential: &&Credential| {
        connection.placements.iter().any(|placement| placement.credential.as_deref() == Some(&credential.id))
    };
    connection.first_token().into_iter().chain(connection.tokens().skip(1).filter(is_used))
}
