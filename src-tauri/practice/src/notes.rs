//! A few notes to play with; in memory, shared by all that call.

use std::sync::{Mutex, PoisonError};

use rmcp::schemars;
use serde::Serialize;

const MOST_NOTES: usize = 200;
const MOST_TEXT: usize = 2000;

const FIRST: [&str; 3] =
    ["Water the plants on Friday.", "The blue cable goes into the third jack.", "Ask for the new price list."];

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Note {
    /// Its number.
    pub(crate) id: u32,
    /// What it says.
    pub(crate) text: String,
}

/// The notes of this process.
#[derive(Debug)]
pub(crate) struct Notes(Mutex<Vec<Note>>);

impl Default for Notes {
    fn default() -> Self {
        Self(Mutex::new((1..).zip(FIRST).map(|(id, text)| Note { id, text: text.to_owned() }).collect()))
    }
}

impl Notes {
    pub(crate) fn list(&self) -> Vec<Note> {
        self.with(|notes| notes.clone())
    }

    /// Adds a note, or says why not.
    pub(crate) fn add(&self, text: &str) -> Result<Note, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MOST_TEXT {
            return Err(format!("A note has a text of at most {MOST_TEXT} characters."));
        }
        self.with(|notes| {
            if notes.len() >= MOST_NOTES {
                return Err("There are too many notes. Delete one first.".to_owned());
            }
            let id = notes.iter().map(|note| note.id).max().unwrap_or(0) + 1;
            notes.push(Note { id, text: text.to_owned() });
            Ok(Note { id, text: text.to_owned() })
        })
    }

    /// Deletes a note and returns it, or says why not.
    pub(crate) fn delete(&self, id: u32) -> Result<Note, String> {
        self.with(|notes| {
            let place = notes.iter().position(|note| note.id == id);
            place.map(|place| notes.remove(place)).ok_or_else(|| format!("There is no note {id}."))
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Note>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded() {
        let notes = Notes::default();
        notes.add(&"x".repeat(MOST_TEXT + 1)).expect_err("too long");
        notes.add(" \n").expect_err("empty");
        for _ in FIRST.len()..MOST_NOTES {
            notes.add("one more").expect("room");
        }
        notes.add("one too many").expect_err("no room");
        notes.delete(1).expect("it is there");
        assert_eq!(notes.add("room again").expect("room").id, u32::try_from(MOST_NOTES).expect("small") + 1);
    }
}
