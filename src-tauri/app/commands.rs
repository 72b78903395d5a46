//! What the window's page may ask of the shell. Each hands on to the core or the system.
#![expect(clippy::needless_pass_by_value, reason = "commands get their arguments by value")]

use patchbay_core::api::{Answer, Patchbay, Request};
use patchbay_core::secret::Secret;
use patchbay_core::{Code, Error};
use tauri::{AppHandle, State};
use tauri_plugin_autostart::ManagerExt;
use tauri_plugin_opener::OpenerExt;

use super::practice::{self, PracticeState};
use super::window;

#[tauri::command]
pub(super) async fn call(patchbay: State<'_, Patchbay>, request: Request) -> Result<Answer, Error> {
    patchbay.call(request, None).await
}

/// The one way in for a secret; none leads out.
#[tauri::command]
pub(super) async fn call_with_secret(
    patchbay: State<'_, Patchbay>,
    request: Request,
    secret: Secret,
) -> Result<Answer, Error> {
    patchbay.call(request, Some(secret)).await
}

/// Opens a page in the browser: https, or this computer's own.
#[tauri::command]
pub(super) fn open_link(app: AppHandle, url: &str) -> Result<(), Error> {
    let url = patchbay_core::catalog::check_page(url)?;
    app.opener()
        .open_url(url, None::<&str>)
        .map_err(|error| Error::new(Code::Io, format!("The browser cannot be opened: {error}")))
}

/// Shows an app's file or Patchbay's folder in the file manager; no other place.
#[tauri::command]
pub(super) fn reveal_path(app: AppHandle, patchbay: State<'_, Patchbay>, path: &str) -> Result<(), Error> {
    let snapshot = patchbay.snapshot()?;
    if snapshot.data_dir != path && !snapshot.apps.iter().any(|app| app.path == path) {
        return Err(Error::new(Code::Usage, "Patchbay shows only its own folder and the apps' files."));
    }
    app.opener()
        .reveal_item_in_dir(path)
        .map_err(|error| Error::new(Code::Io, format!("The folder cannot be opened: {error}")))
}

/// Starts the practice service, or says whether it runs.
#[tauri::command]
pub(super) async fn start_practice(app: AppHandle, action: String) -> Result<PracticeState, Error> {
    if action == "start" { practice::start(&app).await } else { Ok(practice::state().await) }
}

#[tauri::command]
pub(super) fn start_at_login(app: AppHandle, on: bool) -> Result<(), Error> {
    let manager = app.autolaunch();
    let done = if on { manager.enable() } else { manager.disable() };
    done.map_err(|error| Error::new(Code::Io, format!("The start at login cannot be changed: {error}")))
}

/// The page has something to show.
#[tauri::command]
pub(super) fn drawn(app: AppHandle) {
    window::come_up(&app);
}
