//! Sign-ins from the command line at the practice service: processes side by side, killed ones, and no token where none
//! may be.

/// Those that fail.
#[path = "sign_in/failing.rs"]
mod failing;
/// What is said where it does not go well.
#[path = "sign_in/faults.rs"]
mod faults;
/// By the word of a company or a platform.
#[path = "sign_in/vouch.rs"]
mod vouch;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use patchbay_practice::{Options, Running, SignInRules};
use patchbay_test_support::{Home, canary, practice::Practice};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How long an access token lasts. It is renewed a quarter of that ahead.
const ACCESS: Duration = Duration::from_secs(4);
const OVER: Duration = Duration::from_millis(4200);

/// A home with an open vault, and a practice service that lets everybody in.
struct World {
    home: Home,
    practice: Running,
    runtime: Runtime,
}

impl World {
    fn new(access: Duration) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sign_ins = SignInRules { access, allows_all: true, ..SignInRules::default() };
        let options = Options { sign_ins, ..Options::default() };
        let practice = runtime.block_on(patchbay_practice::start(options)).expect("it starts");
        let world = Self { home: Home::new(), practice, runtime };
        world.home.write("codex", "");
        assert_eq!(world.run(&["vault", "create"], "a long passphrase").0, 0);
        world
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(args).env_clear().envs(self.home.env()).env("XDG_RUNTIME_DIR", self.home.path());
        command.env("BROWSER", "/bin/true").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command, with this test for a browser; its exit code and all that it said.
    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut program = self.command(args).spawn().expect("it starts");
        program.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
        let mut said = String::new();
        for line in BufReader::new(program.stderr.take().expect("its words")).lines().map_while(Result::ok) {
            if line.starts_with("http://127.0.0.1:") && line.contains("/authorize?") {
                visit(&location(&visit(&line)));
            }
            said.push_str(&line);
            said.push('\n');
        }
        let output = program.wait_with_output().expect("it ends");
        (output.status.code().unwrap_or(-1), said + &String::from_utf8_lossy(&output.stdout))
    }

    /// The same with nobody at the browser; what it said on standard error ahead of standard output.
    fn run_alone(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).stdin(Stdio::null()).output().expect("it ends");
        let said = [output.stderr, output.stdout].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8(said).expect("text"))
    }

    fn signed_in(&self) -> String {
        let url = self.practice.mcp_url();
        let (code, said) = self.run(&["sign-in", "--url", &url], "");
        assert_eq!(code, 0, "{said}");
        url
    }

    fn lists(&self) -> Value {
        Practice::at(self.practice.addr().port()).get("/api/sign-ins").expect("a list")
    }
}

