//! What an app gives us, made whole: the data folder, the session bus.

#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

#[cfg(unix)]
use patchbay_core::secret::{bus_to_adopt, record_session_bus};
use patchbay_core::{Host, Result};

/// The machine. The installed program lies in Patchbay's data folder and so knows it by its own place, whatever
/// environment an app starts it with.
pub fn host() -> Result<Host> {
    let mut host = Host::real()?;
    if host.var("PATCHBAY_DATA_DIR").is_none()
        && let Some(folder) = own_data_dir()
    {
        host.env.insert("PATCHBAY_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned());
    }
    Ok(host)
}

fn own_data_dir() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "bin"))?;
    let data = folder.parent()?;
    data.join("state.json").exists().then(|| data.to_path_buf())
}

/// Starts this program again with the session bus's address where the environment lacks it: the keychain's library
/// looks for it there, and a process cannot safely change its own environment.
#[cfg(unix)]
pub fn adopt_bus(host: &Host) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let data_dir = host.data_dir();
    if let Some(address) = bus_to_adopt(host, &data_dir) {
        if let Ok(program) = std::env::current_exe() {
            // Only comes back if it fails; then the keychain says what is missing.
            let _ = std::process::Command::new(program)
                .args(std::env::args_os().skip(1))
                .env("DBUS_SESSION_BUS_ADDRESS", address)
                .env("PATCHBAY_DATA_DIR", &data_dir)
                .env(ADOPTED, adopted(host))
                .exec();
        }
        return Ok(());
    }
    remember_bus(host, &data_dir)
}

/// Names the variables that Patchbay has added to its own environment.
const ADOPTED: &str = "PATCHBAY_ADOPTED";

#[cfg(unix)]
fn adopted(host: &Host) -> String {
    let given = std::env::var_os("PATCHBAY_DATA_DIR").is_some() && host.var("PATCHBAY_DATA_DIR").is_some();
    if given { "DBUS_SESSION_BUS_ADDRESS" } else { "DBUS_SESSION_BUS_ADDRESS PATCHBAY_DATA_DIR" }.to_owned()
}

/// Takes away from a program's environment what its app did not give us.
pub fn without_adopted(command: &mut std::process::Command) {
    let names = std::env::var(ADOPTED).unwrap_or_default();
    for name in names.split_whitespace().chain([ADOPTED]) {
        command.env_remove(name);
    }
}

#[cfg(not(unix))]
pub fn adopt_bus(_: &Host) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn remember_bus(host: &Host, data_dir: &Path) -> Result<()> {
    // A look at somebody's computer makes no folder there; what stores something does.
    if data_dir.is_dir() { record_session_bus(host, data_dir) } else { Ok(()) }
}
