#[path = "api/world.rs"]
mod world;

use jiff::{Timestamp, ToSpan};
use patchbay_core::Code;
use patchbay_core::api::Event;
use patchbay_core::api::message::{Answer, Connect, Request, TokenFacts};
use patchbay_core::api::view::{DriftKind, DriftView, Group, NextStep, Status};
use patchbay_core::client::Scope;
use patchbay_core::connection::Connection;
use patchbay_core::connection::state::{State, StateFile};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Key, Secret};
use rstest::rstest;

use world::{APPS, FILES};
pub(crate) use world::{World, open, original, place, world};

#[tokio::test(flavor = "multi_thread")]
async fn connecting_checks_and_removing_leaves_every_byte() {
    let world = world().await;
    let (_, token) = world.connected().await;
    assert_eq!(world.verdict().await, Verdict::Working);
    let view = &world.snapshot().connections[0];
    assert_eq!((view.status, view.group, view.used_in.len()), (Status::Working, Group::Working, 3));
    for file in world.files() {
        assert!(file.contains("my-notes") && file.contains("own") | file.contains("numStartups"), "{file}");
    }
    assert_eq!(world.home.files_with(&token), Vec::<std::path::PathBuf>::new(), "the token is in the keychain alone");
    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("it can be removed");
    assert_eq!(world.files(), original());
    assert!(world.snapshot().connections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_can_be_removed_in_either_order() {
    for first in ["my-notes", "second"] {
        let world = world().await;
        world.connected().await;
        let (_, token) = world.token(&["profile:read"]).await;
        let second = Connect { name: "Second".into(), ..world.notes() };
        world.connect(second, Some(&token)).await.expect("it connects");
        let other = if first == "second" { "my-notes" } else { "second" };
        for id in [first, other] {
            world.do_it(Request::Remove { id: id.into(), expected: None }).await.expect("it can be removed");
        }
        assert_eq!(world.files(), original(), "{first} first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_gives_the_same_bytes_also_after_others_wrote() {
    let world = world().await;
    world.connected().await;
    world.do_it(Request::Undo { change: None }).await.expect("it can be undone");
    assert_eq!(world.files(), original());
    assert_eq!(world.snapshot().connections[0].status, Status::Unused);

    let places = APPS.iter().map(|client| place(client)).collect();
    world.do_it(Request::Place { id: "my-notes".into(), places, expected: None }).await.expect("it can be placed");
    let code = world.home.read("claude-code").replace("\"numStartups\": 3", "\"numStartups\": 4");
    world.home.write("claude-code", &code);
    world.do_it(Request::Undo { change: None }).await.expect("it can be undone");
    assert_eq!(world.home.read("claude-code"), "{\"numStartups\": 4, \"mcpServers\": {}}");
    assert_eq!(world.home.read("codex"), FILES[2].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_told_and_decided_by_the_user() {
    let world = world().await;
    world.connected().await;
    let ours = world.home.read("codex");
    world.home.write("codex", FILES[2].1);
    world.home.write(
        "claude-desktop",
        &world.home.read("claude-desktop").replace("[\"bridge\", \"my-notes\"]", "[\"bridge\", \"other\"]"),
    );
    let drift = world.patchbay.drift().expect("drift");
    let field = |drift: &DriftView| drift.fields.first().map(|field| field.name.clone());
    let kinds: Vec<_> = drift.iter().map(|drift| (drift.client.as_str(), drift.kind, field(drift))).collect();
    let args = Some("args".to_owned());
    assert_eq!(kinds, [("claude-desktop", DriftKind::Changed, args), ("codex", DriftKind::Removed, None)]);
    let view = &world.snapshot().connections[0];
    assert_eq!((view.status, view.action), (Status::ChangedOutside, NextStep::PutBack));

    world
        .do_it(Request::PutBack { id: "my-notes".into(), client: "codex".into(), scope: Scope::User })
        .await
        .expect("it can be put back");
    assert_eq!(world.home.read("codex"), ours);
    world
        .do_it(Request::Keep { id: "my-notes".into(), client: "claude-desktop".into(), scope: Scope::User })
        .await
        .expect("it can be kept");
    assert_eq!(world.patchbay.drift().expect("drift"), []);

    world.home.write("claude-code", "{ broken");
    let drift = world.patchbay.drift().expect("drift");
    assert_eq!(drift[0].kind, DriftKind::FileBroken);
    let refused =
        world.do_it(Request::PutBack { id: "my-notes".into(), client: "claude-code".into(), scope: Scope::User }).await;
    assert_eq!(refused.expect_err("it is left alone").code, Code::FileSyntax);
    assert_eq!(world.home.read("claude-code"), "{ broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_checked_first_and_the_old_token_retired() {
    let world = world().await;
    let (old_id, _) = world.connected().await;
    let renew = || Request::Renew { id: "my-notes".into(), token: None, expires: None, scopes: None };
    let before = world.patchbay.state().expect("a state");
    let refused = world.patchbay.call(renew(), Some(Secret::new("pbp_0123456789012345678901"))).await;
    assert_eq!(refused.expect_err("it is not known there").code, Code::RenewalRefused);
    assert_eq!(world.patchbay.state().expect("a state"), before, "nothing was changed");

    let (_, new) = world.token(&["profile:read"]).await;
    let Ok(Answer::Renewed(done)) = world.patchbay.call(renew(), Some(Secret::new(new))).await else {
        panic!("not renewed")
    };
    assert_eq!((done.before.verdict, done.after.verdict), (Verdict::Working, Verdict::Working));
    assert_eq!(world.snapshot().connections[0].status, Status::OldTokenToRevoke);
    let retire = || Request::RetireOld { id: "my-notes".into(), token: done.token.clone(), old: None, force: false };
    let Ok(Answer::Retired(still)) = world.do_it(retire()).await else { panic!("no answer") };
    assert!(!still.refused, "it still works");
    world.revoke(&old_id).await;
    let Ok(Answer::Retired(gone)) = world.do_it(retire()).await else { panic!("no answer") };
    assert!(gone.refused);
    assert_eq!(world.verdict().await, Verdict::Working, "the new one goes on");
    assert_eq!(world.secrets(), 1, "the old one is forgotten");
}

/// A kill between any two steps of a renewal leaves a working token, and the next start says how far it came.
#[rstest]
#[case::begun(false)]
#[case::swapped(true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_cut_off_is_settled(#[case] swapped: bool) {
    let world = world().await;
    world.connected().await;
    let (_, new) = world.token(&["profile:read"]).await;
    let mut state = world.patchbay.state().expect("a state");
    let credential = state.connections[0].credentials[0].clone();
    let renewal = serde_json::json!({
        "begun": Timestamp::now(), "fingerprint": Secret::new(new.clone()).fingerprint(&state.salt), "expires": null, "scopes": [],
        "previous": { "id": "t-old", "fingerprint": credential.fingerprint, "replaced": Timestamp::now() },
    });
    state.connections[0].credentials[0].renewal = serde_json::from_value(renewal).expect("a renewal");
    std::fs::write(world.home.data().join("state.json"), serde_json::to_string(&state).expect("JSON"))
        .expect("written");
    if swapped {
        let old = Key::new("t-old", &credential.origin);
        world.put(&old, &world.stored(&credential.key()).expect("the old one"));
        world.put(&credential.key(), &new);
    }
    world.patchbay.settle().await.expect("it can be settled");
    let after = &world.patchbay.state().expect("a state").connections[0].credentials[0];
    assert_eq!((after.renewal.is_none(), after.previous.len()), (true, usize::from(swapped)));
    assert_eq!(world.verdict().await, Verdict::Working);
    let kinds = serde_json::to_string(&world.snapshot().activity[0].kind).expect("JSON");
    assert_eq!(kinds, if swapped { "\"renewed\"" } else { "\"renewal_stopped\"" });
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_come_once_each() {
    let world = world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    let end = Timestamp::now().checked_add((40 * 24).hours()).expect("in range");
    let connect = Connect {
        token: Some(TokenFacts { expires: Some(end.to_string()), ..TokenFacts::default() }),
        ..world.notes()
    };
    world.connect(connect, Some(&token)).await.expect("it connects");
    let mut told = Vec::new();
    for day in 0..50_i64 {
        let now = Timestamp::now().checked_add((day * 24).hours()).expect("in range");
        // A new start each day, as after a restart.
        let patchbay = open(&world.home, &world.keychain, move || now);
        for due in patchbay.due_reminders().expect("reminders") {
            told.push((day, due.ended));
            patchbay.call(Request::Acknowledge { token: due.token }, None).await.expect("noted");
        }
    }
    assert_eq!(told, [(10, false), (26, false), (33, false), (39, false), (40, true)]);
}

#[rstest]
#[case::unknown_service(|c: &mut Connect| c.provider = "nope".into(), None, Code::UnknownProvider)]
#[case::unknown_app(|c: &mut Connect| c.places = vec![place("nope")], None, Code::UnknownApp)]
#[case::unknown_setting(|c: &mut Connect| drop(c.settings.insert("x".into(), "y".into())), None, Code::UnknownSetting)]
#[case::not_https(|c: &mut Connect| drop(c.settings.insert("url".into(), "http://example.com/mcp".into())), None, Code::AddressNotHttps)]
#[case::credentials(|c: &mut Connect| drop(c.settings.insert("url".into(), "https://a:b@example.com/".into())), None, Code::AddressHasCredentials)]
#[case::token_in_address(|c: &mut Connect| drop(c.settings.insert("url".into(), "https://example.com/?api_key=abcdef".into())), None, Code::AddressHasToken)]
#[case::no_address(|c: &mut Connect| drop(c.settings.insert("url".into(), "example".into())), None, Code::AddressInvalid)]
#[case::bad_name(|c: &mut Connect| c.name = "  !? ".into(), None, Code::NameInvalid)]
#[case::foreign_name(|c: &mut Connect| c.name = "own".into(), None, Code::NameTaken)]
#[case::empty_token(|_: &mut Connect| {}, Some(" \n"), Code::TokenEmpty)]
#[case::control(|_: &mut Connect| {}, Some("pbp_\u{1}"), Code::TokenControlCharacters)]
#[case::other_service(|_: &mut Connect| {}, Some("ghp_0123456789012345678901234567890123456"), Code::TokenOtherService)]
#[case::past(|c: &mut Connect| c.token = Some(facts("2020-01-01")), Some("pbp_0123456789012345678901"), Code::DatePast)]
#[case::too_late(|c: &mut Connect| c.token = Some(facts("2999-01-01")), Some("pbp_0123456789012345678901"), Code::DateBeyondMaximum)]
#[case::no_date(|c: &mut Connect| c.token = Some(facts("soon")), Some("pbp_0123456789012345678901"), Code::DateInvalid)]
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_has_its_code_and_changes_nothing(
    #[case] spoil: fn(&mut Connect),
    #[case] token: Option<&str>,
    #[case] code: Code,
) {
    let world = world().await;
    let mut connect = world.notes();
    spoil(&mut connect);
    let error = world.connect(connect, token).await.expect_err("it is refused");
    assert_eq!(error.code, code, "{error}");
    assert!(error.hint.is_some(), "there is a way out: {error}");
    assert_eq!(world.files(), original());
    assert_eq!((world.secrets(), world.snapshot().connections.len()), (0, 0));
}

fn facts(expires: &str) -> TokenFacts {
    TokenFacts { expires: Some(expires.to_owned()), ..TokenFacts::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_installed_is_offered() {
    let world = world().await;
    std::fs::remove_dir_all(world.home.path().join(".codex")).expect("removed");
    let error = world.connect(world.notes(), None).await.expect_err("it is refused");
    assert_eq!((error.code, error.path), (Code::AppNotInstalled, Some(world.home.file("codex"))));
    let mut connect = world.notes();
    connect.places[2].create = true;
    world.connect(connect, None).await.expect("the file is made all the same");
    assert!(world.home.read("codex").starts_with("[mcp_servers.my-notes]\n"));
    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("it can be removed");
    assert!(!world.home.file("codex").exists(), "there was no file before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_connection_uses_is_refused() {
    let world = world().await;
    let (_, token) = world.connected().await;
    let second = || Connect { name: "Second".into(), ..world.notes() };
    let error = world.connect(second(), Some(&token)).await.expect_err("it is refused");
    assert_eq!(error.code, Code::TokenReused);
    let overruled = Connect { overrule: true, ..second() };
    world.connect(overruled, Some(&token)).await.expect("the user may overrule it");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_records_are_kept_aside_and_rebuilt() {
    let world = world().await;
    world.connected().await;
    std::fs::remove_file(world.home.data().join("state.json.bak")).expect("removed");
    std::fs::write(world.home.data().join("state.json"), "{ damaged").expect("written");
    let before = world.files();
    world.patchbay.settle().await.expect("it can be settled");
    let snapshot = world.snapshot();
    assert_eq!(snapshot.connections[0].id, "my-notes");
    assert_eq!(snapshot.connections[0].used_in.len(), 3);
    assert_eq!(snapshot.problem.expect("the user is told").code, Code::StateDamaged);
    assert_eq!(world.files(), before);
    let aside = std::fs::read_dir(world.home.data()).expect("a folder").filter_map(Result::ok);
    let aside: Vec<_> = aside.filter(|file| file.file_name().to_string_lossy().contains("damaged")).collect();
    assert_eq!(std::fs::read_to_string(aside[0].path()).expect("text"), "{ damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_newer_version_are_read_only() {
    let world = world().await;
    world.connected().await;
    let path = world.home.data().join("state.json");
    let newer = std::fs::read_to_string(&path).expect("text").replacen("\"version\": 1", "\"version\": 99", 1);
    std::fs::write(&path, &newer).expect("written");
    let snapshot = world.snapshot();
    assert_eq!((snapshot.connections.len(), snapshot.problem.map(|problem| problem.code)), (1, Some(Code::StateNewer)));
    let files = world.files();
    let refused = world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await;
    assert_eq!(refused.expect_err("nothing can be changed").code, Code::StateNewer);
    assert_eq!(std::fs::read_to_string(&path).expect("text"), newer);
    assert_eq!(world.files(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_can_be_cancelled_and_tells_its_layers() {
    let world = world().await;
    world.connected().await;
    let layers = std::sync::Arc::new(std::sync::Mutex::new(0));
    let count = layers.clone();
    world.patchbay.listen(move |event| {
        if matches!(event, Event::Layer { .. }) {
            *count.lock().expect("a count") += 1;
        }
    });
    assert_eq!(world.verdict().await, Verdict::Working);
    assert_eq!(*layers.lock().expect("a count"), 7);
    let checking = world.patchbay.clone();
    let check = tokio::spawn(async move { checking.call(Request::Check { ids: Vec::new() }, None).await });
    tokio::task::yield_now().await;
    world.do_it(Request::CancelChecks).await.expect("it can be cancelled");
    let ended = check.await.expect("no panic");
    assert!(ended.is_ok() || ended.is_err_and(|error| error.code == Code::Cancelled));
    assert!(!world.snapshot().connections[0].checking);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_quick_checks_find_is_kept_while_a_slow_one_is_running() {
    let world = world().await;
    world.connected().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let file = StateFile::new(&world.home.data());
    let add = |state: &mut State, id: &str, url: Option<String>| {
        let known = state.connections[0].clone();
        let url = url.unwrap_or(known.url.clone());
        state.connections.push(Connection { id: id.to_owned(), url, placements: Vec::new(), ..known });
    };
    let address = format!("http://{}/mcp", silent.local_addr().expect("an address"));
    let added = file.update(|state| {
        add(state, "slow", Some(address));
        for id in ["quick-1", "quick-2", "quick-3"] {
            add(state, id, None);
        }
        Ok(())
    });
    added.expect("they are written");
    let checking = world.patchbay.clone();
    let check = tokio::spawn(async move { checking.call(Request::Check { ids: Vec::new() }, None).await });
    let are_kept = || {
        let kept = file.load().expect("it reads").state.checks;
        ["quick-1", "quick-2", "quick-3"].iter().all(|id| kept.contains_key(*id))
    };
    let begun = std::time::Instant::now();
    while !are_kept() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(4), "they wait for the slow one");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(world.snapshot().connections.iter().any(|one| one.id == "slow" && one.checking));
    world.do_it(Request::CancelChecks).await.expect("it can be cancelled");
    check.await.expect("no panic").expect_err("it was stopped");
}
