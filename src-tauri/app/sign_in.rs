//! The browser for signing in: opened by the system, and told to the window, which shows how far it has come.

use patchbay_core::api::SignInStep;
use patchbay_core::catalog::check_page;
use tauri::{AppHandle, Emitter};
use tauri_plugin_opener::OpenerExt;

/// Opens the page that a step names, and tells the window of the step. Where no browser opens, it says so: the address
/// can be copied there.
pub(super) fn go_on(app: &AppHandle, id: &str, step: &SignInStep) {
    let opened = match step {
        SignInStep::Browser { url } => is_opened(app, url),
        _ => true,
    };
    // Nobody listens where the window is gone.
    let _ = app.emit("sign_in_progress", serde_json::json!({ "id": id, "step": step, "opened": opened }));
}

fn is_opened(app: &AppHandle, url: &str) -> bool {
    let opened = check_page(url)
        .map_err(|error| error.message)
        .and_then(|page| app.opener().open_url(page, None::<&str>).map_err(|error| error.to_string()));
    if let Err(error) = &opened {
        tracing::warn!("the browser cannot be opened: {error}");
    }
    opened.is_ok()
}
