//! Signing in by OAuth, as it is asked for and as it is shown. Never a token, never a secret.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::sign_in_again::Again;
use crate::connection::{Grant, SignIn};
use crate::oauth::{Kept, Step, Voucher};
use crate::probe::Report;

/// How to sign in. An own client's secret comes beside the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct SignInWith {
    /// How the tokens are obtained; absent: as before, or else with the browser.
    pub grant: Option<Grant>,
    /// The identifier of a client that the user registered at the service; absent: as before, or else what the service
    /// hands out.
    pub client_id: Option<String>,
    /// The permissions to ask for; empty: those that the service names.
    pub scopes: Vec<String>,
    /// How long the user may take in the browser, in seconds; absent: five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seconds: Option<u32>,
    /// Who vouches for the user; absent: who did before. It may hold secrets, so it never travels.
    #[serde(skip)]
    #[ts(skip)]
    pub voucher: Option<Voucher>,
}

/// How far a sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "step", rename_all = "snake_case")]
#[ts(export)]
pub enum SignInStep {
    /// The service is asked how to sign in.
    Asking,
    /// This page is opened in the browser, and it is waited for the user there.
    Browser {
        /// The page: https, or on this computer.
        url: String,
    },
    /// The user is back; the tokens are fetched.
    Fetching,
    /// The service is tried with them.
    Checking,
}

impl From<Step> for SignInStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Asking => Self::Asking,
            Step::Browser(url) => Self::Browser { url: url.into() },
            Step::Fetching => Self::Fetching,
        }
    }
}

/// What a screen needs to know of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct SignInView {
    /// When the user signed in last, RFC 3339.
    pub at: String,
    /// How the tokens are obtained.
    pub grant: Grant,
    /// The identifier of the user's own client, where it is one.
    pub own_client: Option<String>,
    /// Who vouches for the user, where somebody does: a company's address, or the file in which a platform writes.
    pub voucher: Option<String>,
    /// Since when the user has to sign in anew, RFC 3339; absent while it works.
    pub needed: Option<String>,
    /// The permissions that the service asks for beyond those it gave.
    pub asks: Vec<String>,
    /// Whether its tokens are bound to a key that only Patchbay has: no other program can send them.
    pub bound: bool,
    /// The one command that signs in again, where the window cannot.
    pub command: Option<String>,
}

impl SignInView {
    pub(super) fn of(sign_in: &SignIn, again: Again<'_>) -> Self {
        Self {
            bound: sign_in.bound,
            command: again.is_by_hand().then(|| again.command()),
            at: sign_in.at.to_string(),
            grant: sign_in.grant,
            own_client: sign_in.own_client.then(|| sign_in.client_id.clone()),
            voucher: sign_in.voucher.clone(),
            needed: sign_in.needed.as_ref().map(|needed| needed.since.to_string()),
            asks: sign_in.needed.iter().flat_map(|needed| needed.scopes.clone()).collect(),
        }
    }
}

/// A sign-in for an address alone, without a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct SignInAt {
    /// The address.
    pub url: String,
    /// The sign-in.
    pub sign_in: SignInView,
}

impl From<&Kept> for SignInAt {
    fn from(kept: &Kept) -> Self {
        let at = format!("--url {}", kept.url);
        let again = Again::of(&at, &kept.sign_in);
        let command = Some(again.command());
        Self { url: kept.url.clone(), sign_in: SignInView { command, ..SignInView::of(&kept.sign_in, again) } }
    }
}

/// A finished sign-in of a connection that was there.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct SignedIn {
    /// The connection's id.
    pub id: String,
    /// The credential's id.
    pub token: String,
    /// What the check with it found.
    pub report: Report,
}

/// A finished sign-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct SignedOut {
    /// The connection's id, or the address.
    pub id: String,
    /// Whether the service has ended the sign-in too; otherwise it is only forgotten here.
    pub revoked: bool,
}

/// A sign-in that only the user can renew, and of which no notification was shown yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSignIn {
    /// The connection's id.
    pub connection: String,
    /// Its name.
    pub name: String,
    /// The credential's id.
    pub token: String,
}

/// Where a replaced token can be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeAt {
    /// The service's page for it, where one is known.
    pub page: Option<String>,
}
