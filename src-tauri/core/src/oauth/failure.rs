//! Why a sign-in failed, in words. What a service says is shown short, plain and without tokens.

use http::StatusCode;
use rmcp::transport::auth::{AuthError, ProtectedResourceMetadataInvalidReason as Reason};
use serde::Deserialize;

use super::bundle::Bundle;
use super::line::{Answer, Line};
use crate::error::{Code, Error};
use crate::secret::Secret;
use crate::wire::shown_without;

/// What a service says where it refuses (RFC 6749, 5.2).
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Words for a fault that passes, whatever the status they come with.
const PASSING: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];
/// Words by which a renewal is over: RFC 6749's own, and what others say in place of `invalid_grant`.
const FINAL: [&str; 6] =
    ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_token", "expired_token", "bad_refresh_token"];

impl Said {
    fn of(answer: &Answer) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// Whether it is a refusal and no fault. Some refuse with status 200.
    fn refuses(&self, status: StatusCode) -> bool {
        let may_refuse = status == StatusCode::OK || status.is_client_error() && in_vain(status);
        may_refuse && !self.error.is_empty() && !PASSING.contains(&self.error.as_str())
    }
}

/// Only the user can go on.
pub(super) fn needs_person(why: &str) -> Error {
    Error::new(Code::SignInNeeded, format!("You have to sign in again. {why}"))
        .hint("Open Patchbay and choose Sign in, or run: patchbay sign-in")
}

/// The service offers nothing that could be used.
pub(super) fn not_offered(why: &str) -> Error {
    Error::new(Code::SignInNotOffered, format!("This service offers no sign-in that Patchbay can use: {why}"))
        .hint("Use a token instead.")
}

/// Nobody else may use the code that the browser brings.
pub(super) fn without_pkce() -> Error {
    not_offered("it does not know the protection that Patchbay needs (PKCE).")
}

/// How a refusal begins.
pub(super) const REFUSED: &str = "The sign-in was refused: ";

/// The sign-in was refused.
pub(super) fn refused(why: &str) -> Error {
    Error::new(Code::SignInRefused, format!("{REFUSED}{why}")).hint("Try again.")
}

/// Why a token endpoint gave no tokens, in its own words without these secrets.
pub(super) fn of_grant(line: &Line, answer: &Answer, secrets: &[&Secret]) -> Error {
    let said = Said::of(answer);
    let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).clone()).collect();
    let words = of_words(line, &said, &secrets);
    if said.refuses(answer.status) {
        return refused(&format!("{words}."));
    }
    let origin = line.endpoint().origin();
    let words = with_status(words, answer);
    in_a_while(service_error(format!("{origin} does not sign anybody in just now: {words}.")), answer)
}

/// Whether a token endpoint refuses the client, and not what it asks for.
pub(super) fn is_of_client(answer: &Answer) -> bool {
    let said = Said::of(answer);
    said.refuses(answer.status) && said.error == "invalid_client"
}

/// A token endpoint's answer is none to what it was asked, or brings a token that cannot be sent.
pub(super) fn no_token(line: &Line) -> Error {
    let origin = line.endpoint().origin();
    service_error(format!("{origin} answers the sign-in with something that is no token."))
}

/// Whether a status says that the same request had better not be made again.
fn in_vain(status: StatusCode) -> bool {
    ![StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status)
}

/// The service answers, and not with what it was asked for.
fn service_error(said: String) -> Error {
    Error::new(Code::ServiceError, said).hint("Try again in a while.")
}

/// A service's words, and the status they came with; that alone where there are none.
fn with_status(words: String, answer: &Answer) -> String {
    let status = format!("status {}", answer.status.as_u16());
    match words {
        words if words.is_empty() || words == status => status,
        words => format!("{words} ({status})"),
    }
}

/// What a refusal means while nobody is there: only the user can go on.
pub(super) fn at_renewal(error: Error) -> Error {
    match error.code {
        Code::SignInRefused => needs_person(&error.message),
        _ => error,
    }
}

/// Why tokens could not be renewed.
pub(super) fn of_renewal(line: &Line, bundle: &Bundle, answer: &Answer) -> Error {
    let said = Said::of(answer);
    let words = of_words(line, &said, &bundle.secrets().into_iter().cloned().collect::<Vec<_>>());
    if said.refuses(answer.status) && FINAL.contains(&said.error.as_str()) {
        return needs_person(&format!("The service says: {words}."));
    }
    let words = with_status(words, answer);
    let said = format!("The service answers, but does not renew the sign-in just now: {words}.");
    in_a_while(service_error(said), answer)
}

