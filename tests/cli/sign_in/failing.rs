//! Sign-ins that fail: one sentence with one next step on standard error, exit code 1, nothing on standard output; and where
//! what a sign-in brings could not be kept, no browser is opened for it.

use std::path::PathBuf;

use patchbay_test_support::Home;
use serde_json::Value;

use super::vouch::service::{Rules, Service};
use super::{ACCESS, World};

/// What is said of how far it is, and the addresses of pages.
const STEPS: [&str; 4] = ["Asking the service", "Sign in with your browser.", "Fetching", "Checking"];

/// The lines that say why it failed.
fn reason(said: &str) -> Vec<&str> {
    let is_page = |line: &&str| line.starts_with("http://") && !line.contains(' ');
    let is_step = |line: &&str| is_page(line) || STEPS.iter().any(|step| line.starts_with(step));
    said.lines().filter(|line| !is_step(line)).collect()
}

impl World {
    /// What is said where nobody can sign in for an address; with nobody at the browser where `away`.
    fn fails(&self, url: &str, away: bool) -> String {
        let args = ["sign-in", "--url", url, "--timeout", if away { "1" } else { "30" }];
        let (code, said) = if away { self.run_alone(&args) } else { self.run(&args, "") };
        assert_eq!(code, 1, "{said}");
        said
    }
}

#[test]
fn each_failure_is_one_sentence_with_one_next_step_and_exit_code_1() {
    let world = World::new(ACCESS);
    let start = |rules| world.runtime.block_on(Service::start(rules));
    let (denies, down) =
        (start(Rules { denies: true, ..Rules::default() }), start(Rules { down: true, ..Rules::default() }));
    let away = start(Rules::default());
    let said = world.fails(&denies.url(), false);
    assert_eq!(reason(&said), ["The sign-in was refused: you, or the service, said no. Try again."]);
    let said = world.fails(&down.url(), false);
    assert!(
        matches!(reason(&said)[..], [one] if one.contains(" does not sign anybody in just now: status 503") && one.ends_with(". Try again in a while.")),
        "{said}"
    );
    let said = world.fails(&away.url(), true);
    assert_eq!(reason(&said), ["Nobody came back from the browser in time. Nothing was changed. Sign in again."]);
    let said = world.fails("http://127.0.0.1:9/mcp", false);
    assert!(
        matches!(reason(&said)[..], [one] if one.starts_with("http://127.0.0.1:9 does not answer") && one.ends_with(". Try again.")),
        "{said}"
    );
}

#[test]
fn where_a_connection_does_not_work_once_it_is_signed_in_to_the_reason_is_said_and_the_exit_code_is_1() {
    let world = World::new(ACCESS);
    let service = world.runtime.block_on(Service::start(Rules::default()));
    let set = format!("url={}", service.url());
    let add = ["add", "--provider", "custom", "--name", "My Notes", "--set", &set, "--app", "codex"];
    let (code, said) = world.run(&add, "");
    assert_eq!(code, 0, "{said}");
    let (code, said) = world.run(&["sign-in", "my-notes"], "");
    assert_eq!(code, 1, "{said}");
    let said = reason(&said);
    assert_eq!(said[0], "Signed in: my-notes. All apps that use it go on by themselves.");
    assert_eq!(said[1..], ["my-notes: The sign-in has ended, or was ended at the service. Sign in again."]);
}

/// A browser that leaves a mark.
fn marking(home: &Home) -> (String, PathBuf) {
    let (program, mark) = (home.path().join("browser"), home.path().join("opened"));
    std::fs::write(&program, format!("#!/bin/sh\n: > '{}'\n", mark.display())).expect("written");
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
    std::fs::set_permissions(&program, mode).expect("may be run");
    (program.display().to_string(), mark)
}

#[test]
fn where_the_keychain_is_locked_or_absent_no_browser_is_opened_and_no_service_asked() {
    let (locked, absent) = (World::new(ACCESS), World::new(ACCESS));
    assert_eq!(locked.run(&["vault", "lock"], "").0, 0);
    std::fs::remove_dir_all(absent.home.data()).expect("as before there was a vault");
    for (world, expected) in [(&locked, "vault_locked"), (&absent, "keychain_absent")] {
        let (url, (browser, mark)) = (world.practice.mcp_url(), marking(&world.home));
        let set = format!("url={url}");
        let add = ["add", "--provider", "custom", "--name", "My Notes", "--set", &set, "--app", "codex"];
        let (code, said) = world.run(&add, "");
        assert_eq!(code, 0, "{said}");
        let anew = ["add", "--provider", "custom", "--name", "Other", "--set", &set, "--app", "codex", "--sign-in"];
        let asks: [&[&str]; 3] = [&["sign-in", "--url", &url], &["sign-in", "my-notes"], &anew];
        for args in asks {
            let output =
                world.command(&[args, &["--json"]].concat()).env("BROWSER", &browser).output().expect("it ends");
            let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), &told["error"]["code"]), (Some(1), &expected.into()), "{args:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        }
        assert!(!mark.exists(), "{expected}: a browser was opened");
    }
}
