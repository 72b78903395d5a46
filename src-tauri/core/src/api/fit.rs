//! Tokens as they are given: cleaned, looked at, found fit to be saved.

use jiff::Timestamp;

use super::Patchbay;
use super::message::{TokenFacts, TokenLookView};
use crate::catalog::{self, Provider};
use crate::connection::state::{State, random_hex};
use crate::connection::{Credential, Expiry, ExpirySource, Way};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::secret::Secret;
use crate::token;
use crate::wire::origin_of;

impl Patchbay {
    pub(super) fn inspect_token(
        &self,
        provider: &str,
        connection: Option<&str>,
        header: Option<&str>,
        raw: &Secret,
    ) -> Result<TokenLookView> {
        let provider = catalog::find(provider)?;
        let state = self.state()?;
        let cleaned = token::clean_for(provider, header, raw.expose());
        let look = look(provider, header, &cleaned.secret);
        let mut warnings = look.warnings;
        warnings.extend(reused(&state, connection, header, &cleaned.secret));
        Ok(TokenLookView {
            cleaned: !cleaned.changes.is_empty(),
            errors: look.errors,
            warnings,
            expires: look.expires.map(|at| at.to_string()),
        })
    }
}

/// In place of an end date: nobody knows it, and the user has been told what that means.
pub const UNKNOWN_END: &str = "unknown";

/// A token, cleaned and found fit for a service.
pub(super) struct Fit {
    pub(super) secret: Secret,
    pub(super) expires: Option<Expiry>,
}

/// What a secret is to be used for, and what the user says about it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) provider: &'a Provider,
    /// The connection that it is for, where that is there already.
    pub(super) connection: Option<&'a str>,
    /// The header beside the token's; absent for the token.
    pub(super) header: Option<&'a str>,
    /// When it ends.
    pub(super) expires: Option<&'a str>,
    /// Whether its use by another connection was overruled.
    pub(super) overrule: bool,
}

/// Cleans a token and refuses what cannot be right, or has no end where the service gives every token one.
///
/// # Errors
/// The token's or its end date's.
pub(super) fn fit(asked: &Asked<'_>, state: &State, raw: &Secret, host: &Host) -> Result<Fit> {
    let Asked { provider, connection, header, expires, overrule } = *asked;
    let cleaned = token::clean_for(provider, header, raw.expose());
    let look = look(provider, header, &cleaned.secret);
    if let Some(error) = look.errors.into_iter().next() {
        return Err(error.field(token::field_of(header)));
    }
    if let Some(warning) = reused(state, connection, header, &cleaned.secret).filter(|_| !overrule) {
        return Err(warning);
    }
    let unknown = expires == Some(UNKNOWN_END);
    let declared = expires.filter(|_| !unknown).map(|text| end(text, provider, host)).transpose()?;
    let verified = look.expires.map(|at| Expiry { at, source: ExpirySource::Verified });
    if verified.is_some_and(|expiry| expiry.at <= host.now) {
        return Err(Error::new(Code::DatePast, "This token has ended already.")
            .hint("Make a new one.")
            .field(token::field_of(header)));
    }
    let expires = verified.or(declared);
    if expires.is_none() && provider.lifetime.required && !unknown {
        return Err(Error::new(Code::DateRequired, format!("Every token of {} has an end.", provider.name))
            .hint("Give the day on which this one ends, like 2027-03-31.")
            .field("expires"));
    }
    Ok(Fit { secret: cleaned.secret, expires })
}

/// An end that a person typed (`YYYY-MM-DD`) or a program gave (RFC 3339).
pub(super) fn end(text: &str, provider: &Provider, host: &Host) -> Result<Expiry> {
    if let Ok(at) = text.parse::<Timestamp>() {
        if at <= host.now {
            return Err(Error::new(Code::DatePast, "This end lies in the past.")
                .hint("Give a later date.")
                .field("expires"));
        }
        token::parse_date(&at.to_zoned(host.zone.get()).date().to_string(), &provider.lifetime, host)?;
        return Ok(Expiry { at, source: ExpirySource::Declared });
    }
    token::parse_date(text, &provider.lifetime, host)
}

/// What a cleaned secret looks like for its header, or as the token.
fn look(provider: &Provider, header: Option<&str>, secret: &Secret) -> token::TokenLook {
    match header {
        Some(header) => token::look_beside(provider, header, secret),
        None => token::look(provider, secret),
    }
}

/// The same token at another connection: one leak would then open both.
fn reused(state: &State, connection: Option<&str>, header: Option<&str>, secret: &Secret) -> Option<Error> {
    let fingerprint = secret.fingerprint(&state.salt);
    let other = state
        .connections
        .iter()
        .filter(|other| Some(other.id.as_str()) != connection)
        .find(|other| other.credentials.iter().any(|credential| credential.fingerprint == fingerprint))?;
    Some(
        Error::new(Code::TokenReused, format!("This token is already used by {}.", other.name))
            .hint("Make a token of its own for this connection.")
            .field(token::field_of(header)),
    )
}

/// The facts of a token that is about to be saved.
pub(super) fn credential(
    facts: &TokenFacts,
    fit: &Fit,
    label: String,
    way: Way,
    state: &State,
    now: Timestamp,
) -> Result<Credential> {
    Ok(Credential {
        id: format!("t-{}", random_hex(4)),
        label: facts.label.clone().filter(|label| !label.trim().is_empty()).unwrap_or(label),
        scopes: facts.scopes.clone(),
        created: now,
        expires: fit.expires,
        fingerprint: fit.secret.fingerprint(&state.salt),
        origin: origin_of(&way.url)?,
        way: Some(way),
        variable: None,
        header: None,
        sign_in: None,
        previous: Vec::new(),
        renewal: None,
    })
}
