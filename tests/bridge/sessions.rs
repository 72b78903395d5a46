//! Sessions: kept, forgotten by the service, ended.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use rstest::rstest;

use crate::app::{App, INITIALIZE, Keychain, request};
use crate::service::{Asked, Reply, Service, Step, event, event_with_id, result};

const VERSION: &str = r#"{"protocolVersion":"2025-11-25"}"#;

/// Begins the sessions s1, s2 and so on; `rule` answers the rest, and is told which session is the newest.
async fn sessions(rule: impl Fn(&Asked, &str) -> Reply + Send + Sync + 'static) -> Service {
    let begun = AtomicUsize::new(0);
    Service::start(move |asked| match asked.rpc().as_str() {
        "initialize" => {
            let id = format!("s{}", begun.fetch_add(1, Ordering::SeqCst) + 1);
            Reply::json(result(asked, VERSION)).header("mcp-session-id", &id)
        }
        "notifications/initialized" => Reply::status(202),
        _ => rule(asked, &format!("s{}", begun.load(Ordering::SeqCst))),
    })
    .await
}

fn session(asked: &Asked) -> &str {
    asked.header("mcp-session-id").unwrap_or_default()
}

#[tokio::test]
async fn a_session_is_kept_and_ended() {
    let service = sessions(|asked, _| match asked.method.as_str() {
        "POST" => Reply::json(result(asked, "{}")),
        _ => Reply::status(405),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.request(1, "tools/list").await;
    service.wait_for("GET", 1).await;
    assert_eq!(app.hang_up().await, [""; 0]);
    let log = service.log();
    assert_eq!(session(&log[0]), "", "the first words have none");
    assert_eq!(log[0].header("mcp-protocol-version"), None);
    for asked in &log[1..] {
        assert_eq!(session(asked), "s1", "{asked:?}");
        assert_eq!(asked.header("mcp-protocol-version"), Some("2025-11-25"), "{asked:?}");
    }
    assert_eq!(log.last().map(|asked| asked.method.as_str()), Some("DELETE"));
}

#[tokio::test]
async fn a_forgotten_session_is_begun_again_unseen() {
    let forgets = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let forgot = forgets.clone();
    let service = sessions(move |asked, newest| match asked.method.as_str() {
        "GET" if session(asked) == newest => Reply::stream([Step::Hang]),
        _ if forgot.load(Ordering::SeqCst) && session(asked) == "s1" => Reply::status(404).after(30),
        "POST" => Reply::json(result(asked, "{}")),
        _ => Reply::status(404),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.request(1, "tools/list").await;
    service.wait_for("GET", 1).await;
    forgets.store(true, Ordering::SeqCst);
    for id in 2..=9 {
        app.say(&request(id, "tools/list")).await;
    }
    let mut ids = Vec::new();
    for _ in 2..=9 {
        let answer = app.json().await;
        assert!(answer["result"].is_object(), "{answer}");
        ids.push(answer["id"].as_u64().expect("an id"));
    }
    ids.sort_unstable();
    assert_eq!(ids, (2..=9).collect::<Vec<_>>());
    let again = service.asked("initialize");
    assert_eq!(again.len(), 2, "once for all");
    assert_eq!(again[1].body, INITIALIZE, "in the app's own words");
    assert_eq!(service.asked("notifications/initialized").len(), 2);
    let streams = service.wait_for("GET", 2).await;
    assert_eq!(session(&streams[1]), "s2", "the server's own stream belongs to the new session");
    assert_eq!(app.hang_up().await, [""; 0], "the app saw nothing of it");
}

#[tokio::test]
async fn a_late_word_of_the_old_session_begins_no_third() {
    let service = sessions(|asked, _| match (asked.rpc().as_str(), session(asked)) {
        ("late", "s1") => Reply::status(404).after(400),
        (_, "s1") => Reply::status(404),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.say(&request(1, "late")).await;
    service.wait_for("late", 1).await;
    assert_eq!(app.request(2, "tools/list").await["id"], 2);
    assert_eq!(app.json().await["id"], 1);
    assert_eq!(service.asked("initialize").len(), 2);
}

#[tokio::test]
async fn a_session_forgotten_again_during_the_retry_is_begun_once_more() {
    let service = sessions(|asked, _| match (asked.method.as_str(), session(asked)) {
        ("POST", "s1" | "s2" | "s3") | ("GET", _) => Reply::status(404),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let answer = app.request(1, "tools/list").await;
    assert!(answer["result"].is_object(), "{answer}");
    assert_eq!(service.asked("initialize").len(), 4);
}

#[tokio::test]
async fn a_service_that_forgets_every_session_is_told_of_as_that_and_not_asked_for_ever() {
    let service = sessions(|_, _| Reply::status(404)).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let answer = app.request(1, "tools/list").await;
    assert_eq!(answer["error"]["data"]["code"], "session_ended", "the address is right: {answer}");
    assert_eq!(service.asked("tools/list").len(), 4);
}

#[tokio::test]
async fn a_session_that_cannot_be_begun_again_is_told_with_the_servers_words() {
    let begun = AtomicUsize::new(0);
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "initialize" if begun.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::json(result(asked, VERSION)).header("mcp-session-id", "s1")
        }
        "initialize" => {
            let error =
                json!({"jsonrpc":"2.0","id":asked.json()["id"],"error":{"code":-32000,"message":"Closed today."}});
            Reply::stream([event(&error.to_string())])
        }
        _ => Reply::status(404),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let answer = app.request(1, "tools/list").await;
    assert_eq!(answer["error"]["data"]["code"], "session_ended");
    assert!(answer["error"]["message"].as_str().is_some_and(|words| words.ends_with("Closed today.")), "{answer}");
}

#[tokio::test]
async fn what_is_under_way_when_the_app_hangs_up_comes_to_its_end() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "subscriptions/listen" => Reply::stream([Step::Hang]),
        _ => Reply::json(result(asked, "{}")).after(300),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&crate::app::modern(1, "subscriptions/listen", "")).await;
    app.say(&request(2, "slow")).await;
    let begun = Instant::now();
    let rest = app.hang_up().await;
    assert_eq!(rest, [r#"{"jsonrpc":"2.0","id":2,"result":{}}"#]);
    assert!(begun.elapsed() < Duration::from_secs(3), "a subscription is not waited for");
}

/// A service with sessions that takes a minute for everything else.
async fn slow() -> Service {
    sessions(|asked, _| match asked.method.as_str() {
        "POST" => Reply::json(result(asked, "{}")).after(60_000),
        _ => Reply::status(405),
    })
    .await
}

#[tokio::test]
async fn asked_to_go_the_bridge_goes_at_once_and_ends_the_session() {
    let service = slow().await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.say(&request(1, "slow")).await;
    app.say(&format!("[{},{}]", request(2, "a"), request(3, "b"))).await;
    service.wait_for("slow", 1).await;
    service.wait_for("POST", 4).await;
    let begun = Instant::now();
    let mut rest = app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    rest.sort();
    assert_eq!(rest.len(), 3, "no request is dropped: {rest:?}");
    for (left, id) in rest.iter().zip(1..) {
        assert!(left.contains(&format!(r#""id":{id},"error""#)) && left.contains("bridge_ended"), "{left}");
    }
    assert_eq!(service.asked("DELETE").len(), 1);
}

#[rstest]
#[case::a_moment_later(Duration::from_millis(300))]
#[case::at_once(Duration::ZERO)]
#[tokio::test]
async fn an_app_that_hangs_up_and_then_asks_it_to_go_gets_all_its_answers(#[case] after: Duration) {
    let service = slow().await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.say(&request(1, "slow")).await;
    app.say(&request(2, "slow")).await;
    service.wait_for("slow", 2).await;
    let begun = Instant::now();
    let mut rest = app.hang_up_and_stop(after).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "it goes soon");
    rest.sort();
    assert_eq!(rest.len(), 2, "no request is dropped: {rest:?}");
    for (left, id) in rest.iter().zip(1..) {
        assert!(left.contains(&format!(r#""id":{id},"error""#)) && left.contains("bridge_ended"), "{left}");
    }
    assert_eq!(service.asked("DELETE").len(), 1);
}

#[tokio::test]
async fn a_service_that_is_elsewhere_now_hears_nothing_of_the_session_before() {
    let moved = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let gone = moved.clone();
    let old = sessions(move |asked, _| match asked.method.as_str() {
        "POST" if gone.load(Ordering::SeqCst) => Reply::status(401).after(30),
        "POST" => Reply::json(result(asked, "{}")),
        "GET" => Reply::stream([event_with_id("e1", r#"{"jsonrpc":"2.0","method":"notifications/one"}"#), Step::Hang]),
        _ => Reply::status(405),
    })
    .await;
    let new = Service::start(|asked| match (asked.rpc().as_str(), session(asked), asked.method.as_str()) {
        ("initialize", "", _) => Reply::json(result(asked, VERSION)).header("mcp-session-id", "new-1"),
        ("notifications/initialized", "new-1", _) => Reply::status(202),
        (_, "new-1", "POST") => Reply::json(result(asked, "{}")),
        (_, "new-1", _) => Reply::status(405),
        _ => Reply::status(400),
    })
    .await;
    let keychain = Keychain::open(&old.url());
    let mut app = App::start(&keychain);
    app.begin().await;
    old.wait_for("GET", 1).await;
    assert_eq!(app.json().await["method"], "notifications/one");
    moved.store(true, Ordering::SeqCst);
    keychain.answer(patchbay_core::wire::Endpoint::new(&new.url()));
    for id in 1..=4 {
        app.say(&request(id, "tools/list")).await;
    }
    for _ in 1..=4 {
        let answer = app.json().await;
        assert!(answer["result"].is_object(), "{answer}");
    }
    assert_eq!(new.asked("initialize").len(), 1, "once for all");
    assert_eq!(app.hang_up().await, [""; 0]);
    for asked in new.log() {
        assert!(["", "new-1"].contains(&session(&asked)) && asked.header("last-event-id").is_none(), "{asked:?}");
    }
    assert_eq!(new.log().last().map(|asked| asked.method.clone()), Some("DELETE".to_owned()));
}
