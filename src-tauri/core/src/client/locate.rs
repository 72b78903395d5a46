//! Looks at a machine that several apps' rules share.

use std::path::PathBuf;

use crate::host::{Host, Platform};

/// A program's path, found along the host's `PATH`.
pub fn find_program(host: &Host, name: &str) -> Option<PathBuf> {
    let (separator, endings): (char, &[&str]) = match host.platform {
        Platform::Windows => (';', &[".exe", ".cmd", ".bat"]),
        Platform::Linux | Platform::MacOs => (':', &[""]),
    };
    let path = host.var("PATH").or_else(|| host.var("Path"))?;
    path.split(separator).filter(|folder| !folder.is_empty()).find_map(|folder| {
        endings.iter().map(|ending| PathBuf::from(folder).join(format!("{name}{ending}"))).find(|file| file.is_file())
    })
}

/// Whether a program is on the path, or its bundle among the applications of macOS.
pub(super) fn is_there(host: &Host, program: &str, bundle: &str) -> bool {
    let bundle = format!("{bundle}.app");
    let bundled = || {
        [PathBuf::from("/Applications"), host.home.join("Applications")]
            .into_iter()
            .any(|folder| folder.join(&bundle).exists())
    };
    find_program(host, program).is_some() || host.platform == Platform::MacOs && bundled()
}
