//! What a sign-in keeps in its keychain entry: tokens, where they come from, and the client they belong to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};

use super::Held;
use super::failure::needs_person;
use super::vouch::Vouched;
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The form in which it is written here. A later one is left alone.
const FORM: u32 = 1;
/// What marks an entry as a sign-in's, and names its form; those of before it was written are of the first.
const MARK: &str = "patchbay_sign_in";
/// How such an entry begins, with the mark and from before there was one.
const BEGINNINGS: [&str; 2] = ["{\"patchbay_sign_in\"", "{\"grant\":"];

/// So long before its end a token is replaced, or a quarter of its life where that is less.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// So long after a renewal that failed the next one waits.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// So long a token that came after a refusal is not replaced for another: what the service minds is not the token.
const SETTLED: SignedDuration = SignedDuration::from_secs(3);

/// Everything that is needed to go on without a person. `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bundle {
    pub(super) grant: Grant,
    #[serde(serialize_with = "exposed")]
    pub(super) access: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_if_any")]
    pub(super) refresh: Option<Secret>,
    /// When the access token was received.
    pub(super) received: Timestamp,
    /// How long it is good for, in seconds; absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lasts: Option<i64>,
    /// The service said that only a person can go on from here.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) ended: bool,
    /// The access token came because the service refused the one before.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) after_refusal: bool,
    /// The key that was shown when tokens were asked for (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_if_any")]
    pub(super) key: Option<Secret>,
    /// The access token is bound to it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) bound: bool,
    pub(super) server: Server,
    pub(super) client: Client,
    /// What the tokens are for (RFC 8707).
    pub(super) resource: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) scopes: Vec<String>,
    /// Who vouches for the user, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) vouched: Option<Vouched>,
}

/// A bundle as it is written.
#[derive(Serialize)]
struct Marked<'a> {
    patchbay_sign_in: u32,
    #[serde(flatten)]
    bundle: &'a Bundle,
}

/// The form of what was written.
#[derive(Deserialize)]
struct Form {
    #[serde(default = "first")]
    patchbay_sign_in: u32,
}

fn first() -> u32 {
    FORM
}

/// Who gives the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    pub(super) token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revocation: Option<String>,
}

/// Who asks for the tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    /// A password, or a private key in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_if_any")]
    pub(super) secret: Option<Secret>,
    pub(super) proof: Proof,
    /// Whether the user brought it along.
    #[serde(default, skip_serializing_if = "is_no")]
    pub(super) own: bool,
    /// Where the browser comes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) redirect: Option<String>,
    /// Until when the server knows it, where that is said or was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
}

/// How a client proves who it is (`OpenID` Connect Core, chapter 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Proof {
    /// By its identifier alone.
    None,
    /// By `Basic` in a header.
    ClientSecretBasic,
    /// In the request's body.
    ClientSecretPost,
    /// By signing with its private key.
    PrivateKeyJwt,
}

impl Proof {
    /// The word for it in metadata.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// What can be done with a bundle now.
#[derive(Debug, PartialEq)]
pub(super) enum Ready {
    /// The token can be sent.
    Now,
    /// It should be replaced, and that needs nobody; it may still be good for a while.
    Renew { still_good: bool },
    /// Only a person can go on.
    Person,
}

impl Bundle {
    /// Reads an entry; `None` where a plain token stands there, or what [`check_sign_in`] refuses.
    pub(super) fn read(held: &Secret) -> Option<Self> {
        let form: Form = serde_json::from_str(held.expose()).ok()?;
        serde_json::from_str(held.expose()).ok().filter(|_| form.patchbay_sign_in == FORM)
    }

    pub(super) fn held(&self) -> Result<Held> {
        let text = serde_json::to_string(&Marked { patchbay_sign_in: FORM, bundle: self })
            .map_err(|_| Error::new(Code::Internal, "What a sign-in keeps cannot be written."))?;
        Ok(Held(Secret::new(text)))
    }

    /// The same once the service has said that only a person can go on, and whether it does not know the client any more.
    pub(super) fn over(self, is_forgotten: bool) -> Self {
        let until = if is_forgotten { Some(Timestamp::now()) } else { self.client.until };
        let client = Client { until, ..self.client };
        Self { ended: true, client, vouched: self.vouched.map(Vouched::refused), ..self }
    }

