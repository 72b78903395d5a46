//! Carries MCP between an app's stdio and a service's Streamable HTTP, in both generations of the protocol.
//!
//! Messages are the app's and the server's own bytes: only a small envelope is looked at, nothing is written anew, so
//! unknown fields pass through. Standard output is protocol only. The token is asked of a [`Source`] at the start, before
//! it ends where that is known, and once more whenever the service answers 401 or misses permissions, so a renewed token
//! or a sign-in takes effect without a restart. Nothing here ever opens a browser. Every request gets one answer and no
//! second one: the service's, or a JSON-RPC error in plain words, in which no token is repeated. Answers that nobody waits
//! for are left out.
//!
//! Memory is bounded, between all generations: an answer of more than 256 KiB is passed on while it comes in, whatever its
//! size; where it pauses for more than 30 seconds it is given up. What must be known as a whole (an answer to `initialize`, a
//! list of tools of the newest generation, its questions to an older app, batches, refusals) has at most 64 MiB, and only one
//! such message of more than 256 KiB is held at a time: the others wait at the service until it is written. A line of the app
//! has at most 64 MiB, and at most 512 of them are under way. Where answers share a stream (2024-11-05), what is too large
//! fails its own request alone.

mod answer;
mod asked;
mod begin;
mod carry;
mod channel;
mod envelope;
mod hold;
mod listen;
mod message;
mod mirror;
mod newest;
mod object;
mod outlet;
mod pace;
mod passage;
mod rename;
mod room;
mod server;
mod session;
pub mod stdio;
mod stream;
mod traffic;
mod trouble;
mod underway;
mod wait;
mod way;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::Error;
use patchbay_core::oauth::Refusal;
use patchbay_core::wire::Endpoint;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use carry::Carrier;
use outlet::Outlet;
use traffic::Traffic;

/// The largest message, either way, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// What ends the beginning of a session.
const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
/// How long requests in flight may go on when the app has hung up, and how long it may take to read the last answers.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long it may all take when the system asks the program to go.
const HASTE: Duration = Duration::from_millis(1500);

/// Where the endpoint and its token come from, given what the service said against the one before; may block for as long
/// as a keychain and a renewal take.
pub type Source = Arc<dyn Fn(Option<&Refusal>) -> Result<Endpoint, Error> + Send + Sync>;

/// Hears of what happens, to keep a record of use.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request was answered by the service.
    Answered,
    /// A request could not be carried; the error's code.
    Failed(String),
}

/// Carries messages until the app hangs up.
pub async fn run(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    source: Source,
    observer: Observer,
) {
    run_until(input, output, source, observer, std::future::pending()).await;
}

/// Carries messages until the app hangs up or `shutdown` ends, as it should when the system asks the program to go:
/// then requests in flight are given up with an error, and the service still hears that the session is over. Apps hang up
/// first and send the signal a moment later: both hold then as well.
pub async fn run_until(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    source: Source,
    observer: Observer,
    shutdown: impl Future<Output = ()>,
) {
    let (outlet, writer) = Outlet::new(output);
    let carrier = Arc::new(Carrier::new(source, observer, outlet));
    let first = tokio::spawn(Carrier::prepare(carrier.clone()));
    let mut traffic = Traffic::new(carrier);
    let mut shutdown = pin!(shutdown);
    let asked_to_go = tokio::select! {
        () = read(input, &mut traffic) => false,
        () = &mut shutdown => true,
    };
    first.abort();
    farewell(traffic, writer, async move {
        if !asked_to_go {
            shutdown.await;
        }
    })
    .await;
}

/// Lets requests in flight come to their end and the app read the last answers, for [`FAREWELL`] each, until `shutdown`
/// ends: from then on requests are given up, and all of it may take [`HASTE`].
async fn farewell(traffic: Traffic, writer: JoinHandle<()>, shutdown: impl Future<Output = ()>) {
    let (go, hurries) = watch::channel(());
    let limit = async {
        if timeout(FAREWELL * 2, shutdown).await.is_ok() {
            drop(go);
            sleep(HASTE).await;
        }
    };
    let patience = timeout(FAREWELL, async move {
        let mut hurries = hurries;
        let _ = hurries.changed().await;
    });
    let last = async {
        traffic.finish(async { drop(patience.await) }).await;
        // The last answers are written before the program ends.
        let _ = writer.await;
    };
    tokio::select! {
        () = last => {}
        () = limit => {}
    }
}

async fn read(input: impl AsyncRead + Unpin, traffic: &mut Traffic) {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    loop {
        match read_line(&mut input).await {
            Ok(Some(line)) if line.is_empty() => {}
            Ok(Some(line)) => traffic.take(line).await,
            Ok(None) => return,
            Err(TooLarge) => traffic.refuse_line().await,
        }
    }
}

/// A line was longer than allowed; the rest of it was skipped.
struct TooLarge;

/// A line without its end and the blanks around it; `None` at the end of the input.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Bytes>, TooLarge> {
    let mut line = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    match input.take(most + 1).read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => return Ok(None),
        Ok(_) => {}
    }
    if line.len() <= MOST_BYTES || line.ends_with(b"\n") {
        let line = Bytes::from(line);
        return Ok(Some(line.slice_ref(line.trim_ascii())));
    }
    loop {
        line.clear();
        match input.take(most).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Err(TooLarge),
            Ok(_) if line.ends_with(b"\n") => return Err(TooLarge),
            Ok(_) => {}
        }
    }
}
