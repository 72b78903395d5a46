//! MCP Inspector's command line, through the bridge.

use std::process::Command;

use serde_json::{Value, json};

use crate::machine::{Machine, node, tool};

/// What Inspector says of a method, as JSON.
fn inspect(machine: &Machine, connection: &str, args: &[&str]) -> Value {
    let program = tool("inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    let mut command = Command::new(node());
    machine.as_app(&mut command);
    command.arg(program).args(["--cli", &machine.program(), "bridge", connection]).args(args);
    let output = command.output().expect("it starts");
    let [said, aside] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{said}{aside}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{aside}"))
}

#[test]
fn inspector_lists_and_calls_tools_with_a_token() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice();
    let (_, token) = practice.make("inspected", 3600).expect("a token");
    let set = format!("--set=url={url}");
    machine.patchbay(
        &["add", "--provider=practice", "--name=Inspected", &set, "--app=claude-code", "--token-stdin"],
        &token,
    );
    let listed = inspect(&machine, "inspected", &["--method", "tools/list"]);
    let mut names: Vec<_> =
        listed["tools"].as_array().expect("tools").iter().map(|tool| tool["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["add_note", "delete_note", "list_notes", "whoami"]);
    let whoami = inspect(&machine, "inspected", &["--method", "tools/call", "--tool-name", "whoami"]);
    assert_eq!(whoami["structuredContent"]["name"], json!("inspected"));
}
