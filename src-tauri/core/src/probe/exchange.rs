//! The layers above HTTP: sign-in, handshake, tools, one call; for servers of both generations.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Body, NoReply, Reply, post, shown};
use super::{Layer, LayerKind, Layers, Mark, Probe, ServerInfo, Stop, Verdict};
use crate::wire::header::{HeaderMap, HeaderName, HeaderValue};
use crate::wire::{Client, LEGACY, MODERN, Method, WireError};

/// What a check learns on its way.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) server: Option<ServerInfo>,
    pub(super) protocol: Option<String>,
    pub(super) tools: Option<u32>,
}

/// A conversation with a server whose generation is known.
struct Talk<'a> {
    probe: &'a Probe,
    client: &'a Client,
    headers: HeaderMap,
    modern: bool,
    next: u64,
}

/// The first call of the older generations.
pub(super) fn initialize_body(id: u64) -> Value {
    let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info() });
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params })
}

fn client_info() -> Value {
    json!({ "name": "patchbay", "version": env!("CARGO_PKG_VERSION") })
}

/// Walks the upper layers.
pub(super) async fn talk<F: Fn(&Layer)>(
    probe: &Probe,
    client: &Client,
    layers: &mut Layers<F>,
    found: &mut Found,
) -> Result<(), Stop> {
    let mut talk = Talk { probe, client, headers: HeaderMap::new(), modern: true, next: 1 };
    let result = talk.handshake(layers).await?;
    note(found, &result, talk.modern);
    layers.pass(LayerKind::Handshake);
    let outcome = talk.tools_and_call(layers, found, &result).await;
    talk.end().await;
    outcome
}

fn note(found: &mut Found, result: &Value, modern: bool) {
    let info = result.get("serverInfo");
    let text = |key: &str| info.and_then(|info| info.get(key)).and_then(Value::as_str).map(shown).unwrap_or_default();
    found.server = info.map(|_| ServerInfo { name: text("name"), version: text("version") });
    found.protocol =
        if modern { Some(MODERN.to_owned()) } else { result.get("protocolVersion").and_then(Value::as_str).map(shown) };
}

