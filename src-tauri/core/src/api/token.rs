//! Tokens at the front door: where they are read, and what is sent with them.

use std::path::Path;

use jiff::Timestamp;

use super::Patchbay;
use super::sign_in::needed;
use super::sign_in_again::Again;
use super::signed::forget_need;
use super::view::Settings;
use crate::catalog::{self, Offered, Provider};
use crate::connection::state::StateFile;
use crate::connection::{Connection, Credential, Placement, SignInNeeded};
use crate::error::{Code, Error, Result};
use crate::oauth::{self, Access, Refusal};
use crate::secret::{Key, Secret, SecretStore};
use crate::token;
use crate::wire::{Endpoint, Network, origin_of};

impl Patchbay {
    /// The endpoint of a connection for one of its placements, with its token.
    ///
    /// # Errors
    /// The address is unfit; the token is missing; the keychain does not answer.
    pub async fn endpoint(&self, connection: &Connection, placement: Option<&Placement>) -> Result<Endpoint> {
        let bare = self.bare(connection).await?;
        match connection.credential_for(placement) {
            Some(credential) => {
                let access = read(self, connection, credential).await?;
                self.with_beside(access.on(bare, &connection.auth)?, connection, &[]).await
            }
            None if lacks_token(connection) => Err(missing(connection)),
            None => Ok(bare),
        }
    }

    /// The same with the headers beside the token's; of each the secret in `fresh`, else the one that is kept.
    ///
    /// # Errors
    /// `TokenMissing` where there is none; the keychain does not answer.
    pub(super) async fn with_beside(
        &self,
        mut endpoint: Endpoint,
        connection: &Connection,
        fresh: &[(String, Secret)],
    ) -> Result<Endpoint> {
        for (carrier, known) in connection.beside() {
            let given = fresh.iter().find(|(header, _)| header.eq_ignore_ascii_case(&carrier.name));
            let secret = match (given, known) {
                (Some((_, secret)), _) => secret.clone(),
                (None, Some(known)) => {
                    let stored = self.secrets().read(&key(connection, known)?).await?;
                    stored.ok_or_else(|| missing_beside(connection, &carrier.name))?
                }
                (None, None) => return Err(missing_beside(connection, &carrier.name)),
            };
            endpoint = endpoint.with_beside(carrier, &secret)?;
        }
        Ok(endpoint)
    }

    /// The endpoint of a connection without its token, reached as the network wants it.
    pub(super) async fn bare(&self, connection: &Connection) -> Result<Endpoint> {
        self.bare_by(&self.state()?.settings, connection).await
    }

    /// The same by settings that were read before.
    pub(super) async fn bare_by(&self, settings: &Settings, connection: &Connection) -> Result<Endpoint> {
        let endpoint = Endpoint::new(&connection.url)?.with_headers(&connection.headers)?;
        let own = connection.network.as_ref();
        Ok(endpoint.with_network(self.network_by(settings, own, &connection.url).await?))
    }
}

/// The endpoint for the bridge, read without a thread in between where nothing has to be renewed; reached as
/// [`super::ready_network`] says. What the service said against the token before leads to another one where a sign-in
/// can give it, and else to what the user has to do.
///
/// # Errors
/// As [`Patchbay::endpoint`]; `SignInNeeded`.
pub fn ready_token(
    secrets: &SecretStore,
    data_dir: &Path,
    network: Network,
    connection: &Connection,
    placement: Option<&Placement>,
    refusal: Option<&Refusal>,
) -> Result<Endpoint> {
    let bare = Endpoint::new(&connection.url)?.with_headers(&connection.headers)?.with_network(network);
    let Some(credential) = connection.credential_for(placement) else {
        let wants_sign_in = refusal.is_some_and(|refusal| refusal.offers_sign_in);
        return match () {
            () if wants_sign_in => Err(sign_in_needed(connection, None, "The service wants a sign-in.")),
            () if lacks_token(connection) => Err(missing(connection)),
            () => Ok(bare),
        };
    };
    let key = key(connection, credential)?;
    if credential.sign_in.is_some() {
        return signed_in(&bare, secrets, &key, data_dir, (connection, credential), refusal);
    }
    let secret = secrets.read_blocking(&key)?.ok_or_else(|| missing(connection))?;
    oauth::check_token(&secret)?;
    let mut endpoint = bare.with_auth(&connection.auth, &secret)?;
    for (carrier, known) in connection.beside() {
        let lacks = || missing_beside(connection, &carrier.name);
        let secret = secrets.read_blocking(&self::key(connection, known.ok_or_else(lacks)?)?)?.ok_or_else(lacks)?;
        endpoint = endpoint.with_beside(carrier, &secret)?;
    }
    Ok(endpoint)
}

