//! The check the way an app does it, with the real program: our own bridge as each app starts it, and strangers' programs.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use patchbay_test_support::Home;
use patchbay_test_support::practice::Practice;
use serde_json::{Value, json};

use crate::{code, patchbay_in};

/// The practice service as a program of its own.
struct Service {
    program: Child,
    url: String,
    practice: Practice,
}

impl Service {
    fn start(home: &Home) -> Self {
        use std::io::BufRead;
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["practice", "--port", "0", "--json", "--until-input-ends"]).env_clear().envs(home.env());
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let mut told = std::io::BufReader::new(program.stdout.take().expect("its output"));
        let value = loop {
            let before = line.len();
            assert!(told.read_line(&mut line).expect("readable") > 0, "{}", &line[before..]);
            if let Ok(value) = serde_json::from_str::<Value>(&line) {
                break value;
            }
        };
        let url = value["mcp"].as_str().expect("its address").to_owned();
        let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("a port");
        Self { program, practice: Practice::at(port.parse().expect("a number")), url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.program.stdin.take());
        // It ends with its input.
        let _ = self.program.wait();
    }
}

fn in_session(home: &Home, args: &[&str], input: Option<&str>) -> Output {
    let folder = home.path().join("run").display().to_string();
    patchbay_in(home, args, input, &[("XDG_RUNTIME_DIR", &folder)])
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// A home with a vault, and the practice service connected to these apps.
fn connected(apps: &str) -> (Home, Service, String) {
    let home = Home::new();
    home.write("claude-desktop", "{}");
    home.write("claude-code", "{}");
    home.write("codex", "");
    std::fs::create_dir_all(home.path().join("run")).expect("a folder");
    assert_eq!(code(&in_session(&home, &["vault", "create"], Some("a long passphrase"))).0, 0);
    let service = Service::start(&home);
    let (id, token) = service.practice.make("test", 3600).expect("a token");
    let url = format!("url={}", service.url);
    let add = ["add", "--provider", "practice", "--name", "notes", "--app", apps, "--set", &url, "--token-stdin"];
    assert_eq!(code(&in_session(&home, &add, Some(&token))).0, 0);
    (home, service, id)
}

/// Writes a stranger's program into Claude Code's file.
fn stranger(home: &Home, script: &str) {
    let file = home.path().join("server");
    std::fs::write(&file, script).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("made a program");
    let entry =
        json!({ "command": file, "args": ["--name", "two words"], "env": { "API_TOKEN": "canary-stranger-01" } });
    home.write("claude-code", &json!({ "mcpServers": { "own": entry } }).to_string());
}

#[test]
fn our_bridge_works_the_way_each_app_starts_it_and_asks_nobody() {
    let (home, service, token) = connected("claude-desktop,claude-code,codex");
    let checked = in_session(&home, &["check", "notes", "--as-app", "--json"], None);
    let all = told(&checked);
    let apps: Vec<_> = all.as_array().expect("a list").iter().map(|one| one["client"].clone()).collect();
    assert_eq!(apps, ["claude-desktop", "claude-code", "codex"]);
    for one in all.as_array().expect("a list") {
        assert_eq!((&one["report"]["works"], &one["direct"]), (&json!(true), &json!("working")), "{one}");
        let call = one["report"]["steps"].as_array().expect("steps").last().expect("a call").clone();
        assert_eq!((&call["kind"], &call["mark"]), (&json!("call"), &json!("passed")), "the harmless tool was called");
    }
    assert!(!home.data().join("runs/notes").exists(), "a check is no use by an app");
    service.practice.revoke(&token).expect("revoked");
    let refused = in_session(&home, &["check", "notes", "--as-app", "codex", "--json"], None);
    assert_eq!(refused.status.code(), Some(1));
    let one = told(&refused)[0].clone();
    assert_eq!((&one["report"]["works"], &one["direct"]), (&json!(false), &json!("token_refused")), "{one}");
    assert_eq!(one["report"]["said"], json!([]), "our own log says it no better");
    assert_eq!((&one["differs"], &one["report"]["findings"][0]["kind"]), (&Value::Null, &json!("refused")), "{one}");
}

#[test]
fn an_address_is_asked_as_its_app_asks_it_also_with_headers_from_a_program() {
    let (home, service, _) = connected("codex");
    let (_, token) = service.practice.make("own", 3600).expect("a token");
    let program = home.data().join("bin/patchbay");
    let file = json!({ "mcpServers": {
        "literal": { "type": "http", "url": service.url, "headers": { "Authorization": format!("Bearer {token}") } },
        "wrong": { "type": "http", "url": service.url, "headers": { "Authorization": "Bearer ${NOT_THERE}" } },
        "helper": { "type": "http", "url": service.url, "headersHelper": format!("{} headers notes", program.display()) },
        "broken": { "type": "http", "url": service.url, "headersHelper": "echo canary >&2; exit 3" },
    } });
    home.write("claude-code", &file.to_string());
    let check = |name: &str| {
        let entry = format!("claude-code/{name}");
        let said = in_session(&home, &["check", "--entry", &entry, "--yes", "--json"], None);
        assert!(!String::from_utf8_lossy(&said.stdout).contains(&token));
        told(&said)[0]["report"].clone()
    };
    assert_eq!((&check("literal")["works"], &check("helper")["works"]), (&json!(true), &json!(true)));
    let wrong = check("wrong");
    assert_eq!((&wrong["works"], &wrong["service"]["verdict"]), (&json!(false), &json!("token_refused")), "{wrong}");
    assert_eq!(wrong["findings"][0], json!({ "kind": "not_set", "name": "NOT_THERE", "there": null }));
    assert_eq!(check("broken")["findings"][0]["kind"], "helper_failed");
}

#[test]
fn an_address_that_fails_is_told_in_a_sentence_and_nothing_was_sent_before_a_yes() {
    let home = Home::new();
    let file = json!({ "mcpServers": { "remote": { "type": "http", "url": "http://127.0.0.1:9/mcp" } } });
    home.write("claude-code", &file.to_string());
    let asked = in_session(&home, &["check", "--entry", "claude-code/remote"], None);
    let words = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!((asked.status.code(), words.contains("Nothing was sent")), (Some(2), true), "{words}");
    let checked = in_session(&home, &["check", "--entry", "claude-code/remote", "--yes"], None);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("turns every caller away. Compare the address"), "{said}");
}

