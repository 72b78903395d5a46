//! The floor: the same calls in the same session over one connection that is kept alive, with no library in between.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// An open session.
pub(super) struct Direct {
    stream: BufReader<TcpStream>,
    head: String,
    session: Option<String>,
}

impl Direct {
    /// Opens a session as the bridge's client does.
    pub(super) async fn open(url: &str, authorization: &str) -> Result<Self> {
        let host = url.trim_start_matches("http://").trim_end_matches("/mcp");
        let stream = BufReader::new(TcpStream::connect(host).await?);
        stream.get_ref().set_nodelay(true)?;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n"
        );
        let mut direct = Self { stream, head, session: None };
        let client = json!({ "name": "bench", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        let opened =
            direct.post(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })).await?;
        ensure!(opened.contains("\"result\""), "{opened}");
        direct.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(direct)
    }

    /// How long each of `count` calls takes, after some that are not counted.
    pub(super) async fn calls(&mut self, warm_up: usize, count: usize) -> Result<Vec<Duration>> {
        let params = json!({ "name": "whoami", "arguments": {} });
        let mut times = Vec::new();
        for n in 0..warm_up + count {
            let call = json!({ "jsonrpc": "2.0", "id": n + 1, "method": "tools/call", "params": params });
            let begun = Instant::now();
            let answer = self.post(&call).await?;
            let text = answer.lines().find_map(|line| line.strip_prefix("data: {")).map(|rest| format!("{{{rest}"));
            let value: Value = serde_json::from_str(text.as_deref().unwrap_or(&answer)).context("JSON")?;
            if n >= warm_up {
                times.push(begun.elapsed());
            }
            ensure!(value.get("result").is_some(), "{answer}");
        }
        Ok(times)
    }

    async fn post(&mut self, message: &Value) -> Result<String> {
        let body = message.to_string();
        let session = self
            .session
            .as_deref()
            .map_or_else(String::new, |id| format!("Mcp-Session-Id: {id}\r\nMcp-Protocol-Version: 2025-06-18\r\n"));
        let request = format!("{}{session}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<String> {
        let (mut length, mut chunked, mut line, mut body) = (0, false, String::new(), Vec::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line).await? > 0, "the service hung up");
            if line == "\r\n" {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse()?,
                ("transfer-encoding", "chunked") => chunked = true,
                ("mcp-session-id", value) => self.session = Some(value.to_owned()),
                _ => {}
            }
        }
        while chunked {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            let mut piece = vec![0; size + 2];
            self.stream.read_exact(&mut piece).await?;
            body.extend_from_slice(&piece[..size]);
            chunked = size > 0;
        }
        let mut rest = vec![0; length];
        self.stream.read_exact(&mut rest).await?;
        body.extend_from_slice(&rest);
        Ok(String::from_utf8(body)?)
    }
}
