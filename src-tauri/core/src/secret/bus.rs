//! Finding the session bus where an app starts us without its address.
//!
//! Codex starts programs with a bare environment (run with 0.169.0). The usual socket is tried first, then the address
//! that the last Patchbay process with a bus has recorded.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::file;
use crate::host::{Host, Platform};

const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// The address to adopt where the environment has none; only ever `Some` on Linux.
pub fn bus_to_adopt(host: &Host, data_dir: &Path) -> Option<String> {
    if host.platform != Platform::Linux || host.var(VARIABLE).is_some() {
        return None;
    }
    let recorded = std::fs::read_to_string(record_path(data_dir)).ok();
    let recorded = recorded.as_deref().map(str::trim);
    // The recorded one has been seen to lead to a keychain, so it goes ahead of the usual one.
    let known = recorded.filter(|address| is_alive(address)).map(str::to_owned);
    known.or_else(|| {
        let socket = usual_socket(host).filter(|socket| socket.exists())?;
        Some(format!("unix:path={}", socket.display()))
    })
}

/// Records this process's bus address for those that start without one. An address is no secret: the socket's own
/// permissions guard it.
///
/// # Errors
/// The record cannot be written.
pub fn record_session_bus(host: &Host, data_dir: &Path) -> Result<()> {
    let Some(address) = host.var(VARIABLE).filter(|_| host.platform == Platform::Linux) else { return Ok(()) };
    let path = record_path(data_dir);
    if std::fs::read_to_string(&path).is_ok_and(|old| old.trim() == address) {
        return Ok(());
    }
    file::replace_private(&path, format!("{address}\n").as_bytes())
}

fn record_path(data_dir: &Path) -> PathBuf {
    data_dir.join("session-bus")
}

fn usual_socket(host: &Host) -> Option<PathBuf> {
    if let Some(folder) = host.var_path("XDG_RUNTIME_DIR") {
        return Some(folder.join("bus"));
    }
    Some(PathBuf::from(format!("/run/user/{}/bus", user_id(host)?)))
}

#[cfg(unix)]
fn user_id(host: &Host) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    // The owner of this process's own folder is its user; the home folder's owner nearly always is.
    std::fs::metadata("/proc/self").or_else(|_| std::fs::metadata(&host.home)).ok().map(|meta| meta.uid())
}

#[cfg(not(unix))]
fn user_id(_: &Host) -> Option<u32> {
    None
}

/// Whether an address's socket is there; an abstract one cannot be looked for and is taken at its word.
fn is_alive(address: &str) -> bool {
    let path = address.split(';').next().unwrap_or(address).strip_prefix("unix:path=");
    match path {
        Some(path) => Path::new(path.split(',').next().unwrap_or(path)).exists(),
        None => address.starts_with("unix:"),
    }
}
