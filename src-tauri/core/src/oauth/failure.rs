//! Why a sign-in failed, in words. What a service says is shown short, plain and without tokens.

use http::StatusCode;
use rmcp::transport::auth::{AuthError, ProtectedResourceMetadataInvalidReason as Reason};
use serde::Deserialize;

use super::bundle::Bundle;
use super::line::{Answer, Line};
use crate::error::{Code, Error};
use crate::secret::Secret;
use crate::wire::shown;

/// What a service says where it refuses (RFC 6749, 5.2).
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
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
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let parts: Vec<_> = [said.error, said.error_description].into_iter().filter(|part| !part.is_empty()).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).clone()).collect();
    let words = words(line, &parts.join(", "), &secrets);
    let words = if words.is_empty() { format!("status {}", answer.status.as_u16()) } else { words };
    let is_busy =
        answer.status == StatusCode::TOO_MANY_REQUESTS || parts.iter().any(|part| part == "temporarily_unavailable");
    if answer.status.is_client_error() && !is_busy {
        return refused(&format!("{words}."));
    }
    let origin = line.endpoint().origin();
    service_error(format!("{origin} does not sign anybody in just now: {}.", with_status(words, answer)))
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
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = plain(line, &[said.error.as_str(), said.error_description.as_str()], bundle);
    let is_final = ["invalid_grant", "invalid_client", "unauthorized_client"].contains(&said.error.as_str());
    if is_final && answer.status.is_client_error() {
        return needs_person(&format!("The service says: {words}."));
    }
    let words = with_status(words, answer);
    service_error(format!("The service answers, but does not renew the sign-in just now: {words}."))
}

/// A service's own words, without what the bundle keeps secret.
fn plain(line: &Line, said: &[&str], bundle: &Bundle) -> String {
    let said = said.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ");
    words(line, &said, &bundle.secrets().into_iter().cloned().collect::<Vec<_>>())
}

/// A service's words as plain text without these secrets.
pub(super) fn words(line: &Line, said: &str, secrets: &[Secret]) -> String {
    let header = crate::connection::AuthHeader::default();
    // What cannot be sent in a header is a key, of which the service has seen nothing.
    let holders = secrets.iter().filter_map(|secret| line.endpoint().without_auth().with_auth(&header, secret).ok());
    shown(said, &holders.collect::<Vec<_>>()).trim_end_matches('.').to_owned()
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
        AuthError::TokenExchangeFailed(text)
        | AuthError::ClientCredentialsError(text)
        | AuthError::TokenRefreshFailed(text)
        | AuthError::TokenRefreshRejected(text) => refused(&format!("{}.", said(&server_words(&text)))),
        AuthError::RegistrationFailed(text) => no_registration(&said(&body_words(&text))),
        AuthError::PkceUnsupported => without_pkce(),
        AuthError::NoAuthorizationSupport => not_offered("it says nothing of signing in."),
        AuthError::AuthorizationFailed(text) => refused(&format!("{}.", said(&text))),
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
fn no_registration(words: &str) -> Error {
    let words = if words.is_empty() { String::new() } else { format!(" It says: {words}.") };
    Error::new(Code::SignInNotOffered, format!("This service registers no new program by itself.{words}"))
        .hint("Ask the service for a client ID, and give it when you sign in.")
}

/// The service takes callers as they are.
pub(super) fn not_needed() -> Error {
    Error::new(Code::SignInNotOffered, "This service takes callers without a sign-in.").hint("Use it without one.")
}

/// What a refusal's body says in words, behind the status that the library puts ahead of it.
fn body_words(text: &str) -> String {
    let said = text.find('{').and_then(|at| serde_json::from_str::<Said>(&text[at..]).ok()).unwrap_or_default();
    if said.error_description.is_empty() { said.error } else { said.error_description }
}

/// What the server says in an error of the token endpoint; anything else may quote an answer with a token in it.
fn server_words(text: &str) -> String {
    const MARKS: [&str; 2] = ["Server returned error response: ", "Token exchange failed: "];
    let said = MARKS.iter().rev().fold(text, |text, mark| text.strip_prefix(mark).unwrap_or(text));
    if said == text { "its answer cannot be used".to_owned() } else { said.to_owned() }
}
