//! Whether an app still runs with its old settings, and quitting and reopening it.
//!
//! An app's own file tells little about that by its date: nearly all of these apps write it themselves, for a window's
//! size, a trusted folder or an entry that the user added in the app. So what counts is the history: a change of
//! Patchbay's to the file that the app reads, made after the app started and not taken back since. A change by another
//! program is shown as a change outside, and nothing is claimed about who has read it.

use std::path::Path;

use jiff::Timestamp;

use super::view::RestartView;
use super::{Event, Patchbay};
use crate::change::history::Record;
use crate::client::{self, Client};
use crate::error::{Code, Error, Result};
use crate::host::Platform;
use crate::process::{self, ByHand, Failure, Reopen, Running};

/// Whether a change after `since` still stands in an app's file.
pub(super) fn changed_since(records: &[Record], client: &str, path: &Path, since: Timestamp) -> bool {
    // Processes know their start to the second.
    let later = |record: &&Record| record.at.as_second() > since.as_second();
    let later: Vec<_> = records.iter().filter(later).collect();
    let stands = |record: &Record| {
        let other = record.undone_by.as_ref().or(record.undoes.as_ref());
        !later.iter().any(|record| Some(&record.id) == other)
    };
    let touches = |record: &Record| {
        record.files.iter().any(|file| file.client == client && file.path == path && file.before != file.after)
    };
    later.iter().any(|record| touches(record) && stands(record))
}

/// What to do about an app that runs with its old settings.
pub(super) fn restart(client: &Client, running: &Running) -> RestartView {
    let reopen = matches!(process::way(client, running), Some(Reopen::Steps { .. }));
    RestartView { reopen, words: process::by_hand(client, Platform::current()) }
}

impl Patchbay {
    /// Quits an app and opens it again, where that is safe.
    ///
    /// # Errors
    /// `UnknownApp`, `AppNotRunning`, `ReopenByHand` with the words to follow, `AppStillRuns`, `AppNotStarted`.
    pub(super) async fn reopen(&self, id: &str) -> Result<()> {
        let client = client::find(id)?;
        let work = move || process::reopen(client, process::running_apps().get(client.id));
        let done = tokio::task::spawn_blocking(work).await;
        self.tell(Event::Changed);
        done.map_err(|error| Error::new(Code::Internal, error.to_string()))?
            .map_err(|failure| refused(client, &failure))
    }
}

fn refused(client: &Client, failure: &Failure) -> Error {
    let name = client.name;
    match failure {
        Failure::NotRunning => Error::new(Code::AppNotRunning, format!("{name} does not run.")),
        Failure::ByHand(words) => {
            Error::new(Code::ReopenByHand, format!("Patchbay cannot safely quit {name} for you."))
                .hint(say(name, words))
        }
        Failure::NotAsked => Error::new(Code::ReopenByHand, format!("{name} cannot be asked to quit."))
            .hint(say(name, &process::by_hand(client, Platform::current()))),
        Failure::StillRuns => Error::new(Code::AppStillRuns, format!("{name} was asked to quit and still runs."))
            .hint("It may be asking about unsaved work, or take its time. Look at its window. Nothing was forced."),
        Failure::NotStarted(error) => {
            Error::new(Code::AppNotStarted, format!("{name} has quit, and could not be started: {error}."))
                .hint(format!("Start {name} yourself."))
        }
    }
}

/// The words to follow, for the command line.
pub fn say(name: &str, words: &ByHand) -> String {
    match words {
        ByHand::Tray => format!(
            "Quit {name} from its menu or its icon near the clock, then start it again. Closing its window is not enough."
        ),
        ByHand::Windows => format!("Close all windows of {name}, then start it again."),
        ByHand::Terminal { command } => {
            format!("Type {command} in the terminal where {name} runs, then start it again.")
        }
        ByHand::Other => format!("Quit {name} and start it again."),
    }
}
