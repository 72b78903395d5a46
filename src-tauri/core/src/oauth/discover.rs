//! Who signs people in for a service: asked of the service itself.
//!
//! The way is the protocol's: what the service says with its 401, its metadata (RFC 9728), the metadata of whom that
//! names (RFC 8414, `OpenID` Connect), and for services of 2025-03-26 the usual places at its own origin, where the
//! metadata may name another issuer of that origin.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataResolution,
    AuthorizationMetadataSource,
};
use url::Url;

use super::Places;
use super::bundle::{Proof, Server};
use super::failure;
use super::inside::inside;
use super::line::{Answer, Line};
use crate::error::Result;
use crate::wire::{LEGACY, MODERN};

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const TOOLS: &str = "tools/list";
/// The way by which a code is of use only to who asked for it (RFC 7636).
const PKCE: &str = "S256";

/// Who signs people in, and what for.
pub(super) struct Found {
    pub(super) manager: AuthorizationManager,
    pub(super) metadata: AuthorizationMetadata,
    pub(super) server: Server,
    pub(super) resource: String,
    /// Nothing was said; these are only the usual places.
    pub(super) is_guess: bool,
    /// It answered a caller who is nobody.
    pub(super) is_open: bool,
}

/// Finds out who signs people in, unless that is given.
pub(super) async fn discover(line: &Arc<Line>, given: Option<&Places>) -> Result<Found> {
    let fault = |error| failure::of(line, error, &[]);
    let url = line.endpoint().url().as_str();
    let mut manager = AuthorizationManager::new_with_oauth_http_client(url, line.clone()).await.map_err(fault)?;
    let mut is_open = false;
    let (metadata, is_guess) = if let Some(places) = given {
        (places.metadata(), false)
    } else {
        let challenge;
        (challenge, is_open) = self::challenge(line).await?;
        match resolve(&manager, line, challenge.as_deref()).await {
            Ok(found) => {
                let is_guess = found.source == AuthorizationMetadataSource::LegacyEndpointFallback;
                let mut metadata = found.metadata;
                if is_guess {
                    // Who publishes nothing has not said that it cannot (2025-03-26).
                    metadata.code_challenge_methods_supported.get_or_insert_with(|| vec![PKCE.to_owned()]);
                }
                (metadata, is_guess)
            }
            Err(AuthError::NoAuthorizationSupport) if is_open => return Err(failure::not_needed()),
            Err(error) => {
                let found = match &error {
                    AuthError::AuthorizationServersUnavailable { authorization_servers: named, .. } => {
                        inside(line, named).await?
                    }
                    _ => earlier(line, challenge.as_deref(), &error).await,
                };
                (found.ok_or(error).map_err(fault)?, false)
            }
        }
    };
    let resource = resource(&mut manager).await.map_err(fault)?;
    manager.set_metadata(metadata.clone());
    let server = Server {
        issuer: metadata.issuer.clone(),
        token: metadata.token_endpoint.clone(),
        revocation: text(&metadata, "revocation_endpoint"),
    };
    Ok(Found { manager, metadata, server, resource, is_guess, is_open })
}

/// What the service says of signing in. Where it names several who sign people in, one that has a fault is passed by for
/// the next (RFC 9728, 7.6, leaves the choice to who asks); where none is any good, the first fault is told.
async fn resolve(
    manager: &AuthorizationManager,
    line: &Line,
    challenge: Option<&str>,
) -> Result<AuthorizationMetadataResolution, AuthError> {
    let mut first = None;
    loop {
        let error = match manager.resolve_metadata_from_challenge(challenge).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        match &error {
            AuthError::DiscoveryRequestFailed { url, .. } if line.pass_by(url) => {
                first = first.or_else(|| Some((line.failure(), error)));
            }
            _ => {
                let Some((failure, first)) = first else { return Err(error) };
                line.fail(failure);
                return Err(first);
            }
        }
    }
}

/// The metadata of a service of 2025-03-26 that names another issuer than the place where it stands. Those services knew
/// no metadata of a resource and no issuer to compare with; who signs people in was whatever stood at their own origin,
/// so nothing may lead away from there. Nothing where it is not such a service.
async fn earlier(line: &Line, challenge: Option<&str>, error: &AuthError) -> Option<AuthorizationMetadata> {
    let AuthError::AuthorizationServerMismatch { .. } = error else { return None };
    if challenge.is_some_and(|said| said.contains("resource_metadata")) || has_resource_metadata(line).await {
        return None;
    }
    let metadata = line.endpoint().url().join("/.well-known/oauth-authorization-server").ok()?;
    let answer = read(line, &metadata).await.filter(|answer| answer.status == StatusCode::OK)?;
    let metadata: AuthorizationMetadata = serde_json::from_slice(&answer.body).ok()?;
    stays_here(line.endpoint().url(), &metadata).then_some(metadata)
}

/// Whether there is metadata of a resource at one of its places, or nobody can tell.
async fn has_resource_metadata(line: &Line) -> bool {
    const PLACE: &str = "/.well-known/oauth-protected-resource";
    let url = line.endpoint().url();
    for place in [format!("{PLACE}{}", url.path()), PLACE.to_owned()] {
        let Ok(place) = url.join(&place) else { return true };
        if read(line, &place).await.is_none_or(|answer| !answer.status.is_client_error()) {
            return true;
        }
    }
    false
}

pub(super) async fn read(line: &Line, place: &Url) -> Option<Answer> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    line.ask(place.as_str(), Method::GET, &headers, Bytes::new()).await.ok()
}

