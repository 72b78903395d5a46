//! A conversation with a server of any generation: sign-in, handshake, questions, end.

use std::slice::from_ref;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::channel::{self, Channel, Opened};
use super::http::{NoReply, Reply, post};
use super::{Cause, Generation, Layer, LayerKind, Layers, Probe, ServerInfo, Stop, Verdict, judge, tools};
use crate::wire::header::{HeaderMap, HeaderName, HeaderValue};
use crate::wire::{Client, LEGACY, MODERN, Method, read_bounded, shown};

const SESSION: &str = "mcp-session-id";

/// What a check learns on its way.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) server: Option<ServerInfo>,
    pub(super) generation: Option<Generation>,
    pub(super) protocol: Option<String>,
    pub(super) tools: Option<u32>,
}

/// What came of the newest generation's first call.
enum Discovered {
    /// The server speaks it.
    Speaks(Value),
    /// The older way is to be tried.
    Not,
    /// The same, because nothing came back yet.
    NotYet,
}

/// A conversation with a server whose generation is known.
pub(super) struct Talk<'a> {
    pub(super) probe: &'a Probe,
    client: &'a Client,
    headers: HeaderMap,
    modern: bool,
    /// Where it is a server of 2024-11-05.
    channel: Option<Box<Channel>>,
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

/// Walks the upper layers until `deadline`, and says goodbye to a session even where that is over.
pub(super) async fn talk<F: Fn(&Layer)>(
    probe: &Probe,
    client: &Client,
    layers: &mut Layers<F>,
    found: &mut Found,
    deadline: Instant,
) -> Result<(), Stop> {
    let mut talk = Talk { probe, client, headers: HeaderMap::new(), modern: true, channel: None, next: 1 };
    let outcome = timeout_at(deadline, talk.walk(layers, found)).await;
    talk.end().await;
    outcome.unwrap_or_else(|_| Err(layers.too_slow()))
}

