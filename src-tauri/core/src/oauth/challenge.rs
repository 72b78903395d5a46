//! What a service says against a request: that it wants a sign-in, or more permissions.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use rmcp::transport::auth::WWWAuthenticateParams;

use crate::secret::Secret;
use crate::wire::Endpoint;

/// A refusal, and what was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The token that was sent, if one was.
    pub token: Option<Secret>,
    /// Whether the service says how one signs in to it.
    pub offers_sign_in: bool,
    /// The permissions that it misses; empty where it refuses the token as such.
    pub scopes: Vec<String>,
}

impl Refusal {
    /// What an answer says against a request; `None` where that is nothing that a sign-in could change.
    pub fn of(endpoint: &Endpoint, status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let said = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<_> = said.map(|value| WWWAuthenticateParams::parse(value, endpoint.url())).collect();
        let token = endpoint.token().cloned();
        match status {
            StatusCode::UNAUTHORIZED => {
                let offers_sign_in = said.iter().any(|params| params.resource_metadata_url.is_some());
                Some(Self { token, offers_sign_in, scopes: Vec::new() })
            }
            StatusCode::FORBIDDEN => {
                let missing = said.iter().find(|params| params.is_insufficient_scope())?;
                let scopes = missing.scope.iter().flat_map(|scope| scope.split_whitespace());
                let scopes: Vec<_> = scopes.map(str::to_owned).collect();
                (!scopes.is_empty()).then_some(Self { token, offers_sign_in: true, scopes })
            }
            _ => None,
        }
    }
}
