//! The user's records: connections, credentials' facts, placements. Never a secret's value.

pub mod runs;
pub mod state;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One service, set up by the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// A readable slug of the name, `[a-z0-9-]`; also the entry's name in the apps' files.
    pub id: String,
    /// The name the user gave.
    pub name: String,
    /// The catalog's id of the service.
    pub provider: String,
    /// The user's answers to the service's fields, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The endpoint's address: https, or http on this computer; no credentials in it.
    pub url: String,
    /// How the token is sent.
    #[serde(default)]
    pub auth: AuthHeader,
    /// Further headers, sent as they are; none holds a secret.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Facts about its tokens; the first is the one for all apps unless a placement names another.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// Where it is used.
    #[serde(default)]
    pub placements: Vec<Placement>,
    /// When it was set up.
    pub created: Timestamp,
}

impl Connection {
    /// The credential that a placement uses: the one it names, else the first.
    pub fn credential_for(&self, placement: Option<&Placement>) -> Option<&Credential> {
        let named = placement.and_then(|placement| placement.credential.as_deref());
        match named {
            Some(id) => self.credentials.iter().find(|credential| credential.id == id),
            None => self.credentials.first(),
        }
    }
}

/// The header that carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuthHeader {
    /// The header's name, `Authorization` for most.
    pub name: String,
    /// What stands before the token, `Bearer ` with its space for most; empty for a raw value.
    pub prefix: String,
}

impl Default for AuthHeader {
    fn default() -> Self {
        Self { name: "Authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }
}

/// Facts about one token. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// `t-` and eight hex digits, unique in the state file; part of the keychain entry's name.
    pub id: String,
    /// What the token is called at the service ("Claude Desktop MCP").
    pub label: String,
    /// Scopes in the order they were chosen.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it was saved here.
    pub created: Timestamp,
    /// When it ends; absent where it does not, or nobody knows.
    #[serde(default)]
    pub expires: Option<Expiry>,
    /// See [`crate::secret::Secret::fingerprint`].
    pub fingerprint: String,
    /// The origin (`https://host[:port]`) it was saved for; it is sent nowhere else.
    pub origin: String,
    /// The token that this one replaced and that is still to be revoked at the service.
    #[serde(default)]
    pub previous: Option<Previous>,
    /// A renewal that has begun and is not finished: only there between its first and its last step, or after a kill.
    #[serde(default)]
    pub renewal: Option<Renewal>,
}

impl Credential {
    /// Whether its known end has come.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires.at <= now)
    }
}

/// A renewal under way. What stands in the keychain tells how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// When it began.
    pub begun: Timestamp,
    /// The new token's fingerprint.
    pub fingerprint: String,
    /// The new token's end.
    pub expires: Option<Expiry>,
    /// The new token's scopes.
    pub scopes: Vec<String>,
    /// The old token's place in the keychain, to be revoked once the renewal is done.
    pub previous: Previous,
}

/// A token that was replaced, kept in the keychain until it is known to be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its own keychain id.
    pub id: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When it was replaced.
    pub replaced: Timestamp,
}

/// When a token ends, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Expiry {
    /// The moment; for a date that a person typed, the end of that day in their time zone.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// How it is known.
    pub source: ExpirySource,
}

/// How an end date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ExpirySource {
    /// The user said so.
    Declared,
    /// The token or the service says so.
    Verified,
}

/// A connection placed in an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The app's id (`claude-desktop`, `codex`, `cursor`).
    pub client: String,
    /// The entry's name in the app's file.
    pub entry: String,
    /// The file that it was written to; where none is noted, the one that the app reads now.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// How the token gets there.
    pub wiring: Wiring,
    /// The credential used, where it is not the connection's first.
    #[serde(default)]
    pub credential: Option<String>,
    /// What was written, or what the user chose to keep: what the entry is compared with.
    pub expected: serde_json::Value,
    /// When it was written.
    pub written: Timestamp,
}

/// How the token gets to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Wiring {
    /// The app starts `patchbay bridge ID`, which reads the keychain.
    Bridge,
    /// The app speaks HTTP itself and asks `patchbay headers ID` for the header.
    HeadersHelper,
}
