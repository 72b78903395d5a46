//! Signing in through a company's identity provider.

use patchbay_core::Code;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{self, Company, Manner, OwnClient, Voucher, Want};
use patchbay_core::secret::Secret;
use serde_json::json;

use super::idp::{Idp, Rules as IdpRules, after, statement};
use super::service::{Rules, Service, field};
use super::{Kept, own, sign_in, want};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A service that takes a company's word.
async fn service() -> Service {
    Service::start(Rules { grants: Some(vec![JWT_BEARER]), ..Rules::default() }).await
}

/// Signing in to it with an ID token, or in the browser.
fn through(service: &Service, idp: &Idp, id_token: Option<Secret>) -> Want {
    let company = Company { issuer: idp.origin(), client: own("desk", "canary-desk-secret"), id_token };
    let client = Some(own("mine", "canary-mine-secret"));
    Want { grant: Grant::Company, client, voucher: Some(Voucher::Company(company)), ..want(service) }
}

/// The only difference to before: it ended.
async fn end(kept: &Kept, of_company: bool) {
    kept.age(7200).await;
    if of_company {
        let mut bundle: serde_json::Value = serde_json::from_str(kept.held().await.0.expose()).expect("JSON");
        let ended = json!({ "iss": "x", "exp": after(-60) });
        bundle["vouched"]["company"]["id_token"] = json!(statement(&ended).expose());
        kept.store.write(&kept.key, &Secret::new(bundle.to_string())).await.expect("written");
    }
}

#[tokio::test]
async fn a_companys_id_token_brings_a_token_of_the_service_and_another_when_that_ends() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, Some(idp.id_token(600)))).await;
    let first = kept.access(None).await.expect("a token");
    let exchange = &idp.asked("/token")[0];
    let of = |name: &str| field(exchange, name).unwrap_or_default();
    assert_eq!(of("grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(of("requested_token_type"), "urn:ietf:params:oauth:token-type:id-jag");
    assert_eq!(of("subject_token_type"), "urn:ietf:params:oauth:token-type:id_token");
    assert_eq!((of("audience"), of("resource"), of("scope")), (service.origin(), service.url(), "read write".into()));
    let shown = &service.asked("/token")[0];
    assert_eq!(field(shown, "grant_type").as_deref(), Some(JWT_BEARER));
    assert!(field(shown, "assertion").is_some_and(|assertion| assertion.ends_with(".canary-signature")));
    end(&kept, false).await;
    let second = kept.access(None).await.expect("another");
    assert!(first != second && service.takes(&second));
    assert_eq!(
        (idp.asked("/token").len(), idp.asked("/authorize").len()),
        (2, 0),
        "another assertion, and nobody asked"
    );
}

#[tokio::test]
async fn each_secret_goes_to_the_one_for_whom_it_was_given() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let id_token = idp.id_token(600);
    Kept::with(&through(&service, &idp, Some(id_token.clone()))).await;
    let (of_service, of_company) = (service.asked("/token").concat(), idp.asked("/token").concat());
    assert!(of_service.contains("canary-mine-secret") && !of_company.contains("canary-mine-secret"));
    assert!(!of_service.contains("canary-desk-secret") && !of_service.contains(id_token.expose()));
    assert!(of_company.contains("header=Basic ") && of_company.contains(id_token.expose()));
}

#[tokio::test]
async fn who_has_no_id_token_signs_in_at_the_company_and_goes_on_without_asking_again() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, None)).await;
    let page = &idp.asked("/authorize")[0];
    assert_eq!(field(page, "scope").as_deref(), Some("openid offline_access"));
    assert_eq!(field(page, "code_challenge_method").as_deref(), Some("S256"));
    let code = &idp.asked("/token")[0];
    assert!(field(code, "code_verifier").is_some_and(|verifier| verifier.len() == 64));
    assert_eq!(field(code, "code").as_deref(), Some("canary-one-time-code"));
    end(&kept, true).await;
    kept.access(None).await.expect("renewed at the company");
    assert_eq!(field(&idp.asked("/token")[2], "refresh_token").as_deref(), Some("canary-company-refresh-1"));
    assert_eq!((idp.asked("/token").len(), idp.asked("/authorize").len()), (4, 1));
}

#[tokio::test]
async fn what_the_company_gives_to_renew_is_kept_although_the_service_is_down() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, None)).await;
    end(&kept, true).await;
    service.change(|rules| rules.down = true);
    assert_eq!(kept.access(None).await.expect_err("down").code, Code::ServiceError);
    service.change(|rules| rules.down = false);
    kept.access(None).await.expect("a token");
    assert_eq!(idp.asked("/token").iter().filter(|asked| asked.contains("refresh_token=")).count(), 1);
    end(&kept, true).await;
    kept.access(None).await.expect("a token");
    let last = idp.asked("/token").into_iter().rfind(|asked| asked.contains("refresh_token=")).expect("renewed");
    assert!(!last.contains("canary-company-refresh-1&"), "the new one: {last}");
}

