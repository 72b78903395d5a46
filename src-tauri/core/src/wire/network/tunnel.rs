//! A way through a proxy made by hand: to walk its layers one by one, and to find out why the HTTP library failed.

use std::io;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::proxy::Kind;
use super::{Network, Proxy};
use crate::wire::failure::Distrust;

/// What a proxy's answer may be at most, in bytes.
const MOST: usize = 16 * 1024;

/// Why a proxy lets nothing through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the network's proxy {proxy} lets nothing through")]
pub struct ProxyFault {
    /// Its host and port.
    pub proxy: String,
    /// The host that was to be reached.
    pub to: String,
    /// Why.
    pub why: ProxyWhy,
    /// Whether the system's proxy script has named it.
    pub by_script: bool,
}

/// Why a proxy lets nothing through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyWhy {
    /// Its name is not known.
    Name,
    /// Nobody answers there.
    Unreachable,
    /// It took too long.
    Slow,
    /// It wants a sign-in, and none was given.
    WantsSignIn,
    /// It does not take the user name and password.
    RefusesSignIn,
    /// It wants a sign-in of kinds that Patchbay does not have.
    OtherSignIn(String),
    /// It does not allow the service.
    Forbids,
    /// It answers with a page of its own instead: where people sign in to the network, it may be.
    SendsOn,
    /// It had too many requests.
    Busy,
    /// It cannot reach the service itself, as it answers.
    CannotReach,
    /// The connection to the proxy itself is not trusted.
    Tls(String),
    /// What answers there is no proxy.
    NoProxy,
    /// It hangs up instead of answering.
    HangsUp,
    /// It agrees, and then the line to the service is cut before it is protected.
    Cuts,
}

impl ProxyFault {
    /// Why a proxy does not lead to an address.
    pub(crate) fn new(proxy: &Proxy, to: &Url, why: ProxyWhy) -> Self {
        Self {
            proxy: proxy.to_string(),
            to: to.host_str().unwrap_or_default().to_owned(),
            why,
            by_script: proxy.is_by_script(),
        }
    }

    /// One sentence for people: what is the matter.
    pub fn sentence(&self) -> String {
        let Self { proxy, to, .. } = self;
        match &self.why {
            ProxyWhy::Name => format!("Nobody knows the name of your network's proxy {proxy}."),
            ProxyWhy::Unreachable => format!("Your network's proxy {proxy} cannot be reached."),
            ProxyWhy::Slow => format!("Nothing came through your network's proxy {proxy} in time."),
            ProxyWhy::WantsSignIn => format!("Your network's proxy {proxy} wants a user name and a password."),
            ProxyWhy::RefusesSignIn => {
                format!("Your network's proxy {proxy} refuses the user name or the password.")
            }
            ProxyWhy::OtherSignIn(kinds) => {
                format!("Your network's proxy {proxy} wants a sign-in of a kind that Patchbay does not have ({kinds}).")
            }
            ProxyWhy::Forbids => format!("Your network's proxy {proxy} does not allow {to}."),
            ProxyWhy::SendsOn => format!(
                "Your network's proxy {proxy} answers with a page of its own in the place of {to}, where you may have to \
                 sign in to the network."
            ),
            ProxyWhy::Busy => format!("Your network's proxy {proxy} has had too many requests."),
            ProxyWhy::CannotReach => format!("Your network's proxy {proxy} cannot reach {to}."),
            ProxyWhy::Tls(words) => {
                format!("The connection to your network's proxy {proxy} is not trusted: {words}.")
            }
            ProxyWhy::NoProxy => format!("What answers at {proxy} is no proxy."),
            ProxyWhy::HangsUp => format!("Your network's proxy {proxy} hangs up when it is asked for {to}."),
            ProxyWhy::Cuts => {
                format!("Your network's proxy {proxy} agrees to lead to {to}, and then the line is cut.")
            }
        }
    }

