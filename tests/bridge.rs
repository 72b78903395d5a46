//! The bridge, over in-memory pipes, against a real service and one that misbehaves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchbay_bridge::{Event, Source, run};
use patchbay_core::connection::AuthHeader;
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error};
use patchbay_practice::{Options, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use wiremock::matchers::{body_partial_json, header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct App {
    input: WriteHalf<DuplexStream>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
}

impl App {
    fn start(source: Source) -> Self {
        let (app, bridge) = tokio::io::duplex(1 << 20);
        let (lines, input) = tokio::io::split(app);
        let (from, to) = tokio::io::split(bridge);
        tokio::spawn(run(from, to, source, Arc::new(|_: Event| {})));
        Self { input, lines: BufReader::new(lines).lines() }
    }

    async fn say(&mut self, text: &str) {
        self.input.write_all(format!("{text}\n").as_bytes()).await.expect("it listens");
    }

    async fn hear_text(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(10), self.lines.next_line()).await;
        line.expect("in time").expect("no error").expect("a line")
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.hear_text().await).expect("JSON")
    }

    async fn ask(&mut self, id: u32, method: &str, params: Value) -> Value {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await;
        self.hear().await
    }

    async fn open(&mut self) -> Value {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let answer = self.ask(0, "initialize", params).await;
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        answer
    }
}

fn plain(url: String) -> Source {
    Arc::new(move || Endpoint::new(&url))
}

fn with_token(url: String, token: Arc<Mutex<String>>, asked: Arc<AtomicUsize>) -> Source {
    Arc::new(move || {
        asked.fetch_add(1, Ordering::SeqCst);
        let token = Secret::new(token.lock().expect("a token").clone());
        Endpoint::new(&url)?.with_auth(&AuthHeader::default(), &token)
    })
}

/// A token of the practice service: id and value.
async fn token(practice: &Running) -> (String, String) {
    let body = json!({ "name": "t", "scopes": ["profile:read"], "lifetime_seconds": 3600 });
    let made: Value = serde_json::from_str(&post(practice, "/api/tokens", &body).await).expect("JSON");
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("id"), text("token"))
}