#[tokio::test]
async fn when_the_id_token_has_ended_and_nothing_renews_it_the_user_is_needed() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, Some(idp.id_token(600)))).await;
    end(&kept, true).await;
    assert_eq!(kept.access(None).await.expect_err("ended").code, Code::SignInNeeded);
    assert_eq!((idp.asked("/token").len(), service.count("/token")), (1, 1), "nobody is asked in vain");
}

#[tokio::test]
async fn a_company_that_takes_its_word_back_ends_the_sign_in() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, Some(idp.id_token(600)))).await;
    kept.age(7200).await;
    idp.change(|rules| rules.answer = Some((400, r#"{"error":"access_denied"}"#.to_owned())));
    for _ in 0..2 {
        let failed = kept.access(None).await.expect_err("ended");
        assert_eq!(failed.code, Code::SignInNeeded);
    }
    assert_eq!(idp.asked("/token").len(), 2, "it is asked once");
}

#[tokio::test]
async fn what_the_company_refuses_is_said_in_one_sentence_with_whom_to_ask() {
    let said = r#"{"error":"access_denied","error_description":"Ask IT first"}"#;
    let cases = [
        (400, said, "Your company's identity provider refuses: access_denied, Ask IT first."),
        (200, "{}", "Your company's identity provider refuses: its answer cannot be used."),
        (
            200,
            r#"{"access_token":"a.b.c","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#,
            "Your company's identity provider refuses: it gives something else than was asked for.",
        ),
    ];
    for (status, body, message) in cases {
        let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
        idp.change(|rules| rules.answer = Some((status, body.to_owned())));
        let wanted = through(&service, &idp, Some(idp.id_token(600)));
        let failed = sign_in(&wanted, &Manner::default()).await.expect_err("refused");
        assert_eq!((failed.code, failed.message.as_str()), (Code::SignInRefused, message));
        assert!(failed.hint.is_some_and(|hint| hint.contains("administrator")));
        assert_eq!(service.count("/token"), 0);
    }
}

#[tokio::test]
async fn an_assertion_for_another_service_is_not_sent_on() {
    let idp = Idp::start(IdpRules { audience: Some("https://other.example".to_owned()), ..IdpRules::default() }).await;
    let service = service().await;
    let wanted = through(&service, &idp, Some(idp.id_token(600)));
    let failed = sign_in(&wanted, &Manner::default()).await.expect_err("for another");
    assert!(failed.message.contains("for another service"), "{failed}");
    assert_eq!(service.count("/token"), 0);
}

#[tokio::test]
async fn an_id_token_that_is_not_this_companys_or_has_ended_is_sent_nowhere() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let of = |claims: serde_json::Value| statement(&claims);
    let origin = idp.origin();
    let cases = [
        (of(json!({ "iss": "https://other.example", "aud": "desk", "exp": after(600) })), "another identity provider"),
        (of(json!({ "iss": origin, "aud": "other", "exp": after(600) })), "another client"),
        (of(json!({ "iss": origin, "aud": "desk", "exp": after(-5) })), "it has ended"),
        (Secret::new("canary-no-statement"), "it is none"),
    ];
    for (id_token, why) in cases {
        let wanted = through(&service, &idp, Some(id_token.clone()));
        let failed = sign_in(&wanted, &Manner::default()).await.expect_err("unfit");
        assert!(failed.code == Code::SignInRefused && failed.message.contains(why), "{why}: {failed}");
        assert!(failed.hint.is_some() && !format!("{failed:?}").contains(id_token.expose()));
    }
    assert_eq!((idp.asked("/token").len(), service.count("/token")), (0, 0));
}

#[tokio::test]
async fn a_browser_that_brings_somebody_elses_sign_in_is_refused() {
    let idp = Idp::start(IdpRules { nonce: Some("another".to_owned()), ..IdpRules::default() }).await;
    let service = service().await;
    let failed = sign_in(&through(&service, &idp, None), &Manner::default()).await.expect_err("refused");
    assert!(failed.message.contains("does not belong to this sign-in"), "{failed}");
    assert_eq!((idp.asked("/token").len(), service.count("/token")), (1, 0));
}

#[tokio::test]
async fn a_service_that_does_not_take_it_says_so_before_anything_is_sent() {
    let idp = Idp::start(IdpRules::default()).await;
    for grants in [Some(vec!["authorization_code"]), None] {
        let silent = grants.is_none();
        let service = Service::start(Rules { grants, offers: !silent, ..Rules::default() }).await;
        let wanted = through(&service, &idp, Some(idp.id_token(600)));
        let failed = sign_in(&wanted, &Manner::default()).await.expect_err("not offered");
        assert_eq!(failed.code, Code::SignInNotOffered, "{failed}");
        assert_eq!(service.count("/token"), 0);
    }
    assert_eq!(idp.asked("/.well-known/openid-configuration").len() + idp.asked("/token").len(), 0);
}

#[tokio::test]
async fn a_provider_that_is_somebody_else_or_not_encrypted_gets_nothing() {
    type Spoil = fn(&mut IdpRules);
    let service = service().await;
    let cases: [(Spoil, Code); 2] = [
        (|rules| rules.issuer = Some("https://other.example".to_owned()), Code::SettingInvalid),
        (|rules| rules.token_endpoint = Some("http://other.example/token".to_owned()), Code::AddressNotHttps),
    ];
    for (spoil, code) in cases {
        let idp = Idp::start(IdpRules::default()).await;
        idp.change(spoil);
        let wanted = through(&service, &idp, Some(idp.id_token(600)));
        assert_eq!(sign_in(&wanted, &Manner::default()).await.expect_err("refused").code, code);
        assert_eq!(idp.asked("/token").len(), 0);
    }
    let idp = Idp::start(IdpRules::default()).await;
    let mut wanted = through(&service, &idp, Some(idp.id_token(600)));
    if let Some(Voucher::Company(company)) = &mut wanted.voucher {
        company.issuer = "http://idp.example".to_owned();
    }
    assert_eq!(sign_in(&wanted, &Manner::default()).await.expect_err("refused").code, Code::AddressNotHttps);
}

#[tokio::test]
async fn the_secret_kept_for_the_company_is_not_shown_where_it_now_says_to_go() {
    let (service, idp, other) =
        (service().await, Idp::start(IdpRules::default()).await, Idp::start(IdpRules::default()).await);
    let first = sign_in(&through(&service, &idp, None), &Manner::default()).await.expect("signed in");
    assert_eq!(first.sign_in.voucher, Some(idp.origin()));
    let manner = Manner { before: Some(&first.held), ..Manner::default() };
    let again = Want { voucher: None, client: None, ..through(&service, &idp, None) };
    sign_in(&again, &manner).await.expect("signed in again with nothing said");
    let elsewhere = format!("{}/token", other.origin());
    idp.change(|rules| rules.token_endpoint = Some(elsewhere));
    let failed = sign_in(&again, &manner).await.expect_err("asked for it again");
    assert_eq!(failed.code, Code::SettingInvalid, "{failed}");
    assert_eq!(other.asked("/token").len(), 0);
}

#[tokio::test]
async fn signing_out_ends_it_at_the_company_too() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let kept = Kept::with(&through(&service, &idp, None)).await;
    assert!(oauth::sign_out(&kept.held().await, &kept.endpoint).await);
    assert!(field(&idp.asked("/revoke")[0], "token").is_some_and(|token| token.starts_with("canary-company-refresh")));
    assert_eq!(service.count("/revoke"), 1);
}

