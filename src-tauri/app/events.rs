//! What makes the window look again: our own changes, the apps' files, the clock.

use std::time::{Duration, SystemTime};

use patchbay_core::api::Patchbay;
use patchbay_core::api::view::Status;
use tauri::{AppHandle, Emitter};

use super::{notify, rounds, tray};

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
    let mut rounds = rounds::Rounds::new(patchbay, TICK);
    loop {
        rounds.look(app, patchbay);
        reminding.tell_due(app, patchbay);
        let now = self::seen(patchbay);
        if now != seen {
            seen = now;
            changed(app);
        }
        std::thread::sleep(TICK);
    }
}

/// What changes without any watched file changing.
#[derive(PartialEq)]
struct Seen {
    /// The last use of a connection.
    used: Option<SystemTime>,
    /// What is due.
    due: Vec<(String, i32, bool)>,
    /// How each connection is: a result grows old by itself.
    statuses: Vec<Status>,
}

fn seen(patchbay: &Patchbay) -> Seen {
    let folders = std::fs::read_dir(patchbay.runs_folder()).into_iter().flatten().filter_map(Result::ok);
    let used = folders.filter_map(|folder| folder.metadata().ok()?.modified().ok()).max();
    let Ok(snapshot) = patchbay.snapshot() else { return Seen { used, due: Vec::new(), statuses: Vec::new() } };
    Seen {
        used,
        due: snapshot.reminders.into_iter().map(|due| (due.token, due.days_left, due.ended)).collect(),
        statuses: snapshot.connections.iter().map(|connection| connection.status).collect(),
    }
}
