//! The window: brought forward, hidden in the tray, sent to a screen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use patchbay_core::api::{Patchbay, Request};
use tauri::{AppHandle, Emitter, Manager, Window, WindowEvent};

use super::{notify, words};

/// When the window comes up at the latest.
const LATEST: Duration = Duration::from_secs(4);

/// Shows the window in front of all others.
pub(super) fn bring_forward(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        // Each of these may be refused by a window manager; the next one still helps.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}

/// Whether the window comes up by itself: once, and not where the program was started into the tray.
#[derive(Debug)]
pub(super) struct ComesUp {
    hidden: bool,
    waits: AtomicBool,
}

impl ComesUp {
    /// As the program's arguments say.
    pub(super) fn by_arguments(mut args: impl Iterator<Item = String>) -> Self {
        let hidden = args.any(|arg| arg == "--hidden");
        Self { hidden, waits: AtomicBool::new(!hidden) }
    }

    fn take(&self) -> bool {
        self.waits.swap(false, Ordering::Relaxed)
    }
}

/// Shows the window for the first time.
pub(super) fn come_up(app: &AppHandle) {
    if app.state::<ComesUp>().take() {
        bring_forward(app);
    }
}

/// After a start into the tray: brings the window up where nobody shows tray icons, because there is no other way to
/// it. A panel may start later than the programs that start with it.
pub(super) fn come_up_without_tray(app: &AppHandle) {
    if !app.state::<ComesUp>().hidden {
        return;
    }
    let app = app.clone();
    std::thread::spawn(move || {
        for _ in 0..30 {
            if has_tray() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        bring_forward(&app);
    });
}

/// Has `WebKitGTK` keep nothing for browsing: there is one page, with text and a few lines, and nothing to go back to.
#[cfg(target_os = "linux")]
pub(super) fn keep_small(app: &AppHandle) {
    use webkit2gtk::{CacheModel, HardwareAccelerationPolicy, SettingsExt, WebContextExt, WebViewExt};
    let Some(window) = app.get_webview_window("main") else { return };
    let kept = window.with_webview(|webview| {
        let view = webview.inner();
        if let Some(context) = view.context() {
            context.set_cache_model(CacheModel::DocumentViewer);
        }
        if let Some(settings) = view.settings() {
            settings.set_enable_page_cache(false);
            settings.set_enable_webgl(false);
            settings.set_enable_webaudio(false);
            // Drawing by the graphics card costs memory, and some drivers show an empty window.
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = kept {
        tracing::warn!("{error}");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn keep_small(_: &AppHandle) {}

/// Shows the window although its page has not drawn anything: better than nothing.
pub(super) fn come_up_late(app: AppHandle) {
    std::thread::spawn(move || {
        std::thread::sleep(LATEST);
        come_up(&app);
    });
}

/// Brings the window forward at a connection and one of its tokens, or at the list.
pub(super) fn navigate(app: &AppHandle, connection: Option<&str>, token: Option<&str>, action: &str) {
    bring_forward(app);
    let place =
        serde_json::json!({ "view": "connections", "connection": connection, "token": token, "action": action });
    // Nobody listens where the window is gone.
    let _ = app.emit("navigate", place);
}

/// Closing the window leaves Patchbay in the tray, where there is one; otherwise it ends.
pub(super) fn on_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    if !has_tray() {
        return;
    }
    api.prevent_close();
    let _ = window.hide();
    explain_once(window.app_handle());
}

fn explain_once(app: &AppHandle) {
    let patchbay = app.state::<Patchbay>().inner().clone();
    tauri::async_runtime::spawn(async move {
        let Ok(state) = patchbay.state() else { return };
        if state.settings.tray_explained {
            return;
        }
        if !notify::show(words::IN_TRAY.0, words::IN_TRAY.1) {
            return;
        }
        let mut settings = state.settings;
        settings.tray_explained = true;
        if let Err(error) = patchbay.call(Request::SetSettings { settings }, None).await {
            tracing::warn!("{error}");
        }
    });
}

/// Whether somebody shows tray icons. Elsewhere than on Linux the system always does.
#[cfg(target_os = "linux")]
fn has_tray() -> bool {
    let asked = || {
        let bus = zbus::blocking::Connection::session()?;
        zbus::blocking::fdo::DBusProxy::new(&bus)?
            .name_has_owner("org.kde.StatusNotifierWatcher".try_into()?)
            .map_err(zbus::Error::from)
    };
    // The bus may not be asked from a thread that serves the async runtime.
    std::thread::spawn(move || asked().unwrap_or(false)).join().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn has_tray() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_comes_up_by_itself_once_and_never_after_a_start_into_the_tray() {
        let args =
            |args: &[&str]| ComesUp::by_arguments(args.iter().map(ToString::to_string).collect::<Vec<_>>().into_iter());
        let shown = args(&["patchbay-app"]);
        assert!(shown.take() && !shown.take());
        assert!(!args(&["patchbay-app", "--hidden"]).take());
    }
}
