//! The official suite's scenarios for clients: each one as an app of the generation that it is for, and those of the
//! newest generation once more as an older app, so that the bridge has to translate.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use patchbay_test_support::Home;
use serde_json::Value;

use crate::{node, tool};

/// A scenario in a revision of the protocol.
type Case = (String, String);

/// So many scenarios run at a time.
const SIDE_BY_SIDE: usize = 4;

/// Scenarios that cannot be for a bridge.
fn is_for_others(scenario: &str) -> bool {
    // What an app does with the skills that it reads through the bridge: it fetches, measures and verifies them.
    scenario.starts_with("sep-2640-client-")
}

/// Scenarios that an older app cannot pass through any bridge.
fn wants_newest_app(scenario: &str) -> bool {
    // Both take whatever is posted as a message of the newest generation, and an older app begins with `initialize`.
    ["request-metadata", "http-standard-headers"].contains(&scenario)
}

pub(crate) fn suite(version: &str) -> Command {
    let mut command = Command::new(node());
    let place = format!("conformance/{version}/node_modules/@modelcontextprotocol/conformance/dist/index.js");
    command.arg(tool(&place)).env("PATH", node().parent().expect("a folder"));
    command
}

/// What the suite lists: `  - NAME [REVISION,REVISION]`, after a headline.
fn listed(version: &str) -> Vec<Case> {
    let output = suite(version).arg("list").output().expect("node runs");
    let said = String::from_utf8(output.stdout).expect("text");
    let lines = said.lines().skip_while(|line| !line.starts_with("Client scenarios")).skip(1);
    let entries = lines.map_while(|line| line.strip_prefix("  - ")?.strip_suffix(']')?.split_once(" ["));
    let entries = entries.filter(|(scenario, _)| !is_for_others(scenario));
    entries
        .flat_map(|(scenario, revisions)| {
            revisions.split(',').map(|revision| (scenario.to_owned(), revision.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// A home with an open vault for what signing in brings.
fn signing_in() -> Home {
    let home = Home::new();
    let mut vault = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    vault.args(["vault", "create"]).env_clear().envs(home.env()).env("XDG_RUNTIME_DIR", home.path());
    let mut vault = vault.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    vault.stdin.take().expect("its input").write_all(b"a long passphrase").expect("written");
    assert!(vault.wait().expect("it ends").success());
    home
}

/// Runs a scenario; what went wrong.
fn run(version: &str, (scenario, revision): &Case, generation: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let home = signing_in();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut command = suite(version);
    command.args(["client", "--scenario", scenario]);
    // An extension is for no revision in particular.
    if revision != "extension" {
        command.args(["--spec-version", revision]);
    }
    command
        .args(["--command", &format!("node {}", scripts.join("driver.mjs").display())])
        .envs(home.env())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("BROWSER", format!("{} {} %s", node().display(), scripts.join("browser.mjs").display()))
        .arg("--output-dir")
        .arg(folder.path())
        .env("PATCHBAY", env!("CARGO_BIN_EXE_patchbay"))
        .env("PATCHBAY_REVISION", revision)
        .env("PATCHBAY_GENERATION", generation);
    let path = std::env::join_paths([node().parent().expect("a folder"), Path::new("/bin")]).expect("a path");
    let output = command.env("PATH", path).output().expect("node runs");
    let case = format!("{version} {scenario} {revision} {generation}");
    let checks = checks(folder.path());
    let faults = checks.iter().filter(|check| matches!(check["status"].as_str(), Some("FAILURE" | "WARNING")));
    let mut faults: Vec<_> =
        faults.map(|check| format!("{case}: {}: {}", check["id"], check["errorMessage"])).collect();
    if !checks.iter().any(|check| check["status"] == "SUCCESS") || !output.status.success() {
        faults.push(format!("{case}: {}", String::from_utf8_lossy(&output.stdout)));
    }
    faults
}

/// `FOLDER/SCENARIO-TIME/checks.json`, where a scenario's name may have a folder in it.
pub(crate) fn checks(folder: &Path) -> Vec<Value> {
    let below: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    let deeper = below.iter().filter(|entry| entry.path().is_dir()).flat_map(|entry| checks(&entry.path()));
    let file = std::fs::read(folder.join("checks.json")).ok();
    let here = file.map(|file| serde_json::from_slice::<Vec<Value>>(&file).expect("a list"));
    here.into_iter().flatten().chain(deeper.collect::<Vec<_>>()).collect()
}

/// The runs for a case: by an app of its generation, and where that is another test, by an older one.
fn runs(case: &Case) -> Vec<(Case, &'static str)> {
    // Signing in is the command line's, whatever the app speaks.
    let is_sign_in = case.0.starts_with("auth/");
    let also_older = case.1 == "2026-07-28" && !is_sign_in && !wants_newest_app(&case.0);
    ["same"].into_iter().chain(also_older.then_some("older")).map(|generation| (case.clone(), generation)).collect()
}

/// Runs all scenarios, some side by side: most of them wait most of the time.
fn all_pass(version: &str, expected: usize) {
    let cases = listed(version);
    assert_eq!(cases.len(), expected, "{cases:?}");
    let runs: Vec<_> = cases.iter().flat_map(runs).collect();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((case, generation)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    faults.lock().expect("unpoisoned").extend(run(version, case, generation));
                }
            });
        }
    });
    let faults = faults.into_inner().expect("unpoisoned");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_scenario_of_the_released_suite_passes() {
    all_pass("0.1.16", 31);
}

#[test]
fn every_scenario_of_the_coming_suite_passes() {
    all_pass("0.2.0-alpha.12", 65);
}
