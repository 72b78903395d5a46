//! Sign-ins: needed, made meanwhile, renewed ahead. A bridge never makes one itself.

use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error};

use crate::app::{App, Keychain, endpoint};
use crate::service::{Reply, Service, result};

fn needed() -> patchbay_core::Result<Endpoint> {
    Err(Error::new(Code::SignInNeeded, "The service wants a sign-in.").hint("Run: patchbay sign-in it"))
}

#[tokio::test]
async fn a_bridge_without_a_sign_in_says_so_and_goes_on_by_itself_once_there_is_one() {
    let metadata = r#"Bearer resource_metadata="https://a.example/metadata""#;
    let service = Service::start(move |asked| match asked.header("authorization") {
        Some("Bearer new") => Reply::json(result(asked, "{}")),
        _ => Reply::status(401).header("www-authenticate", metadata),
    })
    .await;
    let keychain = Keychain::open(&service.url());
    let mut app = App::start(&keychain);
    let plain = app.request(1, "ping").await;
    assert_eq!(plain["error"]["data"]["code"], "token_missing");
    assert!(keychain.refusals()[0].offers_sign_in, "whoever gives tokens hears what the service offers");

    keychain.answer(needed());
    let error = app.request(2, "ping").await["error"].clone();
    assert_eq!(error["data"]["code"], "sign_in_needed");
    assert_eq!(error["message"], "The service wants a sign-in. Run: patchbay sign-in it");

    keychain.renew(&service.url(), "new");
    assert!(app.request(3, "ping").await["result"].is_object());
}

#[tokio::test]
async fn missing_permissions_lead_to_another_token_or_to_what_the_service_says() {
    let more = r#"Bearer error="insufficient_scope", scope="write""#;
    let service = Service::start(move |asked| match asked.header("authorization") {
        Some("Bearer new") => Reply::json(result(asked, "{}")),
        _ => Reply::status(403).header("www-authenticate", more),
    })
    .await;
    let keychain = Keychain::holding(&service.url(), "old");
    let mut app = App::start(&keychain);
    let same = app.request(1, "ping").await;
    assert_eq!(same["error"]["data"]["code"], "not_allowed", "the same token is not sent twice: {same}");
    assert_eq!(service.log().len(), 1);
    assert_eq!(keychain.refusals()[0].scopes, ["write"]);

    keychain.answer(needed());
    assert_eq!(app.request(2, "ping").await["error"]["data"]["code"], "sign_in_needed");
    keychain.renew(&service.url(), "new");
    assert!(app.request(3, "ping").await["result"].is_object());
}

#[tokio::test]
async fn a_token_that_ends_is_asked_for_anew_before_it_is_refused() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let past = Some(jiff::Timestamp::UNIX_EPOCH);
    let keychain = Keychain::with(endpoint(&service.url(), "old").map(|old| old.fresh_until(past)));
    let mut app = App::start(&keychain);
    app.request(1, "ping").await;
    keychain.renew(&service.url(), "new");
    app.request(2, "ping").await;
    let log = service.log();
    assert_eq!(log.last().and_then(|asked| asked.header("authorization")), Some("Bearer new"));
    let reads = keychain.reads();
    app.request(3, "ping").await;
    assert_eq!(keychain.reads(), reads, "one that does not end is not asked for again");
    assert!(keychain.refusals().is_empty());
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_for_now_is_sent_without_asking_before_each_message() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let past = Some(jiff::Timestamp::UNIX_EPOCH);
    let keychain = Keychain::with(endpoint(&service.url(), "old").map(|old| old.fresh_until(past)));
    let mut app = App::start(&keychain);
    assert!(app.request(1, "ping").await["result"].is_object());
    keychain.answer(Err(patchbay_core::Error::new(patchbay_core::Code::Unreachable, "Nobody answers.")));
    let reads = keychain.reads();
    let begun = std::time::Instant::now();
    for id in 2..50 {
        assert!(app.request(id, "ping").await["result"].is_object());
    }
    let most = 2 + begun.elapsed().as_secs();
    assert!((keychain.reads() - reads) as u64 <= most, "{} reads", keychain.reads() - reads);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_yet_is_sent_until_the_next_attempt() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}"))).await;
    let past = Some(jiff::Timestamp::UNIX_EPOCH);
    let keychain = Keychain::with(endpoint(&service.url(), "old").map(|old| old.fresh_until(past)));
    let mut app = App::start(&keychain);
    app.request(1, "ping").await;
    let later = Some(jiff::Timestamp::now() + jiff::SignedDuration::from_secs(30));
    keychain.answer(endpoint(&service.url(), "old").map(|old| old.fresh_until(later)));
    app.request(2, "ping").await;
    let reads = keychain.reads();
    app.request(3, "ping").await;
    app.request(4, "ping").await;
    assert_eq!(keychain.reads(), reads, "not asked before each message");
}
