//! Accidents: kills between two files, broken and foreign files, entries that lie, places that moved.

use patchbay_core::api::message::{Answer, Connected, LeaveChoice, Request};
use patchbay_core::api::view::{DriftKind, Status};
use patchbay_core::client::Scope;
use patchbay_core::{Code, Error};
use rstest::rstest;
use serde_json::{Value, json};

use super::api::{World, original, place, world};

fn edit_json(path: &std::path::Path, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    edit(&mut value);
    std::fs::write(path, value.to_string()).expect("writable");
}

impl World {
    /// Makes the newest change look as if the program had been killed before the state agreed.
    fn cut_short(&self) {
        let newest = self.snapshot().activity[0].id.clone();
        edit_json(&self.home.data().join("history").join(newest).join("record.json"), |record| {
            record["status"] = json!("pending");
        });
    }

    fn state_file(&self) -> std::path::PathBuf {
        self.home.data().join("state.json")
    }

    async fn removed(&self) -> Result<Connected, Error> {
        match self.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await? {
            Answer::Connected(done) => Ok(done),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_change_cut_short_between_two_files_is_taken_back() {
    let world = world().await;
    world.connected().await;
    world.cut_short();
    world.home.write("codex", &original()[2]);
    edit_json(&world.state_file(), |state| state["connections"][0]["placements"] = json!([]));
    world.patchbay.settle().await.expect("settled");
    assert_eq!(world.files(), original());
    let snapshot = world.snapshot();
    assert!(snapshot.activity.is_empty() && snapshot.connections[0].used_in.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_that_lets_apps_go_on_is_taken_back_when_it_was_cut_short_and_others_wrote_since() {
    let world = world().await;
    world.connected().await;
    let (state, before) = (std::fs::read(world.state_file()).expect("the state"), world.files());
    let choice = LeaveChoice { keep_working: true, take_changed: false };
    world.do_it(Request::Leave { choice, expected: None }).await.expect("left");
    world.cut_short();
    std::fs::write(world.state_file(), state).expect("as before");
    // The app wrote its file, with the token in it, once more.
    edit_json(&world.home.file("claude-code"), |code| code["numStartups"] = json!(99));
    world.home.write("codex", &before[2]);
    // And somebody changed what stood in another.
    edit_json(&world.home.file("claude-desktop"), |desktop| {
        desktop["mcpServers"]["my-notes"] = json!({ "command": "own" });
    });
    world.patchbay.settle().await.expect("settled");
    let code: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    assert_eq!(
        (&code["numStartups"], &code["mcpServers"]["my-notes"]["args"]),
        (&json!(99), &json!(["bridge", "my-notes"]))
    );
    assert!(world.home.read("claude-desktop").contains("\"own\""));
    assert_eq!(world.snapshot().activity.len(), 1, "it is as if it had never been");
}

#[tokio::test]
async fn a_change_cut_short_is_taken_back_also_where_others_wrote_since() {
    let world = world().await;
    world.connected().await;
    world.cut_short();
    world.home.write("codex", &original()[2]);
    let changed = world.home.read("claude-code").replace("\"numStartups\": 3", "\"numStartups\": 4");
    world.home.write("claude-code", &changed);
    edit_json(&world.state_file(), |state| state["connections"][0]["placements"] = json!([]));
    world.patchbay.settle().await.expect("settled");
    let after: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    assert_eq!(after["numStartups"], 4);
    assert!(after["mcpServers"].get("my-notes").is_none(), "{after}");
}

#[tokio::test]
async fn a_removal_cut_short_after_the_files_is_brought_to_its_end() {
    let world = world().await;
    world.connected().await;
    let before = std::fs::read(world.state_file()).expect("readable");
    world.removed().await.expect("removed");
    world.cut_short();
    std::fs::write(world.state_file(), before).expect("writable");
    world.patchbay.settle().await.expect("settled");
    assert!(world.snapshot().connections.is_empty());
    assert_eq!(world.files(), original());
}

#[tokio::test]
async fn an_undone_removal_cut_short_brings_the_connection_back() {
    let world = world().await;
    world.connected().await;
    let files = world.files();
    world.removed().await.expect("removed");
    let before = std::fs::read(world.state_file()).expect("readable");
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    world.cut_short();
    std::fs::write(world.state_file(), before).expect("writable");
    world.patchbay.settle().await.expect("settled");
    let snapshot = world.snapshot();
    assert_eq!(snapshot.connections[0].used_in.len(), 3);
    assert_eq!(world.files(), files);
    assert!(snapshot.activity[1].undone, "the removal is marked");
}

#[tokio::test]
async fn an_entry_cannot_name_a_folder_as_its_connection() {
    let world = world().await;
    let victim = world.home.path().join("victim");
    std::fs::create_dir_all(&victim).expect("a folder");
    let entry = json!({ "command": "/x/patchbay", "args": ["bridge", "../../victim"] });
    world.home.write("claude-code", &json!({ "mcpServers": { "x": entry } }).to_string());
    std::fs::create_dir_all(world.home.data()).expect("a folder");
    std::fs::write(world.state_file(), "{ damaged").expect("writable");
    world.patchbay.settle().await.expect("settled");
    assert!(world.snapshot().connections.is_empty(), "it is not taken for ours");
    let refused = world.do_it(Request::Remove { id: "../../victim".into(), expected: None }).await;
    assert_eq!(refused.err().map(|error| error.code), Some(Code::UnknownConnection));
    assert!(victim.is_dir());
}

#[rstest]
#[case("Служба поддержки", "sluzhba-podderzhki")]
#[case("Büro Köln", "buro-koln")]
#[case("客户", "ke-hu")]
#[tokio::test]
async fn names_of_all_scripts_make_readable_ids(#[case] name: &str, #[case] id: &str) {
    let world = world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    let done = world.connect(patchbay_core::api::message::Connect { name: name.into(), ..world.notes() }, Some(&token));
    assert_eq!(done.await.expect("it connects").id, id);
}

#[tokio::test]
async fn a_name_is_one_line() {
    let world = world().await;
    let two = patchbay_core::api::message::Connect { name: "one\ntwo".into(), ..world.notes() };
    let refused = world.connect(two, None).await.map(|done| done.id).map_err(|error| error.code);
    assert_eq!(refused, Err(Code::NameInvalid));
}

#[tokio::test]
async fn editing_a_name_leaves_kept_and_removed_entries_alone() {
    let world = world().await;
    world.connected().await;
    world.home.write("codex", &original()[2]);
    let kept = world.home.read("claude-code").replace("\"bridge\"", "\"bridge\", \"--kept\"");
    world.home.write("claude-code", &kept);
    let keep = Request::Keep { id: "my-notes".into(), client: "claude-code".into(), scope: Scope::User };
    world.do_it(keep).await.expect("kept");
    let settings = world.snapshot().connections[0].settings.clone();
    let edit = Request::Edit { id: "my-notes".into(), name: "Other".into(), settings };
    world.do_it(edit).await.expect("edited");
    assert_eq!(world.home.read("claude-code"), kept);
    assert_eq!(world.home.read("codex"), original()[2]);
    let connection = &world.snapshot().connections[0];
    assert_eq!(connection.name, "Other");
    let drift = connection.used_in.iter().filter_map(|place| place.drift.as_ref());
    assert_eq!(drift.map(|drift| drift.kind).collect::<Vec<_>>(), [DriftKind::Removed]);
}

#[tokio::test]
async fn placing_in_one_more_app_leaves_a_kept_entry_alone() {
    let world = world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    let two = patchbay_core::api::message::Connect { places: vec![place("claude-code")], ..world.notes() };
    world.connect(two, Some(&token)).await.expect("connected");
    let kept = world.home.read("claude-code").replace("\"bridge\"", "\"bridge\", \"--kept\"");
    world.home.write("claude-code", &kept);
    let keep = Request::Keep { id: "my-notes".into(), client: "claude-code".into(), scope: Scope::User };
    world.do_it(keep).await.expect("kept");
    let places = vec![place("claude-code"), place("codex")];
    world.do_it(Request::Place { id: "my-notes".into(), places, expected: None }).await.expect("placed");
    assert_eq!(world.home.read("claude-code"), kept);
    assert!(world.home.read("codex").contains("my-notes"));
}

#[tokio::test]
async fn a_connection_can_be_removed_while_one_file_is_broken() {
    let world = world().await;
    world.connected().await;
    world.home.write("codex", "broken = = ");
    let done = world.removed().await.expect("removed");
    assert_eq!(done.kept_in, [world.home.file("codex").display().to_string()]);
    assert!(world.snapshot().connections.is_empty());
    assert_eq!(world.home.read("codex"), "broken = = ");
    assert_eq!(world.files()[..2], original()[..2]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_connection_can_be_removed_while_one_file_is_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = world().await;
    world.connected().await;
    let codex = world.home.read("codex");
    std::fs::set_permissions(world.home.file("codex"), PermissionsExt::from_mode(0o444)).expect("a mode");
    let done = world.removed().await.expect("removed");
    assert_eq!(done.kept_in, [world.home.file("codex").display().to_string()]);
    assert_eq!((world.home.read("codex"), world.files()[..2].to_vec()), (codex, original()[..2].to_vec()));
}

#[tokio::test]
async fn entries_that_were_copied_renamed_or_moved_go_with_their_connection() {
    let world = world().await;
    world.connected().await;
    let mut desktop: Value = serde_json::from_str(&world.home.read("claude-desktop")).expect("JSON");
    desktop["mcpServers"]["copied"] = desktop["mcpServers"]["my-notes"].clone();
    world.home.write("claude-desktop", &desktop.to_string());
    world.home.write("codex", &world.home.read("codex").replace("my-notes]", "renamed]"));
    let mut code: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    let moved = code["mcpServers"]["my-notes"].take();
    code["mcpServers"] = json!({});
    code["projects"] = json!({ "/p": { "mcpServers": { "my-notes": moved } } });
    world.home.write("claude-code", &code.to_string());
    let Ok(Answer::Plan(plan)) = world.do_it(Request::PlanRemove { id: "my-notes".into() }).await else {
        panic!("no plan")
    };
    assert_eq!(plan.files.len(), 3);
    world.removed().await.expect("removed");
    for app in ["claude-desktop", "claude-code", "codex"] {
        assert!(!world.home.read(app).contains("bridge"), "{app}: {}", world.home.read(app));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_undo_asks_before_it_writes_to_a_read_only_file() {
    use std::os::unix::fs::PermissionsExt;
    let world = world().await;
    world.connected().await;
    let files = world.files();
    let code = world.home.file("claude-code");
    std::fs::set_permissions(&code, PermissionsExt::from_mode(0o444)).expect("a mode");
    let refused = world.do_it(Request::Undo { change: None }).await;
    assert_eq!(refused.err().map(|error| error.code), Some(Code::FileReadOnly));
    assert_eq!(world.files(), files);
}

#[tokio::test]
async fn an_undo_makes_no_file_of_one_that_is_gone() {
    let world = world().await;
    world.connected().await;
    std::fs::remove_file(world.home.file("claude-code")).expect("removed");
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    assert!(!world.home.file("claude-code").exists());
    assert_eq!(world.home.read("codex"), original()[2]);
}

#[tokio::test]
async fn an_entry_is_found_where_it_was_written_although_the_apps_place_has_moved() {
    let world = world().await;
    let elsewhere = world.home.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("a folder");
    world.connected().await;
    let moved = world.reopened(&[("CODEX_HOME", elsewhere.to_str().expect("a plain path"))]);
    let connection = &moved.snapshot().expect("a snapshot").connections[0];
    let drift: Vec<_> = connection.used_in.iter().filter_map(|place| place.drift.as_ref()).collect();
    assert_eq!(
        drift.iter().map(|drift| (drift.client.as_str(), drift.kind)).collect::<Vec<_>>(),
        [("codex", DriftKind::FileMoved)]
    );
    moved.call(Request::Remove { id: "my-notes".into(), expected: None }, None).await.expect("removed");
    assert_eq!(world.files(), original());
    assert!(!elsewhere.join("config.toml").exists());
}

#[tokio::test]
async fn a_token_that_has_ended_shows_also_while_its_reminder_is_snoozed() {
    let world = world().await;
    world.connected().await;
    let token = world.snapshot().connections[0].tokens[0].id.clone();
    edit_json(&world.state_file(), |state| {
        let ended = json!({ "at": "2020-01-01T00:00:00Z", "source": "declared" });
        state["connections"][0]["credentials"][0]["expires"] = ended;
    });
    assert_eq!(world.snapshot().connections[0].status, Status::TokenEnded);
    world.do_it(Request::Snooze { token, days: 3 }).await.expect("snoozed");
    let snapshot = world.snapshot();
    assert!(snapshot.reminders[0].ended, "the end itself is told all the same");
    assert_eq!(snapshot.connections[0].status, Status::TokenEnded);
}

#[tokio::test]
async fn what_another_process_has_under_way_is_not_settled() {
    let world = world().await;
    world.connected().await;
    world.cut_short();
    let lock = patchbay_core::file::Lock::take(&world.home.data().join("locks/work.lock")).expect("the lock");
    world.home.write("codex", &original()[2]);
    let files = world.files();
    world.patchbay.settle().await.expect("nothing to do");
    assert_eq!(world.files(), files);
    drop(lock);
    world.patchbay.settle().await.expect("settled");
    assert_eq!(world.files(), original());
}

#[tokio::test]
async fn a_file_that_its_app_refuses_for_another_entry_is_told_and_left() {
    let world = world().await;
    let bad = format!("{}\n[mcp_servers.both]\ncommand = \"x\"\nurl = \"https://example.com\"\n", original()[2]);
    world.home.write("codex", &bad);
    let (_, token) = world.token(&["profile:read"]).await;
    let refused = world.connect(world.notes(), Some(&token)).await.expect_err("Codex would not see it");
    assert_eq!(refused.code, Code::AppRefuses);
    assert!(refused.message.contains("\"both\""), "{refused}");
    assert_eq!(world.home.read("codex"), bad);
    let codex = world.snapshot().apps.into_iter().find(|app| app.id == "codex").expect("the app");
    assert_eq!(codex.problem.map(|problem| problem.code), Some(Code::AppRefuses));
    assert_eq!(codex.entries.len(), 2, "its entries are listed all the same");

    world.home.write("codex", &original()[2]);
    world.connected().await;
    world.home.write("codex", &format!("{}\n[mcp_servers.none]\nenabled = true\n", world.home.read("codex")));
    assert_eq!(world.snapshot().connections[0].status, Status::FileBroken);
    world.removed().await.expect("ours can be taken out");
    assert!(!world.home.read("codex").contains("my-notes"));
}
