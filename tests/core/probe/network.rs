//! Names, connections, TLS and redirects: what stands between this computer and an answer.

use patchbay_core::probe::{Cause, LayerKind, Limits, Probe, Report, probe};
use patchbay_core::wire::{Network, SystemProxy};
use patchbay_test_support::network::{Authority, rustls};
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::said::*;
use super::server::{Asked, http, modern, serve, serve_at};
use super::{check, probe_of};

/// A listener on this computer, and its https address.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/mcp", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Does the same with each caller.
async fn with_each_caller<F: Future<Output = ()> + Send>(
    does: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> Report {
    let (listener, url) = listener().await;
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            does(stream).await;
        }
    });
    let report = check(&url, true).await;
    server.abort();
    report
}

#[tokio::test]
async fn no_such_name() {
    let report = check("https://no-such-name.invalid/mcp", true).await;
    // Some networks leave such a question unanswered.
    if report.cause() != Some(Cause::NameUnanswered) {
        says(&report, NAME_UNKNOWN, LayerKind::Name);
        assert_eq!(report.detail.as_deref(), Some("no-such-name.invalid"));
    }
}

#[tokio::test]
async fn nobody_there() {
    let (listener, url) = listener().await;
    drop(listener);
    for url in [url.replace("https:", "http:"), url] {
        let report = check(&url, true).await;
        says(&report, TURNED_AWAY, LayerKind::Connect);
    }
}

/// A queue of callers that is full: the system lets further ones knock in vain, as long as what comes with the address
/// is held.
#[cfg(target_os = "linux")]
async fn swallows(at: &str) -> (std::net::SocketAddr, (TcpListener, Vec<TcpStream>)) {
    let at: std::net::SocketAddr = at.parse().expect("an address");
    let socket = if at.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let socket = socket.expect("a socket");
    socket.bind(at).expect("a port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("an address");
    let knock = || tokio::time::timeout(std::time::Duration::from_millis(100), TcpStream::connect(address));
    let mut waiting = Vec::new();
    while let Ok(Ok(caller)) = knock().await {
        waiting.push(caller);
    }
    (address, (listener, waiting))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_that_swallows_all_callers() {
    let (address, _full) = swallows("127.0.0.1:0").await;
    for scheme in ["http", "https"] {
        let report = check(&format!("{scheme}://{address}/mcp"), true).await;
        says(&report, NO_ANSWER, LayerKind::Connect);
    }
}

/// It lets callers wait, and then takes them all the same.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_that_is_slow_to_take_callers_works() {
    let (address, (listener, waiting)) = swallows("127.0.0.1:0").await;
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        drop(waiting);
        serve_at(listener, modern);
    });
    let mut patient = probe_of(&format!("http://{address}/mcp"), true);
    patient.limits.connect = std::time::Duration::from_secs(5);
    let report = probe(&patient, jiff::Timestamp::now(), |_| {}).await;
    says(&report, WORKS, None);
    let connect = report.layers.iter().find(|layer| layer.kind == LayerKind::Connect).expect("all layers are told");
    assert!(connect.millis >= 200, "{report:?}");
}

#[tokio::test]
async fn tls_that_is_never_agreed_on() {
    let report = with_each_caller(|stream| async move {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        drop(stream);
    })
    .await;
    says(&report, TLS_SLOW, LayerKind::Tls);
}

#[tokio::test]
async fn tls_that_is_cut_off() {
    let report = with_each_caller(|stream| async move { drop(stream) }).await;
    says(&report, LINE_CUT, LayerKind::Tls);
}

#[tokio::test]
async fn no_tls_where_it_was_expected() {
    let report = with_each_caller(|mut stream| async move {
        // The caller may be gone.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = stream.shutdown().await;
    })
    .await;
    says(&report, NO_TLS, LayerKind::Tls);
}

#[tokio::test]
async fn tls_without_a_version_in_common() {
    let report = with_each_caller(|mut stream| async move {
        // The alert `protocol_version`.
        let _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).await;
        let _ = stream.shutdown().await;
    })
    .await;
    says(&report, TLS_DISAGREE, LayerKind::Tls);
}

