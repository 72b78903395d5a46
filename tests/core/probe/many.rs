//! Many services at once: those that do not answer delay no other, and take no more than their share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patchbay_core::Code;
use patchbay_core::api::message::Request;
use patchbay_core::api::{Event, Patchbay};
use patchbay_core::probe::{LayerKind, Verdict};
use patchbay_test_support::Home;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::all::{connect, keychain, open};
use super::server::{Asked, Step, head, modern, serve};
use super::{EVENTS, JSON, OK};

/// A Patchbay with a connection for each address, in their order.
async fn with_connections(home: &Home, urls: &[String]) -> Patchbay {
    let path = home.data().join("state.json");
    connect(&open(home, keychain()), "one", &urls[0], None).await.expect("it connects");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
    let one = state["connections"][0].clone();
    let copies = urls.iter().enumerate().map(|(n, url)| {
        let mut copy = one.clone();
        (copy["id"], copy["url"], copy["placements"]) = (json!(format!("c{n:03}")), json!(url), json!([]));
        copy
    });
    state["connections"] = copies.collect();
    std::fs::write(&path, state.to_string()).expect("written");
    open(home, keychain())
}

/// The connections whose check is over, in the order in which that was told.
fn ends(patchbay: &Patchbay) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    patchbay.listen(move |event| {
        if let Event::Layer { id, layer } = event
            && layer.kind == LayerKind::Call
        {
            hear.lock().expect("nobody panicked").push(id);
        }
    });
    heard
}

/// A silent service is given up on after 20 seconds at the earliest: what comes before that waited for none.
const LIMIT: Duration = Duration::from_secs(19);

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where somebody listens and never accepts a caller, or accepts all and says nothing.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    (listener, url)
}

/// The slow ones stand first, and each is slow in its own way.
#[tokio::test(flavor = "multi_thread")]
async fn slow_services_delay_no_other() {
    let home = Home::new();
    let (_never, never) = silent().await;
    let mut urls = vec![
        never,
        serve(|_: &Asked| vec![Step::Hang]).await,
        serve(|_: &Asked| vec![head(OK, JSON), Step::Forever(" ", 50)]).await,
        serve(|_: &Asked| vec![head(OK, EVENTS), Step::Forever(": x\n\n", 50)]).await,
    ];
    urls = urls.iter().cycle().take(20).cloned().collect();
    for _ in 0..80 {
        urls.push(serve(modern).await);
    }
    let patchbay = with_connections(&home, &urls).await;
    let heard = ends(&patchbay);
    let checking = tokio::spawn({
        let patchbay = patchbay.clone();
        async move { patchbay.call(Request::Check { ids: Vec::new() }, None).await }
    });
    let count = || heard.lock().expect("nobody panicked").len();
    until("all that answer are told", || count() >= 80).await;
    let told: BTreeSet<String> = heard.lock().expect("nobody panicked").iter().cloned().collect();
    assert!((20..100).all(|n| told.contains(&format!("c{n:03}"))), "{told:?}");
    let kept = || patchbay.state().expect("a state").checks;
    until("all that answer are kept", || kept().len() == 80).await;
    assert!(kept().values().all(|checked| checked.report.verdict == Verdict::Working));
    let still = patchbay.snapshot().expect("a snapshot").connections.iter().filter(|one| one.checking).count();
    assert_eq!(still, 20, "the slow ones, and no other");

    patchbay.call(Request::CancelChecks, None).await.expect("it is stopped");
    let stopped = checking.await.expect("it ends").expect_err("it was stopped");
    assert_eq!(stopped.code, Code::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_hundred_are_asked_at_once() {
    let home = Home::new();
    let (listener, url) = silent().await;
    let open = Arc::new(AtomicUsize::new(0));
    let gauge = open.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let gauge = gauge.clone();
            gauge.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                // It takes all that is said, and answers nothing.
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
                gauge.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let patchbay = with_connections(&home, &vec![url; 160]).await;
    let checking = tokio::spawn({
        let patchbay = patchbay.clone();
        async move { patchbay.call(Request::Check { ids: Vec::new() }, None).await }
    });
    // Lines that were only tried are closed soon, and no further ones are opened.
    let mut since = Instant::now();
    until("a hundred ask, and no more", || {
        if open.load(Ordering::SeqCst) != 100 {
            since = Instant::now();
        }
        since.elapsed() > Duration::from_secs(1)
    })
    .await;
    checking.abort();
    until("no line is left open", || open.load(Ordering::SeqCst) == 0).await;
}
