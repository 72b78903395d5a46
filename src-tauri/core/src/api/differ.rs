//! Drift, seen from the front door: each placement beside everything that its app reads.

use serde_json::Value;

use super::Patchbay;
use super::look::{Seen, look, look_all, look_at_scope, seen_of};
use super::view::DriftView;
use crate::client::{self, Source};
use crate::connection::state::State;
use crate::connection::{Connection, Placement};
use crate::drift::memory::Memory;
use crate::drift::{Drift, Sight, Table, drift};
use crate::error::{Error, Result};
use crate::host::Host;

/// Everything that drift is told from.
pub(super) struct Ground<'a> {
    pub(super) host: &'a Host,
    pub(super) state: &'a State,
    pub(super) seen: &'a [Seen],
    pub(super) memory: Option<&'a Memory>,
}

impl Patchbay {
    /// Everything that differs from what was written.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn drift(&self) -> Result<Vec<DriftView>> {
        let (state, host, memory) = (self.state()?, self.host(), self.inner.memory.load());
        let seen = look(&host);
        let ground = Ground { host: &host, state: &state, seen: &seen, memory: memory.as_ref() };
        let of = |connection: &Connection| -> Vec<DriftView> {
            connection.placements.iter().filter_map(|placement| ground.view(connection, placement)).collect()
        };
        Ok(state.connections.iter().flat_map(of).collect())
    }

    /// What differs of one placement now.
    pub(super) fn drift_of(&self, connection: &Connection, placement: &Placement) -> Result<Option<Drift>> {
        let (state, host, memory) = (self.state()?, self.host(), self.inner.memory.load());
        let seen = look_all(client::find(&placement.client)?, &host);
        let ground = Ground { host: &host, state: &state, seen: &seen, memory: memory.as_ref() };
        Ok(ground.drift(connection, placement))
    }
}

impl Ground<'_> {
    /// What differs of a placement, to be shown.
    pub(super) fn view(&self, connection: &Connection, placement: &Placement) -> Option<DriftView> {
        let own = seen_of(self.seen, placement, self.host)?;
        let found = self.drift(connection, placement)?;
        Some(found.view(connection, placement, own.client, &own.source.path))
    }

    /// What differs of a placement. Nothing of an app that this version does not know.
    pub(super) fn drift(&self, connection: &Connection, placement: &Placement) -> Option<Drift> {
        let own = seen_of(self.seen, placement, self.host)?;
        let instead = self.instead(placement, &own);
        let is_other = |seen: &&Seen| seen.client.id == own.client.id && !is_placed(connection, seen);
        let others: Vec<&Seen> = self.seen.iter().filter(is_other).collect();
        let refused = own.refused();
        let sight = Sight {
            own: table(&own, refused.as_ref()),
            instead: instead.as_ref().map(Seen::table),
            others: others.into_iter().map(Seen::table).collect(),
            is_claimed: &|source, name, value| self.is_claimed(&own, source, name, value),
        };
        drift(connection, placement, own.client, &sight)
    }

    /// The table that the app reads in place of the one that was written to.
    fn instead(&self, placement: &Placement, own: &Seen) -> Option<Seen> {
        let location = (own.client.locate)(self.host);
        let source = own.client.source(self.host, &placement.scope, &location).ok()?;
        if source.path == own.source.path {
            return None;
        }
        let is_it = |seen: &&Seen| seen.client.id == own.client.id && seen.source == source;
        let known = self.seen.iter().find(is_it).cloned();
        known.or_else(|| look_at_scope(own.client, &placement.scope, self.host).ok())
    }

    /// Whether an entry is what another placement expects there, or stood there before as it is.
    fn is_claimed(&self, own: &Seen, source: &Source, name: &str, value: &Value) -> bool {
        let expects = |placement: &Placement| {
            placement.is_at(own.client.id, &source.scope)
                && placement.path.as_ref().is_none_or(|path| *path == source.path)
                && placement.entry == name
                && placement.is_expected(value)
        };
        let placements = self.state.connections.iter().flat_map(|connection| &connection.placements);
        placements.into_iter().any(expects)
            || self.memory.is_some_and(|memory| memory.knows(own.client, source, name, value))
    }
}

fn is_placed(connection: &Connection, seen: &Seen) -> bool {
    connection.placements.iter().any(|placement| placement.is_at(seen.client.id, &seen.source.scope))
}

fn table<'a>(seen: &'a Seen, refused: Option<&'a Error>) -> Table<'a> {
    match refused {
        Some(refused) => Table { entries: Err(refused), ..seen.table() },
        None => seen.table(),
    }
}
