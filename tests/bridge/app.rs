//! An app: it writes lines to the bridge and reads lines from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchbay_bridge::{Event, Observer, Source, run_until};
use patchbay_core::connection::AuthHeader;
use patchbay_core::oauth::Refusal;
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Error, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, duplex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A keychain that the test can change under the running bridge.
#[derive(Clone)]
pub(crate) struct Keychain {
    now: Arc<Mutex<Result<Endpoint>>>,
    reads: Arc<AtomicUsize>,
    refusals: Arc<Mutex<Vec<Refusal>>>,
    takes: Duration,
}

impl Keychain {
    /// A service's address without a token.
    pub(crate) fn open(url: &str) -> Self {
        Self::with(Endpoint::new(url))
    }

    /// A service's address with a token.
    pub(crate) fn holding(url: &str, token: &str) -> Self {
        Self::with(endpoint(url, token))
    }

    /// Whatever a keychain answers.
    pub(crate) fn with(answer: Result<Endpoint>) -> Self {
        Self {
            now: Arc::new(Mutex::new(answer)),
            reads: Arc::default(),
            refusals: Arc::default(),
            takes: Duration::ZERO,
        }
    }

    /// The same, taking so long to answer.
    pub(crate) fn slow(self, milliseconds: u64) -> Self {
        Self { takes: Duration::from_millis(milliseconds), ..self }
    }

    /// Puts another token in.
    pub(crate) fn renew(&self, url: &str, token: &str) {
        *self.now.lock().expect("nobody panicked") = endpoint(url, token);
    }

    /// Answers something else from now on.
    pub(crate) fn answer(&self, answer: Result<Endpoint>) {
        *self.now.lock().expect("nobody panicked") = answer;
    }

    /// What the service said against its tokens.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().expect("nobody panicked").clone()
    }

    /// How often it was read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn source(&self) -> Source {
        let own = self.clone();
        Arc::new(move |refusal: Option<&Refusal>| {
            own.refusals.lock().expect("nobody panicked").extend(refusal.cloned());
            own.reads.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(own.takes);
            own.now.lock().expect("nobody panicked").clone().map_err(|error: Error| error)
        })
    }
}

pub(crate) fn endpoint(url: &str, token: &str) -> Result<Endpoint> {
    Endpoint::new(url)?.with_auth(&AuthHeader::default(), &Secret::new(token))
}

/// An app with a running bridge.
pub(crate) struct App {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    bridge: JoinHandle<()>,
    please_go: Arc<Notify>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl App {
    /// Starts a bridge.
    pub(crate) fn start(keychain: &Keychain) -> Self {
        let (input, bridge_input) = duplex(1 << 20);
        let (bridge_output, output) = duplex(1 << 20);
        let (events, please_go) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let (heard, go) = (events.clone(), please_go.clone());
        let observer: Observer = Arc::new(move |event| heard.lock().expect("nobody panicked").push(event));
        let source = keychain.source();
        let bridge = tokio::spawn(async move {
            run_until(bridge_input, bridge_output, source, observer, go.notified()).await;
        });
        Self { input, output: BufReader::new(output).lines(), bridge, please_go, events }
    }

    /// Writes a line.
    pub(crate) async fn say(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).await.expect("the bridge listens");
        self.input.write_all(b"\n").await.expect("the bridge listens");
    }

    /// The next line, as it is.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(10), self.output.next_line()).await;
        line.expect("a line comes in time").expect("the bridge writes").expect("the bridge lives")
    }

    /// The next line, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Writes a request and reads the next line.
    pub(crate) async fn ask(&mut self, line: &str) -> Value {
        self.say(line).await;
        self.json().await
    }

    /// Writes a request without parameters and reads the next line.
    pub(crate) async fn request(&mut self, id: u32, method: &str) -> Value {
        self.ask(&request(id, method)).await
    }

    /// Begins a session of an older generation.
    pub(crate) async fn begin(&mut self) -> Value {
        let answer = self.ask(INITIALIZE).await;
        self.say(INITIALIZED).await;
        answer
    }

    /// Hangs up, and waits until the bridge has ended; the lines that were still to come.
    pub(crate) async fn hang_up(mut self) -> Vec<String> {
        drop(self.input);
        let mut rest = Vec::new();
        let read = async {
            while let Some(line) = self.output.next_line().await.expect("the bridge writes") {
                rest.push(line);
            }
        };
        tokio::time::timeout(Duration::from_secs(30), read).await.expect("the bridge hangs up in time");
        ended(self.bridge).await;
        rest
    }

    /// Asks the bridge to go, as the system does with a signal, and waits until it has; the lines that were still to come.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        self.please_go.notify_one();
        ended(self.bridge).await;
        let mut rest = Vec::new();
        while let Some(line) = self.output.next_line().await.expect("text") {
            rest.push(line);
        }
        rest
    }

    /// Hangs up and asks the bridge to go `after` a while, as apps do; the lines that were still to come.
    pub(crate) async fn hang_up_and_stop(self, after: Duration) -> Vec<String> {
        let please_go = self.please_go.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            please_go.notify_one();
        });
        self.hang_up().await
    }

    /// What the bridge told its observer.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("nobody panicked").clone()
    }
}

async fn ended(bridge: JoinHandle<()>) {
    tokio::time::timeout(Duration::from_secs(5), bridge)
        .await
        .expect("the bridge ends in time")
        .expect("without panic");
}

/// The first words of an older generation.
pub(crate) const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#
);

/// The words after them.
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A request without parameters.
pub(crate) fn request(id: u32, method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)
}

/// A request of the newest generation.
pub(crate) fn modern(id: u32, method: &str, params: &str) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{meta}{params}}}}}"#)
}
