//! A home with all apps, a keychain that can be inspected, and a real service.

use std::collections::BTreeMap;

use jiff::Timestamp;
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Connect, Connected, Place, Request, TokenFacts};
use patchbay_core::api::view::Snapshot;
use patchbay_core::client::Scope;
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Key, Secret, SecretStore};
use patchbay_core::{Error, Host, Platform};
use patchbay_practice::{Options, Running};
use patchbay_test_support::Home;

pub(super) const APPS: [&str; 3] = ["claude-desktop", "claude-code", "codex"];
pub(super) const FILES: [(&str, &str); 3] = [
    (
        "claude-desktop",
        "{\r\n\t\"theme\": \"dark\",\r\n\t\"mcpServers\": {\r\n\t\t\"own\": {\"command\": \"x\"}\r\n\t}\r\n}",
    ),
    ("claude-code", "{\"numStartups\": 3}"),
    ("codex", "# mine\nmodel = \"gpt\" # which\n\n[mcp_servers.own]\ncommand = \"x\"\n\n# more\n[z]\na = 1\n"),
];

/// A home with all apps, a keychain that can be inspected, and a real service.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) patchbay: Patchbay,
    pub(crate) keychain: std::sync::Arc<keyring_core::CredentialStore>,
    pub(crate) practice: Running,
}

pub(crate) async fn world() -> World {
    let home = Home::new();
    for (client, text) in FILES {
        home.write(client, text);
    }
    let keychain: std::sync::Arc<keyring_core::CredentialStore> =
        keyring_core::mock::Store::new().expect("a mock keychain");
    let patchbay = open(&home, &keychain, Timestamp::now);
    let practice = patchbay_practice::start(Options::default()).await.expect("the practice service starts");
    World { home, patchbay, keychain, practice }
}

pub(crate) fn open(
    home: &Home,
    keychain: &std::sync::Arc<keyring_core::CredentialStore>,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Patchbay {
    open_in(home, home.env(), keychain, clock)
}

fn open_in(
    home: &Home,
    env: BTreeMap<String, String>,
    keychain: &std::sync::Arc<keyring_core::CredentialStore>,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Patchbay {
    let host = Host { env, ..Host::bare(Platform::Linux, home.path(), Timestamp::now()) };
    Patchbay::with(host, SecretStore::with_store(keychain.clone()), clock)
}

impl World {
    /// The same computer with further environment variables.
    pub(crate) fn reopened(&self, more: &[(&str, &str)]) -> Patchbay {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        open_in(&self.home, self.home.env().into_iter().chain(more).collect(), &self.keychain, Timestamp::now)
    }

    /// A token of the practice service.
    pub(crate) async fn token(&self, scopes: &[&str]) -> (String, String) {
        let body = serde_json::json!({ "name": "test", "scopes": scopes, "lifetime_seconds": 3600 });
        let made: serde_json::Value = self.post("/api/tokens", &body).await;
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        (text("id"), text("token"))
    }

    pub(crate) async fn revoke(&self, id: &str) {
        let () = self.post(&format!("/api/tokens/{id}/revoke"), &serde_json::json!({})).await;
    }

    pub(crate) async fn post<T: serde::de::DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> T {
        use patchbay_core::wire::{Client, Endpoint, Method, Timeouts, header, read_bounded};
        let endpoint = Endpoint::new(&format!("http://{}{path}", self.practice.addr())).expect("an address");
        let client = Client::for_endpoint(&endpoint, Timeouts::default()).expect("a client");
        let mut headers = header::HeaderMap::new();
        headers.insert("content-type", header::HeaderValue::from_static("application/json"));
        let answer =
            client.send(&endpoint, Method::POST, Some(body.to_string().into()), &headers).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let bytes = read_bounded(answer, 10_000).await.expect("a body");
        serde_json::from_slice(if bytes.is_empty() { b"null" } else { &bytes }).expect("JSON")
    }

    pub(crate) fn notes(&self) -> Connect {
        Connect {
            provider: "practice".into(),
            name: "My Notes".into(),
            settings: BTreeMap::from([("url".into(), self.practice.mcp_url())]),
            places: APPS.iter().map(|client| place(client)).collect(),
            token: Some(TokenFacts::default()),
            overrule: false,
        }
    }

    pub(crate) async fn connected(&self) -> (String, String) {
        let (id, token) = self.token(&["profile:read", "notes:read"]).await;
        let done = self.connect(self.notes(), Some(&token)).await.expect("it connects");
        assert_eq!(done.id, "my-notes");
        (id, token)
    }

    pub(crate) async fn connect(&self, connect: Connect, token: Option<&str>) -> Result<Connected, Error> {
        let answer = self.patchbay.call(Request::Connect { connect, expected: None }, token.map(Secret::new)).await?;
        let Answer::Connected(done) = answer else { panic!("another answer") };
        Ok(done)
    }

    pub(crate) async fn do_it(&self, request: Request) -> Result<Answer, Error> {
        self.patchbay.call(request, None).await
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.patchbay.snapshot().expect("a snapshot")
    }

    pub(crate) fn files(&self) -> Vec<String> {
        FILES.iter().map(|(client, _)| self.home.read(client)).collect()
    }

    pub(crate) async fn verdict(&self) -> Verdict {
        let Ok(Answer::Reports(reports)) = self.do_it(Request::Check { ids: Vec::new() }).await else {
            panic!("no reports")
        };
        reports[0].report.verdict
    }

    /// Puts a secret into the keychain behind Patchbay's back.
    pub(crate) fn put(&self, key: &Key, secret: &str) {
        let entry = self.keychain.build("Patchbay", key.as_str(), None).expect("an entry");
        entry.set_secret(secret.as_bytes()).expect("stored");
    }

    /// What the keychain holds at a key.
    pub(crate) fn stored(&self, key: &Key) -> Option<String> {
        let entry = self.keychain.build("Patchbay", key.as_str(), None).expect("an entry");
        entry.get_secret().ok().map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    /// How many secrets the keychain holds.
    pub(crate) fn secrets(&self) -> usize {
        let all = self.keychain.as_any().downcast_ref::<keyring_core::mock::Store>().expect("the mock");
        let list = all.inner.lock().expect("not poisoned");
        let entries = list.borrow().clone();
        entries.iter().filter(|entry| keyring_core::api::CredentialApi::get_secret(entry.as_ref()).is_ok()).count()
    }
}

pub(crate) fn place(client: &str) -> Place {
    Place { client: client.to_owned(), scope: Scope::User, wiring: None, token: None, create: false }
}

pub(crate) fn original() -> Vec<String> {
    FILES.iter().map(|(_, text)| (*text).to_owned()).collect()
}
