//! Atomic replacement of a file.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::error::{Code, Error, Result};

/// Replaces an app's file by `bytes`, keeping its mode and owner; a new file gets mode 0600.
///
/// `target` must have its links resolved ([`super::FileState::target`]). When this returns an error the old bytes are
/// in place; a kill at any point leaves the old file or the new one, whole.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<()> {
    replace_if(target, bytes, || Ok(()))
}

/// As [`replace`], if `still` agrees when the new bytes are on the disk and only the renaming is left.
///
/// # Errors
/// As [`replace`], and what `still` answers.
pub fn replace_if(target: &Path, bytes: &[u8], still: impl FnOnce() -> Result<()>) -> Result<()> {
    let old = std::fs::metadata(target).ok();
    write_beside(target, bytes, old.as_ref(), still)
}

/// Replaces one of Patchbay's own files, readable by its owner alone, making the folder where it is missing.
pub fn replace_private(target: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = target.parent() {
        make_private_folder(folder)?;
    }
    write_beside(target, bytes, None, || Ok(()))
}

/// How the name of a file that is being written begins and ends.
const STRAY: (&str, &str) = (".patchbay-", ".tmp");

/// Removes what killed writers left in a folder and nobody has touched for `age`.
pub fn clear_strays(folder: &Path, age: Duration) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let touched = entry.metadata().ok().filter(std::fs::Metadata::is_file).and_then(|meta| meta.modified().ok());
        let old = touched.is_some_and(|touched| touched.elapsed().is_ok_and(|elapsed| elapsed >= age));
        if old && name.starts_with(STRAY.0) && name.ends_with(STRAY.1) {
            // It may be tried again at the next start.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes a file and makes the removal durable.
pub fn remove_file(target: &Path) -> Result<()> {
    std::fs::remove_file(target).map_err(|error| write_error(target, &error))?;
    sync_folder(target)
}

fn write_beside(
    target: &Path,
    bytes: &[u8],
    old: Option<&std::fs::Metadata>,
    still: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let folder = target.parent().ok_or_else(|| {
        Error::new(Code::FileNotRegular, format!("This path has no folder: {}", target.display())).at(target)
    })?;
    std::fs::create_dir_all(folder).map_err(|error| write_error(folder, &error))?;
    let mut temp = tempfile::Builder::new()
        .prefix(STRAY.0)
        .suffix(STRAY.1)
        .tempfile_in(folder)
        .map_err(|error| write_error(folder, &error))?;
    temp.write_all(bytes).map_err(|error| write_error(target, &error))?;
    if let Some(old) = old {
        keep_mode_and_owner(temp.as_file(), old).map_err(|error| write_error(target, &error))?;
    }
    temp.as_file().sync_all().map_err(|error| write_error(target, &error))?;
    still()?;
    persist(temp, target)?;
    sync_folder(target)
}

/// Renames the temporary file over the target. Windows refuses while another program has the target open, so there it
/// is tried again for about five seconds.
fn persist(mut temp: tempfile::NamedTempFile, target: &Path) -> Result<()> {
    let tries = if cfg!(windows) { 10 } else { 1 };
    let mut wait = Duration::from_millis(10);
    for round in 1.. {
        match temp.persist(target) {
            Ok(_) => break,
            Err(failed) if round < tries => temp = failed.file,
            Err(failed) => return Err(write_error(target, &failed.error)),
        }
        std::thread::sleep(wait);
        wait *= 2;
    }
    Ok(())
}

#[cfg(unix)]
fn keep_mode_and_owner(file: &File, old: &std::fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_mode_and_owner(_: &File, _: &std::fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(target: &Path) -> Result<()> {
    let Some(folder) = target.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| write_error(folder, &error))
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    // Windows keeps a rename durable without this, and cannot open folders as files.
    Ok(())
}

fn make_private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|error| write_error(folder, &error))
}

fn write_error(path: &Path, error: &std::io::Error) -> Error {
    let plain = Error::io(path, error);
    if plain.code == Code::FileUnreadable {
        return Error::new(Code::FileReadOnly, format!("This place cannot be written to: {}", path.display()))
            .at(path)
            .hint("Change its permissions, then try again.");
    }
    plain
}
