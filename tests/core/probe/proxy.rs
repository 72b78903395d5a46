//! Through a company's proxy, and to services that its own authority has signed.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use patchbay_core::probe::{Cause, LayerKind, Limits, Mark, Probe, Report, Verdict, probe, reach};
use patchbay_core::secret::Secret;
use patchbay_core::wire::{Except, Network, Proxy, SystemProxy};
use patchbay_test_support::network::{Authority, Proxy as TestProxy, Rule};
use rstest::rstest;
use tokio::net::TcpListener;

use super::server::{modern, serve};
use super::{CANARY, endpoint, outcome, probe_of};

/// A name that leads nowhere but through the proxy.
const FAR: &str = "https://service.invalid/mcp";
/// `Aladdin:open%20sesame: ä`, with everything that might be encoded once too often.
const PASSWORD: &str = "open%20sesame: \u{e4}@/";
const BASIC: &str = "Basic QWxhZGRpbjpvcGVuJTIwc2VzYW1lOiDDpEAv";

/// A service that works, behind TLS for `service.invalid`, signed by a company.
async fn far() -> (Authority, SocketAddr) {
    let company = Authority::until(2090);
    let back = serve(modern).await;
    let back = back.trim_start_matches("http://").trim_end_matches("/mcp").parse().expect("an address");
    let there = company.serve("service.invalid", back).await;
    (company, there)
}

fn nothing_set() -> Network {
    Network::system(SystemProxy::default())
}

fn trusting(network: Network, company: &Authority) -> Network {
    network.trusting(vec![company.der().into()])
}

fn proxy_at(url: &str) -> Proxy {
    Proxy::at(url).expect("a proxy")
}

async fn check_over(network: Network) -> Report {
    let over = Probe { endpoint: endpoint(FAR).with_network(network), ..probe_of(FAR, true) };
    let limits = Limits { connect: Duration::from_millis(1500), exchange: Duration::from_secs(3), ..over.limits };
    probe(&Probe { limits, ..over }, Timestamp::now(), |_| {}).await
}

fn detail(report: &Report) -> &str {
    report.detail.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn a_proxy_lets_through_and_is_named() {
    let (company, there) = far().await;
    let proxy = TestProxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let report = check_over(trusting(nothing_set().through(proxy_at(&proxy.url())), &company)).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    let layer = |kind| report.layers.iter().find(|layer| layer.kind == kind).expect("the layer").clone();
    let way = Some(format!("through your network's proxy {}", proxy.at));
    assert_eq!((layer(LayerKind::Name).mark, layer(LayerKind::Name).detail), (Mark::Skipped, way.clone()));
    assert_eq!((layer(LayerKind::Connect).mark, layer(LayerKind::Connect).detail), (Mark::Passed, way));
    assert_eq!(layer(LayerKind::Tls).mark, Mark::Passed);
    let heads = proxy.heads();
    assert!(heads.iter().all(|head| head.starts_with("CONNECT service.invalid:443 ")), "{heads:?}");
    assert!(heads.iter().all(|head| !head.contains(CANARY)), "a service's token is not the proxy's");
}

#[tokio::test]
async fn a_proxy_that_wants_a_sign_in_gets_the_password_as_it_is() {
    let (company, there) = far().await;
    let proxy = TestProxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let signed = proxy_at(&proxy.url()).with_sign_in("Aladdin", Some(Secret::new(PASSWORD)));
    let report = check_over(trusting(nothing_set().through(signed), &company)).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    assert!(proxy.heads().len() >= 2, "both the layers and the requests went through it");
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_and_takes_a_sign_in() {
    let (company, there) = far().await;
    let proxy = TestProxy::start(Rule::Socks("Aladdin", PASSWORD), &[("service.invalid:443", there)]).await;
    let address = proxy.url().replace("http", "socks5");
    let over = |password: &str| {
        let signed = proxy_at(&address).with_sign_in("Aladdin", Some(Secret::new(password)));
        check_over(trusting(nothing_set().through(signed), &company))
    };
    assert_eq!(outcome(&over(PASSWORD).await), (Verdict::Working, None));
    assert!(proxy.heads().len() >= 2 && proxy.heads().iter().all(|host| host == "service.invalid:443"));
    let report = over("another").await;
    assert_eq!(outcome(&report), (Verdict::ProxySignInRefused, Some(LayerKind::Connect)), "{report:?}");
}

#[rstest]
#[case::wants(
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n",
    false,
    Verdict::ProxySignInNeeded,
    "wants a user name"
)]
#[case::wants_unsaid("HTTP/1.1 407 No\r\n", false, Verdict::ProxySignInNeeded, "wants a user name")]
#[case::refuses(
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n",
    true,
    Verdict::ProxySignInRefused,
    "refuses"
)]
#[case::other_kind(
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n",
    true,
    Verdict::ProxySignInNeeded,
    "(Negotiate, NTLM)"
)]
#[case::forbids("HTTP/1.1 403 Forbidden\r\n", true, Verdict::ProxyForbids, "does not allow service.invalid")]
#[case::cannot("HTTP/1.1 502 Bad Gateway\r\n", true, Verdict::Unreachable, "cannot reach service.invalid")]
#[case::in_vain("HTTP/1.1 504 Gateway Timeout\r\n", true, Verdict::Unreachable, "cannot reach service.invalid")]
#[case::a_web_server("HTTP/1.1 405 Method Not Allowed\r\n", true, Verdict::ProxyUnreachable, "is no proxy")]
#[case::no_http("SSH-2.0-x\r\n", true, Verdict::ProxyUnreachable, "is no proxy")]
#[case::garbage("\u{16}\u{3}\u{1}\u{0}nonsense\r\n", true, Verdict::ProxyUnreachable, "is no proxy")]
#[tokio::test]
async fn what_a_proxy_answers_is_told(
    #[case] says: &'static str,
    #[case] signed: bool,
    #[case] verdict: Verdict,
    #[case] words: &str,
) {
    let proxy = TestProxy::start(Rule::Says(says), &[]).await;
    let mut own = proxy_at(&proxy.url());
    if signed {
        own = own.with_sign_in("Aladdin", Some(Secret::new(PASSWORD)));
    }
    let report = check_over(nothing_set().through(own)).await;
    assert_eq!(outcome(&report), (verdict, Some(LayerKind::Connect)), "{report:?}");
    assert!(detail(&report).contains(words) && detail(&report).contains(&proxy.at.to_string()), "{report:?}");
}

