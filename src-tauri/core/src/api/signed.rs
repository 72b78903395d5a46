//! What signing in means for a connection's state and next step.

use std::path::Path;

use super::sign_in::needed;
use super::token::lacks_token;
use super::view::{NextStep, Status};
use crate::catalog::{self, Offered};
use crate::connection::state::{Checked, StateFile};
use crate::connection::{Connection, Credential, SignInNeeded, Wiring};
use crate::oauth::Access;
use crate::probe::Verdict;

/// Whether its apps do without Patchbay: it has no token, and each of them signs in by itself.
pub(super) fn signed_in_by_apps(connection: &Connection) -> bool {
    connection.first_token().is_none()
        && !connection.placements.is_empty()
        && connection.placements.iter().all(|placement| placement.wiring == Wiring::ClientOauth)
}

/// State and next step where the user has to sign in; nothing where that is not the matter.
pub(super) fn signed_status(connection: &Connection, checked: Option<&Checked>) -> Option<(Status, NextStep)> {
    if connection.credentials.iter().any(|credential| needed(credential).is_some()) {
        return Some((Status::SignInNeeded, NextStep::SignIn));
    }
    let verdict = checked.map(|checked| checked.report.verdict);
    if connection.is_signed_out() {
        return Some((Status::SignedOut, NextStep::SignIn));
    }
    if lacks_token(connection) {
        let wants = verdict == Some(Verdict::NeedsBrowserSignIn) || signs_in(connection);
        return wants.then_some((Status::TokenMissing, NextStep::SignIn));
    }
    let tried = checked.and_then(|checked| checked.token.as_ref());
    let signed_in = |id: &String| connection.credentials.iter().any(|own| own.id == *id && own.sign_in.is_some());
    match verdict? {
        _ if !tried.is_some_and(signed_in) => None,
        Verdict::TokenRefused | Verdict::TokenMissing | Verdict::NeedsBrowserSignIn => {
            Some((Status::SignInNeeded, NextStep::SignIn))
        }
        Verdict::NotAllowed => Some((Status::NotAllowed, NextStep::SignIn)),
        _ => None,
    }
}

/// Writes down that the user need not sign in any more, where another token came without them since they were asked to. An
/// older one is no proof: it may be the one that the service refuses.
pub(super) fn forget_need(data_dir: &Path, connection: &Connection, credential: &Credential, access: &Access) {
    let is_over = |needed: &SignInNeeded| needed.scopes.is_empty() && access.since.is_some_and(|at| at > needed.since);
    if !needed(credential).is_some_and(is_over) {
        return;
    }
    let noted = StateFile::new(data_dir).update(|state| {
        let connection = state.connection_mut(&connection.id)?;
        let credential = connection.credentials.iter_mut().find(|own| own.id == credential.id);
        if let Some(sign_in) = credential.and_then(|own| own.sign_in.as_mut()) {
            sign_in.needed.take_if(|needed| is_over(needed));
        }
        Ok(())
    });
    if let Err(error) = noted {
        tracing::warn!("that no sign-in is needed any more cannot be written down: {error}");
    }
}

/// Whether its service is one to which people sign in, as a rule.
fn signs_in(connection: &Connection) -> bool {
    let sign_in = catalog::find(&connection.provider).ok().and_then(|provider| provider.sign_in.as_ref());
    sign_in.is_some_and(|sign_in| sign_in.offered == Offered::Yes && sign_in.recommended)
}
