//! Proxy scripts, as a company sets them: GNOME's settings name one, and the way goes as it says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use patchbay_core::connection::{NetworkChoice, ProxyChoice};
use patchbay_core::probe::{Cause, LayerKind, Limits, Probe, Report, Speaks, Verdict, probe};
use patchbay_core::wire::{Endpoint, Network, SystemProxy, bring_engine};
use patchbay_core::{Host, Platform};
use patchbay_test_support::network::{Authority, Page, Proxy, Rule, gnome_naming};
use rstest::rstest;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::choice::{LOGIN, company, sign_in_at};
use crate::api::{World, world};
use crate::oauth::service::{Rules, Service};
use crate::probe::server::{modern, serve};

const FAR: &str = "https://service.invalid/mcp";

/// A script that sends everything through one proxy.
fn all_through(proxy: SocketAddr) -> String {
    format!("function FindProxyForURL(url, host) {{ return 'PROXY {proxy}' }}")
}

/// A computer whose GNOME names a script.
struct Desk {
    _home: TempDir,
    host: Host,
}

impl Desk {
    fn naming(script: SocketAddr) -> Self {
        bring_engine();
        let home = tempfile::tempdir().expect("a folder");
        let mut host = Host::bare(Platform::Linux, home.path(), Timestamp::now());
        host.env.insert("DCONF_PROFILE".into(), home.path().join("none").display().to_string());
        std::fs::create_dir_all(home.path().join(".config/dconf")).expect("made");
        std::fs::write(home.path().join(".config/dconf/user"), gnome_naming(script)).expect("written");
        Self { _home: home, host }
    }

    fn network(&self) -> Network {
        Network::system(SystemProxy::of_host(&self.host))
    }
}

async fn check(network: Network) -> Report {
    let endpoint = Endpoint::new(FAR).expect("an address").with_network(network);
    let limits = Limits { connect: Duration::from_secs(2), exchange: Duration::from_secs(3), ..Limits::default() };
    let asked = Probe { endpoint, tool: None, has_token: false, speaks: Speaks::ALL, limits };
    probe(&asked, Timestamp::now(), |_| {}).await
}

/// A service that works as `service.invalid`, and who has signed for it.
async fn far() -> (Authority, SocketAddr) {
    let company = Authority::until(2090);
    let back = serve(modern).await.replace("http://", "").replace("/mcp", "");
    let there = company.serve("service.invalid", back.parse().expect("an address")).await;
    (company, there)
}

async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn a_check_goes_as_the_script_says_and_says_so_and_the_script_is_fetched_once_and_told_nothing_private() {
    let (company, there) = far().await;
    let proxy = Proxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let text = format!(
        "function FindProxyForURL(url, host) {{\r\n if (url === 'https://service.invalid/' && host === 'service.invalid') \
         return 'PROXY {}';\r\n throw new Error(url) }}",
        proxy.at
    );
    let script = Page::script(["\u{feff}", &text].concat()).await;
    let network = Desk::naming(script.at).network().trusting(vec![company.der().into()]);
    for _ in 0..2 {
        let report = check(network.clone()).await;
        assert_eq!(report.verdict, Verdict::Working, "{report:?}");
        let connect = report.layers.iter().find(|layer| layer.kind == LayerKind::Connect).expect("the layer");
        let way = format!("through your network's proxy {}, as your computer's proxy script says", proxy.at);
        assert_eq!(connect.detail, Some(way));
    }
    assert!(proxy.heads().len() >= 4, "both the layers and the requests, twice: {:?}", proxy.heads());
    let [asked] = script.heads().try_into().expect("it is fetched once");
    let asked = asked.to_ascii_lowercase();
    assert!(asked.starts_with("get /proxy.pac?"), "{asked}");
    assert!(
        !asked.contains("authorization") && !asked.contains("cookie") && !asked.contains("service.invalid"),
        "{asked}"
    );
}

#[tokio::test]
async fn of_several_ways_the_first_that_takes_callers_is_gone() {
    let (company, there) = far().await;
    let proxy = Proxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let says = format!("SOCKS4 {}; PROXY {}; PROXY {}; DIRECT", proxy.at, nobody().await, proxy.at);
    let script = Page::script(format!("function FindProxyForURL() {{ return '{says}' }}")).await;
    let report = check(Desk::naming(script.at).network().trusting(vec![company.der().into()])).await;
    assert_eq!(report.verdict, Verdict::Working, "{report:?}");
}

#[tokio::test]
async fn a_proxy_of_the_scripts_that_is_not_there_is_told_as_the_scripts() {
    let gone = nobody().await;
    let script = Page::script(all_through(gone)).await;
    let report = check(Desk::naming(script.at).network()).await;
    assert_eq!(report.verdict, Verdict::ProxyUnreachable, "{report:?}");
    let detail = report.detail.unwrap_or_default();
    assert!(detail.contains(&gone.to_string()) && detail.contains("Your computer's proxy script names it"), "{detail}");
}

#[tokio::test]
async fn where_the_script_says_directly_nobody_speaks_of_a_proxy() {
    let script = Page::script("function FindProxyForURL() { return 'DIRECT' }").await;
    let report = check(Desk::naming(script.at).network()).await;
    assert!(matches!(report.verdict, Verdict::Unreachable | Verdict::TooSlow), "{report:?}");
    assert!(!report.detail.unwrap_or_default().contains("proxy"));
}

