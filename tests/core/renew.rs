use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use patchbay_core::api::message::{Answer, Connect, Renewed, Request, Retired, TokenFacts};
use patchbay_core::api::view::{NextStep, Status};
use patchbay_core::connection::{Connection, Credential, ExpirySource};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Key, Secret, SecretStore, StoreStatus};
use patchbay_core::{Code, Error};
use rstest::rstest;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::api::{World, place, world};

const ID: &str = "my-notes";

impl World {
    async fn renew(&self, named: Option<&str>, expires: Option<&str>, token: &str) -> Result<Renewed, Error> {
        let (named, expires) = (named.map(str::to_owned), expires.map(str::to_owned));
        let request = Request::Renew { id: ID.into(), token: named, expires, scopes: None };
        match self.patchbay.call(request, Some(Secret::new(token))).await? {
            Answer::Renewed(done) => Ok(*done),
            _ => panic!("another answer"),
        }
    }

    /// Renews with a new token of the service, and tells its id there.
    async fn renewed(&self) -> (String, Renewed) {
        let (id, token) = self.token(&["profile:read"]).await;
        (id, self.renew(None, None, &token).await.expect("it is renewed"))
    }

    async fn retire(&self, old: Option<&str>, force: bool) -> Retired {
        let token = self.credential().id;
        let request = Request::RetireOld { id: ID.into(), token, old: old.map(str::to_owned), force };
        match self.do_it(request).await.expect("an answer") {
            Answer::Retired(retired) => retired,
            _ => panic!("another answer"),
        }
    }

    async fn move_to(&self, url: String) {
        let settings = BTreeMap::from([("url".to_owned(), url)]);
        let edit = Request::Edit { id: ID.into(), name: "My Notes".into(), settings };
        self.do_it(edit).await.expect("it can be edited");
    }

    /// The same service under another origin.
    fn elsewhere(&self) -> String {
        self.practice.mcp_url().replace("127.0.0.1", "localhost")
    }

    async fn remove(&self) {
        self.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("it can be removed");
    }

    fn connection(&self) -> Connection {
        self.patchbay.state().expect("a state").connections[0].clone()
    }

    fn credential(&self) -> Credential {
        self.connection().credentials[0].clone()
    }

