//! The layers below HTTP: name, connection, TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use super::reach::reach;
use super::{Cause, Layer, LayerKind, Layers, Mark, Probe, Stop, Verdict, judge};
use crate::wire::{Distrust, Line, Proxy, ProxyFault, ProxyWhy, ScriptSays, ScriptWhy, Unused, tunnel};

/// Walks the three layers. Through a proxy the name is the proxy's to resolve, and connecting is all that it takes to
/// be let through.
pub(super) async fn walk<F: Fn(&Layer)>(probe: &Probe, layers: &mut Layers<F>) -> Result<(), Stop> {
    let (url, network) = (probe.endpoint.url(), probe.endpoint.network());
    network.ask_script(url).await;
    let proxy = network.proxy_for(url);
    let line: Box<dyn Line> = match &proxy {
        Some(proxy) => through(probe, layers, proxy).await?,
        None => Box::new(directly(probe, layers).await.map_err(|stop| proxy_needed(probe, stop))?),
    };
    if probe.endpoint.is_plain() {
        layers.skip(LayerKind::Tls, "on this computer");
        return Ok(());
    }
    let secured = secure(probe, url.host_str().unwrap_or_default(), line).await;
    secured.map_err(|stop| match &proxy {
        Some(proxy) if stop.cause == Some(Cause::LineCut) => proxy_stop(&ProxyFault::new(proxy, url, ProxyWhy::Cuts)),
        _ => stop,
    })?;
    layers.pass(LayerKind::Tls);
    Ok(())
}

async fn through<F: Fn(&Layer)>(probe: &Probe, layers: &mut Layers<F>, proxy: &Proxy) -> Result<Box<dyn Line>, Stop> {
    let (network, url) = (probe.endpoint.network(), probe.endpoint.url());
    let told = if proxy.is_by_script() { ", as your computer's proxy script says" } else { "" };
    let way = format!("through your network's proxy {proxy}{told}");
    layers.skip(LayerKind::Name, &way);
    let opened = timeout(probe.limits.connect, tunnel(network, proxy, url)).await;
    let slow = || ProxyFault::new(proxy, url, ProxyWhy::Slow);
    let line = opened.unwrap_or_else(|_| Err(slow())).map_err(|fault| {
        network.doubt_script(url);
        proxy_stop(&fault)
    })?;
    layers.mark(LayerKind::Connect, Mark::Passed, Some(way));
    Ok(line)
}

/// What is said where a proxy lets nothing through.
pub(super) fn proxy_stop(fault: &ProxyFault) -> Stop {
    let plain = |verdict: Verdict| Stop::new(verdict, LayerKind::Connect);
    let because = |cause: Cause| Stop::because(cause, LayerKind::Connect);
    let stop = match fault.why {
        ProxyWhy::Name | ProxyWhy::Unreachable => plain(Verdict::ProxyUnreachable),
        ProxyWhy::NoProxy => because(Cause::ProxyNone),
        ProxyWhy::HangsUp => because(Cause::ProxyHangsUp),
        ProxyWhy::WantsSignIn => plain(Verdict::ProxySignInNeeded),
        ProxyWhy::OtherSignIn(_) => because(Cause::ProxyOtherSignIn),
        ProxyWhy::SendsOn => because(Cause::ProxyPage),
        ProxyWhy::Busy => because(Cause::ProxyBusy),
        ProxyWhy::RefusesSignIn => plain(Verdict::ProxySignInRefused),
        ProxyWhy::Forbids => plain(Verdict::ProxyForbids),
        ProxyWhy::CannotReach => plain(Verdict::Unreachable),
        ProxyWhy::Cuts => Stop::because(Cause::ProxyCuts, LayerKind::Tls),
        ProxyWhy::Slow => plain(Verdict::TooSlow),
        ProxyWhy::Tls(_) => plain(Verdict::TlsNotTrusted),
    };
    stop.detail(format!("{} {}", fault.sentence(), fault.next_step()))
}

/// Many companies' networks let nothing out but through their proxy: then neither names are known nor does anybody
/// answer.
fn proxy_needed(probe: &Probe, stop: Stop) -> Stop {
    let (layer, network) = (stop.layer, probe.endpoint.network());
    network.doubt_script(probe.endpoint.url());
    let unused = network.unused(probe.endpoint.url());
    unused.map_or(stop, |unused| way_unused(&unused, layer))
}

/// What is said where nobody answers and a way that there is was not used.
pub(super) fn way_unused(unused: &Unused, layer: LayerKind) -> Stop {
    let stop = match unused {
        Unused::Proxy(_) => Stop::new(Verdict::ProxyNeeded, layer),
        Unused::Script(fault) => Stop::because(cause(&fault.why), layer),
    };
    stop.detail(unused.sentences())
}

