//! A company's identity provider on this computer.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use patchbay_core::secret::Secret;
use patchbay_core::wire::base64;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::service::field;

/// What it does.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// What it answers to an exchange, instead of an assertion.
    pub(crate) answer: Option<(u16, String)>,
    /// For whom its assertions are, instead of whom they were asked for.
    pub(crate) audience: Option<String>,
    /// Who it says that it is.
    pub(crate) issuer: Option<String>,
    /// How long its ID tokens are good, in seconds; an hour where nothing is said.
    pub(crate) lasts: Option<i64>,
    /// The nonce in its ID tokens, instead of what was asked for.
    pub(crate) nonce: Option<String>,
    pub(crate) token_endpoint: Option<String>,
}

struct State {
    rules: Rules,
    origin: String,
    log: Vec<(String, String)>,
    nonce: Option<String>,
    made: u32,
}

/// The identity provider, which knows the client `desk`.
pub(crate) struct Idp {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

struct Router(Arc<Mutex<State>>);

/// A statement that nobody signed.
pub(crate) fn statement(claims: &Value) -> Secret {
    let part = |text: &str| base64(text.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "");
    let head = r#"{"alg":"ES256","typ":"oauth-id-jag+jwt"}"#;
    Secret::new(format!("{}.{}.canary-signature", part(head), part(&claims.to_string())))
}

/// So many seconds from now, as claims say it.
pub(crate) fn after(seconds: i64) -> i64 {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).as_second()
}

impl Idp {
    pub(crate) async fn start(rules: Rules) -> Self {
        let server = MockServer::start().await;
        let state = State { rules, origin: server.uri(), log: Vec::new(), nonce: None, made: 0 };
        let state = Arc::new(Mutex::new(state));
        Mock::given(any()).respond_with(Router(state.clone())).mount(&server).await;
        Self { server, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }

    pub(crate) fn origin(&self) -> String {
        self.server.uri()
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Rules)) {
        how(&mut self.state().rules);
    }

    /// What was asked at a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        self.state().log.iter().filter(|(asked, _)| asked == path).map(|(_, what)| what.clone()).collect()
    }

    /// An ID token of it for `desk`.
    pub(crate) fn id_token(&self, seconds: i64) -> Secret {
        statement(&json!({ "iss": self.origin(), "aud": "desk", "sub": "me", "exp": after(seconds) }))
    }
}

impl Respond for Router {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("unpoisoned");
        let path = request.url.path().to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let said = if body.is_empty() { request.url.query().unwrap_or_default().to_owned() } else { body };
        let header = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        state.log.push((path.clone(), format!("{said}&header={header}")));
        match path.as_str() {
            "/.well-known/openid-configuration" => ResponseTemplate::new(200).set_body_json(state.metadata()),
            "/authorize" => state.authorize(&said),
            "/token" => state.token(&said),
            "/revoke" => ResponseTemplate::new(200),
            _ => ResponseTemplate::new(404),
        }
    }
}

impl State {
    fn metadata(&self) -> Value {
        let origin = &self.origin;
        let issuer = self.rules.issuer.as_ref().unwrap_or(origin);
        let token = self.rules.token_endpoint.clone().unwrap_or_else(|| format!("{origin}/token"));
        json!({ "issuer": issuer, "authorization_endpoint": format!("{origin}/authorize"), "token_endpoint": token,
            "revocation_endpoint": format!("{origin}/revoke"), "scopes_supported": ["openid", "offline_access"] })
    }

    fn authorize(&mut self, said: &str) -> ResponseTemplate {
        self.nonce = field(said, "nonce");
        let back = field(said, "redirect_uri").expect("a place to go back to");
        let mut back = url::Url::parse(&back).expect("an address");
        let state = field(said, "state").expect("a state");
        back.query_pairs_mut().append_pair("state", &state).append_pair("code", "canary-one-time-code");
        ResponseTemplate::new(302).insert_header("location", back.as_str())
    }

    fn token(&mut self, said: &str) -> ResponseTemplate {
        let grant = field(said, "grant_type").unwrap_or_default();
        if grant.ends_with(":token-exchange") {
            return self.exchange(said);
        }
        if !["authorization_code", "refresh_token"].contains(&grant.as_str()) {
            return ResponseTemplate::new(400).set_body_json(json!({ "error": "unsupported_grant_type" }));
        }
        self.made += 1;
        let nonce = self.rules.nonce.clone().or_else(|| self.nonce.clone());
        let exp = after(self.rules.lasts.unwrap_or(3600));
        let claims = json!({ "iss": self.origin, "aud": ["desk"], "exp": exp, "nonce": nonce, "n": self.made });
        let refresh = format!("canary-company-refresh-{}", self.made);
        let id_token = statement(&claims);
        ResponseTemplate::new(200)
            .set_body_json(json!({ "access_token": "x", "id_token": id_token.expose(), "refresh_token": refresh }))
    }

    fn exchange(&mut self, said: &str) -> ResponseTemplate {
        if let Some((status, body)) = &self.rules.answer {
            return ResponseTemplate::new(*status).set_body_string(body);
        }
        self.made += 1;
        let audience = self.rules.audience.clone().or_else(|| field(said, "audience"));
        let resource = field(said, "resource");
        let claims = json!({ "iss": self.origin, "aud": audience, "resource": resource, "client_id": "mine",
            "sub": "me", "exp": after(300), "jti": self.made });
        let assertion = statement(&claims);
        ResponseTemplate::new(200).set_body_json(json!({ "access_token": assertion.expose(), "token_type": "N_A",
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag" }))
    }
}
