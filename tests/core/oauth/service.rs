//! A service with its own authorization server, on this computer.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use patchbay_core::secret::Secret;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What it does.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way of its own to be difficult")]
pub(crate) struct Rules {
    /// How long an access token is said to be good, in seconds.
    pub(crate) lasts: Option<u32>,
    /// How long the token endpoint takes.
    pub(crate) slow: Duration,
    /// Whether it says how to sign in.
    pub(crate) offers: bool,
    pub(crate) registers: bool,
    pub(crate) denies: bool,
    /// Whether it has forgotten its clients' tokens.
    pub(crate) forgets: bool,
    pub(crate) down: bool,
    /// Whether it repeats what it was sent in its errors.
    pub(crate) repeats: bool,
    /// The issuer that it gives the browser.
    pub(crate) issuer_back: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    /// The address that its metadata is about.
    pub(crate) resource: Option<String>,
    /// How it refuses to register a program.
    pub(crate) no_registration: Option<String>,
    /// What a registration gives beside the client's name; `null` takes something out.
    pub(crate) registration: Value,
    /// The proofs that its metadata lists for the token endpoint.
    pub(crate) proofs: Vec<&'static str>,
    /// What the token endpoint answers whatever it is asked, where it does.
    pub(crate) answer: Option<(u16, String)>,
    /// What it changes in the tokens that it gives; `null` takes something out.
    pub(crate) given: Value,
    /// Others that it names to sign people in, ahead of itself.
    pub(crate) others: Vec<String>,
    /// What the revocation endpoint answers, where it ends nothing.
    pub(crate) keeps: Option<u16>,
    /// A client that it has forgotten.
    pub(crate) forgotten: Option<String>,
    /// Whether it answers callers who are nobody.
    pub(crate) open: bool,
    /// Whether its metadata says that it knows PKCE.
    pub(crate) proves: bool,
    /// Who signs people in for it, where that is somebody else.
    pub(crate) signed_in_by: Option<String>,
    /// Who signs people in, where that is not the service itself; all that is asked of it must come here.
    pub(crate) elsewhere: Option<String>,
    /// The ways to get tokens that its metadata lists, where it lists them.
    pub(crate) grants: Option<Vec<&'static str>>,
    /// The origin at which it is asked, where that is not its own.
    pub(crate) known_as: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lasts: Some(3600),
            slow: Duration::ZERO,
            offers: true,
            registers: true,
            denies: false,
            forgets: false,
            down: false,
            repeats: false,
            issuer_back: None,
            token_endpoint: None,
            authorization_endpoint: None,
            resource: None,
            no_registration: None,
            registration: json!({}),
            proofs: vec!["none", "client_secret_post"],
            answer: None,
            given: json!({}),
            others: Vec::new(),
            keeps: None,
            forgotten: None,
            open: false,
            proves: true,
            signed_in_by: None,
            elsewhere: None,
            grants: None,
            known_as: None,
        }
    }
}

struct State {
    rules: Rules,
    origin: String,
    /// Paths with their query or body.
    log: Vec<(String, String)>,
    made: u32,
    access: Vec<String>,
    refresh: Vec<String>,
    used: Vec<String>,
    all: Vec<String>,
    revoked: bool,
}

/// The service.
pub(crate) struct Service {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

struct Router(Arc<Mutex<State>>);

impl Service {
    pub(crate) async fn start(rules: Rules) -> Self {
        let server = MockServer::start().await;
        let state = State {
            rules,
            origin: server.uri(),
            log: Vec::new(),
            made: 0,
            access: Vec::new(),
            refresh: Vec::new(),
            used: Vec::new(),
            all: Vec::new(),
            revoked: false,
        };
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

    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.server.uri())
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Rules)) {
        how(&mut self.state().rules);
    }

    /// What was asked at a path, as its query or body.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        self.state().log.iter().filter(|(asked, _)| asked == path).map(|(_, what)| what.clone()).collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.asked(path).len()
    }

    pub(crate) fn takes(&self, token: &Secret) -> bool {
        self.state().access.iter().any(|known| known == token.expose())
    }

    /// Whether a refresh token came twice.
    pub(crate) fn was_revoked(&self) -> bool {
        self.state().revoked
    }

    /// Every token that it ever gave.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state().all.clone()
    }
}

impl Respond for Router {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("unpoisoned");
        let path = request.url.path().to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let said = if body.is_empty() { request.url.query().unwrap_or_default().to_owned() } else { body };
        state.log.push((path.clone(), said.clone()));
        match path.as_str() {
            "/mcp" if state.rules.open => json_of(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} })),
            "/mcp" if state.rules.offers => {
                let place = format!("{}/.well-known/oauth-protected-resource/mcp", state.known_as());
                let challenge = format!(r#"Bearer resource_metadata="{place}""#);
                ResponseTemplate::new(401).insert_header("www-authenticate", challenge.as_str())
            }
            "/.well-known/oauth-protected-resource/mcp" if state.rules.offers => json_of(&json!({
                "resource": state.rules.resource.clone().unwrap_or_else(|| format!("{}/mcp", state.known_as())),
                "authorization_servers": state.named(),
                "scopes_supported": ["read", "write"] })),
            "/.well-known/oauth-authorization-server" if state.rules.offers => json_of(&state.metadata()),
            "/register" if state.rules.offers && state.rules.registers => state.register(&said),
            "/authorize" => state.authorize(&said),
            "/token" => state.token(&said),
            "/revoke" => state.revoke(&said),
            _ => ResponseTemplate::new(404),
        }
    }
}

