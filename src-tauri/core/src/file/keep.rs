//! What a file keeps when its bytes are replaced: mode, owner, extended attributes and with them its access list.

use std::fs::File;
use std::path::Path;

#[cfg(unix)]
use super::write::write_error;
use crate::error::Result;
#[cfg(unix)]
use crate::error::{Code, Error};

/// Gives a new file what the file at `target` has on its outside.
///
/// Extended attributes hold POSIX access lists, tags and labels; access lists of macOS and Windows are not among them,
/// there a file has those of its folder afterwards.
///
/// # Errors
/// `FileReadOnly` where the file belongs to somebody else and cannot stay so; what the system reports.
#[cfg(unix)]
pub(super) fn outside_of(target: &Path, new: &File) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let refused = |error: std::io::Error| write_error(target, &error);
    let old = match File::open(target) {
        Ok(old) => old,
        // It vanished since it was read, which the look before the renaming tells.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
    };
    let (had, has) = (old.metadata().map_err(refused)?, new.metadata().map_err(refused)?);
    if (has.uid(), has.gid()) != (had.uid(), had.gid()) {
        fchown(new, Some(had.uid()), Some(had.gid())).map_err(|error| not_ours(target, &error))?;
    }
    new.set_permissions(had.permissions()).map_err(refused)?;
    attributes(&old, new).map_err(refused)
}

#[cfg(not(unix))]
pub(super) fn outside_of(_: &Path, _: &File) -> Result<()> {
    // A new file has its folder's access list, and renaming keeps that.
    Ok(())
}

#[cfg(unix)]
fn not_ours(target: &Path, error: &std::io::Error) -> Error {
    if error.kind() != std::io::ErrorKind::PermissionDenied {
        return write_error(target, error);
    }
    Error::new(Code::FileReadOnly, format!("This file belongs to another user of this computer: {}", target.display()))
        .at(target)
        .hint("Make it your own file, then try again.")
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn attributes(old: &File, new: &File) -> std::io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    /// The most that Linux allows for all names, and for one value.
    const ROOM: usize = 64 * 1024;
    const SYSTEMS: [&[u8]; 3] = [b"security.", b"trusted.", b"com.apple."];
    let mut names = vec![0_u8; ROOM];
    let Ok(length) = flistxattr(old, names.as_mut_slice()) else {
        // The file system knows none.
        return Ok(());
    };
    let mut value = vec![0_u8; ROOM];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let Ok(length) = fgetxattr(old, name, value.as_mut_slice()) else { continue };
        match fsetxattr(new, name, &value[..length], XattrFlags::empty()) {
            Ok(()) => {}
            // The system's own labels are for the system to give.
            Err(_) if SYSTEMS.iter().any(|system| name.starts_with(system)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "macos"))))]
fn attributes(_: &File, _: &File) -> std::io::Result<()> {
    Ok(())
}
