//! The layered live check: "working" means working.
//!
//! Name, connect, TLS, sign-in, handshake, tools, one harmless call: each layer has its own mark and time. The first
//! layer that fails decides the verdict, also where the whole takes too long. Bodies and times are bounded; a token never
//! goes to another origin and never comes back in a report; a probe may be dropped at any point.

mod cause;
mod challenge;
mod channel;
mod curl;
mod events;
mod exchange;
mod http;
mod judge;
mod line;
mod network;
mod reach;
mod report;
mod speaks;
mod tools;
mod words;

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::catalog::ToolCall;
use crate::wire::{Client, Endpoint, Timeouts, seconds_until, veil};

pub use cause::Cause;
pub use curl::curl;
pub(crate) use exchange::server_info;
pub(crate) use judge::refuses;
pub use report::{Explained, Layer, LayerKind, Mark, Report, ServerInfo, Verdict};
pub use speaks::{Generation, Speaks};
pub(crate) use tools::asks_back;
pub(crate) use words::OfSignIn;

/// How much a check may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For each network layer.
    pub connect: Duration,
    /// For each exchange.
    pub exchange: Duration,
    /// For the first call in the newest protocol, which some older servers leave unanswered.
    pub discover: Duration,
    /// For all of it together.
    pub whole: Duration,
    /// Bytes of an answer.
    pub body: usize,
    /// Pages of the tool list.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(8),
            exchange: Duration::from_secs(15),
            discover: Duration::from_secs(5),
            whole: Duration::from_secs(45),
            body: 4 * 1024 * 1024,
            pages: 100,
        }
    }
}

/// What to check.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Where, with which token.
    pub endpoint: Endpoint,
    /// A tool that only reads.
    pub tool: Option<ToolCall>,
    /// Whether a token is sent.
    pub has_token: bool,
    /// What is tried, of all ways to speak to a server.
    pub speaks: Speaks,
    /// How much it may take.
    pub limits: Limits,
}

/// The layers so far, told as they come.
struct Layers<F: Fn(&Layer)> {
    done: Vec<Layer>,
    since: Instant,
    tell: F,
}

impl<F: Fn(&Layer)> Layers<F> {
    fn mark(&mut self, kind: LayerKind, mark: Mark, detail: Option<String>) {
        self.add(Layer { kind, mark, millis: millis(self.since), detail, cause: None });
    }

    fn add(&mut self, layer: Layer) {
        let millis = if layer.mark == Mark::Skipped { 0 } else { layer.millis };
        let layer = Layer { millis, ..layer };
        (self.tell)(&layer);
        self.done.push(layer);
        self.since = Instant::now();
    }

    /// It went well, with something to know.
    fn warn(&mut self, kind: LayerKind, cause: Cause, detail: Option<String>) {
        self.add(Layer { kind, mark: Mark::Warned, millis: millis(self.since), detail, cause: Some(cause) });
    }

    fn pass(&mut self, kind: LayerKind) {
        self.mark(kind, Mark::Passed, None);
    }

    fn skip(&mut self, kind: LayerKind, why: &str) {
        self.mark(kind, Mark::Skipped, Some(why.to_owned()));
    }

