//! Apps that may ask for a sign-in: those that registered themselves, and those that the user made by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::StoreError;
use crate::token;

const MOST_REDIRECTS: usize = 10;
const MOST_REDIRECT: usize = 1024;

/// Schemes that make a browser do something else than hand the address to a program.
const NEVER: &[&str] = &["javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"];

/// How an app shows that it is the one it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Proof {
    #[serde(rename = "none")]
    Nothing,
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
    /// Either way: made by hand, for whatever the app can do.
    #[serde(rename = "either")]
    Either,
}

/// An app that is known here; never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where the user may be sent back to.
    pub(crate) redirects: Vec<String>,
    pub(crate) proof: Proof,
    /// The hash of its secret.
    secret: Option<String>,
    /// What it may have at most.
    pub(crate) scopes: Vec<String>,
    /// Whether the user made it, rather than the app itself.
    pub(crate) by_hand: bool,
    pub(crate) created: Timestamp,
}

/// What an app is to be; unchecked.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) name: String,
    pub(crate) redirects: Vec<String>,
    pub(crate) proof: Proof,
    pub(crate) scopes: Vec<String>,
    pub(crate) by_hand: bool,
}

impl Client {
    /// Makes one, and its secret where it has one: the only time that it is there.
    pub(crate) fn new(wish: Wish, now: Timestamp) -> Result<(Self, Option<String>), StoreError> {
        let (name, scopes) = (token::known_name(&wish.name)?, token::known_scopes(&wish.scopes)?);
        if wish.redirects.len() > MOST_REDIRECTS {
            return Err(StoreError::ManyRedirects);
        }
        if let Some(bad) = wish.redirects.iter().find(|address| !is_fit(address)) {
            return Err(StoreError::Redirect(bad.chars().take(80).collect()));
        }
        let value = (wish.proof != Proof::Nothing).then(|| token::random(32)).transpose()?;
        let value = value.map(|random| format!("pbs_{random}"));
        let secret = value.as_deref().map(token::hash);
        let (id, redirects) = (format!("pbc_{}", token::random(16)?), wish.redirects);
        let Wish { proof, by_hand, .. } = wish;
        Ok((Self { id, name, redirects, proof, secret, scopes, by_hand, created: now }, value))
    }

    /// Whether an app that shows this is the one.
    pub(crate) fn is_shown_by(&self, shown: &Shown) -> bool {
        let way = match self.proof {
            Proof::Either => shown.way != Proof::Nothing,
            way => shown.way == way,
        };
        way && shown.secret.as_deref().map(token::hash) == self.secret
    }

    /// The address to go back to, if it is one of its own. On this computer's address the port is free (RFC 8252
    /// section 7.3): an app takes one that happens to be there.
    pub(crate) fn redirect(&self, wanted: &str) -> Option<Url> {
        let any_port = |text: &str| {
            let mut url = Url::parse(text).ok().filter(is_loopback_ip)?;
            url.set_port(None).ok()?;
            Some(url)
        };
        let fits = |own: &String| own == wanted || any_port(own).is_some_and(|own| any_port(wanted) == Some(own));
        if self.redirects.iter().any(fits) { Url::parse(wanted).ok() } else { None }
    }
}

/// Who an app says it is, and how it shows that.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) way: Proof,
}

impl Shown {
    /// Reads `Basic` credentials.
    pub(crate) fn basic(value: &str) -> Option<Self> {
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let pair = String::from_utf8(decoded).ok()?;
        // Ids and secrets have no character that the standard wants to see encoded.
        let (id, secret) = pair.split_once(':')?;
        Some(Self { id: id.to_owned(), secret: Some(secret.to_owned()), way: Proof::Basic })
    }
}

fn is_fit(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let scheme = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback_ip(&url) || url.host_str() == Some("localhost"),
        scheme => url.has_host() && !NEVER.contains(&scheme),
    };
    plain && scheme && address.len() <= MOST_REDIRECT && !address.chars().any(char::is_control)
}

