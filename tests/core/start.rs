//! The check the way an app does it: what would be started, on three systems, by each app's own rules.

/// Consent, and what is kept.
#[cfg(unix)]
#[path = "start/door.rs"]
mod door;
/// Real programs, well-behaved and not.
#[cfg(unix)]
#[path = "start/run.rs"]
mod run;
/// Addresses, each asked in the ways that its app speaks.
#[cfg(unix)]
#[path = "start/ways.rs"]
mod ways;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use patchbay_core::client::{self, Scope};
use patchbay_core::start::{Action, AroundFrom, FindingKind, Known, Plan, Start, Subject, around, plan};
use patchbay_core::{Host, Platform};
use rstest::rstest;
use serde_json::{Value, json};

/// A machine with these variables.
fn host(platform: Platform, home: &Path, env: &[(&str, &str)]) -> Host {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Host { env, ..Host::bare(platform, home, Timestamp::UNIX_EPOCH) }
}

/// What an app would do with an entry.
fn planned(host: &Host, app: &str, value: &Value, known: &Known) -> Plan {
    let client = client::find(app).expect("an app");
    let subject = Subject { client, scope: &Scope::User, name: "it", value, own: Path::new("/data/bin/patchbay") };
    plan(&subject, &around(host, client, known))
}

fn start(plan: &Plan) -> &Start {
    match &plan.action {
        Action::Start(start) => start,
        _ => panic!("it is a program"),
    }
}

/// What was found, but for the note that an app's rules are not known for sure.
fn kinds(plan: &Plan) -> Vec<FindingKind> {
    plan.findings.iter().map(|finding| finding.kind).filter(|kind| *kind != FindingKind::RulesNotSure).collect()
}

/// Writes a program.
fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    let file = folder.join(name);
    std::fs::write(&file, text).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("made a program");
    file
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_program_that_only_a_terminal_finds_is_told_with_both_places() {
    let home = tempfile::tempdir().expect("a folder");
    let npx = program(&home.path().join("nvm"), "npx-of-the-test", "#!/bin/sh\n");
    let path = format!("{}:/usr/bin:/bin", text(&home.path().join("nvm")));
    let mac = host(Platform::MacOs, home.path(), &[("PATH", &path), ("HOME", "/Users/a")]);
    let entry = json!({ "command": "npx-of-the-test", "args": ["-y", "x"] });
    let desktop = planned(&mac, "claude-desktop", &entry, &Known::default());
    assert_eq!(kinds(&desktop), [FindingKind::NotOnAppPath]);
    assert_eq!(desktop.findings[0].there.as_deref(), npx.to_str());
    assert_eq!((desktop.from, desktop.program()), (AroundFrom::Desktop, None));
    let shell = planned(&mac, "codex", &entry, &Known::default());
    assert_eq!((shell.program(), kinds(&shell)), (Some(&npx), vec![]));
    let asks_the_shell = planned(&mac, "cursor", &entry, &Known::default());
    assert_eq!(asks_the_shell.program(), Some(&npx));
}

#[test]
fn the_desktop_of_linux_is_believed_before_the_terminal_that_asks_and_the_running_app_before_both() {
    let home = tempfile::tempdir().expect("a folder");
    let tool = program(&home.path().join("bin"), "tool", "#!/bin/sh\n");
    let own = text(&home.path().join("bin"));
    let linux = host(Platform::Linux, home.path(), &[("PATH", &own)]);
    let env = |path: &str| Some(BTreeMap::from([("PATH".to_owned(), path.to_owned())]));
    let entry = json!({ "command": "tool" });
    let session = Known { session: env("/usr/bin"), ..Known::default() };
    assert_eq!(kinds(&planned(&linux, "claude-desktop", &entry, &session)), [FindingKind::NotOnAppPath]);
    let running = Known { running: env(&own), session: env("/usr/bin"), shell_path: None };
    let plan = planned(&linux, "claude-desktop", &entry, &running);
    assert_eq!((plan.program(), plan.from), (Some(&tool), AroundFrom::Running));
    assert_eq!(planned(&linux, "claude-desktop", &entry, &Known::default()).program(), Some(&tool));
}

