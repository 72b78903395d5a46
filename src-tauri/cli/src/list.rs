//! `patchbay list`: connections, and what else stands in the apps' files.

use std::process::ExitCode;

use patchbay_core::Result;
use patchbay_core::api::Patchbay;
use patchbay_core::api::view::{ConnectionView, EntryView, SignInAt, Snapshot, Status};
use patchbay_core::client::Scope;

use crate::{print, words};

/// Lists what there is.
pub(crate) fn list(patchbay: &Patchbay, as_json: bool) -> Result<ExitCode> {
    let snapshot = patchbay.snapshot()?;
    if let Some(problem) = &snapshot.problem {
        print::notice(&print::sentence(problem));
    }
    if as_json {
        print::json(&snapshot);
    } else {
        in_words(&snapshot);
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(snapshot: &Snapshot) {
    if snapshot.offline {
        print::notice("This computer is offline.");
    }
    if snapshot.connections.is_empty() {
        print::line(
            "No connections yet. Add one with: patchbay add --provider ID --name NAME --app CLIENT --token-stdin",
        );
    }
    for connection in &snapshot.connections {
        let places: Vec<_> = connection.used_in.iter().map(|place| words::place(&place.client, &place.scope)).collect();
        let used = if places.is_empty() { "no app".to_owned() } else { places.join("; ") };
        let left = connection.tokens.iter().filter_map(|token| token.days_left).min();
        let left = left.map(|days| format!(", token: {} left", words::counted(days, "day"))).unwrap_or_default();
        print::line(&format!(
            "{}: {} ({}), used in {used}{left}",
            connection.id,
            connection.name,
            status_words(connection, &snapshot.now)
        ));
    }
    for SignInAt { url, sign_in } in &snapshot.sign_ins {
        let needed = sign_in.command.as_ref().filter(|_| sign_in.needed.is_some());
        let needed = needed.map(|command| format!("; it has ended, sign in again: {command}")).unwrap_or_default();
        print::line(&format!("Signed in without a connection: {url}, since {}{needed}", words::time(&sign_in.at)));
    }
    for app in &snapshot.apps {
        if let Some(problem) = &app.problem {
            print::line(&format!("{}: {}", app.name, problem.message));
        }
        let own = app.entries.iter().map(|entry| (&Scope::User, entry));
        let further = app.further.iter().flat_map(|source| source.entries.iter().map(|entry| (&source.scope, entry)));
        for (scope, entry) in own.chain(further).filter(|(_, entry)| is_nobodys(&snapshot.connections, entry)) {
            let plain = if entry.plain_text.is_empty() { "" } else { " (a token lies in plain text in it)" };
            print::line(&format!("{} also has: {}{plain}", words::place(&app.id, scope), entry.name));
        }
    }
}

/// Whether no connection of ours owns an entry; one that an app wrote back after its removal starts a connection that is
/// no more.
fn is_nobodys(connections: &[ConnectionView], entry: &EntryView) -> bool {
    !connections.iter().any(|connection| entry.connection.as_ref() == Some(&connection.id))
}

/// Its state, and where that was seen too long ago to speak for now, how long.
fn status_words(connection: &ConnectionView, now: &str) -> String {
    let checked = connection.last_check.as_ref().filter(|_| connection.status == Status::WorkedBefore);
    let age = checked.and_then(|checked| words::ago(checked.at, now.parse().ok()?));
    age.map_or_else(|| status_word(connection.status), |age| format!("worked {age}, not checked since"))
}

fn status_word(status: Status) -> String {
    serde_json::to_value(status)
        .ok()
        .and_then(|word| word.as_str().map(|word| word.replace('_', " ")))
        .unwrap_or_default()
}
