use std::path::Path;

use patchbay_core::api::message::{Answer, Connect, Place, Request};
use patchbay_core::api::view::{DriftKind, DriftView, NewsKind, Status};
use patchbay_core::client::{self, EntrySpec, Scope, Source};
use patchbay_core::connection::{Connection, Wiring};
use patchbay_core::drift::{Drift, Sight, Table, drift};
use patchbay_core::{Code, Error, Platform};
use rstest::rstest;
use serde_json::{Value, json};

use super::api::{World, place, world};

const FILE: &str = "/home/ana/.codex/config.toml";

fn ours() -> Value {
    json!({ "command": "/p/patchbay", "args": ["bridge", "notes"] })
}

fn connection(id: &str, entry: &str, more: &Value) -> Connection {
    let mut placement = json!({
        "client": "codex", "entry": entry, "path": FILE, "wiring": "bridge", "expected": { "command": "/p/patchbay", "args": ["bridge", id] },
        "written": "2026-01-01T00:00:00Z",
    });
    let own = placement.as_object_mut().expect("a table");
    own.extend(more.as_object().expect("a table").clone());
    let connection = json!({
        "id": id, "name": "Notes", "provider": "custom", "url": "https://x.example/mcp", "placements": [placement], "created": "2026-01-01T00:00:00Z",
    });
    serde_json::from_value(connection).expect("a connection")
}

fn source(scope: Scope, path: &str) -> Source {
    Source { scope, path: path.into(), table: vec!["mcp_servers".into()] }
}

type Entries = Vec<(String, Value)>;

