//! The practice service over real loopback HTTP.

/// An app that signs in by OAuth.
#[path = "practice/app.rs"]
mod app;
/// What the tests share: a service, and requests to it.
#[path = "practice/ask.rs"]
mod ask;
/// The page that asks the user, and the page with all that signed in.
#[path = "practice/consent.rs"]
mod consent;
/// The file: restarts, damage, modes, two services at once.
#[path = "practice/keeping.rs"]
mod keeping;
/// What is written to the log: no token, whatever is asked.
#[path = "practice/log.rs"]
mod log;
/// Signing in by OAuth, request by request.
#[path = "practice/oauth.rs"]
mod oauth;
/// The token page and its JSON sister.
#[path = "practice/pages.rs"]
mod pages;
/// Both generations of MCP, as raw requests and through a client library.
#[path = "practice/protocol.rs"]
mod protocol;
/// Who is let in: tokens, permissions, other origins.
#[path = "practice/sign_in.rs"]
mod sign_in;
