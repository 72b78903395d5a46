//! What is asked of a service at a sign-in: from the request, and from how it was before.

use std::path::Path;

use url::Url;

use super::Patchbay;
use super::sign_in::chosen;
use super::sign_in_again::Again;
use super::sign_in_view::SignInWith;
use crate::catalog::{self, check_page};
use crate::connection::{Connection, Grant, SignIn};
use crate::error::{Code, Error, Result};
use crate::oauth::{self, Held, Kept, OwnClient, Places, Voucher, Want};
use crate::secret::Secret;
use crate::wire::Endpoint;

impl Patchbay {
    /// How the user signed in to a connection, also where they have signed out since; nothing where nobody ever did.
    ///
    /// # Errors
    /// The state cannot be read, or does not know the connection.
    pub fn signed_in_by(&self, id: &str) -> Result<Option<Grant>> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let now = chosen(connection, None)?.and_then(|credential| credential.sign_in.as_ref());
        Ok(now.or(connection.last_sign_in()).map(|sign_in| sign_in.grant))
    }

    /// How the user signed in for an address alone, also where they have signed out since; nothing where nobody ever did.
    pub fn signed_in_at(&self, url: &Url) -> Option<Grant> {
        let (now, left) = known_at(self.data_dir(), url);
        now.or(left).map(|kept| kept.sign_in.grant)
    }
}

/// The sign-in for an address, and the one that the user has signed out of. One that is damaged is as good as none.
pub(super) fn known_at(data_dir: &Path, url: &Url) -> (Option<Kept>, Option<Kept>) {
    (Kept::of(data_dir, url).unwrap_or_default(), Kept::left(data_dir, url).unwrap_or_default())
}

/// What there was before a sign-in.
#[derive(Clone, Copy, Default)]
pub(super) struct Before<'a> {
    /// How what is signed in to is named on the command line.
    pub(super) at: &'a str,
    /// The sign-in that it takes the place of.
    pub(super) sign_in: Option<&'a SignIn>,
    /// The permissions that were given with that.
    pub(super) scopes: &'a [String],
    /// The sign-in that the user has signed out of: its secrets are gone.
    pub(super) left: Option<&'a SignIn>,
    /// What stands in the keychain of the sign-in before.
    pub(super) held: Option<&'a Held>,
}

/// What is asked of the service; what the request leaves open is as it was before, also before the user signed out. The
/// secret that is kept goes along with nothing: the sign-in finds it where it may be shown.
///
/// # Errors
/// `SettingInvalid` or `Usage` where a secret is missing that was there before, or that the way needs.
pub(super) fn want(endpoint: Endpoint, before: Before<'_>, with: &SignInWith, secret: Option<Secret>) -> Result<Want> {
    let earlier = before.sign_in.or(before.left);
    let vouched = with.voucher.as_ref().map(Voucher::grant);
    let grant = vouched.or(with.grant).or(earlier.map(|earlier| earlier.grant)).unwrap_or(Grant::AuthorizationCode);
    let own = earlier.filter(|earlier| is_known(earlier, before)).map(|earlier| earlier.client_id.clone());
    let given = with.client_id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
    let is_kept = own.is_some() && given.as_ref().is_none_or(|given| own.as_ref() == Some(given));
    let is_kept = is_kept && before.held.is_some_and(|held| held.client_secret().is_some());
    let client = given.or(own).map(|id| OwnClient { id, secret: secret.filter(|secret| !secret.expose().is_empty()) });
    let left = before.left.filter(|left| left.grant == grant);
    if let Some(left) = left {
        check_secrets(left, client.as_ref(), with, before.at)?;
    }
    let has_secret = is_kept || client.as_ref().is_some_and(|client| client.secret.is_some());
    if grant == Grant::ClientCredentials && !has_secret {
        return Err(Error::new(Code::SettingInvalid, "This way needs a client ID and its secret.")
            .hint("Copy both from the service.")
            .field("client_secret"));
    }
    let scopes = if with.scopes.is_empty() { asked_for(before) } else { with.scopes.clone() };
    let voucher = with.voucher.clone().or_else(|| left.and_then(Voucher::again));
    Ok(Want { endpoint, grant, client, scopes, voucher })
}

/// Whether a client is to be named again: one that the user brought along, and where nothing else is left, one that is
/// described in a document of its own.
fn is_known(earlier: &SignIn, before: Before<'_>) -> bool {
    earlier.own_client || before.left.is_some() && earlier.client_id.starts_with("https://")
}

/// Asks for the secrets that were there before the user signed out.
fn check_secrets(left: &SignIn, client: Option<&OwnClient>, with: &SignInWith, at: &str) -> Result<()> {
    let (id, gone) = (&left.client_id, "which was deleted when you signed out");
    let is_client = client.is_some_and(|own| own.id == *id);
    let has_own = client.is_some_and(|own| own.secret.is_some());
    let lacks_own = left.has_secret && is_client && !has_own;
    let again = Again::left(at, left);
    let failed = |code, said| Err(Error::new(code, said).hint(format!("Give it again: {}", again.command())));
    match again.lacks_at_company().filter(|_| with.voucher.is_none()) {
        Some(there) => {
            let issuer = left.voucher.as_deref().unwrap_or_default();
            failed(
                Code::Usage,
                format!("This sign-in needs the secret of the client \"{}\" at {issuer}, {gone}.", there.id),
            )
        }
        None if again.wants_proof() && with.voucher.is_none() => failed(
            Code::Usage,
            "This sign-in needs the proof that the platform gives of who runs here, which was not kept.".to_owned(),
        ),
        None if lacks_own => {
            let said = format!("This sign-in needs the secret of the client \"{id}\", {gone}.");
            failed(Code::SettingInvalid, said).map_err(|error: Error| error.field("client_secret"))
        }
        None => Ok(()),
    }
}

/// The permissions that a service asked for beyond those it gave, with those; none where it did not.
fn asked_for(before: Before<'_>) -> Vec<String> {
    match before.sign_in.and_then(|sign_in| sign_in.needed.as_ref()) {
        Some(needed) if !needed.scopes.is_empty() => oauth::union(before.scopes, &needed.scopes),
        _ => Vec::new(),
    }
}

/// Where to sign in at a service that does not say so by itself, as its pack knows it.
pub(super) fn places(connection: &Connection) -> Option<Places> {
    let resolved = catalog::find(&connection.provider).ok()?.resolve(&connection.settings).ok()?;
    let server = resolved.server?;
    Some(Places { authorize: check_page(&server.authorize).ok()?, token: check_page(&server.token).ok()? })
}