async fn post(practice: &Running, path: &str, body: &Value) -> String {
    let (host, body) = (practice.addr(), body.to_string());
    let mut stream = tokio::net::TcpStream::connect(host).await.expect("it listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_token_takes_effect_without_a_restart() {
    let practice = patchbay_practice::start(Options::default()).await.expect("it starts");
    let (old_id, old) = token(&practice).await;
    let (now, asked) = (Arc::new(Mutex::new(old)), Arc::new(AtomicUsize::new(0)));
    let mut app = App::start(with_token(practice.mcp_url(), now.clone(), asked.clone()));
    assert!(app.open().await["result"]["serverInfo"]["name"].is_string());
    let whoami = || json!({ "name": "whoami", "arguments": {} });
    assert!(app.ask(1, "tools/call", whoami()).await["result"]["content"].is_array());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the token is read once");

    post(&practice, &format!("/api/tokens/{old_id}/revoke"), &json!({})).await;
    let refused = app.ask(2, "tools/call", whoami()).await;
    assert_eq!(refused["error"]["data"]["code"], "token_refused");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "and once more when it is refused");

    *now.lock().expect("a token") = token(&practice).await.1;
    assert!(app.ask(3, "tools/call", whoami()).await["result"]["content"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_generation_passes_with_its_routing_headers() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_raw(
        "{\"jsonrpc\":\"2.0\",\n \"id\":7,\"result\":{\"x-unknown\":{\"kept\":1.50}}}\n",
        "application/json",
    );
    Mock::given(method("POST"))
        .and(header("mcp-protocol-version", "2026-07-28"))
        .and(header("mcp-method", "tools/call"))
        .and(header("mcp-name", "a tool"))
        .and(body_partial_json(json!({ "x-own": [1] })))
        .respond_with(answer)
        .mount(&server)
        .await;
    let mut app = App::start(plain(server.uri()));
    app.say(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","x-own":[1],"params":{"name":"a tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#).await;
    assert_eq!(
        app.hear_text().await,
        "{\"jsonrpc\":\"2.0\",  \"id\":7,\"result\":{\"x-unknown\":{\"kept\":1.50}}}",
        "its own bytes, on one line"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_brings_what_comes_before_the_answer_and_requests_overtake_each_other() {
    let server = MockServer::start().await;
    let events = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    Mock::given(body_partial_json(json!({ "id": 1 })))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(events, "text/event-stream").set_delay(Duration::from_millis(400)),
        )
        .mount(&server)
        .await;
    Mock::given(body_partial_json(json!({ "id": 2 })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "jsonrpc": "2.0", "id": 2, "result": {} })))
        .mount(&server)
        .await;
    let mut app = App::start(plain(server.uri()));
    app.say(r#"{"jsonrpc":"2.0","id":1,"method":"slow"}"#).await;
    app.say(r#"{"jsonrpc":"2.0","id":2,"method":"fast"}"#).await;
    assert_eq!(app.hear().await["id"], 2);
    assert_eq!(app.hear().await["method"], "notifications/progress");
    assert_eq!(app.hear().await["id"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_elsewhere_never_carries_the_token() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", other.uri().as_str()))
        .mount(&server)
        .await;
    let token = Arc::new(Mutex::new("canary-token".to_owned()));
    let mut app = App::start(with_token(server.uri(), token, Arc::default()));
    let answer = app.ask(1, "initialize", json!({})).await;
    assert_eq!(answer["error"]["data"]["code"], "wrong_address");
    assert!(other.received_requests().await.expect("recorded").is_empty());
    assert!(!answer.to_string().contains("canary-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_an_answer_in_words_and_the_bridge_goes_on() {
    let server = MockServer::start().await;
    for (name, template) in [
        ("html", ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html")),
        ("missing", ResponseTemplate::new(404)),
        ("forbidden", ResponseTemplate::new(403).set_body_json(json!({ "message": "needs inbox:read" }))),
        ("fault", ResponseTemplate::new(503)),
        (
            "own",
            ResponseTemplate::new(400)
                .set_body_json(json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32022, "message": "version" } })),
        ),
    ] {
        Mock::given(body_partial_json(json!({ "method": name }))).respond_with(template).mount(&server).await;
    }
    let mut app = App::start(plain(server.uri()));
    for (name, code) in
        [("html", "not_mcp"), ("missing", "wrong_address"), ("forbidden", "not_allowed"), ("fault", "service_error")]
    {
        let answer = app.ask(1, name, json!({})).await;
        assert_eq!(answer["error"]["data"]["code"], code, "{answer}");
    }
    assert_eq!(app.ask(1, "own", json!({})).await["error"]["code"], -32022, "a server's own error passes");
    app.say("this is no JSON").await;
    assert_eq!(app.hear().await["error"]["code"], -32700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_asked_again_at_the_next_request() {
    let practice = patchbay_practice::start(Options::default()).await.expect("it starts");
    let ready = Arc::new(AtomicUsize::new(0));
    let (url, value, locked) = (practice.mcp_url(), token(&practice).await.1, ready.clone());
    let mut app = App::start(Arc::new(move || {
        if locked.load(Ordering::SeqCst) == 0 {
            return Err(Error::new(Code::KeychainLocked, "The keychain is locked."));
        }
        Endpoint::new(&url)?.with_auth(&AuthHeader::default(), &Secret::new(value.clone()))
    }));
    let refused = app.open().await;
    assert_eq!(refused["error"]["data"]["code"], "keychain_locked");
    assert!(refused["error"]["message"].as_str().is_some_and(|words| words.starts_with("The keychain is locked.")));
    ready.store(1, Ordering::SeqCst);
    assert!(app.open().await["result"].is_object());
}
