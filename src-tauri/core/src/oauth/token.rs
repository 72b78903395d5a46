//! The token endpoint (RFC 6749, chapters 4.4 and 6) and the revocation endpoint (RFC 7009), asked without a person.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::bundle::{Bundle, Client, Proof};
use super::failure::needs_person;
use super::line::{Answer, Line};
use super::{company, credentials, dpop, failure, platform};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::{base64, from_base64};

const FORM: &str = "application/x-www-form-urlencoded";
const CLIENT_ID: &str = "client_id";

/// What a token endpoint gives.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Secret,
    #[serde(default)]
    token_type: Option<String>,
    /// A number, which some write as text.
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    pub(super) refresh_token: Option<Secret>,
    #[serde(default)]
    scope: Option<String>,
}

impl Tokens {
    pub(super) fn lasts(&self) -> Option<i64> {
        lasts(self.expires_in.as_ref()?)
    }

    /// Whether the access token is bound to a key (RFC 9449, 5).
    pub(super) fn is_bound(&self) -> bool {
        self.token_type.as_ref().is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP"))
    }

    pub(super) fn scopes(&self) -> Option<Vec<String>> {
        self.scope.as_ref().map(|scope| scope.split_whitespace().map(str::to_owned).collect())
    }

    /// Reads an answer's body; nothing where it brings no token, or one that no header can carry.
    ///
    /// # Errors
    /// `SignInRefused` where the token cannot be sent as a bearer's, nor with the key that was shown on the line.
    pub(super) fn read(line: &Line, body: &[u8]) -> Result<Option<Self>> {
        let unfit = |why| Error::new(Code::SignInRefused, format!("The service answers the sign-in with {why}."));
        let Ok(tokens) = serde_json::from_slice::<Self>(body) else { return Ok(None) };
        let token = tokens.access_token.expose();
        if token.trim().is_empty() || HeaderValue::from_str(token).is_err() {
            return Ok(None);
        }
        if tokens.is_bound() && line.key().is_none() {
            return Err(unfit("a token that is bound to a key, and was shown none"));
        }
        let is_bearer = tokens.token_type.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !(is_bearer || tokens.is_bound()) {
            return Err(unfit("a token of a kind that Patchbay cannot send"));
        }
        Ok(Some(tokens))
    }
}

/// A number of seconds, which some write as text or as a fraction; nothing where it is no time that a token could last.
pub(super) fn lasts(said: &Value) -> Option<i64> {
    let seconds = said.as_f64().or_else(|| said.as_str()?.trim().parse().ok())?;
    #[expect(clippy::cast_possible_truncation, reason = "what is larger is left out")]
    (0.0..=f64::from(u32::MAX)).contains(&seconds).then_some(seconds as i64)
}

/// A form in a request to the one who gives tokens.
pub(super) struct Form {
    fields: Vec<(&'static str, Secret)>,
    headers: HeaderMap,
}

impl Form {
    /// A form by which a client shows who it is.
    pub(super) fn of(client: &Client) -> Result<Self> {
        let mut form = Self { fields: Vec::new(), headers: HeaderMap::new() };
        form.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        form.headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        // Beside `Basic` too: any client may name itself (RFC 6749, 3.2.1), which is no second proof, and servers made with
        // MCP's Python SDK look for it there alone.
        if !client.id.is_empty() {
            form.set(CLIENT_ID, &client.id);
        }
        match (client.proof, &client.secret) {
            (Proof::ClientSecretBasic, Some(secret)) => {
                form.headers.insert(AUTHORIZATION, basic(&client.id, secret)?);
            }
            (Proof::ClientSecretPost, Some(secret)) => form.fields.push(("client_secret", secret.clone())),
            _ => {}
        }
        Ok(form)
    }

    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        self.fields.push((name, Secret::new(value)));
    }

    pub(super) async fn post(self, line: &Line, url: &str) -> Result<Answer> {
        let body = self.body();
        line.ask(url, Method::POST, &self.headers, body).await
    }

    fn body(&self) -> Bytes {
        let pairs = self.fields.iter().map(|(name, value)| (*name, value.expose()));
        Serializer::new(String::new()).extend_pairs(pairs).finish().into()
    }
}

/// Whether a request holds a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()))
}

/// What shows in a form that it comes from who asked for the code (RFC 7636).
pub(super) fn verifier(body: &[u8]) -> Option<Secret> {
    let (_, verifier) = url::form_urlencoded::parse(body).find(|(name, _)| name == "code_verifier")?;
    Some(Secret::new(verifier))
}

