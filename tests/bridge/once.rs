//! One answer for each request, whatever the service says.

use crate::app::{App, Keychain, request};
use crate::service::{Reply, Service, Step, event, result};

const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
const QUESTION: &str = r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
/// An error that says of itself that it answers nothing that is known.
const UNKNOWN: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#;

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{result}"}}"#)
}

/// A service that answers `odd` as told, and everything else as it should.
async fn odd(reply: Reply) -> (Service, App) {
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "odd" => reply.clone(),
        "" if asked.body.contains("odd") => reply.clone(),
        "notifications/cancelled" => Reply::status(202),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let app = App::start(&Keychain::open(&service.url()));
    (service, app)
}

/// The next lines are these, and the bridge has no more to say.
async fn hears(mut app: App, lines: &[&str]) {
    for expected in lines {
        let line = app.line().await;
        assert!(line == *expected, "{} is not {}", &line[..line.len().min(200)], &expected[..expected.len().min(200)]);
    }
    assert_eq!(app.request(99, "ping").await["id"], 99);
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn a_second_answer_in_a_stream_is_left_out() {
    let second = [answer("1", "b"), answer("1.0", "c"), QUESTION.to_owned(), NOTE.to_owned(), answer("1", "d")];
    let all = second.each_ref().map(|data| format!("data: {data}\n\n")).concat();
    let first = answer("1", "a");
    // All at once, or in an event each.
    let together = Reply::stream([Step::Say(format!("data: {first}\n\n{all}"))]);
    let (_service, mut app) = odd(together).await;
    app.say(&request(1, "odd")).await;
    hears(app, &[&first, QUESTION, NOTE]).await;
    let apart = [event(&first), Step::Wait(50)].into_iter().chain(second.iter().map(|data| event(data)));
    let (_service, mut app) = odd(Reply::stream(apart)).await;
    app.say(&request(1, "odd")).await;
    hears(app, &[&first]).await;
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_left_out() {
    let others = [answer("2", "x"), answer("\"1\"", "x"), answer("99", "x"), UNKNOWN.to_owned(), NOTE.to_owned()];
    let last = answer("1", "a");
    let steps = others.iter().chain([&last]).map(|data| event(data));
    let (_service, mut app) = odd(Reply::stream(steps)).await;
    app.say(&request(1, "odd")).await;
    hears(app, &[UNKNOWN, NOTE, &last]).await;
}

#[tokio::test]
async fn what_is_too_much_in_a_batch_is_left_out_and_the_rest_keeps_its_bytes() {
    let (one, two) = (r#"{"jsonrpc":"2.0", "id":1,"result":1e400}"#, answer("\"b\"", "x"));
    let batch = [one, &answer("1", "again"), NOTE, &two, &answer("9", "whose"), &two].join(" , ");
    let asked = format!("[{},{}]", request(1, "odd"), r#"{"jsonrpc":"2.0","id":"b","method":"odd"}"#);
    let left = format!("[{one},{NOTE},{two}]");
    for reply in [Reply::json(format!("[{batch}]")), Reply::stream([event(&format!("[{batch}]"))])] {
        let (_service, mut app) = odd(reply).await;
        app.say(&asked).await;
        hears(app, &[&left]).await;
    }
}

/// Some servers answer on the stream on which they speak by themselves, some on both.
#[tokio::test]
async fn an_answer_on_another_stream_counts_and_counts_once() {
    let early = [answer("7", "early"), answer("7", "again"), answer("8", "whose")].map(|data| event(&data));
    let service = Service::start(move |asked| match (asked.method.as_str(), asked.rpc().as_str()) {
        ("GET", _) => Reply::stream([Step::Wait(400)].into_iter().chain(early.clone()).chain([Step::Hang])),
        (_, "odd") => Reply::stream([Step::Wait(800), event(&answer("7", "late"))]),
        (_, "cut") => Reply::stream([Step::Wait(800), Step::Break]),
        _ => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)),
    })
    .await;
    for method in ["odd", "cut"] {
        let mut app = App::start(&Keychain::open(&service.url()));
        app.begin().await;
        app.say(&request(7, method)).await;
        assert_eq!(app.line().await, answer("7", "early"));
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        hears(app, &[]).await;
    }
}

#[tokio::test]
async fn an_answer_to_what_was_called_off_is_left_out() {
    let late = [Step::Wait(300), event(&answer("1", "late")), Step::Hang];
    let service = Service::start(move |asked| match (asked.method.as_str(), asked.rpc().as_str()) {
        ("GET", _) => Reply::stream(late.clone()),
        (_, "odd") => Reply::stream([Step::Hang]),
        _ => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.say(&request(1, "odd")).await;
    service.wait_for("odd", 1).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    hears(app, &[]).await;
}

#[tokio::test]
async fn two_requests_that_an_app_makes_under_one_id_get_an_answer_each() {
    let (_service, mut app) = odd(Reply::json(answer("1", "a")).after(200)).await;
    app.say(&request(1, "odd")).await;
    app.say(&request(1, "odd")).await;
    hears(app, &[&answer("1", "a"), &answer("1", "a")]).await;
}

#[tokio::test]
async fn a_large_answer_that_nobody_waits_for_is_left_out() {
    let large = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{}\"}}", "x".repeat(400 * 1024));
    let (first, asks) = (answer("1", "a"), large.replace("\"result\"", "\"method\":\"roots/list\",\"params\""));
    let asks_late = large.replace("\"result\"", "\"params\"").replace("x\"}", "x\",\"method\":\"roots/list\"}");
    let other = large.replace("\"id\":1", "\"id\":2");
    let steps = [event(&other), event(&asks), event(&asks_late), event(&first), Step::Wait(30), event(&large)];
    let (_service, mut app) = odd(Reply::stream(steps)).await;
    app.say(&request(1, "odd")).await;
    hears(app, &[&asks, &asks_late, &first]).await;
}

#[tokio::test]
async fn a_server_of_2024_11_05_is_heard_once_too() {
    let answers = [answer("0", "a"), answer("0", "b"), answer("5", "c"), NOTE.to_owned()].map(|data| event(&data));
    let service = Service::start(move |asked| match asked.method.as_str() {
        "GET" => {
            let place = [Step::Say("event: endpoint\ndata: place\n\n".to_owned()), Step::Wait(200)];
            Reply::stream(place.into_iter().chain(answers.clone()).chain([Step::Hang]))
        }
        _ if asked.path == "/place" => Reply::status(202),
        _ => Reply::status(405),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(crate::app::INITIALIZE).await;
    assert_eq!([app.line().await, app.line().await], [answer("0", "a"), NOTE.to_owned()]);
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn an_app_of_an_older_generation_hears_a_newest_server_once_too() {
    let discovered = r#"{"supportedVersions":["2026-07-28"],"capabilities":{},"serverInfo":{"name":"","version":""}}"#;
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "initialize" => Reply::status(400),
        "server/discover" => Reply::json(result(asked, discovered)),
        "odd" => Reply::stream(["7", "8", "1", "1"].map(|id| event(&answer(id, "x")))),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    app.say(&request(1, "odd")).await;
    hears(app, &[&answer("1", "x")]).await;
}
