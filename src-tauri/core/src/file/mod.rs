//! Reading and writing whole files safely: the only place that opens an app's file for writing.
//!
//! Reading refuses what is not a regular file of at most 64 MiB and says why. Writing replaces atomically: a temporary
//! file beside the target, mode and owner kept, fsync, rename, fsync of the folder; links are written through.
//! Locks are advisory files in Patchbay's own folder, never beside the user's.

mod lock;
mod read;
mod write;

pub use lock::{Lock, MkdirLock};
pub use read::{FileState, MAX_BYTES, digest, read, read_own};
pub use write::{clear_strays, remove_file, replace, replace_if, replace_private};
