//! To a service that is reached through a company's proxy only, and that the company's own authority has signed.

use std::net::SocketAddr;

use patchbay_core::connection::AuthHeader;
use patchbay_core::secret::Secret;
use patchbay_core::wire::{Endpoint, Except, Network, Proxy, SystemProxy};
use patchbay_test_support::network::{Authority, Page, Proxy as TestProxy, Rule};
use serde_json::Value;

use crate::app::{App, INITIALIZE, Keychain};
use crate::service::{Reply, Service, result};

const PASSWORD: &str = "open-sesame-canary";
const BASIC: &str = "Basic YWxhZGRpbjpvcGVuLXNlc2FtZS1jYW5hcnk=";
const TOKEN: &str = "token-of-the-service-canary";

/// A company's network with a service in the world outside.
struct Company {
    authority: Authority,
    there: SocketAddr,
    service: Service,
}

async fn company() -> Company {
    let service = Service::start(|asked| Reply::json(result(asked, "{\"capabilities\":{}}"))).await;
    let authority = Authority::until(2090);
    let back = service.url().replace("http://", "");
    let back = back.split('/').next().and_then(|at| at.parse().ok()).expect("an address");
    let there = authority.serve("service.invalid", back).await;
    Company { authority, there, service }
}

impl Company {
    async fn proxy(&self, rule: Rule) -> TestProxy {
        TestProxy::start(rule, &[("service.invalid:443", self.there)]).await
    }

    fn endpoint(&self, network: Network) -> Endpoint {
        let endpoint = Endpoint::new("https://service.invalid/mcp").expect("an address");
        let network = network.trusting(vec![self.authority.der().into()]);
        endpoint.with_auth(&AuthHeader::default(), &Secret::new(TOKEN)).expect("a header").with_network(network)
    }
}

fn through(proxy: &TestProxy, password: Option<&str>) -> Network {
    let own = Proxy::at(&proxy.url()).expect("a proxy");
    let own = password.map_or(own.clone(), |password| own.with_sign_in("aladdin", Some(Secret::new(password))));
    Network::system(SystemProxy::default()).through(own)
}

async fn said(endpoint: Endpoint) -> Value {
    let mut app = App::start(&Keychain::with(Ok(endpoint)));
    app.ask(INITIALIZE).await
}

