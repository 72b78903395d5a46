//! Bytes, order, headers, calls that are called off.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{App, INITIALIZE, INITIALIZED, Keychain, modern, request};
use crate::service::{Asked, Reply, Service, Step, result};

#[tokio::test]
async fn both_sides_bytes_pass_untouched() {
    let answer = concat!(
        "\n{ \"jsonrpc\" : \"2.0\",\r\n  \"id\":7, \"result\": {\"b\":1e400,\"a\":1.0,\"big\":12345678901234567890123,\n",
        "\t\"text\":\"two  spaces, \\n, \\u00e9, é\"},\"future\":[null]}\n"
    );
    let service = Service::start(move |_| Reply::json(answer)).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let question = r#"{"future":{"z":1,"a":-0.0},"id":7,  "jsonrpc":"2.0","method":"tools/call","params":{"name":"\u00e9","x":1e400}}"#;
    app.say(&format!("  {question}\r")).await;
    let line = app.line().await;
    assert_eq!(line, answer.trim().replace(['\r', '\n'], " "));
    let [asked] = &service.log()[..] else { panic!("one request") };
    assert_eq!(asked.body, question);
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_quick_answer_overtakes_a_slow_one() {
    let service = Service::start(|asked| {
        let slow = if asked.rpc() == "slow" { 400 } else { 0 };
        Reply::json(result(asked, "{}")).after(slow)
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&request(1, "slow")).await;
    let begun = Instant::now();
    for id in 2..50 {
        app.say(&request(id, "quick")).await;
    }
    let mut ids = Vec::new();
    for _ in 1..50 {
        ids.push(app.json().await["id"].as_u64().expect("an id"));
    }
    assert_eq!(ids.pop(), Some(1), "the slow one comes last");
    ids.sort_unstable();
    assert_eq!(ids, (2..50).collect::<Vec<_>>());
    assert!(begun.elapsed() < Duration::from_secs(3), "nothing waits for another");
}

#[tokio::test]
async fn what_depends_on_the_first_words_waits_for_them() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "initialize" => {
            Reply::json(result(asked, r#"{"protocolVersion":"2025-06-18"}"#)).header("mcp-session-id", "s1").after(200)
        }
        "notifications/initialized" => Reply::status(202).after(200),
        "" => Reply::status(405),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&[INITIALIZE, INITIALIZED, &request(1, "tools/list")].join("\n")).await;
    assert_eq!([app.json().await["id"].clone(), app.json().await["id"].clone()], [json!(0), json!(1)]);
    let order: Vec<_> = service.log().iter().filter(|asked| asked.method == "POST").map(Asked::rpc).collect();
    assert_eq!(order, ["initialize", "notifications/initialized", "tools/list"]);
    let list = &service.asked("tools/list")[0];
    assert_eq!(list.header("mcp-session-id"), Some("s1"));
    assert_eq!(list.header("mcp-protocol-version"), Some("2025-06-18"));
}

#[tokio::test]
async fn a_probe_that_nobody_answers_holds_nothing_up() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "server/discover" => Reply::json("").after(60_000),
        _ => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&modern(9, "server/discover", "")).await;
    assert_eq!(app.ask(INITIALIZE).await["id"], 0);
}