impl Talk<'_> {
    /// All of it but the end.
    async fn walk<F: Fn(&Layer)>(&mut self, layers: &mut Layers<F>, found: &mut Found) -> Result<(), Stop> {
        let result = self.handshake(layers).await?;
        self.note(found, &result);
        layers.pass(LayerKind::Handshake);
        tools::walk(self, layers, found, &result).await
    }

    fn note(&self, found: &mut Found, result: &Value) {
        let plain = |value: &Value| value.as_str().map(|text| shown(text, from_ref(&self.probe.endpoint)));
        let info = server_info(result);
        let text = |key: &str| info.and_then(|info| info.get(key)).and_then(plain).unwrap_or_default();
        found.generation = Some(self.generation());
        found.server = info.map(|_| ServerInfo { name: text("name"), version: text("version") });
        found.protocol =
            if self.modern { Some(MODERN.to_owned()) } else { result.get("protocolVersion").and_then(plain) };
    }

    fn generation(&self) -> Generation {
        match (self.modern, &self.channel) {
            (true, _) => Generation::Newest,
            (false, Some(_)) => Generation::Streamed,
            (false, None) => Generation::Posted,
        }
    }

    /// Tries the newest protocol, then `initialize`, as far as that is wanted; leaves the talk in the server's generation.
    async fn handshake<F: Fn(&Layer)>(&mut self, layers: &mut Layers<F>) -> Result<Value, Stop> {
        let limits = self.probe.limits;
        let mut discovered = Discovered::Not;
        if self.probe.speaks.newest {
            discovered = self.discover(limits.discover).await?;
        }
        if let Discovered::Speaks(result) = discovered {
            layers.pass(LayerKind::SignIn);
            return Ok(result);
        }
        let older = self.older(layers).await;
        // A server of the newest generation alone that takes its time refuses what it does not know.
        if let (Err(stop), Discovered::NotYet) = (&older, &discovered)
            && stop.cause != Some(Cause::Slow)
        {
            (self.modern, self.channel) = (true, None);
            self.headers.clear();
            if let Discovered::Speaks(result) = self.discover(limits.exchange).await? {
                layers.pass(LayerKind::SignIn);
                return Ok(result);
            }
        }
        older
    }

    /// The older generations' handshake, as far as they are wanted.
    async fn older<F: Fn(&Layer)>(&mut self, layers: &mut Layers<F>) -> Result<Value, Stop> {
        self.modern = false;
        self.headers.clear();
        let reply = self.begin().await?;
        let Some(result) = reply.result().filter(|result| result.get("protocolVersion").is_some()).cloned() else {
            return Err(judge::no_handshake(&reply, self.channel.is_some()));
        };
        layers.pass(LayerKind::SignIn);
        self.begin_session(&reply, &result).await;
        Ok(result)
    }

    /// What comes back to `initialize`, posted to the address or on a stream.
    async fn begin(&mut self) -> Result<Reply, Stop> {
        let speaks = self.probe.speaks;
        if !speaks.posted {
            return if self.open_channel(None).await? {
                self.initialize().await
            } else {
                Err(Stop::because(Cause::TurnedDown, LayerKind::Handshake))
            };
        }
        let reply = self.initialize().await?;
        let streams = speaks.streamed && channel::may_be_meant(&reply) && self.open_channel(Some(&reply)).await?;
        if streams { self.initialize().await } else { Ok(reply) }
    }

    async fn initialize(&mut self) -> Result<Reply, Stop> {
        let body = initialize_body(self.next);
        self.next += 1;
        let reply = self.exchange(&body, self.probe.limits.exchange).await;
        let reply = reply.map_err(|why| judge::no_reply(&why, LayerKind::Handshake))?;
        self.refusal(&reply, LayerKind::SignIn).await?;
        Ok(reply)
    }

    /// Opens a stream, where `initialize` was refused or without asking before; whether there is one now.
    async fn open_channel(&mut self, refusal: Option<&Reply>) -> Result<bool, Stop> {
        match Channel::open(self.client, &self.probe.endpoint, &self.probe.limits).await {
            Opened::Channel(channel) => self.channel = Some(channel),
            Opened::Refused(reply) => self.refusal(&reply, LayerKind::SignIn).await?,
            Opened::Astray(stop) => return Err(stop),
            // Who refuses in the protocol's own words may have a stream of a later revision, and has said what counts.
            Opened::Unnamed(stop) if refusal.is_none_or(|refusal| refusal.error().is_none()) => return Err(stop),
            Opened::Unnamed(_) | Opened::Nothing => {}
        }
        Ok(self.channel.is_some())
    }

    /// The newest generation's first call.
    ///
    /// Older servers answer a method that they do not know with any status, with a page, or not at all. Only a refused
    /// token is refused either way.
    async fn discover(&mut self, patience: Duration) -> Result<Discovered, Stop> {
        match self.send("server/discover", json!({}), patience).await {
            Ok(reply) if reply.status == 401 => Err(self.refused(&reply, LayerKind::SignIn).await),
            Ok(reply) => {
                let result = reply.result().filter(|result| speaks_modern(result)).cloned();
                Ok(result.map_or(Discovered::Not, Discovered::Speaks))
            }
            Err(NoReply::Slow) => Ok(Discovered::NotYet),
            Err(NoReply::Wire(_)) => Ok(Discovered::Not),
        }
    }

    async fn begin_session(&mut self, reply: &Reply, result: &Value) {
        // A stream is a session by itself, which knows none of these headers.
        if self.channel.is_none() {
            self.keep_session(reply, result);
        }
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        // A server that minds will say so at the next request.
        let _ = self.exchange(&initialized, self.probe.limits.exchange).await;
    }

    fn keep_session(&mut self, reply: &Reply, result: &Value) {
        if let Some(session) = &reply.session {
            self.headers.insert(SESSION, session.clone());
        }
        let version = result.get("protocolVersion").and_then(Value::as_str).unwrap_or(LEGACY);
        if let Ok(version) = HeaderValue::from_str(version) {
            self.headers.insert("mcp-protocol-version", version);
        }
    }

    /// Stops at what a status says about the token, the address or the service.
    async fn refusal(&self, reply: &Reply, layer: LayerKind) -> Result<(), Stop> {
        if reply.status == 401 {
            return Err(self.refused(reply, layer).await);
        }
        judge::status(reply, layer, self.probe.has_token).map_or(Ok(()), Err)
    }

    async fn refused(&self, reply: &Reply, layer: LayerKind) -> Stop {
        let kind = reply.other_sign_in().filter(|_| self.probe.has_token);
        if let Some(kind) = kind {
            let words = reply.words().map_or_else(|| kind.to_owned(), |words| format!("{kind}: {words}"));
            return Stop { status: Some(reply.status), ..Stop::because(Cause::OtherSignIn, layer).detail(words) };
        }
        let verdict = if self.probe.has_token {
            Verdict::TokenRefused
        } else if reply.parameter("resource_metadata").is_some() || self.has_metadata().await {
            Verdict::NeedsBrowserSignIn
        } else {
            Verdict::TokenMissing
        };
        Stop { status: Some(reply.status), ..Stop::new(verdict, layer).words(reply.words()) }
    }

    /// Whether the origin describes how to sign in (RFC 9728).
    async fn has_metadata(&self) -> bool {
        let url = self.probe.endpoint.url();
        let Ok(place) = url.join(&format!("/.well-known/oauth-protected-resource{}", url.path())) else { return false };
        let Ok(endpoint) = crate::wire::Endpoint::new(place.as_str()) else { return false };
        let endpoint = endpoint.with_network(self.probe.endpoint.network().clone());
        let ask = async {
            let response = self.client.send(&endpoint, Method::GET, None, &self.headers).await.ok()?;
            let bytes = read_bounded(response, self.probe.limits.body).await.ok()?;
            // Some sites answer every question with their start page.
            serde_json::from_slice::<Value>(&bytes).ok()?.get("authorization_servers").cloned()
        };
        matches!(timeout(Duration::from_secs(3), ask).await, Ok(Some(Value::Array(_))))
    }

    /// Asks a question after the handshake; what a status says of the token or the service ends the check.
    pub(super) async fn ask(&mut self, method: &str, params: Value, layer: LayerKind) -> Result<Reply, Stop> {
        let reply = self.send(method, params, self.probe.limits.exchange).await;
        let reply = reply.map_err(|why| judge::no_reply(&why, layer))?;
        self.refusal(&reply, layer).await?;
        Ok(reply)
    }

    pub(super) fn no_result(&self, reply: &Reply, layer: LayerKind) -> Stop {
        judge::no_result(reply, layer, self.channel.is_some() || self.headers.contains_key(SESSION))
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
        if let Some(channel) = &mut self.channel {
            return channel.exchange(self.client, body, &self.probe.limits, patience).await;
        }
        post(self.client, &self.probe.endpoint, body, &self.headers, &self.probe.limits, patience).await
    }

    /// Ends the session, without waiting long and without minding the answer.
    async fn end(&self) {
        if self.headers.contains_key(SESSION) {
            let bye = self.client.send(&self.probe.endpoint, Method::DELETE, None, &self.headers);
            let _ = timeout(Duration::from_secs(2), bye).await;
        }
    }
}

/// What a server calls itself: in the newest generation among what it tells beside the result.
pub(crate) fn server_info(result: &Value) -> Option<&Value> {
    let newest = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo");
    newest.or_else(|| result.get("serverInfo"))
}

fn speaks_modern(result: &Value) -> bool {
    let versions = result.get("supportedVersions").and_then(Value::as_array);
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN))
}
