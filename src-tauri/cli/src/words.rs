//! How apps, places and numbers are named in sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use patchbay_core::api::Patchbay;
use patchbay_core::client::{self, Scope};

use crate::print;

/// An app by the name that people know it by; by its id where this version does not know it.
pub(crate) fn app(id: &str) -> &str {
    client::find(id).map_or(id, |client| client.name)
}

/// An app, and the folder where it is for one: `Claude Code, for /home/me/p`.
pub(crate) fn place(id: &str, scope: &Scope) -> String {
    let folder = scope.folder().map(|folder| format!(", for {folder}")).unwrap_or_default();
    format!("{}{folder}", app(id))
}

/// `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `1 change`, `2 changes`.
pub(crate) fn counted(count: impl Into<i64>, noun: &str) -> String {
    let count = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `5 minutes ago`; nothing where the clock was set back since.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Option<String> {
    let minutes = now.duration_since(at).as_mins();
    let (count, noun) = match minutes {
        ..0 => return None,
        0..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    Some(format!("{} ago", counted(count, noun)))
}

/// A moment, by this computer's clock to the minute; as it was written where it is none.
pub(crate) fn time(at: &str) -> String {
    let local = at.parse::<Timestamp>().map(|at| at.to_zoned(TimeZone::system()));
    local.map_or_else(|_| at.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// Says which of these apps have to be reopened. One that does not run reads its settings when it starts.
pub(crate) fn restart(patchbay: &Patchbay, apps: &[String]) {
    let views =
        if apps.is_empty() { Vec::new() } else { patchbay.snapshot().map_or_else(|_| Vec::new(), |all| all.apps) };
    let running = views.iter().filter(|view| view.running && apps.contains(&view.id));
    let running: Vec<&str> = running.map(|view| view.name.as_str()).collect();
    if !running.is_empty() {
        print::line(&format!("Quit and reopen {} to see it.", listed(&running)));
    }
}

/// That the apps had some of what goes before Patchbay; `verb` says when it goes.
pub(crate) fn were_there(names: &[String], verb: &str) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    format!("The apps had this before Patchbay, and it {verb} taken out too: {}.", listed(&names))
}

/// What was given may be good there until its time is over.
pub(crate) const NOT_ENDED: &str =
    "The service has not said that it ended it too: look in its own settings, and end it there.";

/// Whether the services ended what somebody was signed in to.
pub(crate) fn signed_out(ended: bool) -> &'static str {
    if ended {
        "Signed out: the service has ended the sign-in too."
    } else {
        "Signed out here. The service has not said that it ended the sign-in too: look in its own settings."
    }
}
