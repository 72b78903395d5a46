//! The installed copy of the program `patchbay`, which the apps' entries name.
//!
//! A bundle may be mounted at a new path at each start, so the entries name a copy in Patchbay's own folder.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::Platform;

/// Where the installed program is.
pub(super) fn program_path(data_dir: &Path, platform: Platform) -> PathBuf {
    data_dir.join("bin").join(if platform == Platform::Windows { "patchbay.exe" } else { "patchbay" })
}

/// Copies the program, and the one beside it that it becomes to carry messages, to Patchbay's folder unless the same are
/// there already and nobody has written to them since; running copies are not disturbed.
///
/// # Errors
/// The program's copy cannot be made; the old one is still in place then. It can do without the other.
pub fn install_program(source: &Path, data_dir: &Path, platform: Platform) -> Result<PathBuf> {
    let target = program_path(data_dir, platform);
    let (beside, own) = (beside(source, platform), beside(&target, platform));
    if is_same(&beside, &own) && is_same(source, &target) {
        return Ok(target);
    }
    install(source, &target, data_dir)?;
    // One of another version gives the work back, so either order will do.
    let copied = if beside.is_file() { install(&beside, &own, data_dir) } else { gone(&own) };
    if let Err(error) = copied {
        // None is better than what may be damaged.
        let _ = gone(&own);
        tracing::warn!("apps' connections take more memory than they need: {error}");
    }
    Ok(target)
}

/// The program that one becomes to carry messages.
fn beside(program: &Path, platform: Platform) -> PathBuf {
    program.with_file_name(if platform == Platform::Windows { "patchbay-bridge.exe" } else { "patchbay-bridge" })
}

fn gone(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(file, &error)),
        _ => Ok(()),
    }
}

fn install(source: &Path, target: &Path, data_dir: &Path) -> Result<()> {
    if is_same(source, target) {
        return Ok(());
    }
    let folder = data_dir.join("bin");
    std::fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, &error))?;
    let temp = tempfile::Builder::new()
        .prefix(".patchbay-")
        .tempfile_in(&folder)
        .map_err(|error| Error::io(&folder, &error))?
        .into_temp_path();
    // Keeps the mode, so the copy can be run.
    std::fs::copy(source, &temp).map_err(|error| {
        // The error does not say at which end.
        let readable = std::fs::File::open(source).is_ok();
        Error::io(if readable { target } else { source }, &error)
    })?;
    std::fs::File::open(&temp).and_then(|file| settle(source, &file)).map_err(|error| Error::io(target, &error))?;
    temp.persist(target).map_err(|failed| Error::io(target, &failed.error))?;
    Ok(())
}

/// Gives a copy the moment at which its original was written, which tells later whether it was written to since.
fn settle(source: &Path, copy: &std::fs::File) -> std::io::Result<()> {
    let written = std::fs::metadata(source)?.modified()?;
    // Where that cannot be set, it is copied again the next time. Windows has copied it with the file.
    let _ = copy.set_modified(written);
    copy.sync_all()
}

fn is_same(source: &Path, target: &Path) -> bool {
    let (Ok(here), Ok(there)) = (std::fs::canonicalize(source), std::fs::canonicalize(target)) else { return false };
    if here == there {
        return true;
    }
    let (Ok(source), Ok(target)) = (std::fs::metadata(here), std::fs::metadata(there)) else { return false };
    source.len() == target.len() && may_be_run(&source) == may_be_run(&target) && is_of_one_moment(&source, &target)
}

/// Within what the coarsest file systems keep.
fn is_of_one_moment(one: &Metadata, other: &Metadata) -> bool {
    let (Ok(one), Ok(other)) = (one.modified(), other.modified()) else { return false };
    one.max(other).duration_since(one.min(other)).is_ok_and(|apart| apart <= Duration::from_secs(2))
}

fn may_be_run(program: &Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::mode(program) & 0o100 != 0;
    #[cfg(not(unix))]
    return program.is_file();
}
