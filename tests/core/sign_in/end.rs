//! How sign-ins end: signed out of, removed, replaced, left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::Code;
use patchbay_core::api::message::{Answer, LeaveChoice, Request};
use patchbay_core::api::view::{NextStep, Status};
use patchbay_core::api::{Event, SignInStep, SignInWith, SignedOut};
use patchbay_core::file::Lock;
use patchbay_core::oauth::{self, Kept, Step};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Backend, Key, Secret, SecretStore, Vault};
use patchbay_core::wire::Endpoint;
use serde_json::Value;

use super::{ID, User, browse, signing};
use crate::api::World;

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_sign_in_at_the_service_and_leaves_nothing_in_the_keychain() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let (held, key) = (world.held(), world.own().key());
    assert_eq!(world.sign_out().await, SignedOut { id: ID.into(), revoked: true });
    let entry = world.keychain.build("Patchbay", key.as_str(), None).expect("an entry");
    assert!(entry.get_password().is_err());
    let view = world.view();
    assert_eq!((view.status, view.action, view.tokens.len()), (Status::SignedOut, NextStep::SignIn, 0));
    // What was kept is of no use to anybody any more.
    let access = serde_json::from_str::<Value>(&held).expect("JSON")["access"].as_str().expect("a token").to_owned();
    let renewed = Request::Renew { id: ID.into(), token: None, expires: None, scopes: None };
    let refused = world.patchbay.call(renewed, Some(Secret::new(access))).await.expect_err("refused");
    assert!(matches!(refused.code, Code::RenewalRefused | Code::TokenShape | Code::TokenOtherService), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_and_moving_wait_for_a_renewal_and_take_what_it_brought() {
    for moves in [true, false] {
        let (world, _) = signing(User::Allows).await;
        world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
        if moves {
            let passphrase = Some(Secret::new("a long passphrase"));
            world.patchbay.call(Request::VaultCreate, passphrase).await.expect("made");
            world.do_it(Request::SetBackend { backend: Backend::Keychain }).await.expect("and back");
        }
        let (key, entry) = (world.own().key(), world.entry());
        let lock = world.home.data().join("locks").join(format!("sign-in-{}.lock", key.as_str()));
        let lock = Lock::take(&lock).expect("a renewal begins");
        let work = async {
            if moves {
                world.do_it(Request::SetBackend { backend: Backend::Vault }).await.expect("moved");
            } else {
                assert!(world.sign_out().await.revoked);
            }
        };
        let renewal = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(entry.get_password().is_ok(), "it is waited for");
            let rotated = world.held().replace("\"scopes\"", "\"rotated\":1,\"scopes\"");
            entry.set_password(&rotated).expect("it ends");
            drop(lock);
            rotated
        };
        let ((), rotated) = tokio::join!(work, renewal);
        assert!(entry.get_password().is_err(), "nothing stands there any more");
        if moves {
            let vault = Vault::at(&world.home.data());
            vault.unlock(&Secret::new("a long passphrase")).expect("unlocked");
            let held = SecretStore::of_vault(Arc::new(vault)).read(&key).await.expect("it answers");
            assert_eq!(held, Some(Secret::new(rotated)));
        }
    }
}

