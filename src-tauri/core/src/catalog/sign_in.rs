//! Whether people can sign in to a service instead of making a token, and which of the two suits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::connection::Grant;

/// What is known of signing in to a service.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SignInOffer {
    /// Whether the service offers it.
    pub offered: Offered,
    /// Whether it suits most people better than a token.
    #[serde(default)]
    pub recommended: bool,
    /// The ways to get tokens, the usual one first.
    pub grants: Vec<Grant>,
    /// Whether it takes a client that the user has registered.
    pub own_client: OwnClientRule,
    /// The page on which such a client is registered, with `{keys}`.
    #[serde(default)]
    #[ts(skip)]
    pub client_page: Option<String>,
    /// How such a client is registered, step by step.
    #[serde(default)]
    pub client_steps: Vec<String>,
    /// Where to sign in and where to get tokens, with `{keys}`, where the service does not say so by itself.
    #[serde(default)]
    #[ts(skip)]
    pub server: Option<Server>,
    /// Which of the two suits.
    pub suits: Suits,
    /// What is particular to an app, by its id.
    #[serde(default)]
    pub apps: BTreeMap<String, String>,
    /// Where the facts are from.
    #[ts(skip)]
    pub sources: Vec<String>,
}

/// Whether a service offers a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Offered {
    /// It says so.
    Yes,
    /// It says that it does not.
    No,
    /// Nobody says; asking it decides.
    Unknown,
}

/// Whether a sign-in takes a client that the user has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum OwnClientRule {
    /// The service hands one out by itself.
    No,
    /// It takes one, and may hand one out as well.
    May,
    /// It takes no other.
    Must,
}

/// Addresses of an authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where the user signs in.
    pub authorize: String,
    /// Where tokens are handed out.
    pub token: String,
}

/// Which of the two suits, a sentence for each.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Suits {
    /// When signing in does.
    pub sign_in: String,
    /// When a token does.
    pub token: String,
}
