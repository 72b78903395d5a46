//! A bridge with an app's session on it, which a test speaks by itself.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::machine::Machine;

/// A running bridge; it ends when dropped.
pub(crate) struct Bridge {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    next: u64,
}

impl Bridge {
    /// Starts one with a bridge's arguments, and begins a session.
    pub(crate) fn start(machine: &Machine, args: &[&str]) -> Self {
        let mut bridge = Self::bare(machine, args);
        let client = json!({ "name": "test", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let answer = bridge.ask("initialize", &hello);
        assert!(answer["result"].is_object(), "{answer}");
        bridge.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        bridge
    }

    /// Starts one, and says nothing yet.
    pub(crate) fn bare(machine: &Machine, args: &[&str]) -> Self {
        let mut command = machine.patchbay_command(&[&["bridge"], args].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let input = child.stdin.take().expect("its input");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, input, lines, next: 1 }
    }

    /// The whole answer to a request.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut messages =
            self.lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
        messages.find(|message| message["id"] == id && message["method"].is_null()).expect("an answer")
    }

    /// The whole answer to a tool's call.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").expect("it listens");
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
