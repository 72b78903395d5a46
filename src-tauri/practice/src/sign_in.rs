//! The doors before `/mcp` and `/pair/mcp`: a good token, and the right to call the tool that is called.
//!
//! A missing, unknown, revoked or ended token is answered with 401 and says which; a call without the permission with
//! 403 and names it. Both say where an app reads how to sign in ([`crate::oauth`]). The `Authorization` header ends here:
//! what lies behind cannot log it.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::oauth::challenge;
use crate::store::{Refusal, Store};
use crate::token::{Caller, SCOPES};
use crate::tools::scope_of;

const MOST_BYTES: usize = 1024 * 1024;

/// Lets a request through if its token is good and allows the tool that is called; the token's facts go with it.
pub(crate) async fn sign_in(State(store): State<Arc<Store>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match store.recognise(bearer(&parts.headers), Timestamp::now()) {
        Ok(caller) => caller,
        Err(refusal) => return unauthorized(refusal, &parts.headers),
    };
    parts.headers.remove(AUTHORIZATION);
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "A message has at most 1 MiB.").into_response();
    };
    match needed(&body) {
        Err(words) => return not_a_message(words),
        Ok(Some(scope)) if !caller.may(scope) => return forbidden(&caller, scope, &parts.headers),
        Ok(_) => {}
    }
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// The header of the second token, where two are wanted.
const PAIR: &str = "x-practice-key";

/// The door before `/pair/mcp`, ahead of the other: lets a request through that has a second good token, another one than
/// the first. As services do, it says of neither that it is the wrong one.
pub(crate) async fn pair(State(store): State<Arc<Store>>, mut request: Request, next: Next) -> Response {
    let second = request.headers_mut().remove(PAIR);
    let second = second.as_ref().and_then(|value| value.to_str().ok());
    let is_good = |token: Option<&str>| store.recognise(token, Timestamp::now()).is_ok();
    let first = bearer(request.headers());
    if is_good(first) && is_good(second) && first != second {
        return next.run(request).await;
    }
    let body = Json(json!({ "error": "invalid_token", "message": "One of the two tokens is not good." }));
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, r#"Bearer realm="Patchbay practice""#)], body).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !value.is_empty()).then_some(value)
}

#[derive(Deserialize)]
struct Message<'a> {
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
}

/// The permission that the message needs, if it calls a tool. A key that stands twice is refused, not read: whoever
/// reads the message next may take the other one.
fn needed(body: &Bytes) -> Result<Option<&'static str>, &'static str> {
    if body.is_empty() {
        return Ok(None);
    }
    let message: Message<'_> = serde_json::from_slice(body).map_err(|_| "This is no JSON-RPC message.")?;
    if message.method.as_deref() != Some("tools/call") {
        return Ok(None);
    }
    let params = message.params.ok_or("The call names no tool.")?;
    let call: Call = serde_json::from_str(params.get()).map_err(|_| "The call names no tool.")?;
    Ok(scope_of(&call.name))
}

fn unauthorized(refusal: Refusal, headers: &HeaderMap) -> Response {
    let (reason, words) = match refusal {
        Refusal::Missing => ("missing", "No token was sent."),
        Refusal::Unknown => ("unknown", "This token is not known here."),
        Refusal::Revoked => ("revoked", "This token was revoked."),
        Refusal::Expired => ("expired", "This token has expired."),
    };
    // Who sent none made no mistake yet (RFC 6750 section 3.1).
    let error = if refusal == Refusal::Missing { "" } else { r#"error="invalid_token", "# };
    let challenge = format!(r#"Bearer realm="Patchbay practice", {error}{}"#, challenge(headers, None));
    let body = Json(json!({ "error": "invalid_token", "reason": reason, "message": words }));
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)], body).into_response()
}

fn forbidden(caller: &Caller, scope: &'static str, headers: &HeaderMap) -> Response {
    let what = SCOPES.iter().find(|(id, _)| *id == scope).map_or("", |(_, what)| what);
    let words = format!("The token \"{}\" lacks the permission {scope} ({what}).", caller.name);
    let challenge = format!(r#"Bearer error="insufficient_scope", {}"#, challenge(headers, Some(scope)));
    let body = Json(json!({ "error": "insufficient_scope", "scope": scope, "message": words }));
    (StatusCode::FORBIDDEN, [(WWW_AUTHENTICATE, challenge)], body).into_response()
}

fn not_a_message(words: &str) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32700, "message": words } });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(body: &'static str) -> Result<Option<&'static str>, &'static str> {
        needed(&Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn the_called_tool_decides_what_is_needed() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{}}}"#;
        assert_eq!(needs(call), Ok(Some("notes:write")));
        assert_eq!(needs(r#"{"method":"tools\u002fcall","params":{"na\u006de":"whoami"}}"#), Ok(Some("profile:read")));
        assert_eq!(needs(r#"{"method":"tools/call","params":{"name":"no such tool"}}"#), Ok(None));
        assert_eq!(needs(r#"{"method":"prompts/get","params":{"name":"add_note"}}"#), Ok(None));
        assert_eq!(needs(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Ok(None));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for body in [
            r#"{"method":"tools/call","params":{"name":"whoami","name":"add_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"whoami"},"params":{"name":"add_note"}}"#,
            r#"{"method":"ping","method":"tools/call","params":{"name":"add_note"}}"#,
            r#"[{"method":"tools/call","params":{"name":"add_note"}}]"#,
            r#"{"method":"tools/call","params":{"name":7}}"#,
            r#"{"method":"tools/call"}"#,
            "{",
        ] {
            assert!(needs(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_bearer_is_read_as_the_standard_says() {
        let read = |value: &'static str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, axum::http::HeaderValue::from_static(value))]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bEARER   abc").as_deref(), Some("abc"));
        for value in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