/// Asks for a page on this computer; its status line, headers and body.
fn visit(address: &str) -> String {
    let (host, path) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address here");
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn location(answer: &str) -> String {
    answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a redirect").to_owned()
}

/// A bridge; killed when dropped.
struct Bridge {
    program: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Bridge {
    fn start(world: &World, url: &str) -> Self {
        let mut program = world.command(&["bridge", "--url", url]).stderr(Stdio::null()).spawn().expect("it starts");
        let lines = BufReader::new(program.stdout.take().expect("its output")).lines();
        Self { program, lines }
    }

    fn say(&mut self, id: u32) {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let hello = json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params });
        writeln!(self.program.stdin.as_mut().expect("its input"), "{hello}").expect("the bridge listens");
    }

    fn hear(&mut self) -> Value {
        let line = self.lines.next().expect("the bridge lives").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn two_bridges_with_one_ended_token_renew_it_once_and_both_go_on() {
    let world = World::new(ACCESS);
    let url = world.signed_in();
    let mut bridges = [Bridge::start(&world, &url), Bridge::start(&world, &url)];
    for round in 1..=2 {
        std::thread::sleep(OVER);
        for bridge in &mut bridges {
            bridge.say(round);
        }
        for bridge in &mut bridges {
            let answer = bridge.hear();
            assert!(answer["result"].is_object(), "{round}: {answer}");
        }
    }
    let left = world.lists();
    assert_eq!((left.as_array().map(Vec::len), &left[0]["active"]), (Some(1), &json!(true)), "no token came twice");
    assert!(left[0]["used"].as_str() > left[0]["created"].as_str(), "it was renewed: {left}");
}

#[test]
fn after_a_bridge_was_killed_in_the_middle_of_a_renewal_the_next_goes_on_or_says_what_to_do() {
    let world = World::new(ACCESS);
    let url = world.signed_in();
    for wait in [0, 4, 8, 12, 20, 30] {
        std::thread::sleep(OVER);
        let mut killed = Bridge::start(&world, &url);
        killed.say(1);
        std::thread::sleep(Duration::from_millis(wait));
        drop(killed);
        let (begun, mut next) = (Instant::now(), Bridge::start(&world, &url));
        next.say(1);
        let answer = next.hear();
        assert!(begun.elapsed() < Duration::from_secs(10), "{wait}: nobody waits for a lock of the dead");
        if answer["result"].is_object() {
            continue;
        }
        assert_eq!(answer["error"]["data"]["code"], "sign_in_needed", "{wait}: {answer}");
        world.signed_in();
        next.say(2);
        assert!(next.hear()["result"].is_object(), "{wait}: it goes on by itself once somebody has signed in");
    }
}

#[test]
fn a_connection_is_set_up_by_signing_in_and_no_token_or_secret_lies_anywhere() {
    let world = World::new(ACCESS);
    let url = world.practice.mcp_url();
    let service = Practice::at(world.practice.addr().port());
    let made = service.post("/api/clients", &json!({ "name": "Nightly", "scopes": ["profile:read"] })).expect("made");
    let [id, secret] = ["client_id", "client_secret"].map(|key| made[key].as_str().expect("text").to_owned());
    let set = format!("url={url}");
    let add = ["add", "--provider", "custom", "--name", "My Notes", "--set", &set, "--app", "codex", "--sign-in"];
    let own =
        ["--client-id", &id, "--client-secret-stdin", "--grant", "client-credentials", "--scopes", "profile:read"];
    let (code, mut said) = world.run(&[&add[..], &own].concat(), &secret);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Connected and signed in: my-notes"), "{said}");
    assert!(world.home.read("codex").contains("my-notes"));
    world.signed_in();
    let (code, told) = world.run(&["headers", "my-notes"], "");
    let headers: Value = serde_json::from_str(&told).expect("headers");
    let access = headers["Authorization"].as_str().and_then(|value| value.strip_prefix("Bearer ")).expect("a token");
    assert_eq!(code, 0);
    std::thread::sleep(OVER);
    let mut bridge = Bridge::start(&world, &url);
    bridge.say(1);
    said += &bridge.hear().to_string();
    for args in [&["check", "my-notes"][..], &["check", "--url", &url], &["list"], &["remove", "my-notes"]] {
        let (code, told) = world.run(args, "");
        assert_eq!(code, 0, "{args:?}: {told}");
        said += &told;
    }
    // The marks of refresh tokens and codes, put together here so that no argument of this test's own holds them.
    let marks = ["a", "r", "o"].map(|kind| format!("pb{kind}_"));
    let secrets = [&secret[..], access, &marks[0], &marks[1], &marks[2]];
    // The program itself knows the marks, to keep such tokens out of texts.
    std::fs::remove_dir_all(world.home.data().join("bin")).expect("its own copy");
    canary::search(world.home.path(), &secrets, &[&said]).expect("no token where none may be");
    assert!(said.contains("Signed out"), "removing says what became of the sign-in: {said}");
}

#[test]
fn an_address_is_checked_with_the_sign_in_for_it() {
    let world = World::new(ACCESS);
    let url = world.practice.mcp_url();
    let check = |world: &World| {
        let (code, said) = world.run(&["check", "--url", &url, "--json"], "");
        let told: Value = serde_json::from_str(&said).expect("JSON");
        (code, told[0]["verdict"].as_str().expect("a verdict").to_owned())
    };
    assert_eq!(check(&world), (1, "needs_browser_sign_in".to_owned()));
    world.signed_in();
    assert_eq!(check(&world), (0, "working".to_owned()));
    let id = world.lists()[0]["id"].as_str().expect("an id").to_owned();
    let service = Practice::at(world.practice.addr().port());
    service.post(&format!("/api/sign-ins/{id}/end"), &json!({})).expect("ended");
    let listed = |world: &World| world.run(&["list"], "").1;
    assert!(!listed(&world).contains("it has ended"), "{}", listed(&world));
    assert_eq!(check(&world), (1, "needs_browser_sign_in".to_owned()), "only a person can go on");
    let said = listed(&world);
    assert!(said.contains(&format!("Signed in without a connection: {url}, since 2")), "{said}");
    assert!(said.contains(&format!("it has ended, sign in again: patchbay sign-in --url {url}\n")), "{said}");
    assert_eq!(world.run(&["sign-out", "--url", &url], "").0, 0);
    assert!(!listed(&world).contains(&url), "{}", listed(&world));
}

#[test]
fn where_the_browser_comes_back_to_is_said_for_ways_that_use_one_and_for_no_other() {
    let world = World::new(ACCESS);
    let url = world.practice.mcp_url();
    let service = Practice::at(world.practice.addr().port());
    let made = service
        .post("/api/clients", &json!({ "name": "Nightly", "scopes": ["profile:read", "notes:read"] }))
        .expect("made");
    let [id, secret] = ["client_id", "client_secret"].map(|key| made[key].as_str().expect("text").to_owned());
    let ask = ["sign-in", "--url", &url, "--client-id", &id];
    let (code, said) =
        world.run(&[&ask[..], &["--client-secret-stdin", "--grant", "client-credentials"]].concat(), &secret);
    assert!(code == 0 && !said.contains("/callback"), "{said}");
    for again in [&["--grant", "client-credentials"][..], &[]] {
        let (code, said) = world.run(&[&ask[..], again].concat(), "");
        assert!(code == 0 && !said.contains("/callback"), "as before, with the secret that is kept: {said}");
    }
    for with_secret in [&["--client-secret-stdin"][..], &[]] {
        let nowhere = ["sign-in", "--url", "http://127.0.0.1:9/mcp", "--client-id", "mine"];
        let (code, said) = world.run(&[&nowhere[..], with_secret].concat(), "canary-mine-secret");
        assert!(code == 1 && said.contains("http://127.0.0.1:") && said.contains("/callback"), "{said}");
    }
}
