//! Who is let in.

use patchbay_practice::Running;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::ask::{ALL, call, header, headers, mcp, message, modern, request, send_form, service, token};

/// Checks that it is a 401 in all its parts; the reason.
async fn refused(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(header(&answer, "www-authenticate").starts_with(r#"Bearer realm="Patchbay practice", "#));
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"], "invalid_token");
    assert!(body["message"].as_str().is_some_and(|words| words.ends_with('.')));
    body["reason"].as_str().expect("a reason").to_owned()
}

async fn revoke(service: &Running, id: &str) {
    let answer = request(service, Method::POST, &format!("/api/tokens/{id}/revoke")).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn each_bad_token_is_refused_in_its_own_words() {
    let service = service().await;
    let (id, token) = token(&service, ALL).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert_eq!(refused(mcp(&service, None, headers(&[]), &ping).await).await, "missing");
    assert_eq!(refused(modern(&service, "pbp_AAAAAAAAAAAAAAAAAAAAAA", "tools/list", json!({})).await).await, "unknown");
    assert_eq!(call(&service, &token, "whoami", json!({})).await.status(), StatusCode::OK);
    revoke(&service, &id).await;
    assert_eq!(refused(call(&service, &token, "whoami", json!({})).await).await, "revoked");
    let open = request(&service, Method::GET, "/mcp").bearer_auth(&token).header("accept", "text/event-stream");
    assert_eq!(refused(open.send().await.expect("an answer")).await, "revoked");
}

#[tokio::test]
async fn a_running_session_ends_with_its_token_and_goes_on_with_another() {
    let service = service().await;
    let (id, old) = token(&service, ALL).await;
    let (_, new) = token(&service, ALL).await;
    let info = json!({ "name": "t", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let answer = mcp(&service, Some(&old), headers(&[]), &hello).await;
    let session = headers(&[("mcp-session-id", header(&answer, "mcp-session-id"))]);
    message(answer).await;
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    mcp(&service, Some(&old), session.clone(), &ready).await;
    revoke(&service, &id).await;
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    assert_eq!(refused(mcp(&service, Some(&old), session.clone(), &list).await).await, "revoked");
    let answer = message(mcp(&service, Some(&new), session, &list).await).await;
    assert!(answer["result"]["tools"].is_array());
}

#[tokio::test]
async fn a_call_without_the_permission_names_it() {
    let service = service().await;
    let (_, token) = token(&service, &["profile:read", "notes:read"]).await;
    for tool in ["add_note", "delete_note"] {
        let answer = call(&service, &token, tool, json!({ "text": "x", "id": 1 })).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let challenge = header(&answer, "www-authenticate");
        assert!(challenge.contains(r#"error="insufficient_scope""#) && challenge.ends_with(r#"scope="notes:write""#));
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["scope"], "notes:write");
        assert!(body["message"].as_str().is_some_and(|words| words.contains("notes:write (Add and delete notes)")));
    }
    let notes = message(call(&service, &token, "list_notes", json!({})).await).await;
    assert_eq!(notes["result"]["structuredContent"]["notes"].as_array().map(Vec::len), Some(3), "nothing was done");
}

#[tokio::test]
async fn a_second_name_smuggles_no_call_past_the_door() {
    let service = service().await;
    let (_, token) = token(&service, &["profile:read"]).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","name":"list_notes"}}"#;
    let answer = request(&service, Method::POST, "/mcp").bearer_auth(&token).body(body);
    let answer = answer.header("content-type", "application/json").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(message(answer).await["error"]["code"], -32700);
}

#[tokio::test]
async fn another_hosts_name_is_refused_everywhere() {
    let service = service().await;
    let (id, token) = token(&service, ALL).await;
    let revoke = format!("/api/tokens/{id}/revoke");
    let routes = [
        (Method::GET, "/"),
        (Method::GET, "/tokens"),
        (Method::GET, "/tokens.js"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/api/tokens"),
        (Method::POST, "/api/tokens"),
        (Method::POST, &revoke),
        (Method::POST, "/mcp"),
        (Method::GET, "/mcp"),
        (Method::GET, "/.well-known/oauth-protected-resource/mcp"),
        (Method::GET, "/.well-known/oauth-authorization-server"),
        (Method::POST, "/register"),
        (Method::GET, "/authorize"),
        (Method::POST, "/token"),
        (Method::GET, "/sign-ins"),
    ];
    for (method, path) in routes {
        let answer = request(&service, method, path).bearer_auth(&token).header("host", "evil.example:47115");
        assert_eq!(answer.send().await.expect("an answer").status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(call(&service, &token, "whoami", json!({})).await.status(), StatusCode::OK, "still not revoked");
}

#[tokio::test]
async fn pages_of_another_origin_change_nothing() {
    let service = service().await;
    let (id, token) = token(&service, ALL).await;
    let own = format!("http://{}", service.addr());
    let form = "name=theirs&scope=notes%3Aread&lifetime=60";
    let elsewhere = [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in elsewhere {
        for path in ["/tokens", &format!("/tokens/{id}/revoke"), &format!("/api/tokens/{id}/revoke"), "/mcp"] {
            let request = request(&service, Method::POST, path).bearer_auth(&token).header(name, value);
            assert_eq!(send_form(request, form).await.status(), StatusCode::FORBIDDEN, "{path} {name} {value}");
        }
    }
    let answer = request(&service, Method::GET, "/api/tokens").send().await.expect("an answer");
    let listed: Value = answer.json().await.expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["state"], "active");
    let answer =
        request(&service, Method::POST, "/tokens").header("origin", own).header("sec-fetch-site", "same-origin");
    assert_eq!(send_form(answer, form).await.status(), StatusCode::OK);
}
