//! The service that bridges are measured against: a server of the older generations that has nothing to do, in a process
//! of its own, at as many ports as are wanted.
//!
//! `/open/KIND` takes everybody, `/locked/KIND` whoever has the token. The kind is `json` or `sse`, or `wait-N` for JSON
//! after so many milliseconds.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

use crate::say;

const NOTE: &str = "The quick brown fox jumps over the lazy dog, and what it finds there is nobody's business.";

/// Serves until it is killed: reads the token from standard input, says its ports as a JSON array.
pub(crate) async fn serve(ports: &str) -> Result<()> {
    let mut token = String::new();
    std::io::stdin().read_line(&mut token)?;
    let mut said = Vec::new();
    for _ in 0..ports.parse::<usize>().context("a number of ports")? {
        said.push(open(token.trim()).await?.port());
    }
    say(&serde_json::to_string(&said)?);
    std::future::pending().await
}

/// Serves at one port for as long as this process runs.
pub(crate) async fn open(token: &str) -> Result<SocketAddr> {
    let router = axum::Router::new().route("/{door}/{kind}", axum::routing::any(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    // The system may refuse, and then answers are a little later.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
    tokio::spawn(axum::serve(listener, router.with_state(format!("Bearer {token}"))).into_future());
    Ok(at)
}

/// What has to be known of a message.
#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: String,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "protocolVersion")]
    version: Option<String>,
}

async fn answer(
    State(wanted): State<String>,
    Path((door, kind)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let has_token = headers.get(header::AUTHORIZATION).is_some_and(|own| own.as_bytes().starts_with(wanted.as_bytes()));
    if door == "locked" && !has_token {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match method {
        Method::POST => {}
        Method::DELETE => return StatusCode::OK.into_response(),
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
    let Ok(asked) = serde_json::from_slice::<Asked<'_>>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let Some(id) = asked.id else { return StatusCode::ACCEPTED.into_response() };
    if let Some(wait) = kind.strip_prefix("wait-").and_then(|wait| wait.parse().ok()) {
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{}}}", outcome(&asked));
    let (kind, text) = if kind == "sse" {
        ("text/event-stream", format!("event: message\ndata: {text}\n\n"))
    } else {
        ("application/json", text)
    };
    ([(header::CONTENT_TYPE, kind), (header::HeaderName::from_static("mcp-session-id"), "one")], text).into_response()
}

fn outcome(asked: &Asked<'_>) -> String {
    let result = match asked.method.as_str() {
        "initialize" => {
            let version = asked.params.as_ref().and_then(|params| params.version.as_deref()).unwrap_or("2025-06-18");
            let server = r#"{"name":"bench","version":"1"}"#;
            format!(r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{server}}}"#)
        }
        "tools/list" => {
            r#"{"tools":[{"name":"note","description":"A note.","inputSchema":{"type":"object"}}]}"#.to_owned()
        }
        "tools/call" => format!(r#"{{"content":[{{"type":"text","text":"{NOTE}"}}],"isError":false}}"#),
        "ping" => "{}".to_owned(),
        _ => return r#""error":{"code":-32601,"message":"There is no such method."}"#.to_owned(),
    };
    format!("\"result\":{result}")
}
