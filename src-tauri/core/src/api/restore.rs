//! Drift's two answers, and undo.

use super::connect::new_id;
use super::look::look_for;
use super::message::{Connected, PlanView};
use super::obstacle::{Entries, is_undoable, obstacle, refusal};
use super::place::{Placing, restarts, until_settled, view_changes};
use super::view::{ActivityKind, DriftKind, ObstacleKind};
use super::{Event, Patchbay, token};
use crate::change::history::{Edited, Effect, Intent, PlacementEffect, Record};
use crate::change::{Change, Planner, apply, plan_undo};
use crate::client::{self, Scope};
use crate::connection::{Connection, Placement};
use crate::drift::{Drift, Standing};
use crate::error::{Code, Error, Result};
use crate::secret::{is_marked, marked};

impl Patchbay {
    /// Puts one entry back as it is expected, and takes out what stands in other places instead of it.
    pub(super) fn put_back(&self, id: &str, client: &str, scope: &Scope) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let placement = placement(connection, client, scope)?;
        let again = || self.putting_back(connection, placement);
        let done = self.apply_placing(connection, again, &None, ActivityKind::PutBack);
        self.tell(Event::Changed);
        done
    }

    fn putting_back(&self, connection: &Connection, placement: &Placement) -> Result<Placing> {
        let found = self.drift_of(connection, placement)?;
        let own = look_for(placement, &self.host())?;
        let target = found.as_ref().and_then(|found| found.instead.clone()).unwrap_or_else(|| own.source.clone());
        let mut planner = Planner::new(&self.inner.history);
        // The token in what was kept is not here: what is put back then is what Patchbay itself would write.
        let lost = is_marked(&placement.expected);
        let expected = if lost {
            self.entry_value(connection, own.client, placement.wiring, &target.path)?
        } else {
            placement.expected.clone()
        };
        planner.set(own.client, &target, &placement.entry, &expected)?;
        for now in found.iter().flat_map(|found| &found.now) {
            if now.source != target || now.name != placement.entry {
                planner.take_out(own.client, &now.source, &now.name)?;
            }
        }
        let after = Placement {
            written: self.host().now,
            path: Some(target.path),
            kept: placement.kept && !lost,
            expected,
            ..placement.clone()
        };
        let effect = PlacementEffect::new(Some(placement.clone()), Some(after));
        Ok(Placing { changes: planner.finish()?, effects: vec![effect] })
    }

    /// Takes what somebody else made of an entry as the user's wish.
    pub(super) fn keep(&self, id: &str, client: &str, scope: &Scope) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let placement = placement(connection, client, scope)?;
        let found = self.drift_of(connection, placement)?;
        let own = look_for(placement, &self.host())?;
        let as_it_is = || {
            let found = self.drift_of(connection, placement)?;
            let effects = found.map(|found| kept(placement, &found)).transpose()?.unwrap_or_default();
            Ok(Placing { changes: Vec::new(), effects })
        };
        let done = self.apply_placing(connection, as_it_is, &None, ActivityKind::Kept);
        if found.is_some_and(|found| found.kind == DriftKind::Replaced) {
            self.learn(vec![(own.client, own.source, placement.entry.clone())]);
        }
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
        if record.kind == ActivityKind::Released {
            self.check_undo(&record)?;
        }
        if !is_undoable(&record) {
            return Err(Error::new(Code::UndoConflict, "This change cannot be undone.")
                .hint("A renewed token stays; an undone change can be made again."));
        }
        let done = self.apply_undo(&record).await;
        self.tell(Event::Changed);
        done
    }

    fn newest(&self) -> Result<Record> {
        let records = self.inner.history.records();
        let nothing = || Error::new(Code::UnknownChange, "There is nothing to undo.");
        records.into_iter().find(is_undoable).ok_or_else(nothing)
    }

    async fn apply_undo(&self, record: &Record) -> Result<Connected> {
        let _work = self.at_work()?;
        self.check_undo(record)?;
        let intent = Intent {
            at: self.host().now,
            kind: ActivityKind::Undone,
            connection: record.connection.clone(),
            name: record.name.clone(),
            effect: back(&record.effect, self.state()?.connection(&record.connection).ok()),
            undoes: Some(record.id.clone()),
        };
        let (mut applied, changes): (_, Vec<Change>) = until_settled(|| {
            let changes = plan_undo(record, &self.inner.history)?;
            Ok((apply(&changes, &intent, &self.inner.history, &self.inner.data_dir)?, changes))
        })?;
        self.finish_change(&mut applied.record).await?;
        self.learn_changes(&changes);
        let restart = restarts(&changes);
        let came_back = record.effect.removed.is_some();
        let token_missing = came_back && self.state()?.connection(&record.connection).is_ok_and(token::lacks_token);
        let (id, change) = (record.connection.clone(), Some(applied.record.id));
        Ok(Connected { id, change, restart, kept_in: Vec::new(), token_missing, signed_out: None })
    }

    /// Refuses where something stands in the way, naming it.
    fn check_undo(&self, record: &Record) -> Result<()> {
        let (state, records) = (self.state()?, self.inner.history.records());
        if let Some(found) = obstacle(record, &state, &Entries::default(), &records) {
            // A file that cannot be read says so itself, in more detail.
            if found.kind != ObstacleKind::Released {
                plan_undo(record, &self.inner.history)?;
            }
            return Err(refusal(record, &found));
        }
        let renamed = record.effect.edited.as_ref().filter(|edited| edited.renames());
        renamed.map_or(Ok(()), |edited| new_id(&edited.before.name, &state, Some(&record.connection)).map(drop))
    }
}