impl Talk<'_> {
    /// Tries the newest protocol, then `initialize`; leaves the talk in the server's generation.
    async fn handshake<F: Fn(&Layer)>(&mut self, layers: &mut Layers<F>) -> Result<Value, Stop> {
        let discovered = self.send("server/discover", json!({}), self.probe.limits.discover).await;
        if let Ok(reply) = &discovered {
            self.sign_in(reply).await?;
            if let Some(result) = reply.result().filter(|result| speaks_modern(result)) {
                layers.pass(LayerKind::SignIn);
                return Ok(result.clone());
            }
        } else if let Err(NoReply::Wire(error)) = &discovered
            && !matches!(error, WireError::Broken | WireError::TooLarge)
        {
            return Err(stopped(discovered, LayerKind::SignIn));
        }
        self.modern = false;
        let body = initialize_body(self.next);
        self.next += 1;
        let reply = self.exchange(&body, self.probe.limits.exchange).await;
        let reply = reply.map_err(|error| stopped(Err(error), LayerKind::Handshake))?;
        self.sign_in(&reply).await?;
        let Some(result) = reply.result().filter(|result| result.get("protocolVersion").is_some()).cloned() else {
            return Err(no_mcp(&reply));
        };
        layers.pass(LayerKind::SignIn);
        self.begin_session(&reply, &result).await;
        Ok(result)
    }

    async fn begin_session(&mut self, reply: &Reply, result: &Value) {
        if let Some(session) = &reply.session {
            self.headers.insert("mcp-session-id", session.clone());
        }
        let version = result.get("protocolVersion").and_then(Value::as_str).unwrap_or(LEGACY);
        if let Ok(version) = HeaderValue::from_str(version) {
            self.headers.insert("mcp-protocol-version", version);
        }
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        // A server that minds will say so at the next request.
        let _ = self.exchange(&initialized, self.probe.limits.exchange).await;
    }

    /// Stops at what a status says about the token or the address.
    async fn sign_in(&self, reply: &Reply) -> Result<(), Stop> {
        match reply.status {
            401 => Err(self.refused(reply).await),
            403 => Err(forbidden(reply, LayerKind::SignIn)),
            429 | 500..=599 => Err(service_error(reply, LayerKind::SignIn)),
            300..=399 => {
                Err(Stop::new(Verdict::WrongAddress, LayerKind::Handshake).detail("It sends the caller elsewhere."))
            }
            _ => Ok(()),
        }
    }

    async fn refused(&self, reply: &Reply) -> Stop {
        let verdict = if self.probe.has_token {
            Verdict::TokenRefused
        } else if reply.parameter("resource_metadata").is_some() || self.has_metadata().await {
            Verdict::NeedsBrowserSignIn
        } else {
            Verdict::TokenMissing
        };
        let stop = Stop::new(verdict, LayerKind::SignIn);
        match reply.words() {
            Some(words) => stop.detail(words),
            None => stop,
        }
    }

    /// Whether the origin describes how to sign in (RFC 9728).
    async fn has_metadata(&self) -> bool {
        let url = self.probe.endpoint.url();
        let Ok(place) = url.join(&format!("/.well-known/oauth-protected-resource{}", url.path())) else { return false };
        let Ok(endpoint) = crate::wire::Endpoint::new(place.as_str()) else { return false };
        let ask = self.client.send(&endpoint, Method::GET, None, &self.headers);
        matches!(tokio::time::timeout(Duration::from_secs(3), ask).await, Ok(Ok(response)) if response.status().is_success())
    }

    async fn tools_and_call<F: Fn(&Layer)>(
        &mut self,
        layers: &mut Layers<F>,
        found: &mut Found,
        result: &Value,
    ) -> Result<(), Stop> {
        let offers = result.get("capabilities").and_then(|can| can.get("tools")).is_some();
        if !offers {
            layers.mark(LayerKind::Tools, Mark::Warned, Some("It offers no tools.".to_owned()));
            layers.skip(LayerKind::Call, "there are no tools");
            found.tools = Some(0);
            return Ok(());
        }
        let names = self.list().await?;
        found.tools = u32::try_from(names.len()).ok();
        layers.pass(LayerKind::Tools);
        match &self.probe.tool {
            None => layers.skip(LayerKind::Call, "no harmless tool is known for this service"),
            Some(tool) if !names.contains(&tool.name) => {
                layers.skip(LayerKind::Call, "the harmless tool is not in the list");
            }
            Some(tool) => {
                let params = json!({ "name": tool.name, "arguments": tool.arguments });
                let warning = self.call(params).await?;
                let mark = if warning.is_some() { Mark::Warned } else { Mark::Passed };
                layers.mark(LayerKind::Call, mark, warning);
            }
        }
        Ok(())
    }

    async fn list(&mut self) -> Result<Vec<String>, Stop> {
        let mut names = Vec::new();
        let mut cursor: Option<Value> = None;
        for _ in 0..self.probe.limits.pages {
            let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
            let reply = self.ask("tools/list", params, LayerKind::Tools).await?;
            let Some(result) = reply.result() else { return Err(answered_error(&reply, LayerKind::Tools)) };
            let page = result.get("tools").and_then(Value::as_array).into_iter().flatten();
            names.extend(page.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)));
            cursor = result.get("nextCursor").filter(|cursor| cursor.is_string()).cloned();
            if cursor.is_none() {
                break;
            }
        }
        Ok(names)
    }

    /// The harmless call. What the tool itself says went wrong is a warning: the way to it works.
    async fn call(&mut self, params: Value) -> Result<Option<String>, Stop> {
        let reply = self.ask("tools/call", params, LayerKind::Call).await?;
        let Some(result) = reply.result() else { return Err(answered_error(&reply, LayerKind::Call)) };
        if result.get("isError").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let mut text = result.get("content").and_then(Value::as_array).into_iter().flatten();
        let words = text.find_map(|item| item.get("text")?.as_str()).unwrap_or("The tool reports an error.");
        Ok(Some(shown(words)))
    }

    async fn ask(&mut self, method: &str, params: Value, layer: LayerKind) -> Result<Reply, Stop> {
        let reply = self.send(method, params, self.probe.limits.exchange).await;
        let reply = reply.map_err(|error| stopped(Err(error), layer))?;
        match reply.status {
            401 => Err(Stop { layer, ..self.refused(&reply).await }),
            403 => Err(forbidden(&reply, layer)),
            429 | 500..=599 => Err(service_error(&reply, layer)),
            _ => Ok(reply),
        }
    }

    async fn send(&mut self, method: &str, params: Value, patience: Duration) -> Result<Reply, NoReply> {
        let mut params = params;
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let name = params.get("name").and_then(Value::as_str).and_then(|name| HeaderValue::from_str(name).ok());
            self.headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
            if let Ok(method) = HeaderValue::from_str(method) {
                self.headers.insert("mcp-method", method);
            }
            match name {
                Some(name) => drop(self.headers.insert("mcp-name", name)),
                None => drop(self.headers.remove("mcp-name")),
            }
        } else {
            for name in ["mcp-method", "mcp-name"] {
                self.headers.remove(HeaderName::from_static(name));
            }
        }
        let body = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params });
        self.next += 1;
        self.exchange(&body, patience).await
    }

    async fn exchange(&mut self, body: &Value, patience: Duration) -> Result<Reply, NoReply> {
        if !self.modern
            && !self.headers.contains_key("mcp-session-id")
            && body.get("method") == Some(&json!("initialize"))
        {
            self.headers.clear();
        }
        post(self.client, &self.probe.endpoint, body, &self.headers, &self.probe.limits, patience).await
    }

    /// Ends the session, without waiting long and without minding the answer.
    async fn end(&self) {
        if self.headers.contains_key("mcp-session-id") {
            let bye = self.client.send(&self.probe.endpoint, Method::DELETE, None, &self.headers);
            let _ = tokio::time::timeout(Duration::from_secs(2), bye).await;
        }
    }
}