fn json_of(value: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(value)
}

/// An object with other fields, and without those that are null.
fn changed(mut all: Value, other: &Value) -> Value {
    let fields = all.as_object_mut().expect("an object");
    fields.extend(other.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    all
}

pub(crate) fn field(said: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(&format!("http://x.invalid/?{said}")).expect("an address");
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl State {
    fn known_as(&self) -> String {
        self.rules.known_as.clone().unwrap_or_else(|| self.origin.clone())
    }

    fn issuer(&self) -> String {
        self.rules.elsewhere.clone().unwrap_or_else(|| self.origin.clone())
    }

    fn named(&self) -> Vec<String> {
        let own = self.rules.signed_in_by.clone().unwrap_or_else(|| self.issuer());
        self.rules.others.iter().cloned().chain([own]).collect()
    }

    fn metadata(&self) -> Value {
        let origin = &self.issuer();
        let mut metadata = json!({
            "issuer": origin, "authorization_endpoint":
                self.rules.authorization_endpoint.clone().unwrap_or_else(|| format!("{origin}/authorize")),
            "token_endpoint": self.rules.token_endpoint.clone().unwrap_or_else(|| format!("{origin}/token")),
            "revocation_endpoint": format!("{origin}/revoke"), "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
            "token_endpoint_auth_methods_supported": self.rules.proofs });
        if !self.rules.proves {
            metadata.as_object_mut().expect("an object").remove("code_challenge_methods_supported");
        }
        if let Some(grants) = &self.rules.grants {
            metadata["grant_types_supported"] = json!(grants);
        }
        if self.rules.registers {
            metadata["registration_endpoint"] = json!(format!("{origin}/register"));
        }
        metadata
    }

    fn register(&mut self, said: &str) -> ResponseTemplate {
        if let Some(body) = &self.rules.no_registration {
            return ResponseTemplate::new(400).set_body_string(body);
        }
        let asked: Value = serde_json::from_str(said).expect("JSON");
        self.made += 1;
        let client = format!("client-{}", self.made);
        let given = json!({ "client_id": client, "redirect_uris": asked["redirect_uris"] });
        ResponseTemplate::new(201).set_body_json(changed(given, &self.rules.registration))
    }

    fn authorize(&self, said: &str) -> ResponseTemplate {
        let back = field(said, "redirect_uri").expect("a place to go back to");
        let mut back = url::Url::parse(&back).expect("an address");
        let issuer = self.rules.issuer_back.clone().unwrap_or_else(|| self.issuer());
        back.query_pairs_mut()
            .append_pair("state", &field(said, "state").expect("a state"))
            .append_pair("iss", &issuer);
        let (name, value) = if self.rules.denies { ("error", "access_denied") } else { ("code", "one-time-code") };
        back.query_pairs_mut().append_pair(name, value);
        ResponseTemplate::new(302).insert_header("location", back.as_str())
    }

    fn token(&mut self, said: &str) -> ResponseTemplate {
        if self.rules.down {
            return ResponseTemplate::new(503);
        }
        if let Some((status, body)) = &self.rules.answer {
            return ResponseTemplate::new(*status).set_body_string(body.replace("{said}", said));
        }
        if self.rules.forgotten.is_some() && field(said, "client_id") == self.rules.forgotten {
            return ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" }));
        }
        let old = field(said, "refresh_token");
        if let Some(old) = &old {
            if self.used.contains(old) {
                self.revoked = true;
                self.refresh.clear();
            }
            self.used.push(old.clone());
        }
        let known = old.as_ref().is_none_or(|old| self.refresh.contains(old));
        if self.rules.forgets || !known {
            let words =
                if self.rules.repeats { format!("bad token {}", old.unwrap_or_default()) } else { String::new() };
            return ResponseTemplate::new(400)
                .set_body_json(json!({ "error": "invalid_grant", "error_description": words }));
        }
        self.made += 1;
        let (access, refresh) =
            (format!("canary-access-token-{:06}", self.made), format!("canary-refresh-token-{:06}", self.made));
        self.access.push(access.clone());
        self.all.extend([access.clone(), refresh.clone()]);
        let mut answer = json!({ "access_token": access, "token_type": "Bearer", "scope": "read write" });
        if let Some(lasts) = self.rules.lasts {
            answer["expires_in"] = json!(lasts);
        }
        let grant = field(said, "grant_type").unwrap_or_default();
        if grant != "client_credentials" && !grant.ends_with(":jwt-bearer") {
            // The one before is no good any more.
            self.refresh.retain(|known| Some(known) != old.as_ref());
            self.refresh.push(refresh.clone());
            answer["refresh_token"] = json!(refresh);
        }
        json_of(&changed(answer, &self.rules.given)).set_delay(self.rules.slow)
    }

    fn revoke(&mut self, said: &str) -> ResponseTemplate {
        if let Some(status) = self.rules.keeps {
            return ResponseTemplate::new(status).set_body_json(json!({ "error": "unsupported_token_type" }));
        }
        let token = field(said, "token").expect("a token");
        self.access.retain(|known| *known != token);
        self.refresh.retain(|known| *known != token);
        ResponseTemplate::new(200)
    }
}
