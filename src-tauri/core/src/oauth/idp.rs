//! A company's identity provider: `OpenID` Connect for the user's ID token, and the exchange of that for an assertion to
//! one service (RFC 8693).

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use url::Url;

use super::bundle::{Bundle, Client, Proof, Server};
use super::claims::{Claims, is_same};
use super::code::{PATIENCE, nobody};
use super::failure;
use super::line::{Answer, Line};
use super::redirect::{Redirect, USUAL_PORT};
use super::token::Form;
use super::vouch::AtCompany;
use super::{OwnClient, Step, bearer, client};
use crate::connection::state::random_hex;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::{Endpoint, base64};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const OFFLINE: &str = "offline_access";

/// What an identity provider says of itself (`OpenID` Connect Discovery, chapter 3).
#[derive(Deserialize)]
pub(super) struct Idp {
    issuer: String,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What its token endpoint gives for a code, or to renew.
#[derive(Deserialize)]
struct Given {
    id_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
}

/// What its token endpoint gives in exchange.
#[derive(Deserialize)]
struct Exchanged {
    access_token: Secret,
    issued_token_type: String,
}

/// The line to it, by the user's choice of how it is reached. The user named it, not the service, so it may be where the
/// service itself may lead nobody.
pub(super) async fn line(service: &Endpoint, issuer: &str) -> Result<Line> {
    let there = Endpoint::new(issuer)?;
    let network = service.network().to(there.url()).await?;
    Ok(Line::new(&there.with_network(network)))
}

/// It said no, or nothing that can be used.
fn refused(why: &str) -> Error {
    Error::new(Code::SignInRefused, format!("Your company's identity provider refuses: {why}"))
        .hint("Ask your company's administrator whether Patchbay may sign you in to this service.")
}

impl Idp {
    /// Asks it about itself.
    pub(super) async fn find(line: &Line, issuer: &str) -> Result<Self> {
        let base = line.endpoint().url();
        let path = base.path().trim_end_matches('/');
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        for place in [
            format!("{path}/.well-known/openid-configuration"),
            format!("/.well-known/oauth-authorization-server{path}"),
        ] {
            let Ok(place) = base.join(&place) else { continue };
            let answer = line.ask(place.as_str(), Method::GET, &headers, Bytes::new()).await?;
            if answer.status != StatusCode::OK {
                continue;
            }
            let said: Result<Self, _> = serde_json::from_slice(&answer.body);
            return match said {
                Ok(said) if is_same(&said.issuer, issuer) => Ok(said),
                Ok(_) => Err(unfit(issuer, "says that it is somebody else")),
                Err(_) => Err(unfit(issuer, "says nothing of itself that can be used")),
            };
        }
        Err(unfit(issuer, "says nothing of itself"))
    }

    pub(super) fn server(&self) -> Server {
        let (issuer, revocation) = (Some(self.issuer.clone()), self.revocation_endpoint.clone());
        Server { issuer, token: self.token_endpoint.clone(), revocation }
    }

    /// The client to be there: its secret of last time is shown only to the one for whom it was given.
    pub(super) fn client(&self, own: &OwnClient, before: Option<AtCompany>) -> Result<Client> {
        let before = before.filter(|before| own.secret.is_none() && before.client.id == own.id);
        let is_here =
            |at: &AtCompany| at.server.issuer.as_ref() == Some(&self.issuer) && at.server.token == self.token_endpoint;
        let kept = match before {
            Some(before) if is_here(&before) => before.client.secret,
            Some(before) if before.client.secret.is_some() => return Err(client::elsewhere(&before.client)),
            _ => None,
        };
        let secret = own.secret.clone().or(kept);
        bearer::check_secret(secret.as_ref(), "company_client_secret")?;
        let takes = |proof: Proof| self.token_endpoint_auth_methods_supported.iter().any(|one| one == proof.word());
        let proof = match &secret {
            None => Proof::None,
            Some(_) if takes(Proof::ClientSecretPost) && !takes(Proof::ClientSecretBasic) => Proof::ClientSecretPost,
            Some(_) => Proof::ClientSecretBasic,
        };
        Ok(Client { id: own.id.clone(), secret, proof, own: true, redirect: None, until: None })
    }
}

fn unfit(issuer: &str, why: &str) -> Error {
    Error::new(Code::SettingInvalid, format!("{issuer} {why}. Nothing else was sent there."))
        .hint("Look at the address of your company's identity provider.")
        .field("company")
}

/// Whether an ID token is one of this provider for this client, and still good.
pub(super) fn check(at: &AtCompany, nonce: Option<&str>) -> Result<()> {
    let unfit = |why| Error::new(Code::SignInRefused, format!("Your company's ID token cannot be used: {why}."));
    let fresh = "Get another one, or leave it out and sign in with your browser.";
    let claims = Claims::read(&at.id_token).ok_or_else(|| unfit("it is none").hint(fresh))?;
    if !claims.issuer.as_deref().is_some_and(|issuer| is_same(issuer, at.server.issuer.as_deref().unwrap_or_default()))
    {
        return Err(unfit("another identity provider made it, and nothing was sent").hint(fresh));
    }
    if !claims.audience.all().contains(&at.client.id) {
        return Err(unfit("it was made for another client, and nothing was sent").hint("Give that client's ID."));
    }
    if nonce.is_some() && claims.nonce.as_deref() != nonce {
        return Err(unfit("it does not belong to this sign-in").hint("Sign in again."));
    }
    if !claims.is_good(Timestamp::now()) {
        return Err(unfit("it has ended").hint(fresh));
    }
    Ok(())
}

/// Has the user sign in there with the browser (`OpenID` Connect Core 3.1, RFC 7636).
pub(super) async fn browser(
    line: &Line,
    idp: &Idp,
    client: Client,
    patience: Option<Duration>,
    tell: &impl Fn(Step),
) -> Result<AtCompany> {
    let redirect = Redirect::open(&[USUAL_PORT]).await?;
    let (state, nonce, verifier) = (random_hex(16), random_hex(16), Secret::new(random_hex(32)));
    let back_to = redirect.address();
    let page = page(line, idp, &client.id, [&back_to, &state, &nonce, &challenge(&verifier)])?;
    tell(Step::Browser(page));
    let back = timeout(patience.unwrap_or(PATIENCE), redirect.back(&state)).await.map_err(|_| nobody())??;
    let is_from_there = back.issuer.as_ref().map(|issuer| *issuer == idp.issuer);
    if !is_from_there.unwrap_or(!idp.authorization_response_iss_parameter_supported) {
        return Err(failure::refused("the answer does not come from who was asked. Nothing was sent there."));
    }
    let mut form = Form::of(&client)?;
    form.set("grant_type", "authorization_code");
    form.set("code", &back.code);
    form.set("redirect_uri", &back_to);
    form.set("code_verifier", verifier.expose());
    let answer = form.post(line, &idp.token_endpoint).await?;
    let code = Secret::new(back.code);
    let given = given(line, &answer, &[Some(&code), Some(&verifier), client.secret.as_ref()])?;
    let (id_token, refresh) = (given.id_token, given.refresh_token.filter(|token| !token.is_empty()));
    let at = AtCompany { server: idp.server(), client, id_token, refresh };
    check(&at, Some(&nonce))?;
    Ok(at)
}

/// The page for the browser: an address of the web and nothing else.
fn page(line: &Line, idp: &Idp, client: &str, [back_to, state, nonce, challenge]: [&str; 4]) -> Result<Url> {
    let none = || failure::not_offered("your company's identity provider has no page to sign in at.");
    let place = idp.authorization_endpoint.as_deref().ok_or_else(none)?;
    let mut page = line.endpoint().elsewhere(place)?.url().clone();
    let offline = idp.scopes_supported.iter().any(|scope| scope == OFFLINE);
    let scope = if offline { format!("openid {OFFLINE}") } else { "openid".to_owned() };
    page.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", back_to),
        ("scope", &scope),
        ("state", state),
        ("nonce", nonce),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]);
    Ok(page)
}

