//! The program `patchbay` that comes with the desktop program.

use std::path::PathBuf;

use patchbay_core::api::{Patchbay, install_program};
use patchbay_core::{Code, Error, Result};

/// Copies the program to where the apps' entries look for it.
pub(super) fn install(patchbay: &Patchbay) -> Result<PathBuf> {
    install_program(&source()?, patchbay.data_dir(), patchbay.host().platform)
}

/// The program beside this one.
fn source() -> Result<PathBuf> {
    let missing = || {
        Error::new(Code::Internal, "The program patchbay is missing beside this one.").hint("Install Patchbay again.")
    };
    let own = std::env::current_exe().map_err(|_| missing())?;
    let name = if cfg!(windows) { "patchbay.exe" } else { "patchbay" };
    let beside = own.with_file_name(name);
    if beside.is_file() { Ok(beside) } else { Err(missing()) }
}
