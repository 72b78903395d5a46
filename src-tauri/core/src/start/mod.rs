//! The check the way an app does it: what stands in its file, started or asked as the app would, and what that shows.
//!
//! [`plan`] is a pure function of the machine, the app's rules and the entry: it says what would be started, with which
//! words, variables and folder, and what is already known to be wrong. [`run`] starts it, speaks MCP with it for a limited
//! time and within limits of size, and leaves no process behind, also where it is dropped in the middle. A plan holds the
//! entry's secrets, so it has no `Debug`; what comes out of a run has passed through [`Plan::hide`].

mod around;
mod ask;
mod command;
mod fill;
mod find;
mod finding;
mod ground;
mod group;
mod lines;
mod outcome;
mod request;
mod run;
mod shown;
mod talk;

use std::path::PathBuf;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::client::{Client, Scope, read_entry};
use crate::secret::{plaintext_literals, redact_with};

pub use around::{Around, AroundFrom, Known, around};
pub use command::{Start, Variable};
pub use finding::{Finding, FindingKind};
pub use ground::known;
pub(crate) use group::MARK as CHECK_MARK;
pub use outcome::{Step, StepKind, Way, Went};
pub use request::Sending;
pub use run::{Limits, run};

/// What an app would do with an entry.
pub struct Plan {
    /// What it would do.
    pub action: Action,
    /// What is known to be wrong before anything is started.
    pub findings: Vec<Finding>,
    /// Where the app's environment was taken from.
    pub from: AroundFrom,
    /// Texts that nobody is to see.
    secrets: Vec<Zeroizing<String>>,
    /// Further texts that nobody repeats.
    quiet: Vec<Zeroizing<String>>,
    value: Value,
}

/// What an app would do.
pub enum Action {
    /// Start a program.
    Start(Box<Start>),
    /// Speak to an address.
    Send(Sending),
    /// Nothing that can be told.
    Nothing,
}

/// The entry that a plan is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The app.
    pub client: &'static Client,
    /// For whom the entry counts.
    pub scope: &'a Scope,
    /// Its name.
    pub name: &'a str,
    /// Its value, as it stands in the file.
    pub value: &'a Value,
    /// Patchbay's own program.
    pub own: &'a std::path::Path,
}

/// What the app would do with an entry on this machine.
pub fn plan(subject: &Subject<'_>, around: &Around) -> Plan {
    let entry = read_entry(subject.name, subject.value);
    let mut notes = Notes::default();
    if entry.disabled {
        notes.add(Finding::new(FindingKind::SwitchedOff));
    }
    if let Some(words) = (subject.client.refuses)(subject.value) {
        notes.add(Finding::new(FindingKind::NotTaken).there(words));
    }
    let action = match entry.kind {
        crate::api::view::EntryKind::Program => Action::Start(Box::new(command::start(subject, around, &mut notes))),
        crate::api::view::EntryKind::Remote => {
            Action::Send(request::sending(subject, &entry.target, around, &mut notes))
        }
        crate::api::view::EntryKind::Unclear => {
            if notes.findings.iter().all(|finding| finding.kind != FindingKind::NotTaken) {
                notes.add(Finding::new(FindingKind::PartOfApp));
            }
            Action::Nothing
        }
    };
    let Notes { findings, secrets, quiet } = notes;
    Plan { action, findings, from: around.from, secrets, quiet, value: subject.value.clone() }
}

/// What is learnt while a plan is made.
#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
    secrets: Vec<Zeroizing<String>>,
    quiet: Vec<Zeroizing<String>>,
}

impl Notes {
    fn add(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// A text that is not to be seen; one this short is in ordinary words, and a place on this computer is no secret.
    fn hide(&mut self, text: &str) {
        if text.len() >= 4 && !is_place(text) {
            self.secrets.push(Zeroizing::new(text.to_owned()));
        }
    }

    /// A text that is seen before the start, and not repeated afterwards.
    fn keep_quiet(&mut self, text: &str) {
        if text.len() >= 4 {
            self.quiet.push(Zeroizing::new(text.to_owned()));
        }
    }
}

/// Whether a text is the whole path of something that is there.
fn is_place(text: &str) -> bool {
    let path = std::path::Path::new(text);
    path.is_absolute() && path.exists()
}

impl Plan {
    /// A text without the entry's secrets, and without what looks like one.
    pub fn hide(&self, text: &str) -> String {
        let own = self.secrets.iter().chain(&self.quiet).map(|secret| secret.as_str());
        redact_with(text, own.chain(plaintext_literals(&self.value)))
    }

    /// What exactly is started or asked: the same for the same, another for anything else.
    pub fn digest(&self, salt: &str) -> String {
        let mut parts = vec![salt.to_owned()];
        match &self.action {
            Action::Start(start) => start.identify(&mut parts),
            Action::Send(sending) => sending.identify(&mut parts),
            Action::Nothing => {}
        }
        let text = parts.iter().fold(String::new(), |text, part| text + &format!("{}:{part}", part.len()));
        crate::file::digest(text.as_bytes())
    }

    /// Whether anything would be started or asked.
    pub fn starts(&self) -> bool {
        let is_found = match &self.action {
            Action::Start(start) => start.program.is_some(),
            Action::Send(_) => true,
            Action::Nothing => false,
        };
        is_found && !self.findings.iter().any(|finding| finding.kind.stops())
    }

    /// The program that would be started, where it was found.
    pub fn program(&self) -> Option<&PathBuf> {
        match &self.action {
            Action::Start(start) => start.program.as_ref(),
            _ => None,
        }
    }
}
