use patchbay_core::api::message::{
    Answer, Connect, LeaveChoice, LeaveView, LeftView, Place, Request, StaysView, StaysWhy,
};
use patchbay_core::api::view::ObstacleKind;
use patchbay_core::client::{CLIENTS, Scope};
use patchbay_core::{Code, Error};
use serde_json::{Value, json};

use super::api::{World, original, place, world};

const KEEP: LeaveChoice = LeaveChoice { keep_working: true, take_changed: false };

async fn planned(world: &World, choice: LeaveChoice) -> LeaveView {
    match world.do_it(Request::PlanLeave { choice }).await {
        Ok(Answer::Leave(view)) => *view,
        other => panic!("{other:?}"),
    }
}

async fn left(world: &World, choice: LeaveChoice) -> Result<LeftView, Error> {
    let expected = Some(planned(world, choice).await.plan.expected);
    match world.do_it(Request::Leave { choice, expected }).await? {
        Answer::Left(left) => Ok(left),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_takes_out_all_scopes_byte_for_byte_and_deletes_the_tokens() {
    let world = world().await;
    let folder = world.home.path().join("here");
    std::fs::create_dir_all(&folder).expect("a folder");
    let local = Place { scope: Scope::Local(folder.display().to_string()), ..place("claude-code") };
    let shared = Place { scope: Scope::Project(folder.display().to_string()), ..place("claude-code") };
    let (_, token) = world.token(&["profile:read"]).await;
    let places = vec![place("claude-desktop"), place("claude-code"), local, shared, place("codex")];
    world.connect(Connect { places, ..world.notes() }, Some(&token)).await.expect("connected");
    let (_, second) = world.token(&["profile:read"]).await;
    world.connect(Connect { name: "Second".into(), ..world.notes() }, Some(&second)).await.expect("connected");
    let done = left(&world, LeaveChoice::default()).await.expect("left");
    assert_eq!((done.taken_out, done.released, done.tokens), (8, 0, 2));
    assert_eq!(world.files(), original());
    assert!(!folder.join(".mcp.json").exists());
    assert_eq!((world.secrets(), world.snapshot().connections.len()), (0, 0));
    world.do_it(Request::Undo { change: None }).await.expect("what was taken out can be undone");
    assert_eq!(world.snapshot().connections[0].used_in.len(), 3);
    assert_eq!(world.secrets(), 0, "the tokens are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_go_on_hold_the_token_and_the_history_does_not() {
    let world = world().await;
    let folder = world.home.path().join("here");
    std::fs::create_dir_all(&folder).expect("a folder");
    let shared = Place { scope: Scope::Project(folder.display().to_string()), ..place("claude-code") };
    let (_, token) = world.token(&["profile:read"]).await;
    let places = vec![place("claude-desktop"), place("claude-code"), shared, place("codex")];
    world.connect(Connect { places, ..world.notes() }, Some(&token)).await.expect("connected");
    let view = planned(&world, KEEP).await;
    assert_eq!(view.plain_text, ["claude-desktop", "claude-code", "codex"]);
    assert_eq!(view.needs_node, ["claude-desktop"]);
    assert_eq!(view.shared, [folder.join(".mcp.json").display().to_string()]);
    let shown = serde_json::to_string(&view).expect("JSON");
    assert!(shown.contains("•••") && !shown.contains(&token), "masked where it is shown");
    let done = left(&world, KEEP).await.expect("left");
    assert_eq!((done.taken_out, done.released), (1, 3));
    let (url, bearer) = (world.practice.mcp_url(), format!("Bearer {token}"));
    let code: Value = serde_json::from_str(&world.home.read("claude-code")).expect("JSON");
    let direct = json!({ "type": "http", "url": url, "headers": { "Authorization": bearer } });
    assert_eq!(code["mcpServers"]["my-notes"], direct);
    let desktop: Value = serde_json::from_str(&world.home.read("claude-desktop")).expect("JSON");
    let entry = &desktop["mcpServers"]["my-notes"];
    assert_eq!((&entry["command"], &entry["env"]), (&json!("npx"), &json!({ "MCP_HEADER_1": bearer })));
    assert!(!entry["args"].to_string().contains(&token), "arguments are seen by every program");
    assert!(
        world.home.read("codex").contains(&format!("Authorization = \"{bearer}\"")),
        "{}",
        world.home.read("codex")
    );
    assert!(!folder.join(".mcp.json").exists(), "no token in a file that others read");
    let kept: Vec<_> =
        world.home.files_with(&token).into_iter().filter(|path| path.starts_with(world.home.data())).collect();
    assert_eq!(kept, Vec::<std::path::PathBuf>::new());
    assert!(!world.snapshot().activity[0].can_undo);
    assert_eq!(world.secrets(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_in_one_file_leave_no_token_in_the_history() {
    let world = world().await;
    let (_, first) = world.token(&["profile:read"]).await;
    world.connect(world.notes(), Some(&first)).await.expect("connected");
    let (_, second) = world.token(&["profile:read"]).await;
    world.connect(Connect { name: "Second".into(), ..world.notes() }, Some(&second)).await.expect("connected");
    assert_eq!(left(&world, KEEP).await.expect("left").released, 6);
    assert!(world.home.read("codex").contains(&first) && world.home.read("codex").contains(&second));
    for token in [&first, &second] {
        let kept = world.home.files_with(token).into_iter().filter(|path| path.starts_with(world.home.data()));
        assert_eq!(kept.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_without_us_cannot_be_undone_and_says_why() {
    let world = world().await;
    world.connected().await;
    left(&world, KEEP).await.expect("left");
    let activity = world.snapshot().activity;
    assert_eq!(activity.len(), 2);
    for change in activity {
        let kind = change.obstacle.map(|obstacle| obstacle.kind);
        assert_eq!((kind, change.can_undo), (Some(ObstacleKind::Released), false), "{:?}", change.kind);
        let refused = world.do_it(Request::Undo { change: Some(change.id) }).await.expect_err("refused");
        assert!(refused.message.contains("go on without Patchbay"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_was_brought_in_is_given_back_with_its_tokens() {
    let world = world().await;
    let entry = json!({ "command": "npx", "args": ["-y", "issue-server", "a"],
        "env": { "ISSUE_TOKEN": "canary-program-0123", "LANG": "C" }, "disabled": true });
    world.home.write("claude-desktop", &json!({ "mcpServers": { "issues": entry } }).to_string());
    let codex = "[mcp_servers.issues]\ncommand = \"npx\"\nargs = [\"issue-server\"]\n\n[mcp_servers.issues.env]\nISSUE_TOKEN = \"canary-program-0123\"\n";
    world.home.write("codex", codex);
    world.import("issues").await.expect("brought in");
    assert!(!world.home.read("codex").contains("canary"));
    let view = planned(&world, KEEP).await;
    assert_eq!((view.plain_text.len(), view.needs_node.len()), (2, 0));
    assert!(!serde_json::to_string(&view).expect("JSON").contains("canary"), "masked where it is shown");
    let done = left(&world, KEEP).await.expect("left");
    assert_eq!((done.released, done.taken_out, done.tokens), (2, 0, 1));
    let desktop: Value = serde_json::from_str(&world.home.read("claude-desktop")).expect("JSON");
    assert_eq!(desktop["mcpServers"]["issues"], entry);
    let there: toml_edit::DocumentMut = world.home.read("codex").parse().expect("TOML");
    let issues = &there["mcp_servers"]["issues"];
    assert_eq!(issues["command"].as_str(), Some("npx"), "{there}");
    assert_eq!(issues["args"].to_string().trim(), "[\"issue-server\"]");
    assert_eq!(issues["env"]["ISSUE_TOKEN"].as_str(), Some("canary-program-0123"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_stays_if_it_works_without_us_and_broken_files_are_told() {
    let world = world().await;
    world.connected().await;
    let theirs = r#"{"mcpServers": {"my-notes": {"type": "http", "url": "https://own.example/mcp"}}}"#;
    world.home.write("claude-code", theirs);
    let still_ours = world.home.read("claude-desktop").replace("\"args\"", "\"timeout\": 5, \"args\"");
    world.home.write("claude-desktop", &still_ours);
    world.home.write("codex", "broken = = ");
    let done = left(&world, LeaveChoice::default()).await.expect("left");
    let stays: Vec<_> = done.stays.iter().map(|stays| (stays.client.as_str(), stays.why)).collect();
    assert_eq!(stays, [("claude-code", StaysWhy::Changed), ("codex", StaysWhy::FileBroken)]);
    assert_eq!(world.home.read("claude-code"), theirs);
    assert_eq!(world.home.read("codex"), "broken = = ");
    assert!(!world.home.read("claude-desktop").contains("my-notes"), "it would start a program that is gone");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_file_is_told_before_and_stops_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let world = world().await;
    world.connected().await;
    let code = world.home.read("claude-code");
    std::fs::set_permissions(world.home.file("claude-code"), PermissionsExt::from_mode(0o444)).expect("a mode");
    let told = |stays: &[StaysView]| stays.iter().map(|one| (one.client.clone(), one.why)).collect::<Vec<_>>();
    let expected = [("claude-code".to_owned(), StaysWhy::FileReadOnly)];
    assert_eq!(told(&planned(&world, LeaveChoice::default()).await.stays), expected);
    let done = left(&world, LeaveChoice::default()).await.expect("left");
    assert_eq!((told(&done.stays), done.taken_out, done.tokens), (expected.to_vec(), 2, 1));
    assert_eq!(world.home.read("claude-code"), code);
    assert_eq!(told(&left(&world, LeaveChoice::default()).await.expect("again").stays), expected, "nobody's by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_goes_too_where_that_is_wanted() {
    let world = world().await;
    world.connected().await;
    world
        .home
        .write("claude-code", r#"{"mcpServers": {"my-notes": {"type": "http", "url": "https://own.example/mcp"}}}"#);
    let done = left(&world, LeaveChoice { keep_working: false, take_changed: true }).await.expect("left");
    assert_eq!((done.taken_out, done.stays), (3, Vec::new()));
    assert!(!world.home.read("claude-code").contains("my-notes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_connections_that_nobody_knows_any_more_go_as_well() {
    let world = world().await;
    world.connected().await;
    std::fs::remove_file(world.home.data().join("state.json")).expect("removed");
    let done = left(&world, LeaveChoice::default()).await.expect("left");
    assert_eq!(done.taken_out, 3);
    assert_eq!(world.files(), original());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_no_longer_what_was_shown_is_refused() {
    let world = world().await;
    world.connected().await;
    let expected = planned(&world, LeaveChoice::default()).await.plan.expected;
    let before = world.files();
    let refused = world.do_it(Request::Leave { choice: KEEP, expected: Some(expected) }).await.expect_err("refused");
    assert_eq!((refused.code, world.files()), (Code::FileChanged, before));
}

#[test]
fn what_every_app_is_given_to_go_on_with_it_takes_itself() {
    let headers = [("Authorization".to_owned(), "Bearer x".to_owned())];
    for client in CLIENTS {
        let entry = client.direct.entry("notes", "https://s.example/mcp", &headers);
        assert_eq!((client.refuses)(&entry), None, "{}: {entry}", client.id);
        assert!(entry.to_string().contains("Bearer x") && entry.to_string().contains("https://s.example/mcp"));
    }
}
