//! System notifications.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use notify_rust::Notification;
use patchbay_core::api::view::ReminderView;
use patchbay_core::api::{Patchbay, Request};
use tauri::AppHandle;

use super::words;

/// How long after a failure it is tried again: a notification service may come up later than the program.
const AGAIN: Duration = Duration::from_secs(300);

/// Shows reminders, each once.
#[derive(Default)]
pub(super) struct Reminding {
    /// What was shown although that could not be written down.
    shown: BTreeMap<String, String>,
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
            let done = patchbay.call(Request::Acknowledge { token: reminder.token }, None);
            if let Err(error) = tauri::async_runtime::block_on(done) {
                tracing::warn!("{error}");
            }
        }
    }
}

/// What makes a reminder another one than before.
fn stage(reminder: &ReminderView) -> String {
    format!("{} {} {}", reminder.expires, reminder.days_left, reminder.ended)
}

/// Shows a reminder; whether the system took it. A click on it leads to the renewal, where the system tells of clicks.
fn remind(app: &AppHandle, reminder: &ReminderView) -> bool {
    let (title, body) = words::reminder(reminder);
    let mut notification = plain(&title, &body);
    #[cfg(target_os = "linux")]
    notification.action("default", words::OPEN).action("renew", words::RENEW);
    let shown = match notification.show() {
        Ok(shown) => shown,
        Err(error) => return not_shown(&error),
    };
    #[cfg(target_os = "linux")]
    {
        let (app, connection, token) = (app.clone(), reminder.connection.clone(), reminder.token.clone());
        std::thread::spawn(move || {
            shown.wait_for_action(|action| {
                if action == "default" || action == "renew" {
                    super::window::navigate(&app, Some(&connection), Some(&token), "renew");
                }
            });
        });
    }
    #[cfg(not(target_os = "linux"))]
    drop((shown, app));
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
