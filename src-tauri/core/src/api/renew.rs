//! Renewal: the new token is checked live before anything changes, then swapped at once for all who use it.
//!
//! Steps, each of which leaves a working token behind if the program is killed right after it:
//! 1. the new token answers a live check; nothing is stored yet;
//! 2. the state notes that a renewal has begun, with the new fingerprint and the origin that the new token is for;
//! 3. the old token gets a second place in the keychain;
//! 4. the new token takes the first place: from here on everybody uses it;
//! 5. where the address has changed since, the old token's first place is cleared;
//! 6. the state takes the new facts, and the old token joins those that wait to be revoked.
//!
//! [`super::settle`] tells from the keychain how far a renewal came, [`super::retire`] deals with the old tokens.

use jiff::Timestamp;

use super::due::token_to_renew;
use super::message::{Renewed, TokenFacts};
use super::snapshot::reminders;
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::catalog;
use crate::change::history::{Effect, Intent};
use crate::connection::state::{Checked, State, random_hex};
use crate::connection::{Connection, Credential, Previous, Renewal, Way};
use crate::error::{Code, Error, Result};
use crate::oauth::Access;
use crate::probe::{self, Report, Verdict};
use crate::secret::{Key, Secret};
use crate::token::length;
use crate::wire::origin_of;

/// What a renewal is asked for.
pub(super) struct Wanted<'a> {
    pub(super) id: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) expires: Option<&'a str>,
    pub(super) scopes: Option<Vec<String>>,
}

/// A credential after its renewal.
pub(super) struct Swapped {
    credential: Credential,
    /// The id of the token that it replaced, where there was one.
    old: Option<String>,
}

impl Patchbay {
    pub(super) async fn renew(&self, wanted: Wanted<'_>, secret: &Secret) -> Result<Renewed> {
        let state = self.state()?;
        let connection = state.connection(wanted.id)?.clone();
        let provider = catalog::find(&connection.provider)?;
        let fit = token::fit(provider, &state, Some(wanted.id), secret, wanted.expires, false, &self.host())?;
        let chosen = self.chosen(&state, &connection, wanted.token)?;
        let before = self.try_new(&connection, &fit.secret.clone().into()).await?;
        accept(&before)?;
        let Swapped { credential, old } = match chosen {
            Some(credential) => self.swap(&connection, credential, &fit, wanted.scopes).await?,
            None => self.first_token(&wanted, secret).await?,
        };
        let was_signed_in = chosen.is_some_and(|chosen| chosen.sign_in.is_some());
        let (old, signed_out) = match old {
            Some(old) if was_signed_in => (None, Some(self.end_replaced(wanted.id, &credential, &old).await?)),
            old => (old, None),
        };
        let current = self.state()?.connection(wanted.id)?.clone();
        let stored = token::read(self, &current, &credential).await?;
        let after = self.try_new(&current, &stored).await?;
        let checked = Checked { token: Some(credential.id.clone()), report: after.clone() };
        self.keep_check(&current, &checked, &[])?;
        self.note(&current, ActivityKind::Renewed)?;
        self.tell(Event::Changed);
        let revoke_page = provider.resolve(&connection.settings).ok().and_then(|resolved| resolved.revoke_page);
        Ok(Renewed {
            id: wanted.id.to_owned(),
            before,
            after,
            expires: credential.expires,
            lasted_days: chosen.and_then(|old| Some(length(old.created, old.expires?, &self.host()))),
            token: credential.id,
            revoke_page: revoke_page.filter(|_| old.is_some()),
            old,
            signed_out,
        })
    }

    /// Tries a token at its service. A program's is tried by nobody but the program.
    async fn try_new(&self, connection: &Connection, access: &Access) -> Result<Report> {
        if connection.is_program() {
            return Ok(probe::not_tried_at_all(self.host().now));
        }
        self.probe_with(connection, Some(access), true).await
    }

