//! `patchbay renew`.

use std::process::ExitCode;

use patchbay_core::api::message::{Answer, Renewed, Request};
use patchbay_core::api::{Patchbay, UNKNOWN_END};
use patchbay_core::probe::Verdict;
use patchbay_core::{Code, Error, Result};

use crate::commands::{ATTENTION, unexpected};
use crate::input::{doubts, from_stdin};
use crate::print;

/// Renews a token: that of an app where one is named, else the one that is due.
pub(crate) async fn renew(
    patchbay: &Patchbay,
    id: String,
    app: Option<String>,
    expires: Option<String>,
    as_json: bool,
) -> Result<ExitCode> {
    let secret = from_stdin("token")?;
    let state = patchbay.state()?;
    let connection = state.connection(&id)?;
    let token = app.map(|app| token_of(connection, &app)).transpose()?;
    let doubts = doubts(patchbay, &connection.provider, Some(&id), Some(&secret)).await?;
    let expires = Some(expires.unwrap_or_else(|| UNKNOWN_END.to_owned()));
    let request = Request::Renew { id, token, expires, scopes: None };
    let Answer::Renewed(done) = patchbay.call(request, Some(secret)).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        words(&done);
    }
    doubts.iter().for_each(print::warning);
    Ok(if done.after.verdict == Verdict::Working { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

/// The token that an app uses.
fn token_of(connection: &patchbay_core::connection::Connection, app: &str) -> Result<String> {
    let placement = connection.placements.iter().find(|placement| placement.client == app);
    let credential = placement.and_then(|placement| connection.credential_for(Some(placement)));
    credential.map(|credential| credential.id.clone()).ok_or_else(|| {
        Error::new(Code::UnknownApp, format!("{app} has no token for {}.", connection.name))
            .hint("See where it is used: patchbay list")
    })
}

fn words(done: &Renewed) {
    print::line(&format!("Renewed: {}. All apps that used the old token use the new one from now on.", done.id));
    if done.expires.is_none() {
        let before = done.lasted_days.map(|days| format!(" The one before was for {days} days.")).unwrap_or_default();
        print::line(&format!("No end is known for it, so Patchbay cannot remind you.{before}"));
    }
    match (&done.old, &done.revoke_page) {
        (Some(_), Some(page)) => print::line(&format!("Revoke the old one at {page}")),
        (Some(_), None) => print::line("Revoke the old one at the service."),
        (None, _) => {}
    }
}
