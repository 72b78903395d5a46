//! The program `patchbay`, as a black box: exit codes, one line of error, JSON, no secret in any output.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use patchbay_test_support::Home;
use serde_json::Value;

/// The apps: listed, and reopened where they run.
#[path = "cli/apps.rs"]
mod apps;
/// The check the way an app does it.
#[path = "cli/as_app.rs"]
mod as_app;
/// The program that a bridge becomes.
#[cfg(target_os = "linux")]
#[path = "cli/beside.rs"]
mod beside;
/// What was changed outside, told and answered.
#[path = "cli/drift.rs"]
mod drift;
/// Everything that can be wrong with a file, its folder and its disk.
#[cfg(target_os = "linux")]
#[path = "cli/faults.rs"]
mod faults;
/// Killed in the middle.
#[cfg(target_os = "linux")]
#[path = "cli/kill.rs"]
mod kill;
/// What the bridge leaves behind of its use.
#[path = "cli/record.rs"]
mod record;
/// Programs with their secrets in the environment.
#[path = "cli/run.rs"]
mod run;
/// Several secrets of one connection.
#[path = "cli/several.rs"]
mod several;
/// Sign-ins.
#[cfg(target_os = "linux")]
#[path = "cli/sign_in.rs"]
mod sign_in;
/// Tokens on standard input: looked at whole, also where nothing is to be changed.
#[path = "cli/tokens.rs"]
mod tokens;

/// What people read.
#[path = "cli/words.rs"]
mod words;

/// Leaving: what it shows, what it does, killed in the middle.
#[path = "cli/uninstall.rs"]
mod uninstall;

/// How services are reached: told, set, tried; the bridge through a company's proxy.
#[cfg(target_os = "linux")]
#[path = "cli/network.rs"]
mod network;

/// A service that speaks HTTP/2 alone.
#[path = "cli/http2.rs"]
mod http2;
/// Certificates.
#[path = "cli/tls.rs"]
mod tls;

fn patchbay(home: &Home, args: &[&str], input: Option<&str>) -> Output {
    patchbay_in(home, args, input, &[])
}

fn patchbay_in(home: &Home, args: &[&str], input: Option<&str>, more: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(args).env_clear().envs(home.env()).envs(more.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.unwrap_or_default().as_bytes()).expect("written");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// The exit code, and the code of the error as it is told with `--json`; none where there is no error.
fn code(output: &Output) -> (i32, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.trim_end().lines().count() <= 1, "one line: {said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap_or(-1), told["error"]["code"].as_str().unwrap_or_default().to_owned())
}

const ADD: [&str; 9] =
    ["add", "--provider", "custom", "--name", "My Service", "--app", "codex", "--set", "url=http://127.0.0.1:9/mcp"];

#[test]
fn a_connection_without_a_token_is_added_listed_and_removed_to_the_same_bytes() {
    let home = Home::new();
    home.write("codex", "# mine\r\nmodel = \"x\"\r\n");
    let added = patchbay(&home, &[&ADD[..], &["--json"]].concat(), None);
    let value: Value = serde_json::from_slice(&added.stdout).expect("only JSON on standard output");
    assert_eq!(value["id"], "my-service");
    let listed: Value = serde_json::from_slice(&patchbay(&home, &["list", "--json"], None).stdout).expect("JSON");
    assert_eq!(listed["connections"][0]["used_in"][0]["client"], "codex");
    assert!(home.data().join("bin/patchbay").is_file(), "the entry's program is there");
    assert!(home.read("codex").contains(&home.data().join("bin/patchbay").display().to_string()));
    assert_eq!(code(&patchbay(&home, &["remove", "my-service"], None)).0, 0);
    assert_eq!(home.read("codex"), "# mine\r\nmodel = \"x\"\r\n");
}

#[test]
fn a_dry_run_changes_nothing_and_shows_no_token() {
    let home = Home::new();
    let before = "{\"mcpServers\": {\"a\": {\"command\": \"x\", \"env\": {\"API_TOKEN\": \"canary-plain-text\"}}}}";
    home.write("claude-desktop", before);
    let args = [
        "add",
        "--provider",
        "custom",
        "--name",
        "n",
        "--app",
        "claude-desktop",
        "--set",
        "url=https://example.com/mcp",
        "--dry-run",
    ];
    let shown = patchbay(&home, &args, None);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("\"bridge\", \"n\"") && !text.contains("canary-plain-text"), "{text}");
    assert_eq!(home.read("claude-desktop"), before);
    assert!(!home.data().join("state.json").exists());
}

#[test]
fn bad_usage_and_bad_input_exit_2_with_one_line() {
    let home = Home::new();
    home.write("codex", "broken = = \n");
    assert_eq!(code(&patchbay(&home, &["nonsense", "--json"], None)), (2, "usage".to_owned()));
    assert_eq!(code(&patchbay(&home, &[&ADD[..], &["--json"]].concat(), None)), (2, "file_syntax".to_owned()));
    assert_eq!(code(&patchbay(&home, &["remove", "nope", "--json"], None)), (2, "unknown_connection".to_owned()));
    assert_eq!(code(&patchbay(&home, &["undo", "nope", "--json"], None)), (2, "unknown_change".to_owned()));
    assert_eq!(code(&patchbay(&home, &["check", "nope", "--json"], None)), (2, "unknown_connection".to_owned()));
    assert_eq!(home.read("codex"), "broken = = \n");
}

