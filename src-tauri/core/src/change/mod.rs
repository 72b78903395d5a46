//! Changing apps' files: plan, diff, apply, history, undo.
//!
//! A [`Change`] is a value, made before anything is touched: the file, its digest, the edits, the bytes after. Applying
//! it takes the locks, reads the file again, refuses when the digest no longer holds, writes the history's record and
//! then the file, atomically. Whatever happens, the old file or the new one is there, whole.

mod apply;
mod diff;
pub mod history;
mod merge;
mod plan;
mod undo;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::file::digest;

pub use apply::{Applied, apply};
pub(crate) use apply::{changed, reached, roll_back};
pub use diff::{Diff, diff};
pub use plan::{Planner, plan, verb};
pub(crate) use plan::{parse, refused};
pub use undo::plan_undo;

/// What is to happen to one entry in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// The keys to its table; none where it is the app's own for the whole user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<String>,
    /// The entry's name.
    pub entry: String,
    /// Its value before; absent where it was not there.
    pub old: Option<Value>,
    /// Its value after; absent where it is taken out.
    pub new: Option<Value>,
}

impl Op {
    /// The keys to its table in an app's file.
    pub(crate) fn keys<'a>(&'a self, client: &'a Client) -> Vec<&'a str> {
        if self.table.is_empty() { client.table.to_vec() } else { self.table.iter().map(String::as_str).collect() }
    }

    /// Whether it is about the same entry.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.table == other.table && self.entry == other.entry
    }
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

    /// What it means, whatever else stands in the file: a digest of what happens to which entry, and of whether the file
    /// comes or goes. Two plans of the same meaning need not be looked at twice.
    pub fn meaning(&self) -> String {
        let ops: Vec<_> = self.ops.iter().map(|op| serde_json::json!([op.table, op.entry, op.old, op.new])).collect();
        let all = serde_json::json!([self.path, self.before.is_some(), self.after.is_some(), ops]);
        digest(all.to_string().as_bytes())
    }
}
