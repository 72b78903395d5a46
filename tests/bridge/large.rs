//! Answers that are passed on while they come in: cut, called off, out of shape.

use serde_json::json;

use crate::app::{App, Keychain, request};
use crate::service::{Reply, Service, Step, result};

/// The beginning of an answer that is too large to be held.
fn begin(id: u32) -> [Step; 2] {
    let text = "x".repeat(400 * 1024);
    [Step::Say(format!("{{\"jsonrpc\":\"2.0\",\n\"id\":{id},\"result\":{{\"text\":\"")), Step::Say(text)]
}

fn large(id: u32, end: impl IntoIterator<Item = Step>) -> Reply {
    Reply::stream(begin(id).into_iter().chain(end)).said_as_json()
}

async fn service(reply: Reply) -> (Service, App) {
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "large" => reply.clone(),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let app = App::start(&Keychain::open(&service.url()));
    (service, app)
}

#[tokio::test]
async fn a_large_answer_is_one_line_with_its_own_bytes() {
    let (_service, mut app) = service(large(1, [Step::Say("\"}\r\n, \"big\":1e400}\n".to_owned())])).await;
    app.say(&request(1, "large")).await;
    let line = app.line().await;
    assert!(line.starts_with("{\"jsonrpc\":\"2.0\", \"id\":1,"), "{}", &line[..60]);
    assert!(line.ends_with("x\"}  , \"big\":1e400} "), "{}", &line[line.len() - 60..]);
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn a_large_answer_that_is_cut_ends_its_line_and_is_told() {
    for end in [vec![Step::Break], vec![], vec![Step::Say("\u{1}\"}}".to_owned())]] {
        let (_service, mut app) = service(large(1, end)).await;
        app.say(&request(1, "large")).await;
        assert!(app.line().await.ends_with("xx"), "what came of it");
        let told = app.json().await;
        assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(1), &json!("broken")));
        assert_eq!(app.request(2, "ping").await["id"], 2);
    }
}

#[tokio::test]
async fn a_large_answer_to_somebody_else_leaves_the_request_to_be_told() {
    let (_service, mut app) = service(large(9, [Step::Say("\"}}".to_owned())])).await;
    app.say(&request(1, "large")).await;
    let told = app.json().await;
    assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(1), &json!("not_mcp")));
}

#[tokio::test]
async fn a_large_answer_that_is_called_off_holds_nobody_up() {
    let (service, mut app) = service(large(1, [Step::Hang])).await;
    app.say(&request(1, "large")).await;
    service.wait_for("large", 1).await;
    // What was asked meanwhile waits for the line's end.
    app.say(&request(2, "ping")).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    assert!(app.line().await.ends_with("xx"));
    let mut rest = app.hang_up().await;
    rest.sort();
    assert_eq!(rest, [r#"{"jsonrpc":"2.0","id":2,"result":{}}"#]);
}

#[tokio::test]
async fn a_large_event_that_is_cut_is_taken_up_again() {
    let event = |end: &str| {
        begin(1)
            .map(|step| match step {
                Step::Say(text) => Step::Say(text.replace('\n', "\ndata: ")),
                other => other,
            })
            .into_iter()
            .chain([Step::Say(end.to_owned())])
    };
    let first = [Step::Say("id: e1\nretry: 1\ndata:\n\ndata: ".to_owned())].into_iter().chain(event(""));
    let first = Reply::stream(first.chain([Step::Break]));
    let second = Reply::stream([Step::Say("data: ".to_owned())].into_iter().chain(event("\"}}\n\n")));
    let service = Service::start(move |asked| match asked.header("last-event-id") {
        None => first.clone(),
        Some(_) => second.clone(),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&request(1, "large")).await;
    assert!(app.line().await.ends_with("xx"), "what came of it");
    let whole = app.json().await;
    assert_eq!(whole["result"]["text"].as_str().map(str::len), Some(400 * 1024));
    assert_eq!(service.asked("GET")[0].header("last-event-id"), Some("e1"));
    assert_eq!(app.hang_up().await, [""; 0]);
}
