//! The few words that the shell itself says: tray and notifications.

use patchbay_core::api::view::ReminderView;

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

pub(super) fn tooltip(due: usize) -> String {
    match due {
        0 => ALL_WELL.to_owned(),
        1 => "Patchbay: one token needs you".to_owned(),
        n => format!("Patchbay: {n} tokens need you"),
    }
}

/// Title and body of a notification that the user has to sign in.
pub(super) fn sign_in(name: &str) -> (String, String) {
    (
        format!("{name} wants you to sign in"),
        format!("Your apps cannot use {name} until you sign in with your browser."),
    )
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
