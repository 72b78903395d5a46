//! Entries with several secrets are brought in with all of them, or stay as they are.

use std::collections::BTreeMap;

use patchbay_core::Code;
use patchbay_core::api::message::Request;
use patchbay_core::api::view::FoundBlock;
use patchbay_core::catalog;
use patchbay_core::probe::Verdict;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::world;

#[rstest]
#[case::native(&|url: &str, one: &str, two: &str| json!({ "type": "http", "url": url, "headers": { "X-Practice-Key": two, "Authorization": format!("Bearer {one}") } }))]
#[case::go_between(&|url: &str, one: &str, two: &str| json!({ "command": "npx", "args": ["-y", "mcp-remote", url, "--allow-http", "--header", "Authorization:${X}", "--header", "X-Practice-Key:${Y}"], "env": { "X": format!("Bearer {one}"), "Y": two } }))]
#[case::in_arguments(&|url: &str, one: &str, two: &str| json!({ "command": "npx", "args": ["mcp-remote", url, "--header", format!("X-Practice-Key:{two}"), "--header", format!("Authorization:Bearer {one}")] }))]
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_two_secrets_is_brought_in_with_both(#[case] entry: &dyn Fn(&str, &str, &str) -> Value) {
    let world = world().await;
    let (one, two) = (world.token(&["profile:read"]).await.1, world.token(&["notes:read"]).await.1);
    let entry = entry(&world.practice.pair_url(), &one, &two);
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    let before = world.files();
    let done = world.import("it").await.expect("brought in");
    for secret in [&one, &two] {
        let history = world.home.data().join("history");
        assert!(world.home.files_with(secret).iter().all(|path| path.starts_with(&history)), "only what undoes it");
    }
    assert_eq!(world.stored(&world.token_kept().key()).as_deref(), Some(one.as_str()));
    assert_eq!(world.stored(&world.beside_kept().key()).as_deref(), Some(two.as_str()));
    assert_eq!(world.checked_pair().await.verdict, Verdict::Working);
    world.do_it(Request::Undo { change: done.change }).await.expect("undone");
    assert_eq!(world.files(), before);
    assert_eq!(world.found_with("it").await.joins.as_deref(), Some(done.id.as_str()), "it is known again");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_with_another_second_secret_are_another_connection() {
    let world = world().await;
    let (one, two, three) = ("canary-one-0123456789", "canary-two-0123456789", "canary-three-0123456789");
    let url = "https://mcp.datadoghq.eu/api/unstable/mcp-server/mcp";
    let entry =
        |key: &str| json!({ "type": "http", "url": url, "headers": { "DD-APPLICATION-KEY": key, "DD-API-KEY": one } });
    let servers = json!({ "mcpServers": { "mine": entry(two), "team": entry(three) } });
    world.home.write("claude-code", &servers.to_string());
    let (mine, team) = (world.found_with("mine").await, world.found_with("team").await);
    assert_ne!(mine.id, team.id);
    assert_eq!((mine.provider.as_str(), mine.blocked), ("datadog", None));
    assert_eq!(mine.settings["site"], "eu1");
    world.import("mine").await.expect("brought in");
    let kept = world.kept();
    assert_eq!(
        kept.auth,
        catalog::find("datadog").expect("a pack").resolve(&BTreeMap::new()).expect("it resolves").auth
    );
    let endpoint = world.patchbay.endpoint(&kept, None).await.expect("an endpoint");
    let sent = [("Dd-Api-Key", one), ("Dd-Application-Key", two)].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(endpoint.exposed_headers(), sent);
    assert_eq!(world.found_with("team").await.joins, None, "its second secret is another one");
}

/// What is not in the file cannot come along, and without it the rest is worth nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_a_secret_that_stands_elsewhere_stays_as_it_is() {
    let world = world().await;
    let headers = json!({ "Authorization": "Bearer canary-one-0123456789", "X-App-Key": "${APP_KEY}" });
    let entry = json!({ "type": "http", "url": "https://example.com/mcp", "headers": headers });
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    let before = world.files();
    assert_eq!(world.found_with("it").await.blocked, Some(FoundBlock::SeveralSecrets));
    assert_eq!(world.import("it").await.err().map(|error| error.code), Some(Code::ImportImpossible));
    assert_eq!((world.files(), world.secrets()), (before, 0));
}
