//! System notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use notify_rust::Notification;
use patchbay_core::api::view::ReminderView;
use patchbay_core::api::{DueSignIn, Notice, Patchbay, Request};
use tauri::AppHandle;

use super::words;

/// How long after a failure it is tried again: a notification service may come up later than the program.
const AGAIN: Duration = Duration::from_secs(300);

/// Shows reminders, each once.
#[derive(Default)]
pub(super) struct Reminding {
    /// What was shown although that could not be written down.
    shown: BTreeMap<String, String>,
    /// The same of sign-ins.
    told: BTreeSet<String>,
    failed: Option<Instant>,
}

impl Reminding {
    /// Shows what is due and was not shown yet; what cannot be shown stays due.
    pub(super) fn tell_due(&mut self, app: &AppHandle, patchbay: &Patchbay) {
        if self.failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            return;
        }
        self.failed = None;
        for reminder in patchbay.due_reminders().unwrap_or_default() {
            if self.shown.get(&reminder.token) == Some(&stage(&reminder)) {
                continue;
            }
            if !remind(app, &reminder) {
                self.failed = Some(Instant::now());
                return;
            }
            self.shown.insert(reminder.token.clone(), stage(&reminder));
            acknowledge(patchbay, reminder.token);
        }
        self.tell_sign_ins(app, patchbay);
    }

    /// The same for sign-ins that only the user can renew.
    fn tell_sign_ins(&mut self, app: &AppHandle, patchbay: &Patchbay) {
        let due = patchbay.due_sign_ins().unwrap_or_default();
        // What is due no longer may become due once more.
        self.told.retain(|token| due.iter().any(|due| due.token == *token));
        for due in due {
            if self.told.contains(&due.token) {
                continue;
            }
            if !ask_to_sign_in(app, &due) {
                self.failed = Some(Instant::now());
                return;
            }
            self.told.insert(due.token.clone());
            acknowledge(patchbay, due.token);
            super::events::changed(app);
        }
    }
}

fn acknowledge(patchbay: &Patchbay, token: String) {
    let done = patchbay.call(Request::Acknowledge { token }, None);
    if let Err(error) = tauri::async_runtime::block_on(done) {
        tracing::warn!("{error}");
    }
}

/// Tells what turned bad by itself, once for each connection and cause.
#[derive(Default)]
pub(super) struct Telling {
    failed: Option<Instant>,
}

impl Telling {
    /// Shows what was not told yet; what cannot be shown stays untold.
    pub(super) fn tell(&mut self, app: &AppHandle, patchbay: &Patchbay) {
        if self.failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            return;
        }
        self.failed = None;
        for notice in patchbay.notices().unwrap_or_default() {
            if !turned(app, &notice) {
                self.failed = Some(Instant::now());
                return;
            }
            if let Err(error) = patchbay.noticed(&notice) {
                // Rather said twice than every few seconds.
                self.failed = Some(Instant::now());
                tracing::warn!("{error}");
                return;
            }
        }
    }
}

/// Shows what a connection turned to; whether the system took it. It makes no sound and goes by itself.
fn turned(app: &AppHandle, notice: &Notice) -> bool {
    let (title, body) = words::turned(notice);
    let mut notification = plain(&title, &body);
    #[cfg(target_os = "linux")]
    notification.urgency(notify_rust::Urgency::Low).action("default", words::OPEN);
    leading(app, &notification, &notice.connection, None, "open")
}

/// What makes a reminder another one than before.
fn stage(reminder: &ReminderView) -> String {
    format!("{} {} {}", reminder.expires, reminder.days_left, reminder.ended)
}

/// Shows a reminder; whether the system took it. A click on it leads to the renewal, where the system tells of clicks.
fn remind(app: &AppHandle, reminder: &ReminderView) -> bool {
    let to = To { connection: &reminder.connection, token: &reminder.token, action: ("renew", words::RENEW) };
    lead(app, words::reminder(reminder), &to)
}

/// Asks to sign in; whether the system took it. A click on it leads to the sign-in, where the system tells of clicks.
fn ask_to_sign_in(app: &AppHandle, due: &DueSignIn) -> bool {
    let to = To { connection: &due.connection, token: &due.token, action: ("sign_in", words::SIGN_IN) };
    lead(app, words::sign_in(&due.name), &to)
}

/// Where a notification leads: what is done there, and its button's words.
struct To<'a> {
    connection: &'a str,
    token: &'a str,
    action: (&'static str, &'static str),
}

fn lead(app: &AppHandle, (title, body): (String, String), to: &To<'_>) -> bool {
    let mut notification = plain(&title, &body);
    #[cfg(target_os = "linux")]
    notification.action("default", words::OPEN).action(to.action.0, to.action.1);
    leading(app, &notification, to.connection, Some(to.token), to.action.0)
}

/// Shows a notification from which a click leads to a connection, where the system tells of clicks; whether the system
/// took it.
fn leading(
    app: &AppHandle,
    notification: &Notification,
    connection: &str,
    token: Option<&str>,
    to: &'static str,
) -> bool {
    let shown = match notification.show() {
        Ok(shown) => shown,
        Err(error) => return not_shown(&error),
    };
    #[cfg(target_os = "linux")]
    {
        let (app, connection, token) = (app.clone(), connection.to_owned(), token.map(str::to_owned));
        std::thread::spawn(move || {
            shown.wait_for_action(|action| {
                if action == "default" || action == to {
                    super::window::navigate(&app, Some(&connection), token.as_deref(), to);
                }
            });
        });
    }
    #[cfg(not(target_os = "linux"))]
    drop((shown, app, connection, token, to));
    true
}

/// Shows one notification; whether the system took it.
pub(super) fn show(title: &str, body: &str) -> bool {
    match plain(title, body).show() {
        Ok(_) => true,
        Err(error) => not_shown(&error),
    }
}

fn plain(title: &str, body: &str) -> Notification {
    let mut notification = Notification::new();
    notification.appname(words::APP).summary(title).body(body).icon("patchbay");
    notification
}

fn not_shown(error: &notify_rust::error::Error) -> bool {
    tracing::warn!("the notification cannot be shown: {error}");
    false
}
