//! An app makes itself known (RFC 7591).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::client::{Client, Proof, Wish};
use super::fault::Fault;
use crate::token::{MOST_NAME, SCOPES};
use crate::web::off_thread;

/// What an app says of itself. The rest of what the standard knows is of no use here, and is not read.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
}

pub(crate) async fn register(
    State(desk): State<Arc<Desk>>,
    metadata: Result<Json<Metadata>, JsonRejection>,
) -> Result<Response, Fault> {
    let unread = |_| Fault::new("invalid_client_metadata", "This is no description of an app.");
    let Json(metadata) = metadata.map_err(unread)?;
    let (client, secret) = Client::new(wish(metadata)?, Timestamp::now())?;
    let kept = client.clone();
    off_thread(move || desk.store.change(|all| all.add_client(kept))).await?;
    tracing::info!(id = client.id, "an app registered");
    let mut answer = json!({
        "client_id": client.id,
        "client_id_issued_at": client.created.as_second(),
        "client_name": client.name,
        "redirect_uris": client.redirects,
        "token_endpoint_auth_method": client.proof,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": client.scopes.join(" "),
    });
    if let Some(secret) = secret {
        answer["client_secret"] = secret.into();
        answer["client_secret_expires_at"] = 0.into();
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn wish(metadata: Metadata) -> Result<Wish, Fault> {
    let unfit = |words: &str| Fault::new("invalid_client_metadata", words);
    let lacks =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| !list.iter().any(|own| own == word));
    if lacks(&metadata.grant_types, "authorization_code") || lacks(&metadata.response_types, "code") {
        return Err(unfit("Apps that register themselves sign in with a code."));
    }
    let proof = match metadata.token_endpoint_auth_method.as_deref() {
        Some("none") => Proof::Nothing,
        None | Some("client_secret_basic") => Proof::Basic,
        Some("client_secret_post") => Proof::Post,
        Some(_) => return Err(unfit("This way to authenticate is not known here.")),
    };
    if metadata.redirect_uris.is_empty() {
        return Err(Fault::new("invalid_redirect_uri", "There is no address to come back to."));
    }
    let name = metadata.client_name.unwrap_or_else(|| "An app without a name".to_owned());
    let name = name.chars().filter(|letter| !letter.is_control()).take(MOST_NAME).collect();
    let scopes = SCOPES.iter().map(|(id, _)| (*id).to_owned()).collect();
    Ok(Wish { name, redirects: metadata.redirect_uris, proof, scopes, by_hand: false })
}
