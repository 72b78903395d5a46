//! Looks for tokens where none may be.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use memchr::memmem;

/// Looks for secrets in all files below a folder, in what programs said, and in the arguments and the environment of
/// every process.
///
/// # Errors
/// One of the secrets lies there, or the search itself finds nothing where something is.
pub fn search(home: &Path, secrets: &[&str], said: &[&str]) -> Result<()> {
    finds_what_is_there(home)?;
    let mut found = Vec::new();
    for file in files(home) {
        if holds(&file, secrets) {
            found.push(file.display().to_string());
        }
    }
    for process in std::fs::read_dir("/proc")?.filter_map(Result::ok) {
        for part in ["cmdline", "environ"] {
            let file = process.path().join(part);
            if holds(&file, secrets) {
                found.push(file.display().to_string());
            }
        }
    }
    if said.iter().any(|text| secrets.iter().any(|secret| text.contains(secret))) {
        found.push("what a program said".to_owned());
    }
    if !found.is_empty() {
        bail!("a token lies in {}", found.join(", "));
    }
    Ok(())
}

/// A search that finds nothing proves something only if it would have found something.
fn finds_what_is_there(home: &Path) -> Result<()> {
    let planted = home.join("planted");
    std::fs::write(&planted, "before planted-canary after")?;
    let seen = files(home).iter().any(|file| *file == planted && holds(file, &["planted-canary"]));
    std::fs::remove_file(&planted)?;
    let program = std::env::current_exe()?;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    ensure!(seen && holds(Path::new("/proc/self/cmdline"), &[&*name]), "the search finds nothing at all");
    Ok(())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn holds(file: &Path, secrets: &[&str]) -> bool {
    let Ok(bytes) = std::fs::read(file) else { return false };
    secrets.iter().any(|secret| memmem::find(&bytes, secret.as_bytes()).is_some())
}
