//! What can be wrong with the way an app starts or asks something, as a closed list. Each has one sentence and one next
//! step: in the window's language files, and here for the command line.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, rename = "StartFinding")]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The program, variable, folder or number that it is about.
    pub name: Option<String>,
    /// Where it is instead, or the program's own words.
    pub there: Option<String>,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, rename = "StartFindingKind")]
pub enum FindingKind {
    /// The program is not where the app looks, although a terminal finds it. `name`, `there`.
    NotOnAppPath,
    /// There is no such program. `name`.
    ProgramMissing,
    /// The file is no program. `name`.
    NotExecutable,
    /// The whole command line stands in the place of the program's name. `name`.
    CommandHoldsArguments,
    /// Blanks cut the words of a `.cmd` program on Windows. `name`.
    BlanksCut,
    /// A variable is not set where the app looks. `name`.
    NotSet,
    /// The app does not fill in what is written there. `name`.
    NotFilledIn,
    /// The app asks its user for it and keeps the answer. `name`.
    KeptByApp,
    /// The folder to start in is not there. `name`.
    FolderMissing,
    /// The file with further variables cannot be read. `name`.
    EnvFileMissing,
    /// It starts a copy of Patchbay at a place where it no longer is. `name`.
    OldPatchbay,
    /// What the program needs to run is not where the app looks. `name`, and `there` where a terminal finds it.
    NeedsProgram,
    /// The Node.js that the app finds is too old for it. `there`: its words.
    NodeTooOld,
    /// It ended at once. `name`: how; `there`: its last words.
    Ended,
    /// It says nothing. `name`: after how many seconds.
    Silent,
    /// It is still fetching what it needs. `name`: after how many seconds.
    Fetching,
    /// It writes other things where only messages belong. `there`: the first of them.
    Noise,
    /// It writes far more than any answer.
    Floods,
    /// It asks a question in a terminal, which an app does not have. `there`: the question.
    AsksInTerminal,
    /// It answers something that is no MCP. `there`: its words.
    NotMcp,
    /// It answers with an error. `there`: its words.
    Refused,
    /// It does not allow what was asked. `there`: its words.
    NotAllowed,
    /// It left programs running, which were ended. `name`: how many.
    LeftBehind,
    /// Its program that gives the headers failed. `there`: its words.
    HelperFailed,
    /// The app does not take an entry like this. `there`: why, in a sentence.
    NotTaken,
    /// The service speaks as of 2024-11-05 only (HTTP+SSE), and the app does not, or not for this entry.
    NeedsOlderWay,
    /// The service speaks as of 2026-07-28 only, and the app does not.
    NeedsNewestWay,
    /// The entry has the app speak as of 2024-11-05 (HTTP+SSE), and the service does not.
    AsksOlderWay,
    /// It starts no program and has no address: a part of the app itself, or not complete.
    PartOfApp,
    /// The service wants a sign-in, which the app makes and keeps by itself.
    AppSignsIn,
    /// It is switched off in the app's file.
    SwitchedOff,
    /// How this app starts programs is not known for sure.
    RulesNotSure,
}

impl FindingKind {
    /// Whether it is only something to know.
    pub fn is_note(self) -> bool {
        matches!(
            self,
            Self::NotSet
                | Self::NotFilledIn
                | Self::KeptByApp
                | Self::Noise
                | Self::LeftBehind
                | Self::SwitchedOff
                | Self::RulesNotSure
                | Self::BlanksCut
        )
    }

    /// Whether it leaves open what nobody but the app can tell.
    pub fn leaves_open(self) -> bool {
        matches!(self, Self::PartOfApp | Self::AppSignsIn)
    }

    /// Whether nothing can be started or asked because of it.
    pub fn stops(self) -> bool {
        matches!(
            self,
            Self::NotOnAppPath
                | Self::ProgramMissing
                | Self::NotExecutable
                | Self::CommandHoldsArguments
                | Self::FolderMissing
                | Self::OldPatchbay
                | Self::HelperFailed
                | Self::NotTaken
                | Self::NeedsOlderWay
                | Self::NeedsNewestWay
                | Self::AsksOlderWay
        )
    }
}

impl Finding {
    /// One about nothing in particular.
    pub fn new(kind: FindingKind) -> Self {
        Self { kind, name: None, there: None }
    }

    /// With what it is about.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// With where it is, or what was said.
    pub fn there(self, there: impl Into<String>) -> Self {
        Self { there: Some(there.into()), ..self }
    }

    /// In English: what is the matter, and the next step.
    pub fn sentence(&self, app: &str) -> (String, String) {
        let name = self.name.as_deref().unwrap_or_default();
        let there = self.there.as_deref().unwrap_or_default();
        let said = if there.is_empty() { String::new() } else { format!(": {there}") };
        match self.kind {
            FindingKind::NotOnAppPath
            | FindingKind::ProgramMissing
            | FindingKind::NotExecutable
            | FindingKind::CommandHoldsArguments
            | FindingKind::OldPatchbay
            | FindingKind::NeedsProgram
            | FindingKind::NodeTooOld => self.of_program(app, name, there),
            FindingKind::Ended
            | FindingKind::Silent
            | FindingKind::Fetching
            | FindingKind::Noise
            | FindingKind::Floods
            | FindingKind::AsksInTerminal
            | FindingKind::NotMcp
            | FindingKind::Refused
            | FindingKind::NotAllowed
            | FindingKind::LeftBehind
            | FindingKind::HelperFailed => self.of_talk(name, &said),
            FindingKind::NotTaken
            | FindingKind::NeedsOlderWay
            | FindingKind::NeedsNewestWay
            | FindingKind::AsksOlderWay => self.of_ways(app, there),
            _ => self.of_words(app, name),
        }
    }