#[rstest]
#[case::hangs_up(
    Rule::HangsUp,
    (Verdict::ProxyUnreachable, LayerKind::Connect),
    "Your company’s proxy hangs up when it is asked for this service. It may not allow the service, or its address is \
     another program’s: ask your IT department.",
    "hangs up when it is asked for service.invalid"
)]
#[case::other_sign_in(
    Rule::Says("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n"),
    (Verdict::ProxySignInNeeded, LayerKind::Connect),
    "Your company’s proxy wants a kind of sign-in that Patchbay does not have. Ask your IT department for a proxy that \
     takes a user name and a password.",
    "wants a sign-in of a kind that Patchbay does not have (Negotiate)"
)]
#[case::busy(
    Rule::Says("HTTP/1.1 429 Too Many Requests\r\n"),
    (Verdict::Unreachable, LayerKind::Connect),
    "Your company’s proxy has had too many requests. Wait a while, then check again.",
    "has had too many requests"
)]
#[case::page_of_its_own(
    Rule::Says("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n"),
    (Verdict::ProxyForbids, LayerKind::Connect),
    "Your company’s proxy answers with a page of its own, where you may have to sign in to the network. Open any page in \
     your browser and follow what it says, then check again.",
    "answers with a page of its own"
)]
#[case::no_proxy(
    Rule::Says("SSH-2.0-x\r\n"),
    (Verdict::ProxyUnreachable, LayerKind::Connect),
    "What answers in the place of your company’s proxy is no proxy. Compare its address under Network with what your IT \
     department says.",
    "is no proxy"
)]
#[case::cuts(
    Rule::Cuts,
    (Verdict::Unreachable, LayerKind::Tls),
    "Your company’s proxy agrees to lead to the service, and then the connection is cut off before it is protected. It \
     may not allow the service: ask your IT department.",
    "agrees to lead to service.invalid, and then the line is cut"
)]
#[tokio::test]
async fn a_proxy_that_drops_what_it_is_asked_is_told_from_one_that_is_none(
    #[case] rule: Rule,
    #[case] found: (Verdict, LayerKind),
    #[case] sentence: &str,
    #[case] words: &str,
) {
    let proxy = TestProxy::start(rule, &[]).await;
    let report = check_over(nothing_set().through(proxy_at(&proxy.url()))).await;
    assert_eq!(outcome(&report), (found.0, Some(found.1)), "{report:?}");
    assert_eq!(report.sentence(), sentence);
    assert!(detail(&report).contains(words) && detail(&report).contains(&proxy.at.to_string()), "{report:?}");
}

