//! Putting a finished file in the place of an app's file without losing what another program puts there meanwhile.
//!
//! A rename takes away whatever stands at the place by then, and no look beforehand can exclude that something new has
//! come in between. So the two files change places in one step (Linux and macOS can), and what came out is looked at:
//! if it is not the file that was read, it goes back and the change is refused. A program that writes in place without
//! emptying the file first can still hold the old file open; it is looked at again when all is on the disk, which shows
//! every write but one that is slower than that. Where the file system cannot exchange, a plain rename has to do.
//!
//! A kill in the middle leaves a spare file beside the place. Its name tells what was taken out and what put in, so that
//! [`settle`] can tell a leftover from another program's update, which goes back where that is still right and is kept
//! under a name of its own otherwise.

use std::io::{Error as IoError, ErrorKind, Result as IoResult};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::lock::clear_locks;
use super::read::{FileState, Stamp, digest, resolve};
use super::write::{STRAY, changed, clear_strays, folder_of, persist, retry, sync_folder, write_error};
use crate::error::Result;

/// How the name of a spare file ends.
const SPARE: &str = ".swap";
/// How often two other programs may come in between before what they wrote is kept aside.
const ROUNDS: u32 = 8;

/// Puts a finished file in the place of `old`.
///
/// # Errors
/// `FileChanged` where another program was quicker: its file stands there then, as if nothing had happened.
pub(super) fn put(temp: NamedTempFile, old: &FileState, new: &[u8]) -> Result<()> {
    let target = &old.target;
    if !can_exchange() {
        return persist(temp, target).and_then(|()| sync_folder(target));
    }
    let spare = folder_of(target)?.join(spare_name(target, &old.digest(), &digest(new)));
    let kept = temp.persist_noclobber(&spare).map_err(|failed| write_error(target, &failed.error))?;
    let finished = Stamp::of(&kept.metadata().map_err(|error| write_error(target, &error))?);
    drop(kept);
    if let Err(error) = exchange(target, &spare) {
        return plainly(&spare, target, &error);
    }
    let met = old.is_at(&spare).and_then(|is_old| if is_old { Ok(sync_folder(target)) } else { Err(quicker()) });
    // Once more, after the time that the disk took.
    let met = met.and_then(|synced| if old.is_at(&spare)? { Ok(synced) } else { Err(quicker()) });
    match met {
        Ok(synced) => {
            remove_spare(&spare);
            synced
        }
        Err(_) => Err(give_back(&spare, target, finished)),
    }
}

/// Takes an app's file away, if it is `old`.
///
/// # Errors
/// `FileChanged` where another program was quicker.
pub(super) fn take_out(old: &FileState) -> Result<()> {
    let target = &old.target;
    let spare = folder_of(target)?.join(spare_name(target, &old.digest(), "absent"));
    let refused = |error: IoError| match error.kind() {
        ErrorKind::NotFound => changed(target),
        _ => write_error(target, &error),
    };
    if !old.is_at(target).map_err(refused)? {
        return Err(changed(target));
    }
    retry((), |()| std::fs::rename(target, &spare).map_err(|error| ((), error))).map_err(refused)?;
    if old.is_at(&spare).is_ok_and(|is_old| is_old) {
        let synced = sync_folder(target);
        remove_spare(&spare);
        return synced;
    }
    if move_to_free(&spare, target).is_err() {
        keep_aside(&spare, target);
    }
    Err(changed(target))
}

/// Settles what a kill left beside an app's file; nobody else of us may be writing it.
pub fn settle(path: &Path) {
    let target = resolve(path).unwrap_or_else(|_| path.to_path_buf());
    let Some(folder) = target.parent() else { return };
    clear_strays(folder, Duration::ZERO);
    clear_locks(&target);
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(IoResult::ok) {
        let name = entry.file_name();
        let Some([place, out, put_in]) = name.to_str().and_then(parts) else { continue };
        if place == short(&place_of(&target)) {
            settle_spare(&entry.path(), &target, out, put_in);
        }
    }
}

