//! What signing in means for a connection's state and next step.

use super::sign_in::needed;
use super::token::lacks_token;
use super::view::{NextStep, Status};
use crate::catalog::{self, Offered};
use crate::connection::state::Checked;
use crate::connection::{Connection, Wiring};
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

/// Whether its service is one to which people sign in, as a rule.
fn signs_in(connection: &Connection) -> bool {
    let sign_in = catalog::find(&connection.provider).ok().and_then(|provider| provider.sign_in.as_ref());
    sign_in.is_some_and(|sign_in| sign_in.offered == Offered::Yes && sign_in.recommended)
}
