//! Where requests go, and what they carry.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::catalog::check_address;
use crate::connection::AuthHeader;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// A service's address with its headers; `Debug` shows no header's value.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    auth: Option<(HeaderName, HeaderValue)>,
    headers: HeaderMap,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url.as_str())
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
        Ok(Self { url: check_address(url)?, auth: None, headers: HeaderMap::new() })
    }

    /// The same with a token.
    ///
    /// # Errors
    /// `TokenControlCharacters` where it cannot be sent in a header.
    pub fn with_auth(mut self, header: &AuthHeader, secret: &Secret) -> Result<Self> {
        let name = header_name(&header.name)?;
        let mut value = HeaderValue::from_str(&format!("{}{}", header.prefix, secret.expose())).map_err(|_| {
            Error::new(Code::TokenControlCharacters, "The token has characters that cannot be sent.").field("token")
        })?;
        value.set_sensitive(true);
        self.auth = Some((name, value));
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

    /// The same without its token.
    pub fn without_auth(&self) -> Self {
        Self { auth: None, ..self.clone() }
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same endpoint at another place of the same origin.
    pub(super) fn moved(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    /// The origin, `https://host[:port]`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether it has a token.
    pub fn has_auth(&self) -> bool {
        self.auth.is_some()
    }

    /// Whether both send the same token.
    pub fn same_auth(&self, other: &Self) -> bool {
        self.auth == other.auth
    }

    /// Whether it is plain http, on this computer.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// All its headers by name, the token's among them; for `patchbay headers`, which prints them for the app.
    pub fn exposed_headers(&self) -> Vec<(String, String)> {
        let all = self.all_headers();
        all.iter().filter_map(|(name, value)| Some((canonical(name), value.to_str().ok()?.to_owned()))).collect()
    }

    pub(super) fn all_headers(&self) -> HeaderMap {
        let mut all = self.headers.clone();
        if let Some((name, value)) = &self.auth {
            all.insert(name.clone(), value.clone());
        }
        all
    }

    /// Headers that hold no secret, as they were given.
    pub fn plain_headers(&self) -> impl Iterator<Item = (String, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((canonical(name), value.to_str().ok()?)))
    }
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

fn unfit(name: &str) -> Error {
    Error::new(Code::SettingInvalid, format!("The header {name} cannot be sent.")).hint("Check its name and value.")
}

/// The origin of an address.
///
/// # Errors
/// `AddressInvalid`.
pub fn origin_of(url: &str) -> Result<String> {
    let url = Url::parse(url).map_err(|_| Error::new(Code::AddressInvalid, "This is no address.").field("url"))?;
    Ok(url.origin().ascii_serialization())
}
