//! Signing in and out at the front door, with the practice service on the other side and a browser that allows all.

/// Sign-ins for addresses alone.
#[path = "sign_in/addresses.rs"]
mod addresses;
/// Those that are bound to a key.
#[path = "sign_in/bound.rs"]
mod bound;
/// How they end.
#[path = "sign_in/end.rs"]
mod end;
/// Those of a newer Patchbay.
#[path = "sign_in/newer.rs"]
mod newer;
/// By the word of a company or a platform.
#[path = "sign_in/vouched.rs"]
mod vouched;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchbay_core::api::message::{Answer, Connect, Connected, Request};
use patchbay_core::api::view::{ConnectionView, NextStep, Status};
use patchbay_core::api::{Event, SignInStep, SignInWith, SignedIn, SignedOut};
use patchbay_core::connection::{Credential, Grant, SignInNeeded, Wiring};
use patchbay_core::oauth;
use patchbay_core::probe::{Mark, Report, Verdict};
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error};
use patchbay_practice::{Options, SignInRules};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use crate::api::{World, place, world};

const ID: &str = "my-notes";

/// What the user does in the browser.
#[derive(Clone, Copy, PartialEq, Eq)]
enum User {
    Allows,
    Refuses,
    LooksAway,
}

/// Steps that were told, by name.
type Told = Arc<Mutex<Vec<String>>>;

/// A world whose service lets everybody in, with a browser.
async fn signing(user: User) -> (World, Told) {
    let mut world = world().await;
    let sign_ins = SignInRules { allows_all: true, ..SignInRules::default() };
    world.practice = patchbay_practice::start(Options { sign_ins, ..Options::default() }).await.expect("it starts");
    let told = Told::default();
    let seen = told.clone();
    world.patchbay.listen(move |event| {
        let Event::SignIn { id, step } = event else { return };
        let name = match &step {
            SignInStep::Asking => "asking",
            SignInStep::Browser { .. } => "browser",
            SignInStep::Fetching => "fetching",
            SignInStep::Checking => "checking",
        };
        seen.lock().expect("no panic").push(format!("{id} {name}"));
        if let SignInStep::Browser { url } = step {
            tokio::spawn(browse(url, user));
        }
    });
    (world, told)
}

/// Opens the page and goes where it leads.
async fn browse(page: String, user: User) {
    let page = Url::parse(&page).expect("an address");
    let back = match user {
        User::LooksAway => return,
        User::Allows => location(&get(&page).await).expect("it leads back"),
        User::Refuses => {
            let pair =
                |name: &str| page.query_pairs().find(|(key, _)| key == name).expect("it is there").1.into_owned();
            Url::parse(&format!("{}?error=access_denied&state={}", pair("redirect_uri"), pair("state")))
                .expect("an address")
        }
    };
    get(&back).await;
}

async fn get(url: &Url) -> String {
    let at = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut line = tokio::net::TcpStream::connect(at).await.expect("somebody listens");
    let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let request = format!("GET {target} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n", at.0, at.1);
    line.write_all(request.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.expect("an answer");
    answer
}

fn location(answer: &str) -> Option<Url> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"))?;
    Url::parse(line.split_once(':')?.1.trim()).ok()
}

impl World {
    fn tokenless(&self) -> Connect {
        Connect { token: None, ..self.notes() }
    }

    async fn connect_signed_in(&self, with: SignInWith, secret: Option<&str>) -> Result<Connected, Error> {
        let request = Request::ConnectSignedIn { connect: self.tokenless(), with, expected: None };
        match self.patchbay.call(request, secret.map(Secret::new)).await? {
            Answer::Connected(done) => Ok(done),
            _ => panic!("another answer"),
        }
    }

    async fn sign_in(&self) -> Result<SignedIn, Error> {
        match self.do_it(Request::SignIn { id: ID.into(), token: None, with: SignInWith::default() }).await? {
            Answer::SignedIn(done) => Ok(done),
            _ => panic!("another answer"),
        }
    }

