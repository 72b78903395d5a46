//! The practice service over real loopback HTTP.

/// What the tests share: a service, and requests to it.
#[path = "practice/ask.rs"]
mod ask;
/// The file: restarts, damage, modes, two services at once.
#[path = "practice/keeping.rs"]
mod keeping;
/// What is written to the log: no token, whatever is asked.
#[path = "practice/log.rs"]
mod log;
/// The token page and its JSON sister.
#[path = "practice/pages.rs"]
mod pages;
/// Both generations of MCP, as raw requests and through a client library.
#[path = "practice/protocol.rs"]
mod protocol;
/// Who is let in: tokens, permissions, other origins.
#[path = "practice/sign_in.rs"]
mod sign_in;
