//! Services that ask to wait: told of, and waited for where that is short.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::app::{App, Keychain, modern, request};
use crate::service::{Asked, Reply, Service, Step, event, result};

fn busy(status: u16, wait: &str) -> Reply {
    Reply::status(status).header("retry-after", wait)
}

/// A service that is busy for so many requests of a kind first.
async fn busy_at_first(times: usize, method: &'static str, reply: Reply) -> Service {
    let so_far = AtomicUsize::new(0);
    Service::start(move |asked: &Asked| {
        let is_busy = asked.rpc() == method && so_far.fetch_add(1, Ordering::SeqCst) < times;
        if is_busy { reply.clone() } else { Reply::json(result(asked, "{}")) }
    })
    .await
}

/// What a service that is always busy is told as, and how often it was asked.
async fn told(reply: Reply) -> (String, Value, usize) {
    let service = busy_at_first(usize::MAX, "tools/call", reply).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let answer = app.request(1, "tools/call").await;
    let error = &answer["error"];
    assert_eq!(error["data"]["code"], "service_error", "{answer}");
    let message = error["message"].as_str().expect("a sentence").to_owned();
    (message, error["data"]["retry_after"].clone(), service.log().len())
}

#[tokio::test]
async fn how_long_to_wait_is_told() {
    let month = 30 * 24 * 3600;
    let cases = [
        (429, "30", 30, "had too many requests. It asks to wait 30 seconds."),
        (503, " 7 ", 7, "(503). It asks to wait 7 seconds."),
        (503, "3600", 3600, "It asks to wait 60 minutes."),
        (429, "99999999999", month, "It asks to wait for days; try again later."),
        (429, "Wed, 21 Oct 2099 07:28:00 GMT", month, "It asks to wait for days; try again later."),
    ];
    for (status, wait, seconds, words) in cases {
        let (message, data, asked) = told(busy(status, wait)).await;
        assert!(message.contains(words), "{message}");
        assert_eq!((data, asked), (Value::from(seconds), 1), "{wait}");
    }
    let soon = Timestamp::now().checked_add(90.seconds()).expect("a moment");
    let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let (_, data, _) = told(busy(429, &date)).await;
    assert!(data.as_u64().is_some_and(|seconds| (85..=90).contains(&seconds)), "{data}");
}

#[tokio::test]
async fn what_is_no_time_to_wait_is_not_heeded() {
    for wait in ["", "soon", "-1", "1e3", "0x10", "1, 2", "99999999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let (message, data, asked) = told(busy(429, wait)).await;
        assert!(message.ends_with("Try again in a while."), "{message}");
        assert_eq!((data, asked), (Value::Null, 1), "{wait}");
    }
    for status in [400, 500, 502] {
        let service = busy_at_first(1, "tools/call", busy(status, "0")).await;
        let mut app = App::start(&Keychain::open(&service.url()));
        let answer = app.request(1, "tools/call").await;
        assert!(answer["error"]["data"]["retry_after"].is_null(), "{answer}");
        assert_eq!(service.log().len(), 1, "{status} may have been acted upon");
    }
}

#[tokio::test]
async fn a_short_wait_is_waited_and_the_request_made_once_more() {
    let date = || Timestamp::now().checked_add(2.seconds()).expect("a moment").strftime("%a, %d %b %Y %H:%M:%S GMT");
    for (reply, least) in [(busy(429, "1"), 1000), (busy(503, "0"), 0), (busy(503, &date().to_string()), 900)] {
        let service = busy_at_first(1, "tools/call", reply).await;
        let mut app = App::start(&Keychain::open(&service.url()));
        let (question, begun) = (request(1, "tools/call"), Instant::now());
        app.say(&question).await;
        assert_eq!(app.request(2, "ping").await["id"], 2, "nobody else waits");
        assert!(app.json().await["result"].is_object());
        assert!(begun.elapsed() >= Duration::from_millis(least), "{:?}", begun.elapsed());
        let asked = service.asked("tools/call");
        assert!(asked.len() == 2 && asked.iter().all(|asked| asked.body == question), "{asked:?}");
    }
}

#[tokio::test]
async fn a_service_that_is_still_busy_then_is_told_of() {
    assert_eq!(told(busy(429, "1")).await.2, 2);
}

#[tokio::test]
async fn a_request_that_is_called_off_while_it_waits_is_not_made_again() {
    let service = busy_at_first(usize::MAX, "tools/call", busy(429, "2")).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&modern(1, "tools/call", "")).await;
    service.wait_for("tools/call", 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(app.request(2, "ping").await["id"], 2);
    assert_eq!(service.asked("tools/call").len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_refused_for_now_is_asked_for_again() {
    const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    let gets = AtomicUsize::new(0);
    let service = Service::start(move |asked| match asked.method.as_str() {
        "GET" if gets.fetch_add(1, Ordering::SeqCst) == 0 => busy(429, "1"),
        "GET" => Reply::stream([event(NOTE), Step::Hang]),
        _ => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    let begun = Instant::now();
    assert_eq!(app.line().await, NOTE);
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}