    fn write_state(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let path = self.home.data().join("state.json");
        let mut state = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
        change(&mut state);
        std::fs::write(&path, state.to_string()).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_was_replaced_waits_to_be_revoked() {
    let world = world().await;
    let (first, _) = world.connected().await;
    let (_, one) = world.renewed().await;
    let (_, two) = world.renewed().await;
    assert_eq!((world.secrets(), one.old.is_some()), (3, true));
    let old = world.snapshot().connections[0].tokens[0].old.clone();
    assert_eq!(old.iter().map(|old| Some(old.id.clone())).collect::<Vec<_>>(), [one.old.clone(), two.old]);

    world.revoke(&first).await;
    let both = world.retire(None, false).await;
    assert!(!both.refused && !both.unverified, "the second works still");
    assert_eq!(world.snapshot().connections[0].tokens[0].old.len(), 1, "the first is refused and forgotten");
    assert!(world.retire(one.old.as_deref(), false).await.refused, "nothing is left to be asked about it");
    assert_eq!((world.secrets(), world.verdict().await), (2, Verdict::Working));
    assert_eq!(world.snapshot().connections[0].status, Status::OldTokenToRevoke);
    world.renewed().await;
    world.remove().await;
    assert_eq!(world.secrets(), 0, "no token is left behind");
}

/// What earlier versions wrote: one token, or none, in place of a list.
#[rstest]
#[case(serde_json::Value::Null, 0)]
#[case(serde_json::json!({ "id": "t-old", "fingerprint": "0123456789ab", "replaced": "2026-01-01T00:00:00Z" }), 1)]
#[tokio::test(flavor = "multi_thread")]
async fn earlier_records_are_read(#[case] previous: serde_json::Value, #[case] count: usize) {
    let world = world().await;
    world.connected().await;
    world.write_state(|state| {
        let credential = &mut state["connections"][0]["credentials"][0];
        credential["previous"] = previous;
        credential.as_object_mut().expect("a table").remove("way");
    });
    world.put(&Key::new("t-old", &world.credential().origin), "an-older-token");
    assert_eq!(world.credential().previous.len(), count);
    world.renewed().await;
    assert_eq!(world.credential().previous.len(), count + 1);
    world.remove().await;
    assert_eq!(world.secrets(), 1 - count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_renewed_at_another_address_belongs_there() {
    let world = world().await;
    let (first, token) = world.connected().await;
    let before = world.credential();
    world.move_to(world.elsewhere()).await;
    assert_eq!(world.verdict().await, Verdict::TokenMissing, "the old one is not sent there");
    assert_eq!(world.snapshot().connections[0].action, NextStep::Renew, "one more token would not be used");
    world.renewed().await;
    let after = world.credential();
    assert_ne!(after.origin, before.origin);
    assert_eq!(world.stored(&before.key()), None);
    assert_eq!(world.stored(&after.previous_key(&after.previous[0])), Some(token));
    assert!(!world.retire(None, false).await.refused, "it is asked about where it belongs");
    world.revoke(&first).await;
    assert!(world.retire(None, false).await.refused);
    assert_eq!((world.secrets(), world.verdict().await), (1, Verdict::Working));
    world.move_to(world.practice.mcp_url()).await;
    world.remove().await;
    assert_eq!(world.secrets(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_token_at_another_address_replaces_none() {
    let world = world().await;
    let (_, token) = world.connected().await;
    let again = world.renew(None, None, &token).await;
    assert_eq!(again.expect_err("it is in use").code, Code::TokenReused);
    world.move_to(world.elsewhere()).await;
    let done = world.renew(None, None, &token).await.expect("it is given for the new address");
    assert_eq!((done.old, done.revoke_page, world.secrets()), (None, None, 1));

    let (_, new) = world.token(&["profile:read"]).await;
    world.renew(None, None, &new).await.expect("it is renewed");
    let back = world.renew(None, None, &token).await;
    assert_eq!(back.expect_err("it waits to be revoked").code, Code::TokenReused);
}

/// A kill after the new token was stored for the new address.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_at_another_address_that_was_cut_off_is_settled() {
    let world = world().await;
    let (_, token) = world.connected().await;
    world.move_to(world.elsewhere()).await;
    let (before, salt) = (world.credential(), world.patchbay.state().expect("a state").salt);
    let (_, new) = world.token(&["profile:read"]).await;
    let origin = world.elsewhere().trim_end_matches("/mcp").to_owned();
    world.write_state(|state| {
        state["connections"][0]["credentials"][0]["renewal"] = serde_json::json!({
            "begun": Timestamp::now(), "fingerprint": Secret::new(new.clone()).fingerprint(&salt), "expires": null,
            "scopes": [], "origin": origin, "previous": {
                "id": "t-old", "fingerprint": before.fingerprint, "replaced": Timestamp::now(), "origin": before.origin,
            },
        });
    });
    world.put(&Key::new("t-old", &before.origin), &token);
    world.put(&Key::new(&before.id, &origin), &new);
    world.patchbay.settle().await.expect("it can be settled");
    let after = world.credential();
    assert_eq!((after.origin.as_str(), after.previous.len(), world.secrets()), (origin.as_str(), 1, 2));
    assert_eq!(world.verdict().await, Verdict::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_is_asked_about_only_where_it_belongs() {
    let world = world().await;
    let (first, token) = world.connected().await;
    world.renewed().await;
    let foreign = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&foreign).await;
    world.move_to(format!("{}/mcp", foreign.uri())).await;
    let still = world.retire(None, false).await;
    assert!(!still.refused && !still.unverified, "another service's refusal says nothing");
    world.revoke(&first).await;
    world.write_state(|state| {
        let old = &mut state["connections"][0]["credentials"][0]["previous"][0];
        old.as_object_mut().expect("a table").remove("way");
    });
    let nowhere = world.retire(None, false).await;
    assert!(!nowhere.refused && nowhere.unverified && nowhere.report.is_none(), "its address is not known any more");
    world.retire(None, true).await;
    assert_eq!(world.secrets(), 1, "it can be forgotten all the same");
    let sent = foreign.received_requests().await.expect("a record");
    assert!(sent.iter().all(|request| !format!("{:?}", request.headers).contains(&token)), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_not_said_to_be_refused() {
    let world = world().await;
    world.connected().await;
    world.renewed().await;
    let old = world.credential().previous[0].clone();
    world.write_state(|state| {
        // Nobody listens there.
        state["connections"][0]["url"] = "http://127.0.0.1:9/mcp".into();
        let way = &mut state["connections"][0]["credentials"][0]["previous"][0];
        way["origin"] = "http://127.0.0.1:9".into();
        way["way"]["url"] = "http://127.0.0.1:9/mcp".into();
    });
    world.put(&Key::new(&old.id, "http://127.0.0.1:9"), "an-old-token");
    let asked = world.retire(None, false).await;
    assert!(!asked.refused && asked.unverified, "{asked:?}");
    assert_eq!(world.credential().previous.len(), 1);
}

/// One token for each of two apps; the second is revoked, and the first ends earlier.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_about_the_token_that_was_refused() {
    let world = world().await;
    let in_days = |days: i64| Some(Timestamp::now().checked_add((24 * days).hours()).expect("in range").to_string());
    let (_, first) = world.token(&["profile:read"]).await;
    let connect =
        Connect { token: Some(TokenFacts { expires: in_days(50), ..TokenFacts::default() }), ..world.notes() };
    world.connect(connect, Some(&first)).await.expect("it connects");
    let (id, second) = world.token(&["profile:read"]).await;
    let facts = TokenFacts { expires: in_days(90), ..TokenFacts::default() };
    let save = Request::SaveToken { id: ID.into(), token: facts, clients: vec!["codex".into()] };
    world.patchbay.call(save, Some(Secret::new(second))).await.expect("saved");
    let ids: Vec<_> = world.connection().credentials.iter().map(|credential| Some(credential.id.clone())).collect();
    assert_eq!(world.snapshot().connections[0].renew_token, ids[0], "it ends first");
    assert_eq!(world.verdict().await, Verdict::Working);

    world.revoke(&id).await;
    let Ok(Answer::Reports(reports)) = world.do_it(Request::Check { ids: Vec::new() }).await else {
        panic!("no reports")
    };
    assert_eq!((reports[0].report.verdict, &reports[0].token), (Verdict::TokenRefused, &ids[1]));
    let view = &world.snapshot().connections[0];
    assert_eq!((view.status, &view.renew_token), (Status::TokenRefused, &ids[1]));
    let (_, done) = world.renewed().await;
    assert_eq!(Some(done.token), ids[1]);
    assert_eq!(world.verdict().await, Verdict::Working);
    let before = world.stored(&world.credential().key());
    assert_eq!(before, Some(first), "the good one was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_asked_for_where_the_service_gives_every_token_one() {
    let world = world().await;
    let connect = |expires: Option<&str>| Connect {
        provider: "retently".into(),
        name: "Surveys".into(),
        settings: BTreeMap::new(),
        places: vec![place("codex")],
        token: Some(TokenFacts { expires: expires.map(str::to_owned), ..TokenFacts::default() }),
        overrule: false,
    };
    let token = "rtly_mcp_pat_1_0123456789abcdef";
    let refused = world.connect(connect(None), Some(token)).await.expect_err("it has an end");
    assert_eq!((refused.code, refused.field.as_deref()), (Code::DateRequired, Some("expires")));
    assert!(refused.hint.is_some());
    let plan = Request::PlanConnect { connect: connect(None) };
    let planned = world.patchbay.call(plan, Some(Secret::new(token))).await.expect_err("a plan says so too");
    assert_eq!((planned.code, world.secrets()), (Code::DateRequired, 0));

    let soon = Timestamp::now().checked_add(720.hours()).expect("in range").to_string();
    world.connect(connect(Some(&soon)), Some(token)).await.expect("with its end");
    let renew = Request::Renew { id: "surveys".into(), token: None, expires: None, scopes: None };
    let refused = world.patchbay.call(renew, Some(Secret::new("rtly_mcp_pat_2_0123456789abcdef"))).await;
    assert_eq!(refused.expect_err("it has an end").code, Code::DateRequired);
    assert_eq!(world.credential().expires.expect("an end").source, ExpirySource::Declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_says_what_is_known_of_the_new_end() {
    let world = world().await;
    let end = Timestamp::now().checked_add((24 * 40).hours()).expect("in range").to_string();
    let (_, token) = world.token(&["profile:read"]).await;
    let connect = Connect { token: Some(TokenFacts { expires: Some(end), ..TokenFacts::default() }), ..world.notes() };
    world.connect(connect, Some(&token)).await.expect("it connects");
    let until = Timestamp::now().checked_add((24 * 40).hours()).expect("in range").to_string();
    assert_eq!(world.snapshot().connections[0].tokens[0].renewed_until.as_deref(), until.get(..10));
    let (_, done) = world.renewed().await;
    assert_eq!((done.expires, done.lasted_days), (None, Some(40)));
    let (_, done) = world.renewed().await;
    assert_eq!((done.expires, done.lasted_days), (None, None));

    // The keychain has lost it: there is nothing to be revoked, and nothing is said of it.
    let lost = world.keychain.build("Patchbay", world.credential().key().as_str(), None).expect("an entry");
    lost.delete_credential().expect("deleted");
    let (_, done) = world.renewed().await;
    assert_eq!((done.old, done.revoke_page), (None, None));
}

/// A keychain that takes its time, as one does that asks its user for a password.
#[derive(Debug)]
struct Slow(Arc<keyring_core::CredentialStore>);

impl keyring_core::api::CredentialStoreApi for Slow {
    fn vendor(&self) -> String {
        "slow".to_owned()
    }

    fn id(&self) -> String {
        "slow".to_owned()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&std::collections::HashMap<&str, &str>>,
    ) -> keyring_core::Result<keyring_core::Entry> {
        std::thread::sleep(Duration::from_secs(4));
        self.0.build(service, user, modifiers)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_waited_for_is_told_why() {
    let world = world().await;
    world.connected().await;
    let slow = SecretStore::with_store(Arc::new(Slow(world.keychain.clone())));
    let patchbay = patchbay_core::api::Patchbay::with(world.patchbay.host(), slow, Timestamp::now);
    patchbay.allow_prompts();
    let (begun, (send, mut heard)) = (Instant::now(), tokio::sync::mpsc::unbounded_channel());
    let looking = patchbay.clone();
    patchbay.listen(move |_| {
        let status = looking.snapshot().expect("a snapshot").secrets.status;
        send.send((begun.elapsed(), status)).expect("somebody hears");
    });
    let check = patchbay.call(Request::Check { ids: Vec::new() }, None);
    let answer = check.await.expect("it is checked");
    let Answer::Reports(reports) = answer else { panic!("another answer") };
    assert_eq!(reports[0].report.verdict, Verdict::Working, "and then it goes on");
    let mut told = Vec::new();
    while let Ok((at, status)) = heard.try_recv() {
        told.push((at < Duration::from_secs(4), status));
    }
    assert!(told.contains(&(true, Some(StoreStatus::WaitingForYou))), "while it waits: {told:?}");
    assert_eq!(told.last().map(|(_, status)| *status), Some(Some(StoreStatus::Ready)));
}
