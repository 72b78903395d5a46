//! News: entries that others put into the apps' files, or changed there. Told as information until the user has seen it.

use super::Patchbay;
use super::look::{Seen, look, look_in};
use super::snapshot::entry_view;
use super::view::{EntryKind, EntryView, NewsKind, NewsView};
use crate::change::Change;
use crate::client::{Client, Scope, Source, read_entry};
use crate::connection::state::State;
use crate::drift::memory::Memory;
use crate::error::Result;

impl Patchbay {
    /// What others put into the apps' files since it was last dismissed. Nothing before the first [`settle`](Self::settle).
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn news(&self) -> Result<Vec<NewsView>> {
        Ok(news(&self.state()?, &look(&self.host()), self.inner.memory.load().as_ref()))
    }

    /// Learns tables that were never seen before, as they stand.
    pub(super) fn meet_tables(&self) -> Result<()> {
        let (state, seen) = (self.state()?, look(&self.host()));
        self.inner.memory.update(|memory| {
            for seen in seen.iter().filter(|seen| seen.entries.is_ok()) {
                let others = seen.all().iter().filter(|(name, value)| !is_own(&state, seen, name, value));
                memory.meet(seen.client, &seen.source, &others.cloned().collect::<Vec<_>>());
            }
        })
    }

    /// Takes note of news that the user has seen; of all where none is named. An entry that changed since it was shown
    /// stays news.
    pub(super) fn dismiss_news(&self, ids: &[String]) -> Result<()> {
        let seen = look(&self.host());
        self.inner.memory.update(|memory| {
            for seen in &seen {
                for (name, value) in seen.all() {
                    let id = memory.id(seen.client, &seen.source, name, value);
                    if ids.is_empty() || ids.contains(&id) {
                        memory.learn(seen.client, &seen.source, seen.all(), name);
                    }
                }
            }
        })
    }

    /// What Patchbay itself did to entries is no news, also where they are not its own.
    pub(super) fn learn_changes(&self, changes: &[Change]) {
        let source = |change: &Change, table: &[String]| {
            let own = change.client.table.iter().map(|key| (*key).to_owned()).collect();
            let table = if table.is_empty() { own } else { table.to_vec() };
            Source { scope: Scope::User, path: change.path.clone(), table }
        };
        let all = changes.iter().flat_map(|change| {
            change.ops.iter().map(move |op| (change.client, source(change, &op.table), op.entry.clone()))
        });
        self.learn(all.collect());
    }

    /// Learns entries as they stand now.
    pub(super) fn learn(&self, entries: Vec<(&'static Client, Source, String)>) {
        if entries.is_empty() || self.inner.memory.load().is_none() {
            return;
        }
        let learned = self.state().and_then(|state| {
            let host = self.host();
            let seen = |(client, source, name): (&'static Client, Source, String)| {
                (look_in(client, (client.locate)(&host), source), name)
            };
            let is_foreign = |(seen, name): &(Seen, String)| {
                let value = seen.entry(name).ok().flatten();
                value.is_some_and(|value| !is_written(&state, seen, name) && !is_own(&state, seen, name, &value))
            };
            let foreign: Vec<_> = entries.into_iter().map(seen).filter(is_foreign).collect();
            self.inner.memory.update(|memory| {
                for (seen, name) in &foreign {
                    memory.learn(seen.client, &seen.source, seen.all(), name);
                }
            })
        });
        if let Err(error) = learned {
            // At worst the user is told of what they did themselves.
            tracing::warn!("{error}");
        }
    }
}

/// What of all that is seen is news.
pub(super) fn news(state: &State, seen: &[Seen], memory: Option<&Memory>) -> Vec<NewsView> {
    let Some(memory) = memory else { return Vec::new() };
    let of = |seen: &Seen| -> Vec<NewsView> {
        let foreign = seen.all().iter().filter(|(name, value)| !is_own(state, seen, name, value));
        foreign.filter_map(|(name, value)| one(state, seen, memory, name, value)).collect()
    };
    seen.iter().flat_map(of).collect()
}

fn one(state: &State, seen: &Seen, memory: &Memory, name: &str, value: &serde_json::Value) -> Option<NewsView> {
    let kind = memory.news(seen.client, &seen.source, name, value)?;
    let entry = entry_view(state, seen, name, value);
    Some(NewsView {
        id: memory.id(seen.client, &seen.source, name, value),
        kind,
        client: seen.client.id.to_owned(),
        scope: seen.source.scope.clone(),
        path: seen.source.path.display().to_string(),
        sentence: sentence(kind, seen.client.name, &entry),
        entry,
    })
}

/// An entry of Patchbay's: one that a connection has there, or that starts Patchbay for a connection which has one in
/// this app. Drift tells of those.
fn is_own(state: &State, seen: &Seen, name: &str, value: &serde_json::Value) -> bool {
    let ours = read_entry(name, value).ours;
    let in_this_app = |id: &String| {
        let connection = state.connection(id).ok();
        connection.is_some_and(|own| own.placements.iter().any(|placement| placement.client == seen.client.id))
    };
    is_placed(state, seen, name) || ours.as_ref().is_some_and(in_this_app)
}

fn is_placed(state: &State, seen: &Seen, name: &str) -> bool {
    let mut placements = state.connections.iter().flat_map(|connection| &connection.placements);
    placements.any(|placement| placement.is_at(seen.client.id, &seen.source.scope) && placement.entry == name)
}

/// Whether a connection has an entry of this name in this file, whatever its scope.
fn is_written(state: &State, seen: &Seen, name: &str) -> bool {
    let mut placements = state.connections.iter().flat_map(|connection| &connection.placements);
    placements.any(|placement| placement.path.as_ref() == Some(&seen.source.path) && placement.entry == name)
}

fn sentence(kind: NewsKind, app: &str, entry: &EntryView) -> String {
    let did = match kind {
        NewsKind::Added => format!("Somebody added \"{}\" to {app}", entry.name),
        NewsKind::Changed => format!("Somebody changed \"{}\" in {app}", entry.name),
    };
    match entry.kind {
        EntryKind::Program => format!("{did}: it runs {}", entry.target),
        EntryKind::Remote => format!("{did}: it speaks to {}", entry.target),
        EntryKind::Unclear => format!("{did}."),
    }
}