fn error(said: &Value) -> (&str, &str) {
    (said["error"]["data"]["code"].as_str().unwrap_or_default(), said["error"]["message"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn the_bridge_goes_through_a_proxy_that_wants_a_sign_in() {
    let company = company().await;
    let proxy = company.proxy(Rule::SignIn(BASIC.to_owned())).await;
    let said = said(company.endpoint(through(&proxy, Some(PASSWORD)))).await;
    assert!(said["result"].is_object(), "{said}");
    assert!(proxy.heads().iter().all(|head| !head.contains(TOKEN)), "the token is the service's alone");
}

#[tokio::test]
async fn what_a_proxy_does_is_said_with_its_name_and_the_next_step() {
    let company = company().await;
    let wants = company.proxy(Rule::SignIn(BASIC.to_owned())).await;
    let forbids = company.proxy(Rule::Says("HTTP/1.1 403 No\r\n")).await;
    let cases = [
        (through(&wants, None), "proxy_sign_in_needed", wants.at.to_string()),
        (through(&wants, Some("wrong-one-canary")), "proxy_sign_in_refused", wants.at.to_string()),
        (through(&forbids, None), "proxy_forbids", "service.invalid".to_owned()),
    ];
    for (network, code, words) in cases {
        let said = said(company.endpoint(network)).await;
        assert_eq!(error(&said).0, code, "{said}");
        assert!(error(&said).1.contains(&words) && error(&said).1.contains(". "), "{said}");
        assert!(!said.to_string().contains("canary"), "{said}");
    }
    let network = through(&wants, Some(PASSWORD));
    let said = said(company.endpoint(network.clone()).with_network(network)).await;
    assert_eq!(error(&said).0, "tls_not_trusted", "{said}");
    assert!(error(&said).1.contains("your company may be inspecting"), "{said}");
}

#[tokio::test]
async fn a_proxy_that_drops_what_it_is_asked_is_told_from_one_that_is_none() {
    let company = company().await;
    let cases = [
        (Rule::HangsUp, "proxy_unreachable", "hangs up when it is asked for service.invalid"),
        (Rule::Says("SSH-2.0-x\r\n"), "proxy_unreachable", "is no proxy"),
        (Rule::Cuts, "unreachable", "agrees to lead to service.invalid, and then the line is cut"),
    ];
    for (rule, code, words) in cases {
        let proxy = company.proxy(rule).await;
        let said = said(company.endpoint(through(&proxy, None))).await;
        assert_eq!(error(&said).0, code, "{said}");
        assert!(error(&said).1.contains(words) && error(&said).1.contains(&proxy.at.to_string()), "{said}");
    }
}

#[tokio::test]
async fn a_proxy_behind_tls_is_trusted_by_the_companys_certificate_alone() {
    let company = company().await;
    let proxy = company.proxy(Rule::SignIn(BASIC.to_owned())).await;
    let front = company.authority.serve("localhost", proxy.at).await;
    let own = Proxy::at(&format!("https://localhost:{}", front.port())).expect("a proxy");
    let network = Network::system(SystemProxy::default());
    let network = network.through(own.with_sign_in("aladdin", Some(Secret::new(PASSWORD))));
    let answer = said(company.endpoint(network.clone())).await;
    assert!(answer["result"].is_object(), "{answer}");
    let untrusted = company.endpoint(network.clone()).with_network(network);
    let answer = said(untrusted).await;
    assert_eq!(error(&answer).0, "tls_not_trusted", "{answer}");
    assert!(error(&answer).1.contains(&format!("localhost:{}", front.port())), "which one is not trusted: {answer}");
}

#[tokio::test]
async fn a_proxy_that_takes_a_password_no_more_is_told_once_it_refuses_it() {
    let service = Service::start(|asked| Reply::json(result(asked, "{}")).header("connection", "close")).await;
    let company = Company { service, ..company().await };
    let back = company.service.origin().replace("http://", "").parse().expect("an address");
    let there = company.authority.serve("service.invalid", back).await;
    let rule = Rule::SignInTimes(BASIC.to_owned(), 1);
    let proxy = TestProxy::start(rule, &[("service.invalid:443", there)]).await;
    let mut app = App::start(&Keychain::with(Ok(company.endpoint(through(&proxy, Some(PASSWORD))))));
    assert!(app.request(1, "ping").await["result"].is_object());
    let said = app.request(2, "ping").await;
    assert_eq!(error(&said).0, "proxy_sign_in_refused", "{said}");
    assert!(error(&said).1.contains(&proxy.at.to_string()) && !said.to_string().contains("canary"), "{said}");
}

/// A network as KDE's settings name it.
fn of_desktop(settings: &str) -> Network {
    patchbay_core::wire::bring_engine();
    let home = patchbay_test_support::Home::new();
    let mut host = patchbay_core::Host::bare(patchbay_core::Platform::Linux, home.path(), jiff::Timestamp::now());
    host.env.insert("XDG_CURRENT_DESKTOP".into(), "KDE".into());
    std::fs::create_dir_all(home.path().join(".config")).expect("made");
    std::fs::write(home.path().join(".config/kioslaverc"), format!("[Proxy Settings]\n{settings}")).expect("written");
    Network::system(SystemProxy::of_host(&host))
}

#[tokio::test]
async fn the_bridge_goes_as_a_proxy_script_says_and_asks_it_once() {
    let company = company().await;
    let proxy = company.proxy(Rule::Open).await;
    let text = format!("function FindProxyForURL(url, host) {{ return 'PROXY {}' }}", proxy.at);
    let script = Page::script(text).await;
    let settings = format!("ProxyType=2\nProxy Config Script=http://{}/proxy.pac\n", script.at);
    let mut app = App::start(&Keychain::with(Ok(company.endpoint(of_desktop(&settings)))));
    let said = app.ask(INITIALIZE).await;
    assert!(said["result"].is_object(), "{said}");
    assert!(app.request(2, "ping").await["result"].is_object());
    assert!(!proxy.heads().is_empty() && script.heads().len() == 1, "{:?}", script.heads());
    assert!(!script.heads()[0].contains("canary"), "{:?}", script.heads());
}

#[tokio::test]
async fn a_proxy_script_that_tells_no_way_is_named_where_nobody_is_reached() {
    let company = company().await;
    let broken = Page::script("function FindProxyForURL() { return nonsense }").await;
    let gone = Page::start(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".to_vec(), false).await;
    let at = |page: &Page| format!("ProxyType=2\nProxy Config Script=http://{}/proxy.pac\n", page.at);
    let cases = [
        (at(&broken), format!("(http://{}/proxy.pac) is broken: ReferenceError", broken.at)),
        (at(&gone), "cannot be had: the answer is 404. Are you in the network".to_owned()),
        ("ProxyType=3\n".to_owned(), "in the network by itself, which Patchbay does not do".to_owned()),
    ];
    for (settings, words) in cases {
        let said = said(company.endpoint(of_desktop(&settings))).await;
        assert_eq!(error(&said).0, "unreachable", "{said}");
        assert!(error(&said).1.contains(&words), "{said}");
    }
}

#[tokio::test]
async fn a_network_that_is_set_right_counts_without_a_restart_of_the_app() {
    let company = company().await;
    let proxy = company.proxy(Rule::SignIn(BASIC.to_owned())).await;
    let keychain = Keychain::with(Ok(company.endpoint(through(&proxy, None))));
    let mut app = App::start(&keychain);
    assert_eq!(error(&app.ask(INITIALIZE).await).0, "proxy_sign_in_needed");
    keychain.answer(Ok(company.endpoint(through(&proxy, Some(PASSWORD)))));
    let said = app.ask(INITIALIZE).await;
    assert!(said["result"].is_object(), "{said}");
}

#[tokio::test]
async fn what_is_excepted_and_what_is_on_this_computer_goes_past_the_proxy() {
    let company = company().await;
    let proxy = company.proxy(Rule::Open).await;
    let network = through(&proxy, None).except(Except::lenient(".invalid"));
    assert_eq!(error(&said(company.endpoint(network)).await).0, "unreachable", "nobody knows the name");
    let near = Endpoint::new(&company.service.url()).expect("an address");
    let near = near.with_auth(&AuthHeader::default(), &Secret::new(TOKEN)).expect("a header");
    let said = said(near.with_network(through(&proxy, None))).await;
    assert!(said["result"].is_object(), "{said}");
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
}
