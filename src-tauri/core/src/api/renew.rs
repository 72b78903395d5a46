//! Renewal: the new token is checked live before anything changes, then swapped at once for all who use it.
//!
//! Steps, each of which leaves a working token behind if the program is killed right after it:
//! 1. the new token answers a live check; nothing is stored yet;
//! 2. the state notes that a renewal has begun, with the new fingerprint and the origin that the new token is for;
//! 3. the old token gets a second place in the keychain;
//! 4. the new token takes the first place: from here on everybody uses it;
//! 5. where the address has changed since, the old token's first place is cleared;
//! 6. the state takes the new facts, and the old token joins those that wait to be revoked, unless it is in use elsewhere
//!    in the connection, as each of two swapped ones is.
//!
//! [`super::settle`] tells from the keychain how far a renewal came, [`super::retire`] deals with the old tokens.

use jiff::Timestamp;

use super::due::token_to_renew;
use super::fit::{self, Asked};
use super::given::{FitPart, all_there, fit_parts, not_given};
use super::message::{AlsoRenewed, Renewed, TokenFacts};
use super::snapshot::reminders;
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::catalog;
use crate::change::history::{Effect, Intent};
use crate::connection::state::{Checked, State, random_hex};
use crate::connection::{Connection, Credential, Previous, Renewal, Way};
use crate::error::{Code, Error, Result};
use crate::oauth;
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
        let asked =
            Asked { provider, connection: Some(wanted.id), header: None, expires: wanted.expires, overrule: false };
        let parts = fit_parts(&asked, &connection.auth, &state, secret, &self.host())?;
        all_there(provider, &connection, &parts)?;
        let chosen = self.chosen(&state, &connection, wanted.token)?;
        let parts = self.changing(&connection, chosen, parts).await?;
        let before = self.try_new(&connection, chosen, &parts).await?;
        accept(&before)?;
        let mut swapped = self.swap_all(&wanted, &connection, chosen, &parts).await?.into_iter();
        let first = swapped.next().ok_or_else(|| not_given(provider, &connection.auth, None))?;
        let Swapped { credential, old } = first;
        let was_signed_in = chosen.is_some_and(|chosen| chosen.sign_in.is_some());
        let (old, signed_out) = match old {
            Some(old) if was_signed_in => (None, Some(self.end_replaced(wanted.id, &credential, &old).await?)),
            old => (old, None),
        };
        let current = self.state()?.connection(wanted.id)?.clone();
        let token = chosen.and_then(|chosen| find(&current, &chosen.id).ok()).or(current.first_token());
        let after = self.try_new(&current, token, &[]).await?;
        let checked = Checked { token: token.map(|token| token.id.clone()), report: after.clone() };
        self.keep_check(&current, &checked, &[])?;
        self.note(&current, ActivityKind::Renewed)?;
        self.tell(Event::Changed);
        let also: Vec<_> = swapped.map(AlsoRenewed::from).collect();
        let revoke_page = provider.resolve(&connection.settings).ok().and_then(|resolved| resolved.revoke_page);
        Ok(Renewed {
            id: wanted.id.to_owned(),
            before,
            after,
            expires: credential.expires,
            lasted_days: find(&connection, &credential.id)
                .ok()
                .and_then(|old| Some(length(old.created, old.expires?, &self.host()))),
            token: credential.id,
            revoke_page: revoke_page.filter(|_| old.is_some() || also.iter().any(|also| also.old.is_some())),
            also,
            old,
            signed_out,
        })
    }

    /// Tries new secrets at their service, together with those that stay. A program's are tried by nobody but the program.
    pub(super) async fn try_new(
        &self,
        connection: &Connection,
        chosen: Option<&Credential>,
        parts: &[FitPart],
    ) -> Result<Report> {
        if connection.is_program() {
            return Ok(probe::not_tried_at_all(self.host().now));
        }
        let given = parts.iter().find(|part| part.header.is_none()).map(|part| part.fit.secret.clone());
        let token = match (given, chosen) {
            (Some(given), _) => given.into(),
            (None, Some(chosen)) => token::read(self, connection, chosen).await?,
            (None, None) => return Err(token::missing(connection)),
        };
        let fresh = parts.iter().filter_map(|part| Some((part.header.clone()?, part.fit.secret.clone())));
        self.probe_with(connection, Some(&token), &fresh.collect::<Vec<_>>(), true).await
    }

    /// The token that is meant: the one named, else the one that is due; none where the connection has none. Whatever is
    /// said of a secret beside it is said of the pair.
    fn chosen<'a>(
        &self,
        state: &State,
        connection: &'a Connection,
        named: Option<&str>,
    ) -> Result<Option<&'a Credential>> {
        let meant = match named {
            Some(id) => Some(find(connection, id)?),
            None => token_to_renew(state, connection, &reminders(state, &self.host())),
        };
        Ok(meant.filter(|meant| meant.header.is_none()).or(connection.first_token()))
    }

    /// Without those that are in use already, as long as any other is left: who was cut off between two swaps gives both
    /// once more.
    async fn changing(
        &self,
        connection: &Connection,
        chosen: Option<&Credential>,
        parts: Vec<FitPart>,
    ) -> Result<Vec<FitPart>> {
        let (mut fresh, mut again) = (Vec::new(), Vec::new());
        for part in parts {
            let stored = match known(connection, chosen, &part) {
                Some(known) => token::read_sound(&self.secrets(), &token::key(connection, known)?).await?,
                None => None,
            };
            let list = if stored.as_ref() == Some(&part.fit.secret) { &mut again } else { &mut fresh };
            list.push(part);
        }
        Ok(if fresh.is_empty() { again } else { fresh })
    }

    /// Swaps one after the other: each is good with what stood beside it before as well as with what follows.
    async fn swap_all(
        &self,
        wanted: &Wanted<'_>,
        connection: &Connection,
        chosen: Option<&Credential>,
        parts: &[FitPart],
    ) -> Result<Vec<Swapped>> {
        // None is swapped where one of them cannot be.
        for part in parts {
            if let Some(known) = known(connection, chosen, part) {
                self.replaceable(connection, known, &part.fit).await?;
            }
        }
        let mut swapped = Vec::new();
        for part in parts {
            let scopes = wanted.scopes.clone().filter(|_| part.header.is_none());
            let done = match known(connection, chosen, part) {
                Some(known) => self.swap(connection, known, &part.fit, scopes).await,
                None => self.first_of(wanted, connection, part).await,
            };
            match done {
                Ok(done) => swapped.push(done),
                Err(error) if swapped.is_empty() => return Err(error),
                Err(error) => {
                    return Err(error.hint("Only some of the secrets are renewed. Give all of them once more."));
                }
            }
        }
        let now = self.state()?;
        let kept: Vec<_> = now.connection(wanted.id)?.credentials.iter().flat_map(|own| &own.previous).collect();
        for Swapped { old, .. } in &mut swapped {
            // What one of them replaced, another may have brought back into use.
            *old = old.take().filter(|old| kept.iter().any(|previous| previous.id == *old));
        }
        Ok(swapped)
    }

    /// What a secret would take the place of.
    ///
    /// # Errors
    /// `TokenReused` where it has been replaced before, or is in use already.
    async fn replaceable(&self, connection: &Connection, credential: &Credential, fit: &fit::Fit) -> Result<Replaced> {
        let key = token::key(connection, credential)?;
        let (old, origin) = self.stored(connection, credential).await?;
        let again = old.as_ref() == Some(&fit.secret);
        let same_place = Key::new(&credential.id, &origin) == key;
        let fingerprint = fit.secret.fingerprint(&self.state()?.salt);
        let was_replaced = credential.previous.iter().any(|previous| previous.fingerprint == fingerprint);
        if was_replaced || again && same_place {
            return Err(reused(was_replaced));
        }
        // The same token at another address replaces none.
        Ok(Replaced { key, fingerprint, origin, old: old.filter(|_| !again) })
    }

    /// A secret where there was none.
    async fn first_of(&self, wanted: &Wanted<'_>, connection: &Connection, part: &FitPart) -> Result<Swapped> {
        if connection.is_program() {
            return Err(token::one_for_all());
        }
        let facts = TokenFacts { scopes: wanted.scopes.clone().unwrap_or_default(), ..TokenFacts::default() };
        let provider = catalog::find(&connection.provider)?;
        let parts = std::slice::from_ref(part);
        let saved = self.save_parts(provider, connection, &facts, parts, &self.state()?).await?;
        let credential = saved.into_iter().next().ok_or_else(|| token::missing(connection))?;
        let mut after = self.state()?.connection(wanted.id)?.clone();
        after.add(credential.clone());
        self.delete_tokens(&after.forget_in_use()).await?;
        self.inner.state.update(|state| {
            state.checks.remove(wanted.id);
            let connection = state.connection_mut(wanted.id)?;
            connection.add(credential.clone());
            connection.token_lost &= credential.header.is_some();
            connection.forget_in_use();
            Ok(())
        })?;
        Ok(Swapped { credential, old: None })
    }

    /// Steps 2 to 6.
    async fn swap(
        &self,
        connection: &Connection,
        credential: &Credential,
        fit: &fit::Fit,
        scopes: Option<Vec<String>>,
    ) -> Result<Swapped> {
        let _turn = self.token_turn()?;
        // A bridge that renews the sign-in just now must not write over the token.
        let _renewal = match credential.sign_in {
            Some(_) => Some(oauth::turn(&self.inner.data_dir, &token::key(connection, credential)?).await?),
            None => None,
        };
        let secrets = self.secrets();
        let Replaced { key, fingerprint, origin, old } = self.replaceable(connection, credential, fit).await?;
        let renewal = Renewal {
            begun: self.host().now,
            fingerprint,
            expires: fit.expires,
            scopes: scopes.unwrap_or_else(|| credential.scopes.clone()),
            origin: Some(origin_of(&connection.url)?),
            way: Some(connection.way()),
            previous: previous(connection, credential, origin, self.host().now),
        };
        self.with_credential(&connection.id, &credential.id, |credential| credential.renewal = Some(renewal.clone()))?;
        if let Some(old) = old {
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
        let mut after = state.connection(id)?.clone();
        find_mut(&mut after, token)?.take_renewal(old.is_some());
        for key in after.forget_in_use() {
            secrets.delete(&key).await?;
        }
        let credential = self.inner.state.update(|state| {
            state.reminders.remove(token);
            state.checks.remove(id);
            let connection = state.connection_mut(id)?;
            find_mut(connection, token)?.take_renewal(old.is_some());
            connection.forget_in_use();
            Ok(find(connection, token)?.clone())
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

/// What a new secret takes the place of: the token that is meant, or what its header had before.
fn known<'a>(connection: &'a Connection, chosen: Option<&'a Credential>, part: &FitPart) -> Option<&'a Credential> {
    part.header.as_ref().map_or(chosen, |header| connection.secret_of(header))
}

impl From<Swapped> for AlsoRenewed {
    fn from(swapped: Swapped) -> Self {
        let Swapped { credential, old } = swapped;
        Self { token: credential.id, label: credential.label, old, expires: credential.expires }
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

/// What a new secret takes the place of.
struct Replaced {
    key: Key,
    /// The new one's.
    fingerprint: String,
    /// The origin that the old one belongs to.
    origin: String,
    old: Option<Secret>,
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