/// What undoing means for the state. A placement keeps the token that it uses by now.
fn back(effect: &Effect, connection: Option<&Connection>) -> Effect {
    let credential = |placement: &Placement| {
        let now = connection?.placements.iter().find(|now| now.is_at(&placement.client, &placement.scope));
        now.map_or(placement, |now| now).credential.clone()
    };
    let back = |effect: &PlacementEffect| {
        let after = effect.before.as_ref().map(|before| Placement { credential: credential(before), ..before.clone() });
        PlacementEffect { before: effect.after.clone(), after, ..effect.clone() }
    };
    Effect {
        placements: effect.placements.iter().map(back).collect(),
        removed: None,
        edited: effect.edited.as_ref().map(Edited::back),
    }
}

/// What a placement becomes where the user wants it as it is now.
fn kept(placement: &Placement, found: &Drift) -> Result<Vec<PlacementEffect>> {
    let becomes = |after| vec![PlacementEffect::new(Some(placement.clone()), after)];
    let adopted = |now: &Standing| Placement {
        entry: now.name.clone(),
        scope: now.source.scope.clone(),
        path: Some(now.source.path.clone()),
        kept: placement.kept || !placement.is_expected(&now.value),
        // A token that somebody put there is not ours to keep.
        expected: marked(&now.value),
        ..placement.clone()
    };
    Ok(match (found.kind, found.now.first()) {
        (DriftKind::FileBroken | DriftKind::FileUnreadable, _) => return Err(unreadable(found)),
        (DriftKind::Moved, Some(now)) => {
            // It goes from one scope and comes to another.
            [becomes(None), vec![PlacementEffect::new(None, Some(adopted(now)))]].concat()
        }
        (DriftKind::Duplicated, _) => {
            let copies = placement.copies.iter().cloned().chain(found.now.iter().map(|now| now.name.clone()));
            becomes(Some(Placement { copies: copies.collect(), ..placement.clone() }))
        }
        (DriftKind::FileMoved, _) => becomes(found.stands_instead().map(adopted)),
        (DriftKind::Changed | DriftKind::Disabled | DriftKind::Renamed, Some(now)) => becomes(Some(adopted(now))),
        _ => becomes(None),
    })
}

fn unreadable(found: &Drift) -> Error {
    found.error.clone().unwrap_or_else(|| Error::new(Code::FileUnreadable, "The app's file cannot be read."))
}

fn placement<'a>(connection: &'a Connection, client: &str, scope: &Scope) -> Result<&'a Placement> {
    client::find(client)?;
    connection.placements.iter().find(|placement| placement.is_at(client, scope)).ok_or_else(|| {
        Error::new(Code::UnknownApp, format!("{} is not used in \"{client}\".", connection.name))
            .hint("See where it is used with: patchbay list")
    })
}
