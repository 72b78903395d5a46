use patchbay_test_support::Home;
use serde_json::Value;

use super::{code, patchbay};

#[test]
fn every_app_is_listed_with_its_file_and_what_is_known_of_its_program() {
    let home = Home::new();
    let extension = home.path().join(".vscode/extensions/rooveterinaryinc.roo-cline-3.50.1");
    std::fs::create_dir_all(extension).expect("made");
    let storage = home.path().join(".config/Code/User/globalStorage/rooveterinaryinc.roo-cline");
    std::fs::create_dir_all(storage).expect("made");
    let listed = patchbay(&home, &["apps", "--json"], None);
    assert_eq!(listed.status.code(), Some(0), "nothing was changed, so nothing is to be reopened");
    let apps: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    let app = |id: &str| apps.iter().find(|app| app["id"] == id).expect("an app").clone();
    assert_eq!(app("codex")["file"], home.file("codex").display().to_string());
    assert_eq!((&app("codex")["installed"], &app("codex")["exists"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(app("roo-code")["version"], "3.50.1");
    assert_eq!((&app("roo-code")["running"], &app("roo-code")["since"]), (&Value::Bool(false), &Value::Null));
    let words = String::from_utf8(patchbay(&home, &["apps"], None).stdout).expect("text");
    assert!(words.contains("roo-code: Roo Code 3.50.1, not running\n"), "{words}");
    assert!(words.lines().last().is_some_and(|line| line.starts_with("Not installed here: ")), "{words}");
}

#[test]
fn only_an_app_that_runs_is_reopened() {
    let home = Home::new();
    assert_eq!(code(&patchbay(&home, &["reopen", "nonesuch", "--json"], None)), (2, "unknown_app".to_owned()));
    // It lives in an editor and never has a process.
    assert_eq!(code(&patchbay(&home, &["reopen", "roo-code", "--json"], None)), (1, "app_not_running".to_owned()));
}
