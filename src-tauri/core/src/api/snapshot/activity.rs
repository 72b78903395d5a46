//! The newest changes in the snapshot.

use std::collections::BTreeSet;

use crate::api::look::Seen;
use crate::api::obstacle::{Entries, is_undoable, obstacle};
use crate::api::view::{ActivityKind, ActivityView, ObstacleView};
use crate::change::history::Record;
use crate::connection::state::State;

/// The newest changes, each with whether it can be undone as things are.
pub(super) fn activities(records: &[Record], state: &State, seen: &[Seen]) -> Vec<ActivityView> {
    let now = Entries::of(seen);
    // Of these it is said why they cannot be undone.
    let is_told = |record: &Record| is_undoable(record) || record.kind == ActivityKind::Released;
    let obstacle = |record: &Record| is_told(record).then(|| obstacle(record, state, &now, records)).flatten();
    records.iter().map(|record| activity(record, obstacle(record))).collect()
}

fn activity(record: &Record, obstacle: Option<ObstacleView>) -> ActivityView {
    let scopes: BTreeSet<_> = record.effect.placements.iter().map(|effect| effect.scope.clone()).collect();
    let renamed = record.effect.edited.as_ref().filter(|edited| edited.renames());
    ActivityView {
        id: record.id.clone(),
        at: record.at.to_string(),
        kind: record.kind,
        connection: record.connection.clone(),
        name: record.name.clone(),
        clients: clients(record),
        paths: record.files.iter().map(|file| file.path.display().to_string()).collect(),
        scopes: scopes.into_iter().filter(|scope| !scope.is_user()).collect(),
        renamed: renamed.map(|edited| edited.after.name.clone()),
        can_undo: is_undoable(record) && obstacle.is_none(),
        obstacle,
        holds_token: record.holds_token,
        undone: record.undone_by.is_some(),
    }
}

/// The apps that a change is about, each once; also where it changed no file of theirs.
fn clients(record: &Record) -> Vec<String> {
    let files = record.files.iter().map(|file| &file.client);
    let all = files.chain(record.effect.placements.iter().map(|effect| &effect.client));
    let mut clients: Vec<String> = Vec::new();
    for client in all {
        if !clients.contains(client) {
            clients.push(client.clone());
        }
    }
    clients
}