fn is_loopback_ip(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    url.scheme() == "http" && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(redirects: &[&str]) -> Result<Client, StoreError> {
        let redirects = redirects.iter().map(ToString::to_string).collect();
        let scopes = vec!["notes:read".to_owned()];
        let wish = Wish { name: "An app".into(), redirects, proof: Proof::Nothing, scopes, by_hand: false };
        Client::new(wish, Timestamp::UNIX_EPOCH).map(|(client, _)| client)
    }

    #[test]
    fn only_addresses_that_lead_to_a_program_or_a_safe_page_are_taken() {
        for fit in [
            "https://x.example/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:7/cb",
            "http://localhost:8/cb",
            "cursor://a/cb",
        ] {
            client(&[fit]).expect(fit);
        }
        for unfit in [
            "",
            "/cb",
            "http://x.example/cb",
            "https://x.example/cb#a",
            "https://a:b@x.example/cb",
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://127.0.0.1.x.example/",
        ] {
            client(&[unfit]).map(|_| ()).expect_err(unfit);
        }
        client(&["https://x.example/cb"; 11]).map(|_| ()).expect_err("too many");
    }

    #[test]
    fn an_address_is_matched_to_the_letter_and_its_port_is_free_on_this_computer_alone() {
        let own = client(&["http://127.0.0.1/cb", "https://x.example/cb", "http://localhost:7/cb"]).expect("fit");
        for good in ["http://127.0.0.1:5123/cb", "http://127.0.0.1/cb", "https://x.example/cb", "http://localhost:7/cb"]
        {
            assert!(own.redirect(good).is_some(), "{good}");
        }
        for bad in [
            "http://127.0.0.1:5123/other",
            "http://127.0.0.1/cb?x=1",
            "http://127.0.0.2/cb",
            "http://[::1]/cb",
            "https://x.example:8443/cb",
            "https://x.example/cb/",
            "http://localhost:8/cb",
            "http://a@127.0.0.1/cb",
            "",
        ] {
            assert_eq!(own.redirect(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_shown_in_the_way_that_was_agreed() {
        let wish = |proof| {
            let scopes = vec!["notes:read".to_owned()];
            Wish { name: "An app".into(), redirects: Vec::new(), proof, scopes, by_hand: true }
        };
        let shown = |secret: Option<&str>, way| Shown { id: "x".into(), secret: secret.map(str::to_owned), way };
        for (proof, ways) in [
            (Proof::Basic, vec![Proof::Basic]),
            (Proof::Post, vec![Proof::Post]),
            (Proof::Either, vec![Proof::Basic, Proof::Post]),
        ] {
            let (client, secret) = Client::new(wish(proof), Timestamp::UNIX_EPOCH).expect("fit");
            for way in [Proof::Basic, Proof::Post] {
                assert_eq!(client.is_shown_by(&shown(secret.as_deref(), way)), ways.contains(&way));
                assert!(!client.is_shown_by(&shown(Some("pbs_other"), way)));
            }
            assert!(!client.is_shown_by(&shown(None, Proof::Nothing)));
        }
        let (public, none) = Client::new(wish(Proof::Nothing), Timestamp::UNIX_EPOCH).expect("fit");
        assert!(none.is_none() && public.is_shown_by(&shown(None, Proof::Nothing)));
        assert!(!public.is_shown_by(&shown(Some("pbs_any"), Proof::Post)));
    }

    #[test]
    fn basic_credentials_are_read_as_the_standard_says() {
        let shown = Shown::basic("bAsic cGJjX2E6cGJzX2I=").expect("it reads");
        assert_eq!((shown.id.as_str(), shown.secret.as_deref()), ("pbc_a", Some("pbs_b")));
        for bad in ["", "Basic", "Basic !!!", "Bearer cGJjX2E6cGJzX2I=", "Basic cGJj"] {
            assert!(Shown::basic(bad).is_none(), "{bad}");
        }
    }
}
