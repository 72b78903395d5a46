//! What makes the window look again: our own changes, the apps' files, the clock.

use std::time::{Duration, SystemTime};

use patchbay_core::api::Patchbay;
use tauri::{AppHandle, Emitter};

use super::{notify, tray};

/// How often the clock is looked at. Reminders are computed from stored dates, so a sleep only delays a look.
const TICK: Duration = Duration::from_secs(15);

/// Tells the window and the tray to look again.
pub(super) fn changed(app: &AppHandle) {
    // Nobody listens where the window is gone.
    let _ = app.emit("changed", ());
    tray::refresh(app);
}

/// Watches files and clock until the program ends.
pub(super) fn watch(app: &AppHandle, patchbay: &Patchbay) {
    let handle = app.clone();
    let watcher = patchbay.watch(move || changed(&handle));
    if let Err(error) = &watcher {
        tracing::warn!("{error}");
    }
    let (mut seen, mut reminding) = (seen(patchbay), notify::Reminding::default());
    loop {
        reminding.tell_due(app, patchbay);
        let now = self::seen(patchbay);
        if now != seen {
            seen = now;
            changed(app);
        }
        std::thread::sleep(TICK);
    }
}

/// What changes without any watched file changing: uses of connections, and what is due.
fn seen(patchbay: &Patchbay) -> (Option<SystemTime>, Vec<(String, i32, bool)>) {
    let folders = std::fs::read_dir(patchbay.runs_folder()).into_iter().flatten().filter_map(Result::ok);
    let used = folders.filter_map(|folder| folder.metadata().ok()?.modified().ok()).max();
    let due = patchbay.snapshot().map(|snapshot| snapshot.reminders).unwrap_or_default();
    (used, due.into_iter().map(|due| (due.token, due.days_left, due.ended)).collect())
}
