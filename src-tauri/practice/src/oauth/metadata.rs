//! What an app reads first: the challenge, the protected resource (RFC 9728), the authorization server (RFC 8414).
//!
//! The service is reached under several names of this computer. Each gets the answer in its own name, which the guard has
//! checked.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::FIRST_SCOPES;
use crate::token::SCOPES;

pub(crate) const RESOURCE: &str = "/.well-known/oauth-protected-resource";
pub(crate) const RESOURCE_OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";
pub(crate) const SERVER: &str = "/.well-known/oauth-authorization-server";

/// An address of this service, in the name by which it was called.
pub(crate) fn at(headers: &HeaderMap, path: &str) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}{path}")
}

/// What a challenge says beside its error: where to read on, and what to ask for.
pub(crate) fn challenge(headers: &HeaderMap, scope: Option<&str>) -> String {
    let scope = scope.map_or_else(|| FIRST_SCOPES.join(" "), str::to_owned);
    format!(r#"resource_metadata="{}", scope="{scope}""#, at(headers, RESOURCE_OF_MCP))
}

pub(crate) async fn resource(headers: HeaderMap) -> Response {
    let metadata = json!({
        "resource": at(&headers, "/mcp"),
        "resource_name": "Practice service",
        "authorization_servers": [at(&headers, "")],
        "scopes_supported": scopes(),
        "bearer_methods_supported": ["header"],
    });
    Json(metadata).into_response()
}

pub(crate) async fn server(headers: HeaderMap) -> Response {
    let authentication = ["none", "client_secret_basic", "client_secret_post"];
    let metadata = json!({
        "issuer": at(&headers, ""),
        "authorization_endpoint": at(&headers, "/authorize"),
        "token_endpoint": at(&headers, "/token"),
        "registration_endpoint": at(&headers, "/register"),
        "revocation_endpoint": at(&headers, "/revoke"),
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        // To read an app's document, the service would have to leave this computer.
        "client_id_metadata_document_supported": false,
    });
    Json(metadata).into_response()
}

fn scopes() -> Vec<&'static str> {
    SCOPES.iter().map(|(id, _)| *id).collect()
}
