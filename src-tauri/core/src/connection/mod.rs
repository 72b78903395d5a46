//! The user's records: connections, credentials' facts, placements. Never a secret's value.

mod auth;
mod credential;
mod network;
pub mod runs;
pub mod state;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::Scope;
use crate::secret::{Key, is_same};
use crate::wire::origin_of;

pub(crate) use auth::{is_user, pair};

pub use auth::Carrier;
pub use credential::{
    CompanyClient, Credential, Expiry, ExpirySource, Grant, Previous, Renewal, SignIn, SignInNeeded, Way,
};
pub use network::{NetworkChoice, ProxyChoice};

/// One service, set up by the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// A readable slug of the name, `[a-z0-9-]`; also the entry's name in the apps' files.
    pub id: String,
    /// The name the user gave.
    pub name: String,
    /// The catalog's id of the service.
    pub provider: String,
    /// The user's answers to the service's fields, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The endpoint's address: https, or http on this computer; no credentials in it. Of a program `program:ID`, to
    /// which its tokens are pinned.
    pub url: String,
    /// How the token is sent.
    #[serde(default)]
    pub auth: AuthHeader,
    /// Further headers, sent as they are; none holds a secret.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Facts about its secrets. The tokens come first, and the first of them is the one for all apps unless a placement
    /// names another; behind them stand those of the headers beside the token's, which all apps share.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// Whether it came back from its removal, which had deleted its tokens, and has not been given one since.
    #[serde(default, skip_serializing_if = "is_no")]
    pub token_lost: bool,
    /// Whether what it lost so was a sign-in: the user signed out.
    #[serde(default, skip_serializing_if = "is_no")]
    pub signed_out: bool,
    /// What is known of that sign-in: the next one goes the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_out_of: Option<SignIn>,
    /// How it is reached, where that is not as for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkChoice>,
    /// Where it is used.
    #[serde(default)]
    pub placements: Vec<Placement>,
    /// When it was set up.
    pub created: Timestamp,
}

impl Connection {
    /// The credential that a placement uses: the one it names, else the first.
    pub fn credential_for(&self, placement: Option<&Placement>) -> Option<&Credential> {
        let named = placement.and_then(|placement| placement.credential.as_deref());
        match named {
            Some(id) => self.credentials.iter().find(|credential| credential.id == id),
            None => self.first_token(),
        }
    }

    /// Its tokens, without the secrets of the headers beside the token's.
    pub fn tokens(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(|credential| credential.header.is_none())
    }

    /// The token for all apps that name no other.
    pub fn first_token(&self) -> Option<&Credential> {
        self.tokens().next()
    }

    /// The headers beside the token's, each with what is known of its secret.
    pub fn beside(&self) -> impl Iterator<Item = (&Carrier, Option<&Credential>)> {
        self.auth.beside.iter().map(|carrier| (carrier, self.secret_of(&carrier.name)))
    }