    async fn sign_out(&self) -> SignedOut {
        match self.do_it(Request::SignOut { id: ID.into(), token: None }).await.expect("signed out") {
            Answer::SignedOut(done) => done,
            _ => panic!("another answer"),
        }
    }

    async fn report(&self) -> Report {
        let Answer::Reports(mut done) = self.do_it(Request::Check { ids: vec![ID.into()] }).await.expect("checked")
        else {
            panic!("another answer")
        };
        done.remove(0).report
    }

    fn view(&self) -> ConnectionView {
        self.snapshot().connections.remove(0)
    }

    fn own(&self) -> Credential {
        self.patchbay.state().expect("a state").connections[0].credentials[0].clone()
    }

    /// What stands in the keychain of the first credential.
    fn held(&self) -> String {
        self.entry().get_password().expect("it is there")
    }

    fn entry(&self) -> keyring_core::Entry {
        self.keychain.build("Patchbay", self.own().key().as_str(), None).expect("an entry")
    }

    /// Puts something else in the place of what stands in the keychain.
    fn spoil(&self, fields: &[&str]) {
        let mut held: Value = serde_json::from_str(&self.held()).expect("JSON");
        for field in fields {
            held[*field] = "pba_of-nobody-0123456789".into();
        }
        let entry = self.keychain.build("Patchbay", self.own().key().as_str(), None).expect("an entry");
        entry.set_password(&held.to_string()).expect("it is kept");
    }

    /// Has the access token end now.
    fn end_access(&self) {
        let mut held: Value = serde_json::from_str(&self.held()).expect("JSON");
        held["lasts"] = 0.into();
        self.entry().set_password(&held.to_string()).expect("it is kept");
    }

