//! What an endpoint's address must be.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use super::shape::is_token;
use crate::error::{Code, Error, Result};
use crate::secret::find_plaintext;

/// Checks an address that somebody typed and returns it as it is kept.
///
/// # Errors
/// `AddressInvalid`, `AddressNotHttps` (plain http is for this computer only), `AddressHasCredentials`,
/// `AddressHasToken`.
pub fn check_address(text: &str) -> Result<Url> {
    let wrong = |code, message: &str, hint: &str| Err(Error::new(code, message).hint(hint).field("url"));
    let Ok(mut url) = Url::parse(text.trim()) else {
        return wrong(
            Code::AddressInvalid,
            "This is no address.",
            "Copy it from the service's help page; it begins with https://.",
        );
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            Code::AddressHasCredentials,
            "The address has a user name or password in it.",
            "Take out what stands before the @; a token goes into its own field.",
        );
    }
    if !matches!(url.scheme(), "https" | "http") {
        return wrong(
            Code::AddressInvalid,
            "This is no address on the web.",
            "Copy it from the service's help page; it begins with https://.",
        );
    }
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return wrong(
            Code::AddressNotHttps,
            "The address is not encrypted.",
            "Use the address that begins with https://.",
        );
    }
    if has_token(&url) {
        return wrong(
            Code::AddressHasToken,
            "The address has a token in it.",
            "Take the token out of the address and paste it into its own field.",
        );
    }
    if url.host().is_none() || url.host_str() == Some("") {
        return wrong(Code::AddressInvalid, "The address names no host.", "Copy it from the service's help page.");
    }
    // It is never sent, and would only make two addresses of one.
    url.set_fragment(None);
    Ok(url)
}

/// Checks an address that is to be opened in the browser: https, or this computer's own. What a service has put into it
/// for a sign-in may look like a token and is none of ours.
///
/// # Errors
/// `AddressInvalid`, `AddressNotHttps`, `AddressHasCredentials`.
pub fn check_page(text: &str) -> Result<Url> {
    let wrong = |code, message: &str| Err(Error::new(code, message).hint("Ask the service for the right one."));
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            wrong(Code::AddressHasCredentials, "The page's address has a user name or password in it.")
        }
        Ok(url) if url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url) => Ok(url),
        Ok(_) => wrong(Code::AddressNotHttps, "The page's address is not encrypted."),
        Err(_) => wrong(Code::AddressInvalid, "The page's address is none."),
    }
}

/// Whether an address is on this computer.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

/// Where an address leads as far as it says so by itself; a name says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This computer.
    Here,
    /// A network that is not everybody's (RFC 1918, 3927, 4193, 4291, 6598).
    Inside,
    Named,
    /// An address of the internet.
    Outside,
}

impl Reach {
    fn of(url: &Url) -> Self {
        match url.host() {
            _ if is_loopback(url) => Self::Here,
            Some(Host::Ipv4(ip)) => Self::of_ipv4(ip),
            Some(Host::Ipv6(ip)) => match ip.to_canonical() {
                IpAddr::V4(ip) => Self::of_ipv4(ip),
                // What is nowhere is this computer to some systems.
                IpAddr::V6(ip) if ip.is_unspecified() => Self::Here,
                IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Self::Inside,
                IpAddr::V6(_) => Self::Outside,
            },
            _ => Self::Named,
        }
    }

    fn of_ipv4(ip: Ipv4Addr) -> Self {
        let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
        match () {
            () if ip.octets()[0] == 0 => Self::Here,
            () if ip.is_private() || ip.is_link_local() || shared => Self::Inside,
            () => Self::Outside,
        }
    }
}

/// Whether a service may have requests sent to a place: to this computer only where it is on it, and to an address of a
/// private network only where it may be in one itself.
pub(crate) fn may_lead_to(service: &Url, place: &Url) -> bool {
    match (Reach::of(service), Reach::of(place)) {
        (Reach::Here, _) | (_, Reach::Named | Reach::Outside) => true,
        (_, Reach::Here) => false,
        (from, Reach::Inside) => from != Reach::Outside,
    }
}

/// Whether a token stands in the path, in the query, or behind the `#`.
fn has_token(url: &Url) -> bool {
    let behind = format!("https://behind.invalid/?{}", url.fragment().unwrap_or_default());
    let named = !find_plaintext(&serde_json::json!({ "url": url.as_str(), "httpUrl": behind })).is_empty();
    named
        || url.path_segments().into_iter().flatten().any(is_token)
        || url.query_pairs().any(|(_, text)| is_token(&text))
}