fn entries(value: &Value) -> Entries {
    value.as_object().expect("a table").iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What is told of `notes`, by its app's tables: its own, and a folder's. `known` stood there before.
fn found(own: &Result<Option<Entries>, Error>, folder: &Value, known: &[&str], more: &Value) -> Option<Drift> {
    let connection = connection("notes", "notes", more);
    let (here, there) =
        (source(Scope::User, FILE), source(Scope::Project("/srv/app".into()), "/srv/app/.codex/config.toml"));
    let folder = entries(folder);
    let sight = Sight {
        own: Table { source: &here, entries: own.as_ref().map(|entries| entries.as_deref()) },
        instead: None,
        others: vec![Table { source: &there, entries: Ok(Some(&folder)) }],
        is_claimed: &|_, name, _| known.contains(&name),
    };
    drift(&connection, &connection.placements[0], client::find("codex").expect("Codex"), &sight)
}

fn other() -> Value {
    json!({ "command": "npx", "args": ["-y", "weather"] })
}

fn with(value: Value, key: &str, to: Value) -> Value {
    let mut value = value;
    value[key] = to;
    value
}

#[rstest]
#[case::as_it_was(json!({ "notes": ours() }), json!({}), None, &[], &[])]
#[case::of_two_of_one_name_the_last_counts(json!({ "weather": other(), "notes": ours() }), json!({}), None, &[], &[])]
#[case::removed(json!({ "weather": other() }), json!({}), Some(DriftKind::Removed), &[], &[])]
#[case::removed_while_the_name_is_anothers_elsewhere(json!({}), json!({ "notes": other() }), Some(DriftKind::Removed), &[], &[])]
#[case::changed(json!({ "notes": with(ours(), "command", json!("/q/patchbay")) }), json!({}), Some(DriftKind::Changed), &["command"], &[])]
#[case::changed_twice(
    json!({ "notes": { "command": "/q/patchbay", "args": ["bridge", "notes"], "cwd": "/", "env": { "A": "b" } } }), json!({}),
    Some(DriftKind::Changed), &["command", "cwd", "env"], &[],
)]
#[case::order_does_not_matter(json!({ "notes": { "args": ["bridge", "notes"], "command": "/p/patchbay" } }), json!({}), None, &[], &[])]
#[case::replaced(json!({ "notes": other() }), json!({}), Some(DriftKind::Replaced), &[], &[])]
#[case::no_table_at_all(json!({ "notes": "gone" }), json!({}), Some(DriftKind::Changed), &["the entry"], &[])]
#[case::renamed(json!({ "my-notes": ours() }), json!({}), Some(DriftKind::Renamed), &[], &["my-notes"])]
#[case::renamed_and_changed(
    json!({ "my-notes": with(ours(), "cwd", json!("/tmp")) }), json!({}), Some(DriftKind::Renamed), &["cwd"], &["my-notes"],
)]
#[case::renamed_and_the_name_given_away(json!({ "notes": other(), "my-notes": ours() }), json!({}), Some(DriftKind::Renamed), &[], &["my-notes"])]
#[case::a_name_that_somebody_had_before(json!({ "known": ours() }), json!({}), Some(DriftKind::Removed), &[], &[])]
#[case::disabled(json!({ "notes": with(ours(), "enabled", json!(false)) }), json!({}), Some(DriftKind::Disabled), &[], &[])]
#[case::switched_on(json!({ "notes": with(ours(), "enabled", json!(true)) }), json!({}), Some(DriftKind::Changed), &["enabled"], &[])]
#[case::another_apps_flag(json!({ "notes": with(ours(), "disabled", json!(true)) }), json!({}), Some(DriftKind::Changed), &["disabled"], &[])]
#[case::disabled_and_changed(
    json!({ "notes": { "command": "/q/patchbay", "args": ["bridge", "notes"], "enabled": false } }), json!({}),
    Some(DriftKind::Changed), &["command", "enabled"], &[],
)]
#[case::moved(json!({}), json!({ "notes": ours() }), Some(DriftKind::Moved), &[], &["notes"])]
#[case::moved_and_renamed(json!({}), json!({ "n": ours() }), Some(DriftKind::Moved), &[], &["n"])]
#[case::the_nearer_counts(json!({ "n": ours() }), json!({ "notes": ours() }), Some(DriftKind::Renamed), &[], &["n"])]
#[case::in_another_scope_besides(json!({ "notes": ours() }), json!({ "notes": ours() }), None, &[], &[])]
#[case::duplicated(
    json!({ "notes": ours(), "a": ours(), "b": with(ours(), "cwd", json!("/")) }), json!({}), Some(DriftKind::Duplicated), &[], &["a", "b"],
)]
#[case::a_copy_known_before(json!({ "notes": ours(), "known": ours() }), json!({}), None, &[], &[])]
#[case::a_copy_that_was_kept(json!({ "notes": ours(), "kept": ours() }), json!({}), None, &[], &[])]
#[case::only_the_kept_copy_is_left(json!({ "kept": ours() }), json!({}), Some(DriftKind::Removed), &[], &[])]
fn each_kind_is_told_from_the_others(
    #[case] own: Value,
    #[case] folder: Value,
    #[case] kind: Option<DriftKind>,
    #[case] fields: &[&str],
    #[case] names: &[&str],
) {
    let found = found(&Ok(Some(entries(&own))), &folder, &["known"], &json!({ "copies": ["kept"] }));
    assert_eq!(found.as_ref().map(|found| found.kind), kind, "{found:?}");
    let Some(found) = found else { return };
    assert_eq!(found.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), fields);
    if !names.is_empty() {
        assert_eq!(found.now.iter().map(|now| now.name.as_str()).collect::<Vec<_>>(), names);
    }
}

#[rstest]
#[case::syntax(Code::FileSyntax, DriftKind::FileBroken)]
#[case::shape(Code::FileShape, DriftKind::FileBroken)]
#[case::the_app_refuses_it(Code::AppRefuses, DriftKind::FileBroken)]
#[case::permission(Code::FileUnreadable, DriftKind::FileUnreadable)]
#[case::a_folder_in_its_place(Code::FileNotRegular, DriftKind::FileUnreadable)]
fn a_file_that_is_broken_is_told_from_one_that_cannot_be_read(#[case] code: Code, #[case] kind: DriftKind) {
    let found = found(&Err(Error::new(code, "no")), &json!({ "notes": ours() }), &[], &json!({}));
    assert_eq!(found.map(|found| found.kind), Some(kind));
}

