//! Tokens for somebody else's word: the JWT bearer grant (RFC 7523, 4), as both a company's identity provider and a
//! platform use it.
//!
//! rmcp's own exchange for companies (`transport::auth::enterprise`) is not used: what it holds between its two steps
//! cannot be kept for a renewal, it takes no refresh token, and it drops the words in which a server refuses.

use http::StatusCode;
use jiff::Timestamp;

use super::bundle::{Bundle, Client, Proof};
use super::discover::Found;
use super::line::Line;
use super::token::{Form, Tokens};
use super::vouch::Vouched;
use super::{Want, client, code, dpop, failure};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What is said beside the assertion.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Asked {
    /// Nothing: the company's assertion says it all, and to repeat it could undo what the company took out.
    Company,
    /// What the tokens are for.
    Platform,
}

/// Whether the service takes somebody's word at all, as far as it says so.
pub(super) fn check_offered(found: &Found) -> Result<()> {
    let listed = found.metadata.additional_fields.get("grant_types_supported").and_then(|listed| listed.as_array());
    let takes = listed.is_none_or(|listed| listed.iter().any(|one| one == JWT_BEARER));
    if takes && !found.is_guess {
        return Ok(());
    }
    Err(failure::not_offered("it does not take the word of a company or a platform. Nothing was sent there."))
}

/// The client that was brought along, or that of last time; nothing where there is none.
pub(super) fn client(want: &Want, found: &Found, before: Option<Bundle>) -> Result<Option<Client>> {
    let known = client::kept_for(&found.server, before)?;
    let Some(own) = &want.client else { return Ok(known) };
    let secret = own.secret.clone().or_else(|| known?.secret);
    check_secret(secret.as_ref(), "client_secret")?;
    let proof = code::proof(found, secret.as_ref());
    Ok(Some(Client { id: own.id.clone(), secret, proof, own: !own.is_document(), redirect: None, until: None }))
}

/// A key signs, and nothing here does.
pub(super) fn check_secret(secret: Option<&Secret>, field: &'static str) -> Result<()> {
    if secret.is_some_and(|secret| secret.expose().trim_start().starts_with("-----BEGIN")) {
        return Err(Error::new(Code::SettingInvalid, "This way takes a client's password, not its private key.")
            .hint("Ask for a client that has a password, or none.")
            .field(field));
    }
    Ok(())
}

/// A client without a name.
pub(super) fn nobody() -> Client {
    Client { id: String::new(), secret: None, proof: Proof::None, own: false, redirect: None, until: None }
}

/// The permissions to ask for: those that are wanted, else those that the service names.
pub(super) async fn scopes(want: &Want, found: &Found) -> Vec<String> {
    if !want.scopes.is_empty() {
        return want.scopes.clone();
    }
    let mut scopes = found.manager.select_initial_scopes(&[]).await;
    // It is for sign-ins of a person.
    scopes.retain(|scope| scope != "offline_access");
    scopes
}

/// A bundle that has no token yet.
///
/// # Errors
/// The service takes only tokens that are bound in ways unknown here.
pub(super) fn blank(
    line: &Line,
    grant: Grant,
    found: Found,
    client: Client,
    scopes: Vec<String>,
    vouched: Option<Vouched>,
) -> Result<Bundle> {
    let key = dpop::offer(line, &found)?.map(|key| key.secret()).transpose()?;
    Ok(Bundle {
        grant,
        access: Secret::new(""),
        refresh: None,
        received: Timestamp::now(),
        lasts: None,
        ended: false,
        after_refusal: false,
        server: found.server,
        client,
        resource: found.resource,
        scopes,
        vouched,
        key,
        bound: false,
    })
}

/// Shows an assertion to the one who gives tokens for it.
///
/// # Errors
/// `SignInRefused` where they do not take it, `ServiceError` where it is no answer to that question, `Unreachable`.
pub(super) async fn present(line: &Line, bundle: &Bundle, assertion: &Secret, asked: Asked) -> Result<Bundle> {
    dpop::take_up(line, bundle)?;
    let mut form = Form::of(&bundle.client)?;
    form.set("grant_type", JWT_BEARER);
    form.set("assertion", assertion.expose());
    if asked == Asked::Platform {
        form.set("resource", &bundle.resource);
        if !bundle.scopes.is_empty() {
            form.set("scope", &bundle.scopes.join(" "));
        }
    }
    let answer = form.post(line, &bundle.server.token).await?;
    let tokens = if answer.status == StatusCode::OK { Tokens::read(line, &answer.body)? } else { None };
    let secrets: Vec<&Secret> = bundle.secrets().into_iter().chain([assertion]).collect();
    let tokens = tokens.ok_or_else(|| failure::of_grant(line, &answer, &secrets))?;
    Ok(Bundle {
        received: Timestamp::now(),
        lasts: tokens.lasts(),
        scopes: tokens.scopes().unwrap_or_else(|| bundle.scopes.clone()),
        refresh: tokens.refresh_token.clone().filter(|token| !token.is_empty()),
        bound: tokens.is_bound(),
        access: tokens.access_token,
        ..bundle.clone()
    })
}
