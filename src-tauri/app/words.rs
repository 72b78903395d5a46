//! The few words that the shell itself says: tray and notifications.

use patchbay_core::api::Notice;
use patchbay_core::api::view::ReminderView;
use patchbay_core::probe::Verdict;

pub(super) const APP: &str = "Patchbay";
pub(super) const OPEN: &str = "Open Patchbay";
pub(super) const RENEW: &str = "Renew";
pub(super) const SIGN_IN: &str = "Sign in";
pub(super) const CHECK_ALL: &str = "Check all";
pub(super) const QUIT: &str = "Quit";
pub(super) const ALL_WELL: &str = "Patchbay";
pub(super) const IN_TRAY: (&str, &str) =
    ("Patchbay keeps running", "It stays here to tell you before a token ends. Quit it from its icon's menu.");

pub(super) fn renew(name: &str) -> String {
    format!("Renew {name}\u{2026}")
}

/// How things are in one line: tokens to renew, connections that need the user, results that are old.
pub(super) fn tooltip(due: usize, needing: usize, old: usize, offline: bool) -> String {
    match (due, needing, old, offline) {
        (1, ..) => "Patchbay: one token needs you".to_owned(),
        (2.., ..) => format!("Patchbay: {due} tokens need you"),
        (_, _, _, true) => "Patchbay: you are offline".to_owned(),
        (_, 1, ..) => "Patchbay: one connection needs you".to_owned(),
        (_, 2.., ..) => format!("Patchbay: {needing} connections need you"),
        (_, _, 1, _) => "Patchbay: one connection was not checked lately".to_owned(),
        (_, _, 2.., _) => format!("Patchbay: {old} connections were not checked lately"),
        _ => ALL_WELL.to_owned(),
    }
}

/// Title and body of a notification that the user has to sign in.
pub(super) fn sign_in(name: &str) -> (String, String) {
    (format!("{name} wants you to sign in"), format!("Your apps cannot use {name} until you sign in again."))
}

/// Title and body of a reminder.
pub(super) fn reminder(reminder: &ReminderView) -> (String, String) {
    let name = &reminder.name;
    let title = match (reminder.ended, reminder.days_left) {
        (true, _) => format!("The token for {name} has ended"),
        (false, 0) => format!("The token for {name} ends today"),
        (false, 1) => format!("The token for {name} ends tomorrow"),
        (false, days) => format!("The token for {name} ends in {days} days"),
    };
    let body = if reminder.ended {
        format!("Your apps cannot use {name} until you renew it in Patchbay.")
    } else {
        "Renew it in Patchbay: one click for all your apps.".to_owned()
    };
    (title, body)
}

/// Title and body of what a check found by itself.
pub(super) fn turned(notice: &Notice) -> (String, String) {
    let name = &notice.name;
    let title = match notice.verdict {
        Verdict::TokenRefused => format!("{name} refuses its token"),
        Verdict::NotAllowed => format!("The token for {name} lacks a right"),
        Verdict::NeedsBrowserSignIn => format!("{name} wants you to sign in"),
        Verdict::TokenMissing => format!("{name} has no token"),
        Verdict::Unreachable => format!("{name} cannot be reached"),
        Verdict::TooSlow => format!("{name} takes too long to answer"),
        Verdict::TlsNotTrusted => format!("The connection to {name} is not trusted"),
        Verdict::ServiceError => format!("{name} reports a problem of its own"),
        _ => format!("{name} does not work any more"),
    };
    (title, "Patchbay tells you what to do.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tray_names_what_is_most_urgent_and_never_calls_an_old_result_well() {
        assert_eq!(tooltip(1, 2, 3, false), "Patchbay: one token needs you");
        assert_eq!(tooltip(0, 2, 3, false), "Patchbay: 2 connections need you");
        assert_eq!(tooltip(0, 2, 3, true), "Patchbay: you are offline");
        assert_eq!(tooltip(0, 0, 3, false), "Patchbay: 3 connections were not checked lately");
        assert_eq!(tooltip(0, 0, 0, false), ALL_WELL);
    }
}
