//! The layers below HTTP: name, connection, TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use super::reach::reach;
use super::{Cause, Layer, LayerKind, Layers, Probe, Stop, Verdict, judge};
use crate::wire::Distrust;

/// Walks the three layers; through a proxy they are the proxy's and are skipped.
pub(super) async fn walk<F: Fn(&Layer)>(probe: &Probe, layers: &mut Layers<F>) -> Result<(), Stop> {
    let url = probe.endpoint.url();
    if goes_through_proxy(url) {
        for kind in [LayerKind::Name, LayerKind::Connect, LayerKind::Tls] {
            layers.skip(kind, "through your network's proxy");
        }
        return Ok(());
    }
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = match url.host() {
        Some(Host::Ipv4(ip)) => literal(layers, SocketAddr::new(ip.into(), port)),
        Some(Host::Ipv6(ip)) => literal(layers, SocketAddr::new(ip.into(), port)),
        Some(Host::Domain(name)) => resolve(probe, layers, name, port).await?,
        None => return Err(Stop::new(Verdict::WrongAddress, LayerKind::Name)),
    };
    let stream =
        reach(&addresses, probe.limits.connect).await.map_err(|cause| Stop::because(cause, LayerKind::Connect))?;
    layers.pass(LayerKind::Connect);
    if probe.endpoint.is_plain() {
        layers.skip(LayerKind::Tls, "on this computer");
        return Ok(());
    }
    secure(probe, url.host_str().unwrap_or_default(), stream).await?;
    layers.pass(LayerKind::Tls);
    Ok(())
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

async fn secure(probe: &Probe, host: &str, stream: TcpStream) -> Result<(), Stop> {
    let failed = |detail: String| Stop::new(Verdict::TlsNotTrusted, LayerKind::Tls).detail(detail);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(|_| failed("This computer's list of trusted certificates cannot be opened.".to_owned()))?
        .with_no_client_auth();
    // What the requests themselves will offer: some servers take nobody who does not.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| failed("The host's name is unfit.".to_owned()))?;
    match timeout(probe.limits.connect, TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            // Where the line is cut, nothing is said about trust: some networks cut off what they do not allow.
            let cut = || Stop::because(Cause::LineCut, LayerKind::Tls);
            Err(tls.map_or_else(cut, |tls| judge::distrust(Distrust::of(tls))))
        }
        Err(_) => Err(Stop::because(Cause::TlsSlow, LayerKind::Tls)),
    }
}

/// Whether the environment names a proxy for this address. What the system's own settings say is left to the HTTP
/// library; then these layers are walked directly as well, which can only be stricter.
fn goes_through_proxy(url: &url::Url) -> bool {
    let set = |name: &str| {
        [name.to_owned(), name.to_lowercase()]
            .iter()
            .any(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()))
    };
    let named = if url.scheme() == "https" { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    !crate::catalog::is_loopback(url) && (set(named) || set("ALL_PROXY"))
}
