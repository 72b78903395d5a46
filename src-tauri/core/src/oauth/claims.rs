//! What a signed statement (JWT, RFC 7519) says of itself: for whom it is, and until when.
//!
//! Nobody here can check its signature; that is for the one to whom it is shown. It is read so that it is shown to
//! nobody else, and not after its end.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::wire::from_base64;

/// So long before its end a statement is not sent any more: it would end on its way.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(5);

/// The claims that matter here.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "iss")]
    pub(super) issuer: Option<String>,
    #[serde(rename = "aud", default)]
    pub(super) audience: OneOrMany,
    #[serde(rename = "exp")]
    ends: Option<f64>,
    pub(super) client_id: Option<String>,
    #[serde(default)]
    pub(super) resource: OneOrMany,
    pub(super) nonce: Option<String>,
}

/// One text, or several.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(all) => all,
        }
    }

    /// Whether it is this address and no other; a slash at the end makes none of it.
    pub(super) fn is_only(&self, address: &str) -> bool {
        let all = self.all();
        !all.is_empty() && all.iter().all(|one| is_same(one, address))
    }
}

/// Whether two addresses are the same but for a slash at the end.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

impl Claims {
    /// Reads a statement; `None` where it is none.
    pub(super) fn read(statement: &Secret) -> Option<Self> {
        let mut parts = statement.expose().trim().split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let claims = Zeroizing::new(from_base64(&claims.replace('-', "+").replace('_', "/"))?);
        serde_json::from_slice(&claims).ok()
    }

    /// Whether it can still be sent. One that says no end is up to the one to whom it is shown.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below where that begins")]
        let now = now.saturating_add(ON_ITS_WAY).map_or(f64::MAX, |now| now.as_second() as f64);
        self.ends.is_none_or(|ends| ends > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::base64;

    fn statement(claims: &str) -> Secret {
        let part = |text: &str| base64(text.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "");
        Secret::new(format!("{}.{}.sig", part(r#"{"alg":"none"}"#), part(claims)))
    }

    #[test]
    fn a_statement_says_for_whom_it_is_and_until_when() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let read = |claims: &str| Claims::read(&statement(claims)).expect("claims");
        let one = read(r#"{"iss":"https://idp.example","aud":"https://a.example/","exp":1767225606}"#);
        assert!(one.audience.is_only("https://a.example") && !one.audience.is_only("https://b.example"));
        assert!(one.is_good(now) && !one.is_good(now + SignedDuration::from_secs(1)));
        let two = read(r#"{"aud":["https://a.example","https://b.example"],"sub":"ÿ~?>"}"#);
        assert!(!two.audience.is_only("https://a.example"), "another may be shown it too");
        assert!(two.is_good(now) && !read("{}").audience.is_only(""));
    }

    #[test]
    fn what_is_no_statement_is_none() {
        for text in ["", "a.b", "a.b.c.d", "a.%.c", "pasted-token", "a.bm9uZQ.c"] {
            assert_eq!(Claims::read(&Secret::new(text)), None, "{text}");
        }
        assert_eq!(Claims::read(&statement(r#"{"aud":5}"#)), None);
    }
}
