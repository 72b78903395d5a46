//! What comes back from a renewal, and from asking about the tokens that it replaced.

use serde::Serialize;
use ts_rs::TS;

use crate::connection::Expiry;
use crate::probe::Report;

/// What a renewal did.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Renewed {
    /// The connection's id.
    pub id: String,
    /// The check of the new token before anything changed.
    pub before: Report,
    /// The check after the swap.
    pub after: Report,
    /// The credential's id.
    pub token: String,
    /// The id of the replaced token, which is still to be revoked; absent where there was none.
    pub old: Option<String>,
    /// The others that were renewed in the same step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AlsoRenewed>>")]
    pub also: Vec<AlsoRenewed>,
    /// The page where the old token can be revoked.
    pub revoke_page: Option<String>,
    /// The new token's end; absent where none is known, and then there are no reminders.
    pub expires: Option<Expiry>,
    /// How many days the token before it was for, where that is known.
    pub lasted_days: Option<i32>,
    /// Whether the service has ended the sign-in that the token took the place of; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_out: Option<bool>,
}

/// Another secret of the same connection that was renewed.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct AlsoRenewed {
    /// The credential's id.
    pub token: String,
    /// What it is called.
    pub label: String,
    /// The id of the replaced one, which is still to be revoked; absent where there was none.
    pub old: Option<String>,
    /// The new one's end, where one is known.
    pub expires: Option<Expiry>,
}

/// Whether old tokens are refused now.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Retired {
    /// Whether the service refuses every one that was asked about.
    pub refused: bool,
    /// Whether nobody can say: the service does not answer, or the address it was for is not known any more.
    pub unverified: bool,
    /// The last check that was made with an old token, and only ever at the address that it was for.
    pub report: Option<Report>,
}
