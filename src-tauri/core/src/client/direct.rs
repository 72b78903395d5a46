//! Entries that work without Patchbay: the app speaks to the service itself, with the token in its own file.

use serde_json::{Map, Value, json};

/// How an app writes an entry for a service that it speaks to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    /// Under these names.
    Remote {
        /// The word for this kind of entry, where the app wants one.
        kind: Option<&'static str>,
        /// The field for the address.
        url: &'static str,
        /// The field for the headers.
        headers: &'static str,
        /// Whether it wants a list of the tools that may be used.
        tools: bool,
    },
    /// In Goose's way, with all the fields that it writes itself.
    Goose,
    /// In Continue's way, with the headers among the options of its requests.
    Continue,
    /// Not at all: it takes programs only, so one is named that many people use for this, `mcp-remote`, which needs
    /// Node.js. The headers go through its environment, because arguments with blanks break on some systems and are
    /// seen by every program (its README).
    Program,
}

impl Direct {
    /// `url` and `headers`, and nothing else.
    pub(super) const PLAIN: Self = Self::Remote { kind: None, url: "url", headers: "headers", tools: false };

    /// As [`PLAIN`](Self::PLAIN), with a `type`.
    pub(super) const fn typed(kind: &'static str) -> Self {
        Self::Remote { kind: Some(kind), url: "url", headers: "headers", tools: false }
    }

    /// The entry of this name for an address and headers, which may hold a token in plain text.
    pub fn entry(self, name: &str, address: &str, sent: &[(String, String)]) -> Value {
        match self {
            Self::Remote { kind, url, headers, tools } => remote(kind, (url, address), (headers, sent), tools),
            Self::Goose => json!({
                "enabled": true, "type": "streamable_http", "name": name, "description": "", "uri": address,
                "headers": table(sent), "envs": {}, "env_keys": [], "timeout": 300, "bundled": null, "available_tools": [],
            }),
            Self::Continue => json!({
                "name": name, "type": "streamable-http", "url": address,
                "requestOptions": { "headers": table(sent) },
            }),
            Self::Program => program(address, sent),
        }
    }
}

fn remote(kind: Option<&str>, url: (&str, &str), headers: (&str, &[(String, String)]), tools: bool) -> Value {
    let mut entry = Map::new();
    if let Some(kind) = kind {
        entry.insert("type".to_owned(), kind.into());
    }
    entry.insert(url.0.to_owned(), url.1.into());
    if !headers.1.is_empty() {
        entry.insert(headers.0.to_owned(), table(headers.1));
    }
    if tools {
        entry.insert("tools".to_owned(), json!(["*"]));
    }
    Value::Object(entry)
}

fn table(headers: &[(String, String)]) -> Value {
    Value::Object(headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect())
}

fn program(address: &str, sent: &[(String, String)]) -> Value {
    let mut args = vec!["-y".to_owned(), "mcp-remote".to_owned(), address.to_owned()];
    if address.starts_with("http:") {
        args.push("--allow-http".to_owned());
    }
    let mut env = Map::new();
    for (n, (name, value)) in sent.iter().enumerate() {
        let variable = format!("MCP_HEADER_{}", n + 1);
        args.extend(["--header".to_owned(), format!("{name}:${{{variable}}}")]);
        env.insert(variable, value.as_str().into());
    }
    let mut entry = json!({ "command": "npx", "args": args });
    if !env.is_empty() {
        entry["env"] = Value::Object(env);
    }
    entry
}
