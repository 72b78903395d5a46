//! Which entries of others are known: names and digests, never a value. What is not known is news.
//!
//! The file `seen.json` is replaced whole under a lock. A table that is seen for the first time is known as it stands; a
//! file that is absent or damaged knows nothing, and then nothing is news. Digests are salted, so that they tell nothing
//! about the tokens that lie in some entries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::view::NewsKind;
use crate::client::{Client, Source};
use crate::connection::state::random_hex;
use crate::error::{Code, Error, Result};
use crate::file::{self, Lock, digest};

/// How many tables are kept, and entries of each.
const MOST: usize = 1000;

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    salt: String,
    /// Digests of entries by name, by table.
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Memory {
    fn fresh() -> Self {
        Self { salt: random_hex(16), tables: BTreeMap::new() }
    }

    /// What an entry is to somebody who knows this: news of a kind, or none.
    pub fn news(&self, client: &Client, source: &Source, name: &str, value: &Value) -> Option<NewsKind> {
        match self.tables.get(&key(client, source))?.get(name) {
            None => Some(NewsKind::Added),
            Some(known) if *known != self.digest(value) => Some(NewsKind::Changed),
            Some(_) => None,
        }
    }

    /// Whether an entry stood there before, as it is.
    pub fn knows(&self, client: &Client, source: &Source, name: &str, value: &Value) -> bool {
        self.tables.get(&key(client, source)).and_then(|table| table.get(name)) == Some(&self.digest(value))
    }

    /// A name for an entry as it is, where it is.
    pub fn id(&self, client: &Client, source: &Source, name: &str, value: &Value) -> String {
        let all = serde_json::json!([key(client, source), name, self.digest(value)]);
        digest(all.to_string().as_bytes())[..16].to_owned()
    }

    /// Learns a table that was never seen before; of one that was, nothing.
    pub fn meet(&mut self, client: &Client, source: &Source, entries: &[(String, Value)]) {
        let key = key(client, source);
        if self.tables.contains_key(&key) || self.tables.len() >= MOST {
            return;
        }
        let known = entries.iter().take(MOST).map(|(name, value)| (name.clone(), self.digest(value))).collect();
        self.tables.insert(key, known);
    }

    /// Learns one entry of a table that was seen before. Where a table is full, those that `entries` no longer shows
    /// are forgotten.
    pub fn learn(&mut self, client: &Client, source: &Source, entries: &[(String, Value)], name: &str) {
        let Some(value) = entries.iter().rev().find(|(entry, _)| entry == name).map(|(_, value)| value) else { return };
        let digest = self.digest(value);
        let Some(table) = self.tables.get_mut(&key(client, source)) else { return };
        if table.len() >= MOST {
            table.retain(|known, _| entries.iter().any(|(entry, _)| entry == known));
        }
        table.insert(name.to_owned(), digest);
    }

    fn digest(&self, value: &Value) -> String {
        digest(format!("{}{value}", self.salt).as_bytes())[..16].to_owned()
    }
}

/// A table's own name: app, file, keys.
fn key(client: &Client, source: &Source) -> String {
    serde_json::json!([client.id, source.path, source.table]).to_string()
}

/// Where it is kept.
#[derive(Debug, Clone)]
pub struct MemoryFile {
    path: PathBuf,
}

impl MemoryFile {
    /// The one in Patchbay's data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("seen.json") }
    }

    /// What is known; nothing where the file is absent or damaged.
    pub fn load(&self) -> Option<Memory> {
        let bytes = file::read_own(&self.path).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Changes what is known.
    ///
    /// # Errors
    /// `FileBusy`, or the file cannot be written.
    pub fn update(&self, change: impl FnOnce(&mut Memory)) -> Result<()> {
        let _lock = Lock::take(&self.path.with_file_name("seen.lock"))?;
        let before = self.load();
        let mut memory = before.clone().unwrap_or_else(Memory::fresh);
        change(&mut memory);
        if before.as_ref() == Some(&memory) {
            return Ok(());
        }
        let text = serde_json::to_vec(&memory)
            .map_err(|error| Error::new(Code::Internal, format!("What was seen cannot be written: {error}")))?;
        file::replace_private(&self.path, &text)
    }
}