    /// The next step, as a sentence.
    pub fn next_step(&self) -> &'static str {
        match self.why {
            ProxyWhy::Name | ProxyWhy::NoProxy if self.by_script => {
                "Your computer's proxy script names it: tell your IT department, or set another in Patchbay's settings, \
                 under Network."
            }
            ProxyWhy::Unreachable | ProxyWhy::Slow if self.by_script => {
                "Your computer's proxy script names it: are you in the network that it belongs to?"
            }
            ProxyWhy::Name | ProxyWhy::NoProxy => "Check its address in Patchbay's settings, under Network.",
            ProxyWhy::Unreachable | ProxyWhy::Slow => {
                "Are you in the network that it belongs to? Its address stands in Patchbay's settings, under Network."
            }
            ProxyWhy::WantsSignIn if self.by_script => {
                "Your computer's proxy script names it: set it with them in Patchbay's settings, under Network."
            }
            ProxyWhy::WantsSignIn => "Give them in Patchbay's settings, under Network.",
            ProxyWhy::RefusesSignIn => "Give the right ones in Patchbay's settings, under Network.",
            ProxyWhy::OtherSignIn(_) => "Ask your IT department for a proxy that takes a user name and a password.",
            ProxyWhy::Forbids => "Ask your IT department to allow it.",
            ProxyWhy::SendsOn => "Open any page in your browser and follow what it says, then try again.",
            ProxyWhy::Busy => "Wait a while, then try again.",
            ProxyWhy::CannotReach => "Check the service's address, or try again later.",
            ProxyWhy::HangsUp if self.by_script => "It may not allow this service: ask your IT department.",
            ProxyWhy::HangsUp => {
                "It may not allow this service: ask your IT department. Or its address in Patchbay's settings, under \
                 Network, is another program's."
            }
            ProxyWhy::Cuts => "It may not allow this service: ask your IT department.",
            ProxyWhy::Tls(_) => "Add your company's certificate file in Patchbay's settings, under Network.",
        }
    }
}

/// A connection through a proxy.
type Tunnel = Box<dyn Line>;

/// What bytes go over.
pub(crate) trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// Opens a way through a proxy to an address's host and port. The proxy alone is sent its password.
///
/// # Errors
/// Why it lets nothing through. Nothing here keeps to a time.
pub(crate) async fn tunnel(network: &Network, proxy: &Proxy, to: &Url) -> Result<Box<dyn Line>, ProxyFault> {
    open(network, proxy, to).await.map_err(|why| ProxyFault::new(proxy, to, why))
}

/// Opens a way through a proxy, and TLS over it, to find out where that fails.
///
/// # Errors
/// Why the proxy lets nothing through; what TLS itself finds is no fault of the proxy's.
pub(in crate::wire) async fn try_through(network: &Network, proxy: &Proxy, to: &Url) -> Result<(), ProxyFault> {
    let line = tunnel(network, proxy, to).await?;
    let host = to.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let (Ok(name), Ok(config)) = (ServerName::try_from(host), network.web_tls()) else { return Ok(()) };
    match TlsConnector::from(std::sync::Arc::new(config)).connect(name, line).await {
        Err(error) if error.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>()) => {
            Err(ProxyFault::new(proxy, to, ProxyWhy::Cuts))
        }
        _ => Ok(()),
    }
}

/// A proxy's host without brackets.
fn bare(proxy: &Proxy) -> String {
    match proxy.host() {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

/// A connection to a proxy, over which nothing was said.
pub(super) async fn dial(proxy: &Proxy) -> Result<TcpStream, ProxyWhy> {
    let host = bare(proxy);
    let found = tokio::net::lookup_host((host.as_str(), proxy.port())).await.map_err(|_| ProxyWhy::Name)?;
    let found: Vec<_> = found.collect();
    TcpStream::connect(found.as_slice()).await.map_err(|_| ProxyWhy::Unreachable)
}

async fn open(network: &Network, proxy: &Proxy, to: &Url) -> Result<Tunnel, ProxyWhy> {
    let stream = dial(proxy).await?;
    match proxy.kind() {
        Kind::Http => connect(Box::new(stream), proxy, to).await,
        Kind::Https => connect(secure(network, bare(proxy), stream).await?, proxy, to).await,
        Kind::Socks => socks(Box::new(stream), proxy, to).await,
    }
}

async fn secure(network: &Network, host: String, stream: TcpStream) -> Result<Tunnel, ProxyWhy> {
    let closed = |error: crate::Error| ProxyWhy::Tls(error.message);
    let name = ServerName::try_from(host).map_err(|_| ProxyWhy::Name)?;
    let config = std::sync::Arc::new(network.tls().map_err(closed)?);
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            Err(tls.map_or(ProxyWhy::Unreachable, |tls| ProxyWhy::Tls(Distrust::of(tls).to_string())))
        }
    }
}

