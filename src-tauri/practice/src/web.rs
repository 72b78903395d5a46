//! The token page's addresses, for people, and the same as JSON, for scripts and tests.
//!
//! A value is in the answer that makes the token and in no other. The list has facts only, never a hash.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::StoreError;
use crate::page::{self, Filled, Top};
use crate::store::Store;
use crate::token::{Made, State as TokenState, Token, Wanted};

type Shared = State<Arc<Store>>;

/// What the page's address may fill in: a name, and scopes with commas between them.
#[derive(Debug, Deserialize)]
pub(crate) struct Prefill {
    name: Option<String>,
    scopes: Option<String>,
}

/// A token's facts, for a script.
#[derive(Serialize)]
struct Facts {
    id: String,
    name: String,
    scopes: Vec<String>,
    created: Timestamp,
    expires: Timestamp,
    state: TokenState,
}

/// Shows the page, filled in as far as its address says.
pub(crate) async fn show(State(tokens): Shared, Query(prefill): Query<Prefill>) -> Response {
    let filled = Filled::from_address(prefill.name, prefill.scopes.as_deref());
    draw(&tokens, StatusCode::OK, &Top::Form { filled, trouble: None })
}

/// Makes a token from the page's form and shows it, this once.
pub(crate) async fn make(State(tokens): Shared, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let value = |key: &str| fields.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value);
    let scopes: Vec<_> = fields.iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope.clone()).collect();
    let filled = Filled { name: value("name").to_owned(), scopes, lifetime: value("lifetime").parse().unwrap_or(0) };
    let wanted = Wanted { name: filled.name.clone(), scopes: filled.scopes.clone(), lifetime_seconds: filled.lifetime };
    match make_one(tokens.clone(), wanted).await {
        Ok(made) => draw(&tokens, StatusCode::OK, &Top::Made(made)),
        Err(error) => draw(&tokens, status(&error), &Top::Form { filled, trouble: Some(error) }),
    }
}

/// Revokes a token from the page.
pub(crate) async fn revoke(State(tokens): Shared, Path(id): Path<String>) -> Response {
    match revoke_one(tokens, id).await {
        Ok(true) => Redirect::to("/tokens").into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, "There is no such token.").into_response(),
        Err(error) => (status(&error), error.to_string()).into_response(),
    }
}

/// Makes a token for a script.
pub(crate) async fn make_json(State(tokens): Shared, wanted: Result<Json<Wanted>, JsonRejection>) -> Response {
    let wanted = match wanted {
        Ok(Json(wanted)) => wanted,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    match make_one(tokens, wanted).await {
        Ok(made) => (StatusCode::CREATED, Json(made)).into_response(),
        Err(error) => refuse(status(&error), &error.to_string()),
    }
}

/// Lists the tokens for a script.
pub(crate) async fn list_json(State(tokens): Shared) -> Response {
    let now = Timestamp::now();
    let facts = |token: Token| {
        let state = token.state(now);
        let Token { id, name, scopes, created, expires, .. } = token;
        Facts { id, name, scopes, created, expires, state }
    };
    Json(tokens.list().into_iter().map(facts).collect::<Vec<_>>()).into_response()
}

/// Revokes a token for a script.
pub(crate) async fn revoke_json(State(tokens): Shared, Path(id): Path<String>) -> Response {
    match revoke_one(tokens, id).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => refuse(StatusCode::NOT_FOUND, "There is no such token."),
        Err(error) => refuse(status(&error), &error.to_string()),
    }
}

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../page/tokens.css"))
}

pub(crate) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../page/tokens.js"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../page/icon.svg"))
}

fn draw(tokens: &Store, status: StatusCode, top: &Top) -> Response {
    (status, Html(page::draw(top, &tokens.list(), Timestamp::now(), &TimeZone::system()))).into_response()
}

async fn make_one(tokens: Arc<Store>, wanted: Wanted) -> Result<Made, StoreError> {
    let made = off_thread(move || tokens.make(&wanted, Timestamp::now())).await?;
    tracing::info!(id = made.id, "made a practice token");
    Ok(made)
}

async fn revoke_one(tokens: Arc<Store>, id: String) -> Result<bool, StoreError> {
    off_thread(move || tokens.revoke(&id, Timestamp::now())).await
}

/// Waits for the disk where no other request waits with it.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Stopping))
}

pub(crate) fn status(error: &StoreError) -> StatusCode {
    if error.is_of_the_request() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::INTERNAL_SERVER_ERROR }
}

pub(crate) fn refuse(status: StatusCode, words: &str) -> Response {
    let error = if status.is_server_error() { "server_error" } else { "invalid_request" };
    (status, Json(json!({ "error": error, "message": words }))).into_response()
}