    /// The whole check's time is over at the layer reached. Signing in is part of the handshake's exchange.
    fn too_slow(&self) -> Stop {
        let passed = |kind: &LayerKind| self.done.iter().any(|layer| layer.kind == *kind);
        let reached = LayerKind::ALL.into_iter().find(|kind| !passed(kind) && *kind != LayerKind::SignIn);
        match reached.unwrap_or(LayerKind::Call) {
            LayerKind::Name => Stop::because(Cause::NameUnanswered, LayerKind::Name),
            LayerKind::Connect => Stop::because(Cause::NoAnswer, LayerKind::Connect),
            LayerKind::Tls => Stop::because(Cause::TlsSlow, LayerKind::Tls),
            layer => Stop::because(Cause::Slow, layer),
        }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Why a check ended early.
#[derive(Debug)]
struct Stop {
    verdict: Verdict,
    layer: LayerKind,
    detail: Option<String>,
    cause: Option<Cause>,
    missing_right: Option<String>,
    /// As the service wrote it.
    retry_after: Option<String>,
    status: Option<u16>,
}

impl Stop {
    /// One whose verdict says it all.
    fn new(verdict: Verdict, layer: LayerKind) -> Self {
        Self { verdict, layer, detail: None, cause: None, missing_right: None, retry_after: None, status: None }
    }

    /// One whose cause is finer than its verdict.
    fn because(cause: Cause, layer: LayerKind) -> Self {
        Self { cause: Some(cause), ..Self::new(cause.verdict(), layer) }
    }

    fn words(self, words: Option<String>) -> Self {
        Self { detail: words.filter(|words| !words.is_empty()), ..self }
    }

    /// Without what a token might be in: the last look before it is told.
    fn veiled(self, endpoint: &Endpoint) -> Self {
        let veiled = |text: Option<String>| text.map(|text| veil(&text, std::slice::from_ref(endpoint)));
        Self { detail: veiled(self.detail), missing_right: veiled(self.missing_right), ..self }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Checks an endpoint within its limits; `tell` hears of each layer as it is known.
pub async fn probe(probe: &Probe, now: Timestamp, tell: impl Fn(&Layer)) -> Report {
    probe_and_place(probe, now, tell).await.0
}

/// The same, with the server's generation where the handshake went well.
pub(crate) async fn probe_and_place(
    probe: &Probe,
    now: Timestamp,
    tell: impl Fn(&Layer),
) -> (Report, Option<Generation>) {
    let begun = Instant::now();
    let mut layers = Layers { done: Vec::new(), since: begun, tell };
    let mut found = exchange::Found::default();
    let stop = run(probe, &mut layers, &mut found).await.err().map(|stop| stop.veiled(&probe.endpoint));
    let generation = found.generation;
    (report(layers, found, stop, now, millis(begun)), generation)
}

/// The report of what is not asked over the network at all.
pub(crate) fn not_tried_at_all(now: Timestamp) -> Report {
    let layers = Layers { done: Vec::new(), since: Instant::now(), tell: |_: &Layer| {} };
    Report { verdict: Verdict::NotTried, ..report(layers, exchange::Found::default(), None, now, 0) }
}

/// The report of what was not tried, and why.
pub(crate) fn not_tried(verdict: Verdict, layer: LayerKind, why: String, now: Timestamp) -> Report {
    let layers = Layers { done: Vec::new(), since: Instant::now(), tell: |_: &Layer| {} };
    report(layers, exchange::Found::default(), Some(Stop::new(verdict, layer).detail(why)), now, 0)
}

fn report<F: Fn(&Layer)>(
    mut layers: Layers<F>,
    found: exchange::Found,
    stop: Option<Stop>,
    at: Timestamp,
    millis: u64,
) -> Report {
    if let Some(stop) = &stop {
        let (kind, detail, cause) = (stop.layer, stop.detail.clone(), stop.cause);
        layers.add(Layer { kind, mark: Mark::Failed, millis: self::millis(layers.since), detail, cause });
    }
    let reached: Vec<_> = layers.done.iter().map(|layer| layer.kind).collect();
    for kind in LayerKind::ALL.into_iter().filter(|kind| !reached.contains(kind)) {
        layers.mark(kind, Mark::Skipped, None);
    }
    let mut done = layers.done;
    done.sort_by_key(|layer| layer.kind);
    let stop = stop.unwrap_or_else(|| Stop::new(Verdict::Working, LayerKind::Call));
    Report {
        verdict: stop.verdict,
        layers: done,
        at,
        millis,
        server: found.server,
        protocol: found.protocol,
        tools: found.tools,
        detail: stop.detail,
        missing_right: stop.missing_right,
        retry_after: stop.retry_after.and_then(|when| seconds_until(&when, at)),
        status: stop.status,
        explained: None,
    }
}

/// Checks how an endpoint is reached, and asks it nothing: name, connection, TLS.
pub async fn reach(probe: &Probe, now: Timestamp) -> Report {
    let begun = Instant::now();
    let mut layers = Layers { done: Vec::new(), since: begun, tell: |_: &Layer| {} };
    let walked = tokio::time::timeout(probe.limits.whole, network::walk(probe, &mut layers)).await;
    let stop = walked.unwrap_or_else(|_| Err(layers.too_slow())).err().map(|stop| stop.veiled(&probe.endpoint));
    report(layers, exchange::Found::default(), stop, now, millis(begun))
}

async fn run<F: Fn(&Layer)>(probe: &Probe, layers: &mut Layers<F>, found: &mut exchange::Found) -> Result<(), Stop> {
    let deadline = tokio::time::Instant::now() + probe.limits.whole;
    let below = tokio::time::timeout_at(deadline, network::walk(probe, layers)).await;
    below.unwrap_or_else(|_| Err(layers.too_slow()))?;
    let timeouts = Timeouts { connect: probe.limits.connect, read: Some(probe.limits.exchange) };
    let client = Client::for_endpoint(&probe.endpoint, timeouts)
        .map_err(|error| Stop::new(Verdict::TlsNotTrusted, LayerKind::Tls).detail(error.message))?;
    exchange::talk(probe, &client, layers, found, deadline).await
}
