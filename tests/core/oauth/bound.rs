//! Sign-ins that are bound to a key (RFC 9449), at a service that looks at every proof.

use std::sync::{Arc, Mutex, MutexGuard};

use patchbay_core::connection::{AuthHeader, Grant};
use patchbay_core::oauth::{self, Access, Held, Manner, OwnClient, Signed, Want};
use patchbay_core::probe::{self, Limits, Probe, Speaks, Verdict};
use patchbay_core::secret::{Key, Secret, SecretStore};
use patchbay_core::wire::Endpoint;
use patchbay_test_support::proof::Proof;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::sign_in;

/// How the service is today.
pub(crate) struct Rules {
    /// What its 401 begins with.
    pub(crate) scheme: &'static str,
    /// The signatures that it lists.
    pub(crate) lists: Option<Value>,
    /// The kind of token that it gives.
    pub(crate) gives: &'static str,
    /// The nonces that it wants to see where tokens are given, and with tokens.
    pub(crate) nonces: (Option<String>, Option<String>),
    /// So many seconds its clock is ahead.
    pub(crate) ahead: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { scheme: "DPoP", lists: Some(json!(["ES256"])), gives: "DPoP", nonces: (None, None), ahead: 0 }
    }
}

#[derive(Default)]
struct State {
    rules: Rules,
    /// The thumbprints named in addresses to sign in at.
    named: Vec<String>,
    /// The proofs, as they came, where tokens are given and with tokens.
    given: Vec<Option<Proof>>,
    shown: Vec<Proof>,
    texts: Vec<String>,
}

pub(crate) struct Service {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

struct Router(Arc<Mutex<State>>, String);

impl Service {
    pub(crate) async fn start(rules: Rules) -> Self {
        let server = MockServer::start().await;
        let state = Arc::new(Mutex::new(State { rules, ..State::default() }));
        Mock::given(any()).respond_with(Router(state.clone(), server.uri())).mount(&server).await;
        Self { server, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.server.uri())
    }

    fn want(&self) -> Want {
        let endpoint = Endpoint::new(&self.url()).expect("an address");
        Want { endpoint, grant: Grant::AuthorizationCode, client: None, scopes: Vec::new(), voucher: None }
    }

    async fn signed(&self) -> Signed {
        sign_in(&self.want(), &Manner::default()).await.expect("signed in")
    }

    /// The keys that were shown where tokens are given.
    fn keys(&self) -> Vec<String> {
        self.state().given.iter().flatten().map(|proof| proof.key.clone()).collect()
    }
}

impl Respond for Router {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (mut state, origin) = (self.0.lock().expect("unpoisoned"), &self.1);
        let reply = match request.url.path() {
            "/mcp" => state.serve(request, origin),
            "/.well-known/oauth-protected-resource/mcp" => ok(&json!({
                "resource": format!("{origin}/mcp"), "authorization_servers": [origin] })),
            "/.well-known/oauth-authorization-server" => ok(&state.metadata(origin)),
            "/register" => {
                let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
                let made = json!({ "client_id": "client", "redirect_uris": asked["redirect_uris"] });
                ResponseTemplate::new(201).set_body_json(made)
            }
            "/authorize" => state.authorize(request),
            "/token" => state.give(request, origin),
            _ => ResponseTemplate::new(404),
        };
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(state.rules.ahead);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).expect("a date");
        reply.insert_header("date", date.as_str())
    }
}

fn ok(value: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(value)
}

fn query(request: &Request, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).and_then(|value| value.to_str().ok())
}