/// The way to the proxy is protected itself, by the company's own authority.
#[tokio::test]
async fn a_proxy_behind_tls_is_trusted_by_the_companys_certificate_alone() {
    let (company, there) = far().await;
    let proxy = TestProxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let front = company.serve("localhost", proxy.at).await;
    let own = || {
        let proxy = proxy_at(&format!("https://localhost:{}", front.port()));
        nothing_set().through(proxy.with_sign_in("Aladdin", Some(Secret::new(PASSWORD))))
    };
    let report = check_over(trusting(own(), &company)).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    assert!(proxy.heads().len() >= 2, "both the layers and the requests went through it");
    let report = check_over(own()).await;
    assert_eq!(outcome(&report), (Verdict::TlsNotTrusted, Some(LayerKind::Connect)), "{report:?}");
    assert!(
        detail(&report).contains(&format!("network's proxy localhost:{} is not trusted", front.port())),
        "{report:?}"
    );
    assert!(!format!("{report:?}").contains("sesame"), "{report:?}");
}

#[tokio::test]
async fn a_proxy_at_an_ipv6_address_and_one_that_the_environment_names_with_an_odd_password_are_used() {
    let (company, there) = far().await;
    let wants = Rule::SignIn(BASIC.to_owned());
    let proxy = TestProxy::start_at("[::1]:0", wants, &[("service.invalid:443", there)]).await;
    let signed = proxy_at(&proxy.url()).with_sign_in("Aladdin", Some(Secret::new(PASSWORD)));
    let named = format!("http://Aladdin:open%2520sesame%3A%20%C3%A4%40%2F@{}", proxy.at);
    let named = SystemProxy::of(move |name| (name == "all_proxy").then(|| named.clone()));
    for network in [nothing_set().through(signed), Network::system(named)] {
        let report = check_over(trusting(network, &company)).await;
        assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    }
    assert!(proxy.heads().len() >= 4, "{:?}", proxy.heads());
}

/// Of a script whose address the network itself is to tell nothing is known; where nobody is reached without it, that is
/// said.
#[tokio::test]
async fn where_nobody_is_reached_a_proxy_script_that_is_not_known_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    let mut host = patchbay_core::Host::bare(patchbay_core::Platform::Linux, home.path(), Timestamp::now());
    host.env.insert("XDG_CURRENT_DESKTOP".into(), "KDE".into());
    std::fs::create_dir_all(home.path().join(".config")).expect("made");
    std::fs::write(home.path().join(".config/kioslaverc"), "[Proxy Settings]\nProxyType=3\n").expect("written");
    let report = check_over(Network::system(SystemProxy::of_host(&host))).await;
    assert_eq!(report.verdict, Verdict::ProxyNeeded, "{report:?}");
    let said = report.sentence();
    assert!(
        said.contains("in the network by itself, which Patchbay does not do") && said.contains("set it under Network"),
        "{said}"
    );
    assert!(detail(&report).contains("which Patchbay does not do"), "{report:?}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_from_one_whose_name_nobody_knows_and_one_that_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let report = check_over(nothing_set().through(proxy_at(&gone))).await;
    assert_eq!(outcome(&report), (Verdict::ProxyUnreachable, Some(LayerKind::Connect)), "{report:?}");
    assert!(detail(&report).contains("cannot be reached"), "{report:?}");
    let silent = TestProxy::start(Rule::Silent, &[]).await;
    let report = check_over(nothing_set().through(proxy_at(&silent.url()))).await;
    assert_eq!(outcome(&report), (Verdict::TooSlow, Some(LayerKind::Connect)), "{report:?}");
    assert!(detail(&report).contains(&silent.at.to_string()), "{report:?}");
    let report = check_over(nothing_set().through(proxy_at("http://no-such-proxy.invalid:3128"))).await;
    // Some networks leave such a question unanswered.
    assert!(matches!(report.verdict, Verdict::ProxyUnreachable | Verdict::TooSlow), "{report:?}");
    assert!(detail(&report).contains("no-such-proxy.invalid:3128"), "{report:?}");
}

#[tokio::test]
async fn a_proxy_that_repeats_its_password_does_not_have_it_told() {
    let says = "HTTP/1.1 407 No\r\nProxy-Authenticate: geheim-im-tunnel realm=\"geheim-im-tunnel\"\r\n";
    let proxy = TestProxy::start(Rule::Says(says), &[]).await;
    let own = proxy_at(&proxy.url()).with_sign_in("Aladdin", Some(Secret::new("geheim-im-tunnel")));
    let network = nothing_set().through(own);
    assert!(!format!("{network:?} {:?}", endpoint(FAR).with_network(network.clone())).contains("geheim"));
    let report = check_over(network).await;
    assert_eq!(report.verdict, Verdict::ProxySignInNeeded);
    assert!(!format!("{report:?}").contains("geheim"), "{report:?}");
}

#[rstest]
#[case::set_aside(|proxy: Proxy| nothing_set().through(proxy).except(Except::lenient("service.invalid")))]
#[case::of_the_system(|proxy: Proxy| Network::system(named(&proxy)).direct())]
#[tokio::test]
async fn where_nobody_is_reached_directly_a_proxy_that_is_not_used_is_named(#[case] way: fn(Proxy) -> Network) {
    let report = check_over(way(proxy_at("http://proxy.example:3128"))).await;
    assert_eq!(report.verdict, Verdict::ProxyNeeded, "{report:?}");
    assert!(detail(&report).contains("proxy.example:3128"), "{report:?}");
}

