//! Tokens that are bound to a key: each request has a proof of its own, whatever the service wants to see in it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use patchbay_core::secret::Secret;
use patchbay_core::wire::{BoundKey, Endpoint};
use patchbay_test_support::proof::Proof;
use serde_json::json;

use crate::app::{App, Keychain, request};
use crate::service::{Asked, Reply, Service, event, result};

const TOKEN: &str = "canary-bound-token";

/// A keychain with a bound token.
fn bound(url: &str, key: &BoundKey) -> Keychain {
    Keychain::with(Endpoint::new(url).and_then(|endpoint| endpoint.with_bound(key, &Secret::new(TOKEN))))
}

/// The proof of a request that came with the token.
fn proof(asked: &Asked) -> Result<Proof, String> {
    if asked.header("authorization") != Some(&format!("DPoP {TOKEN}")) {
        return Err(format!("another token: {asked:?}"));
    }
    let host = asked.header("host").unwrap_or_default();
    let place = asked.path.split('?').next().unwrap_or_default();
    let address = format!("http://{host}{place}");
    Proof::of(asked.header("dpop").unwrap_or_default(), &asked.method, &address, Some(TOKEN))
}

fn refused(nonce: &str) -> Reply {
    Reply::status(401).header("www-authenticate", "DPoP error=\"use_dpop_nonce\"").header("dpop-nonce", nonce)
}

