//! What is refused, in the standard's word and in ours. No sentence holds what was sent.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::StoreError;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The standard's word for it (RFC 6749 section 5.2 and those that extend it).
    pub(crate) code: &'static str,
    /// A sentence for people.
    pub(crate) words: String,
}

impl Fault {
    pub(crate) fn new(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }

    pub(crate) fn request(words: impl Into<String>) -> Self {
        Self::new("invalid_request", words)
    }

    pub(crate) fn client() -> Self {
        Self::new("invalid_client", "This app is not known here, or its secret is not the right one.")
    }

    pub(crate) fn grant(words: impl Into<String>) -> Self {
        Self::new("invalid_grant", words)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Scope(_) | StoreError::NoScope => "invalid_scope",
            StoreError::Redirect(_) | StoreError::ManyRedirects => "invalid_redirect_uri",
            StoreError::FullOfApps => "temporarily_unavailable",
            StoreError::Name => "invalid_client_metadata",
            _ => "server_error",
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = match self.code {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = Json(json!({ "error": self.code, "error_description": self.words }));
        if status == StatusCode::UNAUTHORIZED {
            return (status, [(WWW_AUTHENTICATE, r#"Basic realm="Patchbay practice""#)], body).into_response();
        }
        (status, body).into_response()
    }
}
