//! Answers of a token endpoint that are no tokens: which of them are over in a while, and which end a sign-in.

use patchbay_core::Code;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Company, Manner, Voucher, Want};
use serde_json::json;

use super::idp::{Idp, Rules as IdpRules, after, statement};
use super::service::{Rules, Service};
use super::{Kept, own, sign_in, want};

/// What passes by itself.
const FAULTS: [(u16, &str); 7] = [
    (500, ""),
    (503, r#"{"error":"temporarily_unavailable"}"#),
    (400, r#"{"error":"temporarily_unavailable"}"#),
    (429, r#"{"error":"invalid_client"}"#),
    (403, "<html>blocked</html>"),
    (200, "<html>in maintenance</html>"),
    (200, r#"{"access_token":"","token_type":"Bearer"}"#),
];

/// A sign-in by each way that needs nobody later, and by a person.
fn ways(service: &Service, idp: &Idp) -> [Want; 4] {
    let [robot, mine] = ["robot", "mine"].map(|id| Some(own(id, "canary-robot-secret")));
    let company =
        Company { issuer: idp.origin(), client: own("desk", "canary-desk-secret"), id_token: Some(idp.id_token(9000)) };
    let proof = statement(&json!({ "iss": "https://platform.example", "aud": service.origin(), "exp": after(9000) }));
    [
        want(service),
        Want { grant: Grant::ClientCredentials, client: robot, ..want(service) },
        Want { grant: Grant::Company, client: mine, voucher: Some(Voucher::Company(company)), ..want(service) },
        Want { grant: Grant::Platform, voucher: Some(Voucher::Assertion(proof)), ..want(service) },
    ]
}

#[tokio::test]
async fn a_fault_that_passes_ends_no_sign_in_of_any_kind() {
    let (service, idp) = (Service::start(Rules::default()).await, Idp::start(IdpRules::default()).await);
    for wanted in ways(&service, &idp) {
        let kept = Kept::with(&wanted).await;
        for (status, body) in FAULTS {
            let first = kept.access(None).await.expect("a token");
            service.change(|rules| rules.answer = Some((status, body.to_owned())));
            let failed = kept.access(Some(&first)).await.expect_err("no token");
            assert_eq!(failed.code, Code::ServiceError, "{:?} {status} {body}: {failed}", wanted.grant);
            assert!(failed.hint.is_some_and(|hint| hint.starts_with("Try again in a while.")));
            service.change(|rules| rules.answer = None);
            assert_ne!(kept.access(Some(&first)).await.expect("well again"), first, "{status} {body}");
            kept.age(60).await;
        }
    }
}

#[tokio::test]
async fn a_fault_at_a_sign_in_is_told_as_one_and_not_as_a_refusal() {
    let (service, idp) = (Service::start(Rules::default()).await, Idp::start(IdpRules::default()).await);
    for wanted in ways(&service, &idp) {
        for (status, body) in FAULTS {
            service.change(|rules| rules.answer = Some((status, body.to_owned())));
            let failed = sign_in(&wanted, &Manner::default()).await.expect_err("no token");
            assert_eq!(failed.code, Code::ServiceError, "{:?} {status} {body}: {failed}", wanted.grant);
        }
    }
}

#[tokio::test]
async fn a_fault_at_the_company_is_told_as_one_and_ends_no_sign_in() {
    let (service, idp) = (Service::start(Rules::default()).await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&ways(&service, &idp)[2]).await;
    kept.age(7200).await;
    for (status, body) in [(200, "<html>"), (403, "<html>"), (503, "")] {
        idp.change(|rules| rules.answer = Some((status, body.to_owned())));
        assert_eq!(kept.access(None).await.expect_err("no token").code, Code::ServiceError, "{status} {body}");
    }
    idp.change(|rules| rules.answer = None);
    kept.access(None).await.expect("well again");
}

#[tokio::test]
async fn a_renewal_that_is_refused_in_other_words_or_with_status_200_is_over() {
    let cases = [
        (200, r#"{"error":"bad_refresh_token","error_description":"It has expired"}"#, "It has expired"),
        (400, r#"{"error":"expired_token"}"#, "expired_token"),
        (401, r#"{"error":"invalid_token"}"#, "invalid_token"),
    ];
    for (status, body, words) in cases {
        let service = Service::start(Rules::default()).await;
        let kept = Kept::with(&want(&service)).await;
        let first = kept.access(None).await.expect("a token");
        service.change(|rules| rules.answer = Some((status, body.to_owned())));
        let failed = kept.access(Some(&first)).await.expect_err("over");
        assert_eq!(failed.code, Code::SignInNeeded, "{body}: {failed}");
        assert!(failed.message.contains(words), "{failed}");
        kept.access(Some(&first)).await.expect_err("over");
        assert_eq!(service.count("/token"), 2, "nobody is asked again");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_for_what_may_not_pass_names_the_sign_in_as_the_way_out() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    for (status, body) in [(400, ""), (400, r#"{"error":"invalid_request"}"#), (401, "<html>"), (404, ""), (200, "x")] {
        service.change(|rules| rules.answer = Some((status, body.to_owned())));
        let failed = kept.access(Some(&first)).await.expect_err("no token");
        assert_eq!(failed.code, Code::ServiceError, "{status} {body}");
        assert!(failed.hint.is_some_and(|hint| hint.contains("sign in again")), "{status} {body}");
    }
}

#[tokio::test]
async fn a_first_refusal_with_status_200_is_told_in_the_services_words() {
    let said = r#"{"error":"bad_verification_code","error_description":"The code is old"}"#;
    let service = Service::start(Rules { answer: Some((200, said.to_owned())), ..Rules::default() }).await;
    let failed = sign_in(&want(&service), &Manner::default()).await.expect_err("refused");
    assert_eq!(failed.code, Code::SignInRefused);
    assert_eq!(failed.message, "The sign-in was refused: bad_verification_code, The code is old.");
}

#[tokio::test]
async fn what_a_renewal_takes_the_first_sign_in_takes_too() {
    let times = [(json!("3600"), Some(3600)), (json!(3600.5), Some(3600)), (json!(-5), None), (json!(1e30), None)];
    for (said, lasts) in times {
        let given = json!({ "expires_in": said, "token_type": null });
        let service = Service::start(Rules { given, ..Rules::default() }).await;
        for wanted in [
            want(&service),
            Want {
                grant: Grant::ClientCredentials,
                client: Some(own("robot", "canary-robot-secret")),
                ..want(&service)
            },
        ] {
            let signed = sign_in(&wanted, &Manner::default()).await.expect("signed in");
            let bundle: serde_json::Value = serde_json::from_str(signed.held.0.expose()).expect("JSON");
            assert_eq!(bundle["lasts"].as_i64(), lasts, "{said}");
        }
    }
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_no_token() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    service.change(|rules| rules.given = json!({ "access_token": "canary\u{7}bell" }));
    assert_eq!(kept.access(Some(&first)).await.expect_err("unfit").code, Code::ServiceError);
    assert!(kept.held().await.0.expose().contains(first.expose()), "the one before is kept");
    assert_eq!(sign_in(&want(&service), &Manner::default()).await.expect_err("unfit").code, Code::ServiceError);
}

#[tokio::test]
async fn no_part_of_what_was_sent_comes_back_in_the_services_words() {
    let secret = "pässwörd lang und geheim-0123";
    let said = r#"{"error":"invalid_client","error_description":"no {said}"}"#;
    let service = Service::start(Rules { answer: Some((400, said.to_owned())), ..Rules::default() }).await;
    let client = Some(own("robot", secret));
    for grant in [Grant::AuthorizationCode, Grant::ClientCredentials] {
        let wanted = Want { grant, client: client.clone(), ..want(&service) };
        let failed = sign_in(&wanted, &Manner::default()).await.expect_err("refused");
        let asked = service.asked("/token").pop().expect("asked");
        let verifier = super::service::field(&asked, "code_verifier").unwrap_or_default();
        let shown = format!("{failed} {failed:?}");
        assert!(grant == Grant::ClientCredentials || verifier.len() > 40 && !shown.contains(&verifier), "{shown}");
        for part in ["ssw%C3%B6rd", "ssw\u{f6}rd", "geheim-0123"] {
            assert!(!shown.contains(part), "{part} in {shown}");
        }
        assert!(shown.contains("grant_type") || shown.contains("code"), "the rest is shown: {shown}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_a_refused_token() {
    let service = Service::start(Rules { lasts: None, ..Rules::default() }).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    let second = kept.access(Some(&first)).await.expect("another");
    kept.age(-86_400).await;
    assert_ne!(kept.access(Some(&second)).await.expect("another"), second);
}
