//! Tokens that are bound to a key (RFC 9449): when they are asked for, and how the one who gives them is shown the key.
//!
//! They are asked for where the service itself says that it takes them, in its metadata (RFC 9728) or in its 401, and who
//! signs people in lists signatures of our kind (RFC 8414). Many who sign people in list them whatever the services behind
//! them know, and a service that does not know them refuses a bound token: so their list alone is not enough. Where either
//! says that it takes no others, they are asked for also without a list, and a sign-in that could not be used is not begun.
//!
//! Each sign-in makes a key of its own, and its renewals keep it.

use http::StatusCode;
use jiff::Timestamp;
use rmcp::transport::auth::AuthorizationMetadata;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::bundle::Bundle;
use super::discover::Found;
use super::failure;
use super::line::{Answer, Line};
use crate::connection::AuthHeader;
use crate::error::Result;
use crate::secret::Secret;
use crate::wire::{ALGORITHM, BoundKey, Endpoint};

/// The metadata, of a service and of who signs people in, that says whether all tokens are bound.
const REQUIRED: &str = "dpop_bound_access_tokens_required";
/// The metadata, of both, that lists the signatures they can check.
const ALGORITHMS: &str = "dpop_signing_alg_values_supported";
/// How often one form is shown with another proof.
const MOST_PROOFS: usize = 3;

/// What may be sent to a service: a token, and where it is bound to one, the key.
#[derive(Debug, Clone)]
pub struct Access {
    /// The token.
    pub token: Secret,
    /// When it was given; absent where it came of no sign-in.
    pub since: Option<Timestamp>,
    key: Option<BoundKey>,
}

impl From<Secret> for Access {
    fn from(token: Secret) -> Self {
        Self { token, since: None, key: None }
    }
}

impl Access {
    /// The access that a bundle gives now.
    ///
    /// # Errors
    /// Its key is damaged.
    pub(super) fn of(bundle: &Bundle) -> Result<Self> {
        let key = bundle.key.as_ref().filter(|_| bundle.bound);
        Ok(Self {
            token: bundle.access.clone(),
            since: Some(bundle.received),
            key: key.map(BoundKey::read).transpose()?,
        })
    }

    /// An endpoint with it: what a sign-in gives is sent as a bearer's (RFC 6750) or with its key, and any other token as
    /// the header says.
    ///
    /// # Errors
    /// As [`Endpoint::with_auth`].
    pub fn on(&self, endpoint: Endpoint, header: &AuthHeader) -> Result<Endpoint> {
        match &self.key {
            Some(key) => Ok(endpoint.with_bound(key, &self.token)?.signed_in()),
            None if self.since.is_some() => Ok(endpoint.with_auth(&AuthHeader::default(), &self.token)?.signed_in()),
            None => endpoint.with_auth(header, &self.token),
        }
    }
}

/// What a service says of bound tokens.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// It takes them.
    takes: bool,
    /// It takes no others.
    only: bool,
    /// It cannot check signatures of our kind.
    unfit: bool,
}

impl Said {
    /// Takes in a refusal (RFC 9449, 7.1).
    pub(super) fn hear_refusal(&mut self, challenges: &[&str]) {
        let all = challenges.join(", ");
        // What is quoted may be any words.
        let plain: String = all.split('"').step_by(2).collect();
        let names = |scheme: &str| {
            plain
                .split(',')
                .any(|part| part.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(scheme)))
        };
        self.takes |= names("DPoP");
        self.only |= names("DPoP") && !names("Bearer");
        let listed = all.split_once("algs=\"").and_then(|(_, rest)| rest.split('"').next());
        self.unfit |= listed.is_some_and(|listed| !listed.split_whitespace().any(|one| one == ALGORITHM));
    }

    /// Takes in a document, where it is a service's metadata.
    pub(super) fn hear_document(&mut self, body: &[u8]) {
        let Ok(document) = serde_json::from_slice::<Value>(body) else { return };
        if document.get("resource").is_none() {
            return;
        }
        self.only |= document.get(REQUIRED) == Some(&Value::Bool(true));
        let fits = document.get(ALGORITHMS).and_then(lists_ours);
        self.takes |= fits == Some(true);
        self.unfit |= fits == Some(false);
    }
}

fn lists_ours(algorithms: &Value) -> Option<bool> {
    Some(algorithms.as_array()?.iter().any(|one| one.as_str() == Some(ALGORITHM)))
}

/// Whether bound tokens are asked for.
///
/// # Errors
/// `SignInNotOffered` where none but bound tokens are taken, and proofs of our kind are not.
fn is_wanted(said: Said, metadata: &AuthorizationMetadata) -> Result<bool> {
    let listed = metadata.additional_fields.get(ALGORITHMS).and_then(lists_ours);
    let only = said.only || metadata.additional_fields.get(REQUIRED) == Some(&Value::Bool(true));
    let unfit = said.unfit || listed == Some(false);
    match (only, unfit) {
        (true, true) => Err(failure::not_offered("it wants proofs of a kind that Patchbay cannot make.")),
        (_, true) => Ok(false),
        (only, false) => Ok(only || said.takes && listed == Some(true)),
    }
}

/// Makes a key for a new sign-in where bound tokens are asked for, and shows it whenever a token is asked for on this line.
///
/// # Errors
/// As [`is_wanted`]; no key can be made.
pub(super) fn offer(line: &Line, found: &Found) -> Result<Option<BoundKey>> {
    if !is_wanted(line.said(), &found.metadata)? {
        return Ok(None);
    }
    let key = BoundKey::generate()?;
    line.show(key.clone(), &found.server.token);
    Ok(Some(key))
}