    /// All that nobody may see.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        let own = [Some(&self.access), self.refresh.as_ref(), self.client.secret.as_ref()];
        let vouched = self.vouched.iter().flat_map(Vouched::secrets);
        own.into_iter().flatten().filter(|secret| !secret.is_empty()).chain(vouched).collect()
    }

    /// When the access token ends.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.received.checked_add(SignedDuration::from_secs(self.lasts?)).ok()
    }

    /// Until when the access token need not be renewed.
    fn fresh_until(&self) -> Option<Timestamp> {
        let ahead = AHEAD.min(SignedDuration::from_secs(self.lasts? / 4));
        self.ends()?.checked_sub(ahead).ok()
    }

    /// Until when the access token is sent before anybody asks for it again: where it could not be renewed just now, until
    /// the next attempt.
    pub(super) fn sent_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.fresh_until() {
            Some(until) if until <= now => self.ends().into_iter().chain(now.checked_add(AGAIN).ok()).min(),
            until => until,
        }
    }

    /// Whether another token can be had without a person.
    fn renews(&self, now: Timestamp) -> bool {
        let by_itself = self.grant == Grant::ClientCredentials || self.refresh.is_some();
        let is_vouched = || self.vouched.as_ref().is_some_and(|vouched| vouched.renews(now, self.ended));
        (by_itself && !self.ended) || is_vouched()
    }

    /// What can be done now, where `refused` is the token that a service has just refused.
    pub(super) fn ready(&self, now: Timestamp, refused: Option<&Secret>) -> Ready {
        // Nobody can tell where the clock was set back since.
        let is_new = self.received <= now && self.received.checked_add(SETTLED).is_ok_and(|settled| settled > now);
        let refused = refused == Some(&self.access) && !(self.after_refusal && is_new);
        let has_ended = self.ends().is_some_and(|end| end <= now);
        let is_fresh = self.fresh_until().is_none_or(|until| until > now);
        if !refused && !has_ended && is_fresh {
            return Ready::Now;
        }
        match (refused || has_ended, self.renews(now)) {
            (good, true) => Ready::Renew { still_good: !good },
            // The last minute of a token that nothing follows.
            (false, false) => Ready::Now,
            (true, false) => Ready::Person,
        }
    }
}

/// Refuses what stands in the place of a sign-in and is neither one nor a token: it is sent nowhere.
///
/// # Errors
/// `SignInNewer` where a later Patchbay made it; `SignInNeeded` where it is damaged.
pub(super) fn check_sign_in(held: &Secret) -> Result<()> {
    let text = held.expose().trim_start();
    match keys(text) {
        _ if !text.starts_with('{') || Bundle::read(held).is_some() => Ok(()),
        Some(_) => Err(newer()),
        None => Err(needs_person("What is kept of the sign-in is damaged.")),
    }
}

/// Refuses a sign-in that stands in the place of a token: it is sent nowhere.
///
/// # Errors
/// `SignInNewer`.
pub(super) fn check_token(held: &Secret) -> Result<()> {
    let text = held.expose().trim_start();
    let is_sign_in = match keys(text) {
        Some(keys) => keys.contains(MARK) || ["grant", "access"].iter().all(|key| keys.contains(*key)),
        None => BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)),
    };
    if is_sign_in { Err(newer()) } else { Ok(()) }
}

/// The names in an object; nothing where it is none.
#[expect(clippy::zero_sized_map_values, reason = "a set is read from no object, and values would stay in memory")]
fn keys(text: &str) -> Option<BTreeSet<String>> {
    let object: BTreeMap<String, IgnoredAny> = serde_json::from_str(text).ok()?;
    Some(object.into_keys().collect())
}

fn newer() -> Error {
    Error::new(Code::SignInNewer, "This sign-in was made by a newer Patchbay, so this one sends nothing of it.")
        .hint("Update Patchbay.")
}

pub(super) fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[expect(clippy::ref_option, reason = "serde hands over references")]
pub(super) fn exposed_if_any<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_no(flag: &bool) -> bool {
    !flag
}
