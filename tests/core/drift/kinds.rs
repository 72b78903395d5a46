//! Each kind of difference is told from the others, in its words.

use std::path::Path;

use patchbay_core::api::view::{DriftKind, DriftView};
use patchbay_core::client::{self, EntrySpec, Scope, Source};
use patchbay_core::connection::{Connection, Wiring};
use patchbay_core::drift::{Drift, Sight, Table, drift};
use patchbay_core::{Code, Error, Platform};
use rstest::rstest;
use serde_json::{Value, json};

const FILE: &str = "/home/user/.codex/config.toml";

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
