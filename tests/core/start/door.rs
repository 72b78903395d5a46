//! The front door: nobody's program is started unseen, and what was seen is what is started.

use patchbay_core::api::message::{Answer, AsAppPlanView, AsAppView, EntryAt, Request};
use patchbay_core::client::Scope;
use patchbay_core::{Code, Error};
use serde_json::json;

use super::{program, text};
use crate::api::{World, world};

fn at(client: &str, entry: &str) -> EntryAt {
    EntryAt { client: client.to_owned(), scope: Scope::User, entry: entry.to_owned() }
}

async fn planned(world: &World, at: EntryAt) -> AsAppPlanView {
    match world.patchbay.call(Request::PlanAsApp { at }, None).await {
        Ok(Answer::AsAppPlan(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

async fn check(world: &World, at: EntryAt, expected: Option<String>) -> Result<AsAppView, Error> {
    match world.patchbay.call(Request::CheckAsApp { at, expected }, None).await? {
        Answer::AsApp(checked) => Ok(*checked),
        other => panic!("{other:?}"),
    }
}

/// A world in which Claude Code starts a script that leaves a trace, with a token in its variables.
async fn with_script(more: &str) -> World {
    let world = world().await;
    let script = program(world.home.path(), "server", "#!/bin/sh\necho started >> \"$1\"\necho no >&2\nexit 1\n");
    let trace = text(&world.home.path().join("trace"));
    let entry = json!({ "command": text(&script), "args": [trace, more], "env": { "API_TOKEN": "canary-door-0123" } });
    world.home.write("claude-code", &json!({ "mcpServers": { "own": entry } }).to_string());
    world
}

fn starts(world: &World) -> usize {
    std::fs::read_to_string(world.home.path().join("trace")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn what_stands_in_a_file_of_variables_is_shown_and_is_part_of_what_was_agreed_to() {
    let world = world().await;
    let script = program(world.home.path(), "server", "#!/bin/sh\necho \"$NODE_OPTIONS\" >&2\nexit 1\n");
    let file = world.home.path().join("own.env");
    let write = |options: &str| {
        let lines = format!("NODE_OPTIONS=--require {options}\nAPI_TOKEN=canary-file-0123\nBOTH=file\n");
        std::fs::write(&file, lines).expect("written");
    };
    write("/one.js");
    let entry = json!({ "command": text(&script), "envFile": text(&file), "env": { "BOTH": "entry" } });
    let folder = world.home.path().join(".cursor");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("mcp.json"), json!({ "mcpServers": { "own": entry } }).to_string()).expect("written");
    let own = at("cursor", "own");
    let plan = planned(&world, own.clone()).await;
    let shown: Vec<_> = plan.variables.iter().map(|one| (one.name.as_str(), one.value.as_deref())).collect();
    let wanted = [("API_TOKEN", None), ("BOTH", Some("entry")), ("NODE_OPTIONS", Some("--require /one.js"))];
    assert_eq!(shown, wanted);
    write("/two.js");
    let changed = check(&world, own.clone(), Some(plan.expected)).await.expect_err("it is another now");
    assert_eq!(changed.code, Code::FileChanged);
    let again = planned(&world, own.clone()).await;
    let checked = check(&world, own, Some(again.expected)).await.expect("it was seen");
    assert!(!format!("{checked:?}").contains("two.js"), "afterwards it is not repeated: {checked:?}");
}

#[tokio::test]
async fn of_a_program_that_gives_headers_the_folder_and_what_it_is_told_are_shown() {
    let world = world().await;
    let entry = json!({ "type": "http", "url": "http://127.0.0.1:9/mcp", "headersHelper": "true" });
    world.home.write("claude-code", &json!({ "mcpServers": { "own": entry } }).to_string());
    let plan = planned(&world, at("claude-code", "own")).await;
    assert_eq!(plan.folder, Some(text(world.home.path())));
    let shown: Vec<_> = plan.variables.iter().map(|one| (one.name.as_str(), one.value.as_deref())).collect();
    let name = ("CLAUDE_CODE_MCP_SERVER_NAME", Some("own"));
    assert_eq!(shown, [name, ("CLAUDE_CODE_MCP_SERVER_URL", Some("http://127.0.0.1:9/mcp"))]);
}

#[tokio::test]
async fn a_strangers_program_is_started_only_as_it_was_shown() {
    let world = with_script("first").await;
    let own = at("claude-code", "own");
    let plan = planned(&world, own.clone()).await;
    assert!(!plan.ours && plan.command[2] == "first", "{plan:?}");
    assert_eq!((plan.variables[0].name.as_str(), &plan.variables[0].value), ("API_TOKEN", &None));
    assert!(!format!("{plan:?}").contains("canary"));
    let unseen = check(&world, own.clone(), None).await.expect_err("nobody has seen it");
    assert_eq!((unseen.code, starts(&world)), (Code::Usage, 0));
    let file = world.home.read("claude-code").replace("first", "other");
    world.home.write("claude-code", &file);
    let changed = check(&world, own.clone(), Some(plan.expected)).await.expect_err("it is another now");
    assert_eq!((changed.code, starts(&world)), (Code::FileChanged, 0));
    let again = planned(&world, own.clone()).await;
    let checked = check(&world, own, Some(again.expected)).await.expect("it was seen");
    assert!(!checked.report.works && checked.direct.is_none() && starts(&world) > 0, "{checked:?}");
}

#[tokio::test]
async fn what_was_found_is_kept_until_the_entry_changes_and_holds_no_token() {
    let world = with_script("first").await;
    let own = at("claude-code", "own");
    let plan = planned(&world, own.clone()).await;
    check(&world, own.clone(), Some(plan.expected)).await.expect("checked");
    let kept = world.patchbay.snapshot().expect("a snapshot").as_app;
    assert_eq!(kept.iter().map(|one| one.at.clone()).collect::<Vec<_>>(), [own]);
    let state = std::fs::read_to_string(world.home.data().join("state.json")).expect("the state");
    assert!(state.contains("as_app") && !state.contains("canary-door"), "{state}");
    world.home.write("claude-code", &world.home.read("claude-code").replace("first", "other"));
    assert!(world.patchbay.snapshot().expect("a snapshot").as_app.is_empty());
}

#[tokio::test]
async fn an_entry_that_is_not_there_and_one_that_says_nothing_are_told() {
    let world = with_script("first").await;
    let gone = check(&world, at("claude-code", "nobody"), None).await.expect_err("not there");
    assert_eq!(gone.code, Code::FileChanged);
    let unknown = check(&world, at("no-app", "own"), None).await.expect_err("no such app");
    assert_eq!(unknown.code, Code::UnknownApp);
}

#[tokio::test]
async fn ordinary_checks_start_nobodys_program() {
    let world = with_script("first").await;
    world.patchbay.call(Request::Check { ids: Vec::new() }, None).await.expect("checked");
    world.patchbay.snapshot().expect("a snapshot");
    planned(&world, at("claude-code", "own")).await;
    assert_eq!(starts(&world), 0);
}

#[tokio::test]
async fn stopping_the_checks_stops_this_one_and_its_program() {
    let world = world().await;
    let script = program(world.home.path(), "server", "#!/bin/sh\necho $$ > \"$1\"\nsleep 300\n");
    let trace = world.home.path().join("pid");
    let entry = json!({ "command": text(&script), "args": [text(&trace)] });
    world.home.write("claude-code", &json!({ "mcpServers": { "own": entry } }).to_string());
    let own = at("claude-code", "own");
    let plan = planned(&world, own.clone()).await;
    let stop = async {
        for _ in 0..500 {
            if trace.exists() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        world.patchbay.call(Request::CancelChecks, None).await.expect("stopped");
    };
    let (checked, ()) = tokio::join!(check(&world, own, Some(plan.expected)), stop);
    assert_eq!(checked.expect_err("it was stopped").code, Code::Cancelled);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let pid = std::fs::read_to_string(&trace).expect("it ran");
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists());
}
