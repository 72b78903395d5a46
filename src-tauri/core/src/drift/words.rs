//! Drift in English sentences, for the command line and logs.

use std::path::Path;

use super::{Drift, difference};
use crate::api::view::{DriftKind, FieldView};
use crate::client::Scope;

/// What happened to a connection's entry in an app.
pub(super) fn sentence(drift: &Drift, name: &str, app: &str, scope: &Scope, path: &Path) -> String {
    let path = path.display();
    let place = scope.folder().map_or_else(|| app.to_owned(), |folder| format!("{app}, for {folder}"));
    let now = drift.now.first();
    let entry = now.map_or("", |now| now.name.as_str());
    let but = if drift.fields.is_empty() { String::new() } else { format!(" Besides, {}", fields(&drift.fields)) };
    match drift.kind {
        DriftKind::Removed => format!("Somebody removed {name} from {place}."),
        DriftKind::Changed => format!("Somebody changed {name} in {place}: {}", fields(&drift.fields)),
        DriftKind::Replaced => {
            let target = now.map(|now| difference::target(&now.name, &now.value)).unwrap_or_default();
            format!("Somebody put something else in the place of {name} in {place}: {target}")
        }
        DriftKind::Renamed => format!("Somebody renamed {name} to \"{entry}\" in {place}.{but}"),
        DriftKind::Disabled => format!("Somebody switched {name} off in {place}."),
        DriftKind::Moved => {
            let scope = now.map_or(Scope::User, |now| now.source.scope.clone());
            format!("Somebody moved {name} in {app}: it counts {} now ({path}).{but}", whom(&scope))
        }
        DriftKind::Duplicated => {
            let names = drift.now.iter().map(|now| format!("\"{}\"", now.name)).collect::<Vec<_>>().join(", ");
            format!("Somebody copied {name} in {place}: it stands there as {names} too.")
        }
        DriftKind::FileGone => format!("{app}'s settings file is gone, and {name} with it: {path}"),
        DriftKind::FileBroken | DriftKind::FileUnreadable => {
            let why = drift.error.as_ref().map_or("", |error| error.message.as_str());
            format!("{app}'s settings file cannot be read, so {name} may not work there: {why}")
        }
        DriftKind::FileMoved if drift.stands_instead().is_some() => {
            format!("{app} reads its settings from another file now, and {name} stands there too: {path}")
        }
        DriftKind::FileMoved => {
            format!("{app} reads its settings from another file now, and {name} is not in it: {path}")
        }
    }
}

/// The first field that differs, and how many more do.
fn fields(fields: &[FieldView]) -> String {
    let Some(first) = fields.first() else { return "it is written differently.".to_owned() };
    let told = match (&first.from, &first.to) {
        (Some(from), Some(to)) => format!("{} was {from} and is now {to}", first.name),
        (None, Some(to)) => format!("{} was added: {to}", first.name),
        (Some(from), None) => format!("{} was taken out; it was {from}", first.name),
        (None, None) => format!("{} is written differently", first.name),
    };
    match fields.len() - 1 {
        0 => format!("{told}."),
        more => format!("{told}; and {more} more."),
    }
}

fn whom(scope: &Scope) -> String {
    match scope {
        Scope::User => "everywhere".to_owned(),
        Scope::Local(folder) => format!("only in {folder}"),
        Scope::Project(folder) => format!("for everybody who works in {folder}"),
        Scope::Managed => "for all, by an administrator".to_owned(),
    }
}
