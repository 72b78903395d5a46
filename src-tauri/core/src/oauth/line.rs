//! The line on which a sign-in speaks: to the service and to whoever signs people in for it.
//!
//! Every request goes through [`crate::wire`], so proxies, authorities and the rule that plain http is for this computer
//! alone hold here too. Bodies are bounded, and no redirect leads to another origin.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRequest};
use tokio::time::timeout;
use url::{Origin, Url};

use super::bundle::Proof;
use super::dpop::{self, Said};
use super::{failure, mend, token};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::{BoundKey, Client, Endpoint, Timeouts, WireError, read_bounded};

/// The largest answer, in bytes.
const MOST_BYTES: usize = 1024 * 1024;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to send requests of a sign-in, to any origin that it names.
pub(super) struct Line {
    endpoint: Endpoint,
    /// For each origin that was asked: itself, as it is reached, and what asks it.
    clients: Mutex<Vec<(Endpoint, Client)>>,
    /// Why the last request had no answer.
    failure: Mutex<Option<Error>>,
    /// The answer to the last form or registration.
    answer: Mutex<Option<Answer>>,
    /// The proof to register for, where the library's choice is not taken.
    proof: Mutex<Option<Proof>>,
    /// The answer to a registration.
    registration: Mutex<Option<Answer>>,
    /// Who else the service names to sign people in, while several are named, and who of them is passed by.
    named: Mutex<(Vec<Origin>, Vec<Origin>)>,
    /// What stood in forms that the library made, and nobody else may see.
    sent: Mutex<Vec<Secret>>,
    /// What the service says of tokens that are bound to a key.
    said: Mutex<Said>,
    /// The key to show, and to whom.
    shown: OnceLock<(BoundKey, Url)>,
}

/// A whole answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Line {
    /// A line through the network by which an endpoint is reached.
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.without_auth(),
            clients: Mutex::default(),
            failure: Mutex::default(),
            answer: Mutex::default(),
            proof: Mutex::default(),
            named: Mutex::default(),
            registration: Mutex::default(),
            sent: Mutex::default(),
            said: Mutex::default(),
            shown: OnceLock::new(),
        }
    }

    /// What the service has said of tokens that are bound to a key.
    pub(super) fn said(&self) -> Said {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the service says with a refusal.
    pub(super) fn hear_refusal(&self, challenges: &[&str]) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).hear_refusal(challenges);
    }

    /// Shows a key with every form that is sent to an address; the first one that is given stays.
    pub(super) fn show(&self, key: BoundKey, to: &str) {
        // Where it is no address, nothing can be sent there either.
        if let Ok(to) = Url::parse(to) {
            self.shown.get_or_init(|| (key, to));
        }
    }

    /// The key that is shown.
    pub(super) fn key(&self) -> Option<&BoundKey> {
        self.shown.get().map(|(key, _)| key)
    }

    /// The service.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a request to the service itself, with the headers that its connection has. Its answer's body, which may be a
    /// stream without end, is left alone.
    pub(super) async fn ask_service(&self, method: Method, headers: &HeaderMap, body: Bytes) -> Result<Answer> {
        let client = self.client(&self.endpoint)?;
        let body = (method == Method::POST).then_some(body);
        let whole = client.send(&self.endpoint, method, body, headers);
        let response = timeout(PATIENCE, whole).await.unwrap_or(Err(WireError::Timeout));
        let response = response.map_err(|error| unreachable(&self.endpoint, &error))?;
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body: Bytes::new() })
    }

    /// Sends a request to any address.
    pub(super) async fn ask(&self, url: &str, method: Method, headers: &HeaderMap, body: Bytes) -> Result<Answer> {
        let is_post = method == Method::POST;
        let answer = match self.there(url).await {
            Ok(there) => self.send_shown(there, method, headers, body).await,
            Err(error) => Err(error),
        };
        self.fail(answer.as_ref().err().cloned());
        if is_post {
            *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer.as_ref().ok().cloned();
        }
        answer
    }

    /// Sends a request, with a proof where it is one that the key is shown with.
    async fn send_shown(&self, there: Endpoint, method: Method, headers: &HeaderMap, body: Bytes) -> Result<Answer> {
        let shown = self.shown.get().filter(|(_, to)| to == there.url() && method == Method::POST);
        // On the heap: who signs in or out holds many of these within each other.
        let send = |there| Box::pin(self.send(there, method.clone(), headers, body.clone()));
        match shown {
            Some((key, _)) => dpop::ask(key, there, send).await,
            None => send(there).await,
        }
    }

    /// An address, reached as the service where it is the service's own, and else as the user's choice wants it there.
    async fn there(&self, url: &str) -> Result<Endpoint> {
        let there = self.endpoint.elsewhere(url)?;
        if there.origin() == self.endpoint.origin() {
            return Ok(there);
        }
        let network = match self.known(&there) {
            Some((known, _)) => known.network().clone(),
            None => there.network().to(there.url()).await?,
        };
        Ok(there.with_network(network))
    }

    fn known(&self, there: &Endpoint) -> Option<(Endpoint, Client)> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.iter().find(|(known, _)| known.origin() == there.origin()).cloned()
    }

    /// Why the last request had no answer, if it had none.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes it that whoever was asked at an address says nothing of signing in; whether somebody else may.
    pub(super) fn pass_by(&self, url: &Url) -> bool {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = url.origin();
        let is_news = is_of_issuer(url) && named.0.contains(&origin) && !named.1.contains(&origin);
        if is_news {
            named.1.push(origin);
        }
        is_news
    }

    fn is_passed_by(&self, url: &str) -> bool {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        Url::parse(url).is_ok_and(|url| is_of_issuer(&url) && named.1.contains(&url.origin()))
    }

    /// Tells again why a request had no answer.
    pub(super) fn fail(&self, failure: Option<Error>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Has a client registered for a proof that is not the library's choice.
    pub(super) fn register_for(&self, proof: Option<Proof>) {
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) = proof;
    }

    /// The answer to a registration; nothing where none was asked for.
    pub(super) fn registration(&self) -> Option<Answer> {
        self.registration.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the last form was refused because the client is not known.
    pub(super) fn refuses_client(&self) -> bool {
        self.answer().is_some_and(|answer| failure::is_of_client(&answer))
    }

    /// The answer to the last form or registration; nothing where there was none.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What stood in forms that the library made, and nobody else may see.
    pub(super) fn sent(&self) -> Vec<Secret> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(&self, there: Endpoint, method: Method, headers: &HeaderMap, body: Bytes) -> Result<Answer> {
        let client = self.client(&there)?;
        let body = (method != Method::GET).then_some(body);
        let whole = async {
            let response = client.send(&there, method, body, headers).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok(Answer { status, headers, body: read_bounded(response, MOST_BYTES).await? })
        };
        timeout(PATIENCE, whole).await.unwrap_or(Err(WireError::Timeout)).map_err(|error| unreachable(&there, &error))
    }

    fn client(&self, there: &Endpoint) -> Result<Client> {
        if let Some((_, client)) = self.known(there) {
            return Ok(client);
        }
        let client = Client::for_endpoint(there, Timeouts { read: Some(PATIENCE), ..Timeouts::default() })?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push((there.clone(), client.clone()));
        Ok(client)
    }
}