#[tokio::test]
async fn the_newest_generation_is_routed_by_headers() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "initialize" => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)).header("mcp-session-id", "s"),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.ask(INITIALIZE).await;
    let cases = [
        ("tools/call", r#","name":"list things","arguments":{"name":"x"}"#, Some("list things")),
        ("prompts/get", r#","name":"Grüße""#, Some("=?base64?R3LDvMOfZQ==?=")),
        ("resources/read", r#","uri":"file:///a","name":"b""#, Some("file:///a")),
        ("tools/call", r#","name":" a""#, Some("=?base64?IGE=?=")),
        ("tools/call", r#","name":"=?base64?YQ==?=""#, Some("=?base64?PT9iYXNlNjQ/WVE9PT89?=")),
        ("tools/list", r#","name":"b""#, None),
    ];
    for (method, params, name) in cases {
        app.ask(&modern(1, method, params)).await;
        let asked = service.log().pop().expect("a request");
        assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"), "{method}");
        assert_eq!(asked.header("mcp-method"), Some(method));
        assert_eq!(asked.header("mcp-name"), name, "{method} {params}");
        assert_eq!(asked.header("mcp-session-id"), None, "{method}");
    }
    app.request(2, "tools/list").await;
    let older = service.log().pop().expect("a request");
    assert_eq!(older.header("mcp-method"), None, "an older generation knows no such header");
    assert_eq!(older.header("mcp-session-id"), Some("s"));
}

#[tokio::test]
async fn a_call_that_is_called_off_ends_at_the_service_too() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "hang" | "subscriptions/listen" => Reply::stream([Step::Hang]),
        "notifications/cancelled" => Reply::status(202),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let cancelled =
        |id: &str| format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#);
    app.say(&modern(1, "subscriptions/listen", "")).await;
    service.wait_for("subscriptions/listen", 1).await;
    app.say(&cancelled("1")).await;
    service.hung_up().await;
    assert!(service.asked("notifications/cancelled").is_empty(), "the connection's end says it");

    app.say(&request(2, "hang")).await;
    service.wait_for("hang", 1).await;
    app.say(&cancelled("2")).await;
    service.hung_up().await;
    assert_eq!(service.asked("notifications/cancelled").len(), 1, "an older generation has to be told");
    assert_eq!(app.request(3, "ping").await["id"], 3, "nobody wants an answer to what was called off");
}

#[tokio::test]
async fn a_call_that_is_called_off_before_its_turn_never_reaches_the_service() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "slow" => Reply::json(result(asked, "{}")).after(500),
        "notifications/cancelled" => Reply::status(202),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    // The token is read once before, so that it holds nobody up.
    app.request(0, "ping").await;
    for id in 1..=40 {
        app.say(&request(id, "slow")).await;
    }
    app.say(&request(41, "late")).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":41}}"#).await;
    assert_eq!(app.request(42, "ping").await["id"], 42);
    assert_eq!(service.wait_for("slow", 40).await.len(), 40, "all others set out soon");
    for _ in 1..=40 {
        assert_ne!(app.json().await["id"], 41);
    }
    assert!(service.asked("late").is_empty() && service.asked("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_the_next_one_carried() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    for garbage in ["hello", "{", "42", r#"{"method":7}"#, "[1", r#"["a"]"#, "{} {}"] {
        let answer = app.ask(garbage).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null), "{garbage}");
    }
    app.say("\n \r\n").await;
    assert_eq!(app.request(1, "ping").await["id"], 1);
    assert_eq!(service.log().len(), 1);
}

#[tokio::test]
async fn a_line_of_over_64_mib_is_refused_and_the_next_one_carried() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let piece = "x".repeat(1 << 20);
    let answer = app.ask(&format!(r#"{{"id":1,"method":"{}"}}"#, piece.repeat(64))).await;
    assert_eq!(answer["error"]["code"], -32700);
    assert_eq!(app.request(2, "ping").await["id"], 2);
}

#[tokio::test]
async fn a_batch_is_carried_as_it_is() {
    let answer = r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":"b","result":{}}]"#;
    let service = Service::start(move |_| Reply::json(answer)).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"a"}, {"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":"b","method":"b"}]"#;
    app.say(batch).await;
    assert_eq!(app.line().await, answer);
    assert_eq!(service.log()[0].body, batch);
}

#[tokio::test]
async fn one_of_a_batch_that_is_called_off_takes_nothing_else_with_it() {
    let answer = r#"[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","id":1,"error":{}}]"#;
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "notifications/cancelled" => Reply::status(202),
        _ => Reply::json(answer).after(300),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&format!("[{},{}]", request(1, "a"), request(2, "b"))).await;
    service.wait_for("POST", 1).await;
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    assert_eq!(app.line().await, answer);
    assert_eq!(service.asked("notifications/cancelled").len(), 1);
}

#[tokio::test]
async fn each_request_of_a_batch_gets_its_error() {
    let service = Service::start(|_| Reply::json(r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#)).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":"b","method":"b"}]"#).await;
    assert_eq!(app.json().await[0]["id"], 1);
    let left = app.json().await;
    assert_eq!((&left["id"], &left["error"]["data"]["code"]), (&json!("b"), &json!("not_mcp")));
}