fn named(proxy: &Proxy) -> SystemProxy {
    let origin = proxy.origin();
    SystemProxy::of(move |name| (name == "https_proxy").then(|| origin.clone()))
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_may_be_the_companys_and_the_way_out_is_said() {
    let (company, there) = far().await;
    let proxy = TestProxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let through = || nothing_set().through(proxy_at(&proxy.url()));
    let report = check_over(through()).await;
    assert_eq!(outcome(&report), (Verdict::TlsNotTrusted, Some(LayerKind::Tls)), "{report:?}");
    let said = report.sentence();
    assert!(said.contains("Your company may be inspecting this connection"), "{said}");
    assert!(said.contains("for its certificate file, and add it in the settings"), "{said}");
    let other = check_over(trusting(through(), &Authority::until(2090))).await;
    assert_eq!(other.verdict, Verdict::TlsNotTrusted, "another authority of the same name is not it");
    assert_eq!(check_over(trusting(through(), &company)).await.verdict, Verdict::Working);
}

/// As `openssl req -x509` makes them: for signing others, by itself, and without a word about what it is for.
#[rstest]
#[case::for_it("service.invalid", 2090, "signed by nobody but itself", Verdict::Working)]
#[case::for_another("other.invalid", 2090, "its certificate is for another name", Verdict::TlsNotTrusted)]
#[case::of_the_past("service.invalid", 2020, "certificate has expired", Verdict::TlsNotTrusted)]
#[tokio::test]
async fn a_certificate_that_signs_itself_is_trusted_where_it_was_added_and_not_else(
    #[case] name: &str,
    #[case] until: i32,
    #[case] words: &str,
    #[case] trusted: Verdict,
) {
    let own = Authority::of_name_until(name, until);
    let back = serve(modern).await;
    let back = back.trim_start_matches("http://").trim_end_matches("/mcp").parse().expect("an address");
    let proxy = TestProxy::start(Rule::Open, &[("service.invalid:443", own.serve_as_itself(back).await)]).await;
    let through = || nothing_set().through(proxy_at(&proxy.url()));
    let report = check_over(through()).await;
    assert_eq!(outcome(&report), (Verdict::TlsNotTrusted, Some(LayerKind::Tls)), "{report:?}");
    assert!(report.sentence().contains(words), "{}", report.sentence());
    let report = check_over(trusting(through(), &own)).await;
    assert_eq!(report.verdict, trusted, "{report:?}");
    let other = check_over(trusting(through(), &Authority::of_name_until(name, until))).await;
    assert_eq!(other.verdict, Verdict::TlsNotTrusted, "another one of the same name is not it");
}

/// Once it is trusted, what else is wrong with it is what is told.
#[rstest]
#[case::for_another("other.invalid", 2090, Cause::CertificateOtherName)]
#[case::of_the_past("service.invalid", 2020, Cause::CertificateExpired)]
#[tokio::test]
async fn a_trusted_certificate_that_signs_itself_is_told_for_what_is_wrong_with_it(
    #[case] name: &str,
    #[case] until: i32,
    #[case] cause: Cause,
) {
    let own = Authority::of_name_until(name, until);
    let there = own.serve_as_itself("127.0.0.1:9".parse().expect("an address")).await;
    let proxy = TestProxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let report = check_over(trusting(nothing_set().through(proxy_at(&proxy.url())), &own)).await;
    assert_eq!(report.cause(), Some(cause), "{report:?}");
}

#[tokio::test]
async fn what_is_on_this_computer_never_goes_through_a_proxy() {
    let proxy = TestProxy::start(Rule::Open, &[]).await;
    let near = serve(modern).await;
    let port = near.trim_end_matches("/mcp").rsplit(':').next().expect("a port").to_owned();
    let network = Network::system(named(&proxy_at(&proxy.url()))).through(proxy_at(&proxy.url()));
    for host in ["127.0.0.1", "localhost", "127.8.9.10", "app.localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/mcp");
        let near = Probe { endpoint: endpoint(&url).with_network(network.clone()), ..probe_of(&url, true) };
        let report = probe(&near, Timestamp::now(), |_| {}).await;
        let elsewhere = report.layers.iter().any(|layer| layer.detail.as_deref().is_some_and(|d| d.contains("proxy")));
        assert!(!elsewhere, "{host}: {report:?}");
    }
    let secure = near.replace("http:", "https:");
    let secure = Probe { endpoint: endpoint(&secure).with_network(network), ..probe_of(&secure, true) };
    reach(&secure, Timestamp::now()).await;
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
}
