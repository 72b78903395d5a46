//! Signing in by OAuth against a service that does exactly as told, on this computer.

#[path = "oauth/bound.rs"]
pub(crate) mod bound;
#[path = "oauth/clients.rs"]
mod clients;
#[path = "oauth/company.rs"]
mod company;
#[path = "oauth/faults.rs"]
mod faults;
/// A company's identity provider.
#[path = "oauth/idp.rs"]
pub(crate) mod idp;
#[path = "oauth/platform.rs"]
mod platform;
#[path = "oauth/renewal.rs"]
mod renewal;
/// The service: it registers clients, signs in whoever comes, rotates its tokens and revokes them all at a reuse.
#[path = "oauth/service.rs"]
pub(crate) mod service;
#[path = "oauth/stumbling.rs"]
mod stumbling;
#[path = "oauth/trust.rs"]
mod trust;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patchbay_core::Code;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{self, Held, Manner, OwnClient, Refusal, Signed, Step, Want};
use patchbay_core::secret::{Key, Secret, SecretStore};
use patchbay_core::wire::{Endpoint, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use service::{Rules, Service};

fn want(service: &Service) -> Want {
    let endpoint = Endpoint::new(&service.url()).expect("an address");
    Want { endpoint, grant: Grant::AuthorizationCode, client: None, scopes: Vec::new(), voucher: None }
}

fn own(id: &str, secret: &str) -> OwnClient {
    OwnClient { id: id.to_owned(), secret: Some(Secret::new(secret)) }
}

/// Where the page sends the browser.
pub(crate) async fn sent_back(page: &str) -> String {
    let answer = visit(page).await;
    let place = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a redirect");
    place.to_owned()
}

/// Asks a page on this computer as a browser would; its status line, headers and body.
pub(crate) async fn visit(address: &str) -> String {
    let rest = address.strip_prefix("http://").expect("an address here");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).await.expect("somebody listens");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// Signs in with a browser that does `go` at the page.
async fn sign_in_with<F: Future<Output = ()> + Send + 'static>(
    want: &Want,
    manner: &Manner<'_>,
    go: impl Fn(String) -> F,
) -> patchbay_core::Result<Signed> {
    let signed = oauth::sign_in_as(want, manner, |step| {
        if let Step::Browser(page) = step {
            tokio::spawn(go(page.into()));
        }
    });
    tokio::time::timeout(Duration::from_secs(20), signed).await.expect("it ends by itself")
}

/// Signs in with a browser that goes where it is sent.
async fn sign_in(want: &Want, manner: &Manner<'_>) -> patchbay_core::Result<Signed> {
    sign_in_with(want, manner, |page| async move {
        visit(&sent_back(&page).await).await;
    })
    .await
}

/// A sign-in that stands in a keychain.
struct Kept {
    store: SecretStore,
    key: Key,
    folder: tempfile::TempDir,
    endpoint: Endpoint,
}

impl Kept {
    async fn with(want: &Want) -> Self {
        let signed = sign_in(want, &Manner::default()).await.expect("signed in");
        let store = SecretStore::with_store(keyring_core::mock::Store::new().expect("a mock keychain"));
        let key = Key::new("t-1", &want.endpoint.origin());
        store.write(&key, &signed.held.0).await.expect("written");
        Self { store, key, folder: tempfile::tempdir().expect("a folder"), endpoint: want.endpoint.clone() }
    }

    async fn access(&self, refused: Option<&Secret>) -> patchbay_core::Result<Secret> {
        let access = oauth::access(&self.store, &self.key, self.folder.path(), &self.endpoint, refused).await;
        access.map(|access| access.token)
    }

    /// Lets it have been received so many seconds earlier.
    async fn age(&self, seconds: i64) {
        let mut bundle: serde_json::Value = serde_json::from_str(self.held().await.0.expose()).expect("JSON");
        let received: jiff::Timestamp = bundle["received"].as_str().expect("a time").parse().expect("a time");
        bundle["received"] = serde_json::json!(received - jiff::SignedDuration::from_secs(seconds));
        self.store.write(&self.key, &Secret::new(bundle.to_string())).await.expect("written");
    }

