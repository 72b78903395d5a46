//! From a token to the headers that carry it.
//!
//! The pair of `Basic` and every header's value are built here, at the moment of use, and kept nowhere.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroizing;

use super::AuthHeader;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::base64;

/// One more header that carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Carrier {
    /// The header's name.
    pub name: String,
    /// What stands before the secret; empty for a raw value.
    pub prefix: String,
}

impl AuthHeader {
    /// One header, and the token as it is.
    pub fn plain(name: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self { name: name.into(), prefix: prefix.into(), user: None, also: Vec::new(), beside: Vec::new() }
    }

    /// What is sent of a token: names and values.
    ///
    /// # Errors
    /// `SettingInvalid` where the name that `Basic` pairs it with cannot be a part of a pair.
    pub fn sent(&self, secret: &Secret) -> Result<Vec<(String, Zeroizing<String>)>> {
        let token = match &self.user {
            Some(user) => Zeroizing::new(base64(pair(user, secret)?.as_bytes())),
            None => Zeroizing::new(secret.expose().to_owned()),
        };
        let first = (self.name.clone(), Zeroizing::new(format!("{}{}", self.prefix, *token)));
        let more = |one: &Carrier| (one.name.clone(), Zeroizing::new(format!("{}{}", one.prefix, secret.expose())));
        Ok(std::iter::once(first).chain(self.also.iter().map(more)).collect())
    }

    /// The header beside the token's of this name.
    pub fn beside_named(&self, name: &str) -> Option<&Carrier> {
        self.beside.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Whether both send their secrets in the same headers and ways; how headers' names are written is nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same = |a: &Carrier, b: &Carrier| a.name.eq_ignore_ascii_case(&b.name) && a.prefix == b.prefix;
        let all = |a: &[Carrier], b: &[Carrier]| {
            a.len() == b.len() && a.iter().all(|one| b.iter().any(|other| is_same(one, other)))
        };
        let plain = |own: &Self| Carrier { name: own.name.clone(), prefix: own.prefix.clone() };
        let first = is_same(&plain(self), &plain(other)) && self.user == other.user;
        first && all(&self.also, &other.also) && all(&self.beside, &other.beside)
    }

    /// Whether a header of this name carries one of its secrets.
    pub fn carries(&self, name: &str) -> bool {
        let more = self.also.iter().chain(&self.beside).map(|one| &one.name);
        std::iter::once(&self.name).chain(more).any(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Carrier {
    /// What is sent of a secret.
    pub fn sent(&self, secret: &Secret) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.prefix, secret.expose()))
    }
}

/// What `Basic` writes in Base64 (RFC 7617): the first colon ends the name.
pub(crate) fn pair(user: &str, secret: &Secret) -> Result<Zeroizing<String>> {
    if is_user(user) {
        return Ok(Zeroizing::new(format!("{user}:{}", secret.expose())));
    }
    Err(Error::new(Code::SettingInvalid, "This cannot be the name that goes with the token.")
        .hint("Give the e-mail address or user name alone, in one line and without a colon.")
        .field("user"))
}

/// Whether a name can be the first half of a pair.
pub(crate) fn is_user(user: &str) -> bool {
    !user.is_empty() && user.chars().all(|c| c != ':' && !c.is_control() && !c.is_whitespace())
}
