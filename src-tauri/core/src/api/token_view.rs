//! What a screen needs to know of a token. Never the value.

use serde::Serialize;
use ts_rs::TS;

use super::sign_in_view::SignInView;
use crate::connection::Expiry;

/// A token's facts.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct TokenView {
    /// The credential's id.
    pub id: String,
    /// What it is called at the service.
    pub label: String,
    /// The header beside the token's whose secret it is; absent where it is a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub header: Option<String>,
    /// Scopes in order.
    pub scopes: Vec<String>,
    /// When it was saved, RFC 3339.
    pub created: String,
    /// When it ends and how that is known.
    pub expires: Option<Expiry>,
    /// Whole calendar days left; 0 on its last day, negative after.
    pub days_left: Option<i32>,
    /// How much of its life is left, 0 to 1.
    pub life_left: Option<f64>,
    /// Whether it has ended.
    pub ended: bool,
    /// Twelve hex digits that tell two tokens apart.
    pub fingerprint: String,
    /// The end, `YYYY-MM-DD`, of a new token made today for as long as this one was.
    pub renewed_until: Option<String>,
    /// What is known of the sign-in that it comes of, where it comes of one.
    pub sign_in: Option<SignInView>,
    /// The tokens before it that are still to be revoked, the oldest first.
    pub old: Vec<OldTokenView>,
    /// The apps that use this token, by id.
    pub used_by: Vec<String>,
}

/// A token that was replaced and is still to be revoked.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export)]
pub struct OldTokenView {
    /// Its own id.
    pub id: String,
    /// When it was replaced, RFC 3339.
    pub since: String,
    /// Twelve hex digits that tell two tokens apart.
    pub fingerprint: String,
}