fn cause(why: &ScriptWhy) -> Cause {
    match why {
        ScriptWhy::NoAddress => Cause::ProxyScript,
        ScriptWhy::Unreached(_) => Cause::ProxyScriptGone,
        ScriptWhy::TooLarge | ScriptWhy::Broken(_) => Cause::ProxyScriptBroken,
        ScriptWhy::Slow => Cause::ProxyScriptSlow,
        ScriptWhy::NamesNothing(_) => Cause::ProxyScriptUnfit,
    }
}

/// What there is to say of a way that is directly, where the system's proxy script was to tell it.
fn direct_way(probe: &Probe) -> Option<String> {
    Some(match probe.endpoint.network().script_says(probe.endpoint.url())? {
        ScriptSays::Way => "directly, as your computer's proxy script says".to_owned(),
        ScriptSays::Nothing(fault) => format!("directly. {} {}", fault.sentence(), fault.next_step()),
    })
}

async fn directly<F: Fn(&Layer)>(probe: &Probe, layers: &mut Layers<F>) -> Result<TcpStream, Stop> {
    let url = probe.endpoint.url();
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = match url.host() {
        Some(Host::Ipv4(ip)) => literal(layers, SocketAddr::new(ip.into(), port)),
        Some(Host::Ipv6(ip)) => literal(layers, SocketAddr::new(ip.into(), port)),
        Some(Host::Domain(name)) => resolve(probe, layers, name, port).await?,
        None => return Err(Stop::new(Verdict::WrongAddress, LayerKind::Name)),
    };
    let stream =
        reach(&addresses, probe.limits.connect).await.map_err(|cause| Stop::because(cause, LayerKind::Connect))?;
    layers.mark(LayerKind::Connect, Mark::Passed, direct_way(probe));
    Ok(stream)
}

fn literal<F: Fn(&Layer)>(layers: &mut Layers<F>, address: SocketAddr) -> Vec<SocketAddr> {
    layers.skip(LayerKind::Name, "the address is a number");
    vec![address]
}

async fn resolve<F: Fn(&Layer)>(
    probe: &Probe,
    layers: &mut Layers<F>,
    name: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Stop> {
    let unknown = || Stop::because(Cause::NameUnknown, LayerKind::Name).detail(name);
    match timeout(probe.limits.connect, tokio::net::lookup_host((name, port))).await {
        Err(_) => Err(Stop::because(Cause::NameUnanswered, LayerKind::Name)),
        Ok(Err(_)) => Err(unknown()),
        Ok(Ok(found)) => {
            let found: Vec<_> = found.collect();
            if found.is_empty() {
                return Err(unknown());
            }
            layers.pass(LayerKind::Name);
            Ok(found)
        }
    }
}

async fn secure(probe: &Probe, host: &str, line: Box<dyn Line>) -> Result<(), Stop> {
    let failed = |detail: String| Stop::new(Verdict::TlsNotTrusted, LayerKind::Tls).detail(detail);
    let asked = Arc::new(Asked::default());
    let mut config = probe.endpoint.network().web_tls().map_err(|error| failed(error.message))?;
    config.client_auth_cert_resolver = asked.clone();
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| failed("The host's name is unfit.".to_owned()))?;
    match timeout(probe.limits.connect, TlsConnector::from(Arc::new(config)).connect(name, line)).await {
        Ok(Ok(_)) if !asked.was() => Ok(()),
        // Since TLS 1.3 it is told only afterwards whether a caller without a certificate is let in.
        Ok(Ok(mut line)) => match timeout(probe.limits.connect / 4, line.read(&mut [0])).await {
            Ok(Err(error)) if tls_of(&error).is_some() => Err(asked.unsecured(&error)),
            _ => Ok(()),
        },
        Ok(Err(error)) => Err(asked.unsecured(&error)),
        Err(_) => Err(Stop::because(Cause::TlsSlow, LayerKind::Tls)),
    }
}

fn tls_of(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Whether a service has asked who its caller is. There is no certificate to show.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl Asked {
    fn was(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Why no protected line came about.
    fn unsecured(&self, error: &std::io::Error) -> Stop {
        match tls_of(error) {
            // Before TLS 1.3 there is no word of its own for it.
            Some(rustls::Error::AlertReceived(_)) if self.was() => judge::distrust(Distrust::WantsCertificate),
            Some(tls) => judge::distrust(Distrust::of(tls)),
            // Nothing is said about trust: some networks cut off what they do not allow.
            None => Stop::because(Cause::LineCut, LayerKind::Tls),
        }
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
