//! Watching the apps' files for whoever has the window open.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::PoisonError;

use super::Patchbay;
use super::look::look;
use super::view::Slow;
use crate::drift::watch::{Watcher, Watching};
use crate::error::Result;

impl Patchbay {
    /// Calls `changed` for each change of a watched file, until the watcher is dropped. Files of which the system tells
    /// nothing are looked at now and then; the snapshot says which apps that concerns.
    ///
    /// # Errors
    /// The watching thread cannot start.
    pub fn watch(&self, changed: impl Fn() + Send + 'static) -> Result<Watcher> {
        let (files, learning) = (self.clone(), self.clone());
        let watcher = Watcher::start(Watching::files(move || files.watched_files()), move || {
            changed();
            // A table that appears is known as it is first seen.
            if let Err(error) = learning.meet_tables() {
                tracing::warn!("{error}");
            }
        })?;
        *self.inner.slow.write().unwrap_or_else(PoisonError::into_inner) = watcher.slow();
        Ok(watcher)
    }

    /// The files whose changes outside Patchbay matter: everything that the apps read, what was written elsewhere, and
    /// Patchbay's own state.
    pub fn watched_files(&self) -> Vec<PathBuf> {
        let own = self.inner.state.path().to_path_buf();
        let placed = self.state().map(|state| state.connections).unwrap_or_default();
        let placed = placed.into_iter().flat_map(|connection| connection.placements).filter_map(|place| place.path);
        let read = look(&self.host()).into_iter().map(|seen| seen.source.path);
        read.chain(placed).chain([own]).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Why an app's files are only looked at now and then, where somebody watches and that is so.
    pub(super) fn slow(&self, mut files: impl Iterator<Item = PathBuf>) -> Option<Slow> {
        let slow = self.inner.slow.read().unwrap_or_else(PoisonError::into_inner).clone();
        let slow = slow.read().unwrap_or_else(PoisonError::into_inner);
        files.find_map(|file| slow.get(&file).copied())
    }
}
