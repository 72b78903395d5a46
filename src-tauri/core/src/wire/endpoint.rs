//! Where requests go, and what they carry.

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use url::Url;
use zeroize::Zeroizing;

use super::base64::{base64, from_base64};
use super::bound::{BoundKey, Proof};
use super::veil::veil;
use super::{Network, WireError};
use crate::catalog::{check_address, check_page, may_lead_to};
use crate::connection::{AuthHeader, Carrier, PROGRAM, pair};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// A service's address with its headers; `Debug` shows no header's value.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    auth: Option<Auth>,
    /// The headers with a secret of their own.
    beside: Vec<Beside>,
    headers: HeaderMap,
    network: Network,
    fresh_until: Option<Timestamp>,
    key: Option<BoundKey>,
    /// Its token came of a sign-in.
    signed_in: bool,
}

/// The headers that carry the token, the token by itself, and the name it is paired with.
#[derive(Clone, PartialEq)]
struct Auth {
    headers: Vec<(HeaderName, HeaderValue)>,
    secret: Secret,
    user: Option<String>,
}

/// A header with a secret of its own, and that secret by itself.
#[derive(Clone, PartialEq)]
struct Beside {
    name: HeaderName,
    value: HeaderValue,
    secret: Secret,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &veil(self.url.as_str(), std::slice::from_ref(self)))
            .field("auth", &self.auth.is_some())
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An endpoint without a token.
    ///
    /// # Errors
    /// As [`check_address`].
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self {
            url: check_address(url)?,
            auth: None,
            beside: Vec::new(),
            headers: HeaderMap::new(),
            network: Network::default(),
            fresh_until: None,
            key: None,
            signed_in: false,
        })
    }

    /// The same with a token.
    ///
    /// # Errors
    /// `TokenControlCharacters` where it cannot be sent in a header; `SettingInvalid` where a header's name cannot, or
    /// the name it is paired with.
    pub fn with_auth(mut self, header: &AuthHeader, secret: &Secret) -> Result<Self> {
        let mut headers = Vec::new();
        for (name, value) in header.sent(secret)? {
            headers.push((header_name(&name)?, secret_value(&value)?));
        }
        self.auth = Some(Auth { headers, secret: secret.clone(), user: header.user.clone() });
        Ok(self)
    }

    /// The same, whose token came of a sign-in.
    #[must_use]
    pub fn signed_in(self) -> Self {
        Self { signed_in: true, ..self }
    }

    /// Whether its token came of a sign-in: nobody has made one that could be replaced.
    pub fn is_signed_in(&self) -> bool {
        self.signed_in
    }

    /// The same with a token that is bound to a key: it goes along as RFC 9449 says, however others are sent there.
    ///
    /// # Errors
    /// `TokenControlCharacters` where it cannot be sent in a header.
    pub fn with_bound(self, key: &BoundKey, token: &Secret) -> Result<Self> {
        let header = AuthHeader::plain(AUTHORIZATION.as_str(), "DPoP ");
        Ok(self.with_auth(&header, token)?.with_key(key))
    }

    /// The same, where each request shows that its sender has the key.
    pub(crate) fn with_key(self, key: &BoundKey) -> Self {
        Self { key: Some(key.clone()), ..self }
    }

    /// The same with a header that has a secret of its own.
    ///
    /// # Errors
    /// As [`Endpoint::with_auth`].
    pub fn with_beside(mut self, carrier: &Carrier, secret: &Secret) -> Result<Self> {
        let (name, value) = (header_name(&carrier.name)?, secret_value(&carrier.sent(secret))?);
        self.beside.retain(|other| other.name != name);
        self.beside.push(Beside { name, value, secret: secret.clone() });
        Ok(self)
    }

    /// The same with further headers.
    ///
    /// # Errors
    /// `SettingInvalid` where one cannot be sent.
    pub fn with_headers(mut self, headers: &[(String, String)]) -> Result<Self> {
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| unfit(name))?;
            self.headers.insert(header_name(name)?, value);
        }
        Ok(self)
    }

    /// The same without any of its secrets.
    pub fn without_auth(&self) -> Self {
        Self { auth: None, beside: Vec::new(), key: None, signed_in: false, ..self.clone() }
    }

    /// The same, reached as a network wants it.
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// How it is reached.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Another address that the service names, reached in the same way through the network; no token and no header goes
    /// along.
    ///
    /// # Errors
    /// As [`check_page`]; `AddressInvalid` where the service may not lead there, see [`may_lead_to`].
    pub fn elsewhere(&self, url: &str) -> Result<Self> {
        let url = check_page(url).map_err(|error| named(error, url))?;
        if !may_lead_to(&self.url, &url) {
            let origin = url.origin().ascii_serialization();
            let said = format!("The service names an address inside your computer or network: {origin}");
            return Err(Error::new(Code::AddressInvalid, said).hint("Ask the service."));
        }
        let network = self.network.clone();
        Ok(Self {
            url,
            auth: None,
            beside: Vec::new(),
            headers: HeaderMap::new(),
            network,
            fresh_until: None,
            key: None,
            signed_in: false,
        })
    }

    /// The same, whose token is good until then: afterwards it is asked for anew before it is sent.
    pub fn fresh_until(self, fresh_until: Option<Timestamp>) -> Self {
        Self { fresh_until, ..self }
    }

    /// Whether its token has ended or is about to.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.fresh_until.is_some_and(|until| until <= now)
    }

    /// The token that it sends.
    pub fn token(&self) -> Option<&Secret> {
        self.auth.as_ref().map(|auth| &auth.secret)
    }

    /// Whether its token goes along as `Authorization: Bearer`.
    pub(crate) fn sends_bearer(&self) -> bool {
        let all = self.all_headers();
        let scheme = all.get(AUTHORIZATION).and_then(|value| value.as_bytes().get(..7));
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    }

    /// The same endpoint at another place of the same origin.
    pub(super) fn moved(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    /// The same endpoint at a place that the service names: an address, or a part of one.
    ///
    /// # Errors
    /// `OtherOrigin` where it is not the service's own, and `Broken` where it is no address.
    pub fn within(&self, place: &str) -> std::result::Result<Self, WireError> {
        let there = self.url.join(place).map_err(|_| WireError::Broken)?;
        if there.origin() != self.url.origin() {
            let origin = there.origin().ascii_serialization();
            return Err(WireError::OtherOrigin(veil(&origin, std::slice::from_ref(self))));
        }
        Ok(self.moved(there))
    }

    /// The origin, `https://host[:port]`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether it has a token.
    pub fn has_auth(&self) -> bool {
        self.auth.is_some()
    }

    /// Whether both send the same secrets.
    pub fn same_auth(&self, other: &Self) -> bool {
        self.auth == other.auth && self.beside == other.beside
    }

    /// Whether it is plain http, on this computer.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// The same, where what it sends can be lent to another program.
    ///
    /// # Errors
    /// `WiringUnsupported` where each request needs a proof that only Patchbay can make.
    pub fn lendable(self) -> Result<Self> {
        if self.key.is_none() {
            return Ok(self);
        }
        let said = "This sign-in is bound to a key that only Patchbay has, so no other program can use it.";
        Err(Error::new(Code::WiringUnsupported, said).hint("Have the app start Patchbay's bridge instead."))
    }

    /// All its headers by name, the token's among them; for `patchbay headers`, which prints them for the app.
    pub fn exposed_headers(&self) -> Vec<(String, String)> {
        let all = self.all_headers();
        all.iter().filter_map(|(name, value)| Some((canonical(name), value.to_str().ok()?.to_owned()))).collect()
    }

    /// What shows that the sender of a request has the key, where there is one.
    pub(super) fn proof(&self, method: &Method) -> Option<Proof> {
        self.key.as_ref()?.proof(method, &self.url, self.token())
    }

    /// Takes in what an answer says of its request's proof; whether the request should be sent with another.
    pub(super) fn wants_other(&self, proof: &Proof, response: &Response) -> bool {
        let hear = |key: &BoundKey| key.hear(&self.url, proof, response.status(), response.headers());
        self.key.as_ref().is_some_and(hear)
    }

    pub(super) fn all_headers(&self) -> HeaderMap {
        let mut all = self.headers.clone();
        let carriers = self.auth.iter().flat_map(|auth| &auth.headers).map(|(name, value)| (name, value));
        let beside = self.beside.iter().map(|one| (&one.name, &one.value));
        carriers.chain(beside).for_each(|(name, value)| drop(all.insert(name.clone(), value.clone())));
        all
    }

    /// Everything that it sends and nobody may see, the secrets of the headers beside the token's among them.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let beside = self.beside.iter().map(|one| Zeroizing::new(one.secret.expose().to_owned()));
        self.token_secrets().into_iter().chain(beside).collect()
    }

    /// The token, and what `Basic` hides in it: a name and a password that anybody can read; or the other way round, the
    /// pair that is made with it, in both writings. The password of the network's proxy is among them: a proxy answers
    /// in the service's place.
    fn token_secrets(&self) -> Vec<Zeroizing<String>> {
        let of_network = if self.is_plain() { Vec::new() } else { self.network.secrets() };
        let Some(auth) = &self.auth else { return of_network };
        let token = auth.secret.expose();
        if let Some(pair) = auth.user.as_ref().and_then(|user| pair(user, &auth.secret).ok()) {
            let written = Zeroizing::new(base64(pair.as_bytes()));
            return [Zeroizing::new(token.to_owned()), pair, written].into_iter().chain(of_network).collect();
        }
        let is_basic = auth.headers.first().is_some_and(|(_, value)| {
            value.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
        });
        let pair = if is_basic { from_base64(token).and_then(|bytes| String::from_utf8(bytes).ok()) } else { None };
        let password = pair.as_ref().and_then(|pair| pair.split_once(':')).map(|(_, password)| password.to_owned());
        let own = [Some(token.to_owned()), pair, password].into_iter().flatten().map(Zeroizing::new);
        own.chain(of_network).collect()
    }

    /// Headers that hold no secret, as they were given.
    pub fn plain_headers(&self) -> impl Iterator<Item = (String, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((canonical(name), value.to_str().ok()?)))
    }
}

