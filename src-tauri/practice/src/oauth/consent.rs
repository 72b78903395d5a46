//! The page that asks the user, and what the user decides.
//!
//! Another site cannot decide: its requests are refused at the door, and it does not know the form's ticket.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use url::{Host, Url};

use super::Desk;
use super::ask::{self, Asked, Trouble};
use super::fault::Fault;
use super::form::Form;
use super::{metadata, page};
use crate::error::StoreError;

type Pairs = Vec<(String, String)>;

/// Shows who asks, and for what.
pub(crate) async fn ask(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let form = query.map_err(|_| Fault::request("This address is not one of a sign-in."));
    let form = match form.and_then(|Query(pairs)| Form::new(pairs)) {
        Ok(form) => form,
        Err(fault) => return trouble(&fault.words),
    };
    let now = Timestamp::now();
    let find = |id: &str| desk.store.look(|all| all.client(id));
    let asked = match ask::read(&form, &metadata::at(&headers, ""), find) {
        Ok(asked) => asked,
        Err(Trouble::Here(words)) => return trouble(&words),
        Err(Trouble::There(back, fault)) => {
            return send(&back.with(&[("error", fault.code), ("error_description", &fault.words)]));
        }
    };
    if desk.rules.allows_all {
        return answer(allowed(&desk, asked, now));
    }
    let policy = policy(&asked.back.redirect);
    let shown = asked.clone();
    answer(
        desk.waiting
            .ask(asked, now)
            .map(|ticket| ([(CONTENT_SECURITY_POLICY, policy)], Html(page::consent(&shown, &ticket))).into_response()),
    )
}

/// Does what the user decided.
pub(crate) async fn decide(State(desk): State<Arc<Desk>>, form: Result<axum::Form<Pairs>, FormRejection>) -> Response {
    let form = form.map_err(|_| Fault::request("This is no form."));
    let form = match form.and_then(|axum::Form(pairs)| Form::new(pairs)) {
        Ok(form) => form,
        Err(fault) => return trouble(&fault.words),
    };
    let now = Timestamp::now();
    let Some(asked) = desk.waiting.decided(form.get("ticket").unwrap_or_default(), now) else {
        return trouble("This page was answered already, or is too old.");
    };
    match form.get("decision") {
        Some("allow") => answer(allowed(&desk, asked, now)),
        _ => send(&asked.back.with(&[("error", "access_denied"), ("error_description", "The user refused.")])),
    }
}

fn allowed(desk: &Desk, asked: Asked, now: Timestamp) -> Result<Response, StoreError> {
    let back = asked.back.clone();
    let code = desk.waiting.allow(asked, now)?;
    Ok(send(&back.with(&[("code", &code)])))
}

fn answer(response: Result<Response, StoreError>) -> Response {
    response.unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
}

fn send(address: &Url) -> Response {
    Redirect::to(address.as_str()).into_response()
}

fn trouble(words: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(page::trouble(words))).into_response()
}

/// The page's policy. Some browsers hold the address that a form's answer leads to against `form-action`, so the app's has
/// to be in it.
fn policy(redirect: &Url) -> String {
    let place = match redirect.host() {
        // An address of version 6 cannot be written there.
        Some(Host::Ipv6(_)) => "http:".to_owned(),
        _ if matches!(redirect.scheme(), "http" | "https") => redirect.origin().ascii_serialization(),
        _ => format!("{}:", redirect.scheme()),
    };
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {place}; frame-ancestors 'none'; \
         base-uri 'none'"
    )
}
