//! The bridge between pipes in memory and services on this computer.

/// An app at one end of the bridge.
#[path = "bridge/app.rs"]
mod app;
/// Refusals, pages, outages: each an error in plain words under the request's id.
#[path = "bridge/failures.rs"]
mod failures;
/// Bytes, order, headers, calls that are called off.
#[path = "bridge/messages.rs"]
mod messages;
/// The practice service at the other end, in both generations of the protocol.
#[path = "bridge/practice.rs"]
mod practice;
/// A service at the other end that does exactly as told.
#[path = "bridge/service.rs"]
mod service;
/// Sessions: kept, forgotten by the service, ended.
#[path = "bridge/sessions.rs"]
mod sessions;
/// Event streams, whole and broken.
#[path = "bridge/streams.rs"]
mod streams;
/// Tokens: renewed, refused, pinned to their origin, never told.
#[path = "bridge/tokens.rs"]
mod tokens;
/// The HTTP client below.
#[path = "bridge/wire.rs"]
mod wire;
