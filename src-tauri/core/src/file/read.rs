//! Reading an app's file, with every way it can be unfit told apart.

use std::fs::Metadata;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};

/// The largest file that Patchbay edits, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How long a file may stay empty before it is taken for one that is meant to be: a program that writes in place
/// empties it first.
const EMPTIED: Duration = Duration::from_millis(300);

/// The age from which a file's time tells every later write: some file systems count in steps of two seconds.
const COARSE: Duration = Duration::from_secs(2);

/// A file as it was found.
#[derive(Debug, Clone)]
pub struct FileState {
    /// Where the bytes really are: links resolved.
    pub target: PathBuf,
    /// The bytes; absent where there is no file.
    pub bytes: Option<Vec<u8>>,
    /// Whether its permissions forbid writing.
    pub read_only: bool,
    /// What tells this state of the file from every later one without reading it; absent where nothing does.
    stamp: Option<Stamp>,
    digest: OnceLock<String>,
}

impl FileState {
    fn absent(target: PathBuf) -> Self {
        Self { target, bytes: None, read_only: false, stamp: None, digest: OnceLock::new() }
    }

    /// The digest of the bytes; `absent` where there is no file.
    pub fn digest(&self) -> String {
        self.digest.get_or_init(|| self.bytes.as_deref().map_or_else(|| "absent".to_owned(), digest)).clone()
    }

    /// Whether a path, which may be another than the one it was read from, holds the file in this very state.
    pub(super) fn is_at(&self, path: &Path) -> std::io::Result<bool> {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(self.bytes.is_none()),
            Err(error) => return Err(error),
        };
        let Some(bytes) = self.bytes.as_deref().filter(|bytes| meta.is_file() && meta.len() == bytes.len() as u64)
        else {
            return Ok(false);
        };
        Ok(self.stamp.is_some_and(|stamp| stamp == Stamp::of(&meta)) || std::fs::read(path)? == bytes)
    }

    /// Whether there is a file with nothing in it, and has been for so short a time that it may be about to be written.
    fn is_just_emptied(&self) -> bool {
        let blank = self.bytes.as_deref().is_some_and(|bytes| bytes.trim_ascii().is_empty());
        let age = || std::fs::metadata(&self.target).and_then(|meta| meta.modified()).ok()?.elapsed().ok();
        blank && age().is_some_and(|age| age < EMPTIED)
    }
}

/// What of a file's outside changes when it is written or another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self { inode: inode(meta), len: meta.len(), modified: meta.modified().ok() }
    }

    /// Itself, if a later write is sure to show in it.
    fn lasting(self) -> Option<Self> {
        let age = self.modified.and_then(|modified| modified.elapsed().ok());
        (cfg!(unix) && age.is_some_and(|age| age > COARSE)).then_some(self)
    }
}

#[cfg(unix)]
fn inode(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
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
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FileState::absent(target)),
        Err(error) => return Err(Error::io(path, &error)),
    };
    if !meta.is_file() {
        return Err(Error::new(Code::FileNotRegular, format!("This is not a file: {}", path.display()))
            .at(path)
            .hint("Move it out of the way, then try again."));
    }
    if meta.len() > MAX_BYTES {
        return Err(too_large(path));
    }
    let stamp = Stamp::of(&meta).lasting();
    let bytes = read_bounded(&target, path)?;
    let read_only = meta.permissions().readonly();
    Ok(FileState { target, bytes: Some(bytes), read_only, stamp, digest: OnceLock::new() })
}

/// As [`read`], for a file that is about to be written: one that was emptied just now is given a moment to be filled,
/// because another program may be in the middle of writing it in place.
///
/// # Errors
/// As [`read`].
pub fn read_settled(path: &Path) -> Result<FileState> {
    loop {
        let state = read(path)?;
        if !state.is_just_emptied() {
            return Ok(state);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
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
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_symlink() => {
            std::fs::canonicalize(path).map_err(|error| bad_link(path, &error))
        }
        Ok(_) => Ok(path.to_path_buf()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_path_buf()),
        Err(error) => Err(Error::io(path, &error)),
    }
}

fn bad_link(path: &Path, error: &std::io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::NotFound => "points to nothing",
        _ if is_circle(error) => "leads in a circle",
        _ => return Error::io(path, error),
    };
    Error::new(Code::FileDanglingLink, format!("This link {what}: {}", path.display()))
        .at(path)
        .hint("Remove the link, or make the file that it points to.")
}

#[cfg(unix)]
fn is_circle(error: &std::io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

#[cfg(not(unix))]
fn is_circle(_: &std::io::Error) -> bool {
    false
}
