//! The authorization code grant: a person signs in with the browser (RFC 6749 4.1, RFC 7636, RFC 8252).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rmcp::transport::auth::OAuthClientConfig;
use tokio::time::timeout;
use url::Url;

use super::bundle::{Bundle, Client, Proof};
use super::client;
use super::discover::{Found, discover, query, takes, takes_documents};
use super::dpop;
use super::line::Line;
use super::redirect::{Redirect, USUAL_PORT, port_of};
use super::token::Tokens;
use super::{Manner, OwnClient, Signed, Step, Want, failure, mend, signed};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// How long the user may take in the browser.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(super) async fn sign_in(want: &Want, manner: &Manner<'_>, tell: impl Fn(Step)) -> Result<Signed> {
    let line = Arc::new(Line::new(&want.endpoint));
    let signed = Box::pin(attempt(&line, want, manner, &tell)).await;
    let before = client::before(want, manner.before).filter(|_| want.client.is_none());
    let is_of_before = before.is_some_and(|before| !before.client.own) && line.registration().is_none();
    if signed.is_err() && line.refuses_client() && is_of_before {
        // The server has forgotten the client of last time. Nobody has to know: a new one is registered.
        let anew = Manner { before: None, ..manner.clone() };
        return Box::pin(attempt(&Arc::new(Line::new(&want.endpoint)), want, &anew, &tell)).await;
    }
    signed
}

async fn attempt(line: &Arc<Line>, want: &Want, manner: &Manner<'_>, tell: &impl Fn(Step)) -> Result<Signed> {
    tell(Step::Asking);
    let mut found = discover(line, manner.places.as_ref()).await?;
    // The protocol's rule for metadata that does not name the protection at all; that names another is refused below.
    if found.metadata.code_challenge_methods_supported.is_none() {
        return Err(failure::without_pkce());
    }
    let key = dpop::offer(line, &found)?;
    let known = client::kept_for(&found.server, client::before(want, manner.before))?;
    let redirect = Redirect::open(&ports(want, known.as_ref())).await?;
    let scopes = scopes(&found, &want.scopes).await;
    let client = chosen(line, &mut found, want.client.as_ref(), known, &redirect, &scopes).await?;
    let secrets: Vec<Secret> = client.secret.iter().cloned().collect();
    let asked: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let page = found.manager.get_authorization_url(&asked).await;
    let page = page.map_err(|error| failure::of(line, error, &secrets))?;
    let page = dpop::page(page_of(line, &page)?, key.as_ref());
    let state = query(&page, "state").unwrap_or_default();
    tell(Step::Browser(page));
    let hint = redirect.hint().filter(|_| client.own);
    let back = timeout(manner.patience.unwrap_or(PATIENCE), redirect.back(&state)).await;
    let back = back.map_err(|_| match hint {
        Some(hint) => nobody().hint(hint),
        None => nobody(),
    })??;
    tell(Step::Fetching);
    let got = found.manager.exchange_code_for_token_with_issuer(&back.code, &back.state, back.issuer.as_deref()).await;
    let code = Secret::new(back.code);
    let got = got.map_err(|error| failure::of(line, error, &[secrets.as_slice(), &[code]].concat()))?;
    // Written out and read again: its own type shows nothing without another library's traits.
    let tokens = Tokens::read(line, &serde_json::to_vec(&got).unwrap_or_default())?;
    let tokens = tokens.ok_or_else(|| failure::no_token(line))?;
    let granted = tokens.scopes().unwrap_or(scopes);
    signed(&Bundle {
        grant: Grant::AuthorizationCode,
        received: Timestamp::now(),
        lasts: tokens.lasts(),
        refresh: tokens.refresh_token.clone().filter(|token| !token.is_empty()),
        bound: tokens.is_bound(),
        access: tokens.access_token,
        ended: false,
        after_refusal: false,
        key: key.map(|key| key.secret()).transpose()?,
        server: found.server,
        client,
        resource: found.resource,
        scopes: granted,
        vouched: None,
    })
}

pub(super) fn nobody() -> Error {
    Error::new(Code::SignInTimeout, "Nobody came back from the browser in time. Nothing was changed.")
        .hint("Sign in again.")
}

/// The page to open in the browser, which is handed to the system: an address of the web and nothing else.
fn page_of(line: &Line, page: &str) -> Result<Url> {
    if !["http://", "https://"].iter().any(|scheme| page.starts_with(scheme)) {
        return Err(failure::not_offered("its page for people is no address of the web."));
    }
    Ok(line.endpoint().elsewhere(page)?.url().clone())
}

/// Where the browser should best come back to: the client was registered for it.
fn ports(want: &Want, known: Option<&Client>) -> Vec<u16> {
    let before = known.and_then(|client| client.redirect.as_deref()).and_then(port_of);
    let is_own = want.client.is_some() || known.is_some_and(|known| known.own);
    is_own.then_some(USUAL_PORT).into_iter().chain(before).collect()
}

