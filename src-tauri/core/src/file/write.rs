//! Atomic replacement of a file.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::read::FileState;
use super::{keep, swap};
use crate::error::{Code, Error, Result};

/// How the name of a file that is being written begins and ends.
pub(super) const STRAY: (&str, &str) = (".patchbay-", ".tmp");

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// The user alone (mode 0600): it may hold secrets.
    Owner,
    /// Whoever may read the files that the user makes (what the umask leaves of 0666).
    AsUsual,
}

/// What the mode of an app's file is to be.
#[derive(Clone, Copy)]
enum Mode {
    /// As that of the file before it, with its owner and extended attributes.
    Kept,
    New(Readers),
}

/// Replaces an app's file, as it was read, by `bytes`, keeping its mode, owner and extended attributes; a new file can
/// be read by `readers`.
///
/// When this returns an error, neither the old bytes nor what another program wrote meanwhile are lost; a kill at any
/// point leaves the old file or the new one, whole. Of a file with several names (hard links) only this name gets the
/// new bytes: writing in place could leave it half written, and would change copies that backup programs link.
///
/// # Errors
/// `FileChanged` when the file is not what was read any more; `DiskFull`, `FileReadOnly`, `Io`.
pub fn replace(old: &FileState, bytes: &[u8], readers: Readers) -> Result<()> {
    let target = &old.target;
    let mode = if old.bytes.is_some() { Mode::Kept } else { Mode::New(readers) };
    let temp = write_beside(target, bytes, mode)?;
    if !old.is_at(target).map_err(|error| Error::io(target, &error))? {
        return Err(changed(target));
    }
    if old.bytes.is_some() {
        swap::put(temp, old, bytes)
    } else {
        let placed = temp.persist_noclobber(target);
        placed.map_err(|failed| match failed.error.kind() {
            ErrorKind::AlreadyExists => changed(target),
            _ => write_error(target, &failed.error),
        })?;
        sync_folder(target)
    }
}

/// Removes an app's file, as it was read, and makes the removal durable; absent is as well.
///
/// # Errors
/// As [`replace`].
pub fn remove(old: &FileState) -> Result<()> {
    match old.bytes {
        Some(_) => swap::take_out(old),
        None => Ok(()),
    }
}

/// Replaces one of Patchbay's own files, readable by its owner alone, making the folder where it is missing.
pub fn replace_private(target: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = target.parent() {
        make_private_folder(folder)?;
    }
    persist(write_beside(target, bytes, Mode::New(Readers::Owner))?, target)?;
    sync_folder(target)
}

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

/// The error for a file that is not what it was.
pub fn changed(path: &Path) -> Error {
    Error::new(Code::FileChanged, format!("Another program changed this file in the meantime: {}", path.display()))
        .at(path)
        .hint("Look at the change again.")
}

/// Writes bytes to a temporary file in the target's folder, down to the disk, with the mode that is wanted.
fn write_beside(target: &Path, bytes: &[u8], mode: Mode) -> Result<NamedTempFile> {
    let folder = folder_of(target)?;
    std::fs::create_dir_all(&folder).map_err(|error| write_error(&folder, &error))?;
    let mut temp = begin(&folder, mode).map_err(|error| write_error(&folder, &error))?;
    temp.write_all(bytes).map_err(|error| write_error(target, &error))?;
    if matches!(mode, Mode::Kept) {
        keep::outside_of(target, temp.as_file())?;
    }
    temp.as_file().sync_all().map_err(|error| write_error(target, &error))?;
    Ok(temp)
}

/// An empty temporary file, which the user alone can read where nothing else is wanted.
fn begin(folder: &Path, mode: Mode) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(STRAY.0).suffix(STRAY.1);
    #[cfg(unix)]
    if matches!(mode, Mode::New(Readers::AsUsual)) {
        use std::os::unix::fs::PermissionsExt;
        // Less what the umask takes.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder.tempfile_in(folder)
}

pub(super) fn folder_of(target: &Path) -> Result<PathBuf> {
    target.parent().map(Path::to_path_buf).ok_or_else(|| {
        Error::new(Code::FileNotRegular, format!("This path has no folder: {}", target.display())).at(target)
    })
}

/// Renames the temporary file over the target. Windows refuses while another program has the target open, so there it
/// is tried again for about five seconds.
pub(super) fn persist(temp: NamedTempFile, target: &Path) -> Result<()> {
    let placed = retry(temp, |temp| temp.persist(target).map(drop).map_err(|failed| (failed.file, failed.error)));
    placed.map_err(|error| write_error(target, &error))
}

/// Does what Windows may refuse while another program has a file open: there it is tried again for about five seconds.
pub(super) fn retry<T, E>(thing: T, attempt: impl FnMut(T) -> Result<(), (T, E)>) -> Result<(), E> {
    again(if cfg!(windows) { 10 } else { 1 }, std::thread::sleep, thing, attempt)
}

/// Does something with a thing that a failure gives back, up to `tries` times, with pauses that grow from ten
/// milliseconds to twice the one before.
fn again<T, E>(
    tries: u32,
    mut pause: impl FnMut(Duration),
    mut thing: T,
    mut attempt: impl FnMut(T) -> Result<(), (T, E)>,
) -> Result<(), E> {
    let mut wait = Duration::from_millis(10);
    for _ in 1..tries {
        match attempt(thing) {
            Ok(()) => return Ok(()),
            Err((back, _)) => thing = back,
        }
        pause(wait);
        wait *= 2;
    }
    attempt(thing).map_err(|(_, error)| error)
}

#[cfg(unix)]
pub(super) fn sync_folder(target: &Path) -> Result<()> {
    let Some(folder) = target.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| write_error(folder, &error))
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<()> {
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

pub(super) fn write_error(path: &Path, error: &std::io::Error) -> Error {
    let plain = Error::io(path, error);
    if plain.code == Code::FileUnreadable {
        return Error::new(Code::FileReadOnly, format!("This place cannot be written to: {}", path.display()))
            .at(path)
            .hint("Change its permissions, then try again.");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an attempt that succeeds at the `good`th time comes to: its outcome, and the pauses in milliseconds.
    fn attempts(tries: u32, good: u32) -> (Result<(), u32>, Vec<u128>) {
        let (mut made, mut pauses) = (0, Vec::new());
        let outcome = again(
            tries,
            |wait| pauses.push(wait.as_millis()),
            "thing",
            |thing| {
                made += 1;
                if made >= good { Ok(()) } else { Err((thing, made)) }
            },
        );
        (outcome, pauses)
    }

    #[test]
    fn what_another_program_has_open_is_tried_again_for_five_seconds_and_no_longer() {
        assert_eq!(attempts(10, 1), (Ok(()), vec![]));
        assert_eq!(attempts(10, 4), (Ok(()), vec![10, 20, 40]));
        let (outcome, pauses) = attempts(10, 11);
        assert_eq!((outcome, pauses.len(), pauses.iter().sum()), (Err(10), 9, 5110_u128), "the last error is told");
        assert_eq!(attempts(1, 2), (Err(1), vec![]));
    }
}
