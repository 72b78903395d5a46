//! Sign-ins for addresses alone: known, moved and ended like all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use patchbay_core::api::message::{Answer, LeaveChoice, Request};
use patchbay_core::api::{Event, SignInWith};
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Kept, Step};
use patchbay_core::secret::{Backend, Key, Secret};
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error};
use serde_json::Value;

use crate::api::World;

use super::{User, browse, signing};

/// Somebody who is signed in for the practice service's address, and where that stands.
async fn signed_in() -> (World, Key, String) {
    let (world, _) = signing(User::Allows).await;
    let endpoint = Endpoint::new(&world.practice.mcp_url()).expect("an address");
    let (key, url) = (Kept::key(endpoint.url()), endpoint.url().to_string());
    world.sign_in_at(&url, &SignInWith::default(), None).await.expect("signed in");
    (world, key, url)
}

impl World {
    /// Signs in for an address, with a browser that allows all; whether the browser was asked.
    async fn sign_in_at(&self, url: &str, with: &SignInWith, secret: Option<&str>) -> Result<bool, Error> {
        let asked = AtomicBool::new(false);
        let goes = |step| {
            if let Step::Browser(page) = step {
                asked.store(true, Ordering::Relaxed);
                tokio::spawn(browse(page.into(), User::Allows));
            }
        };
        self.patchbay.sign_in_url(url, with, secret.map(Secret::new), goes).await?;
        Ok(asked.into_inner())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_signing_out_of_an_address_the_next_sign_in_goes_the_same_way_and_asks_for_the_secret_that_is_gone() {
    let (world, _) = signing(User::LooksAway).await;
    let wanted = serde_json::json!({ "name": "Nightly", "scopes": ["profile:read", "notes:read"] });
    let made: Value = world.post("/api/clients", &wanted).await;
    let [id, secret] = ["client_id", "client_secret"].map(|key| made[key].as_str().expect("text").to_owned());
    let url = world.practice.mcp_url();
    let with =
        SignInWith { grant: Some(Grant::ClientCredentials), client_id: Some(id.clone()), ..SignInWith::default() };
    world.sign_in_at(&url, &with, Some(&secret)).await.expect("signed in");
    assert!(!world.sign_in_at(&url, &SignInWith::default(), None).await.expect("again"), "its secret is kept");
    world.patchbay.sign_out_url(&url).await.expect("signed out");
    let address = Endpoint::new(&url).expect("an address");
    assert_eq!((world.snapshot().sign_ins.len(), world.stored(&Kept::key(address.url()))), (0, None));
    assert_eq!(world.home.files_with(&secret), Vec::<std::path::PathBuf>::new());

    let failed = world.sign_in_at(&url, &SignInWith::default(), None).await.expect_err("its secret is gone");
    assert!(failed.message.contains(&id), "{failed}");
    let hint = failed.hint.expect("a way out");
    assert!(hint.contains(&format!("sign-in --url {url} --client-id {id} --client-secret-stdin")), "{hint}");
    let same = SignInWith { client_id: Some(id.clone()), ..SignInWith::default() };
    assert!(!world.sign_in_at(&url, &same, Some(&secret)).await.expect("signed in"), "by the same way");
    let facts = world.snapshot().sign_ins.remove(0).sign_in;
    assert_eq!((facts.grant, facts.own_client), (Grant::ClientCredentials, Some(id)));

    let choice = LeaveChoice::default();
    world.do_it(Request::Leave { choice, expected: None }).await.expect("left");
    assert_eq!(world.home.files_with(&url), Vec::<std::path::PathBuf>::new(), "who leaves is remembered nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_for_an_address_moves_with_all_tokens_and_back() {
    let (world, key, url) = signed_in().await;
    let held = world.stored(&key).expect("it stands in the keychain");
    world.patchbay.call(Request::VaultCreate, Some(Secret::new("a long passphrase"))).await.expect("made");
    assert_eq!(world.stored(&key), None, "it went along");
    let report = world.patchbay.check_url(&url).await.expect("checked");
    assert_eq!(report.verdict, patchbay_core::probe::Verdict::Working);
    world.do_it(Request::SetBackend { backend: Backend::Keychain }).await.expect("and back");
    assert_eq!(world.stored(&key), Some(held));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_for_an_address_is_signed_out_of_in_the_window_and_everybody_hears_of_it() {
    let (world, key, url) = signed_in().await;
    let held = world.stored(&key).expect("it stands in the keychain");
    let shown = world.snapshot().sign_ins.remove(0);
    assert_eq!(
        (shown.url.as_str(), shown.sign_in.command),
        (url.as_str(), Some(format!("patchbay sign-in --url {url}")))
    );
    let changed = Arc::new(AtomicBool::new(false));
    let heard = changed.clone();
    world.patchbay.listen(move |event| _ = heard.fetch_or(matches!(event, Event::Changed), Ordering::Relaxed));
    let done = world.do_it(Request::SignOutAt { url: url.clone() }).await.expect("signed out");
    assert!(matches!(done, Answer::SignedOut(done) if done.revoked && done.id == url));
    assert!(changed.load(Ordering::Relaxed));
    assert_eq!((world.stored(&key), world.snapshot().sign_ins.len()), (None, 0));
    assert!(world.has_ended(&held).await, "at the service too");
    let again = world.do_it(Request::SignOutAt { url }).await.expect_err("signed out already");
    assert_eq!(again.code, Code::TokenMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_for_an_address_is_listed_and_ends_when_patchbay_is_left() {
    let (world, key, url) = signed_in().await;
    let listed = world.snapshot().sign_ins;
    assert_eq!(listed.iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), [url.as_str()]);
    let held = world.stored(&key).expect("it stands in the keychain");
    let choice = LeaveChoice::default();
    let Ok(Answer::Leave(plan)) = world.do_it(Request::PlanLeave { choice }).await else { panic!("no plan") };
    let Ok(Answer::Left(left)) = world.do_it(Request::Leave { choice, expected: None }).await else { panic!("stayed") };
    assert_eq!((plan.tokens, left.tokens, left.signed_out), (1, 1, Some(true)));
    assert_eq!((world.stored(&key), world.snapshot().sign_ins.len()), (None, 0));
    assert!(world.has_ended(&held).await, "at the service too");
}
