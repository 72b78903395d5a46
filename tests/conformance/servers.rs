//! Real servers of each kind: `fastmcp` in three generations, `server-everything` in two. The practice service, made with
//! rmcp, has its own tests.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::App;
use crate::{node, tool};

/// A server program; it ends when dropped.
struct Server {
    program: Child,
    port: u16,
}

impl Server {
    /// Starts a program that is given the port.
    fn start(make: impl FnOnce(u16) -> Command) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut command = make(port);
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self { program: program.expect("it starts"), port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn python(kind: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/server.py");
        Self::start(|port| {
            let mut command = Command::new(tool("python/bin/python"));
            command.arg(script).args([kind, &port.to_string()]);
            command
        })
    }

    fn everything(kind: &str) -> Self {
        let script = tool("everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
        Self::start(|port| {
            let mut command = Command::new(node());
            // By itself it would listen to the whole network.
            let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/local.mjs");
            command.arg("--import").arg(local).arg(script).arg(kind).env("PORT", port.to_string());
            command
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// What every server made with `fastmcp` does for an app that begins with `initialize`.
fn counts_and_adds(app: &mut App) {
    assert_eq!(app.call("add", &json!({ "a": 1, "b": 2 })), "3");
    let meta = json!({ "progressToken": "p-1" });
    app.ask("tools/call", &json!({ "name": "count", "arguments": { "to": 3 }, "_meta": meta }));
    let progress = app.note("notifications/progress");
    assert_eq!((&progress["params"]["progressToken"], &progress["params"]["progress"]), (&json!("p-1"), &json!(1.0)));
    assert_eq!(app.request("no/such", &json!({}))["error"]["code"], -32601);
    assert_eq!(app.ask("ping", &json!({})), json!({}));
}

#[test]
fn fastmcp_speaks_every_older_generation() {
    let server = Server::python("http");
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (mut app, hello) = App::begin(&server.url("mcp"), version);
        assert_eq!(hello["protocolVersion"], version);
        counts_and_adds(&mut app);
        assert!(app.call("who", &json!({})).starts_with("accept Anna"), "{version}");
        assert!(app.hang_up(), "{version}");
    }
}

#[test]
fn fastmcp_speaks_the_newest_generation_to_an_app_of_it() {
    let server = Server::python("newest");
    let mut app = App::start(&server.url("mcp"));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    let known = app.ask("server/discover", &json!({ "_meta": meta }));
    assert!(known["supportedVersions"].as_array().is_some_and(|all| all.contains(&json!("2026-07-28"))), "{known}");
    let asks = app.ask("tools/call", &json!({ "name": "ask", "arguments": {}, "_meta": meta }));
    assert_eq!(asks["inputRequests"]["name"]["method"], "elicitation/create", "it is the app's to answer");
}

#[test]
fn an_older_app_is_understood_by_a_server_of_the_newest_generation() {
    let server = Server::python("newest");
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (mut app, hello) = App::begin(&server.url("mcp"), version);
        assert_eq!((&hello["protocolVersion"], &hello["serverInfo"]["name"]), (&json!(version), &json!("real")));
        counts_and_adds(&mut app);
        assert_eq!(app.call("ask", &json!({})), "Anna it is é secret", "asked, and asked again with the answer");
        app.ask("logging/setLevel", &json!({ "level": "info" }));
        assert_eq!(app.call("learn", &json!({})), "sampled home", "a model and the folders, both at once");
        let note = app.note("notifications/message");
        assert!(note["params"]["data"].to_string().contains("on the way"), "{note}");
        assert!(app.hang_up(), "{version}");
    }
}

#[test]
fn fastmcp_speaks_2024_11_05_on_a_stream() {
    let server = Server::python("sse");
    let (mut app, hello) = App::begin(&server.url("sse"), "2024-11-05");
    assert_eq!(hello["protocolVersion"], "2024-11-05");
    counts_and_adds(&mut app);
    assert!(app.call("who", &json!({})).starts_with("accept Anna"));
    assert!(app.hang_up());
}

#[test]
fn server_everything_asks_samples_and_tells_over_both_of_its_transports() {
    for (kind, path, version) in [("streamableHttp", "mcp", "2025-11-25"), ("sse", "sse", "2024-11-05")] {
        let server = Server::everything(kind);
        let (mut app, hello) = App::begin(&server.url(path), version);
        assert_eq!(hello["protocolVersion"], version);
        assert_eq!(app.call("echo", &json!({ "message": "é" })), "Echo: é");
        // Tools that need the app are there once the server knows what it can.
        let begun = Instant::now();
        while !app.ask("tools/list", &json!({})).to_string().contains("trigger-sampling-request") {
            assert!(begun.elapsed() < Duration::from_secs(10), "{kind}");
            std::thread::sleep(Duration::from_millis(100));
        }
        let sampled = app.call("trigger-sampling-request", &json!({ "prompt": "x", "maxTokens": 5 }));
        assert!(sampled.contains("sampled"), "{kind}: {sampled}");
        let arguments = json!({ "duration": 0.2, "steps": 2 });
        let params = json!({ "name": "trigger-long-running-operation", "arguments": arguments, "_meta": { "progressToken": 7 } });
        app.ask("tools/call", &params);
        assert_eq!(app.note("notifications/progress")["params"]["progressToken"], 7, "{kind}");
        let resources = app.ask("resources/list", &json!({}));
        let uri = &resources["resources"][0]["uri"];
        assert_eq!(app.ask("resources/read", &json!({ "uri": uri }))["contents"][0]["uri"], *uri, "{kind}");
        assert!(app.hang_up(), "{kind}");
    }
}

#[test]
fn an_app_of_the_newest_generation_finds_out_that_a_server_is_older() {
    for (kind, path) in [("streamableHttp", "mcp"), ("sse", "sse")] {
        let server = Server::everything(kind);
        let mut app = App::start(&server.url(path));
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        let error = app.request("server/discover", &json!({ "_meta": meta }))["error"].clone();
        let code = error["code"].as_i64().expect("an error");
        assert!(!(-32022..=-32020).contains(&code), "{kind}: no error that only the newest generation has: {error}");
        app.hello("2025-11-25");
        assert_eq!(app.call("echo", &json!({ "message": "x" })), "Echo: x", "{kind}");
    }
}

#[test]
fn a_bridge_that_the_system_asks_to_end_does_so_in_the_middle_of_a_call() {
    let server = Server::everything("streamableHttp");
    let (mut app, _) = App::begin(&server.url("mcp"), "2025-11-25");
    app.ask("ping", &json!({}));
    let arguments = json!({ "duration": 60, "steps": 60 });
    let params =
        json!({ "name": "trigger-long-running-operation", "arguments": arguments, "_meta": { "progressToken": 1 } });
    app.say(&json!({ "id": "long", "method": "tools/call", "params": params }));
    app.note("notifications/progress");
    let begun = Instant::now();
    assert!(app.terminate());
    assert!(begun.elapsed() < Duration::from_secs(3));
}