#[tokio::test]
async fn nothing_secret_of_the_company_is_shown_anywhere() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let log = crate::log::Log::default();
    let logging = log.begin("trace");
    let wanted = through(&service, &idp, None);
    let signed = sign_in(&wanted, &Manner::default()).await.expect("signed in");
    let given = through(&service, &idp, Some(idp.id_token(600)));
    let said = r#"{"error":"invalid_grant","error_description":"bad canary-desk-secret"}"#.to_owned();
    idp.change(|rules| rules.answer = Some((400, said)));
    let failed = sign_in(&given, &Manner::default()).await.expect_err("refused");
    tracing::error!("the end");
    drop(logging);
    let shown = format!("{signed:?} {wanted:?} {given:?} {failed:?} {failed}");
    for secret in ["canary-desk-secret", "canary-mine-secret", "canary-company-refresh", "canary-signature"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!log.text().contains(secret), "{secret} in the log");
    }
    assert!(log.text().contains("the end") && failed.message.contains("invalid_grant"), "{failed}");
}

#[tokio::test]
async fn without_a_client_at_the_service_it_is_asked_for() {
    let (service, idp) = (service().await, Idp::start(IdpRules::default()).await);
    let wanted = Want { client: None, ..through(&service, &idp, Some(idp.id_token(600))) };
    let failed = sign_in(&wanted, &Manner::default()).await.expect_err("needed");
    assert_eq!((failed.code, failed.field.as_deref()), (Code::SettingInvalid, Some("client_id")));
    let key = OwnClient { id: "mine".to_owned(), secret: Some(Secret::new("-----BEGIN PRIVATE KEY-----")) };
    let wanted = Want { client: Some(key), ..wanted };
    let failed = sign_in(&wanted, &Manner::default()).await.expect_err("a key is no password");
    assert_eq!((failed.code, failed.field.as_deref()), (Code::SettingInvalid, Some("client_secret")));
    assert_eq!(service.count("/token") + idp.asked("/token").len(), 0);
}
