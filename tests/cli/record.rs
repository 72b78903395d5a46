//! What the bridge leaves behind of its use, however soon it ends.

use std::io::Write;
use std::process::{Command, Stdio};

use patchbay_test_support::Home;
use serde_json::Value;

use crate::{ADD, patchbay};

const REQUEST: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"initialize\",\"params\":{}}\n";

/// The names and texts of all files in the folder of a connection's records.
fn records(home: &Home) -> Vec<(String, String)> {
    let files = std::fs::read_dir(home.data().join("runs/my-service")).into_iter().flatten().filter_map(Result::ok);
    let read = |file: std::fs::DirEntry| {
        (file.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(file.path()).expect("text"))
    };
    files.map(read).collect()
}

fn recorded(home: &Home) -> Value {
    let [(name, text)] = &records(home)[..] else { panic!("one record: {:?}", records(home)) };
    assert!(std::path::Path::new(name).extension().is_some_and(|end| end == "json"), "{name}");
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_bridge_that_ends_at_once_has_recorded_its_use() {
    for _ in 0..5 {
        let home = Home::new();
        home.write("codex", "");
        patchbay(&home, &ADD, None);
        patchbay(&home, &["bridge", "my-service"], Some(REQUEST));
        assert_eq!(recorded(&home)["error"], "unreachable");
    }
}

#[cfg(unix)]
#[test]
fn a_bridge_that_is_asked_to_go_has_recorded_its_use() {
    use std::io::{BufRead, BufReader};
    let home = Home::new();
    home.write("codex", "");
    patchbay(&home, &ADD, None);
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["bridge", "my-service"]).env_clear().envs(home.env());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(REQUEST.as_bytes()).expect("written");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("an answer");
    let asked = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    assert!(asked.success() && child.wait().expect("it ends").success());
    drop(stdin);
    assert_eq!(recorded(&home)["error"], "unreachable");
}

#[test]
fn a_bridge_without_use_leaves_nothing() {
    let home = Home::new();
    home.write("codex", "");
    patchbay(&home, &ADD, None);
    patchbay(&home, &["bridge", "my-service"], None);
    assert_eq!(records(&home), []);
}