/// Does something while a renewal holds the right to a sign-in, and says whether it waited for that.
async fn waits(lock: Lock, work: impl Future<Output = ()>) -> bool {
    let work = async {
        work.await;
        Instant::now()
    };
    let renewal = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let ended = Instant::now();
        drop(lock);
        ended
    };
    let (done, ended) = tokio::join!(work, renewal);
    done >= ended
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_for_an_address_is_kept_and_ended_while_nobody_renews_it() {
    let (world, _) = signing(User::Allows).await;
    let endpoint = Endpoint::new(&world.practice.mcp_url()).expect("an address");
    let name = format!("sign-in-{}.lock", Kept::key(endpoint.url()).as_str());
    let lock = || Lock::take(&world.home.data().join("locks").join(&name)).expect("a renewal begins");
    let url = endpoint.url().as_str();
    let goes = |step| {
        if let Step::Browser(page) = step {
            tokio::spawn(browse(page.into(), User::Allows));
        }
    };
    let signs_in = async {
        world.patchbay.sign_in_url(url, &SignInWith::default(), None, goes).await.expect("signed in");
    };
    assert!(Box::pin(waits(lock(), signs_in)).await, "signing in");
    let signs_out = async {
        assert!(world.patchbay.sign_out_url(url).await.expect("signed out"));
    };
    assert!(Box::pin(waits(lock(), signs_out)).await, "signing out");
    assert_eq!(world.secrets(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_signs_out_and_says_whether_the_service_ended_it() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let done = world.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("removed");
    assert!(matches!(done, Answer::Connected(done) if done.signed_out == Some(true)));
    let (world, _) = signing(User::Allows).await;
    world.connected().await;
    let done = world.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("removed");
    assert!(matches!(done, Answer::Connected(done) if done.signed_out.is_none()), "a token is no sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_ends_sign_ins_and_writes_none_of_their_tokens_into_an_app() {
    for keep_working in [false, true] {
        let (world, _) = signing(User::Allows).await;
        world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
        let held: Value = serde_json::from_str(&world.held()).expect("JSON");
        let choice = LeaveChoice { keep_working, take_changed: false };
        let Ok(Answer::Leave(view)) = world.do_it(Request::PlanLeave { choice }).await else { panic!("no plan") };
        let apps = |all: &[&str]| all.iter().filter(|_| keep_working).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(view.plain_text, Vec::<String>::new());
        assert_eq!((view.signs_in, view.cannot_sign_in), (apps(&["claude-code", "codex"]), apps(&["claude-desktop"])));
        let Ok(Answer::Left(left)) = world.do_it(Request::Leave { choice, expected: None }).await else {
            panic!("it does not leave")
        };
        let released = if keep_working { 2 } else { 0 };
        assert_eq!((left.signed_out, left.released, left.taken_out), (Some(true), released, 3 - released));
        assert_eq!(world.secrets(), 0);
        for secret in ["access", "refresh"].map(|name| held[name].as_str().expect("a token")) {
            assert_eq!(world.home.files_with(secret), Vec::<std::path::PathBuf>::new());
        }
        let url = format!("[mcp_servers.{ID}]\nurl = \"{}\"\n", world.practice.mcp_url());
        assert_eq!(world.home.read("codex").contains(&url), keep_working, "{}", world.home.read("codex"));
    }
}

impl World {
    /// Whether the service has ended what this entry of the keychain held.
    pub(super) async fn has_ended(&self, held: &str) -> bool {
        let store = SecretStore::with_store(keyring_core::mock::Store::new().expect("a mock keychain"));
        let endpoint = Endpoint::new(&self.practice.mcp_url()).expect("an address");
        let key = Key::new("t-1", &endpoint.origin());
        store.write(&key, &Secret::new(held)).await.expect("written");
        let access = serde_json::from_str::<Value>(held).expect("JSON")["access"].as_str().expect("a token").to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        match oauth::access(&store, &key, folder.path(), &endpoint, Some(&Secret::new(access))).await {
            Ok(_) => false,
            Err(error) => error.code == Code::SignInNeeded,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_sign_in_before_at_the_service() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let first = world.held();
    assert_eq!(world.sign_in().await.expect("signed in").report.verdict, Verdict::Working);
    let second = world.held();
    assert!(world.has_ended(&first).await);
    assert!(!world.has_ended(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sign_ins_at_once_one_stays_and_the_other_is_ended() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    world.sign_out().await;
    let other = world.reopened(&[]);
    let sign_in = Request::SignIn { id: ID.into(), token: None, with: SignInWith::default() };
    other.listen(|event| {
        if let Event::SignIn { step: SignInStep::Browser { url }, .. } = event {
            tokio::spawn(browse(url, User::Allows));
        }
    });
    let (one, two) = tokio::join!(world.sign_in(), other.call(sign_in, None));
    one.expect("signed in");
    two.expect("signed in");
    assert_eq!(world.view().tokens.len(), 1);
    assert_eq!(world.verdict().await, Verdict::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_place_of_a_sign_in_ends_that_at_the_service_and_leaves_nothing_to_revoke() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let held = world.held();
    let (_, token) = world.token(&["profile:read", "notes:read"]).await;
    let renew = Request::Renew { id: ID.into(), token: None, expires: None, scopes: None };
    let done = world.patchbay.call(renew, Some(Secret::new(token))).await.expect("renewed");
    let Answer::Renewed(done) = done else { panic!("another answer") };
    assert_eq!((done.signed_out, done.old, done.revoke_page), (Some(true), None, None));
    assert!(world.has_ended(&held).await);
    assert_eq!((world.own().previous.len(), world.view().status), (0, Status::Working));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_place_of_a_sign_in_waits_while_that_is_renewed() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let name = format!("sign-in-{}.lock", world.own().key().as_str());
    let lock = Lock::take(&world.home.data().join("locks").join(name)).expect("a renewal begins");
    let (_, token) = world.token(&["profile:read", "notes:read"]).await;
    let renew = Request::Renew { id: ID.into(), token: None, expires: None, scopes: None };
    let replaces = async {
        world.patchbay.call(renew, Some(Secret::new(token.clone()))).await.expect("renewed");
    };
    assert!(Box::pin(waits(lock, replaces)).await);
    assert_eq!(world.held(), token);
}
