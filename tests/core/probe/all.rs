//! Checking at the front door: each connection has its own outcome, and whoever listens hears of every layer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use patchbay_core::api::message::{Answer, CheckedView, Connect, Place, Request, TokenFacts};
use patchbay_core::api::view::Status;
use patchbay_core::api::{Event, Patchbay};
use patchbay_core::client::Scope;
use patchbay_core::probe::{LayerKind, Mark, Verdict};
use patchbay_core::secret::{Backend, Secret, SecretStore};
use patchbay_core::{Error, Host, Platform};
use patchbay_test_support::Home;

use super::server::{Asked, http, modern, serve};

pub(super) fn open(home: &Home, secrets: SecretStore) -> Patchbay {
    let host = Host { env: home.env(), ..Host::bare(Platform::Linux, home.path(), Timestamp::now()) };
    Patchbay::with(host, secrets, Timestamp::now)
}

pub(super) fn keychain() -> SecretStore {
    SecretStore::with_store(keyring_core::mock::Store::new().expect("a mock keychain"))
}

pub(super) async fn connect(patchbay: &Patchbay, name: &str, url: &str, token: Option<&str>) -> Result<(), Error> {
    let place = Place { client: "codex".into(), scope: Scope::User, wiring: None, token: None, create: true };
    let connect = Connect {
        provider: "custom".into(),
        name: name.into(),
        settings: BTreeMap::from([("url".into(), url.into())]),
        places: vec![place],
        token: token.map(|_| TokenFacts::default()),
        overrule: false,
    };
    patchbay.call(Request::Connect { connect, expected: None }, token.map(Secret::new)).await.map(drop)
}

async fn check_all(patchbay: &Patchbay) -> Vec<CheckedView> {
    match patchbay.call(Request::Check { ids: Vec::new() }, None).await {
        Ok(Answer::Reports(reports)) => reports,
        other => panic!("no reports: {other:?}"),
    }
}

/// Nothing in it tells that it is a token.
const NEW: &str = "nEw0token8without4any2marks";

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_connection_leaves_the_others_their_outcomes() {
    let home = Home::new();
    let good = serve(modern).await;
    let refuses = serve(|_: &Asked| http("401 Unauthorized", "", "")).await;
    {
        let patchbay = open(&home, keychain());
        connect(&patchbay, "adopted", "https://example.com/", None).await.expect("it connects");
        connect(&patchbay, "good", &good, None).await.expect("it connects");
        connect(&patchbay, "locked", &good, Some("a-token-of-its-own-0123")).await.expect("it connects");
        connect(&patchbay, "refused", &refuses, None).await.expect("it connects");
    }
    let path = home.data().join("state.json");
    let state =
        std::fs::read_to_string(&path).expect("text").replace("\"url\": \"https://example.com/\"", "\"url\": \"\"");
    assert!(state.contains("\"url\": \"\""), "{state}");
    std::fs::write(&path, state).expect("written");
    // A vault that nobody has opened.
    let patchbay = open(&home, SecretStore::system(&home.data(), Backend::Vault));

    let told = check_all(&patchbay).await;
    let verdicts: Vec<_> = told.iter().map(|checked| (checked.id.as_str(), checked.report.verdict)).collect();
    let expected = [
        ("adopted", Verdict::WrongAddress),
        ("good", Verdict::Working),
        ("locked", Verdict::TokenUnreadable),
        ("refused", Verdict::TokenMissing),
    ];
    assert_eq!(verdicts, expected);
    let failed = |id: usize| {
        let layers = &told[id].report.layers;
        assert_eq!(layers.iter().map(|layer| layer.kind).collect::<Vec<_>>(), LayerKind::ALL);
        layers.iter().find(|layer| layer.mark == Mark::Failed).map(|layer| layer.kind)
    };
    assert_eq!((failed(0), failed(2)), (Some(LayerKind::Name), Some(LayerKind::SignIn)));
    assert!(told[2].report.detail.as_deref().is_some_and(|detail| detail.contains("vault")), "{:?}", told[2]);
    let kept = patchbay.state().expect("a state").checks;
    assert_eq!(kept.len(), 4, "each is kept");
    let snapshot = patchbay.snapshot().expect("a snapshot");
    let statuses: Vec<_> = snapshot.connections.iter().map(|view| view.status).collect();
    assert!(statuses.contains(&Status::TokenUnreadable) && statuses.contains(&Status::WrongAddress), "{statuses:?}");
    assert!(snapshot.connections.iter().all(|view| !view.checking));
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_told_even_where_they_cannot_be_kept() {
    let home = Home::new();
    let patchbay = open(&home, keychain());
    connect(&patchbay, "good", &serve(modern).await, None).await.expect("it connects");
    let path = home.data().join("state.json");
    let newer = std::fs::read_to_string(&path).expect("text").replacen("\"version\": 1", "\"version\": 99", 1);
    std::fs::write(&path, &newer).expect("written");
    assert_eq!(check_all(&patchbay).await[0].report.verdict, Verdict::Working);
    assert_eq!(std::fs::read_to_string(&path).expect("text"), newer);
}

/// What a service repeats of the token would otherwise be kept in the state file.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_service_repeats_is_kept_nowhere() {
    let home = Home::new();
    let patchbay = open(&home, keychain());
    let url = serve(|_: &Asked| http("401 Unauthorized", "", format!("unknown token {NEW}"))).await;
    connect(&patchbay, "refused", &url, Some(NEW)).await.expect("it connects");
    let told = &check_all(&patchbay).await[0].report;
    assert_eq!((told.verdict, told.detail.as_deref()), (Verdict::TokenRefused, Some("unknown token •••")));
    let renew = Request::Renew { id: "refused".into(), token: None, expires: None, scopes: None };
    let refused = patchbay.call(renew, Some(Secret::new(NEW))).await.expect_err("it is refused");
    assert!(!format!("{refused:?}").contains(NEW), "{refused:?}");
    assert_eq!(home.files_with(NEW), Vec::<std::path::PathBuf>::new());
}

/// The window shows how far a renewal is by the layers of its two checks.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_tells_the_layers_of_both_its_checks() {
    let home = Home::new();
    let patchbay = open(&home, keychain());
    connect(&patchbay, "good", &serve(modern).await, Some("0ld-token-without-any-marks")).await.expect("it connects");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    patchbay.listen(move |event| {
        if let Event::Layer { id, layer } = event {
            hear.lock().expect("nobody panicked").push((id, layer.kind));
        }
    });
    let renew = Request::Renew { id: "good".into(), token: None, expires: None, scopes: None };
    let done = patchbay.call(renew, Some(Secret::new(NEW))).await.expect("it is renewed");
    assert!(matches!(done, Answer::Renewed(_)));
    let twice: Vec<_> =
        [LayerKind::ALL, LayerKind::ALL].concat().into_iter().map(|kind| ("good".to_owned(), kind)).collect();
    assert_eq!(*heard.lock().expect("nobody panicked"), twice);
}
