//! The floor that Patchbay's start and memory are measured against: a Tauri window with a tray icon and no more.

use tauri::image::Image;
use tauri::menu::MenuBuilder;
use tauri::tray::TrayIconBuilder;
use tauri::webview::PageLoadEvent;

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .on_page_load(|webview, load| {
            if load.event() == PageLoadEvent::Finished {
                // A refusal shows in the measurement: the window never comes up.
                let _ = webview.window().show();
            }
        })
        .setup(|app| {
            let menu = MenuBuilder::new(app).text("quit", "Quit").build()?;
            let icon = Image::from_bytes(include_bytes!("../../../icons/tray.png"))?;
            TrayIconBuilder::new().icon(icon).menu(&menu).build(app)?;
            Ok(())
        })
        .run(tauri::generate_context!("tests/desktop/bare/tauri.conf.json"))
}
