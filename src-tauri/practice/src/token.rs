//! A token: what is known of it, and what became of it.
//!
//! The value exists in [`Made`] alone, which has neither `Debug` nor `Clone`; a [`Token`] holds its hash. The clock is
//! an argument of everything that depends on it.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;

/// The permissions there are, each with what it allows.
pub const SCOPES: &[(&str, &str)] = &[
    ("profile:read", "See whose token it is"),
    ("notes:read", "Read the notes"),
    ("notes:write", "Add and delete notes"),
];

/// The shortest and the longest life of a token, in seconds.
const LIFETIME: std::ops::RangeInclusive<i64> = 60..=365 * 24 * 3600;

/// The longest name, in characters.
pub(crate) const MOST_NAME: usize = 80;

/// What a token is asked to be; unchecked.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    pub(crate) lifetime_seconds: i64,
}

/// A token's facts; never its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: Option<Timestamp>,
    pub(crate) hash: String,
}

/// Who calls: what the holder of a token is called and may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's id, or that of the sign-in that it came of.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) ends: Timestamp,
}

impl Caller {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Active,
    Expired,
    Revoked,
}

/// A token that was just made: the only time that its value is there.
#[derive(Serialize)]
pub(crate) struct Made {
    pub(crate) id: String,
    #[serde(rename = "token")]
    pub(crate) value: String,
    pub(crate) expires: Timestamp,
}

impl Token {
    /// What became of it. A revoked token that has also ended stays revoked: that is what the user did.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        match self.revoked {
            Some(_) => State::Revoked,
            None if self.expires <= now => State::Expired,
            None => State::Active,
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        let Self { id, name, scopes, expires, .. } = self.clone();
        Caller { id, name, scopes, ends: expires }
    }
}

/// Makes a token that begins now, or says why it may not be as wanted.
pub(crate) fn make(wanted: &Wanted, now: Timestamp) -> Result<(Token, Made), StoreError> {
    let name = known_name(&wanted.name)?;
    if !LIFETIME.contains(&wanted.lifetime_seconds) {
        return Err(StoreError::Lifetime);
    }
    // Whole seconds: an end is shown to people, and typed again by some.
    let created = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let expires = created.checked_add(SignedDuration::from_secs(wanted.lifetime_seconds));
    let expires = expires.map_err(|_| StoreError::Lifetime)?;
    let (id, value) = (random(12)?, format!("pbp_{}", random(22)?));
    let (scopes, hash) = (known_scopes(&wanted.scopes)?, hash(&value));
    let token = Token { id: id.clone(), name, scopes, created, expires, revoked: None, hash };
    Ok((token, Made { id, value, expires }))
}

/// A name as it is kept, or why it may not be.
pub(crate) fn known_name(name: &str) -> Result<String, StoreError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MOST_NAME && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(StoreError::Name) }
}

/// The wanted permissions in their order, each once.
pub(crate) fn known_scopes(wanted: &[String]) -> Result<Vec<String>, StoreError> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in wanted {
        if !SCOPES.iter().any(|(id, _)| id == scope) {
            return Err(StoreError::Scope(scope.clone()));
        }
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    if scopes.is_empty() { Err(StoreError::NoScope) } else { Ok(scopes) }
}

/// The hash by which a value is recognised. Values are random, so a plain hash gives nothing to guess from.
pub(crate) fn hash(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random characters of the URL-safe alphabet, six bits each.
pub(crate) fn random(length: usize) -> Result<String, StoreError> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn wanted(name: &str, scopes: &[&str], lifetime_seconds: i64) -> Wanted {
        Wanted { name: name.into(), scopes: scopes.iter().map(ToString::to_string).collect(), lifetime_seconds }
    }

    #[test]
    fn ends_at_the_very_second() {
        let now = at(1_000_000) + SignedDuration::from_millis(700);
        let (token, made) = make(&wanted("a", &["notes:read"], 60), now).expect("a token");
        assert_eq!(made.expires, at(1_000_060));
        assert_eq!(token.state(at(1_000_059)), State::Active);
        assert_eq!(token.state(at(1_000_060)), State::Expired);
    }

    #[test]
    fn a_revoked_token_stays_revoked_after_its_end() {
        let (mut token, _) = make(&wanted("a", &["notes:read"], 60), at(0)).expect("a token");
        token.revoked = Some(at(10));
        assert_eq!(token.state(at(1000)), State::Revoked);
    }

    #[test]
    fn a_value_has_its_shape_and_is_never_the_same() {
        let value = || make(&wanted("a", &["notes:read"], 60), at(0)).expect("a token").1.value;
        let rest = value().strip_prefix("pbp_").expect("the prefix").to_owned();
        assert_eq!(rest.len(), 22);
        assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(value(), value());
    }

    #[test]
    fn scopes_keep_their_order_and_lose_their_doubles() {
        let wanted = wanted("a", &["notes:write", "profile:read", "notes:write"], 60);
        let (token, _) = make(&wanted, at(0)).expect("a token");
        assert_eq!(token.scopes, ["notes:write", "profile:read"]);
    }

    #[test]
    fn bounds_are_kept() {
        let refused = |name: &str, scopes: &[&str], seconds| {
            make(&wanted(name, scopes, seconds), at(0)).map(|_| ()).expect_err("a refusal").to_string()
        };
        let scope = ["notes:read"];
        for name in ["", "  ", "a\nb", &"x".repeat(81)] {
            assert_eq!(refused(name, &scope, 60), StoreError::Name.to_string());
        }
        for seconds in [i64::MIN, 0, 59, 365 * 86_400 + 1, i64::MAX] {
            assert_eq!(refused("a", &scope, seconds), StoreError::Lifetime.to_string());
        }
        assert_eq!(refused("a", &[], 60), StoreError::NoScope.to_string());
        assert_eq!(refused("a", &["notes:read", "root"], 60), StoreError::Scope("root".into()).to_string());
        make(&wanted(&"ü".repeat(80), &scope, 365 * 86_400), at(0)).map(|_| ()).expect("the longest of both");
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
