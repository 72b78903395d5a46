use patchbay_test_support::Home;
use serde_json::Value;

use crate::{code, patchbay, patchbay_in};

const CODE: &str = "{\"numStartups\": 3}";
const CODEX: &str = "# mine\nmodel = \"x\"\n";

fn connected() -> Home {
    let home = Home::new();
    home.write("claude-code", CODE);
    home.write("codex", CODEX);
    for name in ["One", "Two"] {
        let args = ["add", "--provider", "custom", "--name", name, "--set", "url=http://127.0.0.1:9/mcp"];
        let added = patchbay(&home, &[&args[..], &["--app", "claude-code", "codex"]].concat(), None);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }
    home
}

fn json(home: &Home, args: &[&str]) -> Value {
    serde_json::from_slice(&patchbay(home, args, None).stdout).expect("only JSON on standard output")
}

#[test]
fn uninstalling_takes_everything_out_byte_for_byte_and_says_what_is_left() {
    let home = connected();
    let login = home.path().join(".config/autostart/Patchbay.desktop");
    std::fs::create_dir_all(login.parent().expect("a folder")).expect("made");
    std::fs::write(&login, "[Desktop Entry]\n").expect("written");
    let before = (home.read("claude-code"), home.read("codex"));
    let shown = json(&home, &["uninstall", "--dry-run", "--json"]);
    assert_eq!(shown["connections"], serde_json::json!(["One", "Two"]));
    assert_eq!(shown["plan"]["files"].as_array().map(Vec::len), Some(2));
    assert_eq!((home.read("claude-code"), home.read("codex")), before, "a dry run changes nothing");
    assert!(login.exists());

    let left = json(&home, &["uninstall", "--json"]);
    assert_eq!((&left["taken_out"], &left["login_ended"]), (&4.into(), &true.into()));
    assert_eq!(left["data_dir"], home.data().display().to_string());
    assert_eq!((home.read("claude-code").as_str(), home.read("codex").as_str()), (CODE, CODEX));
    assert!(!login.exists());
    assert_eq!(json(&home, &["list", "--json"])["connections"], serde_json::json!([]));
    assert_eq!(json(&home, &["uninstall", "--json"])["taken_out"], 0, "again there is nothing to do");

    // What was only taken out can be undone.
    assert!(patchbay(&home, &["undo"], None).status.success());
    assert!(home.read("codex").contains("[mcp_servers.two]"), "{}", home.read("codex"));
}

#[test]
fn entries_can_go_on_without_patchbay() {
    let home = connected();
    assert_eq!(code(&patchbay(&home, &["uninstall", "--keep-working"], None)).0, 0);
    let code: Value = serde_json::from_str(&home.read("claude-code")).expect("JSON");
    assert_eq!(code["mcpServers"]["one"], serde_json::json!({ "type": "http", "url": "http://127.0.0.1:9/mcp" }));
    assert!(home.read("codex").contains("url = \"http://127.0.0.1:9/mcp\""), "{}", home.read("codex"));
    assert!(!home.read("codex").contains("patchbay"), "{}", home.read("codex"));
}