/// A form that rmcp sends, with the name of the client that shows itself by `Basic`; see [`Form::of`].
pub(super) fn named(headers: &HeaderMap, body: Bytes) -> Bytes {
    let is_named = || url::form_urlencoded::parse(&body).any(|(name, _)| name == CLIENT_ID);
    let Some(id) = headers.get(AUTHORIZATION).and_then(client_of).filter(|_| is_form(headers) && !is_named()) else {
        return body;
    };
    let mut named = [b"client_id=", id.as_bytes(), b"&"].concat();
    named.extend_from_slice(&body);
    named.into()
}

/// The client's identifier in `Basic`, form-encoded as it stands there.
fn client_of(header: &HeaderValue) -> Option<String> {
    let pair = Zeroizing::new(from_base64(header.to_str().ok()?.strip_prefix("Basic ")?)?);
    let (id, _) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(id.to_owned())
}

/// RFC 6749, 2.3.1: both are form-encoded before they are joined.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    let mut value = HeaderValue::from_str(&format!("Basic {}", base64(pair.as_bytes())))
        .map_err(|_| Error::new(Code::TokenControlCharacters, "The client's secret cannot be sent."))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Replaces a bundle's tokens without a person.
///
/// # Errors
/// `SignInNeeded` where the service refuses, `ServiceError` where it is no answer to that question, `Unreachable`.
pub(super) async fn renewed(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    match bundle.grant {
        Grant::AuthorizationCode => refreshed(line, bundle).await,
        Grant::ClientCredentials => credentials::renewed(line, bundle).await,
        Grant::Company => company::renewed(line, bundle).await,
        Grant::Platform => platform::renewed(line, bundle).await,
    }
}

/// Replaces a bundle's tokens with the one that it holds for that.
///
/// # Errors
/// As [`renewed`].
pub(super) async fn refreshed(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    let Some(refresh) = &bundle.refresh else { return Err(needs_person("It has ended.")) };
    dpop::take_up(line, bundle)?;
    let mut form = Form::of(&bundle.client)?;
    form.set("grant_type", "refresh_token");
    form.set("refresh_token", refresh.expose());
    form.set("resource", &bundle.resource);
    let answer = form.post(line, &bundle.server.token).await?;
    let tokens = match answer.status {
        StatusCode::OK => Tokens::read(line, &answer.body).map_err(failure::at_renewal)?,
        _ => None,
    };
    let tokens = tokens.ok_or_else(|| failure::of_renewal(line, bundle, &answer))?;
    Ok(Bundle {
        received: Timestamp::now(),
        lasts: tokens.lasts(),
        scopes: tokens.scopes().unwrap_or_else(|| bundle.scopes.clone()),
        // The one before stays good where no other comes.
        refresh: tokens.refresh_token.clone().filter(|token| !token.is_empty()).or_else(|| Some(refresh.clone())),
        bound: tokens.is_bound(),
        access: tokens.access_token,
        ..bundle.clone()
    })
}

/// Revokes the tokens where the service offers that; whether it took it.
pub(super) async fn revoke(line: &Line, bundle: &Bundle) -> bool {
    let Some(url) = &bundle.server.revocation else { return false };
    // Who takes a refresh token back takes back what came of it; some do not, so both are named.
    let refresh = bundle.refresh.iter().map(|token| ("refresh_token", token));
    let mut all = true;
    for (kind, token) in refresh.chain([("access_token", &bundle.access)]) {
        all &= is_taken_back(line, url, &bundle.client, kind, token).await;
    }
    all
}

/// Takes a token back. Servers made with MCP's Python SDK refuse a form without a secret even from a client that has none;
/// an empty one says the same as none (RFC 6749, 2.3.1), so they are told that at the second attempt.
pub(super) async fn is_taken_back(line: &Line, url: &str, client: &Client, kind: &str, token: &Secret) -> bool {
    for with_empty_secret in [false, true] {
        let Ok(mut form) = Form::of(client) else { return false };
        form.set("token", token.expose());
        form.set("token_type_hint", kind);
        if with_empty_secret {
            form.set("client_secret", "");
        }
        match form.post(line, url).await.map(|answer| answer.status) {
            Ok(status) if status.is_success() => return true,
            Ok(StatusCode::BAD_REQUEST) if client.proof != Proof::ClientSecretPost => {}
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_the_client_that_shows_itself_by_basic_once() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let body = Bytes::from_static(b"grant_type=authorization_code&code=x");
        assert_eq!(named(&headers, body.clone()), body, "nobody shows itself");
        headers.insert(AUTHORIZATION, basic("a b&c", &Secret::new("canary:secret")).expect("a header"));
        let once = named(&headers, body);
        assert_eq!(once, "client_id=a+b%26c&grant_type=authorization_code&code=x");
        assert_eq!(named(&headers, once.clone()), once);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(named(&headers, Bytes::from_static(b"{}")), "{}");
    }
}
