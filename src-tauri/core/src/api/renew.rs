//! Renewal: the new token is checked live before anything changes, then swapped at once for all who use it.
//!
//! Steps, each of which leaves a working token behind if the program is killed right after it:
//! 1. the new token answers a live check; nothing is stored yet;
//! 2. the state notes that a renewal has begun, with the new fingerprint;
//! 3. the old token gets a second place in the keychain;
//! 4. the new token takes the first place: from here on everybody uses it;
//! 5. the state takes the new facts, and the old token waits to be revoked.
//!
//! [`super::settle`] tells from the keychain how far a renewal came.

use super::message::{Renewed, Retired, TokenFacts};
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::catalog;
use crate::change::history::{Effect, Intent};
use crate::connection::state::{State, random_hex};
use crate::connection::{Connection, Credential, Previous, Renewal};
use crate::error::{Code, Error, Result};
use crate::probe::{Report, Verdict};
use crate::secret::{Key, Secret};

/// What a renewal is asked for.
pub(super) struct Wanted<'a> {
    pub(super) id: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) expires: Option<&'a str>,
    pub(super) scopes: Option<Vec<String>>,
}

impl Patchbay {
    pub(super) async fn renew(&self, wanted: Wanted<'_>, secret: &Secret) -> Result<Renewed> {
        let state = self.state()?;
        let connection = state.connection(wanted.id)?.clone();
        let provider = catalog::find(&connection.provider)?;
        let fit = token::fit(provider, &state, Some(wanted.id), secret, wanted.expires, false, &self.host())?;
        let revoke_page = provider.resolve(&connection.settings).ok().and_then(|resolved| resolved.revoke_page);
        let before = self.probe_with(&connection, Some(&fit.secret), true).await?;
        accept(&before)?;
        let credential = if let Some(credential) = chosen(&connection, wanted.token)? {
            self.swap(&connection, credential, &fit, wanted.scopes, &state).await?
        } else {
            let facts = TokenFacts {
                scopes: wanted.scopes.unwrap_or_default(),
                expires: wanted.expires.map(str::to_owned),
                label: None,
            };
            self.save_token(wanted.id, &facts, &[], secret).await?;
            self.newest_token(wanted.id)?
        };
        let current = self.state()?.connection(wanted.id)?.clone();
        let stored = token::read(&self.secrets(), &current, &credential).await?;
        let after = self.probe_with(&current, Some(&stored), true).await?;
        self.keep_report(wanted.id, &after)?;
        self.note(&current, ActivityKind::Renewed)?;
        self.tell(Event::Changed);
        Ok(Renewed { id: wanted.id.to_owned(), before, after, token: credential.id, revoke_page })
    }