fn stopped(reply: Result<Reply, NoReply>, layer: LayerKind) -> Stop {
    match reply {
        Err(NoReply::Slow) => Stop::new(Verdict::TooSlow, layer),
        Err(NoReply::Wire(error)) => match &error {
            WireError::OtherOrigin(origin) => {
                Stop::new(Verdict::WrongAddress, layer).detail(format!("It sends the caller to {}.", shown(origin)))
            }
            WireError::Circles => Stop::new(Verdict::WrongAddress, layer).detail("It sends the caller in circles."),
            WireError::Tls(words) => Stop::new(Verdict::TlsNotTrusted, LayerKind::Tls).detail(words.clone()),
            WireError::TooLarge => Stop::new(Verdict::NotMcp, layer).detail("Its answer does not end."),
            WireError::Timeout => Stop::new(Verdict::TooSlow, layer),
            WireError::Broken => Stop::new(Verdict::NotMcp, layer).detail("Its answer is cut off or unreadable."),
            WireError::Name | WireError::Connect => Stop::new(Verdict::Unreachable, layer),
        },
        Ok(reply) => no_mcp(&reply),
    }
}

fn speaks_modern(result: &Value) -> bool {
    let versions = result.get("supportedVersions").and_then(Value::as_array);
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN))
}

fn forbidden(reply: &Reply, layer: LayerKind) -> Stop {
    let stop = Stop { missing_right: reply.parameter("scope"), ..Stop::new(Verdict::NotAllowed, layer) };
    match reply.words() {
        Some(words) => stop.detail(words),
        None => stop,
    }
}

fn service_error(reply: &Reply, layer: LayerKind) -> Stop {
    let stop = Stop { retry_after: reply.retry_after, ..Stop::new(Verdict::ServiceError, layer) };
    let status =
        if reply.status == 429 { "Too many requests.".to_owned() } else { format!("It answers {}.", reply.status) };
    match reply.words() {
        Some(words) => stop.detail(format!("{status} {words}")),
        None => stop.detail(status),
    }
}

/// A JSON-RPC error where a result was due.
fn answered_error(reply: &Reply, layer: LayerKind) -> Stop {
    match reply.error() {
        // The codes that servers use for a refusal; others are faults of the service.
        Some((-32001 | -32003 | 401 | 403, words)) => Stop::new(Verdict::NotAllowed, layer).detail(words),
        Some((_, words)) => Stop::new(Verdict::ServiceError, layer).detail(words),
        None => Stop::new(Verdict::NotMcp, layer).detail("It does not answer as an MCP server does."),
    }
}

/// What answers is no MCP server, or nothing is there.
fn no_mcp(reply: &Reply) -> Stop {
    let stop = match (reply.status, &reply.body) {
        (404 | 410, Body::Answer(_)) | (200..=299, _) => Stop::new(Verdict::NotMcp, LayerKind::Handshake),
        (404 | 410, _) => Stop::new(Verdict::WrongAddress, LayerKind::Handshake),
        _ => Stop::new(Verdict::NotMcp, LayerKind::Handshake),
    };
    match &reply.body {
        Body::Html => stop.detail("A web page answers there."),
        _ => match reply.words() {
            Some(words) => stop.detail(words),
            None => stop,
        },
    }
}
