//! The hosts that are reached without the proxy, by the rules of `NO_PROXY`.
//!
//! A name stands for itself and everything below it, with or without a dot or `*.` before it; an address (IPv4, IPv6)
//! for itself; `10.0.0.0/8` for a whole network; `*` for all; `<local>` for names without a dot. With `:port` behind it
//! an entry counts for that port only. Names are resolved for none of this.

use std::net::IpAddr;

use url::{Host, Url};

use crate::error::{Code, Error, Result};

/// Hosts that are reached without the proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Except(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    whom: Whom,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    All,
    /// Names without a dot.
    Local,
    /// A name and everything below it, in small letters, without dots around it.
    Name(String),
    /// An address and how many of its bits count.
    Network(IpAddr, u8),
}

impl Except {
    /// A list as it stands in an environment variable: what is no entry is left out.
    pub fn lenient(list: &str) -> Self {
        Self(list.split([',', ';', ' ']).filter_map(|text| Entry::of(text.trim())).collect())
    }

    /// A list that a person gave.
    ///
    /// # Errors
    /// `SettingInvalid` with the entry that is none.
    pub fn strict(list: &[String]) -> Result<Self> {
        let entry = |text: &String| {
            Entry::of(text.trim()).ok_or_else(|| {
                Error::new(Code::SettingInvalid, format!("\"{}\" is no host, domain or network.", text.trim()))
                    .hint("Give entries like intranet.example, .example.com, 10.0.0.0/8 or host:8443.")
                    .field("except")
            })
        };
        list.iter().filter(|text| !text.trim().is_empty()).map(entry).collect::<Result<_>>().map(Self)
    }

    /// Whether an address is among them.
    pub fn covers(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let fits = |entry: &Entry| entry.port.is_none_or(|own| Some(own) == port);
        url.host().is_some_and(|host| self.0.iter().any(|entry| fits(entry) && entry.whom.is(&host)))
    }
}

impl Entry {
    fn of(text: &str) -> Option<Self> {
        if let Some(whom) = Whom::of(text) {
            return Some(Self { whom, port: None });
        }
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { whom: Whom::of(host)?, port: Some(port.parse().ok()?) })
    }
}

impl Whom {
    fn of(text: &str) -> Option<Self> {
        match text {
            "*" => return Some(Self::All),
            "<local>" => return Some(Self::Local),
            _ => {}
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (ip(address)?, bits.parse().ok()?);
            return (bits <= width(address)).then_some(Self::Network(address, bits));
        }
        if let Some(address) = ip(text) {
            return Some(Self::Network(address, width(address)));
        }
        let name = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        let name = name.trim_start_matches('.').trim_end_matches('.');
        // As the web writes it: in small letters, in ASCII.
        match Host::parse(name).ok()? {
            Host::Domain(name) if !name.contains('*') => Some(Self::Name(name)),
            _ => None,
        }
    }

    fn is(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Local, Host::Domain(name)) => !name.trim_end_matches('.').contains('.'),
            (Self::Name(own), Host::Domain(name)) => {
                let above = name.trim_end_matches('.').strip_suffix(own.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Self::Network(network, bits), Host::Ipv4(ip)) => shares(*network, (*ip).into(), *bits),
            (Self::Network(network, bits), Host::Ipv6(ip)) => shares(*network, (*ip).into(), *bits),
            _ => false,
        }
    }
}

/// An address, also in the brackets of the web.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// Whether two addresses of one kind have their first bits in common.
pub(super) fn shares(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let (a, b) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()) << 96, u128::from(b.to_bits()) << 96),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits()),
        _ => return false,
    };
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}