#[test]
fn an_error_is_json_where_json_is_asked_for_and_a_sentence_for_people() {
    let home = Home::new();
    home.write("codex", "broken = = \n");
    let output = patchbay(&home, &[&ADD[..], &["--json"]].concat(), None);
    let told: Value = serde_json::from_slice(&output.stdout).expect("only JSON on standard output");
    let error = &told["error"];
    assert_eq!(error["path"], home.file("codex").display().to_string());
    let (message, hint) = (error["message"].as_str().expect("text"), error["hint"].as_str().expect("text"));
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(said, format!("{}. {hint}\n", message.trim_end_matches('.')), "two sentences, no code");
    let words = patchbay(&home, &ADD, None);
    assert_eq!((String::from_utf8(words.stderr).expect("text"), words.stdout), (said, Vec::new()));
    let started = patchbay(&home, &["headers", "nope", "--json"], None);
    assert_eq!((started.status.code(), started.stdout), (Some(2), Vec::new()), "apps read that as headers");
}

#[test]
fn usage_is_one_line_that_names_what_is_missing_and_where_to_look() {
    let home = Home::new();
    let said = |args: &[&str]| String::from_utf8(patchbay(&home, args, None).stderr).expect("text");
    let add = said(&["add"]);
    assert!(add.contains("--provider <PROVIDER>") && add.contains("See: patchbay add --help"), "{add}");
    let typed = "Unrecognized subcommand 'lisst'. A similar subcommand exists: 'list'. See: patchbay --help\n";
    assert_eq!(said(&["lisst"]), typed);
    assert_eq!(said(&[]), "Say what to do. See: patchbay --help\n");
    assert_eq!(said(&["--json"]), "Say what to do. See: patchbay --help\n");
    let account = ["add", "--provider", "xurrent", "--name", "X", "--app", "codex", "--create"];
    assert!(said(&account).contains("--set account=..."), "{}", said(&account));
    let services = patchbay(&home, &["services", "uipath"], None);
    assert!(String::from_utf8_lossy(&services.stdout).contains("--set organisation="), "{services:?}");
}

#[test]
fn what_needs_attention_exits_1() {
    let home = Home::new();
    home.write("codex", "");
    patchbay(&home, &ADD, None);
    let checked = patchbay(&home, &["check"], None);
    assert_eq!(checked.status.code(), Some(1), "nobody listens there");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let sentence = "my-service: The computer at this address turns every caller away. Compare the address with the \
                    service’s own page; if it is right, try again in a while.\n";
    assert!(said.starts_with(sentence), "{said}");
    home.write("codex", "");
    let drift = patchbay(&home, &["drift", "--json"], None);
    assert_eq!(drift.status.code(), Some(1));
    let drift: Value = serde_json::from_slice(&drift.stdout).expect("JSON");
    assert_eq!(
        (&drift["drift"][0]["connection"], &drift["drift"][0]["client"], &drift["drift"][0]["kind"]),
        (&"my-service".into(), &"codex".into(), &"removed".into())
    );
    assert_eq!(patchbay(&home, &["drift", "restore", "my-service"], None).status.code(), Some(0));
    assert_eq!(patchbay(&home, &["drift"], None).status.code(), Some(0));
}

#[test]
fn the_bridge_answers_every_request_even_where_nothing_is_there() {
    let home = Home::new();
    let request = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"initialize\",\"params\":{}}\n";
    let said = patchbay(&home, &["bridge", "nope"], Some(request));
    let answer: Value = serde_json::from_slice(&said.stdout).expect("one JSON-RPC message");
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&"a".into(), &"unknown_connection".into()));
    let said = patchbay(&home, &["bridge", "--url", "http://127.0.0.1:9/mcp"], Some(request));
    let answer: Value = serde_json::from_slice(&said.stdout).expect("one JSON-RPC message");
    assert_eq!(answer["error"]["data"]["code"], "unreachable");
}

#[test]
fn the_practice_service_ends_with_the_program_that_started_it() {
    let home = Home::new();
    let said = patchbay(&home, &["practice", "--port", "0", "--json", "--until-input-ends"], None);
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    let told: Value = serde_json::from_slice(&said.stdout).expect("one line of JSON");
    assert!(told["mcp"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{told}");
}

#[test]
fn without_a_keychain_a_token_is_not_saved_anywhere_else() {
    let home = Home::new();
    home.write("codex", "");
    let mut args = ADD.to_vec();
    args.extend(["--token-stdin", "--json"]);
    let refused = patchbay(&home, &args, Some("canary-token-0123456789"));
    let (exit, code) = code(&refused);
    assert_eq!(exit, 1, "{code}");
    assert!(code.starts_with("keychain_"), "{code}");
    assert_eq!(home.files_with("canary-token-0123456789"), Vec::<std::path::PathBuf>::new());
    assert_eq!(home.read("codex"), "");
}