/// Whether everything that metadata names is at the service's own origin.
fn stays_here(service: &Url, metadata: &AuthorizationMetadata) -> bool {
    let is_here = |place: &str| Url::parse(place).is_ok_and(|place| place.origin() == service.origin());
    let further = ["revocation_endpoint"].iter().filter_map(|name| text(metadata, name));
    let optional = [&metadata.issuer, &metadata.registration_endpoint].into_iter().flatten().cloned();
    let always = [metadata.authorization_endpoint.clone(), metadata.token_endpoint.clone()];
    always.into_iter().chain(optional).chain(further).all(|place| is_here(&place))
}

/// What the service says of signing in when it is asked something: for a session, and where it gives one to anybody, for
/// its tools; and whether it answered without.
async fn challenge(line: &Line) -> Result<(Option<String>, bool)> {
    let client = serde_json::json!({ "name": "patchbay", "version": env!("CARGO_PKG_VERSION") });
    let hello = serde_json::json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    let mut answer = ask(line, "initialize", hello, &headers).await?;
    if answer.status.is_success() {
        let session = answer.headers.get(SESSION).cloned();
        headers.extend(session.clone().map(|id| (HeaderName::from_static(SESSION), id)));
        headers.insert(VERSION, HeaderValue::from_static(LEGACY));
        answer = ask(line, TOOLS, serde_json::json!({}), &headers).await?;
        if session.is_some() {
            // Nobody needs it any more; a server may not know how to end one.
            let _ = line.ask_service(Method::DELETE, &headers, Bytes::new()).await;
        }
    } else if answer.status != StatusCode::UNAUTHORIZED {
        headers.insert(VERSION, HeaderValue::from_static(MODERN));
        headers.insert("mcp-method", HeaderValue::from_static(TOOLS));
        let meta = serde_json::json!({ "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": client, "io.modelcontextprotocol/clientCapabilities": {} });
        answer = ask(line, TOOLS, serde_json::json!({ "_meta": meta }), &headers).await?;
    }
    if answer.status != StatusCode::UNAUTHORIZED {
        return Ok((None, answer.status.is_success()));
    }
    let said: Vec<_> =
        answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
    line.hear_refusal(&said);
    let best = said.iter().find(|value| value.contains("resource_metadata")).or(said.first());
    Ok((best.map(|value| (*value).to_owned()), false))
}

async fn ask(line: &Line, method: &str, params: serde_json::Value, headers: &HeaderMap) -> Result<Answer> {
    let request = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    line.ask_service(Method::POST, headers, Bytes::from(request.to_string())).await
}

/// What tokens are asked for. It is told only in an address to sign in at, so one is made for nobody.
async fn resource(manager: &mut AuthorizationManager) -> Result<String, AuthError> {
    let mut nobody = AuthorizationMetadata::default();
    "https://nobody.invalid/".clone_into(&mut nobody.authorization_endpoint);
    nobody.token_endpoint = nobody.authorization_endpoint.clone();
    nobody.code_challenge_methods_supported = Some(vec![PKCE.to_owned()]);
    manager.set_metadata(nobody);
    manager.configure_client_id("nobody")?;
    let address = Url::parse(&manager.get_authorization_url(&[]).await?)?;
    Ok(query(&address, "resource").unwrap_or_default())
}

/// A parameter of an address.
pub(super) fn query(address: &Url, name: &str) -> Option<String> {
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Further metadata that is a text.
fn text(metadata: &AuthorizationMetadata, name: &str) -> Option<String> {
    metadata.additional_fields.get(name)?.as_str().map(str::to_owned)
}

/// Whether the server takes a client's own document in place of a registration.
pub(super) fn takes_documents(metadata: &AuthorizationMetadata) -> bool {
    metadata.additional_fields.get("client_id_metadata_document_supported") == Some(&serde_json::Value::Bool(true))
}

/// Whether the token endpoint takes this proof; `None` where it does not say what it takes.
pub(super) fn takes(metadata: &AuthorizationMetadata, proof: Proof) -> Option<bool> {
    let listed = metadata.additional_fields.get("token_endpoint_auth_methods_supported")?.as_array()?;
    Some(listed.iter().any(|method| method.as_str() == Some(proof.word())))
}

impl Places {
    fn metadata(&self) -> AuthorizationMetadata {
        let mut metadata = AuthorizationMetadata::default();
        metadata.authorization_endpoint = self.authorize.to_string();
        metadata.token_endpoint = self.token.to_string();
        metadata.code_challenge_methods_supported = Some(vec![PKCE.to_owned()]);
        let proofs = serde_json::json!([Proof::ClientSecretPost.word()]);
        metadata.additional_fields.insert("token_endpoint_auth_methods_supported".to_owned(), proofs);
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_issuer_of_the_same_origin_is_taken_only_where_nothing_leads_away_from_it() {
        let service = Url::parse("https://a.example/mcp").expect("an address");
        let metadata = |name: &str, value: &str| {
            let mut all = serde_json::json!({ "issuer": "https://a.example/oauth",
                "authorization_endpoint": "https://a.example/oauth/authorize", "token_endpoint": "https://a.example/oauth/token" });
            all[name] = value.into();
            serde_json::from_value::<AuthorizationMetadata>(all).expect("metadata")
        };
        assert!(stays_here(&service, &metadata("issuer", "https://a.example/other")));
        let places =
            ["issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"];
        for name in places {
            for elsewhere in ["https://b.example/x", "http://a.example/x", "https://a.example:444/x", "nowhere"] {
                assert!(!stays_here(&service, &metadata(name, elsewhere)), "{name} {elsewhere}");
            }
        }
    }
}