    async fn held(&self) -> Held {
        Held(self.store.read(&self.key).await.expect("it answers").expect("something"))
    }
}

#[tokio::test]
async fn the_code_that_the_browser_brings_reaches_no_log() {
    for wanted in ["trace", "rmcp=debug", "rmcp::transport::auth=trace"] {
        let log = crate::log::Log::default();
        let logging = log.begin(wanted);
        let service = Service::start(Rules::default()).await;
        sign_in(&want(&service), &Manner::default()).await.expect("signed in");
        tracing::error!("the end");
        drop(logging);
        let text = log.text();
        assert!(!text.contains("one-time-code"), "{wanted}: {text}");
        assert!(wanted != "trace" || text.contains("the end"), "it was logged");
    }
}

#[tokio::test]
async fn tokens_are_asked_for_the_resource_that_the_service_names_with_its_scopes() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    kept.access(Some(&first)).await.expect("another");
    let authorize = service.asked("/authorize");
    assert!(authorize[0].contains("scope=read+write") && authorize[0].contains("code_challenge_method=S256"));
    let resource = format!("resource={}", url_encoded(&service.url()));
    assert!(authorize[0].contains(&resource), "{authorize:?}");
    let tokens = service.asked("/token");
    assert!(tokens.len() == 2 && tokens.iter().all(|body| body.contains(&resource)), "{tokens:?}");
}

fn url_encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

#[tokio::test]
async fn a_sign_in_longer_than_an_item_of_the_keychain_is_kept_replaced_and_deleted_as_a_whole() {
    let items = keyring_core::mock::Store::new().expect("a mock keychain");
    let store = SecretStore::with_store(items.clone());
    let key = Key::new("t-1", "https://a.example");
    for length in [2560, 2561, 9000, 30_000, 10, 5200] {
        let long = Secret::new("é".repeat(length / 2));
        store.write(&key, &long).await.expect("written");
        assert_eq!(store.read(&key).await.expect("it answers"), Some(long), "{length}");
    }
    store.delete(&key).await.expect("deleted");
    assert_eq!(store.read(&key).await.expect("it answers"), None);
    assert_eq!(
        store.write(&key, &Secret::new("x".repeat(50_000))).await.expect_err("too long").code,
        Code::TokenTooLong
    );
}

#[tokio::test]
async fn only_the_right_path_and_state_end_the_wait() {
    let service = Service::start(Rules::default()).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let (wanted, manner) = (want(&service), Manner::default());
    let signed = sign_in_with(&wanted, &manner, move |page| {
        let log = log.clone();
        async move {
            let back = sent_back(&page).await;
            let base = back.split("/callback").next().expect("an origin").to_owned();
            let _half_open = TcpStream::connect(base.strip_prefix("http://").expect("http")).await.expect("open");
            for other in ["/favicon.ico", "/callback?state=wrong&code=x", "/callback?error=access_denied", "/callback"]
            {
                let answer = visit(&format!("{base}{other}")).await;
                log.lock().expect("unpoisoned").push(answer);
            }
            let answer = visit(&back).await;
            log.lock().expect("unpoisoned").push(answer);
        }
    });
    signed.await.expect("signed in");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let seen = seen.lock().expect("unpoisoned");
    let status: Vec<_> = seen.iter().map(|answer| answer.split(' ').nth(1).expect("a status")).collect();
    assert_eq!(status, ["404", "400", "400", "400", "200"]);
    assert!(seen[4].contains("You can close this window."));
    assert!(seen.iter().all(|answer| answer.contains("default-src 'none'") && answer.contains("no-store")));
}

