use std::collections::BTreeMap;
use std::net::SocketAddr;

use patchbay_core::api::message::{Answer, CheckedView, Connect, LeaveChoice, Request};
use patchbay_core::api::{SignInWith, ready_network};
use patchbay_core::connection::{NetworkChoice, ProxyChoice};
use patchbay_core::oauth::{self, Kept, Step};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Backend, Secret, SecretStore};
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error, Host, Platform};
use patchbay_test_support::network::{Authority, Proxy, Rule};

use crate::api::{World, world};
use crate::oauth::service::{Rules, Service};
use crate::oauth::{sent_back, visit};
use crate::probe::server::{modern, serve};

const PASSWORD: &str = "open-sesame-canary";
const BASIC: &str = "Basic YWxhZGRpbjpvcGVuLXNlc2FtZS1jYW5hcnk=";

/// A company's network: its authority, and a service that works as `service.invalid`.
pub(super) async fn company(world: &World) -> (Authority, SocketAddr) {
    let company = Authority::until(2090);
    let back = serve(modern).await.replace("http://", "").replace("/mcp", "");
    let there = company.serve("service.invalid", back.parse().expect("an address")).await;
    std::fs::write(world.home.path().join("company.pem"), company.pem()).expect("written");
    (company, there)
}

fn through(world: &World, proxy: &str, user: Option<&str>) -> NetworkChoice {
    let proxy = ProxyChoice::Own { address: proxy.to_owned(), user: user.map(str::to_owned), password: None };
    NetworkChoice { proxy, except: Vec::new(), certificates: vec![world.home.path().join("company.pem")] }
}

impl World {
    /// A connection to the practice service by its far name.
    pub(super) async fn far(&self, name: &str) {
        let url = "https://service.invalid/mcp".to_owned();
        let (_, token) = self.token(&["profile:read"]).await;
        let settings = BTreeMap::from([("url".into(), url)]);
        let far = Connect { provider: "custom".into(), name: name.into(), settings, places: vec![], ..self.notes() };
        self.connect(far, Some(&token)).await.expect("connected");
    }

    pub(super) async fn set(
        &self,
        id: Option<&str>,
        network: Option<NetworkChoice>,
        password: Option<&str>,
    ) -> Result<(), Error> {
        let request = Request::SetNetwork { id: id.map(str::to_owned), network, keep_password: password.is_none() };
        self.patchbay.call(request, password.map(Secret::new)).await.map(drop)
    }

    pub(super) async fn verdicts(&self) -> Vec<Verdict> {
        match self.do_it(Request::Check { ids: vec![] }).await {
            Ok(Answer::Reports(all)) => all.into_iter().map(|one| one.report.verdict).collect(),
            other => panic!("{other:?}"),
        }
    }