/// The endpoint of a sign-in. That only the user can go on is written down, for the window to say.
fn signed_in(
    bare: &Endpoint,
    secrets: &SecretStore,
    key: &Key,
    data_dir: &Path,
    (connection, credential): (&Connection, &Credential),
    refusal: Option<&Refusal>,
) -> Result<Endpoint> {
    let lacking = refusal.map(|refusal| refusal.scopes.as_slice()).unwrap_or_default();
    let refused = refusal.filter(|_| lacking.is_empty()).and_then(|refusal| refusal.token.as_ref());
    let got = oauth::access_blocking(secrets, key, data_dir, bare, refused);
    let (access, until) = match got {
        Err(error) if error.code == Code::SignInNeeded => {
            note_sign_in(data_dir, connection, credential, &[]);
            return Err(sign_in_needed(connection, Some(credential), &error.message));
        }
        got => got?,
    };
    // Another token than the one that lacked them may have them; the same one has them only if the service errs.
    let is_same = refusal.is_some_and(|refusal| refusal.token.as_ref() == Some(&access.token));
    if is_same && lacking.iter().any(|scope| !credential.scopes.contains(scope)) {
        note_sign_in(data_dir, connection, credential, lacking);
        let said = "The service asks for more permissions than you gave.";
        return Err(sign_in_needed(connection, Some(credential), said));
    }
    forget_need(data_dir, connection, credential, &access);
    Ok(access.on(bare.clone(), &connection.auth)?.fresh_until(until))
}

fn sign_in_needed(connection: &Connection, credential: Option<&Credential>, why: &str) -> Error {
    let sign_in = credential.and_then(|credential| credential.sign_in.as_ref());
    let again = sign_in.map(|sign_in| Again::of(&connection.id, sign_in));
    let hint = match again.filter(|again| again.is_by_hand()) {
        Some(again) => format!("Get another proof from the platform, then run: {}", again.command()),
        None => format!("Open Patchbay and choose Sign in, or run: patchbay sign-in {}", connection.id),
    };
    Error::new(Code::SignInNeeded, why).hint(hint)
}

/// Writes down that the user has to sign in, and for which permissions; once, however often it is met with.
fn note_sign_in(data_dir: &Path, connection: &Connection, credential: &Credential, scopes: &[String]) {
    if needed(credential).is_some_and(|needed| scopes.iter().all(|scope| needed.scopes.contains(scope))) {
        return;
    }
    let noted = StateFile::new(data_dir).update(|state| {
        let connection = state.connection_mut(&connection.id)?;
        let credential = connection.credentials.iter_mut().find(|own| own.id == credential.id);
        if let Some(sign_in) = credential.and_then(|own| own.sign_in.as_mut()) {
            let needed =
                sign_in.needed.get_or_insert_with(|| SignInNeeded { since: Timestamp::now(), scopes: Vec::new() });
            needed.scopes = oauth::union(&needed.scopes, scopes);
        }
        Ok(())
    });
    if let Err(error) = noted {
        tracing::warn!("that a sign-in is needed cannot be written down: {error}");
    }
}

/// Whether a connection has no token and cannot do without: its service needs one, it had one that was deleted, or it
/// has others to send along with it.
pub(super) fn lacks_token(connection: &Connection) -> bool {
    let is_needed = || catalog::find(&connection.provider).is_ok_and(Provider::needs_token);
    let is_several = !connection.auth.beside.is_empty();
    connection.first_token().is_none() && (connection.token_lost || is_several || is_needed())
}

/// Whether a connection has a token, and not all that has to go along with it.
pub(super) fn lacks_beside(connection: &Connection) -> bool {
    connection.first_token().is_some() && connection.beside().any(|(_, known)| known.is_none())
}