/// It was tried directly then, as browsers do, and nobody answers there.
#[rstest]
#[case::throws("function FindProxyForURL() { throw new Error('of its own') }", Cause::ProxyScriptBroken, "of its own")]
#[case::a_page("<html>Sign in to the hotel</html>", Cause::ProxyScriptBroken, "is broken")]
#[case::names_nothing("function FindProxyForURL() { return 'BLACKHOLE' }", Cause::ProxyScriptUnfit, "BLACKHOLE")]
#[case::endless("function FindProxyForURL() { for (;;); }", Cause::ProxyScriptSlow, "takes too long")]
#[tokio::test]
async fn a_script_that_tells_no_way_is_told_with_the_next_step(
    #[case] text: &str,
    #[case] cause: Cause,
    #[case] words: &str,
) {
    let script = Page::script(text).await;
    let report = check(Desk::naming(script.at).network()).await;
    assert_eq!((report.verdict, report.cause()), (Verdict::ProxyNeeded, Some(cause)), "{report:?}");
    let detail = report.detail.clone().unwrap_or_default();
    let at = format!("(http://{}/proxy.pac)", script.at);
    assert!(detail.contains(words) && detail.contains(&at) && detail.contains("tried directly"), "{detail}");
    assert!(report.sentence().contains("your computer’s proxy script"), "{}", report.sentence());
}

#[rstest]
#[case::not_there(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".to_vec(), false, "404")]
#[case::in_circles(b"HTTP/1.1 302 Here\r\nLocation: /proxy.pac\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(), false, "circles")]
#[case::no_http(b"SSH-2.0-x\r\n".to_vec(), false, "no HTTP")]
#[case::cut(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfunction".to_vec(), false, "cut off")]
#[case::silent(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfunction".to_vec(), true, "too long")]
#[tokio::test]
async fn a_script_that_cannot_be_had_is_told(#[case] answer: Vec<u8>, #[case] stays: bool, #[case] words: &str) {
    let script = Page::start(answer, stays).await;
    let begun = Instant::now();
    let report = check(Desk::naming(script.at).network()).await;
    assert_eq!(report.cause(), Some(Cause::ProxyScriptGone), "{report:?}");
    let detail = report.detail.unwrap_or_default();
    assert!(detail.contains(words) && detail.contains("cannot be had"), "{detail}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(script.heads().len() <= 6, "{:?}", script.heads());
}

#[tokio::test]
async fn a_script_that_is_not_there_or_too_large_is_told() {
    let report = check(Desk::naming(nobody().await).network()).await;
    assert_eq!(report.cause(), Some(Cause::ProxyScriptGone), "{report:?}");
    let large = format!("{}{}", all_through(nobody().await), " ".repeat(1024 * 1024));
    let report = check(Desk::naming(Page::script(large).await.at).network()).await;
    assert_eq!(report.cause(), Some(Cause::ProxyScriptBroken), "{report:?}");
    assert!(report.detail.unwrap_or_default().contains("larger than any should be"));
}

/// Whose way is set otherwise is nothing of the script's.
#[tokio::test]
async fn a_script_is_asked_only_where_it_counts() {
    let script = Page::script("function FindProxyForURL() { return 'DIRECT' }").await;
    let proxy = Proxy::start(Rule::Open, &[]).await;
    let mut desk = Desk::naming(script.at);
    let own = patchbay_core::wire::Proxy::at(&proxy.url()).expect("a proxy");
    check(desk.network().through(own)).await;
    check(desk.network().direct()).await;
    check(desk.network().except(patchbay_core::wire::Except::lenient("service.invalid"))).await;
    desk.host.env.insert("NO_PROXY".into(), ".invalid".into());
    check(desk.network()).await;
    desk.host.env.insert("NO_PROXY".into(), String::new());
    desk.host.env.insert("HTTPS_PROXY".into(), proxy.url());
    check(desk.network()).await;
    assert!(script.heads().is_empty(), "{:?}", script.heads());
}

/// At the front door: the system's way, with a company's certificate besides.
async fn at_a_company(script: SocketAddr) -> World {
    let mut world = world().await;
    std::fs::create_dir_all(world.home.path().join(".config/dconf")).expect("made");
    std::fs::write(world.home.path().join(".config/dconf/user"), gnome_naming(script)).expect("written");
    world.patchbay = world.reopened(&[("DCONF_PROFILE", "/none")]);
    world
}

async fn trust(world: &World) {
    let certificates = vec![world.home.path().join("company.pem")];
    let choice = NetworkChoice { proxy: ProxyChoice::System, except: Vec::new(), certificates };
    world.set(None, Some(choice), None).await.expect("set");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_checked_and_people_signed_in_as_the_script_says() {
    let service = Service::start(Rules { elsewhere: Some(LOGIN.to_owned()), ..Rules::default() }).await;
    let back = service.url().replace("http://", "").replace("/mcp", "").parse().expect("an address");
    let login = Authority::until(2090);
    let there = login.serve("login.invalid", back).await;
    let proxy = Proxy::start(Rule::Open, &[("login.invalid:443", there)]).await;
    let script = Page::script(all_through(proxy.at)).await;
    let world = at_a_company(script.at).await;
    std::fs::write(world.home.path().join("company.pem"), login.pem()).expect("written");
    trust(&world).await;
    sign_in_at(&world, &service.url(), &service, LOGIN).await.expect("signed in");
    assert!(!proxy.heads().is_empty() && service.count("/token") == 1, "{:?}", proxy.heads());
    assert_eq!(script.heads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_door_checks_as_the_script_says() {
    let proxies = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = proxies.local_addr().expect("an address");
    drop(proxies);
    let script = Page::script(all_through(at)).await;
    let world = at_a_company(script.at).await;
    let (_, there) = company(&world).await;
    trust(&world).await;
    let proxy = Proxy::start_at(&at.to_string(), Rule::Open, &[("service.invalid:443", there)]).await;
    world.far("One").await;
    assert_eq!(world.verdicts().await, [Verdict::Working]);
    assert!(proxy.heads().len() >= 2, "{:?}", proxy.heads());
}
