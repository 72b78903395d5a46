//! Signing in by OAuth from the command line, using it through the bridge, renewing it there, and signing out: at the
//! practice service, and at a server of Python's `fastmcp` with its own authorization server.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::Duration;

use patchbay_test_support::canary;
use serde_json::{Value, json};

use crate::bridge::Bridge;
use crate::machine::{Machine, node};

/// Longer than the access tokens of both services last here.
const OVER: Duration = Duration::from_secs(4);

/// Signs in, with a person at the browser who decides.
fn sign_in(machine: &Machine, decision: &str, args: &[&str]) -> Output {
    let person = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/apps/person.mjs");
    let script = format!("#!/bin/sh\nexec '{}' '{person}' {decision} \"$@\"\n", node().display());
    let browser = machine.home().join("browser");
    std::fs::write(&browser, script).expect("written");
    std::fs::set_permissions(&browser, Permissions::from_mode(0o700)).expect("it may be started");
    let mut command = machine.patchbay_command(&[&["sign-in", "--timeout=30"], args].concat());
    machine.heard(command.env("BROWSER", browser).output().expect("it starts"))
}

fn signs_in(machine: &Machine, url: &str, args: &[&str]) {
    let output = sign_in(machine, "allow", &[&["--url", url], args].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("omits code_challenge"), "nothing is missed that the service says: {said}");
}

fn error_of(answer: &Value) -> String {
    answer["error"]["data"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")).to_owned()
}

/// What is the same at every service: before, between, after.
fn whole_way(machine: &Machine, url: &str, tool: &str, arguments: &Value, expected: &Value) {
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    assert_eq!(error_of(&Bridge::bare(machine, &["--url", url]).ask("initialize", &hello)), "sign_in_needed");
    signs_in(machine, url, &[]);
    let works = |bridge: &mut Bridge| {
        let answer = bridge.call(tool, arguments);
        assert_eq!(answer["result"]["structuredContent"], *expected, "{answer}");
    };
    let mut bridge = Bridge::start(machine, &["--url", url]);
    works(&mut bridge);
    std::thread::sleep(OVER);
    works(&mut bridge);
    works(&mut Bridge::start(machine, &["--url", url]));
    let said = machine.patchbay(&["sign-out", "--url", url], "");
    assert!(said.contains("The service has ended it too."), "{said}");
    assert_eq!(error_of(&Bridge::bare(machine, &["--url", url]).ask("initialize", &hello)), "sign_in_needed");
    canary::search(
        machine.home(),
        &["pba_", "pbr_", "pbo_", "test_access_token_", "test_refresh_token_"],
        &[&machine.said()],
    )
    .expect("no token where none may be");
}

#[test]
fn the_practice_service_is_signed_in_to_used_renewed_and_signed_out_of() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice_with(&["--access-seconds=3"]);
    whole_way(&machine, &url, "list_notes", &json!({}), &json!({ "notes": practice_notes() }));
    let left = practice.get("/api/sign-ins").expect("a list");
    assert_eq!((left.as_array().map(Vec::len), &left[0]["active"]), (Some(1), &json!(false)), "{left}");
    assert!(left[0]["used"].as_str() > left[0]["created"].as_str(), "it was renewed: {left}");
}

/// What the practice service begins with.
fn practice_notes() -> Value {
    let notes =
        ["Water the plants on Friday.", "The blue cable goes into the third jack.", "Ask for the new price list."];
    (1..).zip(notes).map(|(id, text)| json!({ "id": id, "text": text })).collect()
}

#[test]
fn fastmcp_is_signed_in_to_used_renewed_and_signed_out_of() {
    let mut machine = Machine::with_keychain();
    let url = machine.fastmcp("oauth");
    whole_way(&machine, &url, "add", &json!({ "a": 1, "b": 2 }), &json!({ "result": 3 }));
}

#[test]
fn fastmcp_takes_a_token_from_the_keychain() {
    let mut machine = Machine::with_keychain();
    let set = format!("--set=url={}", machine.fastmcp("bearer"));
    let add = ["add", "--provider=custom", "--name=Bearer", &set, "--app=claude-code", "--token-stdin"];
    machine.patchbay(&add, "a-token-for-the-tests");
    let answer = Bridge::start(&machine, &["bearer"]).call("add", &json!({ "a": 1, "b": 2 }));
    assert_eq!(answer["result"]["structuredContent"]["result"], 3, "{answer}");
}

#[test]
fn a_call_that_needs_more_permissions_says_so_and_works_after_the_next_sign_in() {
    let mut machine = Machine::with_keychain();
    let (url, _) = machine.practice();
    signs_in(&machine, &url, &[]);
    let mut bridge = Bridge::start(&machine, &["--url", &url]);
    let note = json!({ "text": "x" });
    assert_eq!(error_of(&bridge.call("add_note", &note)), "sign_in_needed");
    assert!(bridge.call("list_notes", &json!({}))["result"].is_object(), "what was allowed goes on");
    signs_in(&machine, &url, &[]);
    let answer = bridge.call("add_note", &note);
    assert_eq!(answer["result"]["structuredContent"]["text"], "x", "{answer}");
}

#[test]
fn a_client_id_and_its_secret_need_no_person() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice_with(&["--access-seconds=3"]);
    let wish = json!({ "name": "Nightly", "scopes": ["profile:read"] });
    let made = practice.post("/api/clients", &wish).expect("an id and a secret");
    let [id, secret] = ["client_id", "client_secret"].map(|key| made[key].as_str().expect("text").to_owned());
    let args = [
        "sign-in",
        "--url",
        &url,
        "--client-id",
        &id,
        "--client-secret-stdin",
        "--grant=client-credentials",
        "--scope=profile:read",
    ];
    machine.patchbay(&args, &secret);
    let mut bridge = Bridge::start(&machine, &["--url", &url]);
    for _ in 0..2 {
        let answer = bridge.call("whoami", &json!({}));
        assert_eq!(answer["result"]["structuredContent"]["name"], "Nightly", "{answer}");
        std::thread::sleep(OVER);
    }
    canary::search(machine.home(), &[&secret, "pba_"], &[&machine.said()]).expect("no token where none may be");
}

#[test]
fn a_person_who_refuses_is_believed() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice();
    let output = sign_in(&machine, "refuse", &["--url", &url]);
    assert!(!output.status.success(), "nobody allowed it");
    assert_eq!(practice.get("/api/sign-ins").expect("a list"), json!([]));
}
