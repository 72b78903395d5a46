//! The floors: the same calls in the same session with no bridge in between, over connections that are kept alive. Once by
//! the library that the bridge uses, and once over a bare socket, which is what no HTTP client can beat. Neither has an app
//! behind pipes, which costs every bridge two more changes between programs: [`relay`] is the least that can.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Client, Endpoint, Method, Timeouts, read_bounded};
use tokio::runtime::Runtime;

use super::talk::{INITIALIZE, INITIALIZED, answered, call};

/// The event or the body that a server answers with.
fn message(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(text)
}

/// Posts each line of standard input by the library and writes what is answered, one after the other: a bridge that
/// knows nothing of what it carries.
pub(crate) fn relay(url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let caller = Caller::to(url)?;
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = runtime.block_on(caller.post(line?))?;
        if !answer.is_empty() {
            output.write_all(format!("{}\n", message(&answer)).as_bytes())?;
            output.flush()?;
        }
    }
    Ok(())
}

/// A session over a bare socket.
pub(super) struct Socket {
    stream: BufReader<TcpStream>,
    head: String,
    next: usize,
}

impl Socket {
    /// Opens a session.
    pub(super) fn open(url: &str) -> Result<Self> {
        let (host, path) = url.trim_start_matches("http://").split_once('/').context("an address")?;
        let stream = BufReader::new(TcpStream::connect(host)?);
        stream.get_ref().set_nodelay(true)?;
        let accept = "application/json, text/event-stream";
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: {accept}\r\n\
             Mcp-Session-Id: one\r\nMcp-Protocol-Version: 2025-06-18\r\n"
        );
        let mut socket = Self { stream, head, next: 1 };
        answered(message(&socket.post(INITIALIZE)?))?;
        socket.post(INITIALIZED)?;
        Ok(socket)
    }

    /// Makes one call; how long it took.
    pub(super) fn call(&mut self) -> Result<Duration> {
        let (id, begun) = (self.next, Instant::now());
        self.next += 1;
        let answer = self.post(&call(id))?;
        ensure!(answered(message(&answer))? == id, "it answers something else");
        Ok(begun.elapsed())
    }

    fn post(&mut self, body: &str) -> Result<String> {
        let request = format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the service hung up");
            if line == "\r\n" {
                break;
            }
            let header = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            length = header.map_or(Ok(length), |(_, value)| value.trim().parse())?;
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(String::from_utf8(body)?)
    }
}

/// A session by an HTTP library.
pub(super) struct Library {
    runtime: Runtime,
    caller: Caller,
}

/// Cheap to clone; connections are shared.
#[derive(Clone)]
struct Caller {
    client: Client,
    endpoint: Endpoint,
    headers: HeaderMap,
    next: Arc<AtomicUsize>,
}

impl Library {
    /// Opens a session.
    pub(super) fn open(url: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let caller = Caller::to(url)?;
        answered(message(&runtime.block_on(caller.post(INITIALIZE.to_owned()))?))?;
        runtime.block_on(caller.post(INITIALIZED.to_owned()))?;
        Ok(Self { runtime, caller })
    }

    /// Makes one call; how long it took.
    pub(super) fn call(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.runtime.block_on(self.caller.call())?;
        Ok(begun.elapsed())
    }

    /// Keeps so many calls in flight for a while; how many were answered.
    pub(super) fn burst(&mut self, in_flight: usize, time: Duration) -> Result<(usize, Duration)> {
        let begun = Instant::now();
        let done = self.runtime.block_on(async {
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..in_flight {
                let caller = self.caller.clone();
                callers.spawn(async move {
                    let mut done = 0;
                    while begun.elapsed() < time {
                        caller.call().await?;
                        done += 1;
                    }
                    anyhow::Ok(done)
                });
            }
            callers.join_all().await.into_iter().sum::<Result<usize>>()
        })?;
        Ok((done, begun.elapsed()))
    }
}

impl Caller {
    fn to(url: &str) -> Result<Self> {
        let endpoint = Endpoint::new(url)?;
        let client = Client::for_endpoint(&endpoint, Timeouts::default())?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert("mcp-session-id", HeaderValue::from_static("one"));
        headers.insert("mcp-protocol-version", HeaderValue::from_static("2025-06-18"));
        Ok(Self { client, endpoint, headers, next: Arc::new(AtomicUsize::new(1)) })
    }

    async fn call(&self) -> Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = self.post(call(id)).await?;
        ensure!(answered(message(&answer))? == id, "it answers something else");
        Ok(())
    }

    async fn post(&self, body: String) -> Result<String> {
        let sent = self.client.send(&self.endpoint, Method::POST, Some(body.into()), &self.headers).await;
        let response = sent.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let body = read_bounded(response, 1 << 20).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(String::from_utf8(body.into())?)
    }
}
