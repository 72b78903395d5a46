//! `/token` and `/revoke`: what apps call by themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, PRAGMA};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::json;

use super::Desk;
use super::ask;
use super::book::Outcome;
use super::client::{Client, Proof, Shown};
use super::fault::Fault;
use super::form::Form;
use super::grant::Brought;
use super::metadata;
use super::waiting::Redeemed;
use crate::store::Kept;
use crate::web::off_thread;

type Sent = Result<axum::Form<Vec<(String, String)>>, FormRejection>;

/// Hands out tokens for a code, a refresh token or a secret.
pub(crate) async fn token(State(desk): State<Arc<Desk>>, headers: HeaderMap, sent: Sent) -> Result<Response, Fault> {
    let form = read(sent)?;
    let client = authenticated(&desk, &headers, &form)?;
    ask::is_meant(form.get("resource"), &metadata::at(&headers, ""))?;
    let now = Timestamp::now();
    let brought = match form.need("grant_type")? {
        "authorization_code" => redeem(&desk, &client, &form, now).await,
        "refresh_token" => renew(&desk, client, &form, now).await,
        "client_credentials" => for_secret(&desk, client, &form, now).await,
        _ => Err(Fault::new("unsupported_grant_type", "This way to a token is not offered here.")),
    }?;
    let mut answer = json!({
        "access_token": brought.access,
        "token_type": "Bearer",
        "expires_in": brought.seconds,
        "scope": brought.scopes.join(" "),
    });
    if let Some(refresh) = brought.refresh {
        answer["refresh_token"] = refresh.into();
    }
    Ok(([(PRAGMA, "no-cache")], Json(answer)).into_response())
}

/// Revokes a token (RFC 7009). What is not known here is as good as revoked.
pub(crate) async fn revoke(State(desk): State<Arc<Desk>>, headers: HeaderMap, sent: Sent) -> Result<(), Fault> {
    let form = read(sent)?;
    let client = authenticated(&desk, &headers, &form)?;
    let (value, now) = (form.need("token")?.to_owned(), Timestamp::now());
    change(&desk, move |all| {
        all.revoke_one(&client, &value, now);
        Ok(Ok(()))
    })
    .await
}

async fn redeem(desk: &Arc<Desk>, client: &Client, form: &Form, now: Timestamp) -> Result<Brought, Fault> {
    let (code, verifier) = (form.need("code")?, form.need("code_verifier")?);
    let rules = desk.rules.clone();
    match desk.waiting.redeem(code, &client.id, form.get("redirect_uri"), verifier, now)? {
        Redeemed::Fresh(asked, id) => change(desk, move |all| all.begin(&asked, id, &rules, now)).await,
        Redeemed::Again(id) => {
            change(desk, move |all| {
                all.end(&id, now);
                Ok(Err(Fault::grant("This code was used before. The sign-in has ended.")))
            })
            .await
        }
    }
}

async fn renew(desk: &Arc<Desk>, client: Client, form: &Form, now: Timestamp) -> Result<Brought, Fault> {
    let (refresh, scope) = (form.need("refresh_token")?.to_owned(), form.get("scope").map(str::to_owned));
    let rules = desk.rules.clone();
    change(desk, move |all| all.renew(&client, &refresh, scope.as_deref(), &rules, now)).await
}

async fn for_secret(desk: &Arc<Desk>, client: Client, form: &Form, now: Timestamp) -> Result<Brought, Fault> {
    if !client.by_hand || client.proof == Proof::Nothing {
        return Err(Fault::new("unauthorized_client", "This app needs a person to sign in."));
    }
    let scopes = match form.get("scope") {
        None => client.scopes.clone(),
        wanted => ask::scopes(wanted, &client.scopes)?,
    };
    let rules = desk.rules.clone();
    change(desk, move |all| all.for_secret(&client, scopes, &rules, now)).await
}

async fn change<T: Send + 'static>(
    desk: &Arc<Desk>,
    change: impl FnOnce(&mut Kept) -> Outcome<T> + Send + 'static,
) -> Result<T, Fault> {
    let desk = desk.clone();
    off_thread(move || desk.store.change(change)).await?
}

fn read(sent: Sent) -> Result<Form, Fault> {
    let axum::Form(pairs) = sent.map_err(|_| Fault::request("This is no form."))?;
    Form::new(pairs)
}

/// The app that asks, once it has shown who it is: in one way, not in two.
fn authenticated(desk: &Desk, headers: &HeaderMap, form: &Form) -> Result<Client, Fault> {
    let shown = match headers.get(AUTHORIZATION) {
        Some(_) if form.get("client_secret").is_some() => {
            return Err(Fault::request("The secret is there in two ways."));
        }
        Some(value) => {
            let shown = value.to_str().ok().and_then(Shown::basic).ok_or_else(Fault::client)?;
            if form.get("client_id").is_some_and(|id| id != shown.id) {
                return Err(Fault::request("Two apps are named."));
            }
            shown
        }
        None => {
            let secret = form.get("client_secret").map(str::to_owned);
            let way = if secret.is_some() { Proof::Post } else { Proof::Nothing };
            Shown { id: form.get("client_id").ok_or_else(Fault::client)?.to_owned(), secret, way }
        }
    };
    desk.store.look(|all| all.authenticated(&shown))
}