/// The same fault with what else may help where it could be none that passes.
fn in_a_while(error: Error, answer: &Answer) -> Error {
    let passes = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
    if passes { error } else { error.hint("Try again in a while. If that does not help, sign in again.") }
}

/// A service's own words, without these secrets.
fn of_words(line: &Line, said: &Said, secrets: &[Secret]) -> String {
    let parts = [said.error.as_str(), said.error_description.as_str()];
    words(line, &parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "), secrets)
}

/// A service's words as plain text without these secrets.
pub(super) fn words(line: &Line, said: &str, secrets: &[Secret]) -> String {
    let secrets = [secrets, &line.sent()].concat();
    shown_without(said, std::slice::from_ref(line.endpoint()), &secrets).trim_end_matches('.').to_owned()
}

/// What rmcp's sign-in ran into. Its own words may hold a service's, but no token of ours: it has none before it ends.
pub(super) fn of(line: &Line, error: AuthError, secrets: &[Secret]) -> Error {
    if let Some(failure) = line.failure() {
        return failure;
    }
    let said = |text: &str| words(line, text, secrets);
    match error {
        AuthError::AuthorizationServerMismatch { .. } | AuthError::AuthorizationServerMissingIssuer { .. } => {
            refused("the answer does not come from who was asked. Nothing was sent there.")
        }
        AuthError::TokenExchangeFailed(_)
        | AuthError::ClientCredentialsError(_)
        | AuthError::TokenRefreshFailed(_)
        | AuthError::TokenRefreshRejected(_) => match line.answer() {
            Some(answer) => of_grant(line, &answer, &secrets.iter().collect::<Vec<_>>()),
            None => no_token(line),
        },
        AuthError::RegistrationFailed(_) => no_registration(line, secrets),
        AuthError::PkceUnsupported => without_pkce(),
        AuthError::NoAuthorizationSupport => not_offered("it says nothing of signing in."),
        AuthError::AuthorizationFailed(text) => refused(&format!("{}.", said(&text))),
        AuthError::InvalidScope(kind) if kind == "code" => not_offered("it gives no codes to sign in with."),
        AuthError::InvalidScope(_) | AuthError::InsufficientScope { .. } => {
            refused("the service does not give the permissions that were asked for.")
        }
        AuthError::InvalidTokenType(_) => refused("it answers with a token of a kind that Patchbay cannot send."),
        AuthError::OAuthError(_) | AuthError::UrlError(_) => {
            not_offered("an address that it names for signing in is none.")
        }
        AuthError::ProtectedResourceMetadataInvalid { reason, .. } => not_offered(of_metadata(&reason)),
        AuthError::MetadataError(_) => not_offered("what it says of signing in cannot be read."),
        AuthError::AuthorizationServersUnavailable { .. } => {
            not_offered("whoever it names for signing in says nothing of it.")
        }
        AuthError::DiscoveryRequestFailed { url, .. } => {
            let origin = url.origin().ascii_serialization();
            service_error(format!("{origin} reports a fault of its own."))
        }
        other => {
            tracing::debug!("the sign-in failed: {}", said(&other.to_string()));
            not_offered("its answers cannot be used.")
        }
    }
}

/// What is wrong with what a service says of itself.
fn of_metadata(reason: &Reason) -> &'static str {
    match reason {
        Reason::ResourceMismatch { .. } => "what it says of signing in is about another address.",
        _ => "what it says of signing in cannot be used.",
    }
}

/// No new program is registered, and none was brought along.
fn no_registration(line: &Line, secrets: &[Secret]) -> Error {
    const ASK: &str = "Ask the service for a client ID, and give it when you sign in.";
    let Some(answer) = line.registration() else { return registers_nobody("", ASK) };
    let said = Said::of(&answer);
    if !answer.status.is_client_error() || !in_vain(answer.status) {
        let words = with_status(of_words(line, &said, secrets), &answer);
        let origin = line.endpoint().origin();
        return service_error(format!("{origin} cannot register a new program just now: {words}."))
            .hint(format!("Try again in a while. If that does not help: {ASK}"));
    }
    let said = Said { error: if said.error_description.is_empty() { said.error } else { String::new() }, ..said };
    registers_nobody(&of_words(line, &said, secrets), ASK)
}

fn registers_nobody(words: &str, ask: &str) -> Error {
    let words = if words.is_empty() { String::new() } else { format!(" It says: {words}.") };
    Error::new(Code::SignInNotOffered, format!("This service registers no new program by itself.{words}")).hint(ask)
}

/// The service takes callers as they are.
pub(super) fn not_needed() -> Error {
    Error::new(Code::SignInNotOffered, "This service takes callers without a sign-in.").hint("Use it without one.")
}
