//! Several secrets given at once: one a line, the token ahead, then those of the headers beside it in their order. An
//! empty line gives none. Where a connection has its token alone, all that is given is that token.

use super::fit::{self, Fit};
use super::{Patchbay, message::TokenFacts, token};
use crate::catalog::Provider;
use crate::connection::state::State;
use crate::connection::{AuthHeader, Connection, Credential};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::token::field_of;

/// One of the secrets that were given.
pub(super) struct Part {
    /// The header beside the token's; absent for the token.
    pub(super) header: Option<String>,
    pub(super) secret: Secret,
}

/// A secret that was given and is fit to be kept.
pub(super) struct FitPart {
    pub(super) header: Option<String>,
    pub(super) fit: Fit,
}

/// Takes apart what was given for a connection that sends its secrets like this.
///
/// # Errors
/// `Usage` where there are more lines than secrets.
pub(super) fn parts(auth: &AuthHeader, given: &Secret) -> Result<Vec<Part>> {
    if auth.beside.is_empty() {
        return Ok(vec![Part { header: None, secret: given.clone() }]);
    }
    let headers = std::iter::once(None).chain(auth.beside.iter().map(|one| Some(one.name.clone())));
    let mut lines = given.expose().trim_end_matches(['\n', '\r']).split('\n');
    let parts = headers.filter_map(|header| Some(Part { header, secret: Secret::new(lines.next()?) }));
    let parts: Vec<_> = parts.filter(|part| !part.secret.expose().trim().is_empty()).collect();
    if lines.next().is_some() {
        let count = auth.beside.len() + 1;
        return Err(Error::new(Code::Usage, format!("There are more than {count} lines."))
            .hint("Give each of the secrets on a line of its own."));
    }
    Ok(parts)
}

/// The error for a secret that a connection needs and that was not given.
pub(super) fn not_given(provider: &Provider, auth: &AuthHeader, header: Option<&str>) -> Error {
    let label = provider.secret_label(auth, header);
    let lines = provider.secret_lines(auth).unwrap_or(label.clone());
    let hint = format!("{} needs each of them: {lines}.", provider.name);
    Error::new(Code::TokenEmpty, format!("This is missing: {label}.")).hint(hint).field(field_of(header))
}

/// Takes apart what was given, and looks whether each part of it is fit; `asked` says for what.
pub(super) fn fit_parts(
    asked: &fit::Asked<'_>,
    auth: &AuthHeader,
    state: &State,
    given: &Secret,
    host: &crate::host::Host,
) -> Result<Vec<FitPart>> {
    let mut all: Vec<FitPart> = Vec::new();
    let given = parts(auth, given)?;
    let is_of_token = given.iter().any(|part| part.header.is_none());
    for Part { header, secret } in given {
        // The day that was given is the token's where that is among them; of the others nothing is known then.
        let expires = if header.is_some() && is_of_token { Some(fit::UNKNOWN_END) } else { asked.expires };
        let asked = fit::Asked { header: header.as_deref(), expires, ..*asked };
        let fit = fit::fit(&asked, state, &secret, host)?;
        if let Some(same) = all.iter().find(|other| other.fit.secret == fit.secret) {
            let label = asked.provider.secret_label(auth, same.header.as_deref());
            let error = Error::new(Code::TokenShape, format!("This is the same as the other one: {label}."));
            return Err(error.hint("Copy each of them by itself.").field(field_of(asked.header)));
        }
        all.push(FitPart { header, fit });
    }
    Ok(all)
}

/// Refuses where one of the secrets that a connection needs is neither given nor there.
pub(super) fn all_there(provider: &Provider, connection: &Connection, given: &[FitPart]) -> Result<()> {
    let is_given = |header: Option<&str>| given.iter().any(|part| part.header.as_deref() == header);
    if connection.first_token().is_none() && !is_given(None) {
        return Err(not_given(provider, &connection.auth, None));
    }
    let lacking =
        |one: &&crate::connection::Carrier| !is_given(Some(&one.name)) && connection.secret_of(&one.name).is_none();
    match connection.auth.beside.iter().find(lacking) {
        Some(one) => Err(not_given(provider, &connection.auth, Some(&one.name))),
        None => Ok(()),
    }
}

impl Patchbay {
    /// Saves secrets, and answers what is to be known of them; where one cannot be saved, none is.
    pub(super) async fn save_parts(
        &self,
        provider: &Provider,
        connection: &Connection,
        facts: &TokenFacts,
        parts: &[FitPart],
        state: &State,
    ) -> Result<Vec<Credential>> {
        let mut saved: Vec<Credential> = Vec::new();
        for part in parts {
            match self.save_part(provider, connection, facts, part, state).await {
                Ok(credential) => saved.push(credential),
                Err(error) => {
                    let keys: Vec<_> = saved.iter().map(Credential::key).collect();
                    if let Err(left) = self.delete_tokens(&keys).await {
                        tracing::warn!("a secret of what was not set up is still in the keychain: {left}");
                    }
                    return Err(error);
                }
            }
        }
        Ok(saved)
    }

    async fn save_part(
        &self,
        provider: &Provider,
        connection: &Connection,
        facts: &TokenFacts,
        part: &FitPart,
        state: &State,
    ) -> Result<Credential> {
        let (header, fit) = (part.header.as_deref(), &part.fit);
        let (label, facts) = match header {
            None => (format!("{} MCP", connection.name), facts.clone()),
            // Its name and permissions are its own; all that is known of it is what it is for.
            Some(_) => (provider.secret_label(&connection.auth, header), TokenFacts::default()),
        };
        let mut credential = fit::credential(&facts, fit, label, connection.way(), state, self.host().now)?;
        credential.header = part.header.clone();
        let _turn = self.token_turn()?;
        self.secrets().write(&token::key(connection, &credential)?, &fit.secret).await?;
        Ok(credential)
    }
}
