//! Sets the desktop program up.

mod commands;
mod events;
mod notify;
mod practice;
mod program;
mod rounds;
mod sign_in;
mod tray;
mod window;
mod words;

use anyhow::Context;
use patchbay_core::api::Patchbay;
use patchbay_core::secret::record_session_bus;
use patchbay_core::{Host, api::Event};
use tauri::{AppHandle, Emitter, Manager};
use tauri_plugin_window_state::StateFlags;

/// Runs until the user quits.
///
/// # Errors
/// The window system is not there, or Patchbay's own folder cannot be used.
pub fn run() -> anyhow::Result<()> {
    patchbay_core::log::start(true);
    let host = Host::real().map_err(anyhow::Error::msg)?;
    let patchbay = Patchbay::open(host);
    let app = tauri::Builder::default()
        // First, so that a second start ends before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| window::bring_forward(app)))
        .plugin(tauri_plugin_window_state::Builder::new().with_state_flags(remembered()).build())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec!["--hidden"]),
        ))
        .manage(patchbay)
        .manage(practice::Practice::default())
        .manage(window::ComesUp::by_arguments(std::env::args()))
        .invoke_handler(tauri::generate_handler![
            commands::call,
            commands::call_with_secret,
            commands::open_link,
            commands::reveal_path,
            commands::start_practice,
            commands::start_at_login,
            commands::drawn,
        ])
        .on_window_event(window::on_event)
        .setup(|app| {
            window::keep_small(app.handle());
            window::come_up_late(app.handle().clone());
            let handle = app.handle().clone();
            // The window is drawn first; everything else comes beside it.
            std::thread::spawn(move || begin(&handle));
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("the window cannot be opened")?;
    app.run(|app, event| {
        if matches!(event, tauri::RunEvent::Exit) {
            app.state::<practice::Practice>().stop();
        }
    });
    Ok(())
}

/// What is remembered of the window: place and size, not whether it was hidden.
fn remembered() -> StateFlags {
    StateFlags::all() & !StateFlags::VISIBLE
}

/// What need not be ready for the first picture: tray, watching, keychain, practice service, reminders.
fn begin(app: &AppHandle) {
    let patchbay = app.state::<Patchbay>().inner().clone();
    patchbay.allow_prompts();
    let listener = app.clone();
    patchbay.listen(move |event| match event {
        Event::Changed => events::changed(&listener),
        Event::SignIn { id, step } => sign_in::go_on(&listener, &id, &step),
        // Nobody listens where the window is gone.
        Event::Layer { id, layer } => {
            drop(listener.emit("check_progress", serde_json::json!({ "id": id, "layer": layer })));
        }
    });
    tray::make(app);
    window::come_up_without_tray(app);
    if let Err(error) = program::install(&patchbay) {
        tracing::error!("the program for the apps cannot be installed: {error}");
    }
    // Made by now where it was missing.
    if let Err(error) = record_session_bus(&patchbay.host(), patchbay.data_dir()) {
        tracing::warn!("{error}");
    }
    practice::resume(app, &patchbay);
    tauri::async_runtime::block_on(async {
        if let Err(error) = patchbay.settle().await {
            tracing::warn!("{error}");
        }
        patchbay.secrets_status().await;
    });
    events::changed(app);
    events::watch(app, &patchbay);
}
