//! Reading and writing whole files safely: the only place that opens an app's file for writing.
//!
//! Reading refuses what is not a regular file of at most 64 MiB and says why. Writing replaces atomically: a temporary
//! file beside the target, mode, owner and extended attributes kept, fsync, an exchange of the two that refuses when
//! another program was quicker, fsync of the folder; links are written through, hard links are not.
//! Locks are advisory files in Patchbay's own folder, never beside the user's.

mod keep;
mod lock;
mod read;
mod swap;
mod write;

pub use lock::{Lock, MkdirLock};
pub use read::{FileState, MAX_BYTES, digest, read, read_own, read_settled};
pub use swap::settle;
pub use write::{Readers, changed, clear_strays, remove, replace, replace_private};