    fn of_program(&self, app: &str, name: &str, there: &str) -> (String, String) {
        match self.kind {
            FindingKind::NotOnAppPath => (
                format!(
                    "{app} does not find \"{name}\": it looks in other folders than a terminal, which finds {there}."
                ),
                format!("Write {there} in its place in {app}'s file."),
            ),
            FindingKind::ProgramMissing => (
                format!("The program \"{name}\" is not on this computer."),
                "Install it, or remove the entry.".to_owned(),
            ),
            FindingKind::NotExecutable => (
                format!("\"{name}\" may not be started."),
                "Allow it to be executed, or name another program.".to_owned(),
            ),
            FindingKind::CommandHoldsArguments => (
                format!("\"{name}\" is a whole command line; {app} takes it for the name of one program."),
                "Leave the first word there, and write the others as arguments.".to_owned(),
            ),
            FindingKind::OldPatchbay => (
                format!("It starts Patchbay at {name}, where it no longer is."),
                "Put the entry back: patchbay drift restore".to_owned(),
            ),
            FindingKind::NodeTooOld => (
                format!("The Node.js that {app} finds is too old for this program."),
                "Install a newer Node.js where the app finds it.".to_owned(),
            ),
            _ if there.is_empty() => (
                format!("The program needs \"{name}\", which {app} does not find."),
                format!("Install {name}, then check again."),
            ),
            _ => (
                format!("The program needs \"{name}\", which {app} does not find; a terminal finds {there}."),
                format!("Give the entry a variable PATH that has the folder of {there} in it."),
            ),
        }
    }

    fn of_talk(&self, name: &str, said: &str) -> (String, String) {
        match self.kind {
            FindingKind::Ended => {
                (format!("It ended at once ({name}){said}"), "See what it says, then check again.".to_owned())
            }
            FindingKind::Silent => (
                format!("It started and said nothing for {name} seconds."),
                "Check again, or ask who makes it.".to_owned(),
            ),
            FindingKind::Fetching => (
                format!("It was still fetching what it needs after {name} seconds."),
                "Run it once in a terminal to the end, then check again.".to_owned(),
            ),
            FindingKind::Noise => (
                format!("It writes other things between its messages{said}"),
                "Some apps stop at that; ask who makes it.".to_owned(),
            ),
            FindingKind::Floods => ("It writes far more than any answer.".to_owned(), "Ask who makes it.".to_owned()),
            FindingKind::AsksInTerminal => (
                format!("It asks a question that nobody can answer in an app{said}"),
                "Run it once in a terminal and answer, or give it the option that answers.".to_owned(),
            ),
            FindingKind::NotMcp => {
                (format!("It does not answer as an MCP server does{said}"), "Look at its arguments.".to_owned())
            }
            FindingKind::NotAllowed => (
                format!("The service does not allow what was tried{said}"),
                "Give it a token with the missing permission.".to_owned(),
            ),
            FindingKind::LeftBehind => (
                format!("It left programs running ({name}), which were ended."),
                "Nothing is to be done; an app may leave them running.".to_owned(),
            ),
            FindingKind::HelperFailed => (
                format!("The program that gives its headers failed{said}"),
                "Run that program in a terminal.".to_owned(),
            ),
            _ => (format!("It answers with an error{said}"), "See what it says, then check again.".to_owned()),
        }
    }

    fn of_ways(&self, app: &str, there: &str) -> (String, String) {
        let say = match self.kind {
            FindingKind::NotTaken => there.to_owned(),
            FindingKind::NeedsOlderWay => {
                format!("This service uses the older way (SSE), which {app} does not speak for this entry.")
            }
            FindingKind::NeedsNewestWay => {
                format!("This service uses the newest way (2026-07-28), which {app} does not speak.")
            }
            _ => format!("This entry has {app} speak the older way (SSE), which this service does not use."),
        };
        (say, "Connect it through Patchbay.".to_owned())
    }

    fn of_words(&self, app: &str, name: &str) -> (String, String) {
        match self.kind {
            FindingKind::BlanksCut => (
                format!(
                    "There is a blank in \"{name}\", and {app} cuts it there when it starts this program on Windows."
                ),
                "Use a place or value without blanks, or a variable.".to_owned(),
            ),
            FindingKind::NotSet => (
                format!("The variable {name} is not set where {app} looks for it."),
                format!("Set {name} for {app}, or write the value into the entry."),
            ),
            FindingKind::NotFilledIn => (
                format!("{app} does not fill in {name}; the program gets it as it is written."),
                "Write it in the way that this app knows, or the value itself.".to_owned(),
            ),
            FindingKind::KeptByApp => (
                format!("{app} asks you for \"{name}\" and keeps it; Patchbay does not have it."),
                format!("Check this one in {app}."),
            ),
            FindingKind::FolderMissing => {
                (format!("The folder {name} is not there."), "Make it, or name another one.".to_owned())
            }
            FindingKind::EnvFileMissing => {
                (format!("The file with its variables cannot be read: {name}"), "Mend the path.".to_owned())
            }
            FindingKind::PartOfApp => (
                format!("It starts no program and has no address: it is a part of {app} itself, or not complete."),
                format!("Look in {app} whether it works."),
            ),
            FindingKind::AppSignsIn => (
                format!(
                    "The service wants a sign-in, which {app} makes and keeps by itself; Patchbay does not see it."
                ),
                format!("Look in {app} whether you are signed in."),
            ),
            FindingKind::SwitchedOff => {
                (format!("It is switched off in {app}."), "Switch it on there to use it.".to_owned())
            }
            _ => (
                format!("How {app} starts programs is not known for sure; this is how most apps do it."),
                format!("If {app} shows something else, it is right."),
            ),
        }
    }
}
