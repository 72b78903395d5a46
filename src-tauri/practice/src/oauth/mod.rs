//! An OAuth authorization server beside the tokens, at the same origin: RFC 6749, 7009, 7591, 7636, 8252, 8414, 8707,
//! 9207 and 9728, as far as MCP asks for them.
//!
//! An app that has no token finds its way here from the 401, registers, and sends the user to a page that says who asks
//! and for what. What always holds:
//!
//! - A code works once, for a minute, for the app and the address that it was made for, and only with its PKCE verifier.
//! - A refresh token works once. One that comes a second time ends the whole sign-in: somebody else has it.
//! - Tokens, codes and secrets are kept as hashes; each leaves the process once, and nothing is logged.
//! - Everything that a stranger can cause to be kept is bounded.
//!
//! | module | subject |
//! |---|---|
//! | `metadata` | what an app reads first |
//! | `client`, `register` | apps, and how they make themselves known |
//! | `ask`, `consent` | the request for a sign-in, and the page that asks the user |
//! | `waiting` | requests that wait for the user, and codes that wait for their app: in memory |
//! | `grant`, `book` | sign-ins with their tokens, and how they begin, go on and end in the store |
//! | `endpoint` | `/token` and `/revoke` |
//! | `page`, `web` | the page with all that signed in, and the same as JSON |

mod ask;
mod book;
mod client;
mod consent;
mod endpoint;
mod fault;
mod form;
mod grant;
mod metadata;
mod page;
mod register;
mod waiting;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::store::Store;

pub(crate) use client::Client;
pub(crate) use grant::SignIn;
pub(crate) use metadata::challenge;

/// The largest request here.
const MOST_BYTES: usize = 64 * 1024;

/// The permissions of an app that asks for none by name; more are given when a call needs them and the app asks again.
pub(crate) const FIRST_SCOPES: &[&str] = &["profile:read", "notes:read"];

/// How sign-ins go.
#[derive(Debug, Clone)]
pub struct SignInRules {
    /// How long an access token works.
    pub access: Duration,
    /// How long a sign-in lasts that its app does not use.
    pub refresh: Duration,
    /// Allows whatever is asked, without a person. For tests alone: there is no way to this from the command line.
    pub allows_all: bool,
}

impl Default for SignInRules {
    /// An hour, 30 days, and a person.
    fn default() -> Self {
        Self { access: Duration::from_secs(3600), refresh: Duration::from_secs(30 * 86_400), allows_all: false }
    }
}

/// What all requests share.
pub(crate) struct Desk {
    store: Arc<Store>,
    rules: SignInRules,
    waiting: waiting::Waiting,
}

/// The addresses of all this.
pub(crate) fn router(store: Arc<Store>, rules: SignInRules) -> Router {
    let desk = Arc::new(Desk { store, rules, waiting: waiting::Waiting::default() });
    Router::new()
        .route(metadata::RESOURCE, get(metadata::resource))
        .route(metadata::RESOURCE_OF_MCP, get(metadata::resource))
        .route(metadata::SERVER, get(metadata::server))
        .route("/register", post(register::register))
        .route("/authorize", get(consent::ask).post(consent::decide))
        .route("/token", post(endpoint::token))
        .route("/revoke", post(endpoint::revoke))
        .route("/sign-ins", get(web::show).post(web::make))
        .route("/sign-ins/{id}/end", post(web::end))
        .route("/sign-ins/client/{id}/remove", post(web::remove))
        .route("/api/sign-ins", get(web::list_json))
        .route("/api/sign-ins/{id}/end", post(web::end_json))
        .route("/api/clients", post(web::make_json))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(desk)
}
