//! The page with all that signed in, and the same as JSON. A secret is in the answer that makes it and in no other.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::client::{Client, Proof, Wish};
use super::grant::{By, SignIn};
use super::page::{self, Filled, Top};
use crate::error::StoreError;
use crate::web::{off_thread, refuse, status};

type Shared = State<Arc<Desk>>;

/// A client id and secret that a script wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// A sign-in's facts, for a script.
#[derive(Serialize)]
struct Facts {
    id: String,
    client_id: String,
    name: String,
    scopes: Vec<String>,
    by: By,
    created: Timestamp,
    used: Timestamp,
    active: bool,
}

/// Shows the page.
pub(crate) async fn show(State(desk): Shared) -> Response {
    draw(&desk, StatusCode::OK, &Top::Form { filled: Filled::default(), trouble: None })
}

/// Makes a client id and secret from the page's form and shows them, this once.
pub(crate) async fn make(State(desk): Shared, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let value = |key: &str| fields.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value).to_owned();
    let scopes = fields.iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope.clone()).collect();
    let filled = Filled { name: value("name"), redirects: value("redirects"), scopes };
    let redirect_uris = filled.redirects.split_whitespace().map(str::to_owned).collect();
    let wanted = Wanted { name: filled.name.clone(), scopes: filled.scopes.clone(), redirect_uris };
    match make_one(desk.clone(), wanted).await {
        Ok((id, secret)) => draw(&desk, StatusCode::OK, &Top::Made { id, secret }),
        Err(error) => draw(&desk, status(&error), &Top::Form { filled, trouble: Some(error) }),
    }
}

/// Signs an app out, from the page.
pub(crate) async fn end(State(desk): Shared, Path(id): Path<String>) -> Response {
    let done = off_thread(move || desk.store.change(|all| Ok(all.end(&id, Timestamp::now())))).await;
    after(done, "There is no such sign-in.")
}

/// Removes a client id and secret, from the page.
pub(crate) async fn remove(State(desk): Shared, Path(id): Path<String>) -> Response {
    let done = off_thread(move || desk.store.change(|all| Ok(all.remove_client(&id, Timestamp::now())))).await;
    after(done, "There is no such client id.")
}

/// Makes a client id and secret for a script.
pub(crate) async fn make_json(State(desk): Shared, wanted: Result<Json<Wanted>, JsonRejection>) -> Response {
    let wanted = match wanted {
        Ok(Json(wanted)) => wanted,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    match make_one(desk, wanted).await {
        Ok((id, secret)) => {
            (StatusCode::CREATED, Json(json!({ "client_id": id, "client_secret": secret }))).into_response()
        }
        Err(error) => refuse(status(&error), &error.to_string()),
    }
}

/// Lists the sign-ins for a script.
pub(crate) async fn list_json(State(desk): Shared) -> Response {
    let now = Timestamp::now();
    let facts = |sign_in: SignIn| {
        let active = sign_in.lives(now);
        let SignIn { id, client: client_id, name, scopes, by, created, used, .. } = sign_in;
        Facts { id, client_id, name, scopes, by, created, used, active }
    };
    Json(sign_ins(&desk).into_iter().map(facts).collect::<Vec<_>>()).into_response()
}

/// Signs an app out, for a script.
pub(crate) async fn end_json(State(desk): Shared, Path(id): Path<String>) -> Response {
    match off_thread(move || desk.store.change(|all| Ok(all.end(&id, Timestamp::now())))).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => refuse(StatusCode::NOT_FOUND, "There is no such sign-in."),
        Err(error) => refuse(status(&error), &error.to_string()),
    }
}

fn after(done: Result<bool, StoreError>, missing: &'static str) -> Response {
    match done {
        Ok(true) => Redirect::to("/sign-ins").into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, missing).into_response(),
        Err(error) => (status(&error), error.to_string()).into_response(),
    }
}

fn sign_ins(desk: &Desk) -> Vec<SignIn> {
    desk.store.look(|all| all.sign_ins.iter().rev().cloned().collect())
}

fn draw(desk: &Desk, status: StatusCode, top: &Top) -> Response {
    let made: Vec<Client> =
        desk.store.look(|all| all.clients.iter().rev().filter(|client| client.by_hand).cloned().collect());
    let html = page::draw(top, &sign_ins(desk), &made, Timestamp::now(), &TimeZone::system());
    (status, Html(html)).into_response()
}

async fn make_one(desk: Arc<Desk>, wanted: Wanted) -> Result<(String, String), StoreError> {
    let Wanted { name, scopes, redirect_uris: redirects } = wanted;
    let wish = Wish { name, redirects, proof: Proof::Either, scopes, by_hand: true };
    let (client, secret) = Client::new(wish, Timestamp::now())?;
    let id = client.id.clone();
    off_thread(move || desk.store.change(|all| all.add_client(client))).await?;
    tracing::info!(id, "made a client id and secret");
    Ok((id, secret.unwrap_or_default()))
}
