//! Both generations of MCP.

use patchbay_practice::Running;
use reqwest::{Method, StatusCode};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::ClientServiceExt as _;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use crate::ask::{ALL, MODERN, call, client, header, headers, mcp, message, modern, request, service, token};

const NAME: &str = "Patchbay practice service";

fn initialize(version: &str) -> Value {
    let params =
        json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

/// A session of the older protocol.
async fn session(service: &Running, token: &str, version: &str) -> String {
    let answer = mcp(service, Some(token), headers(&[]), &initialize(version)).await;
    let id = header(&answer, "mcp-session-id").to_owned();
    let greeting = message(answer).await;
    assert_eq!(greeting["result"]["protocolVersion"], version);
    assert_eq!(greeting["result"]["serverInfo"]["name"], NAME);
    assert!(greeting["result"]["instructions"].as_str().is_some_and(|words| words.contains("for practice")));
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let answer = mcp(service, Some(token), in_session(&id, version), &ready).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    id
}

fn in_session(id: &str, version: &str) -> reqwest::header::HeaderMap {
    headers(&[("mcp-session-id", id), ("mcp-protocol-version", version)])
}

#[tokio::test]
async fn the_older_protocol_has_sessions_and_event_streams() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let id = session(&service, &token, version).await;
        assert!(!id.is_empty());
        let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
        let answer = mcp(&service, Some(&token), in_session(&id, version), &list).await;
        assert!(header(&answer, "content-type").starts_with("text/event-stream"));
        assert_eq!(message(answer).await["result"]["tools"].as_array().map(Vec::len), Some(4));
        let params = json!({ "name": "whoami", "arguments": {} });
        let whoami = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params });
        let answer = mcp(&service, Some(&token), in_session(&id, version), &whoami).await;
        assert_eq!(message(answer).await["result"]["structuredContent"]["name"], "test");
    }
}

#[tokio::test]
async fn a_session_that_ended_is_not_found() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let id = session(&service, &token, "2025-11-25").await;
    let end = request(&service, Method::DELETE, "/mcp").headers(in_session(&id, "2025-11-25")).bearer_auth(&token);
    assert!(end.send().await.expect("an answer").status().is_success());
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let answer = mcp(&service, Some(&token), in_session(&id, "2025-11-25"), &list).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_newer_protocol_needs_no_session_and_answers_in_json() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let answer = modern(&service, &token, "server/discover", json!({})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "mcp-session-id"), "");
    assert!(header(&answer, "content-type").starts_with("application/json"));
    let result = message(answer).await["result"].clone();
    assert!(result["supportedVersions"].as_array().is_some_and(|versions| versions.contains(&json!(MODERN))));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], NAME);
    let whoami = message(call(&service, &token, "whoami", json!({})).await).await;
    assert_eq!(whoami["result"]["structuredContent"]["scopes"], json!(ALL));
}

#[tokio::test]
async fn the_tools_say_what_they_do() {
    let service = service().await;
    let (_, token) = token(&service, &["profile:read"]).await;
    let answer = message(modern(&service, &token, "tools/list", json!({})).await).await;
    let hint = |name: &str, hint: &str| {
        let tools = answer["result"]["tools"].as_array().expect("tools");
        let tool = tools.iter().find(|tool| tool["name"] == name).expect("the tool is listed, allowed or not");
        tool["annotations"][hint].as_bool().expect("a hint")
    };
    assert!(hint("whoami", "readOnlyHint") && hint("list_notes", "readOnlyHint"));
    assert!(!hint("add_note", "readOnlyHint") && !hint("add_note", "destructiveHint"));
    assert!(!hint("delete_note", "readOnlyHint") && hint("delete_note", "destructiveHint"));
}

#[tokio::test]
async fn notes_are_added_and_deleted() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let ask = async |tool: &str, arguments: Value| {
        message(call(&service, &token, tool, arguments).await).await["result"].clone()
    };
    let texts = async || ask("list_notes", json!({})).await["structuredContent"]["notes"].clone();
    let before = texts().await.as_array().map(Vec::len).expect("notes");
    let added = ask("add_note", json!({ "text": "Buy a longer cable." })).await["structuredContent"].clone();
    assert!(texts().await.as_array().expect("notes").contains(&added));
    ask("delete_note", json!({ "id": added["id"] })).await;
    assert_eq!(texts().await.as_array().map(Vec::len), Some(before));
    let gone = ask("delete_note", json!({ "id": added["id"] })).await;
    assert_eq!(gone["isError"], true);
    assert!(gone["content"][0]["text"].as_str().is_some_and(|words| words.contains("There is no note")));
}

#[tokio::test]
async fn a_client_library_finds_its_way_in_all_modes() {
    use rmcp::service::ClientLifecycleMode::{Auto, Discover, Initialize};
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let modern = vec![ProtocolVersion::V_2026_07_28];
    let modes = [
        Auto { preferred_versions: modern.clone(), legacy_version: Some(ProtocolVersion::V_2025_11_25) },
        Discover { preferred_versions: modern },
        Initialize,
    ];
    for mode in modes {
        let config = StreamableHttpClientTransportConfig::with_uri(service.mcp_url()).auth_header(token.as_str());
        let transport = StreamableHttpClientTransport::with_client(client(), config);
        let peer = ().serve_with_lifecycle(transport, mode).await.expect("they understand each other");
        assert_eq!(peer.list_all_tools().await.expect("tools").len(), 4);
        let result = peer.call_tool(CallToolRequestParams::new("list_notes")).await.expect("a result");
        assert!(result.structured_content.is_some_and(|content| content["notes"].is_array()));
        peer.cancel().await.expect("a goodbye");
    }
}

#[tokio::test]
async fn a_message_over_the_bound_is_refused() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let answer = call(&service, &token, "add_note", json!({ "text": "x".repeat(1024 * 1024) })).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn stopping_ends_open_streams_and_frees_the_port() {
    let service = service().await;
    let (_, token) = token(&service, ALL).await;
    let id = session(&service, &token, "2025-11-25").await;
    let open = request(&service, Method::GET, "/mcp").headers(in_session(&id, "2025-11-25")).bearer_auth(&token);
    let open = open.header("accept", "text/event-stream").send().await.expect("an answer");
    assert_eq!(open.status(), StatusCode::OK);
    let port = service.addr().port();
    service.shutdown().await;
    tokio::time::timeout(std::time::Duration::from_secs(5), open.bytes()).await.expect("the stream ends").ok();
    let again = patchbay_practice::Options { port, ..Default::default() };
    patchbay_practice::start(again).await.expect("the port is free").shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let service = service().await;
    let options = patchbay_practice::Options { port: service.addr().port(), ..Default::default() };
    let error = patchbay_practice::start(options).await.expect_err("it is taken");
    assert!(matches!(error, patchbay_practice::PracticeError::PortTaken(port) if port == service.addr().port()));
}
