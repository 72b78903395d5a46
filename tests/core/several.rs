use std::collections::BTreeMap;

use patchbay_core::api::message::{Answer, Connect, LeaveChoice, Renewed, Request, Retired, TokenFacts};
use patchbay_core::api::view::{NextStep, Status};
use patchbay_core::connection::{AuthHeader, Connection, Credential};
use patchbay_core::probe::{Report, Verdict};
use patchbay_core::secret::{Backend, Key, Secret};
use patchbay_core::wire::{Endpoint, veil};
use patchbay_core::{Code, Error};
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::{World, original, world};

/// Brought in from the apps.
#[path = "several/brought.rs"]
mod brought;

const HEADER: &str = "X-Practice-Key";
const ID: &str = "pair";

impl World {
    /// What connects to the practice service's door for two tokens.
    fn pair(&self) -> Connect {
        let settings =
            BTreeMap::from([("url".to_owned(), self.practice.pair_url()), ("beside".to_owned(), HEADER.to_owned())]);
        Connect { provider: "custom".into(), name: "Pair".into(), settings, ..self.notes() }
    }

    /// Connects with two new tokens; their ids at the service and their values.
    async fn paired(&self) -> [(String, String); 2] {
        let (one, two) = (self.token(&["profile:read"]).await, self.token(&["notes:read"]).await);
        self.connect(self.pair(), Some(&format!("{}\n{}\n", one.1, two.1))).await.expect("it connects");
        [one, two]
    }

    fn kept(&self) -> Connection {
        self.patchbay.state().expect("a state").connections[0].clone()
    }

    fn token_kept(&self) -> Credential {
        self.kept().first_token().expect("a token").clone()
    }

    fn beside_kept(&self) -> Credential {
        self.kept().secret_of(HEADER).expect("the other").clone()
    }

    async fn renew_both(&self, lines: &str) -> Result<Renewed, Error> {
        let request = Request::Renew { id: ID.into(), token: None, expires: None, scopes: None };
        match self.patchbay.call(request, Some(Secret::new(lines))).await? {
            Answer::Renewed(done) => Ok(*done),
            other => panic!("{other:?}"),
        }
    }

    async fn old_is_refused(&self, token: &str) -> Retired {
        let request = Request::RetireOld { id: ID.into(), token: token.to_owned(), old: None, force: false };
        match self.do_it(request).await.expect("an answer") {
            Answer::Retired(retired) => retired,
            other => panic!("{other:?}"),
        }
    }

    async fn checked_pair(&self) -> Report {
        let Ok(Answer::Reports(mut reports)) = self.do_it(Request::Check { ids: Vec::new() }).await else {
            panic!("no reports")
        };
        reports.remove(0).report
    }

    /// Takes a secret out of the keychain behind Patchbay's back.
    fn delete(&self, key: &Key) {
        let entry = self.keychain.build("Patchbay", key.as_str(), None).expect("an entry");
        entry.delete_credential().expect("deleted");
    }

