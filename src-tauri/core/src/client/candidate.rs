//! Of several files that an app might read, one counts: by the app's own rule, unless the user chose another.
//!
//! Two copies of one app, several profiles, an older place beside the newer one, and a Linux that runs inside Windows all
//! lead to several candidates. They are shown, each with what it is.

use std::path::{Path, PathBuf};

use super::{Client, Location};
use crate::host::Host;

/// Why a file is a candidate, as a code for the language files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The file, whether it exists or not.
    pub path: PathBuf,
    /// What it is: `usual`, `env`, `store_copy`, `ordinary_copy`, `profile`, `editor`, `older`, `newer`, `wsl`, `chosen`.
    pub what: &'static str,
    /// The profile's, editor's or Linux's name, where it has one.
    pub name: Option<String>,
}

impl Candidate {
    pub(super) fn new(path: PathBuf, what: &'static str) -> Self {
        Self { path, what, name: None }
    }

    pub(super) fn named(path: PathBuf, what: &'static str, name: impl Into<String>) -> Self {
        Self { path, what, name: Some(name.into()) }
    }
}

impl Client {
    /// Where its file is: the one that the user chose, while it is a candidate, and otherwise by the app's own rule.
    pub fn location(&self, host: &Host) -> Location {
        let own = (self.locate)(host);
        match host.chosen.get(self.id) {
            Some(chosen) if *chosen != own.path && self.candidates(host).iter().any(|one| one.path == *chosen) => {
                Location { path: chosen.clone(), why: Some("chosen"), installed: true }
            }
            _ => own,
        }
    }

    /// All files that it might read, the one by its own rule first; one where there is no doubt.
    pub fn candidates(&self, host: &Host) -> Vec<Candidate> {
        let own = (self.locate)(host);
        let mut all = vec![Candidate::new(own.path, own.why.unwrap_or("usual"))];
        for candidate in (self.others)(host).into_iter().chain(self.in_wsl(host)) {
            if !all.iter().any(|known| known.path == candidate.path) {
                all.push(candidate);
            }
        }
        all
    }

    /// Its files in the Linuxes that run inside Windows, where it is used there.
    fn in_wsl(&self, host: &Host) -> Vec<Candidate> {
        let there = |linux: &crate::host::Wsl| {
            let location = (self.locate)(&host.inside(linux));
            location.path.is_file().then(|| Candidate::named(location.path, "wsl", &linux.distribution))
        };
        host.wsl.iter().filter_map(there).collect()
    }
}

/// A path of Windows as programs inside its Linux see it: `C:\a\b` is `/mnt/c/a/b`, where nobody changed that
/// (`automount.root` in `wsl.conf`). Programs of Windows can be started from there.
pub fn seen_from_wsl(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let (drive, rest) = text.split_once(":\\")?;
    let letter = drive.chars().next().filter(|c| drive.len() == 1 && c.is_ascii_alphabetic())?;
    Some(PathBuf::from(format!("/mnt/{}/{}", letter.to_ascii_lowercase(), rest.replace('\\', "/"))))
}

/// Whether a file lies in a Linux inside Windows.
pub fn is_in_wsl(path: &Path) -> bool {
    let text = path.to_string_lossy().to_lowercase();
    text.starts_with(r"\\wsl.localhost\") || text.starts_with(r"\\wsl$\")
}
