//! What people read: apps by their names, folders where an entry is for one, the time, one change or more.

use patchbay_test_support::Home;
use serde_json::json;

use crate::{ADD, patchbay, patchbay_in};

fn said(home: &Home, args: &[&str]) -> String {
    let output = patchbay(home, args, None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A home where Claude Code uses a connection in a folder, and somebody an entry of their own.
fn in_a_folder() -> (Home, String) {
    let home = Home::new();
    let folder = home.path().join("work").display().to_string();
    std::fs::create_dir(&folder).expect("made");
    let theirs = json!({ "type": "http", "url": "https://x.example/mcp" });
    let projects = json!({ "projects": { &folder: { "mcpServers": { "theirs": theirs } } } });
    home.write("claude-code", &projects.to_string());
    let add = ["add", "--provider", "custom", "--name", "n", "--app", "claude-code", "--folder", &folder];
    said(&home, &[&add[..], &["--set", "url=http://127.0.0.1:9/mcp"]].concat());
    (home, folder)
}

#[test]
fn a_place_is_an_app_by_name_and_its_folder() {
    let (home, folder) = in_a_folder();
    let listed = said(&home, &["list"]);
    assert!(listed.contains(&format!("used in Claude Code, for {folder}\n")), "{listed}");
    assert!(listed.contains(&format!("Claude Code, for {folder} also has: theirs\n")), "{listed}");
    let found = said(&home, &["import"]);
    assert!(found.contains(&format!("theirs in Claude Code, for {folder}")), "{found}");
    home.write("codex", "");
    assert!(said(&home, &["copy", "n", "--to", "codex"]).contains("Copied to Codex: n\n"));
}

#[test]
fn the_history_says_when_what_and_where() {
    let (home, folder) = in_a_folder();
    let changes: serde_json::Value = serde_json::from_str(&said(&home, &["history", "--json"])).expect("JSON");
    let at = changes[0]["at"].as_str().expect("a time").to_owned();
    let output = patchbay_in(&home, &["history"], None, &[("TZ", "UTC")]);
    let words = String::from_utf8(output.stdout).expect("text");
    assert!(words.contains(&format!("  {} {}  connected", &at[..10], &at[11..16])), "{at}: {words}");
    assert!(words.ends_with(&format!(" n in Claude Code, for {folder}\n")), "{words}");
}

#[test]
fn one_change_is_not_told_as_several() {
    let home = Home::new();
    let entry = json!({ "command": "x", "env": { "API_TOKEN": "canary-plain-0123456789" } });
    home.write("claude-code", &json!({ "mcpServers": { "a": entry } }).to_string());
    said(
        &home,
        &["add", "--provider", "custom", "--name", "n", "--set", "url=http://127.0.0.1:9/mcp", "--app", "claude-code"],
    );
    let purged = said(&home, &["history", "purge", "--all"]);
    assert!(purged.starts_with("Tokens taken out of 1 change."), "{purged}");
}

/// What does not run reads its settings when it starts.
#[cfg(target_os = "linux")]
#[test]
fn only_apps_that_run_are_said_to_be_reopened() {
    let home = Home::new();
    home.write("codex", "");
    // Whoever runs the tests may have it open.
    let apps: serde_json::Value =
        serde_json::from_slice(&patchbay(&home, &["apps", "--json"], None).stdout).expect("JSON");
    let is_open = apps.as_array().expect("a list").iter().any(|app| app["id"] == "codex" && app["running"] == true);
    assert_eq!(said(&home, &ADD).contains("reopen"), is_open);
    let program = home.path().join("codex");
    std::fs::copy("/bin/sleep", &program).expect("copied");
    let mut running = std::process::Command::new(&program).arg("60").spawn().expect("it starts");
    let told = said(&home, &["remove", "my-service"]);
    running.kill().expect("ended");
    running.wait().expect("ended");
    assert!(told.contains("Quit and reopen Codex to see it.\n"), "{told}");
}

#[test]
fn a_green_from_days_ago_is_not_said_to_work() {
    let (home, _) = in_a_folder();
    let state = home.data().join("state.json");
    let mut records: serde_json::Value = serde_json::from_slice(&std::fs::read(&state).expect("read")).expect("JSON");
    let at = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(73)).expect("in range");
    records["checks"]["n"] = json!({
        "verdict": "working", "layers": [], "at": at, "millis": 1, "server": null, "protocol": null, "tools": null,
        "detail": null, "missing_right": null, "retry_after": null,
    });
    std::fs::write(&state, records.to_string()).expect("written");
    let listed = said(&home, &["list"]);
    assert!(listed.contains("(worked 3 days ago, not checked since)"), "{listed}");
}

#[test]
fn what_was_added_and_not_tried_is_not_called_connected() {
    let home = Home::new();
    home.write("codex", "");
    let added = said(&home, &ADD);
    assert_eq!(added, "Added: my-service\nNot checked yet. Check it with: patchbay check my-service\n");
    let practice = ["add", "--provider", "practice", "--name", "Notes", "--app", "codex"];
    let added = said(&home, &practice);
    assert_eq!(added, "Added: notes\nIt is not signed in yet. Sign in with: patchbay sign-in notes\n");
    let headers = patchbay(&home, &["headers", "notes"], None);
    let why = String::from_utf8(headers.stderr).expect("text");
    assert_eq!(why, "Notes is not signed in. Sign in: patchbay sign-in notes\n");
}

#[test]
fn a_sign_in_replaces_no_token_unasked() {
    let home = Home::new();
    home.write("codex", "");
    said(&home, &ADD);
    let path = home.data().join("state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
    state["connections"][0]["credentials"] = json!([{ "id": "t-1", "label": "mine", "scopes": [],
        "created": "2026-01-01T00:00:00Z", "fingerprint": "0123456789ab", "origin": "http://127.0.0.1:9" }]);
    std::fs::write(&path, state.to_string()).expect("written");
    let refused = patchbay(&home, &["sign-in", "my-service"], None);
    let why = String::from_utf8(refused.stderr).expect("text");
    let said = "This connection has a token, and a sign-in would take its place in all apps that use it. \
                If you want that: patchbay sign-in my-service --replace-token\n";
    assert_eq!((refused.status.code(), why.as_str()), (Some(2), said));
    let goes_on = patchbay(&home, &["sign-in", "my-service", "--replace-token"], None);
    assert!(!String::from_utf8_lossy(&goes_on.stderr).contains("--replace-token"));
}

#[test]
fn apps_that_sign_in_by_themselves_get_the_address_alone() {
    let home = Home::new();
    home.write("codex", "");
    let url = "url=http://127.0.0.1:9/mcp";
    let add =
        ["add", "--provider", "custom", "--name", "n", "--set", url, "--app", "codex", "--wiring", "client-oauth"];
    for more in ["--token-stdin", "--sign-in"] {
        let refused = patchbay(&home, &[&add[..], &[more]].concat(), Some("canary-0123456789"));
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("sign in by themselves"), "{refused:?}");
    }
    let told = said(&home, &add);
    assert!(told.contains("Each app asks you to sign in when it first uses it"), "{told}");
    let written = home.read("codex");
    assert!(written.contains("http://127.0.0.1:9/mcp") && !written.contains("bridge"), "{written}");
    let elsewhere = ["add", "--provider", "custom", "--name", "m", "--set", url, "--app", "claude-desktop", "--create"];
    let refused = patchbay(&home, &[&elsewhere[..], &["--wiring", "client-oauth"]].concat(), None);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot be connected in this way"), "{refused:?}");
}
