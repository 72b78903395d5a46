//! The little that has to be known of a message to carry it.

use patchbay_core::wire::header::{HeaderMap, HeaderValue};
use patchbay_core::wire::{MODERN, base64};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wants answers under its ids, kept as they were written: one, or those of a batch (2025-03-26 allowed several
    /// messages at once, which are carried as they are).
    Request(Vec<String>),
    /// Wants none: a notification, or the app's answer to the server.
    OneWay,
    /// No JSON-RPC.
    Garbage,
}

/// A message's envelope.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) kind: Kind,
    /// Empty for answers and batches.
    pub(crate) method: String,
    /// The id of the request that this calls off.
    pub(crate) cancels: Option<String>,
    /// The revision that a message of the newest generation names.
    version: Option<String>,
    /// What `Mcp-Name` repeats.
    name: Option<String>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Raw<'_> {
    fn request_id(&self) -> Option<String> {
        self.method.as_ref().and(self.id).map(|id| id.get().to_owned())
    }
}

#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(rename = "_meta", borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(rename = "taskId", borrow)]
    task: Option<&'a RawValue>,
    #[serde(rename = "requestId", borrow)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion", borrow)]
    version: Option<&'a RawValue>,
}

fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

impl Envelope {
    pub(crate) fn of(line: &[u8]) -> Self {
        let blank = |kind| Self { kind, method: String::new(), cancels: None, version: None, name: None };
        if line.trim_ascii_start().starts_with(b"[") {
            let Ok(all) = serde_json::from_slice::<Vec<Raw<'_>>>(line) else { return blank(Kind::Garbage) };
            let ids: Vec<_> = all.iter().filter_map(Raw::request_id).collect();
            return blank(if ids.is_empty() { Kind::OneWay } else { Kind::Request(ids) });
        }
        let Ok(raw) = serde_json::from_slice::<Raw<'_>>(line) else { return blank(Kind::Garbage) };
        let kind = raw.request_id().map_or(Kind::OneWay, |id| Kind::Request(vec![id]));
        let method = raw.method.unwrap_or_default();
        let params: Params<'_> =
            raw.params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        let name = match method.as_str() {
            "tools/call" | "prompts/get" => text(params.name),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => text(params.uri),
            "tasks/get" | "tasks/update" | "tasks/cancel" => text(params.task),
            _ => None,
        };
        let cancels = params.request.filter(|_| method == "notifications/cancelled").map(|id| id.get().to_owned());
        let meta = params.meta.and_then(|meta| serde_json::from_str::<Meta<'_>>(meta.get()).ok());
        let version = text(meta.and_then(|meta| meta.version))
            .or_else(|| (method == "server/discover").then(|| MODERN.to_owned()));
        Self { kind, method, cancels, version, name }
    }

    /// The ids that want answers.
    pub(crate) fn ids(&self) -> &[String] {
        match &self.kind {
            Kind::Request(ids) => ids,
            Kind::OneWay | Kind::Garbage => &[],
        }
    }

    /// Whether it begins a session with a server of the older generations.
    pub(crate) fn is_initialize(&self) -> bool {
        self.method == "initialize"
    }

    /// Whether its answer tells which tools want parameters repeated in headers.
    pub(crate) fn lists_tools(&self) -> bool {
        self.is_modern() && self.method == "tools/list"
    }

    /// Whether it may want parameters repeated in headers.
    pub(crate) fn calls_tool(&self) -> bool {
        self.is_modern() && self.method == "tools/call"
    }

    /// Whether its answer has to be known as a whole before it is passed on.
    pub(crate) fn wants_whole_answer(&self) -> bool {
        self.is_initialize() || self.lists_tools() || self.ids().len() != 1
    }

    /// Whether it answers a request of the server.
    pub(crate) fn is_reply(&self) -> bool {
        self.kind == Kind::OneWay && self.method.is_empty()
    }

    /// Whether later messages depend on what the server answers to this one.
    pub(crate) fn begins_session(&self) -> bool {
        matches!(self.method.as_str(), "initialize" | "notifications/initialized")
    }

    /// Whether it is of the newest generation, which names its revision in each message.
    pub(crate) fn is_modern(&self) -> bool {
        self.version.is_some()
    }

    /// The headers by which servers of the newest generation route a message.
    pub(crate) fn routing(&self, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&header_text(value)).ok()) {
                headers.insert(name, value);
            }
        };
        put("mcp-protocol-version", self.version.as_deref());
        put("mcp-method", (!self.method.is_empty()).then_some(self.method.as_str()));
        put("mcp-name", self.name.as_deref());
    }
}

/// A name with characters that a header cannot carry is sent as the specification says: Base64, marked.
pub(crate) fn header_text(text: &str) -> String {
    let marked = text.starts_with("=?base64?") && text.ends_with("?=");
    let fits = text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) && text.trim() == text && !marked;
    if fits { text.to_owned() } else { format!("=?base64?{}?=", base64(text.as_bytes())) }
}
