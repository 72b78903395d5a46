//! Reads a request for a sign-in.
//!
//! While the app or the address to go back to is in doubt, a refusal stays on the page: sending the user somewhere would
//! make this an open redirect. After that, refusals go back to the app.

use url::Url;

use super::FIRST_SCOPES;
use super::client::Client;
use super::fault::Fault;
use super::form::Form;
use crate::token;

/// A request that may be shown to the user.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) client: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    /// What the code's verifier has to hash to.
    pub(crate) challenge: String,
    pub(crate) back: Back,
}

/// Where the answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    pub(crate) redirect: Url,
    state: Option<String>,
    /// Who answers (RFC 9207).
    issuer: String,
}

/// Why a request is not shown.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nobody may be sent anywhere.
    Here(String),
    /// The app hears of it.
    There(Box<Back>, Fault),
}

impl Back {
    /// The address, with an answer.
    pub(crate) fn with(&self, answer: &[(&str, &str)]) -> Url {
        let mut url = self.redirect.clone();
        let mut query = url.query_pairs_mut();
        query.extend_pairs(answer);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.issuer);
        drop(query);
        url
    }
}

/// Reads a request for an app that `find` knows.
pub(crate) fn read(form: &Form, issuer: &str, find: impl Fn(&str) -> Option<Client>) -> Result<Asked, Trouble> {
    let client = form.get("client_id").and_then(find);
    let client = client.ok_or_else(|| Trouble::Here("The app that sent you here is not known.".to_owned()))?;
    let wanted = form.get("redirect_uri").or(match client.redirects.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    });
    let words = "The app that sent you here wants you sent on to an address that is not its own.";
    let redirect = wanted.and_then(|wanted| client.redirect(wanted)).ok_or_else(|| Trouble::Here(words.to_owned()))?;
    let state = form.get("state").map(str::to_owned);
    let back = Back { redirect, state, issuer: issuer.to_owned() };
    match wants(form, &client, issuer) {
        Ok((scopes, challenge)) => Ok(Asked { client: client.id, name: client.name, scopes, challenge, back }),
        Err(fault) => Err(Trouble::There(Box::new(back), fault)),
    }
}

/// The permissions and the challenge that a request names.
fn wants(form: &Form, client: &Client, issuer: &str) -> Result<(Vec<String>, String), Fault> {
    if form.need("response_type")? != "code" {
        return Err(Fault::new("unsupported_response_type", "Only codes are given."));
    }
    if form.need("code_challenge_method")? != "S256" {
        return Err(Fault::request("Only S256 is a challenge here."));
    }
    let challenge = form.need("code_challenge")?;
    if !is_challenge(challenge) {
        return Err(Fault::request("The challenge is none of S256."));
    }
    is_meant(form.get("resource"), issuer)?;
    Ok((scopes(form.get("scope"), &client.scopes)?, challenge.to_owned()))
}

/// The wanted permissions; where none is named, those to begin with, as far as the app may have them.
pub(crate) fn scopes(wanted: Option<&str>, most: &[String]) -> Result<Vec<String>, Fault> {
    let scopes = match wanted {
        Some(wanted) => token::known_scopes(
            &wanted.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect::<Vec<_>>(),
        )?,
        None => most.iter().filter(|scope| FIRST_SCOPES.contains(&scope.as_str())).cloned().collect(),
    };
    let allowed = !scopes.is_empty() && scopes.iter().all(|scope| most.contains(scope));
    if allowed { Ok(scopes) } else { Err(Fault::new("invalid_scope", "The app may not have this permission.")) }
}

/// Whether a resource, where one is named, is what is served here (RFC 8707).
pub(crate) fn is_meant(resource: Option<&str>, issuer: &str) -> Result<(), Fault> {
    let ours = resource.is_none_or(|resource| {
        let rest = resource.strip_prefix(issuer);
        rest.is_some_and(|rest| ["", "/", "/mcp", "/mcp/"].contains(&rest))
    });
    if ours { Ok(()) } else { Err(Fault::new("invalid_target", "This resource is not served here.")) }
}

/// The length and letters of a SHA-256 in base64url.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
