//! Removing a connection: its entries go, then it and its tokens.

use std::path::PathBuf;

use serde_json::Value;

use super::look::{Seen, look, look_for};
use super::message::{Connected, PlanView};
use super::place::{self, Expected, restarts, until_settled};
use super::view::ActivityKind;
use super::{Event, Patchbay};
use crate::change::history::{Effect, Intent, PlacementEffect};
use crate::change::{Change, Planner, apply};
use crate::client::{Scope, read_entry};
use crate::connection::{Connection, Placement};
use crate::error::Result;

impl Patchbay {
    pub(super) fn plan_remove(&self, id: &str) -> Result<PlanView> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        Ok(place::view_changes(&self.removal(connection)?.0))
    }

    pub(super) async fn remove(&self, id: &str, expected: Expected) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?.clone();
        place::check(&self.removal(&connection)?.0, &expected)?;
        self.can_forget(&connection).await?;
        let gone = |placement: &Placement| PlacementEffect::new(Some(placement.clone()), None);
        let effect = Effect {
            placements: connection.placements.iter().map(gone).collect(),
            removed: Some(connection.without_tokens()),
            edited: None,
        };
        let intent = Intent {
            at: self.host().now,
            kind: ActivityKind::Removed,
            connection: connection.id.clone(),
            name: connection.name.clone(),
            effect,
            undoes: None,
        };
        let _work = self.at_work()?;
        let (mut applied, restart, kept_in) = until_settled(|| {
            let (changes, kept_in) = self.removal(&connection)?;
            place::check(&changes, &expected)?;
            let applied = apply(&changes, &intent, &self.inner.history, &self.inner.data_dir)?;
            Ok((applied, restarts(&changes), kept_in))
        })?;
        let signed_out = self.sign_out_of_all(&connection).await;
        self.finish_change(&mut applied.record).await?;
        self.tell(Event::Changed);
        let change = Some(applied.record.id);
        Ok(Connected { id: id.to_owned(), change, restart, kept_in, token_missing: false, signed_out })
    }

    /// The changes that take a connection's entries out, and the files in which the entry has to stay: those that are
    /// broken or may not be written. A file that is gone has nothing of ours in it. Entries that start our program for it
    /// go as well, whoever copied, moved or renamed them: they would be of no use to anybody.
    fn removal(&self, connection: &Connection) -> Result<(Vec<Change>, Vec<String>)> {
        let host = self.host();
        let (mut planner, mut kept_in) = (Planner::new(&self.inner.history), Vec::new());
        for placement in &connection.placements {
            let seen = look_for(placement, &host)?;
            match seen.entry(&placement.entry) {
                Err(_) => kept_in.push(seen.source.path.clone()),
                Ok(None) => {}
                Ok(Some(_)) => take_out(&mut planner, &seen, &placement.entry, &mut kept_in)?,
            }
        }
        for seen in look(&host).iter().filter(|seen| seen.source.scope != Scope::Managed) {
            let is_placed = |name: &str| connection.placements.iter().any(|placement| stands_at(placement, seen, name));
            let is_loose = |name: &str, value: &Value| {
                read_entry(name, value).ours.as_deref() == Some(&connection.id) && !is_placed(name)
            };
            for (name, _) in seen.all().iter().filter(|(name, value)| is_loose(name, value)) {
                take_out(&mut planner, seen, name, &mut kept_in)?;
            }
        }
        kept_in.sort();
        kept_in.dedup();
        let kept_in = kept_in.into_iter().map(|path| path.display().to_string()).collect();
        Ok((planner.finish()?, kept_in))
    }

    /// Whether the tokens can be deleted: asked before any file is touched, so that nothing is left half removed.
    async fn can_forget(&self, connection: &Connection) -> Result<()> {
        for key in connection.keys() {
            self.secrets().read(&key).await?;
        }
        Ok(())
    }

    /// Takes a connection out of the state and deletes its tokens.
    pub(super) async fn forget(&self, connection: &Connection) -> Result<()> {
        self.delete_tokens(&connection.keys()).await?;
        self.inner.state.update(|state| {
            state.connections.retain(|other| other.id != connection.id);
            state.checks.remove(&connection.id);
            for credential in &connection.credentials {
                state.reminders.remove(&credential.id);
            }
            Ok(())
        })
    }
}

/// Plans that an entry goes; where its file may not be written, it stays.
fn take_out(planner: &mut Planner<'_>, seen: &Seen, entry: &str, kept_in: &mut Vec<PathBuf>) -> Result<()> {
    match planner.take_out(seen.client, &seen.source, entry) {
        Err(error) if error.code.is_of_file() => kept_in.push(seen.source.path.clone()),
        other => return other,
    }
    Ok(())
}

/// Whether an entry in a table is the one of a placement.
fn stands_at(placement: &Placement, seen: &Seen, entry: &str) -> bool {
    placement.is_at(seen.client.id, &seen.source.scope)
        && placement.entry == entry
        && placement.path.as_ref().is_none_or(|path| *path == seen.source.path)
}
