//! Which app a process belongs to, from what the system tells of it.

use std::path::{Path, PathBuf};

use sysinfo::Process;

use crate::client::{CLIENTS, Client, slashed};
use crate::host::Platform;

/// Names under which a Node program's process goes; its own name stands in the arguments only.
const INTERPRETERS: &[&str] = &["node", "MainThread", "node-MainThread", "bun", "deno"];

/// What is known of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its name, as the system tells it.
    pub name: String,
    /// Its program; absent where it cannot be read.
    pub program: Option<PathBuf>,
    /// The script that it runs, links followed, where it is an interpreter.
    pub script: Option<PathBuf>,
}

impl Facts {
    pub(super) fn of(process: &Process) -> Self {
        let name = process.name().to_string_lossy().into_owned();
        let script = is_interpreter(&name).then(|| script(process)).flatten();
        Self { name, program: process.exe().map(existing), script }
    }

    /// The app whose process this is. Where two apps could claim it, none does.
    pub fn client(&self, platform: Platform) -> Option<&'static Client> {
        let mut found = CLIENTS.iter().copied().filter(|client| self.is(client, platform));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    fn is(&self, client: &Client, platform: Platform) -> bool {
        let path = self.program.as_deref().map(slashed);
        let rules = &client.program;
        if path.as_ref().is_some_and(|path| !(rules.lies_at)(&path.to_lowercase())) {
            return false;
        }
        let bundled = platform == Platform::MacOs
            && path.zip(rules.bundle).is_some_and(|(path, bundle)| path.contains(&format!("/{bundle}.app/Contents/")));
        bundled || self.is_named(client, platform) || self.runs_package(client)
    }

    fn is_named(&self, client: &Client, platform: Platform) -> bool {
        let name = self.name.strip_suffix(".exe").unwrap_or(&self.name);
        client.processes.iter().any(|known| match platform {
            Platform::Windows => known.eq_ignore_ascii_case(name),
            Platform::Linux | Platform::MacOs => *known == name,
        })
    }

    fn runs_package(&self, client: &Client) -> bool {
        let script = self.script.as_deref().map(slashed);
        script
            .zip(client.program.package)
            .is_some_and(|(script, package)| script.contains(&format!("/node_modules/{package}/")))
    }
}

/// Whether a process of this name may be an app's: a first look, before more is read.
pub(super) fn may_be_an_app(name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let known = |client: &Client| client.processes.iter().any(|known| known.eq_ignore_ascii_case(name));
    // Some programs of macOS bear the name of what they are built with.
    is_interpreter(name) || name == "Electron" || CLIENTS.iter().any(|client| known(client))
}

fn is_interpreter(name: &str) -> bool {
    INTERPRETERS.contains(&name.strip_suffix(".exe").unwrap_or(name))
}

fn script(process: &Process) -> Option<PathBuf> {
    let words = process.cmd().iter().skip(1);
    let script = PathBuf::from(words.into_iter().find(|word| !word.to_string_lossy().starts_with('-'))?);
    let script = if script.is_absolute() { script } else { process.cwd()?.join(script) };
    std::fs::canonicalize(script).ok()
}

/// An update replaces a program that runs; Linux then marks its path, and the new one lies there.
fn existing(program: &Path) -> PathBuf {
    let text = program.to_string_lossy();
    text.strip_suffix(" (deleted)").map_or_else(|| program.to_path_buf(), PathBuf::from)
}
