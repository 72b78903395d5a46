//! Changing apps' files: plan, diff, apply, history, undo.
//!
//! A [`Change`] is a value, made before anything is touched: the file, its digest, the edits, the bytes after. Applying
//! it takes the locks, reads the file again, refuses when the digest no longer holds, writes the history's record and
//! then the file, atomically. Whatever happens, the old file or the new one is there, whole.

mod apply;
mod diff;
pub mod history;
mod plan;
mod undo;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;

pub use apply::{Applied, apply};
pub(crate) use apply::{changed, reached, roll_back};
pub use diff::{Diff, diff};
pub(crate) use plan::{parse, refused};
pub use plan::{plan, plan_without, verb};
pub use undo::plan_undo;

/// What is to happen to one entry in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// The entry's name.
    pub entry: String,
    /// Its value before; absent where it was not there.
    pub old: Option<Value>,
    /// Its value after; absent where it is taken out.
    pub new: Option<Value>,
}

/// A planned change of one app's file.
#[derive(Debug, Clone)]
pub struct Change {
    /// The app.
    pub client: &'static Client,
    /// The path that the app knows.
    pub path: PathBuf,
    /// The file's digest when it was planned; `absent` where there was none.
    pub digest: String,
    /// The bytes before; absent where there is no file.
    pub before: Option<Vec<u8>>,
    /// The bytes after; absent where the file goes, because it was not there before Patchbay.
    pub after: Option<Vec<u8>>,
    /// What happens to which entry.
    pub ops: Vec<Op>,
}

impl Change {
    /// Whether applying it would leave the file as it is.
    pub fn is_nothing(&self) -> bool {
        self.before == self.after
    }
}
