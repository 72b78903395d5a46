//! Real servers that apps start as programs, checked the way the apps do it.

use std::process::{Command, Output};

use patchbay_test_support::Home;
use serde_json::{Value, json};

use crate::{node, tool};

/// Checks an entry of Codex's, which hands on few variables.
fn check(entry: &Value) -> (Output, Value) {
    let home = Home::new();
    let text = |value: &Value| value.as_str().map(|text| format!("{text:?}")).unwrap_or_default();
    let args = entry["args"].as_array().expect("arguments").iter().map(text).collect::<Vec<_>>().join(", ");
    let path = entry["path"].as_str().unwrap_or("/usr/bin:/bin");
    home.write(
        "codex",
        &format!(
            "[mcp_servers.it]\ncommand = {}\nargs = [{args}]\nenv = {{ PATH = {path:?} }}\ncwd = {:?}\n",
            text(&entry["command"]),
            home.path().display().to_string()
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["check", "--entry", "codex/it", "--yes", "--json"]).env_clear().envs(home.env());
    let output = command.output().expect("it runs");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output, told[0]["report"].clone())
}

#[test]
fn server_everything_works_the_way_codex_starts_it() {
    let script = tool("everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let (_, report) = check(&json!({ "command": node(), "args": [script, "stdio"] }));
    assert_eq!(report["works"], true, "{report}");
    assert!(report["tools"].as_u64().is_some_and(|tools| tools > 5), "{report}");
}

#[test]
fn fastmcp_works_the_way_codex_starts_it() {
    let code = "from fastmcp import FastMCP; FastMCP('x').run(show_banner=False)";
    let (_, report) = check(&json!({ "command": tool("python/bin/python"), "args": ["-c", code] }));
    assert_eq!(report["works"], true, "{report}");
}

#[test]
fn npx_that_finds_no_node_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let script = home.path().join("npx");
    std::fs::write(&script, "#!/usr/bin/env no-node-here\n").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("made a program");
    let (output, report) = check(&json!({ "command": script, "args": ["-y", "x"], "path": "/nowhere" }));
    assert_eq!(output.status.code(), Some(1), "{report}");
    let kinds: Vec<_> = report["findings"].as_array().expect("a list").iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("needs_program")), "{report}");
}
