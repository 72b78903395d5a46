use std::path::PathBuf;

use patchbay_test_support::Home;

use crate::{ADD, code, patchbay};

/// A command, which reads this token.
fn with_token(home: &Home, args: &[&str], token: &str) -> (i32, String) {
    code(&patchbay(home, &[args, &["--token-stdin", "--json"]].concat(), Some(token)))
}

fn add<'a>(provider: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["add", "--provider", provider, "--name", "n", "--app", "codex"], more].concat()
}

#[test]
fn a_dry_run_says_what_connecting_would_say_of_the_token() {
    let home = Home::new();
    home.write("codex", "");
    let practice = add("practice", &["--set", "url=http://127.0.0.1:9/mcp", "--dry-run"]);
    assert_eq!(with_token(&home, &practice, "pbp_short"), (2, "token_shape".to_owned()));
    assert_eq!(with_token(&home, &practice, " \n"), (2, "token_empty".to_owned()));
    assert_eq!(with_token(&home, &practice, "pbp_0123456789abcdefghijkl").0, 0);
    let retently = add("retently", &["--dry-run"]);
    let token = "rtly_mcp_pat_1_0123456789abcdef";
    assert_eq!(with_token(&home, &retently, token).0, 0, "scripts may leave the end out");
    let ends = |end| with_token(&home, &[&retently[..], &["--expires", end]].concat(), token);
    assert_eq!(ends("2020-01-01"), (2, "date_past".to_owned()));
    assert_eq!(ends("2999-01-01T00:00:00Z"), (2, "date_beyond_maximum".to_owned()));
    assert_eq!(ends("soon"), (2, "date_invalid".to_owned()));
    let without_token = patchbay(&home, &[&ADD[..], &["--expires", "soon", "--json"]].concat(), None);
    assert_eq!(code(&without_token), (2, "date_invalid".to_owned()));
    assert_eq!((home.read("codex"), home.data().join("state.json").exists()), (String::new(), false));
}

#[test]
fn what_is_too_long_is_refused_and_never_cut() {
    let home = Home::new();
    home.write("codex", "");
    for length in [16 * 1024 + 1, 64 * 1024, 100_000] {
        let token = "canary".to_owned() + &"x".repeat(length - 6);
        for dry in [&["--dry-run"][..], &[]] {
            assert_eq!(with_token(&home, &[&ADD[..], dry].concat(), &token), (2, "token_too_long".to_owned()));
        }
    }
    let passphrase = "x".repeat(100_000);
    let made = code(&patchbay(&home, &["vault", "create", "--json"], Some(&passphrase)));
    assert_eq!(made, (2, "token_too_long".to_owned()));
    assert_eq!(home.files_with("canary"), Vec::<PathBuf>::new());
    assert!(!home.data().join("vault.json").exists());
    assert_eq!(home.read("codex"), "");
}

#[test]
fn an_odd_token_is_taken_with_one_line_of_warning() {
    let home = Home::new();
    home.write("codex", "");
    let xurrent = add("xurrent", &["--set", "account=widget", "--dry-run", "--token-stdin"]);
    let done = patchbay(&home, &xurrent, Some("too-short"));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(code(&done), (0, String::new()), "{said}");
    assert!(said.starts_with("warning: ") && !said.contains("too-short"), "{said}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("codex"), "and the plan is shown");
    let sound = patchbay(&home, &xurrent, Some("0123456789abcdef"));
    assert_eq!(code(&sound), (0, String::new()));
}

#[test]
#[cfg(unix)]
fn undoing_a_removal_says_that_the_token_is_to_be_given_again_and_no_empty_headers_are_handed_out() {
    let home = Home::new();
    home.write("codex", "");
    let folder = home.path().join("run");
    std::fs::create_dir_all(&folder).expect("a folder");
    let folder = folder.display().to_string();
    let run = |args: &[&str], input| crate::patchbay_in(&home, args, input, &[("XDG_RUNTIME_DIR", &folder)]);
    assert_eq!(code(&run(&["vault", "create"], Some("a long passphrase"))).0, 0);
    let add = [&crate::ADD[..], &["--token-stdin"]].concat();
    assert_eq!(code(&run(&add, Some("a-long-token-of-this-test"))).0, 0);
    assert_eq!(code(&run(&["headers", "my-service"], None)).0, 0);
    assert_eq!(code(&run(&["remove", "my-service"], None)).0, 0);
    let undone = run(&["undo"], None);
    assert_eq!(undone.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&undone.stderr).contains("patchbay renew my-service --token-stdin"));
    let headers = run(&["headers", "my-service"], None);
    assert_eq!(headers.status.code(), Some(1));
    assert_eq!(headers.stdout, b"");
}
