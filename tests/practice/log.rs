//! The log, at its most talkative.

use std::io::Write;
use std::sync::{Arc, Mutex};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::app::{code, json_of, post, redeem, refresh, register};
use crate::ask::{ALL, call, headers, mcp, request, send_form, service, token};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one writer").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_is_ever_logged() {
    let written = Written::default();
    let writer = written.clone();
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone()).finish();
    // For the whole process: what one thread alone listens to, another thread's first use can silence for good.
    tracing::subscriber::set_global_default(log).expect("no other test listens");
    let service = service().await;
    let (id, value) = token(&service, ALL).await;
    call(&service, &value, "whoami", json!({})).await.text().await.expect("a body");
    call(&service, "pbp_not-a-token", "whoami", json!({})).await.text().await.expect("a body");
    let info = json!({ "name": "t", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    mcp(&service, Some(&value), headers(&[]), &hello).await.text().await.expect("a body");
    let form = "name=Mine&scope=profile%3Aread&lifetime=300";
    let page = send_form(request(&service, Method::POST, "/tokens"), form).await.text().await.expect("a page");
    let shown = page.split('"').find(|part| part.starts_with("pbp_")).expect("a token");
    let app = register(&service).await;
    let code = code(&service, &app, "profile:read").await;
    let tokens = json_of(redeem(&service, &app, &code).await, StatusCode::OK).await;
    let [access, renewal] = ["access_token", "refresh_token"].map(|key| crate::app::text(&tokens, key));
    call(&service, &access, "whoami", json!({})).await.text().await.expect("a body");
    let renewed = json_of(refresh(&service, &app, &renewal).await, StatusCode::OK).await;
    let newer = crate::app::text(&renewed, "refresh_token");
    post(&service, "/revoke", &[("token", &newer), ("client_id", &app)]).await;
    let text = String::from_utf8(written.0.lock().expect("one writer").clone()).expect("text");
    assert!(text.contains("made a practice token") && text.contains(&id), "the log is heard");
    assert!(text.contains("rmcp"), "the library is heard, too");
    for secret in [value.as_str(), shown, "pbp_not-a-token", &code, &access, &renewal, &newer] {
        assert!(!text.contains(secret), "a token is in the log");
    }
}
