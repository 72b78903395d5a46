//! The start at login, where it is a file that can be removed without the window's help.
//!
//! The window sets it up through the system; on Linux and macOS that makes a file of a known name. On Windows it is an
//! entry in the registry, which the window removes itself.

use std::path::PathBuf;

use crate::error::Result;
use crate::file;
use crate::host::{Host, Platform};

/// The file that starts Patchbay at login, where there is one.
pub(super) fn login_file(host: &Host) -> Option<PathBuf> {
    let file = match host.platform {
        Platform::Linux => host.config_dir().join("autostart").join("Patchbay.desktop"),
        Platform::MacOs => host.home.join("Library").join("LaunchAgents").join("Patchbay.plist"),
        Platform::Windows => return None,
    };
    file.is_file().then_some(file)
}

/// Removes it. Whether it was there.
pub(super) fn end_login(host: &Host) -> Result<bool> {
    let Some(path) = login_file(host) else { return Ok(false) };
    file::remove(&file::read(&path)?).map(|()| true)
}
