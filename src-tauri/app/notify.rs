//! System notifications.

use patchbay_core::api::{Patchbay, Request};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;

use super::words;

/// Shows what is due and was not shown yet; what cannot be shown stays due.
pub(super) fn tell_due(app: &AppHandle, patchbay: &Patchbay) {
    let Ok(due) = patchbay.due_reminders() else { return };
    for reminder in due {
        let (title, body) = words::reminder(&reminder);
        if show(app, &title, &body) {
            let done = patchbay.call(Request::Acknowledge { token: reminder.token }, None);
            if let Err(error) = tauri::async_runtime::block_on(done) {
                tracing::warn!("{error}");
            }
        }
    }
}

/// Shows one notification; whether the system took it.
pub(super) fn show(app: &AppHandle, title: &str, body: &str) -> bool {
    match app.notification().builder().title(title).body(body).show() {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!("the notification cannot be shown: {error}");
            false
        }
    }
}