/// Whether an address is that of an issuer's metadata (RFC 8414, `OpenID` Connect).
fn is_of_issuer(url: &Url) -> bool {
    ["oauth-authorization-server", "openid-configuration"].iter().any(|kind| url.path().contains(kind))
}

fn unreachable(there: &Endpoint, error: &WireError) -> Error {
    let hint = match error {
        WireError::Tls(_) | WireError::OtherOrigin(_) => "Ask the service.".to_owned(),
        WireError::Unused(unused) => unused.sentences(),
        _ => "Try again.".to_owned(),
    };
    Error::new(Code::Unreachable, format!("{} does not answer: {error}.", there.origin())).hint(hint)
}

impl OAuthHttpClient for Line {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        // Whatever the caller wants, redirects are followed within the origin at most, and only those that ask for the
        // same request again.
        let (parts, body) = request.request.into_parts();
        Box::pin(async move {
            let (url, is_read) = (parts.uri.to_string(), parts.method == Method::GET);
            if is_read && self.is_passed_by(&url) {
                let mut nothing = http::Response::new(Vec::new());
                *nothing.status_mut() = StatusCode::NOT_FOUND;
                return Ok(nothing);
            }
            let is_form = token::is_form(&parts.headers);
            let body = token::named(&parts.headers, body.into());
            let proof = *self.proof.lock().unwrap_or_else(PoisonError::into_inner);
            let body = if is_read || is_form { body } else { mend::registration(body, proof) };
            if is_form {
                self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(token::verifier(&body));
            }
            let answer = self.ask(&url, parts.method, &parts.headers, body.clone()).await;
            let mut answer = answer.map_err(|error| Box::new(error) as OAuthHttpClientError)?;
            if is_form {
                mend::tokens(&mut answer);
            } else if !is_read {
                *self.registration.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
                mend::registered(&body, &mut answer);
            }
            if is_read && answer.status == StatusCode::OK {
                self.said.lock().unwrap_or_else(PoisonError::into_inner).hear_document(&answer.body);
                let named = mend::issuers(&answer.body);
                if named.len() > 1 {
                    self.named.lock().unwrap_or_else(PoisonError::into_inner).0 = named;
                }
            }
            let mut response = http::Response::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