fn challenge(verifier: &Secret) -> String {
    let digest = base64(&Sha256::digest(verifier.expose().as_bytes()));
    digest.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn given(line: &Line, answer: &Answer, secrets: &[Option<&Secret>]) -> Result<Given> {
    read(line, answer, &secrets.iter().copied().flatten().collect::<Vec<_>>())
}

fn read<T: for<'de> Deserialize<'de>>(line: &Line, answer: &Answer, secrets: &[&Secret]) -> Result<T> {
    let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&answer.body).is_ok();
    if answer.status != StatusCode::OK || !is_object {
        let error = failure::of_grant(line, answer, secrets);
        let said = || error.message.trim_start_matches(failure::REFUSED).to_owned();
        return Err(if error.code == Code::SignInRefused { refused(&said()) } else { error });
    }
    serde_json::from_slice(&answer.body).map_err(|_| refused("its answer cannot be used."))
}

/// Renews the ID token without the user.
pub(super) async fn refreshed(line: &Line, at: &AtCompany) -> Result<AtCompany> {
    let Some(refresh) = &at.refresh else { return Err(refused("what it said of you has ended.")) };
    let mut form = Form::of(&at.client)?;
    form.set("grant_type", "refresh_token");
    form.set("refresh_token", refresh.expose());
    form.set("scope", "openid");
    let answer = form.post(line, &at.server.token).await?;
    let given = given(line, &answer, &[Some(refresh), at.client.secret.as_ref()])?;
    let refresh = given.refresh_token.filter(|token| !token.is_empty()).or_else(|| Some(refresh.clone()));
    let at = AtCompany { id_token: given.id_token, refresh, ..at.clone() };
    check(&at, None)?;
    Ok(at)
}

/// Exchanges the ID token for an assertion to the service (SEP-990, step 2).
pub(super) async fn exchanged(line: &Line, at: &AtCompany, bundle: &Bundle) -> Result<Secret> {
    let mut form = Form::of(&at.client)?;
    let audience = bundle.server.issuer.as_deref().unwrap_or_default();
    for (name, value) in [
        ("grant_type", EXCHANGE),
        ("requested_token_type", ID_JAG),
        ("subject_token_type", ID_TOKEN),
        ("subject_token", at.id_token.expose()),
        ("audience", audience),
        ("resource", &bundle.resource),
    ] {
        form.set(name, value);
    }
    if !bundle.scopes.is_empty() {
        form.set("scope", &bundle.scopes.join(" "));
    }
    let answer = form.post(line, &at.server.token).await?;
    let got: Exchanged = read(line, &answer, &bundle.secrets())?;
    let claims = Claims::read(&got.access_token).filter(|_| got.issued_token_type == ID_JAG);
    let Some(claims) = claims else { return Err(refused("it gives something else than was asked for.")) };
    let is_for_us = claims.client_id.as_ref().is_none_or(|id| *id == bundle.client.id)
        && claims.audience.is_only(audience)
        && (claims.resource.all().is_empty() || claims.resource.is_only(&bundle.resource));
    if !is_for_us || !claims.is_good(Timestamp::now()) {
        return Err(refused("what it gives is for another service, or has ended. Nothing was sent on."));
    }
    Ok(got.access_token)
}
