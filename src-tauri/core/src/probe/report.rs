//! What a check found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Cause;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Report {
    /// The answer in a word.
    pub verdict: Verdict,
    /// All layers, in order.
    pub layers: Vec<Layer>,
    /// When it was made.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    #[ts(type = "number")]
    pub millis: u64,
    /// What the server calls itself.
    pub server: Option<ServerInfo>,
    /// The protocol's revision.
    pub protocol: Option<String>,
    /// How many tools it offers.
    pub tools: Option<u32>,
    /// The service's own words, bounded and cleaned, or the place that it names.
    pub detail: Option<String>,
    /// The right that is missing, as the service names it.
    pub missing_right: Option<String>,
    /// How long the service asks to wait, in seconds.
    #[ts(type = "number | null")]
    pub retry_after: Option<u64>,
    /// The status of the answer that decided: 403 as well where a refusal is said in the protocol's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub status: Option<u16>,
    /// What it means at this service, by its pack; said in the place of the general sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub explained: Option<Explained>,
}

/// What a refusal means at one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Explained {
    /// The cause, in a sentence.
    pub say: String,
    /// The next step, in a sentence.
    pub then: String,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Layer {
    /// Which.
    pub kind: LayerKind,
    /// How it went.
    pub mark: Mark,
    /// How long it took, in milliseconds.
    #[ts(type = "number")]
    pub millis: u64,
    /// More about it.
    pub detail: Option<String>,
    /// Why it failed, or what there is to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cause: Option<Cause>,
}

/// The layers, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum LayerKind {
    /// The host's name is known.
    Name,
    /// Somebody answers there.
    Connect,
    /// The connection is secure and trusted.
    Tls,
    /// The token is accepted.
    SignIn,
    /// It speaks MCP.
    Handshake,
    /// It lists its tools.
    Tools,
    /// One harmless tool answers.
    Call,
}

impl LayerKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Connect, Self::Tls, Self::SignIn, Self::Handshake, Self::Tools, Self::Call];
}

/// How a layer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Mark {
    /// Well.
    Passed,
    /// Not; it decided the verdict.
    Failed,
    /// It was not tried.
    Skipped,
    /// Well, with something to know.
    Warned,
}

/// What a server calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The answer in a word; each has one sentence and one button in the language files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Verdict {
    /// Every layer passed. Button: check again.
    Working,
    /// The service refuses the token (401). Button: renew.
    TokenRefused,
    /// The token is accepted but lacks a right (403). Button: make a token with that right.
    NotAllowed,
    /// The service wants a sign-in in the browser. Button: sign in.
    NeedsBrowserSignIn,
    /// What answers is no MCP server. Button: change the address.
    NotMcp,
    /// Nothing is at this address, or it sends elsewhere. Button: change the address.
    WrongAddress,
    /// The service cannot be reached. Button: check again.
    Unreachable,
    /// The connection is not trusted. Button: check again.
    TlsNotTrusted,
    /// The network's proxy cannot be reached, or is none. Button: network settings.
    ProxyUnreachable,
    /// The network's proxy wants a sign-in that was not given. Button: network settings.
    ProxySignInNeeded,
    /// The network's proxy refuses the user name or the password. Button: network settings.
    ProxySignInRefused,
    /// The network's proxy does not allow the service. Button: check again.
    ProxyForbids,
    /// The service cannot be reached directly, and a proxy that there is was not used. Button: network settings.
    ProxyNeeded,
    /// It took too long. Button: check again.
    TooSlow,
    /// The service wants a token and none was given. Button: give one.
    TokenMissing,
    /// The token is there but cannot be read: the keychain or the vault is locked, say. Button: check again.
    TokenUnreadable,
    /// The service reports a fault of its own, or too many requests. Button: check again.
    ServiceError,
    /// It is a program that apps start; Patchbay does not try it. Button: none.
    NotTried,
}
