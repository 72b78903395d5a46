//! Facts about tokens: where each stands, how it was sent, what it replaced, a renewal under way. Never a value.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

use super::AuthHeader;
use crate::secret::Key;

/// Facts about one token. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// `t-` and eight hex digits, unique in the state file; part of the keychain entry's name.
    pub id: String,
    /// What the token is called at the service ("Claude Desktop MCP").
    pub label: String,
    /// Scopes in the order they were chosen.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it was saved here.
    pub created: Timestamp,
    /// When it ends; absent where it does not, or nobody knows.
    #[serde(default)]
    pub expires: Option<Expiry>,
    /// See [`crate::secret::Secret::fingerprint`].
    pub fingerprint: String,
    /// The origin (`https://host[:port]`) it was saved for; it is sent nowhere else.
    pub origin: String,
    /// How it was sent when it last worked, or was meant to be sent when it was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// The variable that takes it to a program, where it is a program's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// The header beside the token's whose secret it is; absent where it is a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Where it came of a sign-in by OAuth: what is known of that. Its tokens stand together in the one keychain entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
    /// The tokens that this one replaced and that are still to be revoked at the service, the oldest first. Records
    /// from before there could be several hold one alone, or `null`.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Previous>,
    /// A renewal that has begun and is not finished: only there between its first and its last step, or after a kill.
    #[serde(default)]
    pub renewal: Option<Renewal>,
}

/// What is known of a sign-in by OAuth. Never a token, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// How the tokens are obtained.
    pub grant: Grant,
    /// The authorization server's identifier (RFC 8414), where it gave one.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The client's identifier at that server.
    pub client_id: String,
    /// Whether the user brought the client identifier along, instead of the service handing one out.
    #[serde(default)]
    pub own_client: bool,
    /// Whether that client has a secret, which has to be shown at every sign-in.
    #[serde(default, skip_serializing_if = "super::is_no")]
    pub has_secret: bool,
    /// When the user signed in last.
    pub at: Timestamp,
    /// Who vouches for the user, where somebody does: a company's address, or the file in which a platform writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<String>,
    /// Who Patchbay is at the company, where that vouches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_company: Option<CompanyClient>,
    /// Whether its tokens are bound to a key (RFC 9449), so that no other program can send them.
    #[serde(default, skip_serializing_if = "super::is_no")]
    pub bound: bool,
    /// Why and since when the user has to sign in anew; absent while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<SignInNeeded>,
}

/// A client that a company made for Patchbay at its identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyClient {
    /// Its identifier.
    pub id: String,
    /// Whether it has a secret.
    #[serde(default, skip_serializing_if = "super::is_no")]
    pub has_secret: bool,
}

/// How tokens are obtained (RFC 6749).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Grant {
    /// A person signs in with the browser; tokens are refreshed from then on.
    AuthorizationCode,
    /// A client identifier and its secret, for nobody in particular.
    ClientCredentials,
    /// The identity provider of the user's company vouches for them (SEP-990).
    Company,
    /// The platform on which this runs vouches for it (RFC 7523).
    Platform,
}

/// Why a sign-in has to be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInNeeded {
    /// Since when.
    pub since: Timestamp,
    /// The permissions that the service asks for beyond those it gave; empty where the sign-in has ended.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// How a token is sent: where to, in which header, with which others beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The address.
    pub url: String,
    /// The header that carries it.
    pub auth: AuthHeader,
    /// The headers beside it.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// A renewal under way. What stands in the keychain tells how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// When it began.
    pub begun: Timestamp,
    /// The new token's fingerprint.
    pub fingerprint: String,
    /// The new token's end.
    pub expires: Option<Expiry>,
    /// The new token's scopes.
    pub scopes: Vec<String>,
    /// The origin that the new token is for; absent: the credential's.
    #[serde(default)]
    pub origin: Option<String>,
    /// How the new token is sent.
    #[serde(default)]
    pub way: Option<Way>,
    /// The old token's place in the keychain, to be revoked once the renewal is done.
    pub previous: Previous,
}

/// A token that was replaced, kept in the keychain until it is known to be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its own keychain id.
    pub id: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When it was replaced.
    pub replaced: Timestamp,
    /// The origin it was saved for, which is the only one that may ever see it; absent: the credential's.
    #[serde(default)]
    pub origin: Option<String>,
    /// How it was sent when it last worked; absent where nobody knows any more.
    #[serde(default)]
    pub way: Option<Way>,
}

/// When a token ends, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Expiry {
    /// The moment; for a date that a person typed, the end of that day in their time zone.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// How it is known.
    pub source: ExpirySource,
}

/// How an end date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ExpirySource {
    /// The user said so.
    Declared,
    /// The token or the service says so.
    Verified,
}

impl Credential {
    /// Whether its known end has come.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires.at <= now)
    }

    /// Its place in the keychain.
    pub fn key(&self) -> Key {
        Key::new(&self.id, &self.origin)
    }

    /// Where a renewal puts the new token.
    pub fn renewed_key(&self, renewal: &Renewal) -> Key {
        Key::new(&self.id, renewal.origin.as_ref().unwrap_or(&self.origin))
    }

    /// The origin that a replaced token belongs to.
    pub fn previous_origin<'a>(&'a self, previous: &'a Previous) -> &'a str {
        previous.origin.as_ref().unwrap_or(&self.origin)
    }

    /// Where a replaced token stands in the keychain.
    pub fn previous_key(&self, previous: &Previous) -> Key {
        Key::new(&previous.id, self.previous_origin(previous))
    }

    /// Every place in the keychain that it may have: its own, those of the tokens before it, those of a renewal.
    pub fn keys(&self) -> Vec<Key> {
        let renewal = self.renewal.iter();
        let renewed = renewal.clone().map(|renewal| self.renewed_key(renewal));
        let previous = self.previous.iter().chain(renewal.map(|renewal| &renewal.previous));
        let previous = previous.map(|previous| self.previous_key(previous));
        std::iter::once(self.key()).chain(renewed).chain(previous).collect()
    }

    /// Takes over what a finished renewal brought; `keeps_old` where the replaced token is still to be revoked.
    pub fn take_renewal(&mut self, keeps_old: bool) {
        let Some(done) = self.renewal.take() else { return };
        self.previous.extend(keeps_old.then_some(done.previous));
        // Those without an origin of their own shared the one that may change here.
        for previous in &mut self.previous {
            previous.origin.get_or_insert_with(|| self.origin.clone());
        }
        self.origin = done.origin.unwrap_or_else(|| self.origin.clone());
        self.fingerprint = done.fingerprint;
        self.expires = done.expires;
        self.scopes = done.scopes;
        self.created = done.begun;
        self.way = done.way;
        // What a person typed is no sign-in.
        self.sign_in = None;
    }
}

/// Reads the list of replaced tokens, or the one of earlier records.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Previous>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Many(Vec<Previous>),
        One(Option<Box<Previous>>),
    }
    Ok(match Stored::deserialize(deserializer)? {
        Stored::Many(list) => list,
        Stored::One(one) => one.map(|previous| *previous).into_iter().collect(),
    })
}
