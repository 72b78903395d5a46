//! Questions that the app is asked, and its answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::object::Object;

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Bytes>>>>;

/// Questions to the app that wait for its answers, by their ids.
#[derive(Default)]
pub(crate) struct Asked(Waiting);

/// A question to the app; forgotten when dropped.
pub(crate) struct Question {
    id: String,
    /// Hears the app's answer, a whole message.
    pub(crate) heard: oneshot::Receiver<Bytes>,
    asked: Waiting,
}

impl Asked {
    /// A question with this id is about to be asked.
    pub(crate) fn expect(&self, id: &str) -> Question {
        let (tell, heard) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), tell);
        Question { id: id.to_owned(), heard, asked: self.0.clone() }
    }

    /// No question is answered any more.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The app answers.
    pub(crate) fn answered(&self, line: &Bytes) {
        let id = Object::of(line).and_then(|answer| answer.get("id").map(str::to_owned)).unwrap_or_default();
        let question = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(question) = question {
            // Whoever wanted to know may have been called off.
            let _ = question.send(line.clone());
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
