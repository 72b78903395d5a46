//! Applies planned placings: history, files and state, in an order that a kill can be settled from.

use super::Patchbay;
use super::message::Connected;
use super::place::{Expected, Placing, check, restarts, until_settled};
use super::view::ActivityKind;
use crate::change::apply;
use crate::change::history::{Edited, Effect, Intent};
use crate::connection::{Connection, Facts};
use crate::error::Result;

impl Patchbay {
    /// Applies what `plan` gives, planning anew where a file changes meanwhile, as long as it means what was shown.
    pub(super) fn apply_placing(
        &self,
        connection: &Connection,
        plan: impl Fn() -> Result<Placing>,
        expected: &Expected,
        kind: ActivityKind,
    ) -> Result<Connected> {
        self.apply_edited(connection, plan, expected, kind, None)
    }

    /// As [`apply_placing`](Self::apply_placing), with what changes about the connection itself.
    pub(super) fn apply_edited(
        &self,
        connection: &Connection,
        plan: impl Fn() -> Result<Placing>,
        expected: &Expected,
        kind: ActivityKind,
        edited: Option<&Edited>,
    ) -> Result<Connected> {
        // Planned with what others of us have finished: what is taken out goes back to what the history knows.
        let _work = self.at_work()?;
        until_settled(|| {
            let placing = plan()?;
            check(&placing.changes, expected)?;
            self.apply_once(connection, placing, kind, edited)
        })
    }

    /// Applies planned changes, at work: history, files, state, in an order that a kill can be settled from.
    fn apply_once(
        &self,
        connection: &Connection,
        placing: Placing,
        kind: ActivityKind,
        edited: Option<&Edited>,
    ) -> Result<Connected> {
        let restart = restarts(&placing.changes);
        let placements = placing.effects.into_iter().filter(|effect| effect.before != effect.after).collect::<Vec<_>>();
        if placements.is_empty() && restart.is_empty() && edited.is_none() {
            return Ok(Connected {
                id: connection.id.clone(),
                change: None,
                restart,
                kept_in: Vec::new(),
                token_missing: false,
                signed_out: None,
            });
        }
        let intent = Intent {
            at: self.host().now,
            kind,
            connection: connection.id.clone(),
            name: connection.name.clone(),
            effect: Effect { placements, removed: None, edited: edited.cloned() },
            undoes: None,
        };
        let mut applied = apply(&placing.changes, &intent, &self.inner.history, &self.inner.data_dir)?;
        if let Err(error) = self.take_effect(&connection.id, &applied.record.effect) {
            self.take_back(&applied.record);
            return Err(error);
        }
        if let Err(error) = self.inner.history.finish(&mut applied.record) {
            // Files and state agree; the next start marks it as done.
            tracing::warn!("{error}");
        }
        self.learn_changes(&placing.changes);
        Ok(Connected {
            id: connection.id.clone(),
            change: Some(applied.record.id),
            restart,
            kept_in: Vec::new(),
            token_missing: false,
            signed_out: None,
        })
    }

    /// Makes the state agree with a record. Doing it twice is the same as once.
    pub(super) fn take_effect(&self, id: &str, effect: &Effect) -> Result<()> {
        self.inner.state.update(|state| {
            if effect.edited.is_some() {
                state.checks.remove(id);
            }
            let connection = state.connection_mut(id)?;
            if let Some(edited) = &effect.edited {
                take_edit(connection, edited);
            }
            for change in &effect.placements {
                let at =
                    connection.placements.iter().position(|placement| placement.is_at(&change.client, &change.scope));
                match (at, &change.after) {
                    (Some(at), Some(after)) => connection.placements[at] = after.clone(),
                    (Some(at), None) => drop(connection.placements.remove(at)),
                    (None, Some(after)) => connection.placements.push(after.clone()),
                    (None, None) => {}
                }
            }
            Ok(())
        })
    }
}

/// Name and way change apart from each other: an older edit may be undone while a newer one of the other stands.
fn take_edit(connection: &mut Connection, edited: &Edited) {
    let now = connection.facts();
    let name = if edited.renames() { &edited.after.name } else { &now.name };
    let way = if edited.moves() { &edited.after } else { &now };
    connection.set_facts(&Facts { name: name.clone(), ..way.clone() });
}
