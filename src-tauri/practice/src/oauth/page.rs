//! Draws the page that asks the user, and the page with all that signed in. Everything that came from outside is escaped
//! here; an app's name is whatever the app says.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use super::ask::Asked;
use super::client::Client;
use super::grant::{By, SignIn};
use crate::error::StoreError;
use crate::page::{escape, scope, short};
use crate::token::{MOST_NAME, SCOPES};

/// What stands in the form for a client id and secret.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) name: String,
    pub(crate) redirects: String,
    pub(crate) scopes: Vec<String>,
}

impl Default for Filled {
    fn default() -> Self {
        let redirects = "http://127.0.0.1/callback".to_owned();
        Self { name: "My app".to_owned(), redirects, scopes: vec!["profile:read".into(), "notes:read".into()] }
    }
}

/// What the page begins with.
pub(crate) enum Top {
    Form { filled: Filled, trouble: Option<StoreError> },
    Made { id: String, secret: String },
}

/// Draws the page that asks the user.
pub(crate) fn consent(asked: &Asked, ticket: &str) -> String {
    let wants: String = SCOPES.iter().filter(|(id, _)| asked.scopes.iter().any(|own| own == id)).map(want).collect();
    let body = format!(
        r#"<section><h2>&ldquo;{name}&rdquo; wants to use the practice service</h2>
<p>It asks that it may:</p>
<ul>{wants}</ul>
<p>Allow this only if you have just begun it yourself, in that app. {after}</p>
<form method="post" action="/authorize" class="choose"><input type="hidden" name="ticket" value="{ticket}">
<button type="submit" id="allow" name="decision" value="allow" class="main">Allow</button>
<button type="submit" id="refuse" name="decision" value="refuse">Refuse</button></form></section>"#,
        name = escape(&asked.name),
        after = after(&asked.back.redirect),
    );
    whole("Allow an app?", &body)
}

fn want((id, what): &(&str, &str)) -> String {
    format!("<li>{what} <code>{id}</code></li>")
}

/// Where the user goes from here.
fn after(redirect: &Url) -> String {
    match redirect.host_str() {
        Some(host) if redirect.scheme() == "https" => {
            format!("You are then sent on to <code>{}</code>.", escape(host))
        }
        _ => "You then go back to the app on this computer.".to_owned(),
    }
}

/// Says that nothing can be asked.
pub(crate) fn trouble(words: &str) -> String {
    let body = format!(
        r#"<section><h2>This sign-in cannot go on</h2>
<p class="trouble" role="alert">{}</p><p>Nothing was allowed. Go back to the app and begin again.</p></section>"#,
        escape(words)
    );
    whole("Sign-in", &body)
}

/// Draws the page with all that signed in.
pub(crate) fn draw(top: &Top, sign_ins: &[SignIn], made: &[Client], now: Timestamp, zone: &TimeZone) -> String {
    let (shown, form) = match top {
        Top::Form { filled, trouble } => (String::new(), form(filled, trouble.as_ref())),
        Top::Made { id, secret } => (shown_once(id, secret), form(&Filled::default(), None)),
    };
    let body = format!(
        r#"{shown}<section><h2 id="list">Signed-in apps</h2>
{sign_ins}</section>
<section><h2 id="made">Client ids and secrets</h2>
<p>Some apps want a client id and a secret to sign in with. Make them here.</p>
{made}{form}</section>
<p><a href="/tokens">Your tokens</a></p>"#,
        sign_ins = list(sign_ins, now, zone),
        made = clients(made, zone),
    );
    whole("Signed-in apps", &body)
}

fn whole(title: &str, body: &str) -> String {
    format!(include_str!("../../page/sign-ins.html"), title = title, body = body)
}

fn list(sign_ins: &[SignIn], now: Timestamp, zone: &TimeZone) -> String {
    let rows: String = sign_ins.iter().filter(|sign_in| sign_in.lives(now)).map(|sign_in| row(sign_in, zone)).collect();
    if rows.is_empty() {
        return r#"<p class="empty">There are none. An app that you allow appears here.</p>"#.to_owned();
    }
    format!(
        r#"<div class="wide" role="region" aria-labelledby="list" tabindex="0"><table>
<thead><tr><th scope="col">App</th><th scope="col">May do</th><th scope="col">Signed in</th><th scope="col">Last token</th><th scope="col"><span class="unseen">Action</span></th></tr></thead>
<tbody>{rows}</tbody></table></div>"#
    )
}

