//! HTTP to a service, shared by the bridge and the check.
//!
//! A token belongs to an [`Endpoint`] and goes to that endpoint's origin only: redirects are followed by hand, at most
//! five, and never to another origin. One that is bound to a key goes along with a proof, made anew for each request. What a service says is shown without it. Plain http is for this computer alone, and then no trust store is
//! loaded. A [`Network`] says through which proxy an endpoint is reached, and whom to trust.

mod base64;
mod bound;
mod client;
mod endpoint;
mod failure;
mod http2;
mod json;
mod kind;
mod network;
pub mod sse;
mod veil;
mod wait;

pub use base64::base64;
pub(crate) use base64::from_base64;
pub use bound::{ALGORITHM, BoundKey};
pub use client::{Client, Timeouts, next_piece, read_bounded};
pub use endpoint::{Endpoint, origin_of};
pub use failure::{Distrust, WireError};
pub(crate) use json::read as read_json;
pub use kind::{is_compressed, is_page};
pub use network::{
    Except, Network, Proxy, ProxyFault, ProxyNote, ProxyWhy, ScriptFault, ScriptWhy, SystemProxy, Unused, bring_engine,
    read_certificates,
};
pub(crate) use network::{Line, ScriptSays, tunnel};
pub use reqwest::{Method, Response, StatusCode, header};
pub(crate) use veil::shown_without;
pub use veil::{shown, veil};
pub use wait::{asks_to_wait, seconds_until};

/// Whether who answers `initialize` with this status refuses it as servers do that have no such request there.
pub fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 404 | 405)
}

/// Whether a server of 2024-11-05 would answer `initialize` so, at the address of its stream, with this JSON-RPC error or
/// none. The errors that are left out are known to servers of the newest generation only.
pub fn may_be_oldest(status: u16, error: Option<i64>) -> bool {
    is_refusal(status) && error.is_none_or(|code| !(-32022..=-32020).contains(&code))
}

/// The newest protocol revision: no `initialize`, no sessions.
pub const MODERN: &str = "2026-07-28";
/// The newest revision that begins with `initialize`.
pub const LEGACY: &str = "2025-11-25";
