//! The practice service: a pretend service on this computer, to try everything with, and the tests' real peer.
//!
//! One loopback server with an MCP endpoint of both generations at `/mcp`, behind bearer sign-in; a page at `/tokens`
//! where tokens are made, listed and revoked (`/api/tokens` does the same for scripts); and an OAuth authorization server
//! with its own page at `/sign-ins`. What always holds:
//!
//! - It says everywhere that it is for practice; its tokens are worth nothing elsewhere.
//! - A token's value leaves the process once, in the answer that makes it. Hashes alone are stored, nothing is logged.
//! - Requests that name another host than this computer, or come from a page of another origin, are refused.
//!
//! | module | subject |
//! |---|---|
//! | `server` | start, stop, which address leads where |
//! | `guard` | this computer only; headers on every answer |
//! | `sign_in` | the bearer check before `/mcp`, and which right a call needs |
//! | `tools`, `notes` | the MCP server and what it has to offer |
//! | `token`, `store` | tokens, and the file that keeps them |
//! | `page`, `web` | the token page, and the same as JSON |
//! | `oauth` | signing in with the browser, or with a client id and secret |

mod error;
mod guard;
mod notes;
mod oauth;
mod page;
mod server;
mod sign_in;
mod store;
mod token;
mod tools;
mod web;

pub use error::{PracticeError, StoreError};
pub use oauth::SignInRules;
pub use server::{Options, Running, start};
pub use token::SCOPES;

/// The port that the catalog names.
pub const DEFAULT_PORT: u16 = 47115;