#[rstest]
#[case("claude-desktop", "${SET} $SET ${env:SET}", "${SET} $SET ${env:SET}")]
#[case("claude-code", "${SET} $SET ${env:SET} ${NO:-b} ${NO}", "v $SET ${env:SET} b ${NO}")]
#[case("codex", "${SET} $SET", "${SET} $SET")]
#[case("cursor", "${env:SET}|${env:NO}|${userHome}|${/}|${SET}", "v||HOME|/|${SET}")]
#[case("vscode", "${env:SET} ${input:tok} ${workspaceFolder}", "v ${input:tok} HOME")]
#[case("windsurf", "${env:SET} ${file:HOME/secret}", "v s3cret")]
#[case("gemini-cli", "$SET ${SET} ${NO:-b} $NO ${env:SET}", "v v b $NO ${env:SET}")]
#[case("copilot-cli", "$SET ${OWN} ${NO}", "v own ${NO}")]
#[case("roo-code", "${env:SET} ${SET}", "v ${SET}")]
#[case("kiro", "${SET} ${env:SET}", "v ${env:SET}")]
#[case("continue", "${{ secrets.SET }} ${SET}", "v ${SET}")]
#[case("zed", "${SET} $", "${SET} $")]
fn each_app_fills_in_what_it_knows_and_leaves_the_rest(#[case] app: &str, #[case] written: &str, #[case] filled: &str) {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("secret"), "s3cret\n").expect("written");
    let here = text(home.path());
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin"), ("SET", "v")]);
    let entry = json!({ "command": "cat", "args": [written.replace("HOME", &here)], "env": { "OWN": "own" } });
    let plan = planned(&linux, app, &entry, &Known::default());
    assert_eq!(start(&plan).args, [filled.replace("HOME", &here)]);
}

#[test]
fn a_variable_that_is_not_set_is_named_unless_the_program_fills_it_in_itself() {
    let home = tempfile::tempdir().expect("a folder");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin")]);
    let found = |entry: Value| {
        let plan = planned(&linux, "claude-code", &entry, &Known::default());
        plan.findings.iter().map(|one| (one.kind, one.name.clone().unwrap_or_default())).collect::<Vec<_>>()
    };
    let missing = found(json!({ "command": "cat", "args": ["${MISSING}"], "env": { "A": "${ALSO}" } }));
    let not_set = |name: &str| (FindingKind::NotSet, name.to_owned());
    assert_eq!(missing, [not_set("MISSING"), not_set("ALSO")]);
    assert_eq!(
        found(json!({ "command": "cat", "args": ["${env:X}"] })),
        [(FindingKind::NotFilledIn, "${env:X}".to_owned())]
    );
    let own = json!({ "command": "cat", "args": ["mcp-remote", "A:${KEY}"], "env": { "KEY": "v" } });
    assert_eq!(found(own), []);
}

#[rstest]
#[case("claude-desktop", Platform::Linux, &["HOME", "PATH", "SHELL"])]
#[case("claude-desktop", Platform::Windows, &["APPDATA", "PATH"])]
#[case("codex", Platform::Linux, &["HOME", "LANG", "PATH", "SHELL"])]
#[case("gemini-cli", Platform::Linux, &["APPDATA", "DISPLAY", "HOME", "LANG", "PATH", "SHELL"])]
#[case("claude-code", Platform::Linux, &["APPDATA", "CLAUDECODE", "DISPLAY", "HOME", "LANG", "PATH", "SHELL", "X_API_KEY"])]
fn a_program_gets_what_its_app_hands_on(#[case] app: &str, #[case] platform: Platform, #[case] names: &[&str]) {
    let home = tempfile::tempdir().expect("a folder");
    let all = ["HOME", "PATH", "SHELL", "LANG", "DISPLAY", "APPDATA", "X_API_KEY", "PATCHBAY_DATA_DIR"];
    let env: Vec<_> = all.iter().map(|name| (*name, "/usr/bin")).collect();
    let plan = planned(&host(platform, home.path(), &env), app, &json!({ "command": "x" }), &Known::default());
    assert_eq!(start(&plan).env.keys().map(String::as_str).collect::<Vec<_>>(), names);
}

#[test]
fn an_entrys_own_variables_count_last_and_may_be_numbers_or_gone() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join(".env"), "# mine\nexport FROM_FILE='f'\nBOTH=file\n").expect("written");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin"), ("GONE", "1")]);
    let entry = json!({ "command": "cat", "envFile": "${userHome}/.env",
        "env": { "N": 7, "GONE": null, "BOTH": "entry" } });
    let plan = planned(&linux, "vscode", &entry, &Known::default());
    let env = &start(&plan).env;
    let get = |name: &str| env.get(name).map(String::as_str);
    assert_eq!((get("N"), get("GONE"), get("BOTH"), get("FROM_FILE")), (Some("7"), None, Some("entry"), Some("f")));
    let ignored = planned(&linux, "claude-code", &entry, &Known::default());
    assert!(!start(&ignored).env.contains_key("FROM_FILE"));
}

