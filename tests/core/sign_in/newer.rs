//! What this version does not know is sent nowhere: sign-ins of a newer Patchbay, and halves of any.

use patchbay_core::api::message::Request;
use patchbay_core::api::{SignInWith, ready_network, ready_token};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::SecretStore;
use patchbay_core::{Code, Error};
use serde_json::Value;

use super::{ID, User, signing};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_patchbay_keeps_of_a_sign_in_is_sent_nowhere_and_left_as_it_is() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let held = world.held();
    let kept: Value = serde_json::from_str(&held).expect("JSON");
    assert_eq!(kept["patchbay_sign_in"], 1, "ours says what it is");
    let said = |error: &Error| (error.code, error.message.contains("newer Patchbay"), error.hint.clone());
    let newer = (Code::SignInNewer, true, Some("Update Patchbay.".to_owned()));
    let (mut later, mut shape) = (kept.clone(), kept.clone());
    later["patchbay_sign_in"] = 2.into();
    shape["grant"] = "device_code".into();
    let other = r#"{"patchbay_key":"canary-0123456789"}"#.to_owned();
    for unknown in [later.to_string(), shape.to_string(), other] {
        world.entry().set_password(&unknown).expect("kept");
        let state = world.patchbay.state().expect("a state");
        let failed = world.patchbay.endpoint(&state.connections[0], None).await.expect_err("nothing is sent");
        assert_eq!(said(&failed), newer);
        let report = world.report().await;
        assert_eq!(report.verdict, Verdict::TokenUnreadable);
        assert!(report.sentence().ends_with("sends nothing of it. Update Patchbay."), "{}", report.sentence());
        assert_eq!(world.held(), unknown, "nothing is renewed or written");
    }
    world.entry().set_password(&held[..held.len() / 2]).expect("kept");
    let state = world.patchbay.state().expect("a state");
    let failed = world.patchbay.endpoint(&state.connections[0], None).await.expect_err("nothing is sent");
    assert_eq!(failed.code, Code::SignInNeeded, "half of one is no token either");
    let mut before = kept;
    before.as_object_mut().expect("an object").remove("patchbay_sign_in");
    world.entry().set_password(&before.to_string()).expect("kept");
    assert_eq!(world.verdict().await, Verdict::Working, "as it was written before there was a mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_in_the_place_of_a_token_is_sent_nowhere() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let held = world.held();
    world.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("removed");
    let (_, token) = world.connected().await;
    let half = &held[..held.len() / 2];
    for stands in [&held, half, r#"{"patchbay_sign_in":7}"#] {
        world.entry().set_password(stands).expect("kept");
        let state = world.patchbay.state().expect("a state");
        let failed = world.patchbay.endpoint(&state.connections[0], None).await.expect_err("nothing is sent");
        assert_eq!(failed.code, Code::SignInNewer);
        let (host, secrets) = (world.patchbay.host(), SecretStore::with_store(world.keychain.clone()));
        let network = ready_network(&host, &state, &secrets, None, &world.practice.mcp_url()).expect("a network");
        let ready = ready_token(&secrets, &world.home.data(), network, &state.connections[0], None, None);
        assert_eq!(ready.expect_err("nor by a bridge").code, Code::SignInNewer);
    }
    world.entry().set_password(&token).expect("kept");
    assert_eq!(world.verdict().await, Verdict::Working);
}
