//! A server that does exactly as told, byte by byte, and two that behave well.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

/// A part of an answer, its head included.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// These bytes.
    Say(Vec<u8>),
    /// Nothing for so many milliseconds.
    Wait(u64),
    /// Nothing until the caller hangs up.
    Hang,
    /// This again and again, with so many milliseconds in between, until the caller hangs up.
    Forever(&'static str, u64),
    /// What comes in here, as it comes, until nobody can send any more.
    Pass(Arc<Mutex<mpsc::UnboundedReceiver<String>>>),
}

/// An answer; after its last step the connection is closed.
pub(crate) type Answer = Vec<Step>;

/// A request as it came: head and body.
#[derive(Debug, Clone)]
pub(crate) struct Asked(pub(crate) String);

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().take_while(|line| !line.is_empty()).find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The JSON-RPC method; empty where there is none.
    pub(crate) fn rpc(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    /// The JSON-RPC id.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].to_string()
    }

    /// The body; null where it is no JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let body = self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }
}

/// Starts a server on this computer; the address of its MCP endpoint.
pub(crate) async fn serve(rule: impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    serve_at(listener, rule);
    url
}

/// Starts a server where somebody listens.
pub(crate) fn serve_at(listener: TcpListener, rule: impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let rule = rule.clone();
            tokio::spawn(async move {
                let answer = rule(&read(&mut stream).await);
                // The caller may hang up at any step.
                let _ = write(&mut stream, answer).await;
            });
        }
    });
}

async fn read(stream: &mut TcpStream) -> Asked {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let asked = Asked(String::from_utf8_lossy(&all).into_owned());
        if let Some((_, body)) = asked.0.split_once("\r\n\r\n") {
            let wanted = asked.header("content-length").and_then(|length| length.parse().ok());
            if body.len() >= wanted.unwrap_or(0) {
                return asked;
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return asked,
            Ok(read) => all.extend_from_slice(&piece[..read]),
        }
    }
}

async fn write(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    for step in answer {
        match step {
            Step::Say(bytes) => stream.write_all(&bytes).await?,
            Step::Wait(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Step::Hang => drop(stream.read(&mut [0]).await?),
            Step::Pass(queue) => {
                while let Some(text) = queue.lock().await.recv().await {
                    stream.write_all(text.as_bytes()).await?;
                }
            }
            Step::Forever(text, between) => loop {
                let text = if between == 0 { text.repeat(200) } else { text.to_owned() };
                stream.write_all(text.as_bytes()).await?;
                tokio::time::sleep(Duration::from_millis(between)).await;
            },
        }
    }
    stream.shutdown().await
}

/// A head without a length, to be followed by a body that ends with the connection.
pub(crate) fn head(status: &str, headers: &str) -> Step {
    Step::Say(format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n").into())
}

/// A whole answer.
pub(crate) fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    vec![head(status, &format!("{headers}content-length: {}\r\n", body.len())), Step::Say(body.to_vec())]
}

/// A whole answer in JSON.
pub(crate) fn json(body: impl AsRef<[u8]>) -> Answer {
    http("200 OK", "content-type: application/json\r\n", body)
}

/// A JSON-RPC result for a request.
pub(crate) fn result(asked: &Asked, result: &str) -> Answer {
    json(result_text(asked, result))
}

/// The text of a JSON-RPC result for a request.
pub(crate) fn result_text(asked: &Asked, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, asked.id())
}

/// A JSON-RPC error for a request.
pub(crate) fn error(asked: &Asked, code: i64, message: &str) -> Answer {
    json(error_text(asked, code, message))
}

/// The text of a JSON-RPC error for a request.
pub(crate) fn error_text(asked: &Asked, code: i64, message: &str) -> String {
    let message = serde_json::Value::from(message);
    format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":{code},"message":{message}}}}}"#, asked.id())
}

/// The result of `initialize` of a server of the older generations that offers tools.
pub(crate) const INITIALIZED: &str =
    r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}"#;

/// A well-behaved server of the older generations.
pub(crate) fn legacy(asked: &Asked) -> Answer {
    match asked.rpc().as_str() {
        "server/discover" => http("400 Bad Request", "", "no session"),
        "initialize" => {
            let result = result_text(asked, INITIALIZED);
            let events = format!(
                "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}}\n\ndata: {result}\n\n"
            );
            http("200 OK", "content-type: text/event-stream\r\nmcp-session-id: s1\r\n", events)
        }
        "notifications/initialized" => http("202 Accepted", "", ""),
        _ if asked.0.starts_with("DELETE") => http("202 Accepted", "", ""),
        _ if asked.header("mcp-session-id") != Some("s1") => http("404 Not Found", "", ""),
        "tools/list" => result(asked, r#"{"tools":[{"name":"whoami"},{"name":"b"}]}"#),
        _ => result(asked, r#"{"content":[]}"#),
    }
}

/// A well-behaved server of the newest generation.
pub(crate) fn modern(asked: &Asked) -> Answer {
    if asked.header("mcp-protocol-version") != Some("2026-07-28") {
        return http("400 Bad Request", "", "");
    }
    match asked.rpc().as_str() {
        "server/discover" => result(
            asked,
            r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"new","version":"2"}}"#,
        ),
        "tools/list" => result(asked, r#"{"tools":[{"name":"whoami"}]}"#),
        "tools/call" if asked.header("mcp-name") == Some("whoami") => result(asked, r#"{"content":[]}"#),
        _ => http("400 Bad Request", "", ""),
    }
}

/// The older server, but for one method.
pub(crate) fn but(asked: &Asked, method: &str, answer: impl FnOnce() -> Answer) -> Answer {
    if asked.rpc() == method { answer() } else { legacy(asked) }
}
