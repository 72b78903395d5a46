//! The window: brought forward, hidden in the tray, sent to a screen.

use patchbay_core::api::{Patchbay, Request};
use tauri::{AppHandle, Emitter, Manager, Window, WindowEvent};

use super::{notify, words};

/// Shows the window in front of all others.
pub(super) fn bring_forward(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        // Each of these may be refused by a window manager; the next one still helps.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}

/// Hides the window.
pub(super) fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let _ = window.hide();
    }
}

/// Brings the window forward at a connection, or at the list.
pub(super) fn navigate(app: &AppHandle, connection: Option<&str>, action: &str) {
    bring_forward(app);
    let place = serde_json::json!({ "view": "connections", "connection": connection, "action": action });
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
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        let Ok(state) = patchbay.state() else { return };
        if state.settings.tray_explained {
            return;
        }
        notify::show(&handle, words::IN_TRAY.0, words::IN_TRAY.1);
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
