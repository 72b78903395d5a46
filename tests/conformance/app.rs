//! An app that starts the bridge and speaks to it, line by line.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use patchbay_test_support::Home;
use serde_json::{Value, json};

/// An app with a running bridge; both end when it is dropped.
pub(crate) struct App {
    bridge: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    /// What the server said by itself.
    pub(crate) notes: Vec<Value>,
    next: u64,
    _home: Home,
}

impl App {
    /// Starts a bridge to an address.
    pub(crate) fn start(url: &str) -> Self {
        let home = Home::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["bridge", "--url", url]).env_clear().envs(home.env());
        let mut bridge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (input, output) = (bridge.stdin.take(), bridge.stdout.take().expect("its output"));
        Self { bridge, input, lines: BufReader::new(output).lines(), notes: Vec::new(), next: 1, _home: home }
    }

    /// The same, with a session of an older generation; what the server answers.
    pub(crate) fn begin(url: &str, version: &str) -> (Self, Value) {
        let mut app = Self::start(url);
        let answer = app.hello(version);
        (app, answer)
    }

    /// Begins a session of an older generation; what the server answers.
    pub(crate) fn hello(&mut self, version: &str) -> Value {
        let capabilities = json!({ "roots": {}, "sampling": {}, "elicitation": {} });
        let client = json!({ "name": "test", "version": "1" });
        let hello = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        let answer = self.ask("initialize", &hello);
        self.say(&json!({ "method": "notifications/initialized" }));
        answer
    }

    /// Writes a message.
    pub(crate) fn say(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        writeln!(self.input.as_mut().expect("not hung up"), "{message}").expect("the bridge listens");
    }

    /// Makes a request, answers what the server asks meanwhile, and gives the answer as a whole.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.say(&json!({ "id": id, "method": method, "params": params }));
        loop {
            let message = self.message();
            if message["method"].is_null() && message["id"] == id {
                return message;
            }
            if message["id"].is_null() {
                self.notes.push(message);
            } else {
                let result = reply(message["method"].as_str().unwrap_or_default());
                self.say(&json!({ "id": message["id"], "result": result }));
            }
        }
    }

    /// The result of a request.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The first text that a tool's call gives.
    pub(crate) fn call(&mut self, name: &str, arguments: &Value) -> String {
        let result = self.ask("tools/call", &json!({ "name": name, "arguments": arguments }));
        result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{name}: {result}")).to_owned()
    }

    fn message(&mut self) -> Value {
        let line = self.lines.next().expect("the bridge lives").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits for a note of the server.
    pub(crate) fn note(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.notes.iter().position(|note| note["method"] == method) {
                return self.notes.swap_remove(at);
            }
            let message = self.message();
            self.notes.push(message);
        }
    }

    /// Asks the bridge to end, as the system does; whether it ends well.
    pub(crate) fn terminate(mut self) -> bool {
        let id = self.bridge.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
        self.bridge.wait().expect("it ends").success()
    }

    /// Hangs up; whether the bridge ends well.
    pub(crate) fn hang_up(mut self) -> bool {
        self.input = None;
        self.bridge.wait().expect("it ends").success()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.bridge.kill();
        let _ = self.bridge.wait();
    }
}

/// What a person or a model behind the app would say.
fn reply(method: &str) -> Value {
    match method {
        "elicitation/create" => {
            json!({ "action": "accept", "content": { "name": "Anna", "value": "Anna", "confirmed": true } })
        }
        "sampling/createMessage" => {
            json!({ "role": "assistant", "content": { "type": "text", "text": "sampled" }, "model": "none" })
        }
        "roots/list" => json!({ "roots": [{ "uri": "file:///home/anna", "name": "home" }] }),
        _ => json!({}),
    }
}
