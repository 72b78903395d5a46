//! The client credentials grant: an identifier and its secret or private key, and no person (RFC 6749 4.4, RFC 7523).

use std::sync::Arc;

use jiff::Timestamp;
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, ClientCredentialsConfig, JwtSigningAlgorithm,
};
use tokio::sync::oneshot;

use super::bearer;
use super::bundle::{Bundle, Client, Proof};
use super::client;
use super::discover::{discover, takes};
use super::dpop;
use super::line::Line;
use super::token::Tokens;
use super::{Manner, Signed, Step, Want, failure, signed};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;
use crate::wire::Endpoint;

/// Which kind of key it is shows when it signs.
const ALGORITHMS: [JwtSigningAlgorithm; 3] =
    [JwtSigningAlgorithm::ES256, JwtSigningAlgorithm::RS256, JwtSigningAlgorithm::ES384];

pub(super) async fn sign_in(want: &Want, manner: &Manner<'_>, tell: impl Fn(Step)) -> Result<Signed> {
    tell(Step::Asking);
    let given = want.client.as_ref().and_then(|own| Some((own.id.clone(), own.secret.clone()?)));
    let before = client::before(want, manner.before);
    if given.is_none() && before.as_ref().is_none_or(|before| before.client.secret.is_none()) {
        return Err(nothing());
    }
    let line = Arc::new(Line::new(&want.endpoint));
    let found = discover(&line, manner.places.as_ref()).await?;
    let (id, secret) = match given {
        Some(given) => given,
        None => client::kept_for(&found.server, before)?
            .and_then(|client| Some((client.id, client.secret?)))
            .ok_or_else(nothing)?,
    };
    let scopes = bearer::scopes(want, &found).await;
    let proof = proof(&found.metadata, &secret);
    let client = Client { id, secret: Some(secret), proof, own: true, redirect: None, until: None };
    let bundle = bearer::blank(&line, Grant::ClientCredentials, found, client, scopes, None)?;
    tell(Step::Fetching);
    signed(&fetched(&want.endpoint, &bundle).await?)
}

fn nothing() -> Error {
    Error::new(Code::Usage, "This sign-in needs a client id and its secret.")
        .hint("Make both at the service and give them here.")
}

/// How the token endpoint is shown who asks; in the body where both ways are open, as more servers know that.
fn proof(metadata: &AuthorizationMetadata, secret: &Secret) -> Proof {
    let only_basic = takes(metadata, Proof::ClientSecretBasic) == Some(true)
        && takes(metadata, Proof::ClientSecretPost) == Some(false);
    match secret.expose().trim_start().starts_with("-----BEGIN") {
        true => Proof::PrivateKeyJwt,
        false if only_basic => Proof::ClientSecretBasic,
        false => Proof::ClientSecretPost,
    }
}

/// Fetches another token with what the bundle holds.
pub(super) async fn renewed(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    // Where it is refused, the secret was changed or withdrawn at the service.
    fetched(line.endpoint(), bundle).await.map_err(failure::at_renewal)
}

/// Fetches a token on a thread of its own: rmcp's work on it cannot change threads, as its callers may.
async fn fetched(endpoint: &Endpoint, bundle: &Bundle) -> Result<Bundle> {
    let failed = || Error::new(Code::Internal, "The sign-in cannot be made.");
    let (send, receive) = oneshot::channel();
    let (endpoint, bundle) = (endpoint.clone(), bundle.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let fetched = runtime.map_err(|_| failed()).and_then(|runtime| runtime.block_on(fetch(&endpoint, &bundle)));
        // Nobody waits where the sign-in was stopped.
        let _ = send.send(fetched);
    });
    receive.await.map_err(|_| failed())?
}

async fn fetch(endpoint: &Endpoint, bundle: &Bundle) -> Result<Bundle> {
    let line = &Arc::new(Line::new(endpoint));
    dpop::take_up(line, bundle)?;
    let manager = AuthorizationManager::new_with_oauth_http_client(endpoint.url().as_str(), line.clone()).await;
    let mut manager = manager.map_err(|error| failure::of(line, error, &[]))?;
    let mut metadata = AuthorizationMetadata::default();
    metadata.issuer.clone_from(&bundle.server.issuer);
    metadata.token_endpoint.clone_from(&bundle.server.token);
    metadata.authorization_endpoint.clone_from(&bundle.server.token);
    let proofs = serde_json::json!([bundle.client.proof.word()]);
    metadata.additional_fields.insert("token_endpoint_auth_methods_supported".to_owned(), proofs);
    manager.set_metadata(metadata);
    let secret = bundle.client.secret.clone().unwrap_or_else(|| Secret::new(""));
    let mut outcome = Err(AuthError::NoAuthorizationSupport);
    for algorithm in ALGORITHMS {
        let config = config(bundle, &secret, algorithm);
        manager.configure_client_credentials(&config).map_err(|error| failure::of(line, error, &[]))?;
        outcome = manager.exchange_client_credentials(&config).await;
        if !matches!(outcome, Err(AuthError::JwtSigningError(_))) {
            break;
        }
    }
    let got = match outcome {
        Err(AuthError::JwtSigningError(_)) => return Err(failure::refused("the private key cannot be used.")),
        outcome => outcome.map_err(|error| failure::of(line, error, std::slice::from_ref(&secret)))?,
    };
    let tokens = Tokens::read(line, &serde_json::to_vec(&got).unwrap_or_default())?;
    let tokens = tokens.ok_or_else(|| failure::no_token(line))?;
    Ok(Bundle {
        received: Timestamp::now(),
        lasts: tokens.lasts(),
        scopes: tokens.scopes().unwrap_or_else(|| bundle.scopes.clone()),
        bound: tokens.is_bound(),
        access: tokens.access_token,
        ..bundle.clone()
    })
}

fn config(bundle: &Bundle, secret: &Secret, signing_algorithm: JwtSigningAlgorithm) -> ClientCredentialsConfig {
    let (client_id, scopes) = (bundle.client.id.clone(), bundle.scopes.clone());
    let resource = Some(bundle.resource.clone());
    if bundle.client.proof == Proof::PrivateKeyJwt {
        let signing_key = secret.expose().as_bytes().to_vec();
        let token_endpoint_audience = None;
        return ClientCredentialsConfig::PrivateKeyJwt {
            client_id,
            signing_key,
            signing_algorithm,
            token_endpoint_audience,
            scopes,
            resource,
        };
    }
    ClientCredentialsConfig::ClientSecret { client_id, client_secret: secret.expose().to_owned(), scopes, resource }
}