#[test]
fn codex_hands_on_what_an_entry_names() {
    let home = tempfile::tempdir().expect("a folder");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/bin"), ("MORE", "m"), ("LEFT", "l")]);
    let entry = json!({ "command": "cat", "env_vars": ["MORE", { "name": "NOT_THERE" }] });
    let plan = planned(&linux, "codex", &entry, &Known::default());
    let env = &start(&plan).env;
    assert_eq!((env.get("MORE").map(String::as_str), env.get("LEFT")), (Some("m"), None));
    assert_eq!(start(&plan).variables.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["MORE"]);
    let other = host(Platform::Linux, home.path(), &[("PATH", "/bin"), ("MORE", "n"), ("LEFT", "l")]);
    assert_ne!(plan.digest(""), planned(&other, "codex", &entry, &Known::default()).digest(""));
    assert_eq!(kinds(&plan), [FindingKind::NotSet]);
}

#[test]
fn what_cannot_be_started_is_told_before_anything_is() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("plain"), "no program").expect("written");
    let script = program(home.path(), "script", "#!/usr/bin/env no-such-interpreter\n");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin")]);
    let found = |entry: Value| kinds(&planned(&linux, "claude-code", &entry, &Known::default()));
    assert_eq!(found(json!({ "command": "no-such-program" })), [FindingKind::ProgramMissing]);
    assert_eq!(found(json!({ "command": text(&home.path().join("plain")) })), [FindingKind::NotExecutable]);
    assert_eq!(found(json!({ "command": "cat -y some-package" })), [FindingKind::CommandHoldsArguments]);
    assert_eq!(found(json!({ "command": text(&script) })), [FindingKind::NeedsProgram]);
    assert_eq!(found(json!({ "command": "/gone/bin/patchbay", "args": ["bridge", "a"] })), [FindingKind::OldPatchbay]);
    assert_eq!(found(json!({ "command": "cat", "disabled": true })), [FindingKind::SwitchedOff]);
    let codex = planned(&linux, "codex", &json!({ "command": "cat", "cwd": "/no/such/folder" }), &Known::default());
    assert_eq!(kinds(&codex), [FindingKind::FolderMissing]);
}

#[test]
fn on_windows_a_script_with_a_blank_in_its_words_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    program(&home.path().join("node"), "npx.cmd", "");
    let windows = host(Platform::Windows, home.path(), &[("Path", &text(&home.path().join("node")))]);
    let found = |args: Value| {
        let plan = planned(&windows, "claude-desktop", &json!({ "command": "npx", "args": args }), &Known::default());
        (plan.program().is_some(), kinds(&plan))
    };
    assert_eq!(
        found(json!(["-y", "mcp-remote", "--header", "Authorization: Bearer x"])),
        (true, vec![FindingKind::BlanksCut])
    );
    assert_eq!(found(json!(["-y", "mcp-remote"])), (true, vec![]));
}

#[test]
fn a_plan_is_another_one_where_anything_that_would_be_started_differs_and_shows_no_secret() {
    let home = tempfile::tempdir().expect("a folder");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin"), ("MY_TOKEN", "canary-outer-01")]);
    let base = json!({ "command": "cat", "args": ["--token=canary-argument", "${MY_TOKEN}"], "env": { "API_KEY": "canary-inner-01" } });
    let digest = |value: &Value, salt: &str| planned(&linux, "claude-code", value, &Known::default()).digest(salt);
    let own = digest(&base, "salt");
    assert_eq!(own, digest(&base, "salt"));
    assert_ne!(own, digest(&base, "other"));
    for (place, other) in [("/command", "tac"), ("/args/0", "--token=b"), ("/env/API_KEY", "canary-inner-02")] {
        let mut changed = base.clone();
        *changed.pointer_mut(place).expect("a place") = other.into();
        assert_ne!(own, digest(&changed, "salt"), "{place}");
    }
    let plan = planned(&linux, "claude-code", &base, &Known::default());
    assert_eq!(start(&plan).args[1], "canary-outer-01", "the program gets it");
    assert_eq!(plan.shown_command(start(&plan))[1..], ["--token=•••", "•••"]);
    assert_eq!(plan.hide("x canary-inner-01 --token=canary-argument"), "x ••• --token=•••");
}