#[tokio::test]
async fn every_request_of_a_session_has_a_proof_of_its_own() {
    let service = Service::start(|asked| match (asked.method.as_str(), asked.rpc().as_str()) {
        ("GET", _) => Reply::stream([event(r#"{"jsonrpc":"2.0","method":"heard"}"#)]),
        (_, "initialize") => {
            Reply::json(result(asked, r#"{"protocolVersion":"2025-11-25"}"#)).header("mcp-session-id", "s")
        }
        (_, "notifications/initialized") => Reply::status(202),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let key = BoundKey::generate().expect("a key");
    let mut app = App::start(&bound(&format!("{}?tenant=a#top", service.url()), &key));
    app.begin().await;
    assert_eq!(app.json().await["method"], "heard");
    app.request(2, "tools/list").await;
    app.hang_up().await;
    let log = service.log();
    for method in ["POST", "GET", "DELETE"] {
        assert!(log.iter().any(|asked| asked.method == method), "{method}: {log:?}");
    }
    let proofs: Vec<_> = log.iter().map(|asked| proof(asked).expect("a proof")).collect();
    let now = jiff::Timestamp::now().as_second();
    for (n, one) in proofs.iter().enumerate() {
        assert_eq!(one.key, key.thumbprint());
        assert!((now - one.made()).abs() < 30 && one.nonce().is_none(), "{one:?}");
        assert!(proofs[..n].iter().all(|other| other.id() != one.id()), "a proof came twice");
    }
}

#[tokio::test]
async fn a_service_may_ask_for_another_nonce_at_any_time_and_no_token_is_asked_for() {
    let turns = Arc::new(AtomicU32::new(0));
    let wanted = turns.clone();
    let service = Service::start(move |asked| {
        let nonce = format!("nonce-{}", wanted.load(Ordering::SeqCst));
        match proof(asked) {
            Ok(proof) if proof.nonce() == Some(&nonce) => Reply::json(result(asked, "{}")),
            Ok(_) => refused(&nonce),
            Err(why) => Reply::status(400).body("text/plain", why),
        }
    })
    .await;
    let keychain = bound(&service.url(), &BoundKey::generate().expect("a key"));
    let mut app = App::start(&keychain);
    for turn in 1..=3 {
        turns.store(turn, Ordering::SeqCst);
        for id in [2 * turn, 2 * turn + 1] {
            let question = request(id, "ping");
            assert!(app.ask(&question).await["result"].is_object());
            assert_eq!(service.log().last().expect("a request").body, question);
        }
        assert_eq!(service.log().len(), 3 * turn as usize, "once anew for each nonce");
    }
    assert_eq!((keychain.reads(), keychain.refusals().len()), (1, 0));
}

#[tokio::test]
async fn a_nonce_that_comes_with_an_answer_is_for_the_next_request() {
    let service = Service::start(|asked| {
        let next = format!("after-{}", asked.json()["id"]);
        Reply::json(result(asked, "{}")).header("dpop-nonce", &next)
    })
    .await;
    let mut app = App::start(&bound(&service.url(), &BoundKey::generate().expect("a key")));
    for id in 1..=3 {
        app.request(id, "ping").await;
    }
    let nonces: Vec<_> =
        service.log().iter().map(|asked| proof(asked).expect("a proof").claims["nonce"].clone()).collect();
    assert_eq!(nonces, [serde_json::Value::Null, "after-1".into(), "after-2".into()]);
}

#[tokio::test]
async fn two_bridges_of_one_sign_in_get_along_with_a_service_that_takes_each_nonce_once() {
    let (next, good) = (AtomicUsize::new(0), Mutex::new(Vec::<String>::new()));
    let service = Service::start(move |asked| {
        let mut good = good.lock().expect("nobody panicked");
        let fresh = format!("nonce-{}", next.fetch_add(1, Ordering::SeqCst));
        let sent = proof(asked).expect("a proof").nonce().map(str::to_owned);
        let known = good.iter().position(|nonce| Some(nonce) == sent.as_ref());
        good.push(fresh.clone());
        match known {
            Some(at) => {
                good.remove(at);
                Reply::json(result(asked, "{}")).header("dpop-nonce", &fresh)
            }
            None => refused(&fresh),
        }
    })
    .await;
    let key = BoundKey::generate().expect("a key").secret().expect("written");
    let mut apps: Vec<_> =
        (0..2).map(|_| App::start(&bound(&service.url(), &BoundKey::read(&key).expect("the same key")))).collect();
    for id in 1..=10 {
        for app in &mut apps {
            app.say(&request(id, "ping")).await;
        }
        for app in &mut apps {
            assert!(app.json().await["result"].is_object());
        }
    }
    let keys: Vec<_> = service.log().iter().map(|asked| proof(asked).expect("a proof").key).collect();
    assert!(keys.iter().all(|one| *one == keys[0]));
}

#[tokio::test]
async fn a_service_that_is_never_content_is_asked_four_times_and_its_refusal_is_told_without_the_proof() {
    let count = AtomicUsize::new(0);
    let service = Service::start(move |asked| {
        let nonce = format!("nonce-{}", count.fetch_add(1, Ordering::SeqCst));
        let repeated = format!(
            "no: {} {}",
            asked.header("dpop").unwrap_or_default(),
            asked.header("authorization").unwrap_or_default()
        );
        match asked.rpc().as_str() {
            "ping" => refused(&nonce),
            _ => Reply::status(403).body("application/json", json!({ "message": repeated }).to_string()),
        }
    })
    .await;
    let mut app = App::start(&bound(&service.url(), &BoundKey::generate().expect("a key")));
    assert_eq!(app.request(1, "ping").await["error"]["data"]["code"], "token_refused");
    assert_eq!(service.log().len(), 4);
    let told = app.request(2, "other").await.to_string();
    assert!(told.contains("no:") && !told.contains("eyJ") && !told.contains(TOKEN), "{told}");
}

#[tokio::test]
async fn a_computer_whose_clock_is_wrong_goes_by_the_services() {
    // As seen from there, it is this computer that is wrong.
    let there = |ahead: i64| jiff::Timestamp::now().as_second() + ahead;
    for ahead in [7200, -7200] {
        let service = Service::start(move |asked| {
            let date = jiff::Timestamp::from_second(there(ahead)).expect("a time");
            let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).expect("a date");
            let made = proof(asked).expect("a proof").made();
            let reply = if (made - there(ahead)).abs() < 60 {
                Reply::json(result(asked, "{}"))
            } else {
                Reply::status(401).header("www-authenticate", "DPoP error=\"invalid_dpop_proof\"")
            };
            reply.header("date", &date)
        })
        .await;
        let mut app = App::start(&bound(&service.url(), &BoundKey::generate().expect("a key")));
        assert!(app.request(1, "ping").await["result"].is_object());
        assert!(app.request(2, "ping").await["result"].is_object());
        assert_eq!(service.log().len(), 3, "only the first was refused");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_elsewhere_by_the_service_has_a_proof_for_there() {
    let service = Service::start(|asked| match asked.path.as_str() {
        "/mcp" => Reply::status(307).header("location", "/there?of=all"),
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&bound(&service.url(), &BoundKey::generate().expect("a key")));
    assert!(app.request(1, "ping").await["result"].is_object());
    let ids: Vec<_> = service.log().iter().map(|asked| proof(asked).expect("a proof").id()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1]);
}

#[tokio::test]
async fn other_tokens_go_along_without_a_proof() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}")).header("dpop-nonce", "unasked")).await;
    let mut app = App::start(&Keychain::holding(&service.url(), "plain"));
    app.request(1, "ping").await;
    app.request(2, "ping").await;
    for asked in service.log() {
        assert_eq!((asked.header("authorization"), asked.header("dpop")), (Some("Bearer plain"), None));
    }
}