#[test]
fn copies_with_tokens_are_marked_and_purged() {
    let home = Home::new();
    let canary = "canary-plain-0123456789";
    let text =
        format!("{{\"mcpServers\": {{\"a\": {{\"command\": \"x\", \"env\": {{\"API_TOKEN\": \"{canary}\"}}}}}}}}");
    home.write("claude-code", &text);
    let args = ["add", "--provider", "custom", "--name", "n", "--set", "url=http://127.0.0.1:9/mcp"];
    assert!(patchbay(&home, &[&args[..], &["--app", "claude-code"]].concat(), None).status.success());
    assert_eq!(json(&home, &["history", "--json"])[0]["holds_token"], true);
    let said = patchbay(&home, &["history"], None);
    assert!(String::from_utf8_lossy(&said.stdout).contains("holds a token in plain text"));
    assert_eq!(code(&patchbay(&home, &["history", "purge"], None)).0, 2, "which one has to be said");
    let in_data = |home: &Home| home.files_with(canary).iter().filter(|path| path.starts_with(home.data())).count();
    assert_eq!(in_data(&home), 1);
    assert_eq!(json(&home, &["history", "purge", "--all", "--json"])["changes"], 1);
    assert_eq!(in_data(&home), 0);
    assert!(patchbay(&home, &["undo"], None).status.success(), "our entry can still be taken back");
    assert_eq!(
        serde_json::from_str::<Value>(&home.read("claude-code")).expect("JSON"),
        serde_json::from_str::<Value>(&text).expect("JSON")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn killed_in_the_middle_and_run_again_it_finishes() {
    let mut points = 0;
    for n in 1.. {
        let home = connected();
        let done = killed(&home, n);
        // Claude Code takes a lock over that nobody has touched for ten seconds.
        let _ = std::fs::remove_dir(home.path().join(".claude.json.lock"));
        let again = patchbay(&home, &["uninstall"], None);
        assert!(again.status.success(), "{n}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!((home.read("claude-code").as_str(), home.read("codex").as_str()), (CODE, CODEX), "fsync {n}");
        assert_eq!(json(&home, &["list", "--json"])["connections"], serde_json::json!([]), "fsync {n}");
        if done {
            break;
        }
        points += 1;
    }
    assert!(points > 4, "only {points} points");
}

/// Leaves with a kill at the `n`th time that something is made durable; whether there were fewer.
#[cfg(target_os = "linux")]
fn killed(home: &Home, n: usize) -> bool {
    let mut command = std::process::Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync"]);
    command.args(["-e", &format!("inject=fsync:signal=SIGKILL:when={n}")]);
    command.arg(env!("CARGO_BIN_EXE_patchbay")).arg("uninstall").env_clear().envs(home.env());
    let quiet = std::process::Stdio::null;
    command.stdin(quiet()).stdout(quiet()).stderr(quiet());
    command.status().expect("strace is there").success()
}

#[cfg(unix)]
#[test]
fn a_read_only_file_is_skipped_with_a_note_and_exit_1() {
    use std::os::unix::fs::PermissionsExt;
    for args in [&["remove", "one"][..], &["uninstall"], &["uninstall", "--dry-run"]] {
        let home = connected();
        let before = home.read("codex");
        std::fs::set_permissions(home.file("codex"), PermissionsExt::from_mode(0o444)).expect("a mode");
        let done = patchbay(&home, args, None);
        let said = [&done.stdout[..], &done.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains(&home.file("codex").display().to_string()), "{args:?}");
        let dry = args.contains(&"--dry-run");
        assert_eq!(code(&done).0, i32::from(!dry), "{args:?}");
        assert_eq!((home.read("codex") == before, home.read("claude-code").contains("\"one\"")), (true, dry));
    }
}

/// Runs the program in a login session; what it says on both its outputs.
#[cfg(unix)]
fn said(home: &Home, args: &[&str], input: Option<&str>) -> (String, String) {
    let run = home.path().join("run").display().to_string();
    let output = patchbay_in(home, args, input, &[("XDG_RUNTIME_DIR", &run)]);
    let [told, noted] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(output.status.success(), "{args:?}: {noted}");
    (told, noted)
}

/// A home where Claude Code had a service with a token before, which was brought in.
#[cfg(unix)]
fn brought_in() -> Home {
    let home = Home::new();
    let headers = serde_json::json!({ "Authorization": "Bearer canary-left-0123456789" });
    let entry = serde_json::json!({ "type": "http", "url": "http://127.0.0.1:9/mcp", "headers": headers });
    home.write("claude-code", &serde_json::json!({ "mcpServers": { "mine": entry } }).to_string());
    std::fs::create_dir(home.path().join("run")).expect("a folder");
    said(&home, &["vault", "create"], Some("a long passphrase"));
    said(&home, &["import", "--all"], None);
    home
}

#[cfg(unix)]
#[test]
fn of_what_was_there_before_it_is_said_that_it_goes_too() {
    let said_so = "The apps had this before Patchbay";
    let home = brought_in();
    let (shown, _) = said(&home, &["uninstall", "--dry-run"], None);
    assert!(shown.contains(&format!("{said_so}, and it would be taken out too: Mine.")), "{shown}");
    assert!(shown.contains("undo bringing it in instead: patchbay history"), "{shown}");
    let (shown, _) = said(&home, &["uninstall", "--keep-working", "--dry-run"], None);
    assert!(!shown.contains(said_so), "it goes on: {shown}");
    let (told, _) = said(&home, &["uninstall"], None);
    assert!(told.contains(&format!("{said_so}, and it was taken out too: Mine.")), "{told}");

    let (_, notice) = said(&brought_in(), &["remove", "mine"], None);
    assert!(notice.contains(said_so), "{notice}");
    let (shown, _) = said(&connected(), &["uninstall"], None);
    assert!(!shown.contains(said_so), "{shown}");
}
