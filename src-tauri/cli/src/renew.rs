//! `patchbay renew`.

use std::process::ExitCode;

use patchbay_core::api::message::{Answer, Renewed, Request};
use patchbay_core::api::{Patchbay, UNKNOWN_END};
use patchbay_core::catalog;
use patchbay_core::connection::Connection;
use patchbay_core::probe::Verdict;
use patchbay_core::{Code, Error, Result};

use crate::commands::{ATTENTION, unexpected};
use crate::input::{doubts, secrets_from_stdin};
use crate::{print, words};

/// Which token to renew.
pub(crate) struct Wanted {
    pub(crate) id: String,
    /// The app whose token it is.
    pub(crate) app: Option<String>,
    /// The variable that takes it to a program.
    pub(crate) variable: Option<String>,
    pub(crate) expires: Option<String>,
}

/// Renews a token: that of an app or a variable where one is named, else the one that is due.
pub(crate) async fn renew(patchbay: &Patchbay, wanted: Wanted, as_json: bool) -> Result<ExitCode> {
    let Wanted { id, app, variable, expires } = wanted;
    let state = patchbay.state()?;
    let connection = state.connection(&id)?;
    let labels = catalog::find(&connection.provider)?.secret_labels(&connection.auth);
    let secret = secrets_from_stdin(&labels, connection.first_token().is_some())?;
    let token = match app {
        _ if connection.is_program() || variable.is_some() => token_in(connection, variable.as_deref())?,
        app => app.map(|app| token_of(connection, &app)).transpose()?,
    };
    let doubts = doubts(patchbay, &connection.provider, Some(&id), Some(&connection.auth), Some(&secret)).await?;
    let expires = Some(expires.unwrap_or_else(|| UNKNOWN_END.to_owned()));
    let request = Request::Renew { id, token, expires, scopes: None };
    let Answer::Renewed(done) = patchbay.call(request, Some(secret)).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        say(&done);
    }
    doubts.iter().for_each(print::warning);
    // A program's token is tried by nobody but the program.
    Ok(if matches!(done.after.verdict, Verdict::Working | Verdict::NotTried) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(ATTENTION)
    })
}

/// The token that a variable takes to a program; where none is named, its only one.
fn token_in(connection: &Connection, variable: Option<&str>) -> Result<Option<String>> {
    let credentials = &connection.credentials;
    if variable.is_none() && credentials.len() < 2 {
        return Ok(credentials.first().map(|only| only.id.clone()));
    }
    let named = credentials.iter().find(|own| variable.is_some() && own.variable.as_deref() == variable);
    named.map(|own| Some(own.id.clone())).ok_or_else(|| {
        let what = variable.map_or("has several tokens".to_owned(), |name| format!("has no token in {name}"));
        let choices: Vec<_> = credentials.iter().filter_map(|own| own.variable.as_deref()).collect();
        let hint = match choices.as_slice() {
            [] => "Leave --variable out: it is for programs with several tokens.".to_owned(),
            _ => format!("Say which one: --variable {}", choices.join(" or --variable ")),
        };
        Error::new(Code::Usage, format!("{} {what}.", connection.name)).hint(hint)
    })
}

/// The token that an app uses.
fn token_of(connection: &Connection, app: &str) -> Result<String> {
    let placement = connection.placements.iter().find(|placement| placement.client == app);
    let credential = placement.and_then(|placement| connection.credential_for(Some(placement)));
    credential.map(|credential| credential.id.clone()).ok_or_else(|| {
        Error::new(Code::UnknownApp, format!("{app} has no token for {}.", connection.name))
            .hint("See where it is used: patchbay list")
    })
}

fn say(done: &Renewed) {
    let id = &done.id;
    if done.after.verdict == Verdict::NotTried {
        print::line(&format!("Saved for {id}, and not checked: only the program can tell whether it works."));
        print::line("Apps use it from the next time on that they start the program.");
    } else {
        print::line(&format!("Renewed: {id}. All apps that used the old token use the new one from now on."));
    }
    if done.expires.is_none() {
        let before = done.lasted_days.map(|days| format!(" The one before was for {days} days.")).unwrap_or_default();
        print::line(&format!("No end is known for it, so Patchbay cannot remind you.{before}"));
    }
    if let Some(ended) = done.signed_out {
        print::line(words::signed_out(ended));
    }
    let old = usize::from(done.old.is_some()) + done.also.iter().filter(|also| also.old.is_some()).count();
    let what = if old > 1 { "the old ones" } else { "the old one" };
    match (old, &done.revoke_page) {
        (0, _) => {}
        (_, Some(page)) => print::line(&format!("Revoke {what} at {page}")),
        (_, None) => print::line(&format!("Revoke {what} at the service.")),
    }
}