    async fn tested(&self, network: NetworkChoice, password: Option<&str>) -> Result<Vec<CheckedView>, Error> {
        let request = Request::TestNetwork { id: None, network: Some(network), keep_password: false };
        match self.patchbay.call(request, password.map(Secret::new)).await? {
            Answer::Reports(all) => Ok(all),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_choice_for_all_leads_through_the_proxy_and_its_password_stands_in_the_keychain_alone() {
    let world = world().await;
    let (_, there) = company(&world).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    world.far("One").await;
    world.set(None, Some(through(&world, &proxy.url(), Some("aladdin"))), Some(PASSWORD)).await.expect("set");
    assert_eq!(world.verdicts().await, [Verdict::Working]);
    assert_eq!(world.home.files_with(PASSWORD), Vec::<std::path::PathBuf>::new());
    assert_eq!(world.home.files_with("b3Blbi1zZXNhbWU"), Vec::<std::path::PathBuf>::new());
    assert_eq!(world.secrets(), 2, "a token and a password");
    let state = world.patchbay.state().expect("the state");
    assert!(state.importing.is_empty(), "nothing is left to be settled");
    world.set(None, None, None).await.expect("cleared");
    assert_eq!((world.secrets(), world.verdicts().await), (1, vec![Verdict::Unreachable]), "the password is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connections_own_choice_goes_first_and_the_certificates_of_all_count_for_it() {
    let world = world().await;
    let (_, there) = company(&world).await;
    let forbids = Proxy::start(Rule::Says("HTTP/1.1 403 No\r\n"), &[]).await;
    let opens = Proxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    world.far("One").await;
    world.far("Two").await;
    world.set(None, Some(through(&world, &forbids.url(), None)), None).await.expect("set");
    let own = NetworkChoice { certificates: vec![], ..through(&world, &opens.url(), None) };
    world.set(Some("two"), Some(own), None).await.expect("set");
    assert_eq!(world.verdicts().await, [Verdict::ProxyForbids, Verdict::Working]);
    let excepted = NetworkChoice { except: vec!["*.invalid".into()], ..through(&world, &opens.url(), None) };
    world.set(Some("two"), Some(excepted), None).await.expect("set");
    assert_eq!(world.verdicts().await[1], Verdict::ProxyNeeded);
    world.set(Some("two"), None, None).await.expect("cleared");
    assert_eq!(world.verdicts().await, [Verdict::ProxyForbids; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_on_for_the_same_proxy_and_name_only() {
    let world = world().await;
    let (_, there) = company(&world).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let other = Proxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    world.far("One").await;
    let choice = through(&world, &proxy.url(), Some("aladdin"));
    world.set(None, Some(choice.clone()), Some(PASSWORD)).await.expect("set");
    let more = NetworkChoice { except: vec!["intranet.example".into()], ..choice.clone() };
    world.set(None, Some(more), None).await.expect("kept");
    assert_eq!((world.verdicts().await, world.secrets()), (vec![Verdict::Working], 2));
    for (address, user) in [(other.url(), "aladdin"), (proxy.url(), "jafar")] {
        let refused = world.set(None, Some(through(&world, &address, Some(user))), None).await.expect_err("another");
        assert_eq!((refused.code, refused.field.as_deref()), (Code::ProxyPasswordMissing, Some("password")));
    }
    world.set(None, Some(choice), Some("wrong")).await.expect("set");
    assert_eq!(
        (world.verdicts().await, world.secrets()),
        (vec![Verdict::ProxySignInRefused], 2),
        "the old one is gone"
    );
    assert!(other.heads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unfit_is_refused_at_its_field_and_changes_nothing() {
    let world = world().await;
    company(&world).await;
    let good = through(&world, "proxy.example:3128", None);
    let cases = [
        ("proxy", through(&world, "ftp://x", None), None),
        ("except", NetworkChoice { except: vec!["10.0.0.0/99".into()], ..good.clone() }, None),
        ("certificates", NetworkChoice { certificates: vec!["/nowhere/ca.pem".into()], ..good.clone() }, None),
        ("user", through(&world, "proxy.example:3128", Some("a:b")), Some(PASSWORD)),
        ("user", good, Some(PASSWORD)),
    ];
    for (field, choice, password) in cases {
        let refused = world.set(None, Some(choice), password).await.expect_err(field);
        assert_eq!(refused.field.as_deref(), Some(field), "{refused:?}");
    }
    assert_eq!(world.patchbay.state().expect("the state").settings.network, NetworkChoice::default());
    assert_eq!(world.secrets(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_reaches_the_services_and_says_which_layer_fails_before_anything_is_kept() {
    let world = world().await;
    let (_, there) = company(&world).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    world.far("One").await;
    world.connected().await;
    let choice = through(&world, &proxy.url(), Some("aladdin"));
    let verdict =
        |all: Vec<CheckedView>| all.iter().map(|one| (one.id.clone(), one.report.verdict)).collect::<Vec<_>>();
    let tested = world.tested(choice.clone(), Some("wrong")).await.expect("tested");
    assert_eq!(verdict(tested), [("one".to_owned(), Verdict::ProxySignInRefused)], "what is here is not asked");
    let tested = world.tested(choice.clone(), Some(PASSWORD)).await.expect("tested");
    assert_eq!(verdict(tested), [("one".to_owned(), Verdict::Working)]);
    let distrusting = NetworkChoice { certificates: vec![], ..choice };
    let tested = world.tested(distrusting, Some(PASSWORD)).await.expect("tested");
    assert_eq!(verdict(tested), [("one".to_owned(), Verdict::TlsNotTrusted)]);
    assert_eq!(world.secrets(), 2, "no password is kept");
    assert_eq!(world.patchbay.state().expect("the state").settings.network, NetworkChoice::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_move_with_the_tokens_and_go_with_the_connection_and_when_patchbay_is_left() {
    let world = world().await;
    let (_, there) = company(&world).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    world.far("One").await;
    let choice = through(&world, &proxy.url(), Some("aladdin"));
    world.set(None, Some(choice.clone()), Some(PASSWORD)).await.expect("set");
    world.set(Some("one"), Some(choice), Some(PASSWORD)).await.expect("set");
    assert_eq!(world.secrets(), 3);
    world.patchbay.call(Request::VaultCreate, Some(Secret::new("a long passphrase"))).await.expect("a vault");
    assert_eq!((world.secrets(), world.verdicts().await), (0, vec![Verdict::Working]), "both are in the vault");
    world.do_it(Request::SetBackend { backend: Backend::Keychain }).await.expect("moved back");
    assert_eq!((world.secrets(), world.verdicts().await), (3, vec![Verdict::Working]));
    world.do_it(Request::Remove { id: "one".into(), expected: None }).await.expect("removed");
    assert_eq!(world.secrets(), 1, "the password for all is left");
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    let back = world.patchbay.state().expect("the state").connections[0].network.clone().expect("its own choice");
    assert!(matches!(back.proxy, ProxyChoice::Own { password: None, .. }), "it knows that the password is gone");
    world.do_it(Request::Leave { choice: LeaveChoice::default(), expected: None }).await.expect("left");
    assert_eq!(world.secrets(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_deleted_elsewhere_is_told() {
    let world = world().await;
    company(&world).await;
    world.far("One").await;
    let choice = through(&world, "proxy.example:3128", Some("aladdin"));
    world.set(None, Some(choice.clone()), Some(PASSWORD)).await.expect("set");
    let key = world.patchbay.state().expect("the state").settings.network.key().expect("a key");
    SecretStore::with_store(world.keychain.clone()).delete(&key).await.expect("deleted");
    assert_eq!(world.verdicts().await, [Verdict::ProxySignInNeeded]);
    std::fs::remove_file(world.home.path().join("company.pem")).expect("deleted");
    assert_eq!(world.verdicts().await, [Verdict::TlsNotTrusted], "a certificate file that is gone is told");
}

#[test]
fn what_is_on_this_computer_costs_no_look_at_files_and_keychain() {
    let host = Host::bare(Platform::Linux, "/nowhere", jiff::Timestamp::UNIX_EPOCH);
    let folder = tempfile::tempdir().expect("a folder");
    let mut state = patchbay_core::connection::state::StateFile::new(folder.path()).load().expect("a state").state;
    let own = |certificates: Vec<std::path::PathBuf>| NetworkChoice {
        proxy: ProxyChoice::Own {
            address: "http://proxy.example:3128".into(),
            user: Some("aladdin".into()),
            password: Some("n-00000000".into()),
        },
        except: vec!["near.example".into()],
        certificates,
    };
    state.settings.network = own(vec!["/nowhere/ca.pem".into()]);
    // A vault that was never made: whoever reads it fails.
    let secrets = SecretStore::system(folder.path(), Backend::Vault);
    let network = |state: &_, url: &str| ready_network(&host, state, &secrets, None, url).map(drop).map_err(|e| e.code);
    assert_eq!(network(&state, "http://127.0.0.1:9/mcp"), Ok(()));
    assert_eq!(network(&state, "https://far.example/mcp"), Err(Code::CertificateUnfit));
    state.settings.network = own(vec![]);
    assert!(network(&state, "https://far.example/mcp").is_err(), "here the password is needed");
    assert_eq!(network(&state, "https://near.example/mcp"), Ok(()), "here it is not");
    assert_eq!(network(&state, "https://localhost/mcp"), Ok(()));
}

/// Signs in by a browser for which the one who signs people in is the service's own address.
pub(super) async fn sign_in_at(world: &World, url: &str, service: &Service, login: &'static str) -> Result<(), Error> {
    let near = service.url().replace("/mcp", "");
    let tell = move |step| {
        if let Step::Browser(page) = step {
            let page = page.to_string().replace(login, &near);
            tokio::spawn(async move {
                visit(&sent_back(&page).await).await;
            });
        }
    };
    world.patchbay.sign_in_url(url, &SignInWith::default(), None, tell).await.map(drop)
}

pub(super) const LOGIN: &str = "https://login.invalid";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_people_in_is_reached_by_the_choice_also_where_the_service_needs_none_of_it() {
    for is_plain in [true, false] {
        let world = world().await;
        let service = Service::start(Rules { elsewhere: Some(LOGIN.to_owned()), ..Rules::default() }).await;
        let back = service.url().replace("http://", "").replace("/mcp", "").parse().expect("an address");
        let company = Authority::until(2090);
        std::fs::write(world.home.path().join("company.pem"), company.pem()).expect("written");
        let there = company.serve("login.invalid", back).await;
        let near = company.serve("localhost", back).await;
        let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("login.invalid:443", there)]).await;
        let choice = through(&world, &proxy.url(), Some("aladdin"));
        world.set(None, Some(choice), Some(PASSWORD)).await.expect("set");
        // Neither plain http nor https on this computer goes through a proxy.
        if !is_plain {
            service.change(|rules| rules.known_as = Some(format!("https://localhost:{}", near.port())));
        }
        let url = if is_plain { service.url() } else { format!("https://localhost:{}/mcp", near.port()) };
        sign_in_at(&world, &url, &service, LOGIN).await.expect("signed in");
        let asked = proxy.heads().len();
        assert!(asked > 0 && service.count("/token") == 1, "{:?}", proxy.heads());

        // As a bridge renews it.
        let (host, state) = (world.patchbay.host(), world.patchbay.state().expect("a state"));
        let secrets = SecretStore::with_store(world.keychain.clone());
        let network = ready_network(&host, &state, &secrets, None, &url).expect("a network");
        let endpoint = Endpoint::new(&url).expect("an address").with_network(network);
        let (key, folder) = (Kept::key(endpoint.url()), world.home.data());
        let first = oauth::access(&secrets, &key, &folder, &endpoint, None).await.expect("a token");
        let fresh = oauth::access(&secrets, &key, &folder, &endpoint, Some(&first.token)).await.expect("another");
        assert!(first.token != fresh.token && proxy.heads().len() > asked, "{:?}", proxy.heads());
        assert!(world.patchbay.sign_out_url(&url).await.expect("signed out"), "also that goes through the proxy");
    }
}

/// Who signs people in at an address of a company's own network, reached and trusted as the choice wants it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_people_in_may_be_at_an_address_of_a_private_network_if_that_is_protected() {
    for (login, host) in [("https://10.1.2.3", "10.1.2.3"), ("https://intranet", "intranet")] {
        let world = world().await;
        let service = Service::start(Rules { elsewhere: Some(login.to_owned()), ..Rules::default() }).await;
        let back = service.url().replace("http://", "").replace("/mcp", "").parse().expect("an address");
        let company = Authority::until(2090);
        std::fs::write(world.home.path().join("company.pem"), company.pem()).expect("written");
        let there = company.serve(host, back).await;
        let proxy = Proxy::start(Rule::Open, &[(&format!("{host}:443"), there)]).await;
        world.set(None, Some(through(&world, &proxy.url(), None)), None).await.expect("set");
        sign_in_at(&world, &service.url(), &service, login).await.expect(login);
        assert!(!proxy.heads().is_empty() && service.count("/token") == 1, "{:?}", proxy.heads());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_people_in_without_protection_is_refused_by_name() {
    for login in ["http://10.1.2.3", "http://intranet"] {
        let world = world().await;
        let service = Service::start(Rules { elsewhere: Some(login.to_owned()), ..Rules::default() }).await;
        let refused = sign_in_at(&world, &service.url(), &service, login).await.expect_err(login);
        assert_eq!(refused.code, Code::AddressNotHttps, "{refused:?}");
        assert!(refused.message.contains(login) && refused.message.contains("not encrypted"), "{refused:?}");
        assert!(refused.hint.is_some_and(|hint| hint.contains("https")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_a_private_network_that_says_it_is_somebody_else_signs_nobody_in() {
    let world = world().await;
    let login = "https://10.1.2.3";
    let service = Service::start(Rules { elsewhere: Some(login.to_owned()), ..Rules::default() }).await;
    let other = Service::start(Rules { elsewhere: Some("https://10.9.9.9".to_owned()), ..Rules::default() }).await;
    let back = other.url().replace("http://", "").replace("/mcp", "").parse().expect("an address");
    let company = Authority::until(2090);
    std::fs::write(world.home.path().join("company.pem"), company.pem()).expect("written");
    let there = company.serve("10.1.2.3", back).await;
    let proxy = Proxy::start(Rule::Open, &[("10.1.2.3:443", there)]).await;
    world.set(None, Some(through(&world, &proxy.url(), None)), None).await.expect("set");
    sign_in_at(&world, &service.url(), &service, login).await.expect_err("it is not the one who was named");
    assert_eq!((service.count("/token"), other.count("/token")), (0, 0));
}
