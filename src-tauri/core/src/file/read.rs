//! Reading an app's file, with every way it can be unfit told apart.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};

/// The largest file that Patchbay edits, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A file as it was found.
#[derive(Debug, Clone)]
pub struct FileState {
    /// Where the bytes really are: links resolved.
    pub target: PathBuf,
    /// The bytes; absent where there is no file.
    pub bytes: Option<Vec<u8>>,
    /// Whether its permissions forbid writing.
    pub read_only: bool,
}

impl FileState {
    /// The digest of the bytes; `absent` where there is no file.
    pub fn digest(&self) -> String {
        self.bytes.as_deref().map_or_else(|| "absent".to_owned(), digest)
    }
}

/// SHA-256 of bytes, in hex.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads an app's file.
///
/// # Errors
/// `FileDanglingLink`, `FileNotRegular`, `FileTooLarge`, `FileUnreadable` or `Io`; each names the path.
pub fn read(path: &Path) -> Result<FileState> {
    let target = resolve(path)?;
    let meta = match std::fs::metadata(&target) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(FileState { target, bytes: None, read_only: false });
        }
        Err(error) => return Err(Error::io(path, &error)),
    };
    if !meta.is_file() {
        return Err(Error::new(Code::FileNotRegular, format!("This is not a file: {}", path.display())).at(path));
    }
    if meta.len() > MAX_BYTES {
        return Err(too_large(path));
    }
    let bytes = read_bounded(&target, path)?;
    Ok(FileState { target, bytes: Some(bytes), read_only: meta.permissions().readonly() })
}

/// Reads one of Patchbay's own files; absent is not an error.
pub fn read_own(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, &error)),
    }
}

fn read_bounded(target: &Path, shown: &Path) -> Result<Vec<u8>> {
    let file = std::fs::File::open(target).map_err(|error| Error::io(shown, &error))?;
    let mut bytes = Vec::new();
    // The file may grow between the look at its length and here.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Error::io(shown, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(shown));
    }
    Ok(bytes)
}

fn too_large(path: &Path) -> Error {
    Error::new(Code::FileTooLarge, format!("This file is over 64 MiB: {}", path.display()))
        .at(path)
        .hint("Let its own app make it smaller, then try again.")
}

/// Follows links to the place that really holds the bytes, so that a linked file stays a link when it is written.
fn resolve(path: &Path) -> Result<PathBuf> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_symlink() => std::fs::canonicalize(path).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                Error::new(Code::FileDanglingLink, format!("This link points to nothing: {}", path.display()))
                    .at(path)
                    .hint("Remove the link, or make the file that it points to.")
            } else {
                Error::io(path, &error)
            }
        }),
        Ok(_) => Ok(path.to_path_buf()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_path_buf()),
        Err(error) => Err(Error::io(path, &error)),
    }
}
