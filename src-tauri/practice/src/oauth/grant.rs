//! A sign-in: what an app was allowed, and the tokens that it holds for that. Pure: the clock is an argument.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::SignInRules;
use super::client::Client;
use super::fault::Fault;
use crate::error::StoreError;
use crate::store::Refusal;
use crate::token::{self, Caller};

/// How many access tokens of one sign-in may work at the same time; beyond that the oldest ends.
const MOST_ACCESS: usize = 20;
/// How many spent refresh tokens are remembered; an older one is unknown, and ends nothing.
const MOST_SPENT: usize = 50;

/// Who allowed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// The user, on the page.
    Person,
    /// The app's own secret (client credentials).
    Secret,
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    /// The app's id.
    pub(crate) client: String,
    /// The app's name.
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) by: By,
    pub(crate) created: Timestamp,
    /// When it last brought a token.
    pub(crate) used: Timestamp,
    /// When the user, the app or a token's second use ended it.
    pub(crate) ended: Option<Timestamp>,
    access: Vec<Access>,
    refresh: Option<Refresh>,
    /// Hashes of the refresh tokens before this one.
    spent: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Access {
    hash: String,
    scopes: Vec<String>,
    ends: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refresh {
    hash: String,
    ends: Timestamp,
}

/// Tokens that were just made: the only time that they are there.
pub(crate) struct Brought {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) seconds: u64,
    pub(crate) scopes: Vec<String>,
}

/// What a value is to a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Access,
    Refresh,
    Spent,
}

impl SignIn {
    /// Begins one, without tokens yet.
    pub(crate) fn new(id: String, client: &Client, scopes: Vec<String>, by: By, now: Timestamp) -> Self {
        let (client, name) = (client.id.clone(), client.name.clone());
        let (access, refresh, spent) = (Vec::new(), None, Vec::new());
        Self { id, client, name, scopes, by, created: now, used: now, ended: None, access, refresh, spent }
    }

    /// Makes an access token, and a refresh token where a person allowed it: the app cannot ask that person each time.
    pub(crate) fn bring(
        &mut self,
        scopes: Vec<String>,
        rules: &SignInRules,
        now: Timestamp,
    ) -> Result<Brought, StoreError> {
        let access = format!("pba_{}", token::random(32)?);
        self.access.retain(|access| access.ends > now);
        if self.access.len() >= MOST_ACCESS {
            self.access.remove(0);
        }
        let ends = after(now, rules.access);
        self.access.push(Access { hash: token::hash(&access), scopes: scopes.clone(), ends });
        let refresh = (self.by == By::Person).then(|| self.next_refresh(rules, now)).transpose()?;
        self.used = now;
        Ok(Brought { access, refresh, seconds: rules.access.as_secs(), scopes })
    }

    fn next_refresh(&mut self, rules: &SignInRules, now: Timestamp) -> Result<String, StoreError> {
        let value = format!("pbr_{}", token::random(32)?);
        let next = Refresh { hash: token::hash(&value), ends: after(now, rules.refresh) };
        if let Some(spent) = self.refresh.replace(next) {
            self.spent.push(spent.hash);
            let over = self.spent.len().saturating_sub(MOST_SPENT);
            self.spent.drain(..over);
        }
        Ok(value)
    }

    /// New tokens for a refresh token of this sign-in. The old one is spent; where it was spent before, all ends.
    pub(crate) fn renew(
        &mut self,
        part: Part,
        scope: Option<&str>,
        rules: &SignInRules,
        now: Timestamp,
    ) -> Result<Result<Brought, Fault>, StoreError> {
        if self.ended.is_some() || part == Part::Access {
            return Ok(Err(Fault::grant("This sign-in has ended.")));
        }
        if part == Part::Spent {
            self.end(now);
            return Ok(Err(Fault::grant("This refresh token was used before. The sign-in has ended.")));
        }
        if self.refresh.as_ref().is_none_or(|refresh| refresh.ends <= now) {
            return Ok(Err(Fault::grant("This sign-in was not used for too long.")));
        }
        let scopes = match scope {
            None => self.scopes.clone(),
            Some(scope) => match super::ask::scopes(Some(scope), &self.scopes) {
                Ok(scopes) => scopes,
                Err(fault) => return Ok(Err(fault)),
            },
        };
        self.bring(scopes, rules, now).map(Ok)
    }

    /// What a hash is to this sign-in.
    pub(crate) fn part(&self, hash: &str) -> Option<Part> {
        if self.refresh.as_ref().is_some_and(|refresh| refresh.hash == hash) {
            Some(Part::Refresh)
        } else if self.access.iter().any(|access| access.hash == hash) {
            Some(Part::Access)
        } else {
            self.spent.iter().any(|spent| spent == hash).then_some(Part::Spent)
        }
    }

    /// Who holds the access token of a hash, if it is one of this sign-in's.
    pub(crate) fn caller(&self, hash: &str, now: Timestamp) -> Option<Result<Caller, Refusal>> {
        let access = self.access.iter().find(|access| access.hash == hash)?;
        if self.ended.is_some() {
            return Some(Err(Refusal::Revoked));
        }
        if access.ends <= now {
            return Some(Err(Refusal::Expired));
        }
        let (id, name, scopes) = (self.id.clone(), self.name.clone(), access.scopes.clone());
        Some(Ok(Caller { id, name, scopes, ends: access.ends }))
    }

