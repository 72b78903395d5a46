//! The little that has to be known of a message to carry it.

use patchbay_core::wire::MODERN;
use patchbay_core::wire::header::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wants an answer under its id, kept as it was written.
    Request(String),
    /// Wants none: a notification, or the app's answer to the server.
    OneWay,
    /// Several messages at once, as 2025-03-26 allowed; carried as they are.
    Batch,
    /// No JSON-RPC.
    Garbage,
}

/// A message's envelope.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) kind: Kind,
    pub(crate) method: String,
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

#[derive(Deserialize, Default)]
struct Params {
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
    name: Option<serde_json::Value>,
    uri: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<serde_json::Value>,
}

impl Envelope {
    pub(crate) fn of(line: &[u8]) -> Self {
        let blank = |kind| Self { kind, method: String::new(), version: None, name: None };
        if line.trim_ascii_start().starts_with(b"[") {
            let valid = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
            return blank(if valid { Kind::Batch } else { Kind::Garbage });
        }
        let Ok(raw) = serde_json::from_slice::<Raw<'_>>(line) else { return blank(Kind::Garbage) };
        let kind = match (&raw.method, raw.id) {
            (Some(_), Some(id)) => Kind::Request(id.get().to_owned()),
            _ => Kind::OneWay,
        };
        let method = raw.method.unwrap_or_default();
        let params: Params = raw.params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        let text = |value: Option<serde_json::Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let name = match method.as_str() {
            "tools/call" | "prompts/get" => text(params.name),
            "resources/read" => text(params.uri),
            _ => None,
        };
        let version = text(params.meta.and_then(|meta| meta.version));
        Self {
            kind,
            name,
            version: version.or_else(|| (method == "server/discover").then(|| MODERN.to_owned())),
            method,
        }
    }

    /// Whether later messages depend on what the server answers to this one.
    pub(crate) fn begins_session(&self) -> bool {
        matches!(self.method.as_str(), "initialize" | "notifications/initialized" | "server/discover")
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
fn header_text(text: &str) -> String {
    let fits = text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) && text.trim() == text;
    if fits { text.to_owned() } else { format!("=?base64?{}?=", base64(text.as_bytes())) }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    bytes.chunks(3).fold(String::new(), |mut out, chunk| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let shown = chunk.len() + 1;
        (0..4).for_each(|n| out.push(if n < shown { digit(bits >> (18 - 6 * n)) } else { '=' }));
        out
    })
}