#[rstest]
#[case(&["-c", "X_TOKEN=abcdefgh1234; rm -rf ~"], &["-c", "X_TOKEN=•••; rm -rf ~"])]
#[case(&["--api-key", "rm -rf ~"], &["--api-key", "rm -rf ~"])]
#[case(&["--api-key", "abc"], &["--api-key", "•••"])]
#[case(&["--key=abc", "--pass", "-x"], &["--key=•••", "--pass", "-x"])]
#[case(&["--header", "Authorization: Bearer abc"], &["--header", "Authorization: Bearer •••"])]
#[case(&["--header", "Authorization:${AUTH}"], &["--header", "Authorization:${AUTH}"])]
#[case(&["input('Password: ')"], &["input('Password: ')"])]
#[case(&["a\nb", "\u{202e}gpj.exe"], &["a\\nb", "\\u{202e}gpj.exe"])]
#[case(&["https://h/mcp?api_key=abcdefgh1234&x=1"], &["https://h/mcp?api_key=•••&x=1"])]
fn nothing_of_a_command_is_hidden_but_the_secret_itself(#[case] args: &[&str], #[case] shown: &[&str]) {
    let home = tempfile::tempdir().expect("a folder");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/usr/bin:/bin")]);
    let plan = planned(&linux, "codex", &json!({ "command": "sh", "args": args }), &Known::default());
    assert_eq!(plan.shown_command(start(&plan))[1..], *shown);
}

/// Consent is for what was seen, and a folder's path is no secret, whatever its variable is called.
#[test]
fn the_path_of_a_program_is_never_hidden() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = text(home.path());
    let tool = text(&program(&home.path().join("tools"), "canary-door-0123", ""));
    let env = [("PATH", "/bin"), ("PWD", &folder), ("DB_PWD", "canary-door-0123"), ("MY_KEY", &folder)];
    let linux = host(Platform::Linux, home.path(), &env);
    let entry = json!({
        "command": "${PWD}/with space/nope",
        "args": ["${DB_PWD}", "PWD=/some/where", "pwd=canary-door-0124"],
        "env": { "AT": "${MY_KEY}/x", "OLDPWD": &folder, "SIGN_KEY": &tool, "MYSQL_PWD": "canary-door-0125" },
    });
    let plan = planned(&linux, "claude-code", &entry, &Known::default());
    let shown = [&format!("{folder}/with space/nope"), "•••", "PWD=/some/where", "pwd=•••"];
    assert_eq!(plan.shown_command(start(&plan)), shown);
    let hidden = |name: &str| start(&plan).variables.iter().any(|one| one.name == name && one.secret);
    assert_eq!(["AT", "OLDPWD", "SIGN_KEY", "MYSQL_PWD"].map(hidden), [false, false, false, true]);
    assert_eq!(plan.shown_text(&format!("{folder}/x")), format!("{folder}/x"));
    let own = json!({ "command": tool, "env": { "API_TOKEN": "canary-door-0123" } });
    let plan = planned(&linux, "claude-code", &own, &Known::default());
    assert_eq!(plan.shown_command(start(&plan)), [tool], "one that is found is shown whatever stands in it");
}

#[test]
fn an_address_is_asked_with_the_headers_that_its_app_would_send() {
    let home = tempfile::tempdir().expect("a folder");
    let linux = host(Platform::Linux, home.path(), &[("PATH", "/bin"), ("TOK", "canary-9"), ("WHO", "me")]);
    let sent = |app: &str, value: Value| match planned(&linux, app, &value, &Known::default()).action {
        Action::Send(sending) => (sending.url, sending.headers, sending.helper.map(|helper| helper.env)),
        _ => panic!("it is an address"),
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let codex = json!({ "url": "https://h/mcp", "bearer_token_env_var": "TOK", "env_http_headers": { "X-Who": "WHO" }, "http_headers": { "A": "${WHO}" } });
    assert_eq!(
        sent("codex", codex).1,
        [pair("A", "${WHO}"), pair("Authorization", "Bearer canary-9"), pair("X-Who", "me")]
    );
    let gemini = json!({ "httpUrl": "https://h/$WHO", "headers": { "A": "x${NO}y" } });
    assert_eq!(sent("gemini-cli", gemini), ("https://h/me".to_owned(), vec![pair("A", "xy")], None));
    let code = json!({ "type": "http", "url": "https://h/${WHO}", "headersHelper": "helper" });
    let helper = sent("claude-code", code).2.expect("a helper");
    assert_eq!(helper["CLAUDE_CODE_MCP_SERVER_URL"], "https://h/me");
    let code = sent("codex", json!({ "url": "https://h/", "http_headers_helper": "helper" })).2.expect("a helper");
    assert_eq!(code.into_keys().collect::<Vec<_>>(), ["PATH"]);
}
