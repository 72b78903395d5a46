//! Drift's two answers, and undo.

use serde_json::Value;

use super::message::{Connected, PlanView};
use super::place::{Placing, restarts, view_changes};
use super::snapshot::{Seen, look, look_for, seen_of};
use super::view::{ActivityKind, DriftView};
use super::{Event, Patchbay};
use crate::change::history::{Effect, Intent, PlacementEffect, Record};
use crate::change::{Change, apply, plan, plan_undo};
use crate::client;
use crate::connection::{Connection, Placement};
use crate::error::{Code, Error, Result};

impl Patchbay {
    /// Everything that differs from what was written.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn drift(&self) -> Result<Vec<DriftView>> {
        let (state, seen) = (self.state()?, look(&self.host()));
        let of = |connection: &Connection, placement: &Placement| {
            seen_of(&seen, placement, &self.host())?.drift(connection, placement)
        };
        let all = state.connections.iter().flat_map(|connection| {
            connection.placements.iter().filter_map(|placement| of(connection, placement)).collect::<Vec<_>>()
        });
        Ok(all.collect())
    }

    /// Puts one entry back as it is expected.
    pub(super) fn put_back(&self, id: &str, client: &str) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let placement = placement(connection, client)?;
        let client = client::find(client)?;
        let path = look_for(placement, &self.host())?.location.path;
        let change = plan(client, &path, &[(&placement.entry, Some(placement.expected.clone()))])?;
        let effect = PlacementEffect {
            client: client.id.to_owned(),
            before: Some(placement.clone()),
            after: Some(Placement { written: self.host().now, ..placement.clone() }),
        };
        let placing = Placing { changes: vec![change], effects: vec![effect] };
        let done = self.apply_placing(connection, placing, ActivityKind::PutBack);
        self.tell(Event::Changed);
        done
    }

    /// Takes what somebody else made of an entry as the user's wish.
    pub(super) fn keep(&self, id: &str, client: &str) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let placement = placement(connection, client)?;
        let seen = look_for(placement, &self.host())?;
        let now = entry_now(&seen, &placement.entry)?;
        let after = now.map(|expected| Placement { expected, kept: true, ..placement.clone() });
        let effect = PlacementEffect { client: client.to_owned(), before: Some(placement.clone()), after };
        let placing = Placing { changes: Vec::new(), effects: vec![effect] };
        let done = self.apply_placing(connection, placing, ActivityKind::Kept);
        self.tell(Event::Changed);
        done
    }

    /// The diff of a change in the history, as it was applied.
    pub(super) fn change_detail(&self, id: &str) -> Result<PlanView> {
        let record = self.inner.history.record(id)?;
        let changes = self.inner.history.changes(&record)?;
        Ok(view_changes(&changes))
    }

    /// Undoes a change, the newest that can be undone where none is named.
    pub(super) async fn undo(&self, id: Option<&str>) -> Result<Connected> {
        let record = match id {
            Some(id) => self.inner.history.record(id)?,
            None => self.newest()?,
        };
        if record.undone_by.is_some() {
            return Err(Error::new(Code::UndoConflict, "This change was undone already."));
        }
        if matches!(record.kind, ActivityKind::Undone | ActivityKind::Renewed | ActivityKind::RenewalStopped) {
            return Err(Error::new(Code::UndoConflict, "This change cannot be undone.")
                .hint("A renewed token stays; an undone change can be made again."));
        }
        let changes = plan_undo(&record, &self.inner.history)?;
        let done = self.apply_undo(&record, &changes).await;
        self.tell(Event::Changed);
        done
    }

    fn newest(&self) -> Result<Record> {
        let undoable = |record: &Record| {
            record.undone_by.is_none()
                && !matches!(record.kind, ActivityKind::Undone | ActivityKind::Renewed | ActivityKind::RenewalStopped)
        };
        self.inner
            .history
            .records()
            .into_iter()
            .find(undoable)
            .ok_or_else(|| Error::new(Code::UnknownChange, "There is nothing to undo."))
    }

    async fn apply_undo(&self, record: &Record, changes: &[Change]) -> Result<Connected> {
        let back = |effect: &PlacementEffect| PlacementEffect {
            client: effect.client.clone(),
            before: effect.after.clone(),
            after: effect.before.clone(),
        };
        let intent = Intent {
            at: self.host().now,
            kind: ActivityKind::Undone,
            connection: record.connection.clone(),
            name: record.name.clone(),
            effect: Effect { placements: record.effect.placements.iter().map(back).collect(), removed: None },
            undoes: Some(record.id.clone()),
        };
        self.restorable(record)?;
        let _work = self.at_work()?;
        let mut applied = apply(changes, &intent, &self.inner.history, &self.inner.data_dir)?;
        self.finish_change(&mut applied.record).await?;
        Ok(Connected {
            id: record.connection.clone(),
            change: Some(applied.record.id),
            restart: restarts(changes),
            kept_in: Vec::new(),
        })
    }

    /// A removed connection can come back only while its name is free.
    fn restorable(&self, record: &Record) -> Result<()> {
        let taken = record.effect.removed.is_some() && self.state()?.connection(&record.connection).is_ok();
        if taken {
            return Err(Error::new(
                Code::UndoConflict,
                format!("There is another connection \"{}\" now.", record.name),
            )
            .hint("Remove that one first."));
        }
        Ok(())
    }
}

fn placement<'a>(connection: &'a Connection, client: &str) -> Result<&'a Placement> {
    client::find(client)?;
    connection.placements.iter().find(|placement| placement.client == client).ok_or_else(|| {
        Error::new(Code::UnknownApp, format!("{} is not used in \"{client}\".", connection.name))
            .hint("See where it is used with: patchbay list")
    })
}

fn entry_now(seen: &Seen, entry: &str) -> Result<Option<Value>> {
    let entries = seen.entries.as_ref().map_err(Clone::clone)?;
    let entries = entries.as_deref().unwrap_or_default();
    Ok(entries.iter().rev().find(|(name, _)| name == entry).map(|(_, value)| value.clone()))
}