/// Which page it is that a service names and that is not encrypted.
fn named(error: Error, url: &str) -> Error {
    let origin = Url::parse(url).ok().filter(|_| error.code == Code::AddressNotHttps);
    let Some(origin) = origin.map(|url| url.origin().ascii_serialization()) else { return error };
    let said = format!(
        "The service names an address that is not encrypted, where anybody on the way could read a sign-in: {origin}"
    );
    Error { message: said, ..error }.hint("Whoever runs it has to offer https there.")
}

/// A header's name as people write it.
fn canonical(name: &HeaderName) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    name.as_str().split('-').map(part).collect::<Vec<_>>().join("-")
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(name))
}

fn secret_value(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(Code::TokenControlCharacters, "The token has characters that cannot be sent.").field("token")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unfit(name: &str) -> Error {
    Error::new(Code::SettingInvalid, format!("The header {name} cannot be sent.")).hint("Check its name and value.")
}

/// The origin of an address; of a program, `program:ID`, what it is called.
///
/// # Errors
/// `AddressInvalid`.
pub fn origin_of(url: &str) -> Result<String> {
    let url = Url::parse(url).map_err(|_| Error::new(Code::AddressInvalid, "This is no address.").field("url"))?;
    if url.scheme() == PROGRAM {
        return Ok(url.into());
    }
    Ok(url.origin().ascii_serialization())
}