    /// Ends one access token.
    pub(crate) fn forget(&mut self, hash: &str) {
        self.access.retain(|access| access.hash != hash);
    }

    /// Ends it with all its tokens. The first time is when it happened.
    pub(crate) fn end(&mut self, now: Timestamp) {
        self.ended.get_or_insert(now);
    }

    /// Whether anything of it can still work.
    pub(crate) fn lives(&self, now: Timestamp) -> bool {
        let refresh = self.refresh.as_ref().is_some_and(|refresh| refresh.ends > now);
        self.ended.is_none() && (refresh || self.access.iter().any(|access| access.ends > now))
    }
}

fn after(now: Timestamp, lasts: std::time::Duration) -> Timestamp {
    let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    now.checked_add(lasts).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::oauth::client::{Proof, Wish};

    const RULES: SignInRules =
        SignInRules { access: Duration::from_secs(10), refresh: Duration::from_secs(100), allows_all: false };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn sign_in(by: By) -> SignIn {
        let scopes = vec!["notes:read".to_owned(), "notes:write".to_owned()];
        let wish = Wish { name: "An app".into(), redirects: Vec::new(), proof: Proof::Either, scopes, by_hand: true };
        let (client, _) = Client::new(wish, at(0)).expect("fit");
        SignIn::new("abc".into(), &client, client.scopes.clone(), by, at(0))
    }

    fn bring(sign_in: &mut SignIn, now: i64) -> Brought {
        sign_in.bring(sign_in.scopes.clone(), &RULES, at(now)).expect("random")
    }

    fn renew(sign_in: &mut SignIn, refresh: &str, scope: Option<&str>, now: i64) -> Option<Brought> {
        let part = sign_in.part(&token::hash(refresh))?;
        sign_in.renew(part, scope, &RULES, at(now)).expect("random").ok()
    }

    fn caller(sign_in: &SignIn, access: &str, now: i64) -> Option<Result<Vec<String>, Refusal>> {
        Some(sign_in.caller(&token::hash(access), at(now))?.map(|caller| caller.scopes))
    }

    #[test]
    fn a_refresh_token_works_once_and_its_second_use_ends_all() {
        let mut sign_in = sign_in(By::Person);
        let first = bring(&mut sign_in, 0).refresh.expect("a person allowed it");
        let second = renew(&mut sign_in, &first, None, 99).expect("in time");
        assert!(matches!(caller(&sign_in, &second.access, 99), Some(Ok(_))));
        assert!(renew(&mut sign_in, &first, None, 100).is_none(), "again");
        assert_eq!(caller(&sign_in, &second.access, 100), Some(Err(Refusal::Revoked)));
        assert!(renew(&mut sign_in, &second.refresh.expect("rotated"), None, 100).is_none(), "the newest, too");
        assert!(!sign_in.lives(at(100)));
    }

    #[test]
    fn tokens_end_at_the_very_second() {
        let mut sign_in = sign_in(By::Person);
        let brought = bring(&mut sign_in, 0);
        assert_eq!(brought.seconds, 10);
        assert!(matches!(caller(&sign_in, &brought.access, 9), Some(Ok(_))));
        assert_eq!(caller(&sign_in, &brought.access, 10), Some(Err(Refusal::Expired)));
        assert!(sign_in.lives(at(99)) && !sign_in.lives(at(100)));
        assert!(renew(&mut sign_in, &brought.refresh.expect("there"), None, 100).is_none());
    }

    #[test]
    fn a_renewal_may_ask_for_less_and_never_for_more() {
        let mut sign_in = sign_in(By::Person);
        let first = bring(&mut sign_in, 0).refresh.expect("there");
        let less = renew(&mut sign_in, &first, Some("notes:read"), 1).expect("less");
        assert_eq!(caller(&sign_in, &less.access, 1), Some(Ok(vec!["notes:read".to_owned()])));
        let refresh = less.refresh.expect("there");
        assert!(renew(&mut sign_in, &refresh, Some("profile:read"), 1).is_none());
        let all = renew(&mut sign_in, &refresh, None, 1).expect("a refusal spends nothing");
        assert_eq!(all.scopes, ["notes:read", "notes:write"], "all that was allowed, again");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut person = sign_in(By::Person);
        let first = bring(&mut person, 0);
        let mut refresh = first.refresh.expect("there");
        for _ in 0..3 * MOST_SPENT {
            refresh = renew(&mut person, &refresh, None, 1).and_then(|brought| brought.refresh).expect("there");
        }
        assert_eq!((person.access.len(), person.spent.len()), (MOST_ACCESS, MOST_SPENT));
        assert_eq!(caller(&person, &first.access, 1), None, "the oldest of too many is gone");
    }

    #[test]
    fn an_app_with_a_secret_needs_no_refresh_token() {
        assert!(bring(&mut sign_in(By::Secret), 0).refresh.is_none());
    }
}
