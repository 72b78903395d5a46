//! Names, connections, TLS and redirects: what stands between this computer and an answer.

use patchbay_core::probe::{LayerKind, Report, Verdict};
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::server::{Asked, http, modern, serve};
use super::{check, outcome};

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
    let (verdict, layer) = outcome(&report);
    assert_eq!(layer, Some(LayerKind::Name), "{report:?}");
    // Some networks leave such a question unanswered.
    assert!(matches!(verdict, Verdict::Unreachable | Verdict::TooSlow), "{report:?}");
}

#[tokio::test]
async fn nobody_there() {
    let (listener, url) = listener().await;
    drop(listener);
    for url in [url.replace("https:", "http:"), url] {
        let report = check(&url, true).await;
        assert_eq!(outcome(&report), (Verdict::Unreachable, Some(LayerKind::Connect)), "{report:?}");
    }
}

/// A queue of callers that is full: the system lets further ones knock in vain.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_that_swallows_all_callers() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("an address");
    let knock = || tokio::time::timeout(std::time::Duration::from_millis(100), TcpStream::connect(address));
    let mut waiting = Vec::new();
    while let Ok(Ok(caller)) = knock().await {
        waiting.push(caller);
    }
    let report = check(&format!("http://{address}/mcp"), true).await;
    assert_eq!(outcome(&report), (Verdict::TooSlow, Some(LayerKind::Connect)), "{report:?}");
}

#[tokio::test]
async fn tls_that_is_never_agreed_on() {
    let report = with_each_caller(|stream| async move {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        drop(stream);
    })
    .await;
    assert_eq!(outcome(&report), (Verdict::TooSlow, Some(LayerKind::Tls)), "{report:?}");
}

#[tokio::test]
async fn tls_that_is_cut_off() {
    let report = with_each_caller(|stream| async move { drop(stream) }).await;
    assert_eq!(outcome(&report), (Verdict::Unreachable, Some(LayerKind::Tls)), "{report:?}");
    assert!(report.detail.is_some_and(|detail| detail.contains("cut off")));
}

#[tokio::test]
async fn no_tls_where_it_was_expected() {
    let report = with_each_caller(|mut stream| async move {
        // The caller may be gone.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = stream.shutdown().await;
    })
    .await;
    assert_eq!(outcome(&report), (Verdict::TlsNotTrusted, Some(LayerKind::Tls)), "{report:?}");
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[tokio::test]
async fn what_a_browser_would_follow_is_a_wrong_address(#[case] status: u16) {
    let rule = move |_: &Asked| http(&format!("{status} Moved"), "location: /login\r\n", "");
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (Verdict::WrongAddress, Some(LayerKind::Handshake)), "{report:?}");
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
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
}

#[rstest]
#[case::circles("307 Temporary Redirect", "location: /mcp\r\n")]
#[case::nowhere("307 Temporary Redirect", "")]
#[case::choices("300 Multiple Choices", "")]
#[case::nothing_new("304 Not Modified", "")]
#[tokio::test]
async fn redirects_that_lead_nowhere(#[case] status: &'static str, #[case] headers: &'static str) {
    let report = check(&serve(move |_: &Asked| http(status, headers, "")).await, true).await;
    assert_eq!(outcome(&report), (Verdict::WrongAddress, Some(LayerKind::Handshake)), "{report:?}");
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
    assert_eq!(outcome(&report), (Verdict::WrongAddress, Some(LayerKind::Handshake)), "{report:?}");
    assert!(report.detail.is_some_and(|detail| detail.contains(&there.to_string())), "it is told where");
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(200), other.accept()).await;
    assert!(nobody.is_err(), "nobody came");
}