    /// The secret of a header beside the token's.
    pub fn secret_of(&self, header: &str) -> Option<&Credential> {
        let is_its = |own: &&Credential| own.header.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(header));
        self.credentials.iter().find(is_its)
    }

    /// Adds a secret, a token ahead of those of the headers beside it.
    pub fn add(&mut self, credential: Credential) {
        let at = if credential.header.is_none() { self.tokens().count() } else { self.credentials.len() };
        self.credentials.insert(at, credential);
    }

    /// What is left of it when its tokens are deleted.
    #[must_use]
    pub fn without_tokens(&self) -> Self {
        let token_lost = self.token_lost || !self.credentials.is_empty();
        let signed_out = self.credentials.first().map_or(self.signed_out, |first| first.sign_in.is_some());
        let signed_out_of = self.credentials.first().map_or(&self.signed_out_of, |first| &first.sign_in).clone();
        let network = self.network.clone().map(NetworkChoice::without_password);
        Self { credentials: Vec::new(), token_lost, signed_out, signed_out_of, network, ..self.clone() }
    }

    /// What the user says about it.
    pub fn facts(&self) -> Facts {
        let Self { name, settings, url, auth, headers, .. } = self.clone();
        Facts { name, settings, url, auth, headers }
    }

    /// Takes over what the user says about it.
    pub fn set_facts(&mut self, facts: &Facts) {
        let Facts { name, settings, url, auth, headers } = facts.clone();
        if origin_of(&url).ok() != origin_of(&self.url).ok() {
            // Whoever is known at the one need not be known at the other.
            self.signed_out_of = None;
        }
        (self.name, self.settings, self.url, self.auth, self.headers) = (name, settings, url, auth, headers);
    }

    /// Whether it is a program that apps start, and no service at an address.
    pub fn is_program(&self) -> bool {
        self.provider == PROGRAM
    }

    /// Whether the user has signed out of it, and neither signed in again nor given it a token.
    pub fn is_signed_out(&self) -> bool {
        self.signed_out && self.token_lost && self.credentials.is_empty()
    }

    /// The sign-in that the user has signed out of, where nothing has taken its place.
    pub fn last_sign_in(&self) -> Option<&SignIn> {
        self.signed_out_of.as_ref().filter(|_| self.is_signed_out())
    }

    /// How its tokens are sent now.
    pub fn way(&self) -> Way {
        Way { url: self.url.clone(), auth: self.auth.clone(), headers: self.headers.clone() }
    }

    /// Every place in the keychain in which a token of it may stand, or its proxy's password, each once.
    pub fn keys(&self) -> Vec<Key> {
        let here = origin_of(&self.url).ok();
        let mut keys: Vec<Key> = self.network.iter().filter_map(NetworkChoice::key).collect();
        for credential in &self.credentials {
            let now = here.iter().map(|origin| Key::new(&credential.id, origin));
            for key in credential.keys().into_iter().chain(now) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }
    /// Forgets among the replaced secrets those that are in use again, as after two swapped ones were put right: what is
    /// in use must not be revoked. Where they stood in the keychain.
    pub fn forget_in_use(&mut self) -> Vec<Key> {
        let used: Vec<_> = self.credentials.iter().map(|credential| credential.fingerprint.clone()).collect();
        let mut places = Vec::new();
        for credential in &mut self.credentials {
            let again = |previous: &&Previous| used.contains(&previous.fingerprint);
            places.extend(credential.previous.iter().filter(again).map(|again| credential.previous_key(again)));
            credential.previous.retain(|previous| !used.contains(&previous.fingerprint));
        }
        places
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_no(flag: &bool) -> bool {
    !flag
}

/// What the user says about a connection, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// The answers to the service's fields.
    pub settings: BTreeMap<String, String>,
    /// The endpoint's address.
    pub url: String,
    /// How the token is sent.
    pub auth: AuthHeader,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Facts {
    /// Whether they lead to the service in the same way, whatever the name.
    pub fn is_same_way(&self, other: &Self) -> bool {
        Self { name: String::new(), ..self.clone() } == Self { name: String::new(), ..other.clone() }
    }
}

/// In place of a service's id: a program that apps start, whose variables hold its tokens.
pub const PROGRAM: &str = "program";

/// The header that carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuthHeader {
    /// The header's name, `Authorization` for most.
    pub name: String,
    /// What stands before the token, `Bearer ` with its space for most; empty for a raw value.
    pub prefix: String,
    /// The name that goes before the token in what `Basic` sends, `base64(user:token)`; absent where the token goes as it
    /// is.
    #[serde(default)]
    #[ts(optional)]
    pub user: Option<String>,
    /// Further headers that carry the token.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<Carrier>>")]
    pub also: Vec<Carrier>,
    /// Headers that go along, each with a secret of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Carrier>>")]
    pub beside: Vec<Carrier>,
}

impl Default for AuthHeader {
    fn default() -> Self {
        Self::plain("Authorization", "Bearer ")
    }
}

/// A connection placed in an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The app's id (`claude-desktop`, `codex`, `cursor`).
    pub client: String,
    /// For whom it counts in that app.
    #[serde(default, skip_serializing_if = "Scope::is_user")]
    pub scope: Scope,
    /// The entry's name in the app's file.
    pub entry: String,
    /// The file that it was written to; where none is noted, the one that the app reads now.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// How the token gets there.
    pub wiring: Wiring,
    /// The credential used, where it is not the connection's first.
    #[serde(default)]
    pub credential: Option<String>,
    /// What was written, or what the user chose to keep: what the entry is compared with. Where a token lies in plain text
    /// in what is kept, a salted digest stands for it.
    pub expected: serde_json::Value,
    /// Whether the user chose to keep what somebody else made of it: whether that works, nobody knows.
    #[serde(default)]
    pub kept: bool,
    /// Names of copies that stand beside it and that the user chose to keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// When it was written.
    pub written: Timestamp,
}

impl Placement {
    /// Whether an entry is as it is expected.
    pub fn is_expected(&self, now: &serde_json::Value) -> bool {
        is_same(&self.expected, now)
    }

    /// Whether it is in this app, for the same users.
    pub fn is_at(&self, client: &str, scope: &Scope) -> bool {
        self.client == client && self.scope == *scope
    }
}

/// How the token gets to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Wiring {
    /// The app starts `patchbay bridge ID`, which reads the keychain.
    Bridge,
    /// The app speaks HTTP itself and asks `patchbay headers ID` for the header.
    HeadersHelper,
    /// The app starts a program through `patchbay run ID -- PROGRAM`, which puts the token into its environment.
    Run,
    /// The app speaks HTTP itself and has its user sign in by itself: no token of ours is involved.
    ClientOauth,
}
