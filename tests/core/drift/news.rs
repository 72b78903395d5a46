//! What others put beside our entries.

use patchbay_core::api::message::{Answer, Connect, Place, Request};
use patchbay_core::api::view::{NewsKind, Status};
use patchbay_core::client::Scope;
use serde_json::{Value, json};

use crate::api::{World, place, world};

use super::CODEX;

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
