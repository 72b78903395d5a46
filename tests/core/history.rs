#[path = "history/play.rs"]
mod play;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use patchbay_core::api::message::{Answer, Connect, PurgedView, Request};
use patchbay_core::api::view::{ActivityKind, ActivityView, ObstacleKind};
use patchbay_core::change::history::prune::{Old, due};
use patchbay_core::change::history::{Effect, FileRecord, Patch, Record, Status};
use patchbay_core::client::Scope;
use patchbay_core::connection::{Placement, Wiring};
use patchbay_core::{Code, Error};
use serde_json::{Value, json};

use super::api::{World, open, original, place, world};

const DAY: i64 = 24;
const HOME: &str = "2026-11-01T00:00:00Z";

fn now() -> Timestamp {
    HOME.parse().expect("a time")
}

fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(DAY * days)
}

/// A change of `file` so many days ago; the newest first is how they are handed over.
fn record(id: usize, days: i64, file: &str, puts_in: bool) -> Record {
    let op = json!({ "entry": "notes", "old": if puts_in { Value::Null } else { json!({}) }, "new": { "n": id } });
    let file = FileRecord {
        client: "codex".into(),
        path: file.into(),
        before: format!("digest {id}"),
        after: format!("digest {}", id + 1),
        ops: vec![serde_json::from_value(op).expect("an op")],
        patch: Patch::default(),
    };
    Record {
        id: format!("{id:04}"),
        at: later(-days),
        kind: ActivityKind::Connected,
        connection: "notes".into(),
        name: "Notes".into(),
        files: vec![file],
        effect: Effect::default(),
        status: Status::Done,
        undone_by: None,
        undoes: None,
        holds_token: false,
        undo_lost: false,
    }
}

/// `count` changes of one file, one each day, the newest first and `since` days old.
fn daily(count: usize, since: i64, file: &str) -> Vec<Record> {
    (0..count).rev().zip(since..).map(|(id, days)| record(id, days, file, id == 0)).collect()
}

/// All that is forgotten when the clock goes on day by day for two weeks.
fn forgotten(records: &[Record], placed: &[Placement], from: Timestamp) -> Vec<String> {
    let mut old = Old::new();
    let mut all = Vec::new();
    for day in 0..15 {
        let due = due(records, placed, &old, from + SignedDuration::from_hours(DAY * day));
        all.extend(due.forget);
        old = due.old;
    }
    all.sort();
    all.dedup();
    all
}

#[test]
fn only_what_is_older_than_90_days_and_not_among_the_newest_50_of_its_file_is_forgotten() {
    assert_eq!(forgotten(&daily(50, 400, "/a"), &[], now()), Vec::<String>::new(), "50 are kept, however old");
    assert_eq!(forgotten(&daily(60, 0, "/a"), &[], now()), Vec::<String>::new(), "young ones are kept, however many");
    let old = forgotten(&daily(60, 200, "/a"), &[], now());
    assert_eq!(old, (0..10).map(|id| format!("{id:04}")).collect::<Vec<_>>());
    // One that is old in one file is among the newest of another.
    let mut both = daily(60, 200, "/a");
    let more = FileRecord { path: "/b".into(), ..both[59].files[0].clone() };
    both[59].files.push(more);
    assert!(!forgotten(&both, &[], now()).contains(&"0000".to_owned()));
    let mut pending = daily(60, 200, "/a");
    pending[59].status = Status::Pending;
    assert!(!forgotten(&pending, &[], now()).contains(&"0000".to_owned()));
}

#[test]
fn what_taking_an_entry_out_goes_back_to_is_kept_while_the_entry_is_there() {
    let placed = Placement {
        client: "codex".into(),
        scope: Scope::User,
        entry: "notes".into(),
        path: Some("/a".into()),
        wiring: Wiring::Bridge,
        credential: None,
        expected: json!({}),
        copies: Vec::new(),
        kept: false,
        written: now(),
    };
    let records = daily(60, 200, "/a");
    assert_eq!(forgotten(&records, std::slice::from_ref(&placed), now()), Vec::<String>::new());
    // Somebody else wrote in between: what is older is of no use any more.
    let mut broken = records.clone();
    broken[5].files[0].before = "other".into();
    assert_eq!(forgotten(&broken, &[placed], now()).len(), 10);
}

