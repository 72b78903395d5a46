//! Refusals, pages, outages: each an error in plain words under the request's id.

use std::time::{Duration, Instant};

use patchbay_bridge::Event;
use patchbay_core::{Code, Error};
use serde_json::json;

use crate::app::{App, INITIALIZE, Keychain, request};
use crate::service::{Reply, Service, Step, result};

/// Asks a service that answers everything alike; the error's code and words.
async fn refusal(reply: Reply) -> (String, String) {
    let service = Service::start(move |_| reply.clone()).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let answer = app.ask(r#"{"jsonrpc":"2.0","id":"q-1","method":"tools/list"}"#).await;
    assert_eq!(answer["id"], "q-1");
    assert_eq!(answer["error"]["code"], -32000, "{answer}");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let code = text(&answer["error"]["data"]["code"]);
    assert_eq!(app.events(), [Event::Failed(code.clone())]);
    (code, text(&answer["error"]["message"]))
}

#[tokio::test]
async fn each_refusal_has_its_code_and_a_sentence() {
    let page = "<!doctype html><p>Sign in</p>";
    let own_words = r#"{"error":{"message":"Scope missing:\nread"}}"#;
    let other = r#"{"jsonrpc":"2.0","id":99,"result":{}}"#;
    let cases = [
        (Reply::status(200).body("text/html; charset=utf-8", page), "not_mcp", "A web page"),
        (Reply::json(page), "not_mcp", "A web page"),
        (Reply::json("{\"jsonrpc\":"), "not_mcp", "no MCP server"),
        (Reply::json("{\"status\":\"ok\"}"), "not_mcp", "no MCP server"),
        (Reply::json(other), "not_mcp", "no MCP server"),
        (Reply::status(202), "not_mcp", "no MCP server"),
        (Reply::status(401), "token_missing", "Give the connection a token"),
        (Reply::status(403).body("application/json", own_words), "not_allowed", "It says: Scope missing: read"),
        (Reply::status(403), "not_allowed", "whether it has a token"),
        (Reply::status(404).body("text/html", page), "wrong_address", "If it has worked before"),
        (Reply::status(300), "not_mcp", "(300)"),
        (Reply::status(304), "not_mcp", "(304)"),
        (Reply::status(402), "service_error", "turns this down for a reason of its own (402)"),
        (Reply::status(451), "service_error", "(451)"),
        (Reply::json("<?xml version=\"1.0\"?><!DOCTYPE html><html>"), "not_mcp", "A web page"),
        (Reply::json("<Error><Code>No</Code></Error>"), "not_mcp", "no MCP server"),
        (
            Reply::stream([Step::Say(
                "event: response\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"q-1\",\"result\":{}}\n\n".to_owned(),
            )]),
            "broken",
            "cut off",
        ),
        (Reply::status(429), "service_error", "too many requests"),
        (Reply::status(502).body("text/html", page), "service_error", "(502)"),
        (Reply::status(302).header("location", "/sign-in"), "wrong_address", "sends elsewhere"),
        (Reply::status(307).header("location", "/mcp"), "wrong_address", "in circles"),
        (Reply::stream([Step::Say(": nothing\n\n".to_owned())]), "broken", "cut off"),
    ];
    for (reply, code, words) in cases {
        let told = format!("{reply:?}");
        let (own, sentence) = refusal(reply).await;
        assert_eq!(own, code, "{told}");
        assert!(sentence.contains(words) && (sentence.ends_with('.') || sentence.ends_with("read")), "{sentence}");
    }
}

#[tokio::test]
async fn an_answer_of_over_64_mib_is_refused() {
    let most = || std::iter::repeat_n(Step::Say("x".repeat(1 << 20)), 65);
    let (code, _) = refusal(Reply::stream(std::iter::once(Step::Say("data: ".to_owned())).chain(most()))).await;
    assert_eq!(code, "too_large");
    assert_eq!(refusal(Reply::stream(most()).said_as_json()).await.0, "too_large");
}

#[tokio::test]
async fn a_connection_cut_in_the_answer_is_told() {
    let cut = Reply::stream([Step::Say("{\"jsonrpc\"".to_owned()), Step::Break]).said_as_json();
    assert_eq!(refusal(cut).await.0, "broken");
}

#[tokio::test]
async fn the_servers_own_error_comes_through_whatever_its_status() {
    for status in [200, 400, 403, 404, 500] {
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"m","data":{"supported":["x"]}}}"#;
        let service = Service::start(move |_| Reply::status(status).body("application/json", error)).await;
        let mut app = App::start(&Keychain::open(&service.url()));
        app.say(&request(1, "server/discover")).await;
        assert_eq!(app.line().await, error, "{status}");
    }
}