fn settle_spare(spare: &Path, target: &Path, out: &str, put_in: &str) {
    let at = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => Ok(short(&digest(&bytes)).to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok("absent".to_owned()),
        Err(error) => Err(error),
    };
    // What cannot be read now is settled at the next start.
    let (Ok(held), Ok(stands)) = (at(spare), at(target)) else { return };
    if held == put_in || held == out {
        // The history has both.
        remove_spare(spare);
    } else if stands == "absent" && put_in == "absent" && move_to_free(spare, target).is_ok() {
        tracing::warn!("another program's version is back in its place: {}", target.display());
    } else if stands == put_in && exchange(target, spare).is_ok() {
        tracing::warn!("another program's version is back in its place: {}", target.display());
        remove_spare(spare);
    } else {
        keep_aside(spare, target);
    }
}

/// `.patchbay-PLACE-OUT-IN-RANDOM.swap`: digests of the file's name, of the bytes taken out and of those put in.
fn spare_name(target: &Path, out: &str, put_in: &str) -> String {
    let random = crate::connection::state::random_hex(4);
    format!("{}{}-{}-{}-{random}{SPARE}", STRAY.0, short(&place_of(target)), short(out), short(put_in))
}

fn parts(name: &str) -> Option<[&str; 3]> {
    let mut parts = name.strip_prefix(STRAY.0)?.strip_suffix(SPARE)?.split('-');
    let found = [parts.next()?, parts.next()?, parts.next()?];
    (parts.count() == 1).then_some(found)
}

fn place_of(target: &Path) -> String {
    digest(target.file_name().unwrap_or_default().as_encoded_bytes())
}

fn short(digest: &str) -> &str {
    &digest[..digest.len().min(16)]
}

fn quicker() -> IoError {
    IoError::other("another program was quicker")
}

/// What to do where the two could not change places: rename where the file system cannot exchange, or refuse.
fn plainly(spare: &Path, target: &Path, error: &IoError) -> Result<()> {
    let done = match error.kind() {
        ErrorKind::NotFound => Err(changed(target)),
        ErrorKind::InvalidInput | ErrorKind::Unsupported => {
            std::fs::rename(spare, target).map_err(|error| write_error(target, &error))
        }
        _ => Err(write_error(target, error)),
    };
    match done {
        Ok(()) => sync_folder(target),
        Err(error) => {
            remove_spare(spare);
            Err(error)
        }
    }
}

/// Puts back what another program had put in the place. If yet another was quicker than this, its file is the newest and
/// goes back in turn: whatever comes out at last has to be what was put there last.
fn give_back(spare: &Path, target: &Path, finished: Stamp) -> crate::Error {
    let stamp = || std::fs::symlink_metadata(spare).map(|meta| Stamp::of(&meta)).ok();
    let mut placed = Some(finished);
    for _ in 0..ROUNDS {
        let theirs = stamp();
        if exchange(target, spare).is_err() {
            break;
        }
        if stamp() == placed {
            remove_spare(spare);
            return changed(target);
        }
        placed = theirs;
    }
    keep_aside(spare, target);
    changed(target)
}

/// Gives another program's version a name that a person finds.
fn keep_aside(spare: &Path, target: &Path) {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".kept-by-patchbay-{}", crate::connection::state::random_hex(4)));
    let aside = target.with_file_name(name);
    match std::fs::rename(spare, &aside) {
        Ok(()) => tracing::warn!("another program's version of {} is kept as {}", target.display(), aside.display()),
        Err(error) => tracing::warn!("another program's version stays at {}: {error}", spare.display()),
    }
}

fn remove_spare(spare: &Path) {
    // What stays behind is settled at the next start.
    let _ = std::fs::remove_file(spare);
}

/// Moves a file to a place where nothing is.
fn move_to_free(from: &Path, to: &Path) -> IoResult<()> {
    let path = tempfile::TempPath::try_from_path(from)?;
    path.persist_noclobber(to).map_err(|failed| {
        // Dropping it would remove the file.
        let _ = failed.path.keep();
        failed.error
    })
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn can_exchange() -> bool {
    true
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn can_exchange() -> bool {
    false
}

/// Has two files change places in one step.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(target: &Path, spare: &Path) -> IoResult<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // In this order: whoever watches the folder hears last that something came to the target's name.
    renameat_with(CWD, target, CWD, spare, RenameFlags::EXCHANGE).map_err(IoError::from)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> IoResult<()> {
    Err(ErrorKind::Unsupported.into())
}
