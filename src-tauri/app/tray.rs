//! The tray: what is due at a glance, and the way there. Linux trays send no clicks, so everything is in the menu.

use std::sync::Mutex;

use patchbay_core::api::view::{Group, ReminderView, Snapshot, Status};
use patchbay_core::api::{Patchbay, Request};
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};

use super::{window, words};

const ID: &str = "patchbay";
const CALM: &[u8] = include_bytes!("../../icons/tray.png");
const DUE: &[u8] = include_bytes!("../../icons/tray-due.png");

/// What the tray shows now, so that it is only built anew when that changes.
#[derive(Default)]
struct Shown(Mutex<Showing>);

/// What the tray says.
#[derive(Default, Clone, PartialEq, Eq)]
struct Showing {
    due: Vec<Due>,
    tooltip: String,
}

/// A connection with a token to renew.
#[derive(Clone, PartialEq, Eq)]
struct Due {
    connection: String,
    name: String,
    token: String,
}

/// Makes the tray icon. Where there is no tray, the program works without.
pub(super) fn make(app: &AppHandle) {
    let handle = app.clone();
    app.manage(Shown::default());
    let made = app.run_on_main_thread(move || {
        if let Err(error) = build(&handle) {
            tracing::warn!("there is no tray: {error}");
        }
    });
    if let Err(error) = made {
        tracing::warn!("there is no tray: {error}");
    }
}

fn build(app: &AppHandle) -> tauri::Result<()> {
    TrayIconBuilder::with_id(ID)
        .icon(Image::from_bytes(CALM)?)
        .tooltip(words::ALL_WELL)
        .menu(&menu(app, &[])?)
        .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
        .build(app)?;
    Ok(())
}

fn menu(app: &AppHandle, due: &[Due]) -> tauri::Result<Menu<Wry>> {
    let mut menu = MenuBuilder::new(app);
    for Due { connection, name, token } in due {
        let item = MenuItemBuilder::with_id(format!("renew:{connection}:{token}"), words::renew(name)).build(app)?;
        menu = menu.item(&item);
    }
    if !due.is_empty() {
        menu = menu.separator();
    }
    menu.text("check", words::CHECK_ALL).text("open", words::OPEN).separator().text("quit", words::QUIT).build()
}

fn chosen(app: &AppHandle, item: &str) {
    match item.split(':').collect::<Vec<_>>().as_slice() {
        ["renew", connection, token] => window::navigate(app, Some(connection), Some(token), "renew"),
        ["open"] => window::bring_forward(app),
        ["quit"] => app.exit(0),
        _ => check_all(app),
    }
}

fn check_all(app: &AppHandle) {
    window::navigate(app, None, None, "check");
    let patchbay = app.state::<Patchbay>().inner().clone();
    tauri::async_runtime::spawn(async move {
        // What each check finds is in the snapshot.
        if let Err(error) = patchbay.call(Request::Check { ids: Vec::new() }, None).await {
            tracing::warn!("{error}");
        }
    });
}

/// One line for each connection, about the token that ends first: the reminders come in that order.
fn due(reminders: Vec<ReminderView>) -> Vec<Due> {
    let mut due: Vec<Due> = Vec::new();
    for ReminderView { connection, name, token, .. } in reminders {
        if due.iter().all(|known| known.connection != connection) {
            due.push(Due { connection, name, token });
        }
    }
    due
}

/// Brings icon, tooltip and menu up to date.
pub(super) fn refresh(app: &AppHandle) {
    let Ok(snapshot) = app.state::<Patchbay>().snapshot() else { return };
    let showing = showing(snapshot);
    {
        let Some(shown) = app.try_state::<Shown>() else { return };
        let mut shown = shown.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *shown == showing {
            return;
        }
        shown.clone_from(&showing);
    }
    let handle = app.clone();
    // Fails only while the program ends.
    let _ = app.run_on_main_thread(move || {
        if let Err(error) = show(&handle, &showing) {
            tracing::warn!("the tray cannot be changed: {error}");
        }
    });
}

/// The tokens to renew, and how all connections are, at a glance.
fn showing(snapshot: Snapshot) -> Showing {
    let count =
        |is: fn(&Status, Group) -> bool| snapshot.connections.iter().filter(|one| is(&one.status, one.group)).count();
    let (needing, old) =
        (count(|_, group| group == Group::NeedsYou), count(|status, _| *status == Status::WorkedBefore));
    let due = due(snapshot.reminders);
    let tooltip = words::tooltip(due.len(), needing, old, snapshot.offline);
    Showing { due, tooltip }
}

fn show(app: &AppHandle, Showing { due, tooltip }: &Showing) -> tauri::Result<()> {
    let Some(tray) = app.tray_by_id(ID) else { return Ok(()) };
    tray.set_menu(Some(menu(app, due)?))?;
    tray.set_tooltip(Some(tooltip))?;
    tray.set_icon(Some(Image::from_bytes(if due.is_empty() { CALM } else { DUE })?))
}
