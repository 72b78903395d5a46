//! Clients that a service registers: what it wants of them, and what it forgets.

use patchbay_core::Code;
use patchbay_core::oauth::{Manner, Want};
use serde_json::{Value, json};

use super::service::{Rules, Service, field};
use super::{Kept, own, sign_in, sign_in_with, want};

#[tokio::test]
async fn a_client_that_was_forgotten_at_a_renewal_is_registered_anew() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    service.change(|rules| rules.forgotten = Some("client-1".to_owned()));
    assert_eq!(kept.access(Some(&first)).await.expect_err("forgotten").code, Code::SignInNeeded);
    let held = kept.held().await;
    let again = sign_in(&want(&service), &Manner { before: Some(&held), ..Manner::default() }).await;
    assert_ne!(again.expect("signed in").sign_in.client_id, "client-1");
    assert_eq!(service.count("/register"), 2);
}

#[tokio::test]
async fn a_client_that_was_forgotten_meanwhile_is_registered_anew_within_the_sign_in() {
    let service = Service::start(Rules::default()).await;
    let first = sign_in(&want(&service), &Manner::default()).await.expect("signed in");
    service.change(|rules| rules.forgotten = Some(first.sign_in.client_id.clone()));
    let manner = Manner { before: Some(&first.held), ..Manner::default() };
    let again = sign_in(&want(&service), &manner).await.expect("signed in");
    assert_ne!(again.sign_in.client_id, first.sign_in.client_id);
    assert_eq!(service.count("/authorize"), 3);
    // One that is refused as soon as it was made is not made again and again.
    service.change(|rules| rules.answer = Some((401, r#"{"error":"invalid_client"}"#.to_owned())));
    let failed = sign_in(&want(&service), &Manner::default()).await.expect_err("refused");
    assert_eq!((failed.code, service.count("/register")), (Code::SignInRefused, 3));
}

#[tokio::test]
async fn a_client_whose_secret_has_ended_is_registered_anew() {
    let registration = json!({ "client_secret": "canary-given-secret", "client_secret_expires_at": 1_700_000_000 });
    let service = Service::start(Rules { registration, ..Rules::default() }).await;
    let first = sign_in(&want(&service), &Manner::default()).await.expect("signed in");
    let manner = Manner { before: Some(&first.held), ..Manner::default() };
    sign_in(&want(&service), &manner).await.expect("signed in");
    assert_eq!(service.count("/register"), 2);
    service.change(|rules| rules.registration["client_secret_expires_at"] = json!(0));
    let endless = sign_in(&want(&service), &Manner::default()).await.expect("signed in");
    sign_in(&want(&service), &Manner { before: Some(&endless.held), ..Manner::default() }).await.expect("signed in");
    assert_eq!(service.count("/register"), 3, "nought is no end");
}

#[tokio::test]
async fn a_client_is_registered_for_a_proof_that_the_service_takes_and_shows_the_one_it_was_given() {
    let both = vec!["client_secret_basic", "client_secret_post"];
    let cases = [
        (vec!["none", "client_secret_basic"], Value::Null, "none", false),
        (both.clone(), Value::Null, "client_secret_basic", false),
        (both, json!("client_secret_post"), "client_secret_basic", true),
        (vec!["client_secret_post"], json!("client_secret_post"), "client_secret_post", true),
    ];
    for (proofs, answered, asked, in_body) in cases {
        let registration = json!({ "client_secret": "canary-given-secret", "token_endpoint_auth_method": answered });
        let service = Service::start(Rules { proofs: proofs.clone(), registration, ..Rules::default() }).await;
        let kept = Kept::with(&want(&service)).await;
        let registered: Value = serde_json::from_str(&service.asked("/register")[0]).expect("JSON");
        assert_eq!(registered["token_endpoint_auth_method"], asked, "{proofs:?}");
        let held = kept.held().await;
        sign_in(&want(&service), &Manner { before: Some(&held), ..Manner::default() }).await.expect("again");
        let first = kept.access(None).await.expect("a token");
        kept.access(Some(&first)).await.expect("renewed");
        let shown = service.asked("/token");
        let shows = |asked: &String| field(asked, "client_secret").is_some() == in_body;
        assert!(shown.len() == 3 && shown.iter().all(shows), "{proofs:?} {answered}: {shown:?}");
    }
}

#[tokio::test]
async fn a_registration_that_gives_nothing_but_a_name_is_one() {
    let service = Service::start(Rules { registration: json!({ "redirect_uris": null }), ..Rules::default() }).await;
    sign_in(&want(&service), &Manner::default()).await.expect("signed in");
}

#[tokio::test]
async fn a_registration_that_fails_is_not_told_as_one_that_is_not_offered() {
    let service = Service::start(Rules { registration: json!({ "client_id": null }), ..Rules::default() }).await;
    let failed = sign_in(&want(&service), &Manner::default()).await.expect_err("no client");
    assert_eq!(failed.code, Code::ServiceError, "{failed}");
    assert!(failed.hint.is_some_and(|hint| hint.contains("client ID")));
}

#[tokio::test]
async fn where_the_first_of_several_has_a_fault_the_next_signs_in() {
    let broken = wiremock::MockServer::start().await;
    let fault = wiremock::ResponseTemplate::new(500);
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(fault).mount(&broken).await;
    let nobody = "http://127.0.0.1:9".to_owned();
    for first in [broken.uri(), nobody.clone()] {
        let service = Service::start(Rules { others: vec![first], ..Rules::default() }).await;
        sign_in(&want(&service), &Manner::default()).await.expect("signed in by the second");
    }
    let rules = Rules { others: vec![nobody], signed_in_by: Some(broken.uri()), ..Rules::default() };
    let failed = sign_in(&want(&Service::start(rules).await), &Manner::default()).await.expect_err("nobody is well");
    assert_eq!(failed.code, Code::Unreachable, "the first fault is told: {failed}");
}

#[tokio::test]
async fn who_waits_in_vain_while_another_program_has_the_usual_port_is_told_so() {
    let port = patchbay_core::oauth::USUAL_PORT;
    let mut taken = None;
    while taken.is_none() {
        taken = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await.ok();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let service = Service::start(Rules::default()).await;
    let manner = Manner { patience: Some(std::time::Duration::from_millis(200)), ..Manner::default() };
    let wanted = Want { client: Some(own("mine", "canary-secret")), ..want(&service) };
    let hint = sign_in_with(&wanted, &manner, |_| async {}).await.expect_err("nobody came").hint.unwrap_or_default();
    assert!(hint.contains(&port.to_string()), "{hint}");
    let hint = sign_in_with(&want(&service), &manner, |_| async {}).await.expect_err("nobody came").hint;
    assert_eq!(hint.as_deref(), Some("Sign in again."), "a new client is registered for any port");
}
