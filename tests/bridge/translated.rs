//! Large answers of a server of the newest generation, for an app of an older one: passed on while they come in, but for
//! questions, which are put to the app.

use serde_json::json;

use crate::app::{App, INITIALIZE, Keychain, request};
use crate::service::{Asked, Reply, Service, Step, result};

const KNOWN: &str = r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#;

/// A server of the newest generation, and an app that has begun.
async fn newest(rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Service, App) {
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "initialize" => Reply::status(400),
        "server/discover" => Reply::json(result(asked, KNOWN)),
        _ => rule(asked),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    (service, app)
}

/// An answer with so many KiB in its middle, as JSON and as an event.
fn large(begin: &str, kib: usize, end: &str) -> [Reply; 2] {
    let middle = std::iter::repeat_n(Step::Say("x".repeat(64 * 1024)), kib / 64);
    let steps = |begin: String, end: String| {
        Reply::stream([Step::Say(begin)].into_iter().chain(middle.clone()).chain([Step::Say(end)]))
    };
    [
        steps(begin.to_owned(), end.to_owned()).said_as_json(),
        steps(format!("event: message\ndata: {begin}"), format!("{end}\n\n")),
    ]
}

#[tokio::test]
async fn an_answer_of_any_size_is_passed_on_to_the_letter() {
    for (begin, kib, end) in [
        (r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","é":1.50,"text":""#, 1024, r#""}}"#),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"a":""#,
            65 * 1024,
            r#""}],"resultType":"complete"},"z":1e400}"#,
        ),
    ] {
        for reply in large(begin, kib, end) {
            let (_service, mut app) = newest(move |_| reply.clone()).await;
            app.say(&request(1, "tools/call")).await;
            let line = app.line().await;
            assert_eq!(line.len(), begin.len() + kib * 1024 + end.len());
            assert!(line.starts_with(begin) && line.ends_with(end), "{}", &line[..100]);
            assert_eq!(app.request(2, "ping").await["id"], 2);
            assert_eq!(app.hang_up().await, [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_large_answer_is_on_its_way_before_its_end_is_there() {
    let begin = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":""#;
    let text = Step::Say("x".repeat(400 * 1024));
    let reply = Reply::stream([Step::Say(begin.to_owned()), text, Step::Break]).said_as_json();
    let (_service, mut app) = newest(move |_| reply.clone()).await;
    app.say(&request(1, "tools/call")).await;
    assert!(app.line().await.ends_with("xx"), "what came of it");
    let told = app.json().await;
    assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(1), &json!("broken")));
}

#[tokio::test]
async fn a_large_answer_to_the_second_call_comes_under_the_id_of_the_first() {
    for id_is_last in [false, true] {
        for kind in 0..2 {
            let (service, mut app) = newest(move |asked| {
                let asked = asked.json();
                if asked["params"]["requestState"].is_null() {
                    let asks = json!({ "resultType": "input_required", "requestState": "s" });
                    return Reply::json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": asks }).to_string());
                }
                let own = format!(r#""id" : {}"#, asked["id"]);
                let (begin, end) = if id_is_last {
                    (r#"{"result":{"a":{"id":"patchbay-0"},"text":""#.to_owned(), format!(r#""}},{own} }}"#))
                } else {
                    (format!(r#"{{{own},"result":{{"a":{{"id":"patchbay-0"}},"text":""#), r#""}}"#.to_owned())
                };
                large(&begin, 512, &end)[kind].clone()
            })
            .await;
            app.say(r#"{"jsonrpc":"2.0","id":"é,\"}","method":"tools/call"}"#).await;
            let line = app.line().await;
            let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!((&told["id"], &told["result"]["a"]["id"]), (&json!("é,\"}"), &json!("patchbay-0")));
            assert_eq!(told["result"]["text"].as_str().map(str::len), Some(512 * 1024));
            assert_ne!(service.asked("tools/call")[1].json()["id"], told["id"]);
            assert_eq!(app.hang_up().await, [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_large_question_is_put_to_the_app_and_no_answer() {
    for kind in 0..2 {
        let (service, mut app) = newest(move |asked| {
            if !asked.json()["params"]["requestState"].is_null() {
                return Reply::json(result(asked, "{}"));
            }
            let begin = r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"content":1},"requestState":""#;
            let end = concat!(
                r#"","inputRequests":{"q":{"method":"sampling/createMessage","params":{"x":1.50}}},"#,
                r#""resultType":"input_required"}}"#
            );
            large(begin, 2048, end)[kind].clone()
        })
        .await;
        let question = app.request(1, "tools/call").await;
        assert_eq!(question["method"], "sampling/createMessage");
        app.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "model": "m" } }).to_string()).await;
        assert_eq!(app.line().await, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        let again = service.asked("tools/call")[1].json();
        assert_eq!(again["params"]["requestState"].as_str().map(str::len), Some(2048 * 1024));
        assert_eq!(again["params"]["inputResponses"]["q"]["model"], "m");
        assert_eq!(app.hang_up().await, [""; 0]);
    }
}

#[tokio::test]
async fn large_lists_of_tools_come_one_after_the_other_and_all_of_them() {
    let (_service, mut app) = newest(|asked| {
        let begin = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"tools":[],"x":""#, asked.json()["id"]);
        large(&begin, 2048, r#""}}"#)[usize::from(asked.json()["id"] == 3)].clone()
    })
    .await;
    for id in 1..=6 {
        app.say(&request(id, "tools/list")).await;
    }
    let mut ids = Vec::new();
    for _ in 1..=6 {
        ids.push(app.json().await["id"].as_u64());
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=6).map(Some).collect::<Vec<_>>());
}
