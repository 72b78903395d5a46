//! The client of last time: used again, and shown to nobody but the server for which it was given.

use jiff::Timestamp;

use super::bundle::{Bundle, Client, Server};
use super::{Held, Want};
use crate::error::{Code, Error, Result};

/// The sign-in before, where its client is the one to sign in with again: no other is named, nor another secret.
pub(super) fn before(want: &Want, held: Option<&Held>) -> Option<Bundle> {
    let bundle = Bundle::read(&held?.0)?;
    let again = want.client.as_ref().is_none_or(|own| own.secret.is_none() && own.id == bundle.client.id);
    again.then_some(bundle)
}

/// The client of the sign-in before, where the server is the same and, as far as is known, still knows it. One that the
/// user brought along is theirs to change.
///
/// # Errors
/// `SettingInvalid` where the user brought it along for another server: what they have for this one is asked for.
pub(super) fn kept_for(server: &Server, before: Option<Bundle>) -> Result<Option<Client>> {
    match before {
        Some(before) if before.server.issuer == server.issuer && before.server.token == server.token => {
            Ok(Some(before.client).filter(is_known))
        }
        Some(before) if before.client.own => Err(elsewhere(&before.client)),
        _ => Ok(None),
    }
}

fn is_known(client: &Client) -> bool {
    client.own || client.until.is_none_or(|until| until > Timestamp::now())
}

pub(super) fn elsewhere(client: &Client) -> Error {
    let field = if client.secret.is_some() { "client_secret" } else { "client_id" };
    let said =
        "The service now names another place to sign in than the one your client ID is for. Nothing was sent there.";
    Error::new(Code::SettingInvalid, said)
        .hint("If the service says so too, give the client ID, and its secret, that you have for the new place.")
        .field(field)
}