async fn connect(mut stream: Tunnel, proxy: &Proxy, to: &Url) -> Result<Tunnel, ProxyWhy> {
    let at = format!("{}:{}", to.host_str().unwrap_or_default(), to.port_or_known_default().unwrap_or(443));
    let basic = proxy.basic();
    let sign_in = basic.as_ref().map(|basic| format!("Proxy-Authorization: {}\r\n", basic.as_str()));
    let sign_in = zeroize::Zeroizing::new(sign_in.unwrap_or_default());
    let request = zeroize::Zeroizing::new(format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n{}\r\n", sign_in.as_str()));
    stream.write_all(request.as_bytes()).await.map_err(|_| ProxyWhy::HangsUp)?;
    let head = head(&mut stream).await?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|status| status.parse().ok());
    match status {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(wanted(&head, basic.is_some())),
        Some(500..=599) => Err(ProxyWhy::CannotReach),
        // It answers as a web server does that was never asked to be a proxy.
        Some(400 | 404 | 405) | None => Err(ProxyWhy::NoProxy),
        Some(300..=399) => Err(ProxyWhy::SendsOn),
        Some(429) => Err(ProxyWhy::Busy),
        Some(401..=499) => Err(ProxyWhy::Forbids),
        Some(_) => Err(ProxyWhy::NoProxy),
    }
}

/// The head of an answer; nothing behind it is read.
async fn head(stream: &mut Tunnel) -> Result<String, ProxyWhy> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST {
            return Err(ProxyWhy::NoProxy);
        }
        let next = stream.read_u8().await;
        head.push(next.map_err(|_| if head.is_empty() { ProxyWhy::HangsUp } else { ProxyWhy::NoProxy })?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Which sign-in a proxy wants.
fn wanted(head: &str, given: bool) -> ProxyWhy {
    let challenges = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authenticate").then(|| value.trim())
    });
    let schemes = challenges.filter_map(|value| value.split([' ', ',']).next()).collect::<Vec<_>>();
    let plain = |scheme: &&str| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && scheme.len() <= 20;
    match given {
        _ if !schemes.is_empty() && !schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic")) => {
            ProxyWhy::OtherSignIn(schemes.into_iter().filter(plain).collect::<Vec<_>>().join(", "))
        }
        true => ProxyWhy::RefusesSignIn,
        false => ProxyWhy::WantsSignIn,
    }
}

/// SOCKS 5: RFC 1928, with the user name and password of RFC 1929.
async fn socks(mut stream: Tunnel, proxy: &Proxy, to: &Url) -> Result<Tunnel, ProxyWhy> {
    let none = |_: io::Error| ProxyWhy::NoProxy;
    let sign_in = proxy.sign_in();
    stream.write_all(if sign_in.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] }).await.map_err(none)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.map_err(none)?;
    match (chosen, sign_in) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let fits = |text: &str| u8::try_from(text.len()).map_err(|_| ProxyWhy::RefusesSignIn);
            let request = [&[1, fits(user)?], user.as_bytes(), &[fits(password)?], password.as_bytes()].concat();
            stream.write_all(&zeroize::Zeroizing::new(request)).await.map_err(none)?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await.map_err(none)?;
            if answer[1] != 0 {
                return Err(ProxyWhy::RefusesSignIn);
            }
        }
        ([5, 0xff], None) => return Err(ProxyWhy::WantsSignIn),
        ([5, 0xff], Some(_)) => return Err(ProxyWhy::RefusesSignIn),
        _ => return Err(ProxyWhy::NoProxy),
    }
    stream.write_all(&socks_request(to)).await.map_err(none)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.map_err(none)?;
    match answer[1] {
        0 => {}
        2 => return Err(ProxyWhy::Forbids),
        _ => return Err(ProxyWhy::CannotReach),
    }
    let rest = match answer[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(stream.read_u8().await.map_err(none)?),
    };
    stream.read_exact(&mut vec![0; rest + 2]).await.map_err(none)?;
    Ok(stream)
}

fn socks_request(to: &Url) -> Vec<u8> {
    let mut request = vec![5, 1, 0];
    match to.host() {
        Some(Host::Ipv4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Some(Host::Ipv6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Some(Host::Domain(name)) => {
            request.extend([3, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
            request.extend(name.as_bytes());
        }
        None => {}
    }
    request.extend(to.port_or_known_default().unwrap_or(443).to_be_bytes());
    request
}