#[test]
fn an_app_that_uses_it_is_named_where_another_was_asked_for() {
    let (home, _service, _) = connected("claude-code");
    let asked = in_session(&home, &["check", "notes", "--as-app", "codex"], None);
    let words = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(words.contains("Codex does not use notes; it is used by: Claude Code."), "{words}");
}

#[test]
fn where_only_the_apps_way_fails_that_is_said() {
    let (home, _service, _) = connected("claude-code");
    let file = home.read("claude-code");
    let moved = file.replace(&home.data().display().to_string(), "/tmp/.mount_gone");
    home.write("claude-code", &moved);
    // It is a stranger's now, but nothing would be started: there is nothing to say yes to.
    let checked = in_session(&home, &["check", "notes", "--as-app"], None);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("does not work the way Claude Code starts it"), "{said}");
    assert!(said.contains("where it no longer is") && said.contains("patchbay drift restore"), "{said}");
    assert!(said.contains("Directly it works; the way Claude Code does it, it does not."), "{said}");
}

#[test]
fn a_strangers_program_is_shown_whole_and_started_only_after_a_yes() {
    let home = Home::new();
    stranger(&home, "#!/bin/sh\ntouch \"$HOME/started\"\necho \"bad key $API_TOKEN\" >&2\nexit 4\n");
    let shown = in_session(&home, &["check", "--entry", "claude-code/own"], None);
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(code(&shown).0, 2);
    assert!(said.contains("two words") && said.contains("API_TOKEN=•••") && said.contains("/server"), "{said}");
    assert!(!home.path().join("started").exists() && !said.contains("canary"));
    let json = in_session(&home, &["check", "--entry", "claude-code/own", "--json"], None);
    assert_eq!(code(&json), (2, "usage".to_owned()));
    assert_eq!(told(&json)["plan"]["command"][2], "two words", "{json:?}");
    let started = in_session(&home, &["check", "--entry", "claude-code/own", "--yes"], None);
    let said = String::from_utf8_lossy(&started.stdout).into_owned();
    assert_eq!(started.status.code(), Some(1), "{said}");
    assert!(home.path().join("started").exists() && said.contains("it said: bad key •••"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn entries_that_are_not_there_and_words_that_do_not_fit_are_told() {
    let home = Home::new();
    home.write("codex", "");
    let exit = |args: &[&str]| code(&in_session(&home, args, None));
    assert_eq!(exit(&["check", "--entry", "codex", "--json"]), (2, "usage".to_owned()));
    assert_eq!(exit(&["check", "--entry", "nope/x", "--json"]), (2, "unknown_app".to_owned()));
    assert_eq!(exit(&["check", "--entry", "codex/x", "--json"]), (2, "usage".to_owned()));
    assert_eq!(exit(&["check", "nope", "--as-app", "--json"]), (2, "unknown_connection".to_owned()));
}

/// Whether a process is there and has not ended.
#[cfg(target_os = "linux")]
fn lives(number: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Waits at most ten seconds.
#[cfg(target_os = "linux")]
fn in_time(what: &str, is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed().as_secs() < 10, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_check_that_is_asked_to_go_leaves_nothing_running() {
    for signal in ["TERM", "HUP", "INT"] {
        let home = Home::new();
        stranger(&home, "#!/bin/sh\nsleep 3217 &\necho $! > \"$HOME/number\"\nwait\nsleep 1\n");
        std::fs::create_dir_all(home.path().join("run")).expect("a folder");
        let mut check = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        check.args(["check", "--entry", "claude-code/own", "--yes", "--json"]).env_clear().envs(home.env());
        check.env("XDG_RUNTIME_DIR", home.path().join("run")).stdin(Stdio::null());
        let mut check = check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let number = || std::fs::read_to_string(home.path().join("number")).unwrap_or_default().trim().to_owned();
        in_time("it starts the program", || !number().is_empty());
        let number = number();
        assert!(lives(&number));
        let sent = Command::new("kill").args([format!("-{signal}"), check.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        assert!(!check.wait().expect("it ends").success());
        in_time(&format!("nothing is left after {signal}"), || !lives(&number));
    }
}