/// The permissions to ask for: those that are wanted, else those that the service names.
async fn scopes(found: &Found, wanted: &[String]) -> Vec<String> {
    const OFFLINE: &str = "offline_access";
    if wanted.is_empty() {
        return found.manager.select_initial_scopes(&[]).await;
    }
    let mut scopes = Vec::new();
    for scope in wanted {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    let offered = found.metadata.scopes_supported.iter().flatten().any(|scope| scope == OFFLINE);
    if offered && !scopes.iter().any(|scope| scope == OFFLINE) {
        scopes.push(OFFLINE.to_owned());
    }
    scopes
}

/// The client to sign in with: the user's own, the one of last time, or a new one.
async fn chosen(
    line: &Line,
    found: &mut Found,
    own: Option<&OwnClient>,
    known: Option<Client>,
    redirect: &Redirect,
    scopes: &[String],
) -> Result<Client> {
    let here = redirect.address();
    // One that was registered for another place on this computer may not be let in here.
    let known = known.filter(|known| known.own || known.redirect.as_ref() == Some(&here));
    let usable = own.filter(|own| !own.is_document() || takes_documents(&found.metadata) || !registers(found));
    // A document that is not taken any more is no client.
    let known = known.filter(|_| own.is_none() || usable.is_some());
    let is_registered = known.as_ref().is_some_and(|known| !known.own) && usable.is_none();
    let mut client = match (usable, known) {
        (Some(own), known) => Client {
            id: own.id.clone(),
            secret: own.secret.clone().or_else(|| known?.secret),
            proof: Proof::None,
            own: !own.is_document(),
            redirect: None,
            until: None,
        },
        (None, Some(known)) => known,
        (None, None) => return registered(line, found, here, scopes).await,
    };
    if !is_registered {
        client.proof = proof(found, client.secret.as_ref());
    }
    client.redirect = Some(here.clone());
    configure(line, found, &client, here)?;
    Ok(client)
}

/// Has the library show this client, by its own proof: it would choose by what the server takes from anybody.
fn configure(line: &Line, found: &mut Found, client: &Client, here: String) -> Result<()> {
    let mut config = OAuthClientConfig::new(client.id.clone(), here);
    if let Some(secret) = &client.secret {
        config = config.with_client_secret(secret.expose());
        let mut metadata = found.metadata.clone();
        let proofs = serde_json::json!([client.proof.word()]);
        metadata.additional_fields.insert("token_endpoint_auth_methods_supported".to_owned(), proofs);
        found.manager.set_metadata(metadata);
    }
    found.manager.configure_client(config).map_err(|error| failure::of(line, error, &[]))
}

fn registers(found: &Found) -> bool {
    found.metadata.registration_endpoint.is_some()
}

async fn registered(line: &Line, found: &mut Found, here: String, scopes: &[String]) -> Result<Client> {
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    line.register_for(other_proof(found));
    let config = found.manager.register_client("Patchbay", &here, &scopes).await.map_err(|error| {
        let failed = failure::of(line, error, &[]);
        let says_nothing = found.is_guess && failed.code != Code::Unreachable;
        if says_nothing && found.is_open {
            return failure::not_needed();
        }
        if says_nothing { failure::not_offered("it says nothing of signing in.") } else { failed }
    })?;
    let secret = config.client_secret.map(Secret::new);
    let (given, until) = line.registration().map(|answer| mend::given(&answer)).unwrap_or_default();
    let proof = given.filter(|_| secret.is_some()).unwrap_or_else(|| proof(found, secret.as_ref()));
    let redirect = Some(here.clone());
    let client = Client { id: config.client_id, secret, proof, own: false, redirect, until };
    configure(line, found, &client, here)?;
    Ok(client)
}

/// The proof to register for where a client cannot go without one, as far as the server says so.
fn other_proof(found: &Found) -> Option<Proof> {
    let takes = |proof| takes(&found.metadata, proof) == Some(true);
    let is_needed = !takes(Proof::None);
    [Proof::ClientSecretBasic, Proof::ClientSecretPost].into_iter().find(|proof| is_needed && takes(*proof))
}

/// How the token endpoint is shown the client's secret; the same choice as rmcp's.
pub(super) fn proof(found: &Found, secret: Option<&Secret>) -> Proof {
    let takes = |proof| takes(&found.metadata, proof) == Some(true);
    match secret {
        None => Proof::None,
        Some(_) if takes(Proof::ClientSecretPost) && !takes(Proof::ClientSecretBasic) => Proof::ClientSecretPost,
        Some(_) => Proof::ClientSecretBasic,
    }
}
