//! What each real program says it sees: its servers by name, and whether each of them works.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::machine::Machine;

/// Servers by name, and whether the app reached them.
pub(crate) type Servers = BTreeMap<String, bool>;

/// One real app.
pub(crate) struct Program {
    /// Patchbay's id for it.
    pub(crate) client: &'static str,
    /// Its file, below the home folder.
    pub(crate) file: &'static str,
    /// Asks it what it sees.
    pub(crate) servers: fn(&Machine) -> Servers,
}

/// All of them.
pub(crate) const PROGRAMS: [Program; 4] = [
    Program { client: "claude-code", file: ".claude.json", servers: claude },
    Program { client: "codex", file: ".codex/config.toml", servers: codex },
    Program { client: "gemini-cli", file: ".gemini/settings.json", servers: gemini },
    Program { client: "copilot-cli", file: ".copilot/mcp-config.json", servers: copilot },
];

/// `NAME: TARGET - ✔ Connected`
fn claude(machine: &Machine) -> Servers {
    let said = words(machine, "claude", &["mcp", "list"]);
    let lines = said.lines().filter(|line| line.contains(" - ✔ ") || line.contains(" - ✘ "));
    let servers = lines.filter_map(|line| line.split_once(": "));
    servers.map(|(name, rest)| (name.to_owned(), rest.ends_with("✔ Connected"))).collect()
}

/// `✓ NAME: TARGET (stdio) - Connected`
fn gemini(machine: &Machine) -> Servers {
    let said = words(machine, "gemini", &["mcp", "list"]);
    let lines = said.lines().filter_map(|line| line.strip_prefix(['✓', '✗'])?.trim_start().split_once(": "));
    lines.map(|(name, rest)| (name.to_owned(), rest.ends_with("- Connected"))).collect()
}

/// It only parses; what it would start has to be there.
fn copilot(machine: &Machine) -> Servers {
    let said = words(machine, "copilot", &["mcp", "list", "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let would_start = |server: &Value| {
        let command = server["command"].as_str().is_some_and(|command| std::path::Path::new(command).is_file());
        command && server["enabled"] == true && server["tools"] == json!(["*"])
    };
    let servers = said["mcpServers"].as_object().expect("servers");
    servers.iter().map(|(name, server)| (name.clone(), would_start(server))).collect()
}

fn codex(machine: &Machine) -> Servers {
    Codex::start(machine).servers()
}

/// What a program says on standard output, and there alone where it says anything: Gemini CLI answers on the other one.
fn words(machine: &Machine, program: &str, args: &[&str]) -> String {
    let output = machine.app(program, args);
    let [said, aside] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{program} says: {said}{aside}");
    if said.trim().is_empty() { aside } else { said }
}

/// `codex app-server`, which keeps its servers running until it is dropped.
pub(crate) struct Codex {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Codex {
    /// Starts it.
    pub(crate) fn start(machine: &Machine) -> Self {
        let mut command = machine.app_command("codex");
        command.arg("app-server").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take().expect("its input");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut codex = Self { child, input, lines };
        let client = json!({ "clientInfo": { "name": "tests", "title": "Tests", "version": "1" } });
        codex.ask(1, "initialize", &client);
        codex
    }

    /// A server works where its tools are known.
    pub(crate) fn servers(&mut self) -> Servers {
        let answer = self.ask(2, "mcpServerStatus/list", &json!({}));
        let servers = answer["result"]["data"].as_array().unwrap_or_else(|| panic!("codex says {answer}"));
        let name = |server: &Value| server["name"].as_str().expect("a name").to_owned();
        servers.iter().map(|server| (name(server), server["tools"].get("whoami").is_some())).collect()
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        writeln!(self.input, "{message}").expect("it listens");
        let answers =
            self.lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
        let mut answers = answers.filter(|answer| answer["id"] == id && answer.get("method").is_none());
        answers.next().expect("an answer")
    }
}

impl Drop for Codex {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