#[test]
fn a_clock_that_jumps_ahead_and_back_forgets_nothing() {
    let records = daily(80, 0, "/a");
    let year = later(365);
    let ahead = due(&records, &[], &Old::new(), year);
    assert!(ahead.forget.is_empty() && !ahead.old.is_empty());
    let again = due(&records, &[], &ahead.old, year + SignedDuration::from_hours(DAY * 6));
    assert!(again.forget.is_empty(), "six days are no week");
    let back = due(&records, &[], &again.old, now());
    assert_eq!((back.forget.len(), back.old.len()), (0, 0), "the notes go with the jump");
    // Dated in the future, and noted in the future.
    let future: Vec<_> = daily(80, -400, "/a");
    assert!(forgotten(&future, &[], now()).is_empty());
    let noted = records.iter().map(|record| (record.id.clone(), later(900))).collect();
    assert!(due(&records, &[], &noted, later(365)).forget.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_changes_go_at_the_start_and_a_removal_is_exact_all_the_same() {
    let world = world().await;
    world.connected().await;
    let now = std::sync::Arc::new(std::sync::Mutex::new(Timestamp::now()));
    let clock = now.clone();
    let patchbay = open(&world.home, &world.keychain, move || *clock.lock().expect("no panic"));
    for n in 0..55 {
        let places = if n % 2 == 0 { Vec::new() } else { vec![place("claude-code")] };
        patchbay.call(Request::Place { id: "my-notes".into(), places, expected: None }, None).await.expect("placed");
        *now.lock().expect("no panic") += SignedDuration::from_secs(1);
    }
    let count = || std::fs::read_dir(world.home.data().join("history")).expect("a folder").count();
    let before = count();
    for days in [100, 108] {
        *now.lock().expect("no panic") += SignedDuration::from_hours(DAY * days);
        patchbay.settle().await.expect("settled");
    }
    // The newest 50 of Claude Code's file, and the first two, which are among the newest of other apps' files.
    assert_eq!((before, count()), (56, 52));
    patchbay.call(Request::Remove { id: "my-notes".into(), expected: None }, None).await.expect("removed");
    assert_eq!(world.files(), original());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_closed_to_others_also_where_it_was_open() {
    use std::os::unix::fs::PermissionsExt;
    let world = world().await;
    world.connected().await;
    let history = world.home.data().join("history");
    let all = || {
        let mut found = vec![history.clone()];
        for folder in std::fs::read_dir(&history).expect("a folder").map(|entry| entry.expect("one").path()) {
            found.extend(std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("one").path()));
            found.push(folder);
        }
        found
    };
    let modes = || -> Vec<(bool, u32)> {
        let mode = |path: &PathBuf| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        all().iter().map(|path| (path.is_dir(), mode(path))).collect()
    };
    let closed = |(folder, mode): &(bool, u32)| *mode == if *folder { 0o700 } else { 0o600 };
    assert!(modes().iter().all(closed), "{:?}", modes());
    assert!(modes().len() > 4);
    for path in all() {
        let mode = if path.is_dir() { 0o777 } else { 0o666 };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
    }
    world.patchbay.settle().await.expect("settled");
    assert!(modes().iter().all(closed), "{:?}", modes());
}

impl World {
    fn change(&self, kind: ActivityKind) -> ActivityView {
        let found = self.snapshot().activity.into_iter().find(|change| change.kind == kind);
        found.unwrap_or_else(|| panic!("no {kind:?}"))
    }

    async fn undo(&self, change: &ActivityView) -> Result<(), Error> {
        self.do_it(Request::Undo { change: Some(change.id.clone()) }).await.map(drop)
    }

    async fn edit(&self, name: &str, url: &str) {
        let settings = BTreeMap::from([("url".to_owned(), url.to_owned())]);
        let edit = Request::Edit { id: "my-notes".into(), name: name.into(), settings };
        self.do_it(edit).await.expect("edited");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_change_is_undone_without_what_came_later_and_loses_none_of_it() {
    let world = world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    let one = Connect { places: vec![place("codex")], ..world.notes() };
    world.connect(one, Some(&token)).await.expect("connected");
    let connected = world.change(ActivityKind::Connected);
    let places = vec![place("codex"), place("claude-code")];
    world.do_it(Request::Place { id: "my-notes".into(), places, expected: None }).await.expect("placed");
    world.edit("Renamed", &world.practice.mcp_url()).await;
    assert_eq!(world.change(ActivityKind::Edited).renamed.as_deref(), Some("Renamed"));
    world.undo(&connected).await.expect("it is not in the way of anything");
    let view = &world.snapshot().connections[0];
    assert_eq!((view.name.as_str(), view.tokens.len()), ("Renamed", 1));
    assert_eq!(view.used_in.iter().map(|place| place.client.as_str()).collect::<Vec<_>>(), ["claude-code"]);
    assert_eq!(world.home.read("codex"), original()[2]);
    world.undo(&world.change(ActivityKind::Edited)).await.expect("undone");
    assert_eq!(world.snapshot().connections[0].name, "My Notes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_an_undo_is_named_and_nothing_is_done() {
    let world = world().await;
    world.connected().await;
    let connected = world.change(ActivityKind::Connected);
    assert!(connected.can_undo && connected.obstacle.is_none());
    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("removed");
    let removed = world.change(ActivityKind::Removed);
    let obstacle = world.change(ActivityKind::Connected).obstacle.expect("an obstacle");
    assert_eq!((obstacle.kind, obstacle.change.as_deref()), (ObstacleKind::Later, Some(removed.id.as_str())));
    let refused = world.undo(&connected).await.expect_err("refused");
    assert_eq!(refused.code, Code::UndoConflict);
    assert!(refused.message.contains(&removed.id), "{refused}");
    assert!(!world.change(ActivityKind::Connected).undone);

    world.undo(&removed).await.expect("undone");
    assert!(world.change(ActivityKind::Connected).can_undo, "nothing is in the way any more");
    world.home.write("codex", &world.home.read("codex").replace("\"bridge\"", "\"other\""));
    let change = world.change(ActivityKind::Connected);
    let obstacle = change.obstacle.expect("an obstacle");
    let codex = world.home.file("codex").display().to_string();
    assert_eq!((obstacle.kind, obstacle.path), (ObstacleKind::Outside, Some(codex)));
    world.home.write("codex", "broken = = ");
    let kind = world.change(ActivityKind::Connected).obstacle.map(|obstacle| obstacle.kind);
    assert_eq!((kind, change.can_undo), (Some(ObstacleKind::Unreadable), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_single_folders_say_which() {
    let world = world().await;
    let folder = world.home.path().join("here").display().to_string();
    std::fs::create_dir_all(&folder).expect("a folder");
    let scope = Scope::Local(folder);
    let places = vec![patchbay_core::api::message::Place { scope: scope.clone(), ..place("claude-code") }];
    world.connect(Connect { places, ..world.notes() }, None).await.expect("connected");
    assert_eq!(world.change(ActivityKind::Connected).scopes, [scope]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_leaves_the_token_nowhere_and_says_what_it_costs() {
    let world = world().await;
    let canary = "canary-plain-0123456789";
    let theirs = json!({ "mcpServers": { "x": { "command": "x", "env": { "API_TOKEN": canary } } }, "projects": { "/p": { "mcpServers": {
        "y": { "type": "http", "url": "https://y.example", "headers": { "Authorization": format!("Bearer {canary}-y") } } } } } });
    world.home.write("claude-code", &theirs.to_string());
    world.connected().await;
    // One of ours, with a token in it that is then put back away.
    let ours = world
        .home
        .read("claude-desktop")
        .replace("\"args\"", &format!("\"env\": {{\"API_KEY\": \"{canary}-z\"}}, \"args\""));
    world.home.write("claude-desktop", &ours);
    let put_back = Request::PutBack { id: "my-notes".into(), client: "claude-desktop".into(), scope: Scope::User };
    world.do_it(put_back).await.expect("put back");
    assert!(world.change(ActivityKind::Connected).holds_token && world.change(ActivityKind::PutBack).holds_token);
    let in_data =
        || world.home.files_with(canary).into_iter().filter(|path| path.starts_with(world.home.data())).count();
    assert!(in_data() >= 3, "two copies and a record");
    let Ok(Answer::Purged(PurgedView { changes, lost })) = world.do_it(Request::PurgeTokens { change: None }).await
    else {
        panic!("no answer")
    };
    assert_eq!((changes, lost, in_data()), (2, 1, 0));
    assert!(!world.change(ActivityKind::Connected).holds_token);
    let put_back = world.change(ActivityKind::PutBack);
    assert_eq!(put_back.obstacle.map(|obstacle| obstacle.kind), Some(ObstacleKind::TokenTakenOut));
    let Ok(Answer::Plan(shown)) = world.do_it(Request::ChangeDetail { change: put_back.id }).await else {
        panic!("none")
    };
    assert!(
        shown.files[0].diff.contains("my-notes") && !shown.files[0].diff.contains(canary),
        "{}",
        shown.files[0].diff
    );
    // Ours goes out all the same, and theirs stays.
    world.undo(&world.change(ActivityKind::Connected)).await.expect("undone");
    assert_eq!(serde_json::from_str::<Value>(&world.home.read("claude-code")).expect("JSON"), theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_what_is_kept_stands_nowhere_in_the_state_and_is_told_apart_all_the_same() {
    let world = world().await;
    world.connected().await;
    let canary = "canary-plain-0123456789";
    let with = |token: &str| {
        let mut desktop: Value = serde_json::from_str(&world.home.read("claude-desktop")).expect("JSON");
        desktop["mcpServers"]["my-notes"]["env"] = json!({ "API_KEY": token });
        world.home.write("claude-desktop", &desktop.to_string());
    };
    let drifts = || world.snapshot().connections[0].used_in.iter().filter(|place| place.drift.is_some()).count();
    let (client, scope) = ("claude-desktop".to_owned(), Scope::User);
    with(canary);
    assert_eq!(drifts(), 1);
    world
        .do_it(Request::Keep { id: "my-notes".into(), client: client.clone(), scope: scope.clone() })
        .await
        .expect("kept");
    let in_data =
        || world.home.files_with(canary).into_iter().filter(|path| path.starts_with(world.home.data())).count();
    assert_eq!((drifts(), in_data()), (0, 0));
    // Placing it elsewhere leaves what was kept alone.
    let kept = world.home.read("claude-desktop");
    let places = vec![place("claude-desktop"), place("codex")];
    world.do_it(Request::Place { id: "my-notes".into(), places, expected: None }).await.expect("placed");
    assert_eq!((world.home.read("claude-desktop"), drifts()), (kept, 0));
    with("another-0123456789");
    assert_eq!(drifts(), 1, "another token is another entry");
    let drift = world.snapshot().connections[0].used_in[0].drift.clone().expect("drift");
    assert_eq!(drift.fields[0].from.as_deref(), Some(r#"{"API_KEY":"•••"}"#));
    world.do_it(Request::PutBack { id: "my-notes".into(), client, scope }).await.expect("put back");
    assert!(!world.home.read("claude-desktop").contains("API_KEY"));
    assert_eq!((drifts(), world.snapshot().connections[0].used_in[0].kept), (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_large_file_is_found_wherever_it_stands_and_purged() {
    let world = world().await;
    let canary = "canary-plain-0123456789";
    let theirs = json!({ "filler": "x".repeat(1_200_000), "projects": { "/p": { "mcpServers": {
        "y": { "command": "y", "env": { "API_TOKEN": canary } } } } } });
    world.home.write("claude-code", &theirs.to_string());
    world.connected().await;
    assert!(world.change(ActivityKind::Connected).holds_token);
    let in_data =
        || world.home.files_with(canary).into_iter().filter(|path| path.starts_with(world.home.data())).count();
    assert_eq!(in_data(), 1);
    // As an older version noted it.
    let record = world.home.data().join("history").join(world.change(ActivityKind::Connected).id).join("record.json");
    let text =
        std::fs::read_to_string(&record).expect("a record").replace("\"holds_token\": true", "\"holds_token\": false");
    std::fs::write(&record, text).expect("written");
    let Ok(Answer::Purged(purged)) = world.do_it(Request::PurgeTokens { change: None }).await else {
        panic!("no answer")
    };
    assert_eq!((purged.changes, in_data()), (1, 0));
}
