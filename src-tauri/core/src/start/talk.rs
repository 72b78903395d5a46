//! Speaking MCP with a program: the newest generation where its app does that, `initialize`, the tools, one harmless call.
//! Our own bridge says in its errors what they are about; others have the codes that servers use for a refusal.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Limits;
use super::lines::Line;
use super::outcome::{Step, StepKind};
use crate::catalog::ToolCall;
use crate::probe::{Cause, Mark, ServerInfo, asks_back, refuses, server_info};
use crate::wire::{LEGACY, MODERN};

/// Why a talk came to no good end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It closed its output.
    Ended,
    /// It did not answer in time.
    Silent,
    /// It writes without end.
    Floods,
    /// What it answers is no MCP.
    NotMcp(String),
    /// It answers with an error.
    Refused(String),
    /// It does not allow this.
    NotAllowed(String),
    /// It asks a question back, and our own bridge says that it got no answer.
    AsksBack(String),
}

/// What was learnt on the way.
#[derive(Default)]
pub(super) struct Learnt {
    pub(super) server: Option<ServerInfo>,
    pub(super) protocol: Option<String>,
    pub(super) tools: Option<u32>,
    /// The first other thing among its messages.
    pub(super) noise: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// A conversation with a program.
pub(super) struct Talk<'a> {
    pub(super) to: ChildStdin,
    pub(super) from: mpsc::Receiver<Line>,
    pub(super) limits: &'a Limits,
    pub(super) learnt: &'a mut Learnt,
    pub(super) modern: bool,
    pub(super) next: u64,
    pub(super) since: Instant,
}

