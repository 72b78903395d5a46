//! The real apps, and a bridge as an app runs it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::session::Session;

/// The folder with the programs from the npm registry.
pub(crate) fn tools() -> Result<std::path::PathBuf> {
    Ok(std::path::PathBuf::from(std::env::var("PATCHBAY_NPM_TOOLS").context("PATCHBAY_NPM_TOOLS is not set")?))
}

/// The real Claude Code reaches the service through what stands in its file.
pub(crate) async fn claude_connects(session: &Session, connection: &str) -> Result<()> {
    let claude = tools()?.join("node_modules/.bin/claude");
    let said = session.output(session.command(&claude.display().to_string()).args(["mcp", "list"])).await?;
    let line = said.lines().find(|line| line.starts_with(&format!("{connection}:"))).unwrap_or_default();
    if line.contains("Connected") { Ok(()) } else { bail!("claude says: {said}") }
}

/// The real Codex lists our tools through the bridge, started without a session bus in its environment.
pub(crate) async fn codex_lists_tools(session: &Session, connection: &str) -> Result<()> {
    let codex = tools()?.join("node_modules/.bin/codex");
    let mut server = session.command(&codex.display().to_string());
    let mut server = Talk::start(server.arg("app-server"))?;
    let client = json!({ "clientInfo": { "name": "journey", "title": "Journey", "version": "1" } });
    server.ask("initialize", client).await?;
    let status = server.ask("mcpServerStatus/list", json!({})).await?;
    let own = status["result"]["data"].as_array().into_iter().flatten().find(|server| server["name"] == connection);
    let tools = own.map(|server| server["tools"].to_string()).unwrap_or_default();
    if tools.contains("whoami") { Ok(()) } else { bail!("codex says: {status}") }
}

/// What Codex makes of its whole file.
pub(crate) async fn codex_reads(session: &Session) -> Result<String> {
    let codex = tools()?.join("node_modules/.bin/codex");
    session.answer(session.command(&codex.display().to_string()).args(["mcp", "list", "--json"])).await
}

/// A conversation over a program's standard input and output.
pub(crate) struct Talk {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    next: u64,
    heard: String,
}

impl Talk {
    /// Starts the program.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("its input")?;
        let lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        Ok(Self { child, input, lines, next: 1, heard: String::new() })
    }

    /// All that the program has said.
    pub(crate) fn heard(&self) -> &str {
        &self.heard
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.next;
        self.next += 1;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.input.write_all(format!("{message}\n").as_bytes()).await?;
        let answer = async {
            while let Some(line) = self.lines.next_line().await? {
                self.heard.push_str(&line);
                let value: Value = serde_json::from_str(&line)?;
                if value["id"] == id && value.get("method").is_none() {
                    return Ok(value);
                }
            }
            bail!("{method}: the program ended")
        };
        tokio::time::timeout(Duration::from_secs(60), answer)
            .await
            .with_context(|| format!("{method} was not answered"))?
    }

    /// Says something that wants no answer.
    pub(crate) async fn tell(&mut self, method: &str) -> Result<()> {
        let message = json!({ "jsonrpc": "2.0", "method": method });
        Ok(self.input.write_all(format!("{message}\n").as_bytes()).await?)
    }

    /// Opens an MCP session.
    pub(crate) async fn open(&mut self) -> Result<()> {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "journey", "version": "1" } });
        let answer = self.ask("initialize", params).await?;
        if answer.get("result").is_none() {
            bail!("initialize: {answer}");
        }
        self.tell("notifications/initialized").await
    }

    /// Calls the harmless tool and returns the whole answer.
    pub(crate) async fn whoami(&mut self) -> Result<Value> {
        self.ask("tools/call", json!({ "name": "whoami", "arguments": {} })).await
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }
}