#[test]
fn a_file_that_is_gone_is_told_unless_the_entry_stands_elsewhere() {
    assert_eq!(found(&Ok(None), &json!({}), &[], &json!({})).map(|found| found.kind), Some(DriftKind::FileGone));
    let moved = found(&Ok(None), &json!({ "notes": ours() }), &[], &json!({}));
    assert_eq!(moved.map(|found| found.kind), Some(DriftKind::Moved));
}

#[test]
fn two_connections_that_swapped_names_are_both_told_as_renamed() {
    let (a, b) = (connection("a", "a", &json!({})), connection("b", "b", &json!({})));
    let value = |id: &str| json!({ "command": "/p/patchbay", "args": ["bridge", id] });
    let entries = entries(&json!({ "a": value("b"), "b": value("a") }));
    let here = source(Scope::User, FILE);
    for (own, name) in [(&a, "b"), (&b, "a")] {
        let sight = Sight {
            own: Table { source: &here, entries: Ok(Some(&entries)) },
            instead: None,
            others: Vec::new(),
            is_claimed: &|_, _, _| false,
        };
        let found = drift(own, &own.placements[0], client::find("codex").expect("Codex"), &sight).expect("drift");
        assert_eq!((found.kind, found.now[0].name.as_str()), (DriftKind::Renamed, name));
    }
}

/// What is told of an entry as `app` writes it, once somebody made of it what stands there now.
fn told(app: &str, scope: &Scope, now: impl Fn(&mut Value) -> &'static str) -> DriftView {
    let client = client::find(app).expect("an app");
    let (program, platform) = (Path::new("/p/patchbay"), Platform::Linux);
    let url = "https://x.example/mcp";
    let spec = EntrySpec { connection: "notes", program, url, wiring: Wiring::Bridge, platform };
    let expected = (client.entry)(&spec).expect("an entry");
    let more = json!({ "client": app, "expected": expected, "scope": scope });
    let connection = connection("notes", "notes", &more);
    let mut value = expected;
    let name = now(&mut value);
    let entries = vec![(name.to_owned(), value)];
    let here = source(scope.clone(), FILE);
    let own = Table { source: &here, entries: Ok(Some(&entries)) };
    let sight = Sight { own, instead: None, others: Vec::new(), is_claimed: &|_, _, _| false };
    let found = drift(&connection, &connection.placements[0], client, &sight).expect("drift");
    found.view(&connection, &connection.placements[0], client, Path::new(FILE))
}

#[test]
fn an_entry_that_goose_switched_off_is_told_so() {
    let view = told("goose", &Scope::User, |value| {
        value["enabled"] = json!(false);
        "notes"
    });
    assert_eq!((view.kind, view.sentence.as_str()), (DriftKind::Disabled, "Somebody switched Notes off in Goose."));
}

#[test]
fn the_name_within_an_entry_is_part_of_its_renaming() {
    let renamed = |more: bool| {
        told("continue", &Scope::User, |value| {
            value["name"] = json!("Other");
            if more {
                value["cwd"] = json!("/tmp");
            }
            "Other"
        })
    };
    assert_eq!(renamed(false).sentence, "Somebody renamed Notes to \"Other\" in Continue.");
    assert_eq!(
        renamed(true).sentence,
        "Somebody renamed Notes to \"Other\" in Continue. Besides, cwd was added: /tmp."
    );
}

#[test]
fn the_folder_is_named_where_an_entry_is_for_one() {
    let view = told("claude-code", &Scope::Local("/srv/app".into()), |value| {
        value["command"] = json!("/q/patchbay");
        "notes"
    });
    assert!(view.sentence.starts_with("Somebody changed Notes in Claude Code, for /srv/app: command was"), "{view:?}");
}