/// What is broken off with an alert, and what that says (RFC 8446, 6.2).
#[rstest]
#[case::handshake_failure(40, TLS_DISAGREE)]
#[case::insufficient_security(71, TLS_DISAGREE)]
#[case::internal_error(80, TLS_FAULT)]
#[case::access_denied(49, TLS_FAULT)]
#[case::unrecognized_name(112, TLS_NAME_UNKNOWN)]
#[case::certificate_required(116, TLS_WANTS_CERTIFICATE)]
#[tokio::test]
async fn tls_that_is_broken_off(#[case] alert: u8, #[case] said: Said) {
    let report = with_each_caller(move |mut stream| async move {
        let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, alert]).await;
        let _ = stream.shutdown().await;
    })
    .await;
    says(&report, said, LayerKind::Tls);
}

/// Of the versions of TLS, the newer one tells it only after it has agreed.
#[tokio::test]
async fn a_service_that_wants_a_certificate_of_its_callers_is_told() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let company = Authority::until(2090);
        let at = company.serve_who_prove_themselves("localhost", version).await;
        let url = format!("https://localhost:{}/mcp", at.port());
        let network = Network::system(SystemProxy::default()).trusting(vec![company.der().into()]);
        let probed = probe_of(&url, true);
        let limits = Limits { connect: std::time::Duration::from_secs(8), ..probed.limits };
        let probed = Probe { endpoint: probed.endpoint.clone().with_network(network), limits, ..probed };
        let report = probe(&probed, jiff::Timestamp::now(), |_| {}).await;
        says(&report, TLS_WANTS_CERTIFICATE, LayerKind::Tls);
        assert_eq!(report.layers.len(), LayerKind::ALL.len(), "each layer is told once: {report:?}");
    }
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[tokio::test]
async fn what_a_browser_would_follow_is_a_wrong_address(#[case] status: u16) {
    let rule = move |_: &Asked| http(&format!("{status} Moved"), "location: /login\r\n", "");
    let report = check(&serve(rule).await, true).await;
    says(&report, SENT_ON, LayerKind::Handshake);
    assert!(report.detail.is_some_and(|place| place.ends_with("/login")), "it is told where");
}

#[rstest]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_redirect_within_the_origin_is_followed(#[case] status: u16) {
    let rule = move |asked: &Asked| {
        if asked.0.starts_with("POST /mcp ") {
            return http(&format!("{status} Moved"), "location: /there\r\n", "");
        }
        modern(asked)
    };
    let report = check(&serve(rule).await, true).await;
    says(&report, WORKS, None);
}

#[rstest]
#[case::circles("307 Temporary Redirect", "location: /mcp\r\n", CIRCLES)]
#[case::nowhere("307 Temporary Redirect", "", SENT_ON)]
#[case::choices("300 Multiple Choices", "", WRONG_ANSWER)]
#[case::choices_with_a_place("300 Multiple Choices", "location: /there\r\n", SENT_ON)]
#[case::nothing_new("304 Not Modified", "", WRONG_ANSWER)]
#[tokio::test]
async fn redirects_that_lead_nowhere(#[case] status: &'static str, #[case] headers: &'static str, #[case] said: Said) {
    let report = check(&serve(move |_: &Asked| http(status, headers, "")).await, true).await;
    says(&report, said, LayerKind::Handshake);
}

/// The other origin must not even be connected to.
#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_token_never_goes_to_another_origin(#[case] status: u16) {
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = other.local_addr().expect("an address");
    let rule = move |_: &Asked| http(&format!("{status} Moved"), &format!("location: http://{there}/mcp\r\n"), "");
    let report = check(&serve(rule).await, true).await;
    says(&report, SENT_ELSEWHERE, LayerKind::Handshake);
    assert!(report.detail.is_some_and(|detail| detail.contains(&there.to_string())), "it is told where");
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(200), other.accept()).await;
    assert!(nobody.is_err(), "nobody came");
}

/// The name stands for addresses of both kinds here, or for the older one alone; `reach` has tests of its own.
#[tokio::test]
async fn a_name_of_which_only_some_addresses_answer() {
    let known: Vec<_> = tokio::net::lookup_host(("localhost", 0)).await.expect("a name").collect();
    for here in ["::1", "127.0.0.1"] {
        let listener = TcpListener::bind((here, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let is_known = known.iter().any(|address| address.ip().to_string() == here);
        serve_at(listener, modern);
        let report = check(&format!("http://localhost:{port}/mcp"), true).await;
        says(&report, if is_known { WORKS } else { TURNED_AWAY }, (!is_known).then_some(LayerKind::Connect));
    }
}

#[tokio::test]
async fn an_address_of_the_newer_kind_alone() {
    let listener = TcpListener::bind("[::1]:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    serve_at(listener, modern);
    says(&check(&url, true).await, WORKS, None);
}