    /// Nothing on the disk has it.
    fn is_nowhere(&self, secret: &str) {
        assert_eq!(self.home.files_with(secret), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_connect_work_and_go_and_neither_is_in_any_file() {
    let world = world().await;
    let [one, two] = world.paired().await;
    assert_eq!(world.checked_pair().await.verdict, Verdict::Working);
    assert_eq!(world.stored(&world.token_kept().key()).as_deref(), Some(one.1.as_str()));
    assert_eq!(world.stored(&world.beside_kept().key()).as_deref(), Some(two.1.as_str()));
    assert_eq!(world.secrets(), 2, "each has its own entry");
    world.is_nowhere(&one.1);
    world.is_nowhere(&two.1);

    let shown = serde_json::to_string(&world.snapshot()).expect("JSON");
    assert!(!shown.contains(&one.1) && !shown.contains(&two.1));
    let view = &world.snapshot().connections[0];
    assert_eq!(view.secrets.iter().map(|field| field.label.as_str()).collect::<Vec<_>>(), ["Token", HEADER]);
    let of: Vec<_> = view.tokens.iter().map(|token| (token.header.as_deref(), token.used_by.len())).collect();
    assert_eq!(of, [(None, 3), (Some(HEADER), 3)], "all apps share it");

    world.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("it can be removed");
    assert_eq!((world.secrets(), world.files()), (0, original()));
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    assert_eq!(world.snapshot().connections[0].status, Status::TokenMissing);
    let token = TokenFacts::default();
    let save = Request::SaveToken { id: ID.into(), token, clients: Vec::new() };
    let half = world.patchbay.call(save.clone(), Some(Secret::new(&*one.1))).await.expect_err("one is missing");
    assert_eq!((half.code, half.field.as_deref()), (Code::TokenEmpty, Some("token:X-Practice-Key")));
    assert_eq!(world.secrets(), 0, "half of it is not kept");
    let both = Secret::new(format!("{}\n{}", one.1, two.1));
    world.patchbay.call(save, Some(both)).await.expect("given again");
    assert_eq!(world.checked_pair().await.verdict, Verdict::Working);
}

#[rstest]
#[case::one_only("ONE", Code::TokenEmpty, "token:X-Practice-Key")]
#[case::the_other_only("\nTWO", Code::TokenEmpty, "token")]
#[case::the_same_twice("ONE\nONE", Code::TokenShape, "token:X-Practice-Key")]
#[case::one_too_many("ONE\nTWO\nTHREE", Code::Usage, "")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_pair_is_refused_at_its_field_and_nothing_is_kept(
    #[case] given: &str,
    #[case] code: Code,
    #[case] field: &str,
) {
    let world = world().await;
    let given = given.replace("ONE", "canary-one-0123456789").replace("TWO", "canary-two-0123456789");
    let error = world.connect(world.pair(), Some(&given)).await.expect_err("refused");
    assert_eq!((error.code, error.field.unwrap_or_default().as_str()), (code, field));
    assert_eq!((world.secrets(), world.files()), (0, original()));
    assert!(!error.message.contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lines_for_a_service_with_one_secret_are_refused_and_not_glued_together() {
    let world = world().await;
    let single = |given: &'static str| {
        let settings = BTreeMap::from([("url".to_owned(), world.practice.mcp_url())]);
        let connect = Connect { provider: "custom".into(), name: "One".into(), settings, ..world.notes() };
        world.connect(connect, Some(given))
    };
    for given in ["canary-one-0123456789\ncanary-two-0123456789\n", "canary-one-0123456789 junk"] {
        let error = single(given).await.expect_err("refused");
        assert_eq!((error.code, error.field.as_deref()), (Code::TokenControlCharacters, Some("token")));
        assert!(error.message.contains("line break in the middle") && !error.message.contains("canary"));
    }
    assert_eq!((world.secrets(), world.files()), (0, original()));
    single("canary-one-0123456789\r\n").await.expect("a line's end is none of it");
    assert_eq!(world.stored(&world.token_kept().key()).as_deref(), Some("canary-one-0123456789"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_both_because_the_service_does_not_say_which() {
    let world = world().await;
    let [_, (second, _)] = world.paired().await;
    world.revoke(&second).await;
    let report = world.checked_pair().await;
    assert_eq!(report.verdict, Verdict::TokenRefused);
    let said = report.sentence();
    assert!(said.contains("“Token” or “X-Practice-Key”"), "{said}");
    assert_eq!(world.snapshot().connections[0].action, NextStep::Renew);
}

#[tokio::test(flavor = "multi_thread")]
async fn either_is_renewed_by_itself_or_both_in_one_step() {
    let world = world().await;
    let [first, second] = world.paired().await;
    let before = world.token_kept();

    // Only the second: an empty line leaves the first as it is.
    let other = world.token(&["notes:read"]).await;
    let done = world.renew_both(&format!("\n{}", other.1)).await.expect("renewed");
    assert_eq!((done.after.verdict, done.also.len()), (Verdict::Working, 0));
    assert_eq!((&done.token, done.old.is_some()), (&world.beside_kept().id, true));
    assert_eq!(world.stored(&world.beside_kept().key()), Some(other.1.clone()));
    assert_eq!(world.token_kept(), before, "the first is as it was");
    assert_eq!(world.secrets(), 3, "the old one waits to be revoked");
    assert!(!world.old_is_refused(&done.token).await.refused, "it works still");
    world.revoke(&second.0).await;
    assert!(world.old_is_refused(&done.token).await.refused);
    assert_eq!(world.secrets(), 2);

    // Both, after both were revoked: the new ones work only together.
    world.revoke(&first.0).await;
    world.revoke(&other.0).await;
    let (one, two) = (world.token(&["profile:read"]).await, world.token(&["notes:read"]).await);
    let alone = world.renew_both(&one.1).await.expect_err("the other is still the revoked one");
    assert_eq!(alone.code, Code::RenewalRefused);
    assert_eq!((world.secrets(), world.token_kept()), (2, before), "nothing was changed");
    let done = world.renew_both(&format!("{}\n{}", one.1, two.1)).await.expect("renewed");
    assert_eq!(done.after.verdict, Verdict::Working);
    assert_eq!(done.also.iter().map(|also| also.label.as_str()).collect::<Vec<_>>(), [HEADER]);
    assert_eq!(world.stored(&world.token_kept().key()), Some(one.1));
    assert_eq!(world.stored(&world.beside_kept().key()), Some(two.1));
    world.do_it(Request::Remove { id: ID.into(), expected: None }).await.expect("it can be removed");
    assert_eq!(world.secrets(), 0, "no old one is left behind either");
}

/// Cut off between the two swaps: giving both once more goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_of_both_that_was_cut_off_after_the_first_can_be_given_again() {
    let world = world().await;
    world.paired().await;
    let (one, two) = (world.token(&["profile:read"]).await, world.token(&["notes:read"]).await);
    world.renew_both(&one.1).await.expect("the first");
    let done = world.renew_both(&format!("{}\n{}", one.1, two.1)).await.expect("the rest of it");
    assert_eq!((done.token, done.also.len()), (world.beside_kept().id, 0));
    let again = world.renew_both(&format!("{}\n{}", one.1, two.1)).await.expect_err("nothing is new");
    assert_eq!(again.code, Code::TokenReused);
}

/// Each of two swapped ones is in use in the other's place, so neither is old: whoever revoked it would cut off the pair.
#[tokio::test(flavor = "multi_thread")]
async fn two_swapped_secrets_are_put_right_and_neither_is_kept_or_to_be_revoked() {
    let world = world().await;
    let [one, two] = world.paired().await;
    let done = world.renew_both(&format!("{}\n{}", two.1, one.1)).await.expect("put right");
    assert_eq!((done.after.verdict, done.also.len()), (Verdict::Working, 1));
    assert_eq!((done.old, &done.also[0].old, done.revoke_page), (None, &None, None));
    assert_eq!(world.stored(&world.token_kept().key()), Some(two.1.clone()));
    assert_eq!(world.stored(&world.beside_kept().key()), Some(one.1.clone()));
    assert_eq!((world.token_kept().previous.len(), world.beside_kept().previous.len()), (0, 0));
    assert_eq!(world.secrets(), 2, "no copies of them either");
    world.renew_both(&format!("{}\n{}", one.1, two.1)).await.expect("and back again");
    assert_eq!(world.secrets(), 2);

    // What one renewal replaced and the next one gives to the other header is in use again.
    let three = world.token(&["profile:read"]).await;
    let done = world.renew_both(&three.1).await.expect("the first");
    assert_eq!((done.old.is_some(), world.secrets()), (true, 3));
    let done = world.renew_both(&format!("\n{}", one.1)).await.expect("the second");
    assert!(done.old.is_some(), "the second's own is old");
    assert_eq!((world.token_kept().previous.len(), world.secrets()), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_neither_is_renewed_where_one_of_them_was_replaced_before() {
    let world = world().await;
    let [_, second] = world.paired().await;
    let other = world.token(&["notes:read"]).await;
    world.renew_both(&format!("\n{}", other.1)).await.expect("the second");
    let (one, before) = (world.token(&["profile:read"]).await, world.kept());
    let error = world.renew_both(&format!("{}\n{}", one.1, second.1)).await.expect_err("the second was replaced");
    assert_eq!(error.code, Code::TokenReused);
    assert_eq!(world.kept(), before, "nor is the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_one_is_refused_is_believed_only_beside_another_that_works() {
    let world = world().await;
    let [first, second] = world.paired().await;
    let other = world.token(&["notes:read"]).await;
    let done = world.renew_both(&format!("\n{}", other.1)).await.expect("the second");
    // Any pair with the first is refused now, whether the old second is any good or not.
    world.revoke(&first.0).await;
    let said = world.old_is_refused(&done.token).await;
    assert!(!said.refused && said.unverified, "{said:?}");
    let kept = world.beside_kept();
    assert_eq!(world.stored(&kept.previous_key(&kept.previous[0])), Some(second.1), "so it is not forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_given_for_two_is_the_tokens() {
    let world = world().await;
    world.paired().await;
    let (one, two) = (world.token(&["profile:read"]).await, world.token(&["notes:read"]).await);
    let until = |day: &str| Request::Renew { id: ID.into(), token: None, expires: Some(day.into()), scopes: None };
    let both = Secret::new(format!("{}\n{}", one.1, two.1));
    world.patchbay.call(until("2099-01-01"), Some(both)).await.expect("renewed");
    assert!(world.token_kept().expires.is_some() && world.beside_kept().expires.is_none());
    let three = world.token(&["notes:read"]).await;
    world.patchbay.call(until("2099-02-01"), Some(Secret::new(format!("\n{}", three.1)))).await.expect("renewed");
    assert!(world.beside_kept().expires.is_some(), "given for it alone, it is its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_secret_that_is_gone_is_asked_for_and_given() {
    let world = world().await;
    let [_, two] = world.paired().await;
    world.delete(&world.beside_kept().key());
    let report = world.checked_pair().await;
    assert_eq!(report.verdict, Verdict::TokenMissing);
    let detail = report.detail.expect("words");
    assert!(detail.contains("one a line: 1. Token, 2. X-Practice-Key"), "{detail}");
    world.renew_both(&format!("\n{}", two.1)).await.expect("given");
    assert_eq!(world.checked_pair().await.verdict, Verdict::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_move_to_the_vault_and_both_are_given_back() {
    let world = world().await;
    let [one, two] = world.paired().await;
    world.patchbay.call(Request::VaultCreate, Some(Secret::new("a long passphrase"))).await.expect("a vault");
    assert_eq!(world.secrets(), 0, "nothing stays in the keychain");
    world.is_nowhere(&one.1);
    world.is_nowhere(&two.1);
    assert_eq!(world.checked_pair().await.verdict, Verdict::Working);
    world.do_it(Request::SetBackend { backend: Backend::Keychain }).await.expect("moved back");
    assert_eq!((world.secrets(), world.checked_pair().await.verdict), (2, Verdict::Working));
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_that_go_on_without_patchbay_have_both_and_the_history_has_neither() {
    let world = world().await;
    let [one, two] = world.paired().await;
    let choice = LeaveChoice { keep_working: true, take_changed: false };
    let Ok(Answer::Leave(view)) = world.do_it(Request::PlanLeave { choice }).await else { panic!("no plan") };
    let shown = serde_json::to_string(&view).expect("JSON");
    assert!(!shown.contains(&one.1) && !shown.contains(&two.1), "masked where it is shown");
    let expected = Some(view.plan.expected);
    let Ok(Answer::Left(left)) = world.do_it(Request::Leave { choice, expected }).await else { panic!("not left") };
    assert_eq!((left.released, left.tokens, world.secrets()), (3, 2, 0));
    let code: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    let headers = json!({ "Authorization": format!("Bearer {}", one.1), HEADER: two.1 });
    assert_eq!(code["mcpServers"][ID]["headers"], headers);
    for secret in [&one.1, &two.1] {
        let kept = world.home.files_with(secret).into_iter().filter(|path| path.starts_with(world.home.data()));
        assert_eq!(kept.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_secrets_of_which_one_begins_with_the_other_no_end_is_shown() {
    let world = world().await;
    let (one, two) = ("canary-one-01234567", "canary-one-0123456799998888");
    world.connect(world.pair(), Some(&format!("{one}\n{two}"))).await.expect("it connects");
    let choice = LeaveChoice { keep_working: true, take_changed: false };
    let Ok(Answer::Leave(view)) = world.do_it(Request::PlanLeave { choice }).await else { panic!("no plan") };
    let shown = serde_json::to_string(&view).expect("JSON");
    assert!(shown.contains("•••") && !shown.contains("99998888") && !shown.contains("canary"), "{shown}");

    let (short, long) = ("canary-9", "canary-999998888");
    let auth = AuthHeader { beside: vec![carrier(HEADER)], ..AuthHeader::default() };
    let endpoint = Endpoint::new("https://example.com/mcp").and_then(|bare| bare.with_auth(&auth, &Secret::new(short)));
    let endpoint = endpoint.and_then(|one| one.with_beside(&auth.beside[0], &Secret::new(long))).expect("headers");
    assert_eq!(veil(&format!("no {long}, no {short}"), &[endpoint]), "no •••, no •••");
}

/// What a service says is shown without either of them, whole or in part.
#[test]
fn both_are_veiled_wherever_one_is() {
    let (one, two) = ("canary-first-0123456789", "canary-second-9876543210");
    let auth = AuthHeader { beside: vec![carrier(HEADER)], ..AuthHeader::default() };
    let endpoint = Endpoint::new("https://example.com/mcp").expect("an address");
    let endpoint = endpoint.with_auth(&auth, &Secret::new(one)).expect("a header");
    let endpoint = endpoint.with_beside(&auth.beside[0], &Secret::new(two)).expect("a header");
    let said = veil(&format!("no {one}, no {two}, no {}", two.replace('-', "%2D")), std::slice::from_ref(&endpoint));
    assert_eq!(said, "no •••, no •••, no •••");
    assert!(!format!("{endpoint:?}").contains("canary"));
    let sent = endpoint.exposed_headers();
    let both = [("Authorization", format!("Bearer {one}")), (HEADER, two.to_owned())];
    assert_eq!(sent, both.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(endpoint.without_auth().exposed_headers(), []);
    let elsewhere = endpoint.elsewhere("https://login.example.com/").expect("an address");
    assert_eq!(elsewhere.exposed_headers(), [], "neither goes elsewhere");
    let other = endpoint.clone().with_beside(&auth.beside[0], &Secret::new("another-one")).expect("a header");
    assert!(!endpoint.same_auth(&other), "a renewal of the second is a change");
}

fn carrier(name: &str) -> patchbay_core::connection::Carrier {
    patchbay_core::connection::Carrier { name: name.to_owned(), prefix: String::new() }
}

/// Connections made before headers could have secrets of their own are read as they were.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_before_reads_as_it_was_and_is_written_so() {
    let world = world().await;
    world.connected().await;
    let state: Value =
        serde_json::from_slice(&std::fs::read(world.home.data().join("state.json")).expect("bytes")).expect("JSON");
    let connection = &state["connections"][0];
    assert!(connection["auth"].get("beside").is_none() && connection["credentials"][0].get("header").is_none());
    let read: Connection = serde_json::from_value(connection.clone()).expect("a connection");
    assert_eq!((read.auth.beside.len(), read.tokens().count()), (0, 1));
}
