//! Two secrets of one connection, from the command line against the practice service's door for two: connected over
//! standard input, checked, used through the bridge, renewed one by one, removed; and nowhere to be seen.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use patchbay_practice::{Options, Running};
use patchbay_test_support::{Home, canary, practice::Practice};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A home with an open vault, and a practice service.
struct World {
    home: Home,
    practice: Running,
    _runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let practice = runtime.block_on(patchbay_practice::start(Options::default())).expect("it starts");
        let world = Self { home: Home::new(), practice, _runtime: runtime };
        world.home.write("codex", "");
        assert_eq!(world.run(&["vault", "create"], "a long passphrase").0, 0);
        world
    }

    fn service(&self) -> Practice {
        Practice::at(self.practice.addr().port())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(args).env_clear().envs(self.home.env()).env("XDG_RUNTIME_DIR", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The exit code and all that was said.
    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut program = self.command(args).spawn().expect("it starts");
        program.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
        let output = program.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    fn check(&self) -> (i32, String) {
        self.run(&["check", "pair"], "")
    }

    /// What the bridge answers to a call of the tool that says who asks. While it runs neither secret is to be seen.
    fn call(&self, secrets: &[&str]) -> Value {
        let mut program = self.command(&["bridge", "pair"]).spawn().expect("it starts");
        let mut lines = BufReader::new(program.stdout.take().expect("its output")).lines();
        let mut input = program.stdin.take().expect("its input");
        let info = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        let mut say = |message: Value| writeln!(input, "{message}").expect("the bridge listens");
        say(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        let mut hear =
            || serde_json::from_str::<Value>(&lines.next().expect("it lives").expect("a line")).expect("JSON");
        assert!(hear()["result"]["serverInfo"].is_object());
        say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        say(
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "whoami", "arguments": {} } }),
        );
        let answer = hear();
        canary::search(self.home.path(), secrets, &[]).expect("it is nowhere");
        drop(input);
        program.wait().expect("it ends");
        answer
    }
}

#[test]
fn two_secrets_are_added_used_renewed_one_by_one_and_removed_without_being_seen() {
    let world = World::new();
    let service = world.service();
    let made = |name: &str| service.make(name, 3600).expect("a token");
    let (first, second) = (made("first"), made("second"));
    let url = format!("url={}", service.pair_address());
    let add = ["add", "--provider", "custom", "--name", "Pair", "--app", "codex", "--set", &url];
    let add = [&add[..], &["--set", "beside=X-Practice-Key", "--token-stdin"]].concat();

    let half = world.run(&add, &first.1);
    assert!(half.0 == 2 && half.1.contains("X-Practice-Key"), "{half:?}");
    let added = world.run(&add, &format!("{}\n{}\n", first.1, second.1));
    assert_eq!(added.0, 0, "{}", added.1);
    assert_eq!(world.check().0, 0);
    let said = world.call(&[&first.1, &second.1]);
    assert!(said["result"]["content"].to_string().contains("first"), "the first says who it is");

    // The second ends; the check tells of both, and a new one in its line mends it.
    service.revoke(&second.0).expect("revoked");
    let refused = world.check();
    assert!(refused.0 == 1 && refused.1.contains("“Token” or “X-Practice-Key”"), "{refused:?}");
    let third = made("third");
    let renewed = world.run(&["renew", "pair", "--token-stdin"], &format!("\n{}\n", third.1));
    assert_eq!(renewed.0, 0, "{}", renewed.1);
    let said = world.call(&[&first.1, &third.1]);
    assert!(said["result"]["content"].to_string().contains("first"), "the first is the one it was");

    // The first is renewed by itself.
    let fourth = made("fourth");
    assert_eq!(world.run(&["renew", "pair", "--token-stdin"], &fourth.1).0, 0);
    assert!(world.call(&[&fourth.1, &third.1])["result"]["content"].to_string().contains("fourth"));

    let list = world.run(&["list", "--json"], "");
    let shown = [&list, &half, &added, &refused, &renewed].map(|(_, said)| said.as_str());
    let secrets = [&first.1, &second.1, &third.1, &fourth.1].map(String::as_str);
    canary::search(world.home.path(), &secrets, &shown).expect("they are nowhere");
    assert_eq!(world.run(&["remove", "pair"], "").0, 0);
    assert_eq!(world.home.read("codex"), "");
}

const KEYS: &str = "one a line: 1. API key, 2. Application key";

#[test]
fn several_secrets_and_their_order_are_named_before_they_are_given() {
    let world = World::new();
    let said = world.run(&["services", "datadog"], "").1;
    let (first, second) = (said.find("1. API key."), said.find("2. Application key."));
    assert!(first.is_some() && first < second, "{said}");
    assert!(!world.run(&["services", "github"], "").1.contains("one a line"), "of one there is nothing to say");
    let add = ["add", "--provider", "datadog", "--name", "Dog", "--app", "codex"];
    let planned = world.run(&[&add[..], &["--dry-run"]].concat(), "");
    assert!(planned.0 == 0 && planned.1.contains(KEYS), "{planned:?}");
    let half = world.run(&[&add[..], &["--token-stdin"]].concat(), &"a".repeat(32));
    assert!(half.0 == 2 && half.1.contains(KEYS), "{half:?}");
    let bare = world.run(&add, "");
    assert!(bare.0 == 0 && bare.1.contains(KEYS), "{bare:?}");
    assert!(bare.1.contains("patchbay renew dog --token-stdin"), "{bare:?}");
    let headers = world.run(&["headers", "dog"], "");
    assert!(headers.0 != 0 && headers.1.contains(KEYS), "{headers:?}");
    // Nothing is sent anywhere: a sign-in is refused before it begins, and with the reason.
    let sign_in = world.run(&["sign-in", "dog"], "");
    assert!(sign_in.0 != 0 && sign_in.1.contains("several secrets"), "{sign_in:?}");
}

#[test]
fn swapped_keys_are_doubted_each_by_its_name() {
    let world = World::new();
    let add = ["add", "--provider", "datadog", "--name", "Dog", "--app", "codex", "--dry-run", "--token-stdin"];
    let said = world.run(&add, &format!("{}\n{}\n", "a".repeat(40), "b".repeat(32))).1;
    for label in ["“API key” does not look", "“Application key” does not look"] {
        assert_eq!(said.matches(label).count(), 1, "{said}");
    }
}

#[test]
fn two_swapped_secrets_are_put_right_and_nothing_is_said_to_be_revoked() {
    let world = World::new();
    let service = world.service();
    let (one, two) = (service.make("one", 3600).expect("a token").1, service.make("two", 3600).expect("a token").1);
    let url = format!("url={}", service.pair_address());
    let add = ["add", "--provider", "custom", "--name", "Pair", "--set", &url, "--set", "beside=X-Practice-Key"];
    assert_eq!(world.run(&[&add[..], &["--token-stdin"]].concat(), &format!("{one}\n{two}\n")).0, 0);
    let advised = world.run(&["sign-in", "pair"], "");
    assert!(advised.1.contains("several secrets") && !advised.1.contains("--replace-token"), "{advised:?}");
    let renewed = world.run(&["renew", "pair", "--token-stdin"], &format!("{two}\n{one}\n"));
    assert!(renewed.0 == 0 && !renewed.1.contains("evoke"), "{renewed:?}");
}
