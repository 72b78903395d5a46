//! The token page, for people, and the same as JSON, for scripts and tests.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Shared;
use crate::store::{NewToken, SCOPES, State as TokenState, StoreError, Token};

/// Lifetimes to choose from: seconds and words.
const LIFETIMES: &[(i64, &str)] = &[
    (60, "1 minute"),
    (5 * 60, "5 minutes"),
    (3600, "1 hour"),
    (86_400, "1 day"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
    (90 * 86_400, "90 days"),
    (365 * 86_400, "1 year"),
];

#[derive(Debug, Deserialize, Default)]
pub(crate) struct Prefill {
    name: Option<String>,
    scopes: Option<String>,
}

/// Shows the page, filled in as far as its address says.
pub(crate) async fn show(State(shared): State<Shared>, Query(prefill): Query<Prefill>) -> Response {
    let name = prefill.name.unwrap_or_else(|| "Patchbay MCP".to_owned());
    let scopes: Vec<String> = match prefill.scopes.filter(|scopes| !scopes.is_empty()) {
        Some(scopes) => scopes.split(',').map(str::to_owned).collect(),
        None => vec!["profile:read".to_owned(), "notes:read".to_owned()],
    };
    page(&shared, &form(&name, &scopes))
}

/// Makes a token from the page's form and shows it, this once.
pub(crate) async fn make(State(shared): State<Shared>, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let value = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()).unwrap_or_default();
    let scopes: Vec<String> = fields.iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope.clone()).collect();
    match shared.tokens.make(value("name"), &scopes, value("lifetime").parse().unwrap_or(0)) {
        Ok(made) => page(&shared, &shown_once(&made)),
        Err(error) => {
            let top = format!("<p class=\"error\" role=\"alert\">{}</p>{}", escape(&error.to_string()), form(value("name"), &scopes));
            (StatusCode::UNPROCESSABLE_ENTITY, page(&shared, &top)).into_response()
        }
    }
}

/// Revokes a token from the page.
pub(crate) async fn revoke(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    match shared.tokens.revoke(&id) {
        Ok(_) => Redirect::to("/tokens").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    lifetime_seconds: i64,
}

/// Makes a token for a script.
pub(crate) async fn make_json(State(shared): State<Shared>, Json(wanted): Json<Wanted>) -> Response {
    match shared.tokens.make(&wanted.name, &wanted.scopes, wanted.lifetime_seconds) {
        Ok(made) => Json(made).into_response(),
        Err(error @ StoreError::Io { .. }) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}

/// Lists the tokens for a script, without their hashes.
pub(crate) async fn list_json(State(shared): State<Shared>) -> Json<Vec<Value>> {
    let now = shared.tokens.now();
    let facts = |token: Token| {
        json!({ "id": token.id, "name": token.name, "scopes": token.scopes, "created": token.created, "expires": token.expires, "state": token.state(now) })
    };
    Json(shared.tokens.list().into_iter().map(facts).collect())
}

/// Revokes a token for a script.
pub(crate) async fn revoke_json(State(shared): State<Shared>, Path(id): Path<String>) -> StatusCode {
    match shared.tokens.revoke(&id) {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) => StatusCode::NOT_FOUND,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("tokens.css"))
}

pub(crate) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("tokens.js"))
}

fn page(shared: &Shared, top: &str) -> Response {
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Practice service: tokens</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/tokens.css\">\
         <script src=\"/tokens.js\" defer></script></head><body><main><h1>Practice service</h1>\
         <p class=\"banner\">This is for practice. Its tokens are worth nothing anywhere else.</p>{top}{}</main></body></html>",
        list(shared)
    );
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    ([(CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, "no-store")], Html(body)).into_response()
}

fn form(name: &str, scopes: &[String]) -> String {
    let mut boxes = String::new();
    for (id, words) in SCOPES {
        let checked = if scopes.iter().any(|scope| scope == id) { " checked" } else { "" };
        let element = id.replace(':', "-");
        let _ = write!(boxes, "<label class=\"check\"><input type=\"checkbox\" id=\"scope-{element}\" name=\"scope\" value=\"{id}\"{checked}><span>{words}<br><code>{id}</code></span></label>");
    }
    let mut options = String::new();
    for (seconds, words) in LIFETIMES {
        let selected = if *words == "30 days" { " selected" } else { "" };
        let _ = write!(options, "<option value=\"{seconds}\"{selected}>{words}</option>");
    }
    format!(
        "<section><h2>New token</h2><form method=\"post\" action=\"/tokens\">\
         <label for=\"token-name\">Name</label><input id=\"token-name\" name=\"name\" value=\"{}\" maxlength=\"128\" required>\
         <fieldset><legend>Permissions</legend>{boxes}</fieldset>\
         <label for=\"lifetime\">It lasts</label><select id=\"lifetime\" name=\"lifetime\">{options}</select>\
         <button id=\"make-token\">Make token</button></form></section>",
        escape(name)
    )
}

fn shown_once(made: &NewToken) -> String {
    format!(
        "<section class=\"made\"><h2>Your new token</h2><p>Copy it now. It is shown only this once.</p>\
         <div class=\"copy\"><input id=\"new-token\" readonly aria-label=\"Your new token\" value=\"{}\">\
         <button type=\"button\" id=\"copy-token\">Copy</button></div><p>It ends {}.</p>\
         <p><a href=\"/tokens\">Make another one</a></p></section>",
        made.token,
        when(made.expires)
    )
}

fn list(shared: &Shared) -> String {
    let (tokens, now) = (shared.tokens.list(), shared.tokens.now());
    if tokens.is_empty() {
        return "<section><h2>Tokens</h2><p>There are none yet.</p></section>".to_owned();
    }
    let rows = tokens.iter().fold(String::new(), |mut rows, token| {
        let (id, state) = (&token.id, token.state(now));
        let (word, action) = match state {
            TokenState::Active => ("works", format!("<form method=\"post\" action=\"/tokens/{id}/revoke\"><button data-revoke=\"{id}\">Revoke</button></form>")),
            TokenState::Expired => ("has ended", String::new()),
            TokenState::Revoked => ("revoked", String::new()),
        };
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{word}</td><td>{action}</td></tr>", escape(&token.name), token.scopes.join(", "), when(token.expires));
        rows
    });
    format!(
        "<section><h2>Tokens</h2><table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Permissions</th>\
         <th scope=\"col\">Ends</th><th scope=\"col\">State</th><th scope=\"col\">Action</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )
}

fn when(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%-d %B %Y, %H:%M").to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
