//! What the bridge records of its use: when, for which app, with which outcome.
//!
//! One small file per connection and program, `runs/CONNECTION/PROGRAM.json`, replaced atomically, so that many bridges
//! may run at once without waiting for each other.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::is_safe_name;
use crate::error::{Error, Result};
use crate::file;
use crate::start::CHECK_MARK;

/// The last use of a connection by one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When.
    pub at: Timestamp,
    /// The app's id where the program is a known app.
    pub client: Option<String>,
    /// The program that started the bridge.
    pub program: String,
    /// The error's code where it did not go well.
    pub error: Option<String>,
}

/// The folder of run records.
#[derive(Debug, Clone)]
pub struct Runs {
    folder: PathBuf,
}

impl Runs {
    /// The records in Patchbay's data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("runs") }
    }

    /// The folder itself, to be watched.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Records a run in place of the last one of the same program. What a check started is no use.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn record(&self, connection: &str, run: &Run) -> Result<()> {
        let Some(folder) = self.folder_of(connection) else {
            return Err(Error::new(crate::Code::UnknownConnection, "This is no connection's id."));
        };
        if std::env::var_os(CHECK_MARK).is_some() {
            return Ok(());
        }
        let name: String = run.client.as_deref().unwrap_or(&run.program).chars().map(safe).take(60).collect();
        let path = folder.join(format!("{name}.json"));
        let bytes = serde_json::to_vec(run)
            .map_err(|error| Error::new(crate::Code::Internal, format!("The use cannot be recorded: {error}")))?;
        file::replace_private(&path, &bytes)
    }

    /// All records of a connection, the newest first. Unreadable ones are left out.
    pub fn of(&self, connection: &str) -> Vec<Run> {
        let folder = self.folder_of(connection).and_then(|folder| std::fs::read_dir(folder).ok());
        let mut runs: Vec<Run> = folder
            .into_iter()
            .flatten()
            .filter_map(|entry| serde_json::from_slice(&std::fs::read(entry.ok()?.path()).ok()?).ok())
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.at));
        runs
    }

    /// Forgets a connection's records.
    pub fn forget(&self, connection: &str) {
        if let Some(folder) = self.folder_of(connection) {
            // Nothing depends on them.
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// A connection's folder; none for what is no id, because it comes from a command line and may name any place.
    fn folder_of(&self, connection: &str) -> Option<PathBuf> {
        is_safe_name(connection).then(|| self.folder.join(connection))
    }
}

fn safe(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_leads_to_no_folder() {
        let data = tempfile::tempdir().expect("a folder");
        let victim = data.path().join("victim");
        std::fs::create_dir_all(&victim).expect("a folder");
        let runs = Runs::new(&data.path().join("data"));
        let run = Run { at: Timestamp::UNIX_EPOCH, client: None, program: "x".to_owned(), error: None };
        for id in ["../../victim", "..", "", "/tmp", "a/b", "a\\b"] {
            assert!(runs.record(id, &run).is_err(), "{id}");
            assert!(runs.of(id).is_empty());
            runs.forget(id);
        }
        assert!(victim.is_dir() && std::fs::read_dir(&victim).is_ok_and(|inside| inside.count() == 0));
        runs.record("a-1", &run).expect("recorded");
        assert_eq!(runs.of("a-1"), [run]);
    }
}