fn row(sign_in: &SignIn, zone: &TimeZone) -> String {
    let (id, name) = (escape(&sign_in.id), escape(&sign_in.name));
    let by = if sign_in.by == By::Secret { " (with its secret)" } else { "" };
    format!(
        r#"<tr data-sign-in="{id}"><th scope="row">{name}{by}</th><td>{}</td><td>{}</td><td>{}</td><td><form method="post" action="/sign-ins/{id}/end"><button type="submit" data-end="{id}" aria-label="Sign out {name}">Sign out</button></form></td></tr>"#,
        codes(&sign_in.scopes),
        short(sign_in.created, zone),
        short(sign_in.used, zone)
    )
}

fn clients(made: &[Client], zone: &TimeZone) -> String {
    if made.is_empty() {
        return String::new();
    }
    let rows: String = made.iter().map(|client| client_row(client, zone)).collect();
    format!(
        r#"<div class="wide" role="region" aria-labelledby="made" tabindex="0"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Client id</th><th scope="col">May do</th><th scope="col">Made</th><th scope="col"><span class="unseen">Action</span></th></tr></thead>
<tbody>{rows}</tbody></table></div>"#
    )
}

fn client_row(client: &Client, zone: &TimeZone) -> String {
    let (id, name) = (escape(&client.id), escape(&client.name));
    format!(
        r#"<tr data-client="{id}"><th scope="row">{name}</th><td><code>{id}</code></td><td>{}</td><td>{}</td><td><form method="post" action="/sign-ins/client/{id}/remove"><button type="submit" data-remove="{id}" aria-label="Remove {name}">Remove</button></form></td></tr>"#,
        codes(&client.scopes),
        short(client.created, zone)
    )
}

fn codes(scopes: &[String]) -> String {
    scopes.iter().fold(String::new(), |mut codes, scope| {
        let _ = write!(codes, "<code>{}</code> ", escape(scope));
        codes
    })
}

fn shown_once(id: &str, secret: &str) -> String {
    format!(
        r#"<section class="made"><h2>Your new client id and secret</h2>
<p><strong>Copy the secret now.</strong> It is shown only this once.</p>
<label for="new-id">Client id</label>
<div class="copy"><input id="new-id" readonly autocomplete="off" spellcheck="false" value="{}"></div>
<label for="new-secret">Secret</label>
<div class="copy"><input id="new-secret" readonly autocomplete="off" spellcheck="false" value="{}"></div></section>"#,
        escape(id),
        escape(secret)
    )
}

fn form(filled: &Filled, trouble: Option<&StoreError>) -> String {
    let trouble =
        trouble.map(|trouble| format!(r#"<p class="trouble" role="alert">{}</p>"#, escape(&trouble.to_string())));
    let scopes: String = SCOPES.iter().map(|(id, what)| scope(id, what, &filled.scopes)).collect();
    format!(
        r#"{trouble}
<form method="post" action="/sign-ins">
<label for="client-name">Name</label>
<input id="client-name" name="name" value="{name}" maxlength="{MOST_NAME}" required autocomplete="off" spellcheck="false">
<p class="hint">So that you recognise it later.</p>
<label for="redirects">Address to come back to</label>
<input id="redirects" name="redirects" value="{redirects}" autocomplete="off" spellcheck="false" aria-describedby="redirects-hint">
<p class="hint" id="redirects-hint">The app tells it to you. Leave it empty where nobody signs in with a browser.</p>
<fieldset><legend>What it may do</legend>{scopes}</fieldset>
<button type="submit" id="make-client" class="main">Make id and secret</button>
</form>"#,
        trouble = trouble.unwrap_or_default(),
        name = escape(&filled.name),
        redirects = escape(&filled.redirects),
    )
}
