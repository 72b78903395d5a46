//! A running service, and requests to it in a line.

use patchbay_practice::{Options, Running, start};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const ALL: &[&str] = &["profile:read", "notes:read", "notes:write"];
pub(crate) const MODERN: &str = "2026-07-28";

/// A service in memory.
pub(crate) async fn service() -> Running {
    start(Options::default()).await.expect("the service starts")
}

/// A client that follows no redirect and asks no proxy.
pub(crate) fn client() -> Client {
    let policy = reqwest::redirect::Policy::none();
    Client::builder().redirect(policy).no_proxy().build().expect("a client")
}

pub(crate) fn request(service: &Running, method: Method, path: &str) -> RequestBuilder {
    client().request(method, format!("http://{}{path}", service.addr()))
}

/// Sends a form, as the page does.
pub(crate) async fn send_form(request: RequestBuilder, form: &'static str) -> Response {
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    request.send().await.expect("an answer")
}

/// Makes a token; its id and value.
pub(crate) async fn token(service: &Running, scopes: &[&str]) -> (String, String) {
    let body = json!({ "name": "test", "scopes": scopes, "lifetime_seconds": 3600 });
    let answer = request(service, Method::POST, "/api/tokens").json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let made: Value = answer.json().await.expect("JSON");
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("id"), text("token"))
}

/// A request of the newer protocol: everything is in the one message.
pub(crate) async fn modern(service: &Running, token: &str, method: &str, mut params: Value) -> Response {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut headers = headers(&[("mcp-protocol-version", MODERN), ("mcp-method", method)]);
    if let Some(name) = params["name"].as_str() {
        headers.insert("mcp-name", HeaderValue::from_str(name).expect("a header"));
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    mcp(service, Some(token), headers, &body).await
}

/// Calls a tool in the newer protocol.
pub(crate) async fn call(service: &Running, token: &str, tool: &str, arguments: Value) -> Response {
    modern(service, token, "tools/call", json!({ "name": tool, "arguments": arguments })).await
}

/// Posts one message to the MCP endpoint.
pub(crate) async fn mcp(service: &Running, token: Option<&str>, headers: HeaderMap, body: &Value) -> Response {
    let mut request = request(service, Method::POST, "/mcp").headers(headers).json(body);
    request = request.header("accept", "application/json, text/event-stream");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("an answer")
}

pub(crate) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
    };
    pairs.iter().map(pair).collect()
}

pub(crate) fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The last message of an answer that comes as JSON or as an event stream.
pub(crate) async fn message(answer: Response) -> Value {
    let stream = header(&answer, "content-type").starts_with("text/event-stream");
    let text = answer.text().await.expect("a body");
    let data = if stream {
        text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().expect("an event").to_owned()
    } else {
        text
    };
    serde_json::from_str(&data).expect("JSON")
}
