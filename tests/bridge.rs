//! The bridge between pipes in memory and services on this computer.

/// An app at one end of the bridge.
#[path = "bridge/app.rs"]
mod app;
/// Tokens that are bound to a key.
#[path = "bridge/bound.rs"]
mod bound;
/// Servers of 2024-11-05.
#[path = "bridge/channel.rs"]
mod channel;
/// Refusals, pages, outages: each an error in plain words under the request's id.
#[path = "bridge/failures.rs"]
mod failures;
/// What no service should send: each ends in time, with an answer or a sentence.
#[path = "bridge/hostile.rs"]
mod hostile;
/// Answers that are passed on while they come in.
#[path = "bridge/large.rs"]
mod large;
/// Bytes, order, headers, calls that are called off.
#[path = "bridge/messages.rs"]
mod messages;
/// Tool parameters repeated in headers.
#[path = "bridge/mirror.rs"]
mod mirror;
/// Apps of an older generation, servers of the newest.
#[path = "bridge/newest.rs"]
mod newest;
/// One answer for each request.
#[path = "bridge/once.rs"]
mod once;
/// The practice service at the other end, in both generations of the protocol.
#[path = "bridge/practice.rs"]
mod practice;
/// Through a company's proxy.
#[path = "bridge/proxy.rs"]
mod proxy;
/// A service at the other end that does exactly as told.
#[path = "bridge/service.rs"]
mod service;
/// Sessions: kept, forgotten by the service, ended.
#[path = "bridge/sessions.rs"]
mod sessions;
/// Sign-ins: needed, made meanwhile, renewed ahead.
#[path = "bridge/sign_in.rs"]
mod sign_in;
/// Event streams, whole and broken.
#[path = "bridge/streams.rs"]
mod streams;
/// Tokens: renewed, refused, pinned to their origin, never told.
#[path = "bridge/tokens.rs"]
mod tokens;
/// Large answers for apps of another generation.
#[path = "bridge/translated.rs"]
mod translated;
/// Services that ask to wait.
#[path = "bridge/waits.rs"]
mod waits;
/// The HTTP client below.
#[path = "bridge/wire.rs"]
mod wire;
