//! The functions that a proxy script finds there: those that Netscape laid down and browsers document, and those of
//! Microsoft's that know IPv6, as far as they are simple.
//!
//! All of them take whatever they are given as text, as scripts do with numbers; what does not fit is not so. None of
//! them reads or writes anything: names are looked up, and that is all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs, UdpSocket};

use jiff::Zoned;
use rquickjs::{Ctx, IntoJs, Value};

use super::times;
use crate::wire::network::except::shares;

/// What the functions tell of: the clock, the directory of names, and this computer's own addresses.
pub(super) struct Around {
    /// The moment, where this computer is.
    pub(super) now: Zoned,
    /// The addresses of a name, none where it has none.
    pub(super) resolve: fn(&str) -> Vec<IpAddr>,
    /// This computer's addresses in its network.
    pub(super) own: fn() -> Vec<IpAddr>,
    /// What was looked up already: scripts ask for the same name again and again.
    pub(super) known: RefCell<HashMap<String, Vec<IpAddr>>>,
}

impl Around {
    /// This computer, now.
    pub(super) fn here() -> Self {
        Self { now: Zoned::now(), resolve: look_up, own: own_addresses, known: RefCell::default() }
    }

    fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let host = bare(host);
        if let Ok(address) = host.parse() {
            return vec![address];
        }
        let mut known = self.known.borrow_mut();
        known.entry(host.to_owned()).or_insert_with(|| (self.resolve)(host)).clone()
    }

    /// The first address of the older kind, which is the only one that the older functions know.
    fn address(&self, host: &str) -> Option<Ipv4Addr> {
        dotted(host).or_else(|| self.addresses(host).into_iter().find_map(older))
    }
}

/// What a function says.
pub(super) enum Says {
    Is(bool),
    Number(i32),
    Text(String),
    Null,
    Nothing,
}

impl<'js> IntoJs<'js> for Says {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        match self {
            Self::Is(is) => is.into_js(ctx),
            Self::Number(number) => number.into_js(ctx),
            Self::Text(text) => text.into_js(ctx),
            Self::Null => Ok(Value::new_null(ctx.clone())),
            Self::Nothing => Ok(Value::new_undefined(ctx.clone())),
        }
    }
}

/// A function: what it says to its arguments.
pub(super) type Function = fn(&Around, &[&str]) -> Says;

/// All of them, by name.
pub(super) const ALL: &[(&str, Function)] = &[
    ("isPlainHostName", |_, args| Says::Is(!first(args).contains(['.', ':']))),
    ("dnsDomainIs", |_, args| Says::Is(first(args).ends_with(second(args)))),
    ("localHostOrDomainIs", |_, args| Says::Is(is_host_or_its_first_part(first(args), second(args)))),
    ("isResolvable", |around, args| Says::Is(around.address(first(args)).is_some())),
    ("isInNet", |around, args| Says::Is(is_in_net(around, args).unwrap_or(false))),
    ("dnsResolve", |around, args| around.address(first(args)).map_or(Says::Null, |ip| Says::Text(ip.to_string()))),
    ("convert_addr", |_, args| Says::Number(number(first(args)))),
    ("convertAddr", |_, args| Says::Number(number(first(args)))),
    ("myIpAddress", |around, _| {
        let own = (around.own)().into_iter().find_map(older).unwrap_or(Ipv4Addr::LOCALHOST);
        Says::Text(own.to_string())
    }),
    ("dnsDomainLevels", |_, args| Says::Number(i32::try_from(first(args).matches('.').count()).unwrap_or(i32::MAX))),
    ("shExpMatch", |_, args| Says::Is(is_like(first(args), second(args)))),
    ("weekdayRange", |around, args| Says::Is(times::weekdays(&around.now, args).unwrap_or(false))),
    ("dateRange", |around, args| Says::Is(times::dates(&around.now, args).unwrap_or(false))),
    ("timeRange", |around, args| Says::Is(times::hours(&around.now, args).unwrap_or(false))),
    // Nobody is there to read it.
    ("alert", |_, _| Says::Nothing),
    ("isResolvableEx", |around, args| Says::Is(!around.addresses(first(args)).is_empty())),
    ("isInNetEx", |around, args| Says::Is(is_in_net_of_any_kind(around, args).unwrap_or(false))),
    ("dnsResolveEx", |around, args| Says::Text(listed(&around.addresses(first(args))))),
    ("myIpAddressEx", |around, _| Says::Text(listed(&(around.own)()))),
];

fn first<'a>(args: &[&'a str]) -> &'a str {
    args.first().copied().unwrap_or_default()
}

fn second<'a>(args: &[&'a str]) -> &'a str {
    args.get(1).copied().unwrap_or_default()
}

/// An address of the newer kind without the brackets of the web.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn older(address: IpAddr) -> Option<Ipv4Addr> {
    match address.to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

/// Four numbers with dots between them; zeros before a number make no difference, as in scripts.
fn dotted(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        *octet = part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then(|| octets.into())
}

/// An address as a number with a sign, as scripts have numbers that bits are counted in.
fn number(address: &str) -> i32 {
    dotted(address).map_or(0, |address| address.to_bits().cast_signed())
}

fn is_host_or_its_first_part(host: &str, whole: &str) -> bool {
    let rest = whole.strip_prefix(host).filter(|_| !host.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_in_net(around: &Around, args: &[&str]) -> Option<bool> {
    let [host, network, mask, ..] = args else { return None };
    let (network, mask) = (dotted(network)?.to_bits(), dotted(mask)?.to_bits());
    Some(around.address(host)?.to_bits() & mask == network & mask)
}

fn is_in_net_of_any_kind(around: &Around, args: &[&str]) -> Option<bool> {
    let (network, bits) = second(args).split_once('/')?;
    let (network, bits): (IpAddr, u8) = (network.parse().ok()?, bits.parse().ok()?);
    let is_fit = bits <= if network.is_ipv4() { 32 } else { 128 };
    Some(is_fit && around.addresses(first(args)).iter().any(|address| shares(*address, network, bits)))
}

fn listed(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

/// Whether a text is wholly as a pattern of a shell: `*` for anything, `?` for one character. However many stars there
/// are, it takes no longer than the product of both lengths: only the last star is ever stretched.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut next) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(c) if *c == '?' || *c == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((place, stretched)) = star else { return false };
                star = Some((place, stretched + 1));
                (at, next) = (stretched + 1, place + 1);
            }
        }
    }
    pattern[next..].iter().all(|c| *c == '*')
}

fn look_up(host: &str) -> Vec<IpAddr> {
    let found = (host, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect());
    found.unwrap_or_default()
}

/// The addresses that this computer would send from: to anywhere, or else to the networks of companies. Nothing is sent.
fn own_addresses() -> Vec<IpAddr> {
    let from = |here: &str, to: &str| {
        let socket = UdpSocket::bind((here, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        let own = socket.local_addr().ok()?.ip();
        (!own.is_unspecified() && !own.is_loopback()).then_some(own)
    };
    let older = ["198.51.100.1", "10.0.0.1", "172.16.0.1", "192.168.0.1"].iter().find_map(|to| from("0.0.0.0", to));
    older.into_iter().chain(from("::", "2001:db8::1")).collect()
}
