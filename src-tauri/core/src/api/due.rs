//! Which token a renewal is about where nobody names one.

use super::view::ReminderView;
use crate::connection::state::State;
use crate::connection::{Connection, Credential};
use crate::probe::Verdict;

/// The token that the connection's next step is about: one that has ended, one that the last check found wanting, one
/// that ends soon; else the one that ends first, or simply the first.
///
/// In the same order in which the snapshot chooses the status, so that both speak of the same token.
pub(super) fn token_to_renew<'a>(
    state: &State,
    connection: &'a Connection,
    reminders: &[ReminderView],
) -> Option<&'a Credential> {
    let by_id = |id: &String| connection.credentials.iter().find(|credential| credential.id == *id);
    let reminder = reminders.iter().find(|reminder| reminder.connection == connection.id);
    let ended = reminder.filter(|reminder| reminder.ended).map(|reminder| &reminder.token);
    let checked = state.checks.get(&connection.id).filter(|checked| is_about_token(checked.report.verdict));
    let refused = checked.and_then(|checked| checked.token.as_ref());
    let ends_soon = reminder.map(|reminder| &reminder.token);
    let named = [ended, refused, ends_soon].into_iter().flatten().find_map(by_id);
    let ends_first =
        || connection.credentials.iter().min_by_key(|credential| (credential.expires.is_none(), end(credential)));
    named.or_else(ends_first)
}

fn end(credential: &Credential) -> Option<jiff::Timestamp> {
    credential.expires.map(|expires| expires.at)
}

/// Whether another token would change this verdict.
fn is_about_token(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::TokenRefused | Verdict::NotAllowed | Verdict::TokenMissing)
}