    /// The credential that is meant: the one named, else the one that is due; none where the connection has none.
    fn chosen<'a>(
        &self,
        state: &State,
        connection: &'a Connection,
        named: Option<&str>,
    ) -> Result<Option<&'a Credential>> {
        match named {
            Some(id) => find(connection, id).map(Some),
            None => Ok(token_to_renew(state, connection, &reminders(state, &self.host()))),
        }
    }

    async fn first_token(&self, wanted: &Wanted<'_>, secret: &Secret) -> Result<Swapped> {
        let facts = TokenFacts {
            scopes: wanted.scopes.clone().unwrap_or_default(),
            expires: wanted.expires.map(str::to_owned),
            label: None,
        };
        self.save_token(wanted.id, &facts, &[], secret).await?;
        let state = self.state()?;
        let connection = state.connection(wanted.id)?;
        let credential = connection.credentials.last().cloned().ok_or_else(|| token::missing(connection))?;
        Ok(Swapped { credential, old: None })
    }

    /// Steps 2 to 6.
    async fn swap(
        &self,
        connection: &Connection,
        credential: &Credential,
        fit: &token::Fit,
        scopes: Option<Vec<String>>,
    ) -> Result<Swapped> {
        let _turn = self.token_turn()?;
        let (secrets, key) = (self.secrets(), token::key(connection, credential)?);
        let (old, origin) = self.stored(connection, credential).await?;
        let again = old.as_ref() == Some(&fit.secret);
        let same_place = Key::new(&credential.id, &origin) == key;
        let renewal = Renewal {
            begun: self.host().now,
            fingerprint: fit.secret.fingerprint(&self.state()?.salt),
            expires: fit.expires,
            scopes: scopes.unwrap_or_else(|| credential.scopes.clone()),
            origin: Some(origin_of(&connection.url)?),
            way: Some(connection.way()),
            previous: previous(connection, credential, origin, self.host().now),
        };
        let replaced = credential.previous.iter().any(|previous| previous.fingerprint == renewal.fingerprint);
        if replaced || again && same_place {
            return Err(reused(replaced));
        }
        self.with_credential(&connection.id, &credential.id, |credential| credential.renewal = Some(renewal.clone()))?;
        // The same token at another address replaces none.
        if let Some(old) = old.filter(|_| !again) {
            secrets.write(&credential.previous_key(&renewal.previous), &old).await?;
        }
        secrets.write(&key, &fit.secret).await?;
        self.finish_renewal(&connection.id, &credential.id).await
    }

    /// The token that is to be replaced and the origin it belongs to: the address's own, else the one before.
    async fn stored(&self, connection: &Connection, credential: &Credential) -> Result<(Option<Secret>, String)> {
        let secrets = self.secrets();
        let here = origin_of(&connection.url)?;
        for origin in [&here, &credential.origin] {
            if let Some(found) = token::read_sound(&secrets, &Key::new(&credential.id, origin)).await? {
                return Ok((Some(found), origin.clone()));
            }
        }
        Ok((None, here))
    }

    /// Steps 5 and 6. The keychain tells whether there is an old token to be revoked.
    pub(super) async fn finish_renewal(&self, id: &str, token: &str) -> Result<Swapped> {
        let state = self.state()?;
        let credential = find(state.connection(id)?, token)?;
        let Some(renewal) = &credential.renewal else {
            return Ok(Swapped { credential: credential.clone(), old: None });
        };
        let secrets = self.secrets();
        let kept = token::read_sound(&secrets, &credential.previous_key(&renewal.previous)).await?;
        let old = kept.map(|_| renewal.previous.id.clone());
        if credential.key() != credential.renewed_key(renewal) {
            secrets.delete(&credential.key()).await?;
        }
        let credential = self.inner.state.update(|state| {
            state.reminders.remove(token);
            state.checks.remove(id);
            let credential = find_mut(state.connection_mut(id)?, token)?;
            credential.take_renewal(old.is_some());
            Ok(credential.clone())
        })?;
        Ok(Swapped { credential, old })
    }

    pub(super) fn with_credential(&self, id: &str, token: &str, change: impl FnOnce(&mut Credential)) -> Result<()> {
        self.inner.state.update(|state| {
            change(find_mut(state.connection_mut(id)?, token)?);
            Ok(())
        })
    }

    /// A line in the activity without any file.
    pub(super) fn note(&self, connection: &Connection, kind: ActivityKind) -> Result<()> {
        let (connection, name) = (connection.id.clone(), connection.name.clone());
        let intent = Intent { at: self.host().now, kind, connection, name, effect: Effect::default(), undoes: None };
        self.inner.history.note(&intent)
    }
}

/// A credential by its id.
pub(super) fn find<'a>(connection: &'a Connection, id: &str) -> Result<&'a Credential> {
    let found = connection.credentials.iter().find(|credential| credential.id == id);
    found.ok_or_else(|| token::missing(connection))
}

fn find_mut<'a>(connection: &'a mut Connection, id: &str) -> Result<&'a mut Credential> {
    let found = connection.credentials.iter_mut().find(|credential| credential.id == id);
    found.ok_or_else(|| Error::new(Code::TokenMissing, "This token is not known any more."))
}

/// What is to be remembered of a token once another has taken its place.
fn previous(connection: &Connection, credential: &Credential, origin: String, now: Timestamp) -> Previous {
    let is_its_own = |way: &Way| origin_of(&way.url).is_ok_and(|of_way| of_way == origin);
    let way = credential.way.clone().into_iter().chain([connection.way()]).find(is_its_own);
    Previous {
        id: format!("{}-old-{}", credential.id, random_hex(4)),
        fingerprint: credential.fingerprint.clone(),
        replaced: now,
        origin: Some(origin),
        way,
    }
}

fn reused(replaced: bool) -> Error {
    let what = if replaced { "This token was replaced already." } else { "This is the token that is in use already." };
    Error::new(Code::TokenReused, what).hint("Make a new one at the service.").field("token")
}

/// Whether a new token did well enough to take the place of the old one.
fn accept(report: &Report) -> Result<()> {
    let words = report.missing_right.as_ref().or(report.detail.as_ref());
    let words = match (report.cause(), words) {
        // What stands beside a cause may be a place, and not the service's words.
        (Some(_), words) => {
            words.map_or_else(|| format!(" {}", report.sentence()), |words| format!(" {} ({words})", report.sentence()))
        }
        (None, words) => words.map(|words| format!(" It says: {words}")).unwrap_or_default(),
    };
    match report.verdict {
        Verdict::Working | Verdict::NotTried => Ok(()),
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
