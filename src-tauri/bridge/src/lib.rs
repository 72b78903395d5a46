//! Carries MCP between an app's stdio and a service's Streamable HTTP, in both generations of the protocol.
//!
//! Messages are the app's and the server's own bytes: only a small envelope is looked at, nothing is written anew, so
//! unknown fields pass through. Standard output is protocol only. The token is asked of a [`Source`] at the start, and
//! once more whenever the service answers 401, so a renewed token takes effect without a restart. Every request gets an
//! answer: the service's, or a JSON-RPC error in plain words.

mod answer;
mod carry;
mod envelope;
mod listen;
mod session;
pub mod stdio;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::Error;
use patchbay_core::wire::Endpoint;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use carry::Carrier;
use envelope::Envelope;

/// The largest message, either way, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Requests in flight at once.
const MOST_AT_ONCE: usize = 256;
/// How long requests in flight may go on when the app has hung up.
const FAREWELL: Duration = Duration::from_secs(10);

/// Where the endpoint and its token come from; may block for as long as a keychain takes.
pub type Source = Arc<dyn Fn() -> Result<Endpoint, Error> + Send + Sync>;

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
    input: impl tokio::io::AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    source: Source,
    observer: Observer,
) {
    let (lines, queue) = mpsc::channel(64);
    let writer = tokio::spawn(write(output, queue));
    let carrier = Arc::new(Carrier::new(source, observer, lines));
    let mut running = JoinSet::new();
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    loop {
        match read_line(&mut input).await {
            Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Some(line)) => take(&carrier, line, &mut running, &places).await,
            Ok(None) => break,
            Err(too_large) => carrier.refuse_line(&too_large).await,
        }
        while running.try_join_next().is_some() {}
    }
    let rest = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, rest).await.is_err() {
        tracing::warn!("the app hung up while requests were under way");
    }
    running.shutdown().await;
    carrier.end().await;
    drop(carrier);
    // The last answers are written before the program ends.
    let _ = tokio::time::timeout(FAREWELL, writer).await;
}

/// Starts carrying one message; what begins a session is finished before the next message is read.
async fn take(carrier: &Arc<Carrier>, line: Bytes, running: &mut JoinSet<()>, places: &Arc<Semaphore>) {
    let envelope = Envelope::of(&line);
    if envelope.begins_session() {
        carrier.carry(line, envelope).await;
        return;
    }
    let Ok(place) = places.clone().acquire_owned().await else { return };
    let carrier = carrier.clone();
    running.spawn(async move {
        carrier.carry(line, envelope).await;
        drop(place);
    });
}

/// A line was longer than allowed; the rest of it was skipped.
struct TooLarge;

async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Bytes>, TooLarge> {
    let mut line = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    match input.take(most).read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => return Ok(None),
        Ok(_) => {}
    }
    if line.len() < MOST_BYTES || line.ends_with(b"\n") {
        return Ok(Some(line.into()));
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

async fn write(mut output: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(line) = queue.recv().await {
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            // The app is gone; its standard input will end too.
            return;
        }
    }
}
