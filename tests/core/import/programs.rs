//! Programs: they stay programs, and their tokens leave the files.

use patchbay_core::api::message::{Answer, Request};
use patchbay_core::api::view::{NextStep, Status};
use patchbay_core::client::Scope;
use patchbay_core::probe::Verdict;
use serde_json::{Value, json};

use crate::api::world;

#[tokio::test]
async fn a_program_stays_a_program_and_its_token_leaves_the_file() {
    let world = world().await;
    let entry = |app: &str| {
        json!({ "command": "npx", "args": ["-y", "issue-server", app],
        "env": { "ISSUE_TOKEN": "canary-program-0123", "LANG": "C" }, "disabled": true })
    };
    world.home.write("claude-desktop", &json!({ "mcpServers": { "issues": entry("a") } }).to_string());
    world.home.write("codex", "[mcp_servers.issues]\ncommand = \"npx\"\nargs = [\"issue-server\"]\n[mcp_servers.issues.env]\nISSUE_TOKEN = \"canary-program-0123\"\n");
    let before = world.files();
    let found = world.found_with("issues").await;
    assert_eq!((found.program, found.target.as_str(), found.entries.len()), (true, "issue-server", 2));
    let done = world.import("issues").await.expect("brought in");
    world.is_gone("canary-program-0123");
    let desktop = world.json("claude-desktop")["mcpServers"]["issues"].clone();
    assert_eq!(desktop["args"], json!(["run", done.id, "--", "npx", "-y", "issue-server", "a"]));
    assert_eq!((&desktop["env"], &desktop["disabled"]), (&json!({ "LANG": "C" }), &json!(true)));
    assert!(!world.home.read("codex").contains("ISSUE_TOKEN"));
    let view = &world.snapshot().connections[0];
    assert_eq!((view.status, view.action), (Status::StartedByApp, NextStep::Nothing));
    assert!(view.brought_in, "removing it takes out what the user had");
    assert_eq!(world.verdict().await, Verdict::NotTried, "nobody says that it works");

    let renew = Request::Renew { id: done.id.clone(), token: None, expires: None, scopes: None };
    world.patchbay.call(renew, Some("another-0123456789".into_secret())).await.expect("renewed");
    let credential = world.patchbay.state().expect("the state").connections[0].credentials[0].clone();
    assert_eq!(world.stored(&credential.key()).as_deref(), Some("another-0123456789"));
    assert_eq!(credential.variable.as_deref(), Some("ISSUE_TOKEN"));

    world
        .do_it(Request::Copy { from: Some("codex".into()), ids: Vec::new(), to: "claude-code".into(), expected: None })
        .await
        .expect("copied");
    let copied = world.json("claude-code")["mcpServers"][&done.id].clone();
    assert_eq!(copied["args"], json!(["run", done.id, "--", "npx", "-y", "issue-server", "a"]));
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    world.do_it(Request::Undo { change: done.change }).await.expect("undone");
    assert_eq!(world.files(), before);
}

#[tokio::test]
async fn the_lines_to_put_in_by_hand_start_a_program_as_its_entry_does() {
    let world = world().await;
    let entry = json!({ "command": "npx", "args": ["issue-server"], "env": { "ISSUE_TOKEN": "canary-program-0123" } });
    world.home.write("claude-desktop", &json!({ "mcpServers": { "Own Issues": entry } }).to_string());
    let id = world.import("Own Issues").await.expect("brought in").id;
    let lines = async |client: &str| {
        let request = Request::Snippet { id: id.clone(), client: client.to_owned() };
        let Ok(Answer::Text(lines)) = world.do_it(request).await else { panic!("no lines") };
        lines
    };
    let own: Value = serde_json::from_str(&format!("{{{}}}", lines("claude-desktop").await)).expect("a member");
    assert_eq!(own["Own Issues"], world.json("claude-desktop")["mcpServers"]["Own Issues"]);
    let other: Value = serde_json::from_str(&format!("{{{}}}", lines("claude-code").await)).expect("a member");
    assert_eq!(other[&id]["args"], json!(["run", id, "--", "npx", "issue-server"]));
    assert!(lines("codex").await.contains("args = [\"run\", "));
}

trait IntoSecret {
    fn into_secret(self) -> patchbay_core::secret::Secret;
}

impl IntoSecret for &str {
    fn into_secret(self) -> patchbay_core::secret::Secret {
        patchbay_core::secret::Secret::new(self)
    }
}

#[tokio::test]
async fn records_lost_a_program_is_adopted_from_its_entry() {
    let world = world().await;
    let entry = json!({ "command": "/x/patchbay", "args": ["run", "issues", "--", "npx", "y"] });
    world.home.write("claude-code", &json!({ "mcpServers": { "issues": entry } }).to_string());
    std::fs::create_dir_all(world.home.data()).expect("a folder");
    std::fs::write(world.home.data().join("state.json"), "{ damaged").expect("writable");
    world.patchbay.settle().await.expect("settled");
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert!(connection.is_program() && connection.placements[0].is_at("claude-code", &Scope::User));
    assert_eq!(world.snapshot().connections[0].status, Status::TokenMissing);
}