impl State {
    fn metadata(&self, origin: &str) -> Value {
        let mut all = json!({ "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token?of=all"), "registration_endpoint": format!("{origin}/register"),
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"] });
        if let Some(lists) = &self.rules.lists {
            all["dpop_signing_alg_values_supported"] = lists.clone();
        }
        all
    }

    fn authorize(&mut self, request: &Request) -> ResponseTemplate {
        self.named.extend(query(request, "dpop_jkt"));
        let mut back = url::Url::parse(&query(request, "redirect_uri").expect("a place")).expect("an address");
        let state = query(request, "state").expect("a state");
        back.query_pairs_mut().append_pair("state", &state).append_pair("code", "one-time-code");
        ResponseTemplate::new(302).insert_header("location", back.as_str())
    }

    /// Whether a proof is of this minute, as this service knows it.
    fn is_of_now(&self, proof: &Proof) -> bool {
        (proof.made() - self.rules.ahead - jiff::Timestamp::now().as_second()).abs() < 60
    }

    fn give(&mut self, request: &Request, origin: &str) -> ResponseTemplate {
        let no = |error: &str| ResponseTemplate::new(400).set_body_json(json!({ "error": error }));
        let proof = header(request, "dpop").map(|text| {
            self.texts.push(text.to_owned());
            Proof::of(text, "POST", &format!("{origin}/token"), None).expect("a proof")
        });
        self.given.push(proof.clone());
        if let Some(proof) = &proof {
            if proof.nonce() != self.rules.nonces.0.as_deref() {
                return no("use_dpop_nonce").insert_header("dpop-nonce", self.rules.nonces.0.as_deref().unwrap_or(""));
            }
            if !self.is_of_now(proof) {
                return no("invalid_dpop_proof");
            }
        }
        let n = self.given.len();
        ok(&json!({ "access_token": format!("canary-access-{n:06}"), "refresh_token": format!("canary-refresh-{n:06}"),
            "token_type": self.rules.gives, "expires_in": 3600 }))
    }

    fn serve(&mut self, request: &Request, origin: &str) -> ResponseTemplate {
        let place = format!("{origin}/.well-known/oauth-protected-resource/mcp");
        let no = |error: &str| {
            let said = format!("{} resource_metadata=\"{place}\"{error}", self.rules.scheme);
            ResponseTemplate::new(401).insert_header("www-authenticate", said.as_str())
        };
        let Some((scheme, token)) = header(request, "authorization").and_then(|sent| sent.split_once(' ')) else {
            return no("");
        };
        if scheme != self.rules.gives || !token.starts_with("canary-access-") {
            return no(", error=\"invalid_token\"");
        }
        if scheme == "DPoP" {
            let text = header(request, "dpop").unwrap_or_default();
            let method = request.method.as_str();
            let proof = Proof::of(text, method, &format!("{origin}/mcp"), Some(token)).expect("a proof");
            self.texts.push(text.to_owned());
            self.shown.push(proof.clone());
            if proof.nonce() != self.rules.nonces.1.as_deref() {
                let nonce = self.rules.nonces.1.as_deref().unwrap_or("");
                return no(", error=\"use_dpop_nonce\"").insert_header("dpop-nonce", nonce);
            }
            if !self.is_of_now(&proof) {
                return no(", error=\"invalid_dpop_proof\"");
            }
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        ok(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "protocolVersion": "2025-11-25", "tools": [],
            "capabilities": { "tools": {} }, "serverInfo": { "name": "s", "version": "1" } } }))
    }
}

/// A sign-in in a keychain.
struct Kept {
    store: SecretStore,
    key: Key,
    folder: tempfile::TempDir,
    endpoint: Endpoint,
}

impl Kept {
    async fn of(service: &Service, held: &Held) -> Self {
        let store = SecretStore::with_store(keyring_core::mock::Store::new().expect("a mock keychain"));
        let endpoint = service.want().endpoint;
        let key = Key::new("t-1", &endpoint.origin());
        store.write(&key, &held.0).await.expect("written");
        Self { store, key, folder: tempfile::tempdir().expect("a folder"), endpoint }
    }

    async fn access(&self, refused: Option<&Secret>) -> patchbay_core::Result<Access> {
        oauth::access(&self.store, &self.key, self.folder.path(), &self.endpoint, refused).await
    }

    fn reached_with(&self, access: &Access) -> Endpoint {
        access.on(self.endpoint.clone(), &AuthHeader::default()).expect("an endpoint")
    }

    async fn verdict(&self, access: &Access) -> Verdict {
        let endpoint = self.reached_with(access);
        let probe = Probe { endpoint, tool: None, has_token: true, speaks: Speaks::ALL, limits: Limits::default() };
        probe::probe(&probe, jiff::Timestamp::now(), |_| {}).await.verdict
    }
}

fn bundle(held: &Held) -> Value {
    serde_json::from_str(held.0.expose()).expect("JSON")
}

#[tokio::test]
async fn a_sign_in_its_renewals_and_the_check_show_one_key_and_the_next_sign_in_has_another() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::of(&service, &service.signed().await.held).await;
    let access = kept.access(None).await.expect("a token");
    assert_eq!(kept.verdict(&access).await, Verdict::Working);
    let renewed = kept.access(Some(&access.token)).await.expect("another token");
    assert_ne!(renewed.token, access.token);
    assert_eq!(kept.verdict(&renewed).await, Verdict::Working);
    let keys = service.keys();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]), "the renewal keeps the key");
    assert_eq!(service.state().named, keys[..1], "the code is bound to it too");
    assert!(service.state().shown.iter().all(|proof| proof.key == keys[0]));
    let mut ids: Vec<_> = service.state().shown.iter().map(Proof::id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert!(count > 4 && ids.len() == count, "a proof came twice");
    service.signed().await;
    assert_ne!(service.keys().last(), Some(&keys[0]));
}

#[tokio::test]
async fn nonces_are_put_into_proofs_wherever_they_are_wanted_and_whenever_they_change() {
    let nonces = (Some("at-the-door".to_owned()), Some("inside".to_owned()));
    let service = Service::start(Rules { nonces, ..Rules::default() }).await;
    let kept = Kept::of(&service, &service.signed().await.held).await;
    let access = kept.access(None).await.expect("a token");
    assert_eq!(service.state().given.len(), 2, "asked once more");
    assert_eq!(kept.verdict(&access).await, Verdict::Working);
    let first = service.state().shown.iter().filter(|proof| proof.nonce().is_none()).count();
    assert_eq!(first, 1, "it is kept for the requests that follow");
    service.state().rules.nonces = (Some("another".to_owned()), Some("another".to_owned()));
    let renewed = kept.access(Some(&access.token)).await.expect("another token");
    assert_eq!(kept.verdict(&renewed).await, Verdict::Working);
}

