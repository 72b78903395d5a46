//! `patchbay run`: the program takes our place, with its secret in its environment and nowhere else.

#![cfg(unix)]

use std::process::{Command, Output, Stdio};

use patchbay_test_support::Home;
use serde_json::Value;

use crate::{code, patchbay, patchbay_in};

const TOKEN: &str = "canary-run-0123456789";

/// A home with a vault, and a program of Claude Code's brought in: `sh`, which reads its token.
fn home_with(script: &str) -> Home {
    let home = Home::new();
    let entry = serde_json::json!({ "command": "sh", "args": ["-c", script, "sh", "two words"],
        "env": { "ISSUE_TOKEN": TOKEN, "LANG": "C" } });
    home.write("claude-code", &serde_json::json!({ "mcpServers": { "issues": entry } }).to_string());
    std::fs::create_dir_all(home.path().join("run")).expect("a folder");
    assert_eq!(code(&in_session(&home, &["vault", "create"], Some("a long passphrase"))).0, 0);
    let brought = in_session(&home, &["import", "--all"], None);
    assert_eq!(code(&brought), (0, String::new()));
    assert!(!format!("{brought:?}").contains(TOKEN));
    home
}

fn in_session(home: &Home, args: &[&str], input: Option<&str>) -> Output {
    let folder = home.path().join("run").display().to_string();
    patchbay_in(home, args, input, &[("XDG_RUNTIME_DIR", &folder)])
}