    fn newest_token(&self, id: &str) -> Result<Credential> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        connection.credentials.last().cloned().ok_or_else(|| token::missing(connection))
    }

    /// Steps 2 to 5.
    async fn swap(
        &self,
        connection: &Connection,
        credential: &Credential,
        fit: &token::Fit,
        scopes: Option<Vec<String>>,
        state: &State,
    ) -> Result<Credential> {
        let secrets = self.secrets();
        let key = token::key(connection, credential)?;
        let renewal = Renewal {
            begun: self.host().now,
            fingerprint: fit.secret.fingerprint(&state.salt),
            expires: fit.expires,
            scopes: scopes.unwrap_or_else(|| credential.scopes.clone()),
            previous: Previous {
                id: format!("{}-old-{}", credential.id, random_hex(2)),
                fingerprint: credential.fingerprint.clone(),
                replaced: self.host().now,
            },
        };
        if renewal.fingerprint == credential.fingerprint {
            return Err(Error::new(Code::TokenReused, "This is the token that is in use already.")
                .hint("Make a new one at the service.")
                .field("token"));
        }
        let _work = self.at_work()?;
        // An older token that waits to be revoked would be lost from view: it is forgotten only once refused.
        self.begin_renewal(&connection.id, &credential.id, &renewal)?;
        let old = secrets.read(&key).await?;
        if let Some(old) = &old {
            secrets.write(&Key::new(&renewal.previous.id, &credential.origin), old).await?;
        }
        secrets.write(&key, &fit.secret).await?;
        self.finish_renewal(&connection.id, &credential.id, old.is_some())
    }

    fn begin_renewal(&self, id: &str, token: &str, renewal: &Renewal) -> Result<()> {
        self.with_credential(id, token, |credential| credential.renewal = Some(renewal.clone()))
    }

    /// Step 5: the new facts; whether there was an old token to revoke.
    pub(super) fn finish_renewal(&self, id: &str, token: &str, had_old: bool) -> Result<Credential> {
        self.inner.state.update(|state| {
            state.reminders.remove(token);
            state.checks.remove(id);
            Ok(())
        })?;
        self.with_credential(id, token, |credential| {
            if let Some(done) = credential.renewal.take() {
                credential.fingerprint = done.fingerprint;
                credential.expires = done.expires;
                credential.scopes = done.scopes;
                credential.created = done.begun;
                credential.previous = had_old.then_some(done.previous);
            }
        })?;
        let state = self.state()?;
        let connection = state.connection(id)?;
        let credential = connection.credentials.iter().find(|credential| credential.id == token);
        credential.cloned().ok_or_else(|| token::missing(connection))
    }

    pub(super) fn with_credential(&self, id: &str, token: &str, change: impl FnOnce(&mut Credential)) -> Result<()> {
        self.inner.state.update(|state| {
            let connection = state.connection_mut(id)?;
            let found = connection.credentials.iter_mut().find(|credential| credential.id == token);
            found.map(change).ok_or_else(|| Error::new(Code::TokenMissing, "This token is not known any more."))
        })
    }

    /// A line in the activity without any file.
    pub(super) fn note(&self, connection: &Connection, kind: ActivityKind) -> Result<()> {
        let (connection, name) = (connection.id.clone(), connection.name.clone());
        let intent = Intent { at: self.host().now, kind, connection, name, effect: Effect::default(), undoes: None };
        self.inner.history.note(&intent)
    }

    /// Whether the replaced token is refused now; if so it is forgotten here too.
    pub(super) async fn retire_old(&self, id: &str, token: &str, force: bool) -> Result<Retired> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let credential = chosen(connection, Some(token))?.ok_or_else(|| token::missing(connection))?;
        let Some(old) = &credential.previous else { return Ok(Retired { refused: true, report: None }) };
        let key = Key::new(&old.id, &credential.origin);
        let secret = self.secrets().read(&key).await?;
        let report = match &secret {
            Some(secret) => Some(self.probe_with(connection, Some(secret), false).await?),
            None => None,
        };
        let refused = report.as_ref().is_none_or(|report| report.verdict == Verdict::TokenRefused);
        if refused || force {
            self.secrets().delete(&key).await?;
            self.with_credential(id, token, |credential| credential.previous = None)?;
            self.tell(Event::Changed);
        }
        Ok(Retired { refused, report })
    }
}

/// The credential that is meant: the one named, else the first; none where the connection has none.
fn chosen<'a>(connection: &'a Connection, token: Option<&str>) -> Result<Option<&'a Credential>> {
    let Some(token) = token else { return Ok(connection.credentials.first()) };
    let found = connection.credentials.iter().find(|credential| credential.id == token);
    found.map(Some).ok_or_else(|| token::missing(connection))
}

/// Whether a new token did well enough to take the place of the old one.
fn accept(report: &Report) -> Result<()> {
    let words = report.missing_right.as_ref().or(report.detail.as_ref());
    let words = words.map(|words| format!(" It says: {words}")).unwrap_or_default();
    match report.verdict {
        Verdict::Working => Ok(()),
        Verdict::TokenRefused | Verdict::NotAllowed => Err(Error::new(
            Code::RenewalRefused,
            format!("The service does not accept the new token; nothing was changed.{words}"),
        )
        .hint("Make a new token with the rights named, and paste it whole.")
        .field("token")),
        _ => Err(Error::new(
            Code::RenewalUnverified,
            format!("The new token could not be tried, so nothing was changed.{words}"),
        )
        .hint("Check the connection, then renew again.")),
    }
}
