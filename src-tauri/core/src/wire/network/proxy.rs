//! A proxy: where it is, and how it is signed in to.

use std::fmt;

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::base64::base64;

/// A proxy. Its `Debug` and `Display` name its host and port, and nothing else.
#[derive(Clone, PartialEq)]
pub struct Proxy {
    kind: Kind,
    host: Host,
    port: u16,
    user: Option<String>,
    password: Option<Secret>,
    /// Whether the system's proxy script has named it.
    by_script: bool,
}

/// How it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `CONNECT`, unencrypted.
    Http,
    /// `CONNECT`, inside TLS.
    Https,
    /// SOCKS 5 (RFC 1928); names are resolved by the proxy.
    Socks,
}

impl Kind {
    fn of(scheme: &str) -> Option<Self> {
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            "socks" | "socks5" | "socks5h" => Some(Self::Socks),
            _ => None,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            // Of the two names for it, the one by which the proxy resolves names.
            Self::Socks => "socks5h",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks => 1080,
        }
    }
}

impl Proxy {
    /// A proxy at an address that a person gave: `http://host:port`, also without `http://`.
    ///
    /// # Errors
    /// `ProxyInvalid`: what it is instead, and what to give.
    pub fn at(address: &str) -> Result<Self> {
        let wrong = |message: &str, hint: &str| Err(Error::new(Code::ProxyInvalid, message).hint(hint).field("proxy"));
        let Some((kind, url)) = parts(address) else {
            return wrong("This is no proxy's address.", "Give it as http://host:port.");
        };
        // `localhost` is a host, `nonsense` hardly: it is taken for one where it is written as an address.
        let bare = address.trim();
        if !bare.contains(['.', ':']) && bare != "localhost" {
            return wrong("This word alone is no proxy's address.", "Give its port as well: http://host:port.");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "The proxy's address has a user name or password in it.",
                "Take out what stands before the @; the user name and the password have fields of their own.",
            );
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return wrong(
                "This is no proxy's address, but a page or a script (PAC).",
                "Open it, or ask your IT department, and give the host and port that it names.",
            );
        }
        match Self::of(kind, &url) {
            Some(proxy) => Ok(proxy),
            None => wrong("This address names no host.", "Give it as http://host:port."),
        }
    }

    /// A proxy as an environment variable names it, user and password included.
    pub(super) fn named(text: &str) -> Option<Self> {
        let (kind, url) = parts(text)?;
        let plain = |text: &str| decoded(text);
        let user = Some(url.username()).filter(|user| !user.is_empty()).map(plain);
        let password = url.password().map(|password| Secret::new(plain(password)));
        Some(Self { user, password, ..Self::of(kind, &url)? })
    }

    fn of(kind: Kind, url: &Url) -> Option<Self> {
        let host = url.host()?.to_owned();
        Some(Self {
            kind,
            host,
            port: url.port().unwrap_or_else(|| kind.port()),
            user: None,
            password: None,
            by_script: false,
        })
    }

    /// The same, which the system's proxy script has named.
    pub(super) fn by_script(self) -> Self {
        Self { by_script: true, ..self }
    }

    /// Whether the system's proxy script has named it.
    pub(crate) fn is_by_script(&self) -> bool {
        self.by_script
    }

    /// The same, signed in to.
    pub fn with_sign_in(self, user: &str, password: Option<Secret>) -> Self {
        Self { user: Some(user.to_owned()), password, ..self }
    }

    /// `http://host:port`: to which its password is pinned.
    pub fn origin(&self) -> String {
        format!("{}://{self}", self.kind.scheme())
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The name and the password that it is signed in to with.
    pub(super) fn sign_in(&self) -> Option<(&str, &str)> {
        let user = self.user.as_deref()?;
        Some((user, self.password.as_ref().map_or("", Secret::expose)))
    }

    /// What stands behind `Proxy-Authorization:`.
    pub(super) fn basic(&self) -> Option<Zeroizing<String>> {
        let (user, password) = self.sign_in()?;
        let pair = Zeroizing::new(format!("{user}:{password}"));
        Some(Zeroizing::new(format!("Basic {}", base64(pair.as_bytes()))))
    }

    /// The password, and the pair that is made with it, in both writings; nothing where there is no password.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let Some((user, password)) = self.sign_in() else { return Vec::new() };
        if password.is_empty() {
            return Vec::new();
        }
        let pair = Zeroizing::new(format!("{user}:{password}"));
        let written = Zeroizing::new(base64(pair.as_bytes()));
        vec![Zeroizing::new(password.to_owned()), pair, written]
    }

    /// As the HTTP library takes it, the sign-in included.
    pub(in crate::wire) fn url(&self) -> Option<Url> {
        let mut url = Url::parse(&self.origin()).ok()?;
        if let Some((user, password)) = self.sign_in() {
            // The library decodes both, and the setters leave a percent sign as it is.
            url.set_username(&user.replace('%', "%25")).ok()?;
            url.set_password(Some(&password.replace('%', "%25"))).ok()?;
        }
        Some(url)
    }
}

/// The kind of a proxy, and its address read by the rules of the web, which know hosts' names.
fn parts(text: &str) -> Option<(Kind, Url)> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let kind = Kind::of(scheme)?;
    // A port that a scheme has anyway is not told by the parser: one with another is taken for SOCKS.
    let rules = match kind {
        Kind::Http => "http",
        Kind::Https => "https",
        Kind::Socks => "ftp",
    };
    Some((kind, Url::parse(&format!("{rules}://{rest}")).ok()?))
}

/// Percent-encoded text as it is meant.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&decoded_bytes(text)).into_owned()
}

/// Percent-encoded bytes as they are meant.
pub(super) fn decoded_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if byte.is_some() { &after[2..] } else { after };
        bytes.push(byte.unwrap_or(*first));
    }
    bytes
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}