/// What the entry says, started as an app would: with its variables and no other.
fn command(home: &Home) -> Command {
    let file: Value = serde_json::from_str(&home.read("claude-code")).expect("JSON");
    let entry = &file["mcpServers"]["issues"];
    assert!(!entry.to_string().contains(TOKEN) && entry["env"].get("ISSUE_TOKEN").is_none(), "{entry}");
    let args = entry["args"].as_array().expect("arguments").iter().map(|arg| arg.as_str().expect("text"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(args).env_clear().envs(home.env()).env("XDG_RUNTIME_DIR", home.path().join("run")).env("LANG", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_program_has_its_secret_its_arguments_its_input_and_its_exit_code() {
    let home = home_with("read line; echo \"$ISSUE_TOKEN|$1|$line|$LANG|$PATCHBAY_ADOPTED\"; exit 42");
    let mut child = command(&home).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut stdin, b"hello\n").expect("written");
    let said = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{TOKEN}|two words|hello|C|\n"));
    assert_eq!((said.status.code(), said.stderr), (Some(42), Vec::new()));
    let left = home.files_with(TOKEN);
    assert!(left.iter().all(|path| path.starts_with(home.data().join("history"))), "{left:?}");
    let runs = std::fs::read_dir(home.data().join("runs/issues")).expect("a record of the use");
    assert_eq!(runs.count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn no_process_stands_between_and_the_secret_is_in_no_argument() {
    use std::os::unix::process::ExitStatusExt;
    let home = home_with("echo $$; read line");
    let mut child = command(&home).spawn().expect("it starts");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().expect("its output"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("its id");
    assert_eq!(line.trim(), child.id().to_string(), "the shell has our process's id");
    let args = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("its arguments");
    assert!(!String::from_utf8_lossy(&args).contains(TOKEN));
    let asked = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    assert!(asked.success());
    assert_eq!(child.wait().expect("it ends").signal(), Some(15), "the signal is the program's");
}

#[test]
fn a_program_that_is_not_there_or_may_not_be_started_ends_as_in_a_shell() {
    let home = home_with("true");
    let run = |program: &str| in_session(&home, &["run", "issues", "--", program, "--flag"], None);
    let missing = run("no-such-program");
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(127));
    assert!(said.contains("no-such-program") && !said.contains(TOKEN) && missing.stdout.is_empty(), "{said}");
    let refused = run(home.file("claude-code").to_str().expect("a path"));
    assert_eq!(refused.status.code(), Some(126));
}

#[test]
fn a_program_is_nothing_that_a_check_could_fail_for() {
    let home = home_with("true");
    let checked = in_session(&home, &["check"], None);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!((code(&checked).0, said.lines().count()), (0, 1), "{said}");
    assert!(said.contains("cannot check it"), "{said}");
    assert_eq!(code(&in_session(&home, &["vault", "lock"], None)).0, 0);
    assert_eq!(code(&in_session(&home, &["check"], None)).0, 1, "its token cannot be read");
}

#[test]
fn a_token_in_a_shells_line_is_told_and_stays() {
    let home = Home::new();
    let entry = serde_json::json!({ "command": "bash", "args": ["-c", "API_TOKEN=canary0123456789 exec node s.js"] });
    home.write("claude-desktop", &serde_json::json!({ "mcpServers": { "it": entry } }).to_string());
    let said = |args: &[&str]| String::from_utf8_lossy(&patchbay(&home, args, None).stdout).into_owned();
    let (found, listed) = (said(&["import"]), said(&["list"]));
    assert!(found.contains("a token lies there in plain text (stays: token in arguments)"), "{found}");
    assert!(listed.contains("it (a token lies in plain text in it)"), "{listed}");
    assert!(!(found + &listed).contains("canary"));
}

#[test]
fn of_a_programs_tokens_the_one_that_is_named_is_renewed() {
    let home = home_with("true");
    let entry = serde_json::json!({ "command": "sh", "args": ["-c", "echo \"$A_TOKEN|$B_SECRET\""],
        "env": { "A_TOKEN": "canary-first-0123", "B_SECRET": "canary-second-0123" } });
    home.write("claude-desktop", &serde_json::json!({ "mcpServers": { "two": entry } }).to_string());
    assert_eq!(code(&in_session(&home, &["import", "--all"], None)), (0, String::new()));
    let renew =
        |more: &[&str], token: &str| in_session(&home, &[&["renew"], more, &["--token-stdin"]].concat(), Some(token));
    let known_shape = renew(&["issues"], "ghp_0123456789012345678901234567890123456");
    assert_eq!(code(&known_shape), (0, String::new()));
    assert!(String::from_utf8_lossy(&known_shape.stdout).contains("not checked"), "{known_shape:?}");
    for more in [&["two"][..], &["two", "--app", "claude-desktop"], &["two", "--variable", "C"]] {
        let refused = renew(more, "canary-new-0123456");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2));
        assert!(said.contains("--variable A_TOKEN or --variable B_SECRET"), "{said}");
    }
    assert_eq!(code(&renew(&["two", "--variable", "B_SECRET"], "canary-new-0123456")), (0, String::new()));
    let run = in_session(&home, &["run", "two", "--", "sh", "-c", "echo \"$A_TOKEN|$B_SECRET\""], None);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "canary-first-0123|canary-new-0123456\n");
}

#[test]
fn a_copy_that_leaves_something_out_needs_attention() {
    let home = home_with("true");
    home.write("codex", "[mcp_servers.issues]\ncommand = \"own\"\n");
    let copied = in_session(&home, &["copy", "issues", "--to", "codex"], None);
    let told = String::from_utf8_lossy(&copied.stderr).into_owned();
    assert!(copied.status.code() == Some(1) && told.starts_with("Not copied: issues. "), "{told}");
    assert_eq!(home.read("codex"), "[mcp_servers.issues]\ncommand = \"own\"\n");
    home.write("codex", "");
    assert_eq!(code(&in_session(&home, &["copy", "issues", "--to", "codex"], None)), (0, String::new()));
    assert!(home.read("codex").contains("\"run\", \"issues\""));
    assert_eq!(in_session(&home, &["copy", "--to", "codex"], None).status.code(), Some(2));
}

#[test]
fn without_its_secret_a_program_is_not_started() {
    let home = home_with("echo started");
    assert_eq!(code(&in_session(&home, &["vault", "lock"], None)).0, 0);
    let locked = command(&home).output().expect("it ends");
    assert_eq!((locked.status.code(), &locked.stdout[..]), (Some(1), &b""[..]));
    assert!(String::from_utf8_lossy(&locked.stderr).starts_with("The passphrase vault is locked. "), "{locked:?}");
    let unknown = patchbay(&home, &["run", "nobody", "--", "true"], None);
    assert_eq!(code(&unknown).0, 2);
    assert!(!home.data().join("runs/nobody").exists());
}
