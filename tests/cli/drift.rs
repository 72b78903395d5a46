//! What was changed outside Patchbay: told with its details and the next step, and answered place by place.

use patchbay_test_support::Home;
use serde_json::{Value, json};

use crate::patchbay;

fn said(home: &Home, args: &[&str]) -> (i32, String) {
    let output = patchbay(home, args, None);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

/// A home where one connection is used in three apps, whose files are `(client, text)` before it.
fn connected() -> Home {
    let home = Home::new();
    for (client, text) in [("claude-desktop", "{}"), ("claude-code", "{}"), ("codex", "")] {
        home.write(client, text);
    }
    let add = ["add", "--provider", "custom", "--name", "My Service", "--set", "url=http://127.0.0.1:9/mcp"];
    let apps = ["--app", "claude-desktop", "claude-code", "codex"];
    assert_eq!(patchbay(&home, &[&add[..], &apps].concat(), None).status.code(), Some(0));
    home
}

#[test]
fn one_broken_file_does_not_keep_the_others_from_being_put_back_and_each_is_told() {
    let home = connected();
    let codex = home.read("codex");
    home.write("claude-desktop", "{}");
    home.write("claude-code", "{ broken");
    home.write("codex", "");
    let (exit, text) = said(&home, &["drift", "restore", "my-service"]);
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("Put back: my-service in Claude Desktop. Undo it with: patchbay undo "), "{text}");
    assert!(text.contains("Not done: my-service in Claude Code. "), "{text}");
    assert!(text.contains("Put back: my-service in Codex"), "{text}");
    assert_eq!((home.read("codex"), home.read("claude-code").as_str()), (codex, "{ broken"));
    assert!(home.read("claude-desktop").contains("bridge"));

    let change = text.lines().last().and_then(|line| line.rsplit(' ').next()).expect("a change").to_owned();
    assert_eq!(said(&home, &["undo", &change]).0, 0);
    assert_eq!(home.read("codex"), "", "what it says undoes it");
}

#[test]
fn what_was_answered_is_told_to_scripts_place_by_place() {
    let home = connected();
    home.write("claude-code", "{ broken");
    home.write("codex", "");
    let output = patchbay(&home, &["drift", "keep", "--all", "--json"], None);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["apps"], json!(["codex"]));
    let codes: Vec<_> =
        told["places"].as_array().expect("a list").iter().map(|one| one["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!("file_syntax"), Value::Null]);
    assert!(told["places"][1]["change"].is_string(), "{told}");
}

#[test]
fn without_a_connection_the_next_step_is_said_and_nothing_is_changed() {
    let home = connected();
    home.write("codex", "");
    let (exit, text) = said(&home, &["drift", "restore"]);
    assert_eq!(exit, 2);
    assert!(text.contains("patchbay drift") && text.contains("--all"), "{text}");
    assert_eq!(home.read("codex"), "");
    assert_eq!(said(&home, &["drift", "restore", "--all"]).0, 0);
    assert!(home.read("codex").contains("my-service"));
}

#[test]
fn every_field_that_differs_is_shown_without_tokens_and_then_the_next_step() {
    let home = connected();
    let changed = home.read("codex").replace(
        "args = [\"bridge\", \"my-service\"]",
        "args = [\"bridge\", \"my-service\", \"-v\"]\nenv = { LD_PRELOAD = \"/tmp/x.so\" }\ncwd = \"/tmp/\\u001b[2J\"\nhttp_headers = { Authorization = \"Bearer canary-0123456789abcdef\" }",
    );
    home.write("codex", &changed);
    let (exit, text) = said(&home, &["drift"]);
    assert_eq!(exit, 1);
    assert!(text.contains("and 3 more."), "{text}");
    assert!(text.contains("\n  args: [\"bridge\",\"my-service\"] -> [\"bridge\",\"my-service\",\"-v\"]\n"), "{text}");
    assert!(text.contains("\n  env: nothing -> {\"LD_PRELOAD\":"), "{text}");
    assert!(text.contains("\n  http_headers: nothing -> ") && !text.contains("canary"), "{text}");
    assert!(!text.contains('\u{1b}'), "nothing reaches the terminal but text");
    assert!(text.contains("patchbay drift restore my-service\n"), "{text}");
    assert!(text.contains("patchbay drift keep my-service\n"), "{text}");
}
