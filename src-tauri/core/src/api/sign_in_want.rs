//! What is asked of a service at a sign-in: from the request, and from how it was before.

use super::sign_in::needed;
use super::sign_in_view::SignInWith;
use crate::catalog::{self, check_page};
use crate::connection::{Connection, Credential, Grant};
use crate::error::{Code, Error, Result};
use crate::oauth::{self, Held, OwnClient, Places, Voucher, Want};
use crate::secret::Secret;
use crate::wire::Endpoint;

/// What is asked of the service; what the request leaves open is as it was before. The secret that is kept goes along
/// with nothing: the sign-in finds it where it may be shown.
pub(super) fn want(
    endpoint: Endpoint,
    before: Option<&Credential>,
    with: &SignInWith,
    (secret, held): (Option<Secret>, Option<&Held>),
) -> Result<Want> {
    let earlier = before.and_then(|credential| credential.sign_in.as_ref());
    let own = earlier.filter(|earlier| earlier.own_client).map(|earlier| earlier.client_id.clone());
    let given = with.client_id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
    let vouched = with.voucher.as_ref().map(Voucher::grant);
    let grant = vouched.or(with.grant).or(earlier.map(|earlier| earlier.grant)).unwrap_or(Grant::AuthorizationCode);
    let is_kept = own.is_some() && given.as_ref().is_none_or(|given| own.as_ref() == Some(given));
    let is_kept = is_kept && held.is_some_and(|held| held.client_secret().is_some());
    let client = given.or(own).map(|id| OwnClient { id, secret: secret.filter(|secret| !secret.expose().is_empty()) });
    let has_secret = is_kept || client.as_ref().is_some_and(|client| client.secret.is_some());
    if grant == Grant::ClientCredentials && !has_secret {
        return Err(Error::new(Code::SettingInvalid, "This way needs a client ID and its secret.")
            .hint("Copy both from the service.")
            .field("client_secret"));
    }
    let scopes = if with.scopes.is_empty() { asked_for(before) } else { with.scopes.clone() };
    Ok(Want { endpoint, grant, client, scopes, voucher: with.voucher.clone() })
}

/// The permissions that a service asked for beyond those it gave, with those; none where it did not.
fn asked_for(before: Option<&Credential>) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    match needed(before) {
        Some(needed) if !needed.scopes.is_empty() => oauth::union(&before.scopes, &needed.scopes),
        _ => Vec::new(),
    }
}

/// Where to sign in at a service that does not say so by itself, as its pack knows it.
pub(super) fn places(connection: &Connection) -> Option<Places> {
    let resolved = catalog::find(&connection.provider).ok()?.resolve(&connection.settings).ok()?;
    let server = resolved.server?;
    Some(Places { authorize: check_page(&server.authorize).ok()?, token: check_page(&server.token).ok()? })
}