#[tokio::test]
async fn a_sign_in_that_is_stopped_closes_its_page() {
    let service = Service::start(Rules::default()).await;
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let wanted = want(&service);
    let task = tokio::spawn(async move {
        oauth::sign_in(&wanted, |step| {
            if let Step::Browser(page) = step {
                send.send(page).expect("heard");
            }
        })
        .await
    });
    let back = sent_back(receive.recv().await.expect("a page").as_str()).await;
    task.abort();
    assert!(task.await.expect_err("stopped").is_cancelled());
    let host = back.strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("a host").to_owned();
    assert!(TcpStream::connect(host).await.is_err(), "nobody listens any more");
    assert_eq!(service.count("/token"), 0);
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_said() {
    let service = Service::start(Rules::default()).await;
    let manner = Manner { patience: Some(Duration::from_millis(200)), ..Manner::default() };
    let begun = Instant::now();
    let failed = sign_in_with(&want(&service), &manner, |_| async {}).await.expect_err("nobody came");
    assert_eq!(failed.code, Code::SignInTimeout);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn what_the_service_or_the_user_refuses_is_told_and_brings_no_token() {
    type Spoil = fn(&mut Rules);
    let cases: [(Spoil, Code); 6] = [
        (|rules| rules.proves = false, Code::SignInNotOffered),
        (|rules| rules.denies = true, Code::SignInRefused),
        (|rules| rules.issuer_back = Some("https://elsewhere.example".to_owned()), Code::SignInRefused),
        (|rules| rules.registers = false, Code::SignInNotOffered),
        (|rules| rules.offers = false, Code::SignInNotOffered),
        (|rules| rules.token_endpoint = Some("http://elsewhere.example/token".to_owned()), Code::AddressNotHttps),
    ];
    for (number, (rule, code)) in cases.into_iter().enumerate() {
        let mut rules = Rules::default();
        rule(&mut rules);
        let service = Service::start(rules).await;
        let failed = sign_in(&want(&service), &Manner::default()).await.expect_err("refused");
        assert_eq!(failed.code, code, "{number}: {failed}");
        assert_eq!(service.count("/token"), 0, "{number}");
    }
}

#[tokio::test]
async fn the_client_of_last_time_is_used_again_and_an_own_one_is_never_replaced() {
    let service = Service::start(Rules::default()).await;
    let first = sign_in(&want(&service), &Manner::default()).await.expect("signed in");
    let manner = Manner { before: Some(&first.held), ..Manner::default() };
    let second = sign_in(&want(&service), &manner).await.expect("signed in");
    assert_eq!(service.count("/register"), 1);
    assert_eq!(second.sign_in.client_id, first.sign_in.client_id);
    assert!(!second.sign_in.own_client);

    let wanted = Want { client: Some(own("mine", "canary-secret")), ..want(&service) };
    let third = sign_in(&wanted, &manner).await.expect("signed in");
    assert_eq!((third.sign_in.client_id.as_str(), third.sign_in.own_client), ("mine", true));
    assert_eq!(third.held.client_secret(), Some(Secret::new("canary-secret")));
    assert_eq!(service.count("/register"), 1);
}

#[tokio::test]
async fn a_client_with_a_secret_needs_no_person_now_or_later() {
    let service = Service::start(Rules { lasts: Some(1), ..Rules::default() }).await;
    let wanted =
        Want { grant: Grant::ClientCredentials, client: Some(own("robot", "canary-secret")), ..want(&service) };
    let kept = Kept::with(&wanted).await;
    let first = kept.access(None).await.expect("a token");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = kept.access(None).await.expect("another");
    assert_ne!(first, second);
    assert_eq!((service.count("/authorize"), service.count("/token")), (0, 2));
    service.change(|rules| rules.forgets = true);
    assert_eq!(kept.access(Some(&second)).await.expect_err("withdrawn").code, Code::SignInNeeded);
}

#[tokio::test]
async fn signing_out_revokes_both_tokens_where_the_service_offers_that() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let token = kept.access(None).await.expect("a token");
    assert!(oauth::sign_out(&kept.held().await, &kept.endpoint).await);
    assert_eq!(service.count("/revoke"), 2);
    assert!(!service.takes(&token));
    assert!(!oauth::sign_out(&Held(Secret::new("pasted")), &kept.endpoint).await, "a pasted token is not a sign-in");
}

#[tokio::test]
async fn no_token_and_no_secret_is_shown_anywhere() {
    let service = Service::start(Rules { repeats: true, ..Rules::default() }).await;
    let wanted = Want { client: Some(own("mine", "canary-secret-0123456789")), ..want(&service) };
    let signed = sign_in(&wanted, &Manner::default()).await.expect("signed in");
    let kept = Kept::with(&wanted).await;
    let first = kept.access(None).await.expect("a token");
    service.change(|rules| rules.forgets = true);
    let failed = kept.access(Some(&first)).await.expect_err("ended");
    let shown = format!("{signed:?} {wanted:?} {failed:?} {failed} {:?}", kept.held().await);
    assert!(failed.message.contains("bad token"), "the service's own words: {failed}");
    for secret in service.secrets().iter().map(String::as_str).chain(["canary-secret-0123456789"]) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_refusal_says_whether_a_sign_in_or_more_permissions_would_help() {
    let endpoint = Endpoint::new("https://a.example/mcp").expect("an address");
    let said = |status: u16, challenge: &str| {
        let mut headers = header::HeaderMap::new();
        if !challenge.is_empty() {
            headers.insert(header::WWW_AUTHENTICATE, challenge.parse().expect("a header"));
        }
        let refusal = Refusal::of(&endpoint, StatusCode::from_u16(status).expect("a status"), &headers);
        refusal.map(|refusal| (refusal.offers_sign_in, refusal.scopes))
    };
    let more = r#"Bearer error="insufficient_scope", scope="write admin""#;
    assert_eq!(said(403, more), Some((true, vec!["write".to_owned(), "admin".to_owned()])));
    assert_eq!(said(403, r#"Bearer error="invalid_token""#), None);
    assert_eq!(said(403, ""), None);
    assert_eq!(said(401, ""), Some((false, Vec::new())));
    let metadata = r#"Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource""#;
    assert_eq!(said(401, metadata), Some((true, Vec::new())));
    assert_eq!(said(200, metadata), None);
}

#[tokio::test]
async fn why_a_sign_in_cannot_be_is_said_in_plain_words_with_one_next_step() {
    type Spoil = fn(&mut Rules);
    const NONE: &str = "This service offers no sign-in that Patchbay can use: ";
    let refusal = r#"{"error":"invalid_redirect_uri","error_description":"Only\u001b[31m https\u001b[0m here."}"#;
    let cases: [(Spoil, String, &str); 4] = [
        (
            |rules| rules.authorization_endpoint = Some("/authorize".to_owned()),
            format!("{NONE}an address that it names for signing in is none."),
            "Use a token instead.",
        ),
        (
            |rules| rules.resource = Some("https://other.example/mcp".to_owned()),
            format!("{NONE}what it says of signing in is about another address."),
            "Use a token instead.",
        ),
        (
            |_| {},
            "This service registers no new program by itself. It says: Only [31m https [0m here.".to_owned(),
            "Ask the service for a client ID, and give it when you sign in.",
        ),
        (
            |rules| {
                rules.open = true;
                rules.offers = false;
            },
            "This service takes callers without a sign-in.".to_owned(),
            "Use it without one.",
        ),
    ];
    for (number, (spoil, message, hint)) in cases.into_iter().enumerate() {
        let mut rules = Rules::default();
        spoil(&mut rules);
        rules.no_registration = (number == 2).then(|| refusal.to_owned());
        let service = Service::start(rules).await;
        let failed = sign_in(&want(&service), &Manner::default()).await.expect_err("no sign-in");
        assert_eq!((failed.code, failed.message), (Code::SignInNotOffered, message));
        assert_eq!(failed.hint.as_deref(), Some(hint));
    }
}
