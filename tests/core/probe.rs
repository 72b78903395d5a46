//! Each case is a server that behaves in one way, and the verdict that tells the truth about it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use patchbay_core::catalog::ToolCall;
use patchbay_core::connection::AuthHeader;
use patchbay_core::probe::{LayerKind, Limits, Mark, Probe, Report, Speaks, Verdict, curl, probe};
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use rstest::rstest;

use server::{Answer, Asked, legacy, modern, serve};

/// Checking all connections at once, at the front door.
#[path = "probe/all.rs"]
mod all;
/// Bodies under a good status.
#[path = "probe/bodies.rs"]
mod bodies;
/// Servers of 2024-11-05, which answer on a stream of their own.
#[path = "probe/channel.rs"]
pub(crate) mod channel;
/// Servers that repeat the token wherever they can.
#[path = "probe/echo.rs"]
mod echo;
/// Many services at once, of which some are slow.
#[path = "probe/many.rs"]
mod many;
/// Names, connections, TLS, redirects, deadlines.
#[path = "probe/network.rs"]
mod network;
/// What older servers say to the newest generation's first call.
#[path = "probe/older.rs"]
mod older;
/// Proxies, and certificates of a company's own.
#[path = "probe/proxy.rs"]
mod proxy;
/// What the packs know of refusals.
#[path = "probe/refusals.rs"]
mod refusals;
/// What a person reads of each outcome.
#[path = "probe/said.rs"]
mod said;
/// Every way in which a token is sent: what arrives, what is hidden, what is refused.
#[path = "probe/schemes.rs"]
mod schemes;
/// A server that does exactly as told.
#[path = "probe/server.rs"]
pub(crate) mod server;
/// Servers that do not answer.
#[path = "probe/silence.rs"]
mod silence;
/// What a status says.
#[path = "probe/statuses.rs"]
mod statuses;
/// Answers that come as events.
#[path = "probe/streams.rs"]
mod streams;
/// Texts that are made to mislead.
#[path = "probe/texts.rs"]
mod texts;
/// Servers that answer the handshake and fail later.
#[path = "probe/tools.rs"]
mod tools;

/// An opaque token: nothing in it tells that it is one.
pub(crate) const CANARY: &str = "Zq8vN3/pL+x7Rt2=Wk5yB9mD4hJ6cF1sG0aE";

const OK: &str = "200 OK";
const JSON: &str = "content-type: application/json\r\n";
const EVENTS: &str = "content-type: text/event-stream\r\n";
const PAGE: &str = "<!DOCTYPE html><html><p>Log in";

fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        exchange: Duration::from_millis(600),
        discover: Duration::from_millis(200),
        body: 20_000,
        pages: 3,
        ..Limits::default()
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url).expect("an address").with_auth(&AuthHeader::default(), &Secret::new(CANARY)).expect("a header")
}

fn probe_of(url: &str, token: bool) -> Probe {
    let endpoint = if token { endpoint(url) } else { Endpoint::new(url).expect("an address") };
    let tool = Some(ToolCall { name: "whoami".into(), arguments: serde_json::json!({}), or_else: None });
    Probe { endpoint, tool, has_token: token, speaks: Speaks::ALL, limits: limits() }
}

async fn check(url: &str, token: bool) -> Report {
    probe(&probe_of(url, token), Timestamp::now(), |_| {}).await
}

/// The verdict, and the layer that failed if one did.
fn outcome(report: &Report) -> (Verdict, Option<LayerKind>) {
    let mut failed = report.layers.iter().filter(|layer| layer.mark == Mark::Failed).map(|layer| layer.kind);
    let first = failed.next();
    assert_eq!(failed.next(), None, "one layer decides: {report:?}");
    (report.verdict, first)
}

#[rstest]
#[case::older(legacy, "2025-06-18", 2)]
#[case::newest(modern, "2026-07-28", 1)]
#[tokio::test]
async fn servers_of_both_generations_work(
    #[case] rule: fn(&Asked) -> Answer,
    #[case] protocol: &str,
    #[case] tools: u32,
) {
    let report = check(&serve(rule).await, true).await;
    assert_eq!(report.verdict, Verdict::Working, "{report:?}");
    assert_eq!((report.protocol.as_deref(), report.tools), (Some(protocol), Some(tools)));
    let kinds: Vec<_> = report.layers.iter().map(|layer| layer.kind).collect();
    assert_eq!(kinds, LayerKind::ALL);
    let upper = report.layers.iter().filter(|layer| layer.kind >= LayerKind::SignIn);
    assert!(upper.into_iter().all(|layer| layer.mark == Mark::Passed), "{report:?}");
}

#[test]
fn curl_names_the_variable_and_never_the_token() {
    let endpoint = Endpoint::new("https://example.com/it's?a=1").expect("an address");
    let endpoint = endpoint.with_headers(&[("X-Account".into(), "w'dc".into())]).expect("a header");
    let endpoint = endpoint.with_auth(&AuthHeader::default(), &Secret::new(CANARY)).expect("a header");
    let command = curl(&endpoint, &AuthHeader::default(), true);
    assert!(command.contains("-H \"Authorization: Bearer $TOKEN\"") && !command.contains(CANARY), "{command}");
    let shell = std::process::Command::new("sh").args(["-n", "-c", &command]).status().expect("sh runs");
    assert!(shell.success(), "{command}");
}

/// Who pastes it into a shell asks what the check asks.
#[tokio::test]
async fn curl_asks_what_the_check_asks() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let hear = asked.clone();
    let url = serve(move |asked: &Asked| {
        if asked.rpc() == "initialize" {
            hear.lock().expect("nobody panicked").push(asked.clone());
        }
        legacy(asked)
    })
    .await;
    let probed = probe_of(&url, true);
    let endpoint =
        probed.endpoint.clone().with_headers(&[("X-Account".into(), "w'dc $HOME".into())]).expect("a header");
    probe(&Probe { endpoint: endpoint.clone(), ..probed }, Timestamp::now(), |_| {}).await;
    let script = curl(&endpoint, &AuthHeader::default(), true);
    let run = move || std::process::Command::new("sh").args(["-c", &script]).env("TOKEN", CANARY).output();
    let answer = tokio::task::spawn_blocking(run).await.expect("it runs").expect("sh runs");
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    if said.contains("not found") {
        return; // There is no curl here.
    }
    let asked = asked.lock().expect("nobody panicked");
    let [ours, theirs] = asked.as_slice() else { panic!("{}: {said}", asked.len()) };
    for name in ["authorization", "x-account", "content-type", "accept"] {
        assert_eq!(ours.header(name), theirs.header(name), "{name}");
        assert!(ours.header(name).is_some(), "{name}");
    }
    let (mut our, mut their) = (ours.json(), theirs.json());
    (our["id"], their["id"]) = (0.into(), 0.into());
    assert_eq!(our, their);
    assert!(String::from_utf8_lossy(&answer.stdout).contains("protocolVersion"), "{answer:?}");
}
