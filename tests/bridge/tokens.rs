//! Tokens: renewed, refused, pinned to their origin, never told.

use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_core::connection::{AuthHeader, Carrier};
use patchbay_core::secret::Secret;
use patchbay_core::wire::{Endpoint, base64};
use serde_json::json;

use crate::app::{App, Keychain, endpoint, request};
use crate::service::{Asked, Reply, Service, result};

fn bears(asked: &Asked, token: &str) -> bool {
    asked.header("authorization") == Some(&format!("Bearer {token}"))
}

/// A service that takes one token.
async fn takes(token: &'static str) -> Service {
    Service::start(
        move |asked| {
            if bears(asked, token) { Reply::json(result(asked, "{}")) } else { Reply::status(401).after(20) }
        },
    )
    .await
}

#[tokio::test]
async fn who_signed_in_is_not_told_to_renew_a_token() {
    let service = takes("new").await;
    let keychain = Keychain::with(endpoint(&service.url(), "old").map(Endpoint::signed_in));
    let refused = App::start(&keychain).request(1, "ping").await;
    let said = refused["error"]["message"].as_str().expect("words");
    assert!(said.contains("sign in again") && !said.contains("Renew"), "{said}");
    assert_eq!(refused["error"]["data"]["code"], "token_refused");
}

#[tokio::test]
async fn a_renewed_token_takes_effect_without_a_restart() {
    let service = takes("new").await;
    let keychain = Keychain::holding(&service.url(), "old");
    let mut app = App::start(&keychain);
    let refused = app.request(1, "ping").await;
    assert_eq!(refused["error"]["message"], "The service refused the token. Renew it in Patchbay.");
    assert_eq!(refused["error"]["data"]["code"], "token_refused");
    assert_eq!(service.log().len(), 1, "the same token is not sent twice");
    assert_eq!(keychain.reads(), 2);

    keychain.renew(&service.url(), "new");
    let question = request(2, "ping");
    assert!(app.ask(&question).await["result"].is_object());
    let log = service.log();
    assert!(bears(&log[1], "old") && bears(&log[2], "new"));
    assert_eq!((log[1].body.as_str(), log[2].body.as_str()), (question.as_str(), question.as_str()));
    assert!(app.request(3, "ping").await["result"].is_object());
    assert_eq!((keychain.reads(), service.log().len()), (3, 4), "the renewed token is kept");
}

#[tokio::test]
async fn many_refused_at_once_make_one_read() {
    let service = takes("new").await;
    let keychain = Keychain::holding(&service.url(), "old").slow(100);
    let mut app = App::start(&keychain);
    app.request(0, "ping").await;
    assert_eq!(keychain.reads(), 2);
    for id in 1..=30 {
        app.say(&request(id, "ping")).await;
    }
    for _ in 1..=30 {
        assert_eq!(app.json().await["error"]["data"]["code"], "token_refused");
    }
    assert_eq!(keychain.reads(), 3, "one for all that were refused together");
    keychain.renew(&service.url(), "new");
    for id in 1..=30 {
        app.say(&request(id, "ping")).await;
    }
    for _ in 1..=30 {
        assert!(app.json().await["result"].is_object());
    }
    assert_eq!(keychain.reads(), 4);
}

