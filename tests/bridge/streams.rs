//! Event streams, whole and broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::app::{App, Keychain, request};
use crate::service::{Reply, Service, Step, event, event_with_id, result};

const VERSION: &str = r#"{"protocolVersion":"2025-11-25"}"#;
const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"z":1.0,"a":1}}"#;
const QUESTION: &str = r#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}"#;

#[tokio::test]
async fn messages_on_the_way_come_before_the_answer_and_replies_go_back() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "tools/call" => Reply::stream([
            Step::Say(": welcome\r\n\r\n".to_owned()),
            Step::Say("event: message\r\ndata: ".to_owned()),
            Step::Say(format!("{NOTE}\r\n\r\n")),
            Step::Say(format!("event: other\ndata: {NOTE}\n\n")),
            Step::Say("data: not a message\n\n".to_owned()),
            event(QUESTION),
            Step::Wait(100),
            Step::Say("data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":0,\"result\":\ndata: {}}\n\n".to_owned()),
        ]),
        _ => Reply::status(202),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&request(0, "tools/call")).await;
    assert_eq!(app.line().await, NOTE);
    assert_eq!(app.line().await, QUESTION, "a question under the same id is no answer");
    let reply = r#"{"jsonrpc":"2.0","id":0,"result":{"action":"accept"}}"#;
    app.say(reply).await;
    assert_eq!(app.line().await, r#"{"jsonrpc":"2.0", "id":0,"result": {}}"#);
    assert_eq!(service.wait_for("POST", 2).await[1].body, reply);
}

#[tokio::test]
async fn a_connection_serves_again_after_a_stream() {
    let service = Service::start(|asked| Reply::stream([event(&result(asked, "{}")), Step::Wait(30)])).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    for id in 0..5 {
        app.request(id, "ping").await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(service.log().iter().map(|asked| asked.connection).max(), Some(0));
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_after_the_last_event() {
    let service = Service::start(|asked| match (asked.method.as_str(), asked.header("last-event-id")) {
        ("POST", _) => Reply::stream([Step::Say("retry: 10\n\n".to_owned()), event_with_id("e-1", NOTE), Step::Break]),
        ("GET", Some("e-1")) => Reply::stream([event_with_id("e-2", QUESTION), Step::Break]),
        ("GET", Some("e-2")) => Reply::stream([event(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)]),
        _ => Reply::status(400),
    })
    .await;
    let mut app = App::start(&Keychain::holding(&service.url(), "t"));
    app.say(&request(1, "tools/call")).await;
    assert_eq!([app.line().await, app.line().await], [NOTE, QUESTION]);
    assert_eq!(app.json().await["id"], 1);
    assert_eq!(service.asked("POST").len(), 1, "a call is never made twice");
    assert!(service.asked("GET").iter().all(|asked| asked.header("authorization") == Some("Bearer t")));
}

#[tokio::test]
async fn a_stream_that_cannot_be_taken_up_is_told() {
    for steps in [vec![event(NOTE), Step::Break], vec![event_with_id("1", NOTE), Step::Break]] {
        let service = Service::start(move |asked| match asked.method.as_str() {
            "POST" => Reply::stream(steps.clone()),
            _ => Reply::status(405),
        })
        .await;
        let mut app = App::start(&Keychain::open(&service.url()));
        app.say(&request(1, "tools/call")).await;
        assert_eq!(app.line().await, NOTE);
        let answer = app.json().await;
        assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&1.into(), &"broken".into()));
    }
}

#[tokio::test]
async fn a_server_that_names_the_time_is_asked_for_as_long_as_it_takes() {
    let polls = AtomicUsize::new(0);
    let service = Service::start(move |asked| match asked.method.as_str() {
        "POST" => Reply::stream([Step::Say("id: 1\nretry: 1\ndata:\n\n".to_owned())]),
        _ if polls.fetch_add(1, Ordering::SeqCst) < 12 => Reply::stream([]),
        _ => Reply::stream([event(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)]),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    assert!(app.request(1, "tools/call").await["result"].is_object());
}

#[tokio::test]
async fn a_server_that_speaks_by_itself_is_heard_over_interruptions() {
    let service = Service::start(|asked| match (asked.method.as_str(), asked.header("last-event-id")) {
        ("POST", _) => Reply::json(result(asked, VERSION)),
        ("GET", None) => Reply::stream([
            Step::Say("retry: 10\n\n".to_owned()),
            Step::Wait(50),
            event_with_id("g1", NOTE),
            Step::Break,
        ]),
        ("GET", Some("g1")) => Reply::stream([event_with_id("g2", QUESTION)]),
        ("GET", _) => Reply::stream([Step::Hang]),
        _ => Reply::status(405),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    assert_eq!([app.line().await, app.line().await], [NOTE, QUESTION]);
    let gets = service.wait_for("GET", 3).await;
    assert_eq!(gets[2].header("last-event-id"), Some("g2"));
    app.hang_up().await;
    service.hung_up().await;
}

#[tokio::test]
async fn a_server_without_a_stream_of_its_own_is_asked_once() {
    for status in [404, 405] {
        let service = Service::start(move |asked| match asked.method.as_str() {
            "POST" => Reply::json(result(asked, VERSION)),
            _ => Reply::status(status),
        })
        .await;
        let mut app = App::start(&Keychain::open(&service.url()));
        app.begin().await;
        service.wait_for("GET", 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        assert_eq!(service.asked("GET").len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_stream_refused_for_its_token_comes_back_with_the_renewed_one() {
    let revoked = Arc::new(AtomicBool::new(false));
    let is_revoked = revoked.clone();
    let service = Service::start(move |asked| {
        let old = asked.header("authorization") == Some("Bearer old");
        match asked.method.as_str() {
            _ if old && is_revoked.load(Ordering::SeqCst) => Reply::status(401),
            "POST" => Reply::json(result(asked, VERSION)),
            _ if old => Reply::stream([Step::Say("retry: 10\n\n".to_owned()), Step::Wait(300), Step::Break]),
            _ => Reply::stream([event(NOTE), Step::Hang]),
        }
    })
    .await;
    let keychain = Keychain::holding(&service.url(), "old");
    let mut app = App::start(&keychain);
    app.begin().await;
    service.wait_for("GET", 1).await;
    revoked.store(true, Ordering::SeqCst);
    service.wait_for("GET", 2).await;
    assert_eq!(keychain.reads(), 1, "this stream alone reads no keychain");
    keychain.renew(&service.url(), "new");
    assert_eq!(app.request(1, "ping").await["id"], 1);
    assert_eq!(app.line().await, NOTE);
}
