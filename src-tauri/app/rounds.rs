//! Checks that run by themselves, at each look at the clock: each in a task of its own, so that a slow service delays
//! neither the next look nor another service.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::api::Patchbay;
use patchbay_core::quiet::{Heard, Senses, network_now, on_battery};
use tauri::AppHandle;

use super::notify;

/// What is remembered from one look at the clock to the next.
pub(super) struct Rounds {
    senses: Senses,
    telling: notify::Telling,
}

impl Rounds {
    /// For looks that are so far apart.
    pub(super) fn new(patchbay: &Patchbay, every: Duration) -> Self {
        let heard = Arc::new(Heard::default());
        listen(&heard);
        Self { senses: Senses::new(patchbay.host().now, every, heard), telling: notify::Telling::default() }
    }

    /// One look: begins what is due, and tells what turned bad since the last one.
    pub(super) fn look(&mut self, app: &AppHandle, patchbay: &Patchbay) {
        let sensed = self.senses.look(patchbay.host().now, network_now());
        let due = patchbay.due_checks(&sensed, on_battery);
        for id in due.unwrap_or_else(|error| told(&error)) {
            let patchbay = patchbay.clone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = patchbay.check_quietly(&id).await {
                    tracing::warn!(id, "{error}");
                }
            });
        }
        self.telling.tell(app, patchbay);
    }
}

fn told(error: &patchbay_core::Error) -> Vec<String> {
    tracing::warn!("nothing is checked: {error}");
    Vec::new()
}

/// Where the system tells of sleep and networks by itself; elsewhere the looks at the clock find out.
#[cfg(target_os = "linux")]
fn listen(heard: &Arc<Heard>) {
    let listens = zbus::blocking::Connection::system().and_then(|bus| patchbay_core::quiet::listen(&bus, heard));
    if let Err(error) = listens {
        tracing::info!("the system's bus tells nothing: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn listen(_: &Arc<Heard>) {}
