//! The practice service at the other end, in both generations of the protocol.

use patchbay_core::wire::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Client, Endpoint, Method, Timeouts, read_bounded};
use patchbay_practice::{Options, Running, start};
use serde_json::Value;

use crate::app::{App, Keychain};

/// Makes a token; its id and value.
async fn token(service: &Running) -> (String, String) {
    let body = r#"{"name":"test","scopes":["profile:read"],"lifetime_seconds":3600}"#;
    let made: Value = serde_json::from_slice(&post(service, "/api/tokens", body).await).expect("JSON");
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("id"), text("token"))
}

async fn post(service: &Running, path: &str, body: &'static str) -> Vec<u8> {
    let endpoint = Endpoint::new(&format!("http://{}{path}", service.addr())).expect("an address");
    let client = Client::for_endpoint(&endpoint, Timeouts::default()).expect("a client");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let answer = client.send(&endpoint, Method::POST, Some(body.into()), &headers).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    read_bounded(answer, 1 << 20).await.expect("a body").into()
}

fn whoami(id: u32, meta: &str) -> String {
    let params = format!(r#"{{"name":"whoami","arguments":{{}}{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
}

#[tokio::test]
async fn a_token_is_revoked_and_renewed_under_a_running_session() {
    let service = start(Options::default()).await.expect("the service starts");
    let (id, old) = token(&service).await;
    let keychain = Keychain::holding(&service.mcp_url(), &old);
    let mut app = App::start(&keychain);
    assert_eq!(app.begin().await["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(app.ask(&whoami(1, "")).await["result"]["structuredContent"]["name"], "test");
    post(&service, &format!("/api/tokens/{id}/revoke"), "").await;
    assert_eq!(app.ask(&whoami(2, "")).await["error"]["data"]["code"], "token_refused");
    keychain.renew(&service.mcp_url(), &token(&service).await.1);
    let answer = app.ask(&whoami(3, "")).await;
    assert_eq!(answer["result"]["structuredContent"]["name"], "test", "{answer}");
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn the_newest_generation_is_carried_too() {
    let service = start(Options::default()).await.expect("the service starts");
    let mut app = App::start(&Keychain::holding(&service.mcp_url(), &token(&service).await.1));
    let meta = concat!(
        r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"#,
        r#""io.modelcontextprotocol/clientCapabilities":{}}"#
    );
    let discover = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{}}}}}"#, &meta[1..]);
    let known = app.ask(&discover).await;
    let versions = known["result"]["supportedVersions"].as_array().expect("versions").clone();
    assert!(versions.contains(&"2026-07-28".into()), "{known}");
    assert_eq!(app.ask(&whoami(2, meta)).await["result"]["structuredContent"]["name"], "test");
}