/// Shows the key of a sign-in again whenever a token is asked for on this line.
///
/// # Errors
/// The key is damaged.
pub(super) fn take_up(line: &Line, bundle: &Bundle) -> Result<()> {
    if let Some(key) = &bundle.key {
        line.show(BoundKey::read(key)?, &bundle.server.token);
    }
    Ok(())
}

/// The page for people, where the code that it gives is bound to the key too (RFC 9449, 10).
pub(super) fn page(mut page: Url, key: Option<&BoundKey>) -> Url {
    if let Some(key) = key {
        page.query_pairs_mut().append_pair("dpop_jkt", key.thumbprint());
    }
    page
}

/// Whether who gives tokens wants to be asked again with another proof.
fn wants_other(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let said = || serde_json::from_slice::<Said>(&answer.body).ok();
    answer.status == StatusCode::BAD_REQUEST
        && said().is_some_and(|said| ["use_dpop_nonce", "invalid_dpop_proof"].contains(&said.error.as_str()))
}

/// Asks with a proof, and again where what the answer says makes another one.
///
/// # Errors
/// As `ask`.
pub(super) async fn ask<F>(key: &BoundKey, there: Endpoint, ask: impl Fn(Endpoint) -> F) -> Result<Answer>
where
    F: Future<Output = Result<Answer>>,
{
    let there = there.with_key(key);
    let mut shown = 1;
    loop {
        let before = key.heard(there.url());
        let answer = ask(there.clone()).await?;
        if shown == MOST_PROOFS || !wants_other(&answer) || key.heard(there.url()) == before {
            return Ok(answer);
        }
        shown += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn said(challenges: &[&str], document: &str) -> Said {
        let mut said = Said::default();
        said.hear_refusal(challenges);
        said.hear_document(document.as_bytes());
        said
    }

    fn metadata(more: &Value) -> AuthorizationMetadata {
        let mut all = serde_json::json!({ "authorization_endpoint": "https://a.example/authorize",
            "token_endpoint": "https://a.example/token" });
        let fields = all.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        serde_json::from_value(all).expect("metadata")
    }

    #[test]
    fn bound_tokens_are_asked_for_where_the_service_takes_them_and_whoever_signs_people_in_gives_them() {
        let (lists, others, silent) = (
            metadata(&serde_json::json!({ ALGORITHMS: ["RS256", "ES256"] })),
            metadata(&serde_json::json!({ ALGORITHMS: ["RS256"] })),
            metadata(&serde_json::json!({})),
        );
        let asks = |said, metadata: &_| is_wanted(said, metadata).map_err(|error| error.code);
        let nothing = said(&["Bearer realm=\"a, DPoP\""], r#"{"resource":"https://a.example"}"#);
        assert_eq!(asks(nothing, &lists), Ok(false), "it says nothing of them");
        let either = said(&["Bearer", "DPoP algs=\"ES256 PS256\""], "{}");
        assert_eq!(
            [&lists, &others, &silent].map(|metadata| asks(either, metadata)),
            [Ok(true), Ok(false), Ok(false)],
            "bearers do where none are given"
        );
        let only = said(&["DPoP resource_metadata=\"https://a.example/x\""], "{}");
        assert_eq!(
            [&lists, &others, &silent].map(|metadata| asks(only, metadata)),
            [Ok(true), Err(Code::SignInNotOffered), Ok(true)]
        );
        assert_eq!(asks(said(&["DPoP algs=\"PS256\""], "{}"), &lists), Err(Code::SignInNotOffered));
        assert_eq!(asks(said(&["Bearer, DPoP algs=\"PS256\""], "{}"), &lists), Ok(false));
    }

    #[test]
    fn what_a_sign_in_gives_is_a_bearers_whatever_header_the_connection_names_for_other_tokens() {
        let header = AuthHeader::plain("X-Api-Key", "Token token=");
        let endpoint = || Endpoint::new("https://a.example/mcp").expect("an address");
        let pasted = Access::from(Secret::new("canary-token"));
        let given = Access { since: Some(Timestamp::now()), ..pasted.clone() };
        let sent = |access: Access| access.on(endpoint(), &header).expect("it can be sent");
        assert!(sent(given.clone()).sends_bearer() && sent(given).is_signed_in());
        assert!(!sent(pasted.clone()).sends_bearer() && !sent(pasted).is_signed_in());
    }

    #[test]
    fn a_service_may_say_it_in_its_metadata_alone() {
        let lists = metadata(&serde_json::json!({ ALGORITHMS: ["ES256"] }));
        let wanted = |document: &str| is_wanted(said(&["Bearer"], document), &lists).ok();
        assert_eq!(wanted(r#"{"resource":"x","dpop_bound_access_tokens_required":true}"#), Some(true));
        assert_eq!(wanted(r#"{"resource":"x","dpop_bound_access_tokens_required":false}"#), Some(false));
        assert_eq!(wanted(r#"{"resource":"x","dpop_signing_alg_values_supported":["ES256"]}"#), Some(true));
        assert_eq!(wanted(r#"{"resource":"x","dpop_signing_alg_values_supported":["PS256"]}"#), Some(false));
        assert_eq!(wanted(r#"{"dpop_bound_access_tokens_required":true}"#), Some(false), "it is about no service");
        let by_issuer = metadata(&serde_json::json!({ REQUIRED: true }));
        assert!(is_wanted(Said::default(), &by_issuer).expect("offered"));
    }
}