    /// Notes that only the user can go on, as a bridge does.
    fn need(&self, scopes: &[&str]) {
        let path = self.home.data().join("state.json");
        let mut state: Value = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let needed = SignInNeeded { since: jiff::Timestamp::now(), scopes };
        state["connections"][0]["credentials"][0]["sign_in"]["needed"] = serde_json::to_value(needed).expect("JSON");
        std::fs::write(&path, state.to_string()).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_signed_in_to_then_tried_then_written_and_its_tokens_are_in_the_keychain_alone() {
    let (world, told) = signing(User::Allows).await;
    let done = world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let steps = ["asking", "browser", "fetching", "checking"].map(|step| format!("{ID} {step}"));
    assert_eq!(*told.lock().expect("no panic"), steps);
    assert_eq!((done.id.as_str(), done.signed_out), (ID, None));
    let held: Value = serde_json::from_str(&world.held()).expect("JSON");
    for secret in ["/access", "/refresh"] {
        let secret = held.pointer(secret).and_then(Value::as_str).expect("a token");
        assert_eq!(world.home.files_with(secret), Vec::<std::path::PathBuf>::new());
    }
    assert!(world.files().iter().all(|text| text.contains(ID)));
    assert_eq!(world.verdict().await, Verdict::Working);
    let view = world.view();
    assert_eq!((view.status, view.tokens[0].expires, world.snapshot().reminders.len()), (Status::Working, None, 0));
    let sign_in = view.tokens[0].sign_in.as_ref().expect("a sign-in");
    assert_eq!((sign_in.grant, &sign_in.own_client, &sign_in.needed), (Grant::AuthorizationCode, &None, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_sign_in_fails_or_is_stopped_nothing_is_written() {
    let (world, _) = signing(User::Refuses).await;
    let before = world.files();
    let failed = world.connect_signed_in(SignInWith::default(), None).await.expect_err("refused");
    assert_eq!((failed.code, world.files()), (Code::SignInRefused, before.clone()));
    assert!(world.snapshot().connections.is_empty());

    let (world, told) = signing(User::LooksAway).await;
    let going = world.connect_signed_in(SignInWith::default(), None);
    let stopping = async {
        while told.lock().expect("no panic").len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.do_it(Request::CancelSignIn { id: ID.into() }).await.expect("stopped");
    };
    let (stopped, ()) = tokio::join!(going, stopping);
    assert_eq!((stopped.expect_err("stopped").code, world.files()), (Code::Cancelled, before));
    assert!(world.snapshot().connections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_takes_a_tokens_place_and_the_token_waits_to_be_revoked_where_it_stands() {
    let (world, _) = signing(User::Allows).await;
    let (_, token) = world.connected().await;
    let pasted = world.own();
    let done = world.sign_in().await.expect("signed in");
    assert_eq!(done.report.verdict, Verdict::Working);
    let own = world.own();
    assert_ne!(own.id, pasted.id, "the token's own place in the keychain is left alone");
    assert_eq!(own.previous.iter().map(|old| &old.id).collect::<Vec<_>>(), [&pasted.id]);
    let old = world.keychain.build("Patchbay", own.previous_key(&own.previous[0]).as_str(), None).expect("an entry");
    assert_eq!(old.get_password().expect("it is there"), token);
    assert_eq!((world.view().status, world.view().action), (Status::OldTokenToRevoke, NextStep::RevokeOld));
    let token = own.id.clone();
    let still_good = world.do_it(Request::RetireOld { id: ID.into(), token, old: None, force: false }).await;
    assert!(matches!(still_good, Ok(Answer::Retired(retired)) if !retired.refused), "it is asked with the old token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_need_is_told_once_and_ends_with_the_next_sign_in_that_asks_for_what_was_missing() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let before = world.own();
    assert!(world.patchbay.due_sign_ins().expect("a list").is_empty());
    world.need(&["notes:write"]);
    let due = world.patchbay.due_sign_ins().expect("a list");
    assert_eq!(due.iter().map(|due| (due.name.as_str(), &due.token)).collect::<Vec<_>>(), [("My Notes", &before.id)]);
    assert_eq!((world.view().status, world.view().action), (Status::SignInNeeded, NextStep::SignIn));
    world.do_it(Request::Acknowledge { token: before.id.clone() }).await.expect("noted");
    assert!(world.patchbay.due_sign_ins().expect("a list").is_empty());
    world.need(&["notes:write"]);
    assert_eq!(world.patchbay.due_sign_ins().expect("a list").len(), 1, "a later need is another one");

    world.sign_in().await.expect("signed in");
    let own = world.own();
    assert_eq!((own.id, own.scopes.contains(&"notes:write".to_owned())), (before.id, true));
    assert_eq!(own.sign_in.expect("a sign-in").needed, None);
    assert_eq!(world.view().status, Status::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_check_is_old_once_the_sign_in_has_ended() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    world.sign_in().await.expect("signed in and checked");
    world.need(&["notes:write"]);
    assert!(!world.view().check_is_old, "what was allowed goes on");
    world.need(&[]);
    assert!(world.view().check_is_old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_renews_a_token_that_is_refused_before_it_says_so() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    world.spoil(&["access"]);
    assert_eq!(world.verdict().await, Verdict::Working);
    assert_eq!(world.own().sign_in.expect("a sign-in").needed, None);
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    world.spoil(&["access", "refresh"]);
    assert_eq!(world.verdict().await, Verdict::NeedsBrowserSignIn);
    assert!(world.own().sign_in.expect("a sign-in").needed.is_some(), "only the user can go on, and hears of it");
    assert_eq!(world.view().status, Status::SignInNeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_may_be_given_less_time_in_the_browser_or_more() {
    let (world, _) = signing(User::LooksAway).await;
    let with = SignInWith { seconds: Some(1), ..SignInWith::default() };
    assert_eq!(world.connect_signed_in(with, None).await.expect_err("nobody came").code, Code::SignInTimeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_by_itself_needs_its_secret_and_nobody_is_asked_without_it() {
    let (world, told) = signing(User::Allows).await;
    let with = SignInWith {
        grant: Some(Grant::ClientCredentials),
        client_id: Some("nightly".into()),
        ..SignInWith::default()
    };
    let failed = world.connect_signed_in(with, Some("")).await.expect_err("refused");
    assert_eq!((failed.code, failed.field.as_deref()), (Code::SettingInvalid, Some("client_secret")));
    assert!(told.lock().expect("no panic").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_apps_sign_in_by_themselves_they_get_the_address_alone_and_nothing_is_missing() {
    let (world, _) = signing(User::Allows).await;
    let place = |client| patchbay_core::api::message::Place { wiring: Some(Wiring::ClientOauth), ..place(client) };
    let connect = Connect { places: vec![place("claude-code"), place("codex")], ..world.tokenless() };
    world.connect(connect, None).await.expect("it connects");
    let url = world.practice.mcp_url();
    assert!(world.home.read("codex").contains(&format!("[mcp_servers.{ID}]\nurl = \"{url}\"\n")));
    let claude: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    assert_eq!(claude["mcpServers"][ID], serde_json::json!({ "type": "http", "url": url }));
    let view = world.view();
    assert_eq!((view.status, view.action), (Status::SignedInByApps, NextStep::Nothing));
    assert!(view.used_in.iter().all(|place| place.drift.is_none()));

    world.home.write("codex", &world.home.read("codex").replace(&url, "https://elsewhere.example/mcp"));
    assert_eq!(world.view().status, Status::ChangedOutside);
    world
        .do_it(Request::PutBack { id: ID.into(), client: "codex".into(), scope: patchbay_core::client::Scope::User })
        .await
        .expect("put back");
    assert!(world.home.read("codex").contains(&url));
    let desktop = Request::Place { id: ID.into(), places: vec![place("claude-desktop")], expected: None };
    assert_eq!(world.do_it(desktop).await.expect_err("it takes programs only").code, Code::WiringUnsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_of_a_sign_in_that_it_has_ended_and_without_one_that_nobody_is_signed_in() {
    let (world, _) = signing(User::Allows).await;
    world.connect_signed_in(SignInWith::default(), None).await.expect("it connects");
    let held = world.held();
    // Ended at the service, as its own page would.
    let held = oauth::Held(Secret::new(held));
    assert!(oauth::sign_out(&held, &Endpoint::new(&world.practice.mcp_url()).expect("an address")).await);
    let report = world.report().await;
    assert_eq!(report.sentence(), "The sign-in has ended, or was ended at the service. Sign in again.");
    assert!(report.wants_sign_in());
    world.sign_out().await;
    let report = world.report().await;
    assert_eq!(report.sentence(), "You are signed out. Sign in with your browser.");
    assert!(
        report.wants_sign_in()
            && report.layers.iter().all(|layer| layer.mark != Mark::Failed || layer.detail.is_none())
    );
    assert_eq!((world.view().status, world.view().action), (Status::SignedOut, NextStep::SignIn));
    let again = world.do_it(Request::SignOut { id: ID.into(), token: None }).await.expect_err("signed out already");
    assert_eq!(again.message, "My Notes is not signed in.");
    let state = world.patchbay.state().expect("a state");
    let failed = world.patchbay.endpoint(&state.connections[0], None).await.expect_err("nothing to send");
    assert_eq!((failed.message, failed.hint), (again.message, Some(format!("Sign in: patchbay sign-in {ID}"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_says_ahead_which_token_it_would_replace() {
    let (world, _) = signing(User::Allows).await;
    world.connected().await;
    let at = world.patchbay.token_to_replace(ID).expect("a state").expect("a token");
    assert!(at.page.is_some_and(|page| page.ends_with("/tokens")));
    world.sign_in().await.expect("signed in");
    assert_eq!(world.patchbay.token_to_replace(ID).expect("a state"), None);
}
