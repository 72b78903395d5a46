//! Who may come in: this computer alone, and to the MCP endpoint only with a token that allows what is asked.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::store::{State as TokenState, Token};
use crate::{Shared, server};

const MOST_BYTES: usize = 1024 * 1024;

/// Refuses requests that name another host (DNS rebinding), and changes asked by pages of another origin.
pub(crate) async fn this_computer_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        return (StatusCode::FORBIDDEN, "This service is for programs on this computer only.").into_response();
    }
    if request.method() != Method::GET && comes_from_elsewhere(headers, host) {
        return (StatusCode::FORBIDDEN, "Another page may not change anything here.").into_response();
    }
    next.run(request).await
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn comes_from_elsewhere(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    site.is_some_and(|site| site == "cross-site" || site == "same-site")
        || origin.is_some_and(|origin| origin != format!("http://{host}"))
}

/// Lets a request to the MCP endpoint through if its token is good and allows the tool that is called.
pub(crate) async fn sign_in(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    let token = match recognise(&shared, bearer.map(str::trim)) {
        Ok(token) => token,
        Err(words) => return unauthorized(words),
    };
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The message is too large.").into_response();
    };
    if let Some(scope) = missing_scope(&body, &token) {
        return forbidden(scope);
    }
    parts.extensions.insert(token);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn recognise(shared: &Shared, bearer: Option<&str>) -> Result<Token, &'static str> {
    let Some(bearer) = bearer else { return Err("No token was sent.") };
    let Some(token) = shared.tokens.find(bearer) else { return Err("This token is not known here.") };
    match token.state(shared.tokens.now()) {
        TokenState::Active => Ok(token),
        TokenState::Expired => Err("This token has ended."),
        TokenState::Revoked => Err("This token was revoked."),
    }
}

fn unauthorized(words: &'static str) -> Response {
    let challenge = r#"Bearer realm="Patchbay practice", error="invalid_token""#;
    let body = Json(json!({ "error": "invalid_token", "message": words }));
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))], body).into_response()
}

/// The permission that the called tool needs and the token lacks.
fn missing_scope(body: &[u8], token: &Token) -> Option<&'static str> {
    let message: Value = serde_json::from_slice(body).ok()?;
    if message.get("method")?.as_str()? != "tools/call" {
        return None;
    }
    let tool = message.get("params")?.get("name")?.as_str()?;
    let needed = server::scope_of(tool)?;
    (!token.scopes.iter().any(|scope| scope == needed)).then_some(needed)
}

fn forbidden(scope: &'static str) -> Response {
    let words = format!("This token lacks the permission {scope}.");
    let challenge = format!(r#"Bearer realm="Patchbay practice", error="insufficient_scope", scope="{scope}""#);
    let body = Json(json!({ "error": "insufficient_scope", "message": words }));
    let mut response = (StatusCode::FORBIDDEN, body).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