impl Talk<'_> {
    /// All of it; `newest` asks for the newest generation first.
    pub(super) async fn walk(&mut self, newest: bool, tool: Option<&ToolCall>, first: Duration) -> Result<(), Stop> {
        let deadline = Instant::now() + first;
        let result = self.handshake(newest, deadline).await?;
        self.note(&result);
        self.step(StepKind::Handshake, Mark::Passed, None);
        let offers = result.pointer("/capabilities/tools").is_some();
        if !offers {
            self.learnt.tools = Some(0);
            self.step(StepKind::Tools, Mark::Warned, Some("It offers no tools.".to_owned()));
            return Ok(());
        }
        let names = self.list().await?;
        self.learnt.tools = u32::try_from(names.len()).ok();
        self.step(StepKind::Tools, Mark::Passed, None);
        match tool {
            Some(tool) => self.call_one(tool, &names).await,
            None => Ok(()),
        }
    }

    fn step(&mut self, kind: StepKind, mark: Mark, detail: Option<String>) {
        self.add(Step { kind, mark, millis: 0, detail, cause: None });
    }

    /// It went well, with something to know.
    fn warn(&mut self, kind: StepKind, cause: Cause, detail: Option<String>) {
        self.add(Step { kind, mark: Mark::Warned, millis: 0, detail, cause: Some(cause) });
    }

    fn add(&mut self, step: Step) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.learnt.steps.push(Step { millis, ..step });
        self.since = Instant::now();
    }

    fn note(&mut self, result: &Value) {
        let short = |text: &Value| text.as_str().map(|text| text.chars().take(100).collect::<String>());
        let info = |key: &str| server_info(result).and_then(|info| info.get(key)).and_then(short);
        let (name, version) = (info("name"), info("version"));
        self.learnt.server = name.map(|name| ServerInfo { name, version: version.unwrap_or_default() });
        let protocol = || result.get("protocolVersion").and_then(short);
        self.learnt.protocol = if self.modern { Some(MODERN.to_owned()) } else { protocol() };
    }

    /// The first calls. A program that is slow to start gets them all before it reads the first.
    async fn handshake(&mut self, newest: bool, deadline: Instant) -> Result<Value, Stop> {
        let mut asked = None;
        if newest {
            self.modern = true;
            let id = self.send("server/discover", json!({})).await?;
            let early = (Instant::now() + self.limits.discover).min(deadline);
            match self.answer(&[id], early).await {
                Ok((_, answer)) => {
                    if let Some(result) = answer.get("result").filter(|result| speaks_modern(result)) {
                        return Ok(result.clone());
                    }
                }
                Err(Stop::Silent) => asked = Some(id),
                Err(other) => return Err(other),
            }
            self.modern = false;
        }
        let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info() });
        let id = self.send("initialize", params).await?;
        let result = self.initialized(asked, id, deadline).await?;
        if self.modern {
            return Ok(result);
        }
        self.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(result)
    }

    /// The answer to `initialize`; or a late one to what was asked before it, by a server of the newest generation that
    /// was slow to start, which then refuses `initialize`.
    async fn initialized(&mut self, asked: Option<u64>, id: u64, deadline: Instant) -> Result<Value, Stop> {
        loop {
            let ids: Vec<u64> = asked.into_iter().chain([id]).collect();
            let (which, answer) = self.answer(&ids, deadline).await?;
            if let Some(result) = answer.get("result").filter(|result| which != id && speaks_modern(result)) {
                self.modern = true;
                return Ok(result.clone());
            }
            if which == id {
                let result = result_of(&answer)?;
                let known = result.get("protocolVersion").is_some();
                return if known { Ok(result) } else { Err(Stop::NotMcp(brief(&answer))) };
            }
        }
    }

    async fn list(&mut self) -> Result<Vec<String>, Stop> {
        let mut names = Vec::new();
        let mut cursor: Option<Value> = None;
        for _ in 0..self.limits.pages {
            let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
            let result = self.ask("tools/list", params).await?;
            let Some(page) = result.get("tools").and_then(Value::as_array) else {
                return Err(Stop::NotMcp(brief(&result)));
            };
            names.extend(page.iter().filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)));
            cursor = result.get("nextCursor").filter(|cursor| cursor.is_string()).cloned();
            if cursor.is_none() {
                break;
            }
        }
        Ok(names)
    }

    /// Calls the first of the harmless tools that is offered, and the next one where it is not allowed, as the check of an
    /// address does.
    async fn call_one(&mut self, known: &ToolCall, names: &[String]) -> Result<(), Stop> {
        let chain = std::iter::successors(Some(known), |tool| tool.or_else.as_deref());
        let mut refused: Option<String> = None;
        for tool in chain.filter(|tool| names.contains(&tool.name)) {
            match (self.call(tool).await, refused) {
                (Err(Stop::NotAllowed(words)), first) => refused = Some(first.unwrap_or(words)),
                (Ok(_), Some(first)) => {
                    self.warn(StepKind::Call, Cause::PartlyAllowed, Some(first));
                    return Ok(());
                }
                (Ok(None), None) => {
                    self.step(StepKind::Call, Mark::Passed, None);
                    return Ok(());
                }
                (Ok(Some((cause, words))), None) => {
                    self.warn(StepKind::Call, cause, words);
                    return Ok(());
                }
                (Err(stop), _) => return Err(stop),
            }
        }
        refused.map_or(Ok(()), |words| Err(Stop::NotAllowed(words)))
    }

    /// One harmless call, and what there is to know of it. What the tool itself says went wrong is a remark: the way to it
    /// works.
    async fn call(&mut self, tool: &ToolCall) -> Result<Option<(Cause, Option<String>)>, Stop> {
        let asked = self.ask("tools/call", json!({ "name": tool.name, "arguments": tool.arguments })).await;
        let result = match asked {
            Err(Stop::AsksBack(_)) => return Ok(Some((Cause::ToolAsks, None))),
            asked => asked?,
        };
        if asks_back(&result) {
            return Ok(Some((Cause::ToolAsks, None)));
        }
        if result.get("isError").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let mut items = result.get("content").and_then(Value::as_array).into_iter().flatten();
        let words = items.find_map(|item| item.get("text")?.as_str());
        Ok(Some((Cause::ToolFailed, words.map(brief_text))))
    }

    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Stop> {
        let id = self.send(method, params).await?;
        let (_, answer) = self.answer(&[id], Instant::now() + self.limits.exchange).await?;
        match result_of(&answer) {
            Err(Stop::Refused(words)) if is_denial(&answer["error"]) => Err(Stop::NotAllowed(words)),
            outcome => outcome,
        }
    }

    async fn send(&mut self, method: &str, mut params: Value) -> Result<u64, Stop> {
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        let id = self.next;
        self.next += 1;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        Ok(id)
    }

    async fn write(&mut self, message: &Value) -> Result<(), Stop> {
        let line = format!("{message}\n");
        let write = async {
            self.to.write_all(line.as_bytes()).await?;
            self.to.flush().await
        };
        match timeout_at(Instant::now() + self.limits.exchange, write).await {
            // Whether it ended or only closed its input, its output will tell.
            Ok(_) => Ok(()),
            Err(_) => Err(Stop::Silent),
        }
    }

    /// Waits for an answer to one of these; answers what the program asks meanwhile.
    async fn answer(&mut self, ids: &[u64], deadline: Instant) -> Result<(u64, Value), Stop> {
        loop {
            let line = timeout_at(deadline, self.from.recv()).await.map_err(|_| Stop::Silent)?;
            match line.ok_or(Stop::Ended)? {
                Line::TooMuch => return Err(Stop::Floods),
                Line::Noise(text) => {
                    if !text.trim().is_empty() {
                        self.learnt.noise.get_or_insert(text);
                    }
                }
                Line::Message(message) => {
                    if message.get("method").is_some() {
                        self.serve(&message).await?;
                    } else if let Some(id) = message.get("id").and_then(Value::as_u64).filter(|id| ids.contains(id)) {
                        return Ok((id, message));
                    }
                }
            }
        }
    }

    /// Answers the program's own requests: `ping` well, and others as one that offers nothing.
    async fn serve(&mut self, request: &Value) -> Result<(), Stop> {
        let Some(id) = request.get("id") else { return Ok(()) };
        let answer = if request.get("method").is_some_and(|method| method == "ping") {
            json!({ "jsonrpc": "2.0", "id": id, "result": {} })
        } else {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "Method not found" } })
        };
        self.write(&answer).await
    }
}

fn client_info() -> Value {
    json!({ "name": "patchbay", "version": env!("CARGO_PKG_VERSION") })
}

fn speaks_modern(result: &Value) -> bool {
    let versions = result.get("supportedVersions").and_then(Value::as_array);
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN))
}

fn result_of(answer: &Value) -> Result<Value, Stop> {
    if let Some(error) = answer.get("error") {
        let words = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(match own_code(error) {
            Some("not_allowed") => Stop::NotAllowed(words),
            Some("app_refused") => Stop::AsksBack(words),
            _ => Stop::Refused(words),
        });
    }
    answer.get("result").cloned().ok_or_else(|| Stop::NotMcp(brief(answer)))
}

/// What our own bridge says that an error is about.
fn own_code(error: &Value) -> Option<&str> {
    let data = error.get("data").filter(|data| data["from"] == "patchbay")?;
    data.get("code").and_then(Value::as_str)
}

/// Whether it is the error of a server that knows the question and does not allow it.
fn is_denial(error: &Value) -> bool {
    let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let code = error.get("code").and_then(Value::as_i64);
    own_code(error).is_none() && code.is_some_and(|code| refuses(code, words))
}

fn brief(value: &Value) -> String {
    brief_text(&value.to_string())
}

fn brief_text(text: &str) -> String {
    text.chars().take(200).collect()
}
