//! What waits in memory: requests for the user, codes for their app. A restart forgets both.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::ask::Asked;
use super::fault::Fault;
use crate::error::StoreError;
use crate::token;

/// How long a person may think.
const THINKING: SignedDuration = SignedDuration::from_mins(10);
/// How long an app may take to fetch its tokens.
const FETCHING: SignedDuration = SignedDuration::from_mins(1);
/// How many of each wait; beyond that the oldest is forgotten.
const MOST: usize = 100;

/// Requests and codes.
#[derive(Default)]
pub(crate) struct Waiting {
    requests: Mutex<Vec<Request>>,
    codes: Mutex<Vec<Code>>,
}

struct Request {
    /// The hash of what the form hands back: nobody can send the form who has not seen it.
    ticket: String,
    asked: Asked,
    until: Timestamp,
}

struct Code {
    hash: String,
    asked: Asked,
    sign_in: String,
    until: Timestamp,
    spent: bool,
}

/// What a code was good for.
pub(crate) enum Redeemed {
    /// A sign-in that may begin, under this id.
    Fresh(Box<Asked>, String),
    /// It came before: the sign-in of this id ends.
    Again(String),
}

impl Waiting {
    /// Keeps a request until the user decides; the ticket of its form.
    pub(crate) fn ask(&self, asked: Asked, now: Timestamp) -> Result<String, StoreError> {
        let value = token::random(32)?;
        let request = Request { ticket: token::hash(&value), asked, until: now + THINKING };
        push(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner), request);
        Ok(value)
    }

    /// The request of a ticket, once.
    pub(crate) fn decided(&self, ticket: &str, now: Timestamp) -> Option<Asked> {
        let hash = token::hash(ticket);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|request| request.until > now);
        let at = requests.iter().position(|request| request.ticket == hash)?;
        Some(requests.remove(at).asked)
    }

    /// Makes a code for what was allowed.
    pub(crate) fn allow(&self, asked: Asked, now: Timestamp) -> Result<String, StoreError> {
        let value = format!("pbo_{}", token::random(32)?);
        let (hash, sign_in) = (token::hash(&value), token::random(12)?);
        let code = Code { hash, asked, sign_in, until: now + FETCHING, spent: false };
        push(&mut self.codes.lock().unwrap_or_else(PoisonError::into_inner), code);
        Ok(value)
    }

    /// Takes a code back. It is spent by this, whatever comes of it.
    pub(crate) fn redeem(
        &self,
        value: &str,
        client: &str,
        redirect: Option<&str>,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Redeemed, Fault> {
        let hash = token::hash(value);
        let unknown = || Fault::grant("This code is not known, or its time is over.");
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|code| code.until > now);
        let code = codes.iter_mut().find(|code| code.hash == hash).ok_or_else(unknown)?;
        if code.asked.client != client {
            return Err(unknown());
        }
        if std::mem::replace(&mut code.spent, true) {
            return Ok(Redeemed::Again(code.sign_in.clone()));
        }
        if redirect.is_some_and(|redirect| Url::parse(redirect).ok().as_ref() != Some(&code.asked.back.redirect)) {
            return Err(Fault::grant("The code was made for another address."));
        }
        if challenge_of(verifier) != code.asked.challenge {
            return Err(Fault::grant("The verifier is not the challenge's."));
        }
        Ok(Redeemed::Fresh(Box::new(code.asked.clone()), code.sign_in.clone()))
    }
}

fn push<T>(all: &mut Vec<T>, one: T) {
    if all.len() >= MOST {
        all.remove(0);
    }
    all.push(one);
}

/// The S256 challenge of a verifier (RFC 7636 section 4.6).
fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ask::{self, Trouble};
    use crate::oauth::client::{Client, Proof, Wish};
    use crate::oauth::form::Form;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    /// A request with the verifier and the challenge of RFC 7636, appendix B.
    fn asked() -> Asked {
        let scopes = vec!["notes:read".to_owned()];
        let redirects = vec!["http://127.0.0.1/cb".to_owned()];
        let wish = Wish { name: "An app".into(), redirects, proof: Proof::Nothing, scopes, by_hand: false };
        let (client, _) = Client::new(wish, at(0)).expect("fit");
        let pairs = [
            ("client_id", "x"),
            ("response_type", "code"),
            ("redirect_uri", "http://127.0.0.1:5/cb"),
            ("code_challenge_method", "S256"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let read = ask::read(&Form::new(pairs).expect("each once"), "http://x", |_| Some(client.clone()));
        read.map_err(|trouble| matches!(trouble, Trouble::Here(_))).expect("it is fit")
    }

    fn redeem(waiting: &Waiting, code: &str, redirect: Option<&str>, verifier: &str, now: i64) -> Option<bool> {
        let id = asked_client(waiting);
        let redeemed = waiting.redeem(code, &id, redirect, verifier, at(now)).ok()?;
        Some(matches!(redeemed, Redeemed::Fresh(..)))
    }

    fn asked_client(waiting: &Waiting) -> String {
        waiting.codes.lock().expect("one thread").last().map(|code| code.asked.client.clone()).unwrap_or_default()
    }

    #[test]
    fn a_code_works_once_for_a_minute_and_with_its_verifier() {
        let waiting = Waiting::default();
        let code = || waiting.allow(asked(), at(0)).expect("a code");
        let own = Some("http://127.0.0.1:5/cb");
        let good = code();
        assert_eq!(redeem(&waiting, &good, own, VERIFIER, 59), Some(true));
        assert_eq!(redeem(&waiting, &good, own, VERIFIER, 59), Some(false), "it comes again");
        assert_eq!(redeem(&waiting, &code(), own, VERIFIER, 60), None, "too late");
        assert_eq!(redeem(&waiting, &code(), Some("http://127.0.0.1:6/cb"), VERIFIER, 1), None);
        let other = code();
        assert_eq!(redeem(&waiting, &other, own, &VERIFIER.to_lowercase(), 1), None);
        assert_eq!(redeem(&waiting, &other, own, VERIFIER, 1), Some(false), "a wrong verifier spends it");
        let stolen = code();
        assert!(waiting.redeem(&stolen, "pbc_other", own, VERIFIER, at(1)).is_err());
        assert_eq!(redeem(&waiting, &stolen, own, VERIFIER, 1), Some(true), "another app cannot spend it");
    }

    #[test]
    fn a_ticket_works_once_and_strangers_push_nothing_beyond_the_bound() {
        let waiting = Waiting::default();
        let first = waiting.ask(asked(), at(0)).expect("a ticket");
        assert!(waiting.decided("other", at(1)).is_none());
        assert!(waiting.decided(&first, at(1)).is_some());
        assert!(waiting.decided(&first, at(1)).is_none(), "once");
        let late = waiting.ask(asked(), at(0)).expect("a ticket");
        assert!(waiting.decided(&late, at(600)).is_none(), "too late");
        for _ in 0..3 * MOST {
            waiting.ask(asked(), at(0)).expect("a ticket");
            waiting.allow(asked(), at(0)).expect("a code");
        }
        assert_eq!(waiting.requests.lock().expect("one thread").len(), MOST);
        assert_eq!(waiting.codes.lock().expect("one thread").len(), MOST);
    }
}