#[tokio::test]
async fn a_computer_whose_clock_is_wrong_signs_in_all_the_same() {
    for ahead in [86_400, -3600] {
        let service = Service::start(Rules { ahead, ..Rules::default() }).await;
        let kept = Kept::of(&service, &service.signed().await.held).await;
        let access = kept.access(None).await.expect("a token");
        assert_eq!(kept.verdict(&access).await, Verdict::Working, "{ahead}");
    }
}

#[tokio::test]
async fn a_bearer_token_in_the_place_of_a_bound_one_is_sent_as_such() {
    let service = Service::start(Rules { gives: "Bearer", ..Rules::default() }).await;
    let kept = Kept::of(&service, &service.signed().await.held).await;
    let access = kept.access(None).await.expect("a token");
    assert_eq!(service.keys().len(), 1, "it was offered");
    assert_eq!(kept.verdict(&access).await, Verdict::Working);
    service.state().rules.gives = "DPoP";
    let renewed = kept.access(Some(&access.token)).await.expect("another token");
    assert_eq!(kept.verdict(&renewed).await, Verdict::Working, "the next one may be bound");
}

#[tokio::test]
async fn a_bound_token_that_nobody_asked_for_is_refused_and_so_is_one_that_cannot_be_used() {
    let service = Service::start(Rules { scheme: "Bearer", ..Rules::default() }).await;
    let error = sign_in(&service.want(), &Manner::default()).await.expect_err("no sign-in");
    assert_eq!(error.code.as_str(), "sign_in_refused");
    assert!(error.message.contains("bound to a key"), "{}", error.message);
    assert_eq!((service.keys().len(), service.state().named.len()), (0, 0));

    let service = Service::start(Rules { lists: Some(json!(["PS256"])), ..Rules::default() }).await;
    let error = sign_in(&service.want(), &Manner::default()).await.expect_err("no sign-in");
    assert_eq!(error.code.as_str(), "sign_in_not_offered");
    assert!(service.state().given.is_empty(), "it is not begun");
}

#[tokio::test]
async fn a_sign_in_of_before_there_were_keys_goes_on_as_it_was() {
    let service = Service::start(Rules { scheme: "Bearer", gives: "Bearer", lists: None, ..Rules::default() }).await;
    let signed = service.signed().await;
    let held = bundle(&signed.held);
    assert!(held.get("key").is_none() && held.get("bound").is_none(), "nothing is added to it: {held}");
    let kept = Kept::of(&service, &signed.held).await;
    let access = kept.access(None).await.expect("a token");
    assert_eq!(kept.verdict(&access).await, Verdict::Working);
    assert!(service.state().given.iter().all(Option::is_none), "no key is shown");
}

#[tokio::test]
async fn a_client_with_a_secret_shows_its_key_each_time() {
    let service = Service::start(Rules::default()).await;
    let client = Some(OwnClient { id: "own".to_owned(), secret: Some(Secret::new("canary-client-secret")) });
    let want = Want { grant: Grant::ClientCredentials, client, ..service.want() };
    let signed = oauth::sign_in(&want, |_| {}).await.expect("signed in");
    let kept = Kept::of(&service, &signed.held).await;
    let access = kept.access(None).await.expect("a token");
    assert_eq!(kept.verdict(&access).await, Verdict::Working);
    let renewed = kept.access(Some(&access.token)).await.expect("another token");
    assert_eq!(kept.verdict(&renewed).await, Verdict::Working);
    let keys = service.keys();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn the_key_and_its_proofs_are_in_no_log_and_show_in_nothing() {
    let log = crate::log::Log::default();
    let logging = log.begin("trace");
    let nonces = (Some("at-the-door".to_owned()), Some("inside".to_owned()));
    let service = Service::start(Rules { nonces, ..Rules::default() }).await;
    let signed = service.signed().await;
    let kept = Kept::of(&service, &signed.held).await;
    let access = kept.access(None).await.expect("a token");
    kept.access(Some(&access.token)).await.expect("another token");
    kept.verdict(&access).await;
    tracing::error!("the end");
    drop(logging);
    let shown = format!("{signed:?} {access:?} {:?} {}", kept.reached_with(&access), log.text());
    assert!(shown.contains("the end"));
    let private = bundle(&signed.held)["key"].as_str().expect("a key").to_owned();
    let texts = service.state().texts.clone();
    assert!(texts.len() > 5);
    for secret in texts.iter().map(|text| text.rsplit('.').next().expect("a signature")).chain([private.as_str()]) {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_bound_token_is_lent_to_no_other_program() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::of(&service, &service.signed().await.held).await;
    let access = kept.access(None).await.expect("a token");
    let error = kept.reached_with(&access).lendable().expect_err("not lent");
    assert_eq!(error.code.as_str(), "wiring_unsupported");
    let plain = Access::from(access.token);
    kept.reached_with(&plain).lendable().expect("any other is");
}