#[tokio::test]
async fn the_servers_error_without_an_id_gets_the_requests() {
    let error = r#"{"error":{"code":-32600,"message":"Bad Request"},"id":null,"jsonrpc":"2.0"}"#;
    for status in [200, 400] {
        let service = Service::start(move |_| Reply::status(status).body("application/json", error)).await;
        let mut app = App::start(&Keychain::open(&service.url()));
        let answer = app.request(5, "server/discover").await;
        assert_eq!(answer, json!({"jsonrpc":"2.0","id":5,"error":{"code":-32600,"message":"Bad Request"}}));
    }
}

#[tokio::test]
async fn nobody_there_is_told_and_tried_again() {
    let gone = Service::start(|_| Reply::status(500)).await.url();
    let mut app = App::start(&Keychain::open(&gone));
    for id in [1, 2] {
        let answer = app.request(id, "ping").await;
        assert_eq!(answer["error"]["data"]["code"], "unreachable", "{answer}");
    }
}

#[tokio::test]
async fn a_failing_notification_says_nothing_to_the_app() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "notifications/x" => Reply::status(500),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).await;
    app.say(r#"{"jsonrpc":"2.0","id":4,"result":{}}"#).await;
    service.wait_for("POST", 2).await;
    assert_eq!(app.request(1, "ping").await["id"], 1);
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn without_a_token_the_bridge_stays_and_tries_again() {
    let service = Service::start(|asked| Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#))).await;
    let locked = Error::new(Code::KeychainLocked, "The keychain is locked.").hint("Unlock it.");
    let keychain = Keychain::with(Err(locked));
    let mut app = App::start(&keychain);
    for round in 1..=2 {
        let answer = app.ask(INITIALIZE).await;
        assert_eq!(answer["id"], 0);
        assert_eq!(answer["error"]["message"], "The keychain is locked. Unlock it.");
        assert_eq!(answer["error"]["data"]["code"], "keychain_locked");
        assert_eq!(keychain.reads(), round);
    }
    keychain.renew(&service.url(), "t");
    assert!(app.ask(INITIALIZE).await["result"].is_object());
    assert_eq!(app.events().last(), Some(&Event::Answered));
}

#[tokio::test]
async fn a_locked_keychain_is_not_asked_by_each_of_many_messages_and_is_used_once_it_opens() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let keychain = Keychain::with(Err(Error::new(Code::KeychainLocked, "The keychain is locked.")));
    let mut app = App::start(&keychain);
    let begun = Instant::now();
    for id in 0..8 {
        assert_eq!(app.request(id, "ping").await["error"]["data"]["code"], "keychain_locked");
    }
    let (reads, most) = (keychain.reads(), 2 + begun.elapsed().as_millis() / 100);
    assert!(u128::try_from(reads).is_ok_and(|reads| reads <= most), "{reads} reads in {:?}", begun.elapsed());
    keychain.renew(&service.url(), "t");
    let opened = Instant::now();
    assert!(app.request(9, "ping").await["result"].is_object(), "the next message is sent with it");
    assert!(opened.elapsed() < Duration::from_secs(1), "{:?}", opened.elapsed());
    for id in 10..40 {
        app.request(id, "ping").await;
    }
    assert_eq!(keychain.reads(), reads + 1, "and nobody waits any more");
}

#[tokio::test]
async fn requests_that_wait_for_a_slow_keychain_share_its_answer() {
    let keychain = Keychain::with(Err(Error::new(Code::KeychainSlow, "Slow."))).slow(300);
    let mut app = App::start(&keychain);
    for id in 0..20 {
        app.say(&request(id, "ping")).await;
    }
    for _ in 0..20 {
        assert_eq!(app.json().await["error"]["data"]["code"], "keychain_slow");
    }
    assert!(keychain.reads() <= 2, "{} reads", keychain.reads());
}