/// The error for a header whose secret is not there.
pub(super) fn missing_beside(connection: &Connection, header: &str) -> Error {
    let label = catalog::find(&connection.provider)
        .map_or_else(|_| header.to_owned(), |provider| provider.secret_label(&connection.auth, Some(header)));
    Error::new(Code::TokenMissing, format!("{} has nothing here for: {label}.", connection.name))
        .hint(format!("Give it: patchbay renew {} --token-stdin{}", connection.id, on_lines(connection)))
        .field(token::field_of(Some(header)))
}

/// The keychain entry of a credential, for the address that the connection has now: a token saved for another origin
/// is not found.
pub(super) fn key(connection: &Connection, credential: &Credential) -> Result<Key> {
    Ok(Key::new(&credential.id, &origin_of(&connection.url)?))
}

/// What a credential gives to send now; that of a sign-in is renewed where it has ended.
pub(super) async fn read(patchbay: &Patchbay, connection: &Connection, credential: &Credential) -> Result<Access> {
    read_by(patchbay, &patchbay.state()?.settings, connection, credential, None).await
}

/// The same by settings that were read before; after the service has refused a token, that of a sign-in is renewed where
/// it is still the one refused.
pub(super) async fn read_by(
    patchbay: &Patchbay,
    settings: &Settings,
    connection: &Connection,
    credential: &Credential,
    refused: Option<&Secret>,
) -> Result<Access> {
    let (secrets, data_dir) = (patchbay.store_of(settings.backend), patchbay.data_dir());
    let key = key(connection, credential)?;
    if credential.sign_in.is_none() {
        let secret = secrets.read(&key).await?.ok_or_else(|| missing(connection))?;
        oauth::check_token(&secret)?;
        return Ok(secret.into());
    }
    let endpoint = patchbay.bare_by(settings, connection).await?;
    let got = oauth::access(&secrets, &key, data_dir, &endpoint, refused).await;
    let access = got.map_err(|error| match error.code {
        Code::SignInNeeded => {
            note_sign_in(data_dir, connection, credential, &[]);
            sign_in_needed(connection, Some(credential), &error.message)
        }
        Code::TokenMissing => missing(connection),
        _ => error,
    })?;
    forget_need(data_dir, connection, credential, &access);
    Ok(access)
}

/// What stands at a key; where what stands there is damaged, as if there were nothing.
pub(super) async fn read_sound(secrets: &SecretStore, key: &Key) -> Result<Option<Secret>> {
    match secrets.read(key).await {
        Err(error) if error.code == Code::TokenMissing => Ok(None),
        found => found,
    }
}

pub(super) fn missing(connection: &Connection) -> Error {
    if connection.is_signed_out() || connection.first_token().is_none() && offers_sign_in(connection) {
        let left = connection.last_sign_in().map(|left| Again::left(&connection.id, left).command());
        let command = left.unwrap_or_else(|| format!("patchbay sign-in {}", connection.id));
        return not_signed_in(connection).hint(format!("Sign in: {command}"));
    }
    Error::new(Code::TokenMissing, format!("{} has no token here.", connection.name))
        .hint(format!("Give it one: patchbay renew {} --token-stdin{}", connection.id, on_lines(connection)))
        .field("token")
}

/// Which secret stands on which line, where a connection has several.
fn on_lines(connection: &Connection) -> String {
    let provider = catalog::find(&connection.provider).ok();
    let lines = provider.and_then(|provider| provider.secret_lines(&connection.auth));
    lines.map(|lines| format!(" ({lines}; an empty line leaves one as it is)")).unwrap_or_default()
}

/// The error for one more token of a program.
pub(super) fn one_for_all() -> Error {
    Error::new(Code::WiringUnsupported, "A program has one token for all its apps.").hint("Renew that one.")
}

/// Whether people can sign in to its service, as its pack knows it.
fn offers_sign_in(connection: &Connection) -> bool {
    let sign_in = catalog::find(&connection.provider).ok().and_then(|provider| provider.sign_in.as_ref());
    sign_in.is_some_and(|sign_in| sign_in.offered == Offered::Yes)
}

pub(super) fn not_signed_in(connection: &Connection) -> Error {
    Error::new(Code::TokenMissing, format!("{} is not signed in.", connection.name)).field("token")
}
