//! Apps of an older generation, servers of the newest.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{App, INITIALIZE, Keychain, request};
use crate::service::{Asked, Reply, Service, Step, event, result};

const KNOWN: &str = concat!(
    r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"x":1.0},"#,
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}},"instructions":"Hello."}"#
);
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
const RECEIPT: &str = r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}"#;
const LOGGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1.50}}"#;
const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#;
const ASKS: &str = concat!(
    r#"{"resultType":"input_required","requestState":"a\u0062","inputRequests":{"#,
    r#""q":{"method":"elicitation/create","params":{"x":1.50}}}}"#
);

/// Speaks the newest generation only; `rule` answers what is not about that.
async fn newest(rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Service {
    Service::start(move |asked| match asked.rpc().as_str() {
        _ if asked.header("mcp-protocol-version") != Some("2026-07-28") => Reply::status(400),
        "server/discover" => Reply::json(result(asked, KNOWN)),
        "subscriptions/listen" => Reply::stream([event(RECEIPT), event(CHANGED), Step::Hang]),
        _ => rule(asked),
    })
    .await
}

fn echo(asked: &Asked) -> Reply {
    Reply::json(result(asked, &asked.json()["params"].to_string()))
}

fn asks(asked: &Asked) -> Reply {
    if asked.json()["params"]["inputResponses"].is_null() { Reply::json(result(asked, ASKS)) } else { echo(asked) }
}

#[tokio::test]
async fn first_words_are_answered_from_what_the_server_says_of_itself() {
    let service = newest(echo).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&INITIALIZE.replace("2025-11-25", "2025-06-18")).await;
    let expected = concat!(
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"x":1.0},"#,
        r#""serverInfo":{"name":"s","version":"2"},"instructions":"Hello."}}"#
    );
    assert_eq!(app.line().await, expected);
    let meta = &service.asked("server/discover")[0].json()["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"], json!({ "name": "t", "version": "1" }));
    app.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"é","_meta":{"progressToken":7}}}"#)
        .await;
    let told = app.json().await;
    assert_eq!(told["result"]["_meta"]["progressToken"], 7);
    assert_eq!(told["result"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    let call = &service.asked("tools/call")[0];
    assert_eq!((call.header("mcp-method"), call.header("mcp-name")), (Some("tools/call"), Some("=?base64?w6k=?=")));
    assert_eq!(call.header("mcp-session-id"), None);
}

#[tokio::test]
async fn what_the_newest_generation_does_not_have_is_answered_here() {
    let service = newest(echo).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.begin().await;
    assert_eq!(app.line().await, CHANGED, "and of the subscription only what changed");
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#).await;
    assert_eq!(app.request(1, "ping").await, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    let level = r#"{"jsonrpc":"2.0","id":"l","method":"logging/setLevel","params":{"level":"info"}}"#;
    assert_eq!(app.ask(level).await["id"], "l");
    let told = app.request(2, "tools/list").await;
    assert_eq!(told["result"]["_meta"]["io.modelcontextprotocol/logLevel"], "info");
    app.say(r#"{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"file:///a"}}"#).await;
    let mut lines = [app.line().await, app.line().await];
    lines.sort();
    assert_eq!(lines, [r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, CHANGED]);
    let listens = service.asked("subscriptions/listen");
    assert_eq!(listens[0].json()["params"]["notifications"], json!({ "toolsListChanged": true }));
    assert_eq!(listens[1].json()["params"]["notifications"]["resourceSubscriptions"], json!(["file:///a"]));
    let methods: Vec<_> = service.log().iter().map(Asked::rpc).collect();
    assert_eq!(
        methods,
        ["initialize", "server/discover", "subscriptions/listen", "tools/list", "subscriptions/listen"]
    );
    app.hang_up().await;
}

#[tokio::test]
async fn what_the_server_wants_to_know_is_asked_of_the_app() {
    let service = newest(asks).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    app.say(r#"{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"n","y":1.50}}"#).await;
    let question = app.line().await;
    let id = question.split('"').find(|part| part.starts_with("patchbay-")).expect("an id").to_owned();
    assert!(question.ends_with(r#""method":"elicitation/create","params":{"x":1.50}}"#), "{question}");
    app.say(&format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{"action":"accept"}}}}"#)).await;
    let answer = app.line().await;
    assert!(answer.starts_with(r#"{"jsonrpc":"2.0","id":"c","result":"#), "{answer}");
    let [first, again] = &service.asked("tools/call")[..] else { panic!("two calls") };
    assert!(again.body.contains(r#""requestState":"a\u0062""#), "to the letter: {}", again.body);
    assert!(again.body.contains(r#""inputResponses":{"q":{"action":"accept"}}"#) && again.body.contains("\"y\":1.50"));
    assert!(!first.body.contains("inputResponses") && again.json()["id"] != "c");
}

#[tokio::test]
async fn an_app_that_does_not_answer_fails_its_own_call() {
    let service = newest(asks).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let question = app.request(1, "tools/call").await;
    app.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "error": { "code": -1, "message": "No." } }).to_string())
        .await;
    let answer = app.json().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(1), &json!("app_refused")));
    assert!(answer["error"]["message"].as_str().is_some_and(|words| words.ends_with("No.")));
    app.request(2, "tools/call").await;
    let begun = Instant::now();
    app.hang_up().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "nobody waits for an app that is gone");
}

#[tokio::test]
async fn a_call_that_is_called_off_ends_by_hanging_up() {
    let service = newest(|_| Reply::stream([Step::Hang])).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    app.say(&request(1, "tools/call")).await;
    service.wait_for("tools/call", 1).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    service.hung_up().await;
    assert!(service.asked("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_batch_is_taken_apart() {
    let service = newest(echo).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    app.say(&format!(r#"[{},{{"jsonrpc":"2.0","method":"n"}},{}]"#, request(1, "ping"), request(2, "tools/list")))
        .await;
    assert_eq!([app.json().await["id"].clone(), app.json().await["id"].clone()], [json!(1), json!(2)]);
    let modern = &service.asked("tools/list")[0];
    assert!(modern.body.starts_with('{'), "{}", modern.body);
}

#[tokio::test]
async fn a_server_that_answers_in_a_revision_without_first_words_is_of_the_newest_generation() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "initialize" => Reply::json(result(asked, r#"{"protocolVersion":"2026-07-28"}"#)),
        "server/discover" => Reply::json(result(asked, KNOWN)),
        _ => echo(asked),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    assert_eq!(app.ask(INITIALIZE).await["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_refusal_of_the_first_words_is_told_as_it_is_where_nothing_else_answers() {
    let error = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"Unsupported"}}"#;
    for status in [200, 400, 404] {
        let service = Service::start(move |asked| match asked.rpc().as_str() {
            "initialize" => Reply::status(status).body("application/json", error),
            _ => Reply::status(405),
        })
        .await;
        let mut app = App::start(&Keychain::open(&service.url()));
        app.say(INITIALIZE).await;
        assert_eq!(app.line().await, error, "{status}");
    }
    for status in [401, 403, 500] {
        let service = Service::start(move |_| Reply::status(status)).await;
        let mut app = App::start(&Keychain::open(&service.url()));
        assert!(app.ask(INITIALIZE).await["error"].is_object());
        assert_eq!(service.log().len(), 1, "{status} says nothing of the generation");
    }
}

#[tokio::test]
async fn a_refusal_of_the_first_words_may_come_as_an_event_after_others() {
    let error = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}}"#;
    for is_newest in [true, false] {
        let service = Service::start(move |asked| match asked.rpc().as_str() {
            "initialize" => Reply::stream([event(LOGGED), event(error)]),
            "server/discover" if is_newest => Reply::json(result(asked, KNOWN)),
            _ => Reply::status(405),
        })
        .await;
        let mut app = App::start(&Keychain::open(&service.url()));
        app.say(INITIALIZE).await;
        assert_eq!(app.line().await, LOGGED);
        let answer = app.line().await;
        if is_newest {
            assert!(answer.contains(r#""protocolVersion":"2025-11-25""#), "{answer}");
        } else {
            assert_eq!(answer, error);
        }
    }
}

#[tokio::test]
async fn a_model_and_the_folders_are_asked_for_at_once_and_told_by_their_names() {
    let wants = concat!(
        r#"{"resultType":"input_required","inputRequests":{"#,
        r#""s":{"method":"sampling/createMessage","params":{"maxTokens":5}},"r":{"method":"roots/list"}}}"#
    );
    let service = newest(move |asked| {
        if asked.json()["params"]["inputResponses"].is_null() { Reply::json(result(asked, wants)) } else { echo(asked) }
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let sampling = app.request(1, "tools/call").await;
    let roots = app.json().await;
    assert_eq!((&sampling["method"], &sampling["params"]["maxTokens"]), (&json!("sampling/createMessage"), &json!(5)));
    assert_eq!((&roots["method"], roots.get("params")), (&json!("roots/list"), None));
    for (question, result) in [(roots, json!({ "roots": [] })), (sampling, json!({ "model": "m" }))] {
        app.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }).to_string()).await;
    }
    let answer = app.json().await;
    let told = json!({ "s": { "model": "m" }, "r": { "roots": [] } });
    assert_eq!((&answer["id"], &answer["result"]["inputResponses"]), (&json!(1), &told));
}

#[tokio::test]
async fn what_the_server_says_on_the_way_comes_before_its_questions_and_its_answer() {
    let on_the_way = |last: String| Reply::stream([event(LOGGED), event(PROGRESS), event(&last)]);
    let service = newest(move |asked| {
        let asks = asked.json()["params"]["inputResponses"].is_null();
        on_the_way(result(asked, if asks { ASKS } else { "{}" }))
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    app.ask(r#"{"jsonrpc":"2.0","id":"l","method":"logging/setLevel","params":{"level":"debug"}}"#).await;
    app.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"p"}}}"#).await;
    assert_eq!([app.line().await, app.line().await], [LOGGED, PROGRESS]);
    let question = app.json().await;
    app.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": {} }).to_string()).await;
    assert_eq!([app.line().await, app.line().await], [LOGGED, PROGRESS]);
    assert_eq!(app.json().await["id"], 1);
    for call in service.asked("tools/call") {
        let meta = &call.json()["params"]["_meta"];
        assert_eq!((&meta["progressToken"], &meta["io.modelcontextprotocol/logLevel"]), (&json!("p"), &json!("debug")));
    }
}

#[tokio::test]
async fn an_app_hears_of_the_resources_that_it_subscribed_to() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        _ if asked.header("mcp-protocol-version") != Some("2026-07-28") => Reply::status(400),
        "server/discover" => Reply::json(result(asked, KNOWN)),
        _ => {
            let wanted = asked.json()["params"]["notifications"]["resourceSubscriptions"].clone();
            let updated = |uri| {
                json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": uri } })
            };
            let events = wanted.as_array().into_iter().flatten().map(|uri| event(&updated(uri).to_string()));
            Reply::stream([event(RECEIPT)].into_iter().chain(events).chain([Step::Hang]))
        }
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let subscribe = |word: &str, uri: &str| {
        let params = json!({ "uri": uri });
        json!({ "jsonrpc": "2.0", "id": uri, "method": format!("resources/{word}"), "params": params }).to_string()
    };
    assert!(app.ask(&subscribe("subscribe", "file:///a")).await["result"].is_object());
    let updated = app.json().await;
    assert_eq!(
        (&updated["method"], &updated["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("file:///a"))
    );
    app.ask(&subscribe("unsubscribe", "file:///a")).await;
    service.wait_for("subscriptions/listen", 2).await;
    app.say(&subscribe("subscribe", "file:///b")).await;
    let mut told = [app.json().await, app.json().await];
    told.sort_by_key(|told| told["method"].is_string());
    assert_eq!(told[1]["params"]["uri"], "file:///b", "and of the other one no longer");
}
