//! A few notes to play with; in memory only.

use std::sync::{Arc, Mutex, PoisonError};

/// The notes, shared by all sessions.
#[derive(Debug, Clone)]
pub(crate) struct Notes(Arc<Mutex<Vec<(u32, String)>>>);

impl Default for Notes {
    fn default() -> Self {
        let first = ["Water the plants on Friday.", "The blue cable goes into the third jack.", "Ask for the new price list."];
        Self(Arc::new(Mutex::new((1..).zip(first.map(str::to_owned)).collect())))
    }
}

impl Notes {
    pub(crate) fn list(&self) -> Vec<(u32, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, text: &str) -> u32 {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = notes.iter().map(|(id, _)| *id).max().unwrap_or(0) + 1;
        notes.push((id, text.chars().take(1000).collect()));
        // It is a playground, not a store.
        if notes.len() > 1000 {
            notes.remove(0);
        }
        id
    }

    pub(crate) fn delete(&self, id: u32) -> bool {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = notes.len();
        notes.retain(|(own, _)| *own != id);
        notes.len() < before
    }
}