#[test]
fn the_sentence_names_the_first_field_and_counts_the_rest_and_shows_no_token() {
    let entry = json!({ "command": "npx", "args": ["bridge", "notes"], "env": { "API_TOKEN": "s3cretvalue12345678" }, "cwd": "/" });
    let own = json!({ "notes": entry });
    let found = found(&Ok(Some(entries(&own))), &json!({}), &[], &json!({})).expect("drift");
    let connection = connection("notes", "notes", &json!({}));
    let view =
        found.view(&connection, &connection.placements[0], client::find("codex").expect("Codex"), Path::new(FILE));
    assert_eq!(view.sentence, "Somebody changed Notes in Codex: command was /p/patchbay and is now npx; and 2 more.");
    let all = serde_json::to_string(&view).expect("JSON");
    assert!(!all.contains("s3cretvalue") && all.contains("a value with a token in it"), "{all}");
}

/// Everything in a world whose Codex was changed by somebody, beside what it was.
struct Changed {
    world: World,
    written: String,
}

const CODEX: &str = "codex";

async fn changed(change: impl Fn(&str) -> String) -> Changed {
    let world = world().await;
    world.patchbay.settle().await.expect("settled");
    world.connected().await;
    let written = world.home.read(CODEX);
    world.home.write(CODEX, &change(&written));
    Changed { world, written }
}

impl Changed {
    fn drift(&self) -> Vec<DriftView> {
        self.world.patchbay.drift().expect("a look")
    }

    fn kinds(&self) -> Vec<DriftKind> {
        self.drift().into_iter().map(|drift| drift.kind).collect()
    }

    async fn answer(&self, put_back: bool) {
        let (id, client, scope) = ("my-notes".to_owned(), CODEX.to_owned(), self.drift()[0].scope.clone());
        let request =
            if put_back { Request::PutBack { id, client, scope } } else { Request::Keep { id, client, scope } };
        self.world.do_it(request).await.expect("answered");
    }

    async fn undo(&self) {
        self.world.do_it(Request::Undo { change: None }).await.expect("undone");
    }

    fn parsed(&self) -> toml::Table {
        self.world.home.read(CODEX).parse().expect("TOML")
    }

    /// As after a restart.
    fn drift_of_a_new_start(&self) -> Vec<DriftView> {
        self.world.reopened(&[]).drift().expect("a look")
    }
}

fn renamed(text: &str) -> String {
    text.replace("[mcp_servers.my-notes]", "[mcp_servers.other-name]")
}

fn disabled(text: &str) -> String {
    text.replace("[mcp_servers.my-notes]\n", "[mcp_servers.my-notes]\nenabled = false\n")
}

/// What stands before our table, the table, and what stands behind it.
fn around(text: &str) -> (&str, &str, &str) {
    let start = text.find("[mcp_servers.my-notes]").expect("ours");
    let end = text[start + 1..].find("\n[").map_or(text.len(), |end| start + 2 + end);
    (&text[..start], &text[start..end], &text[end..])
}

fn replaced(text: &str) -> String {
    let (before, _, behind) = around(text);
    format!("{before}[mcp_servers.my-notes]\ncommand = \"npx\"\nargs = [\"-y\", \"evil\"]\n{behind}")
}

fn doubled(text: &str) -> String {
    format!("{text}\n{}", renamed(around(text).1))
}

fn removed(text: &str) -> String {
    let (before, _, behind) = around(text);
    format!("{before}{behind}")
}

fn edited(text: &str) -> String {
    text.replace("[\"bridge\", \"my-notes\"]", "[\"bridge\", \"my-notes\", \"--more\"]")
}

