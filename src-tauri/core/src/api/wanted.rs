//! What a request wants set up: a connection, the apps to use it in, what is said about its token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::Scope;
use crate::connection::Wiring;

/// What to connect.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connect {
    /// The service's id.
    pub provider: String,
    /// The connection's name.
    pub name: String,
    /// The answers to the service's fields.
    pub settings: BTreeMap<String, String>,
    /// Where to use it.
    pub places: Vec<Place>,
    /// Facts about the token, where one is given.
    pub token: Option<TokenFacts>,
    /// Warnings about the token that the user has overruled.
    #[serde(default)]
    pub overrule: bool,
}

/// One app to use a connection in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Place {
    /// The app's id.
    pub client: String,
    /// For whom it is to count there; absent: the whole user.
    #[serde(default)]
    #[ts(optional, as = "Option<Scope>")]
    pub scope: Scope,
    /// How the token gets there; absent: the app's default.
    pub wiring: Option<Wiring>,
    /// The credential's id, where the app has a token of its own.
    pub token: Option<String>,
    /// Make the app's file although the app does not seem to be installed.
    #[serde(default)]
    pub create: bool,
}

/// What the user says about a token.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenFacts {
    /// What it is called at the service.
    pub label: Option<String>,
    /// Scopes in the order they were chosen.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Its end: `YYYY-MM-DD`, or RFC 3339 for a moment.
    pub expires: Option<String>,
}
