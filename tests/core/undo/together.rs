//! Taking entries out where several of us do so at once; connections that come back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use patchbay_core::Code;
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Connect, Request, TokenFacts};
use patchbay_core::api::view::Status;
use patchbay_core::secret::Secret;
use patchbay_test_support::Home;
use rstest::rstest;

use crate::api::place;

/// Several connections in one app's file, by a Patchbay each, as several commands would open it.
async fn connected(
    home: &Home,
    keychain: &std::sync::Arc<keyring_core::CredentialStore>,
    clock: Clock,
) -> Vec<Patchbay> {
    let mut patchbays = Vec::new();
    for name in NAMES {
        let patchbay = crate::api::open(home, keychain, clock);
        let connect = Connect {
            provider: "custom".into(),
            name: name.into(),
            settings: BTreeMap::from([("url".into(), "https://mcp.example.com/mcp".into())]),
            token: None,
            places: vec![place("claude-desktop")],
            overrule: false,
        };
        patchbay.call(Request::Connect { connect, expected: None }, None).await.expect("connected");
        patchbays.push(patchbay);
    }
    patchbays
}

type Clock = fn() -> Timestamp;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn mock() -> std::sync::Arc<keyring_core::CredentialStore> {
    keyring_core::mock::Store::new().expect("a mock keychain")
}

#[rstest]
#[case::removed(|name: &str| Request::Remove { id: name.into(), expected: None })]
#[case::used_nowhere(|name: &str| Request::Place { id: name.into(), places: Vec::new(), expected: None })]
#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn connections_taken_out_at_the_same_time_leave_no_trace(#[case] out: fn(&str) -> Request) {
    let (home, keychain) = (Home::new(), mock());
    home.write("claude-desktop", "{}");
    let patchbays = connected(&home, &keychain, Timestamp::now).await;
    let all = patchbays
        .into_iter()
        .zip(NAMES)
        .map(|(patchbay, name)| tokio::spawn(async move { patchbay.call(out(name), None).await.map(drop) }));
    for one in all.collect::<Vec<_>>() {
        one.await.expect("it ran").expect("taken out");
    }
    assert_eq!(home.read("claude-desktop"), "{}");
}

#[tokio::test]
async fn a_clock_that_runs_backwards_does_not_mix_up_what_came_first() {
    static SECONDS: AtomicI64 = AtomicI64::new(1_900_000_000);
    let (home, keychain) = (Home::new(), mock());
    home.write("claude-desktop", "{}");
    let back: Clock = || Timestamp::from_second(SECONDS.fetch_sub(1, Ordering::SeqCst)).expect("a time");
    for (patchbay, name) in connected(&home, &keychain, back).await.into_iter().zip(NAMES) {
        patchbay.call(Request::Remove { id: name.into(), expected: None }, None).await.expect("removed");
    }
    assert_eq!(home.read("claude-desktop"), "{}");
}

#[rstest]
#[case::with_a_token(true)]
#[case::without(false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_comes_back_without_its_token_says_so_until_it_has_one(#[case] with_token: bool) {
    let world = crate::api::world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    let connect = Connect { provider: "custom".into(), places: vec![place("codex")], ..world.notes() };
    world.connect(connect, with_token.then_some(token.as_str())).await.expect("connected");
    let status = || world.snapshot().connections[0].status;
    let before = status();
    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("removed");
    let undone = world.patchbay.call(Request::Undo { change: None }, None).await.expect("undone");
    let Answer::Connected(undone) = undone else { panic!("another answer: {undone:?}") };
    assert_eq!(undone.token_missing, with_token);
    let endpoint = async || {
        let state = world.patchbay.state().expect("a state");
        world.patchbay.endpoint(&state.connections[0], None).await.map(drop).map_err(|error| error.code)
    };
    if !with_token {
        assert_eq!((status(), endpoint().await), (before, Ok(())));
        return;
    }
    assert_eq!((status(), endpoint().await), (Status::TokenMissing, Err(Code::TokenMissing)));
    let save = Request::SaveToken { id: "my-notes".into(), token: TokenFacts::default(), clients: Vec::new() };
    world.patchbay.call(save, Some(Secret::new(token))).await.expect("saved");
    assert_eq!((status(), endpoint().await), (before, Ok(())));
}
