//! Sign-ins for addresses alone: known, moved and ended like all others.

use patchbay_core::api::message::{Answer, LeaveChoice, Request};
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Kept, Step, Want};
use patchbay_core::secret::{Backend, Key, Secret};
use patchbay_core::wire::Endpoint;

use crate::api::World;

use super::{User, browse, signing};

/// Somebody who is signed in for the practice service's address, and where that stands.
async fn signed_in() -> (World, Key, String) {
    let (world, _) = signing(User::Allows).await;
    let endpoint = Endpoint::new(&world.practice.mcp_url()).expect("an address");
    let (key, url) = (Kept::key(endpoint.url()), endpoint.url().to_string());
    let want = Want { endpoint, grant: Grant::AuthorizationCode, client: None, scopes: Vec::new(), voucher: None };
    let goes = |step| {
        if let Step::Browser(page) = step {
            tokio::spawn(browse(page.into(), User::Allows));
        }
    };
    world.patchbay.sign_in_url(&want, None, goes).await.expect("signed in");
    (world, key, url)
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
