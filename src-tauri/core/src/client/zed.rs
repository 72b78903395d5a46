//! Zed: `settings.json`, JSON with comments, `context_servers`.
//!
//! `~/.config/zed` on macOS too, `%APPDATA%\Zed` on Windows; on Linux `FLATPAK_XDG_CONFIG_HOME` comes before
//! `XDG_CONFIG_HOME` (`crates/paths/src/paths.rs`). An entry is a program, an address or an extension's settings, told
//! apart by their fields, and `enabled: false` switches it off; where one entry fits none of them the whole table is
//! lost (`ContextServerSettingsContent` and `fallible_options` in `crates/settings_content`). `source` is no longer
//! known there. Settings are read again at once.

use super::shape::is_flag;
use super::{Client, Ends, Location, Program, StartedBy, Starts, Version, bridge, is_there};
use crate::connection::Wiring;
use crate::document::{Format, JsonDialect};
use crate::host::{Host, Platform};

pub(super) static CLIENT: Client = Client {
    id: "zed",
    name: "Zed",
    format: Format::Json(JsonDialect::JSONC),
    table: &["context_servers"],
    wirings: &[Wiring::Bridge, Wiring::ClientOauth],
    // On Linux `zed` is the short-lived starter, and `zed-editor` the window.
    processes: &["zed-editor", "zed", "Zed"],
    program: Program { bundle: Some("Zed"), versions: &[Version::Bundle], ends: Ends::Windows, ..Program::BASE },
    restart: false,
    starts: Starts { by: StartedBy::DesktopWithShell, ..Starts::BASE },
    locate,
    entry: bridge,
    refuses: |value| {
        let fits = value.is_object() && is_flag(value, "enabled") && is_flag(value, "remote");
        (!fits).then_some("Zed wants a table whose \"enabled\" and \"remote\" are true or false.")
    },
    all_or_nothing: true,
    off: Some(("enabled", false)),
    ..Client::BASE
};

fn locate(host: &Host) -> Location {
    let folder = match host.platform {
        Platform::Windows => host.config_dir().join("Zed"),
        Platform::MacOs => host.home.join(".config").join("zed"),
        Platform::Linux => host.var_path("FLATPAK_XDG_CONFIG_HOME").unwrap_or_else(|| host.config_dir()).join("zed"),
    };
    let installed = folder.is_dir() || is_there(host, "zed", "Zed");
    Location { path: folder.join("settings.json"), why: None, installed }
}