#[tokio::test]
async fn a_redirect_to_another_origin_never_carries_the_token() {
    let stranger = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    for status in [301, 302, 303, 307, 308] {
        let there = stranger.url();
        let service = Service::start(move |_| Reply::status(status).header("location", &there)).await;
        let mut app = App::start(&Keychain::holding(&service.url(), "canary"));
        app.say(&request(1, "ping")).await;
        let line = app.line().await;
        assert!(line.contains("wrong_address") && line.contains(&stranger.origin()), "{line}");
        assert!(!line.contains("canary"));
    }
    assert!(stranger.log().is_empty(), "nothing at all is sent there");
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_everything() {
    let service = Service::start(|asked| match asked.path.as_str() {
        "/mcp" => Reply::status(308).header("location", "/v2/mcp?x=1"),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::holding(&service.url(), "t"));
    let question = request(1, "ping");
    assert!(app.ask(&question).await["result"].is_object());
    let [_, there] = &service.log()[..] else { panic!("two requests") };
    assert_eq!((there.method.as_str(), there.path.as_str(), &there.body), ("POST", "/v2/mcp?x=1", &question));
    assert!(bears(there, "t"));
}

#[tokio::test]
async fn a_service_that_repeats_the_token_is_not_repeated() {
    let token = "pbp_0123456789abcdefABCDEF";
    let words = format!(r#"{{"message":"bad header: Authorization: Bearer {token}"}}"#);
    let service = Service::start(move |_| Reply::status(403).body("application/json", words.clone())).await;
    let mut app = App::start(&Keychain::holding(&service.url(), token));
    app.say(&request(1, "ping")).await;
    let line = app.line().await;
    assert!(line.contains("bad header"), "{line}");
    assert!(!line.contains(token), "{line}");
}

/// An opaque token: nothing in it tells that it is one.
const OPAQUE: &str = "Zq8vN3/pL+x7Rt2=Wk5yB9mD4hJ6cF1sG0aE";

/// The ways in which a service may write a token.
fn writings(token: &str) -> [String; 5] {
    let percent = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    [
        token.to_owned(),
        token.to_ascii_lowercase(),
        token.chars().map(percent).collect(),
        base64(format!("Bearer {token}").as_bytes()),
        format!("{}{token}", "-".repeat(280)),
    ]
}

#[tokio::test]
async fn a_token_that_nobody_knows_as_one_is_not_repeated_either() {
    for written in writings(OPAQUE) {
        for status in [400, 403, 422, 429, 500] {
            let words = json!({ "message": format!("bad: {written}") }).to_string();
            let service = Service::start(move |_| Reply::status(status).body("application/json", words.clone())).await;
            let mut app = App::start(&Keychain::holding(&service.url(), OPAQUE));
            app.say(&request(1, "ping")).await;
            let line = app.line().await;
            assert!(line.contains("bad: "), "{line}");
            assert!(!line.contains(&written) && !line.contains(&OPAQUE[..8]), "{line}");
        }
    }
}

#[tokio::test]
async fn a_replaced_token_is_not_repeated_after_its_end() {
    let words = json!({ "message": format!("replaced: {OPAQUE}") }).to_string();
    let service = Service::start(move |asked| {
        if bears(asked, OPAQUE) {
            return Reply::status(401);
        }
        Reply::status(403).body("application/json", words.clone())
    })
    .await;
    let keychain = Keychain::holding(&service.url(), OPAQUE);
    let mut app = App::start(&keychain);
    app.request(1, "ping").await;
    keychain.renew(&service.url(), "another-opaque-token");
    app.say(&request(2, "ping")).await;
    let line = app.line().await;
    assert!(line.contains("replaced: ") && !line.contains(&OPAQUE[..8]), "{line}");
}

#[tokio::test]
async fn a_session_that_cannot_begin_again_does_not_repeat_the_token() {
    let begun = AtomicBool::new(false);
    let service = Service::start(move |asked| match asked.rpc().as_str() {
        "initialize" if begun.swap(true, Ordering::SeqCst) => {
            Reply::json(format!(r#"{{"jsonrpc":"2.0","id":0,"error":{{"code":1,"message":"no: {OPAQUE}"}}}}"#))
        }
        "initialize" => Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)).header("mcp-session-id", "s"),
        "ping" => Reply::status(404),
        _ => Reply::status(405),
    })
    .await;
    let mut app = App::start(&Keychain::holding(&service.url(), OPAQUE));
    app.begin().await;
    app.say(&request(2, "ping")).await;
    let line = app.line().await;
    assert!(line.contains("no: ") && !line.contains(&OPAQUE[..8]), "{line}");
}

#[tokio::test]
async fn a_redirect_to_a_host_named_as_the_token_does_not_repeat_it() {
    let token = "zq8vn3plx7rt2wk5yb9md4hj6cf1sg0ae";
    let there = format!("https://{token}.elsewhere.example/");
    let service = Service::start(move |_| Reply::status(307).header("location", &there)).await;
    let mut app = App::start(&Keychain::holding(&service.url(), token));
    app.say(&request(1, "ping")).await;
    let line = app.line().await;
    assert!(line.contains("elsewhere.example") && !line.contains(token), "{line}");
}

fn new_pair() -> String {
    format!("Basic {}", base64(b"ana@example.com:aaanew"))
}

#[tokio::test]
async fn every_way_of_sending_a_token_reaches_the_service_byte_for_byte_and_a_renewal_changes_all_of_it() {
    let also = vec![Carrier { name: "X-API-Key".into(), prefix: String::new() }];
    let pair = AuthHeader { user: Some("ana@example.com".into()), ..AuthHeader::plain("Authorization", "Basic ") };
    let several = AuthHeader { also, ..AuthHeader::plain("Authorization", "Token token=") };
    for auth in [pair, several] {
        let service = Service::start(|asked| {
            let is_new =
                asked.header("authorization").is_some_and(|value| value == new_pair() || value == "Token token=aaanew");
            if is_new { Reply::json(result(asked, "{}")) } else { Reply::status(401) }
        })
        .await;
        let of = |token: &str| Endpoint::new(&service.url())?.with_auth(&auth, &Secret::new(token));
        let keychain = Keychain::with(of("aaaold"));
        let mut app = App::start(&keychain);
        assert_eq!(app.request(1, "ping").await["error"]["data"]["code"], "token_refused");
        keychain.answer(of("aaanew"));
        assert!(app.request(2, "ping").await["result"].is_object(), "{auth:?}");
        let log = service.log();
        let sent = |token: &str| match &auth.user {
            Some(user) => format!("Basic {}", base64(format!("{user}:{token}").as_bytes())),
            None => format!("Token token={token}"),
        };
        let (first, last) = (log.first().expect("asked"), log.last().expect("asked"));
        for (asked, token) in [(first, "aaaold"), (last, "aaanew")] {
            assert_eq!(asked.header("authorization"), Some(sent(token)).as_deref());
            assert_eq!(asked.header("x-api-key"), (!auth.also.is_empty()).then_some(token));
        }
    }
}