#[rstest]
#[case::removed(removed, DriftKind::Removed)]
#[case::changed(edited, DriftKind::Changed)]
#[case::replaced(replaced, DriftKind::Replaced)]
#[case::renamed(renamed, DriftKind::Renamed)]
#[case::disabled(disabled, DriftKind::Disabled)]
#[case::duplicated(doubled, DriftKind::Duplicated)]
#[tokio::test(flavor = "multi_thread")]
async fn put_back_restores_what_was_written_and_its_undo_what_was_made_of_it(
    #[case] change: fn(&str) -> String,
    #[case] kind: DriftKind,
) {
    let changed = changed(change).await;
    assert_eq!(changed.kinds(), [kind]);
    let spoiled = changed.world.home.read(CODEX);
    changed.answer(true).await;
    assert_eq!(changed.parsed(), changed.written.parse::<toml::Table>().expect("TOML"));
    assert_eq!(changed.kinds(), []);
    changed.undo().await;
    assert_eq!(changed.world.home.read(CODEX), spoiled, "byte for byte");
    assert_eq!(changed.kinds(), [kind], "and it is told again");
}

#[rstest]
#[case::removed(removed, DriftKind::Removed, None)]
#[case::changed(edited, DriftKind::Changed, Some("my-notes"))]
#[case::replaced(replaced, DriftKind::Replaced, None)]
#[case::renamed(renamed, DriftKind::Renamed, Some("other-name"))]
#[case::disabled(disabled, DriftKind::Disabled, Some("my-notes"))]
#[case::duplicated(doubled, DriftKind::Duplicated, Some("my-notes"))]
#[tokio::test(flavor = "multi_thread")]
async fn keep_adopts_the_new_form_and_never_asks_again(
    #[case] change: fn(&str) -> String,
    #[case] kind: DriftKind,
    #[case] entry: Option<&str>,
) {
    let changed = changed(change).await;
    assert_eq!(changed.kinds(), [kind]);
    let spoiled = changed.world.home.read(CODEX);
    changed.answer(false).await;
    assert_eq!(changed.world.home.read(CODEX), spoiled, "no file is touched");
    let place = |world: &World| {
        let used_in = world.snapshot().connections[0].used_in.clone();
        used_in.into_iter().find(|place| place.client == CODEX).map(|place| place.entry)
    };
    assert_eq!(place(&changed.world).as_deref(), entry);
    assert_eq!((changed.kinds(), changed.drift_of_a_new_start()), (vec![], vec![]));
    assert_eq!(changed.world.snapshot().news, [], "what the user decided about is no news");
    changed.undo().await;
    assert_eq!(changed.kinds(), [kind], "the decision is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_moved_to_a_folder_is_put_back_or_its_placement_moves() {
    let world = world().await;
    let folder = world.home.path().join("work");
    std::fs::create_dir_all(folder.join(".codex")).expect("a folder");
    let trust = format!("[projects.\"{}\"]\ntrust_level = \"trusted\"\n", folder.display());
    world.home.write(CODEX, &trust);
    world.connected().await;
    let written = world.home.read(CODEX);
    let start = written.find("[mcp_servers.my-notes]").expect("ours");
    let mine = folder.join(".codex/config.toml");
    std::fs::write(&mine, &written[start..]).expect("written");
    world.home.write(CODEX, &trust);
    let changed = Changed { world, written };
    let found = changed.drift();
    let scope = Scope::Project(folder.display().to_string());
    assert_eq!((found[0].kind, found[0].other.as_ref()), (DriftKind::Moved, Some(&scope)));
    assert_eq!(found[0].path, mine.display().to_string());

    changed.answer(false).await;
    assert_eq!((changed.kinds(), changed.drift_of_a_new_start()), (vec![], vec![]));
    assert!(changed.world.snapshot().connections[0].used_in.iter().any(|place| place.scope == scope));
    changed.undo().await;
    assert_eq!(changed.kinds(), [DriftKind::Moved]);

    changed.answer(true).await;
    assert_eq!(changed.kinds(), []);
    assert_eq!(changed.parsed(), changed.written.parse::<toml::Table>().expect("TOML"));
    assert!(!std::fs::read_to_string(&mine).expect("text").contains("my-notes"));
    changed.undo().await;
    assert_eq!(changed.kinds(), [DriftKind::Moved]);
}

#[rstest]
#[case::put_back(true)]
#[case::keep(false)]
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_reads_another_file_now_is_told_and_followed_or_left(#[case] put_back: bool) {
    let world = world().await;
    world.connected().await;
    let old = world.home.read(CODEX);
    let elsewhere = world.home.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("a folder");
    let moved = world.reopened(&[("CODEX_HOME", elsewhere.to_str().expect("a plain path"))]);
    let found = moved.drift().expect("a look");
    let new = elsewhere.join("config.toml");
    assert_eq!(
        (found.len(), found[0].kind, found[0].path.clone()),
        (1, DriftKind::FileMoved, new.display().to_string())
    );
    let (id, client, scope) = ("my-notes".to_owned(), CODEX.to_owned(), Scope::User);
    let request = if put_back { Request::PutBack { id, client, scope } } else { Request::Keep { id, client, scope } };
    moved.call(request, None).await.expect("answered");
    assert_eq!(moved.drift().expect("a look"), []);
    let used = moved.snapshot().expect("a snapshot").connections[0].used_in.iter().any(|place| place.client == CODEX);
    assert_eq!((used, new.exists(), world.home.read(CODEX) == old), (put_back, put_back, !put_back));
    moved.call(Request::Undo { change: None }, None).await.expect("undone");
    assert_eq!((world.home.read(CODEX), new.exists()), (old, false));
    assert_eq!(moved.drift().expect("a look").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_names_come_right_again_whichever_is_put_back_first() {
    let world = world().await;
    world.connected().await;
    let second = Connect { name: "Second".into(), places: vec![place(CODEX)], token: None, ..world.notes() };
    world.connect(second, None).await.expect("it connects");
    let written: toml::Table = world.home.read(CODEX).parse().expect("TOML");
    let swapped = world
        .home
        .read(CODEX)
        .replace(".my-notes]", ".x]")
        .replace(".second]", ".my-notes]")
        .replace(".x]", ".second]");
    world.home.write(CODEX, &swapped);
    for id in ["second", "my-notes"] {
        let request = Request::PutBack { id: id.into(), client: CODEX.into(), scope: Scope::User };
        world.do_it(request).await.expect("put back");
    }
    assert_eq!(world.patchbay.drift().expect("a look"), []);
    assert_eq!(world.home.read(CODEX).parse::<toml::Table>().expect("TOML"), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nobody_may_read_is_no_choice_between_two_answers() {
    let world = world().await;
    world.connected().await;
    std::fs::remove_file(world.home.file(CODEX)).expect("removed");
    std::fs::create_dir(world.home.file(CODEX)).expect("a folder in its place");
    assert_eq!(world.patchbay.drift().expect("a look")[0].kind, DriftKind::FileUnreadable);
    assert_eq!(world.snapshot().connections[0].status, Status::FileBroken);
    let keep = Request::Keep { id: "my-notes".into(), client: CODEX.into(), scope: Scope::User };
    assert_eq!(world.do_it(keep).await.expect_err("not kept").code, Code::FileNotRegular);
}

/// Adds an entry to Claude Desktop's file, as somebody would.
fn add(world: &World, name: &str, entry: &Value) {
    let mut all: Value = serde_json::from_str(&world.home.read("claude-desktop")).expect("JSON");
    all["mcpServers"][name] = entry.clone();
    world.home.write("claude-desktop", &all.to_string());
}

fn news(world: &World) -> Vec<(NewsKind, String, String)> {
    let news = world.snapshot().news;
    news.into_iter().map(|news| (news.kind, news.entry.name, news.entry.target)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_is_news_with_its_whole_command_until_it_was_seen() {
    let world = world().await;
    assert_eq!(news(&world), [], "nothing is known yet");
    world.patchbay.settle().await.expect("settled");
    assert_eq!(news(&world), [], "what was there at the first start is no news");
    world.connected().await;
    assert_eq!(news(&world), [], "nor is what Patchbay does");

    let long = format!("https://{}.example/mcp", "x".repeat(180));
    let secret = "s3cretvalue12345678";
    let args = json!(["-y", "xyz", &long, "--api-key", secret]);
    add(&world, "xyz", &json!({ "command": "npx", "args": args, "env": { "API_TOKEN": secret } }));
    add(&world, "far", &json!({ "url": "https://far.example/mcp" }));
    let told = news(&world);
    assert_eq!(
        told.iter().map(|(kind, name, _)| (*kind, name.as_str())).collect::<Vec<_>>(),
        [(NewsKind::Added, "xyz"), (NewsKind::Added, "far")]
    );
    assert!(told[0].2.starts_with(&format!("npx -y xyz {long} ")) && !told[0].2.contains(secret), "{}", told[0].2);
    assert_eq!(world.snapshot().connections[0].status, Status::Unchecked, "it is no problem of ours");

    world.patchbay.settle().await.expect("settled");
    assert_eq!(news(&world).len(), 2, "a restart does not take it for known");
    let xyz = world.snapshot().news[0].id.clone();
    world.do_it(Request::DismissNews { ids: vec![xyz.clone()] }).await.expect("noted");
    assert_eq!(news(&world).iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>(), ["far"]);

    // It now runs something else: what was seen is not what is there.
    add(&world, "xyz", &json!({ "command": "npx", "args": ["-y", "evil"] }));
    assert_eq!(news(&world)[0], (NewsKind::Changed, "xyz".into(), "npx -y evil".into()));
    world.do_it(Request::DismissNews { ids: vec![xyz] }).await.expect("noted");
    assert_eq!(news(&world).len(), 2, "a change since it was shown is not dismissed with it");
    world.do_it(Request::DismissNews { ids: Vec::new() }).await.expect("noted");
    assert_eq!(news(&world), []);
    assert!(
        world.home.files_with(secret).iter().all(|file| *file == world.home.file("claude-desktop")),
        "no copy of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_ours_in_an_app_that_does_not_use_it_is_news_and_not_drift() {
    let world = world().await;
    world.patchbay.settle().await.expect("settled");
    let only_codex = Connect { places: vec![place(CODEX)], token: None, ..world.notes() };
    world.connect(only_codex, None).await.expect("it connects");
    add(&world, "copied", &json!({ "command": "/tmp/patchbay", "args": ["bridge", "my-notes"] }));
    assert_eq!(news(&world).len(), 1);
    assert_eq!(world.patchbay.drift().expect("a look"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_memory_tells_nothing_and_begins_anew() {
    let world = world().await;
    world.patchbay.settle().await.expect("settled");
    add(&world, "xyz", &json!({ "command": "npx" }));
    std::fs::write(world.home.data().join("seen.json"), "{ half").expect("written");
    assert_eq!(news(&world), []);
    world.patchbay.settle().await.expect("settled");
    add(&world, "later", &json!({ "command": "npx" }));
    assert_eq!(news(&world).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_folders_are_watched_too() {
    let world = world().await;
    let folder = world.home.path().join("work");
    std::fs::create_dir_all(&folder).expect("a folder");
    let scope = Scope::Project(folder.display().to_string());
    let places = vec![Place { scope, ..place("claude-code") }];
    let Ok(Answer::Connected(_)) = world
        .do_it(Request::Connect { connect: Connect { places, token: None, ..world.notes() }, expected: None })
        .await
    else {
        panic!("not connected")
    };
    let known = world.home.path().join("known");
    std::fs::create_dir_all(known.join(".codex")).expect("a folder");
    std::fs::write(known.join(".codex/config.toml"), "").expect("written");
    world.home.write(CODEX, &format!("[projects.\"{}\"]\ntrust_level = \"trusted\"\n", known.display()));
    let watched = world.patchbay.watched_files();
    for file in [folder.join(".mcp.json"), known.join(".codex/config.toml"), world.home.file("codex")] {
        assert!(watched.contains(&file), "{}", file.display());
    }
}
