//! Connections that are signed in to by somebody's word: set up, used again, left and removed like any other.

use patchbay_core::Code;
use patchbay_core::api::SignInWith;
use patchbay_core::api::message::{Answer, Connect, LeaveChoice, Request};
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Company, OwnClient, Voucher};
use patchbay_core::secret::Secret;
use serde_json::Value;

use super::{ID, User, signing};
use crate::api::World;
use crate::oauth::idp::{self, Idp, after, statement};
use crate::oauth::service::{Rules, Service};

const SECRETS: [&str; 4] =
    ["canary-mine-secret", "canary-desk-secret", "canary-company-refresh", "canary-access-token"];

/// A service that takes somebody's word.
async fn service() -> Service {
    let grants = Some(vec!["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
    Service::start(Rules { grants, open: true, ..Rules::default() }).await
}

fn with(voucher: Voucher) -> SignInWith {
    SignInWith { client_id: Some("mine".to_owned()), voucher: Some(voucher), ..SignInWith::default() }
}

fn company(idp: &Idp) -> Voucher {
    let client = OwnClient { id: "desk".to_owned(), secret: Some(Secret::new("canary-desk-secret")) };
    Voucher::Company(Company { issuer: idp.origin(), client, id_token: None })
}

impl World {
    async fn connect_to(&self, service: &Service, voucher: Voucher) {
        let mut connect = Connect { provider: "custom".to_owned(), ..self.tokenless() };
        connect.settings = [("url".to_owned(), service.url())].into();
        let secret = Some(Secret::new("canary-mine-secret"));
        let request = Request::ConnectSignedIn { connect, with: with(voucher), expected: None };
        self.patchbay.call(request, secret).await.expect("it connects");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_through_a_company_is_set_up_shown_and_signed_in_to_again_with_nothing_said() {
    let (service, idp) = (service().await, Idp::start(idp::Rules::default()).await);
    let (world, told) = signing(User::Allows).await;
    world.connect_to(&service, company(&idp)).await;
    assert!(told.lock().expect("no panic").contains(&format!("{ID} browser")), "at the company");
    let shown = world.view().tokens.remove(0).sign_in.expect("signed in");
    assert_eq!(
        (shown.grant, shown.voucher, shown.own_client.as_deref()),
        (Grant::Company, Some(idp.origin()), Some("mine"))
    );
    for secret in SECRETS {
        assert!(world.held().contains(secret), "{secret} is kept");
        assert_eq!(world.home.files_with(secret), Vec::<std::path::PathBuf>::new());
    }
    world.sign_in().await.expect("signed in again");
    assert_eq!((idp.asked("/authorize").len(), service.count("/token"), service.count("/authorize")), (2, 2, 0));
    assert!(world.sign_out().await.revoked && world.secrets() == 0);
    assert_eq!(idp.asked("/revoke").len(), 2, "the one that was replaced, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_writes_nothing_of_it_into_an_app_and_says_that_none_can_go_on() {
    for keep_working in [false, true] {
        let (service, idp) = (service().await, Idp::start(idp::Rules::default()).await);
        let (world, _) = signing(User::Allows).await;
        world.connect_to(&service, company(&idp)).await;
        let choice = LeaveChoice { keep_working, take_changed: false };
        let Ok(Answer::Leave(view)) = world.do_it(Request::PlanLeave { choice }).await else { panic!("no plan") };
        assert_eq!((view.signs_in.len(), view.cannot_sign_in.len()), (0, if keep_working { 3 } else { 0 }));
        let Ok(Answer::Left(left)) = world.do_it(Request::Leave { choice, expected: None }).await else {
            panic!("it does not leave")
        };
        assert_eq!((left.signed_out, left.taken_out, world.secrets()), (Some(true), 3, 0));
        assert!(SECRETS.iter().all(|secret| world.home.files_with(secret).is_empty()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_by_a_platforms_file_names_it_and_keeps_nothing_of_what_stands_in_it() {
    let service = service().await;
    let (world, told) = signing(User::LooksAway).await;
    let path = world.home.path().join("projected-token");
    let claims = serde_json::json!({ "aud": service.origin(), "exp": after(60) });
    std::fs::write(&path, statement(&claims).expose()).expect("written");
    world.connect_to(&service, Voucher::File(path.clone())).await;
    assert!(!told.lock().expect("no panic").iter().any(|step| step.ends_with("browser")));
    let shown = world.view().tokens.remove(0).sign_in.expect("signed in");
    assert_eq!((shown.grant, shown.voucher), (Grant::Platform, Some(path.display().to_string())));
    assert!(!world.held().contains("canary-signature"));
    assert_eq!(world.home.files_with("canary-signature"), std::slice::from_ref(&path), "the platform's own alone");
    world.sign_in().await.expect("signed in again with nothing said");
    std::fs::remove_file(&path).expect("removed");
    let failed = world.sign_in().await.expect_err("no file");
    assert_ne!(failed.code, Code::Internal, "{failed}");
    let Ok(Answer::Connected(done)) = world.do_it(Request::Remove { id: ID.into(), expected: None }).await else {
        panic!("it is not removed")
    };
    assert_eq!((done.signed_out, world.secrets()), (Some(true), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_signing_out_a_company_is_gone_through_again_and_the_secrets_that_are_gone_are_asked_for() {
    let (service, idp) = (service().await, Idp::start(idp::Rules::default()).await);
    let (world, told) = signing(User::Allows).await;
    world.connect_to(&service, company(&idp)).await;
    world.sign_out().await;
    service.change(|rules| rules.open = false);
    assert_eq!(world.report().await.sentence(), "You are signed out. Sign in again.");
    for secret in SECRETS {
        assert_eq!(world.home.files_with(secret), Vec::<std::path::PathBuf>::new());
    }
    let before = told.lock().expect("no panic").len();
    let failed = world.sign_in().await.expect_err("two secrets are gone");
    assert!(failed.message.contains("\"desk\"") && failed.message.contains(&idp.origin()), "{failed}");
    let hint = failed.hint.expect("a way out");
    assert!(hint.contains("--client-id mine --client-secret-stdin") && hint.contains("--company-client-id desk"));
    assert_eq!(told.lock().expect("no panic").len(), before, "nobody is asked before that");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_signing_out_the_platforms_file_is_read_again_and_a_bad_one_is_said_and_heals() {
    let service = service().await;
    let (world, told) = signing(User::LooksAway).await;
    let path = world.home.path().join("projected-token");
    let claims = serde_json::json!({ "aud": service.origin(), "exp": after(60) });
    let good = statement(&claims);
    std::fs::write(&path, good.expose()).expect("written");
    let mut connect = Connect { provider: "custom".to_owned(), ..world.tokenless() };
    connect.settings = [("url".to_owned(), service.url())].into();
    let with = SignInWith { voucher: Some(Voucher::File(path.clone())), ..SignInWith::default() };
    world.do_it(Request::ConnectSignedIn { connect, with, expected: None }).await.expect("it connects");
    assert!(world.view().last_check.is_some(), "the trial was a check");
    world.sign_out().await;
    world.sign_in().await.expect("signed in with nothing said");
    assert!(!told.lock().expect("no panic").iter().any(|step| step.ends_with("browser")));
    assert_eq!(world.view().tokens[0].sign_in.as_ref().expect("signed in").grant, Grant::Platform);

    world.end_access();
    std::fs::remove_file(&path).expect("removed");
    assert!(world.report().await.sentence().contains("is not there"), "no keychain is at fault");
    std::fs::create_dir(&path).expect("a folder");
    assert!(world.report().await.sentence().contains("This is no file"));
    std::fs::remove_dir(&path).expect("removed");
    std::fs::write(&path, "no proof").expect("written");
    world.report().await;
    assert!(world.own().sign_in.expect("signed in").needed.is_some());
    std::fs::write(&path, good.expose()).expect("written");
    world.report().await;
    assert_eq!(world.own().sign_in.expect("signed in").needed, None, "it healed by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_command_is_said_where_the_window_cannot_sign_in_again_and_nowhere_else() {
    let (service, idp) = (service().await, Idp::start(idp::Rules::default()).await);
    let proof = || statement(&serde_json::json!({ "aud": service.origin(), "exp": after(60) }));
    let (world, _) = signing(User::LooksAway).await;
    world.connect_to(&service, Voucher::Assertion(proof())).await;
    let by_hand = format!("patchbay sign-in {ID} --assertion-stdin");
    let command = |world: &World| world.view().tokens[0].sign_in.clone().expect("signed in").command;
    assert_eq!(command(&world), Some(by_hand.clone()), "the proof was handed over by hand");
    world.sign_out().await;
    let with_secret = format!("patchbay sign-in {ID} --client-id mine --client-secret-stdin --assertion-stdin");
    assert_eq!(world.view().signed_out_of.expect("known").command, Some(with_secret.clone()));
    let failed = world.sign_in().await.expect_err("the proof is gone");
    assert_eq!(failed.hint, Some(format!("Give it again: {with_secret}")));
    let state = world.patchbay.state().expect("a state");
    let missing = world.patchbay.endpoint(&state.connections[0], None).await.expect_err("nothing to send");
    assert_eq!(missing.hint, Some(format!("Sign in: {with_secret}")));

    let path = world.home.path().join("projected-token");
    std::fs::write(&path, proof().expose()).expect("written");
    let (world, _) = signing(User::LooksAway).await;
    world.connect_to(&service, Voucher::File(path)).await;
    assert_eq!(command(&world), None, "the file is read again");

    let (world, _) = signing(User::Allows).await;
    world.connect_to(&service, company(&idp)).await;
    assert_eq!(command(&world), None, "the company is asked again");
    world.sign_out().await;
    let there = format!("--company {} --company-client-id desk --company-client-secret-stdin", idp.origin());
    let command = world.view().signed_out_of.expect("known").command.expect("its secret is gone");
    assert_eq!(command, format!("patchbay sign-in {ID} {there} --client-id mine --client-secret-stdin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_address_that_a_platform_vouched_for_nobody_is_sent_to_the_browser() {
    let service = service().await;
    service.change(|rules| rules.open = false);
    let (world, told) = signing(User::LooksAway).await;
    let claims = serde_json::json!({ "aud": service.origin(), "exp": after(60) });
    let with = with(Voucher::Assertion(statement(&claims)));
    let secret = Some(Secret::new("canary-mine-secret"));
    world.patchbay.sign_in_url(&service.url(), &with, secret, |_| {}).await.expect("signed in");
    service.change(|rules| rules.forgets = true);
    let report = world.patchbay.check_url(&service.url()).await.expect("checked");
    assert_eq!(report.sentence(), "The sign-in has ended, or was ended at the service. Sign in again.");
    let shown = world.snapshot().sign_ins.remove(0).sign_in;
    assert_eq!(shown.command, Some(format!("patchbay sign-in --url {} --assertion-stdin", service.url())));
    world.patchbay.sign_out_url(&service.url()).await.expect("signed out");
    let report = world.patchbay.check_url(&service.url()).await.expect("checked");
    assert_eq!(report.sentence(), "You are signed out. Sign in again.");
    assert!(!told.lock().expect("no panic").iter().any(|step| step.ends_with("browser")));
}

#[test]
fn who_vouches_never_travels_with_a_request() {
    let client = OwnClient { id: "desk".to_owned(), secret: Some(Secret::new("canary-desk-secret")) };
    let voucher = Voucher::Company(Company { issuer: "https://id.example".to_owned(), client, id_token: None });
    let written: Value = serde_json::to_value(with(voucher)).expect("JSON");
    assert_eq!(written.get("voucher"), None);
}
