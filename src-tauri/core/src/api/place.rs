//! Placing a connection in apps: what the apps' files would become, shown first, then applied with the state.

use std::collections::BTreeMap;

use super::connect::{exists, taken};
use super::message::{ChangeVerb, Connected, FileChangeView, Place, PlanView};
use super::snapshot::{look_at, look_for};
use super::view::ActivityKind;
use super::{Event, Patchbay};
use crate::change::history::{Effect, Intent, PlacementEffect};
use crate::change::{Change, apply, changed, diff, plan, plan_without, verb};
use crate::client::{self, Client, EntrySpec};
use crate::connection::{Connection, Placement, Wiring};
use crate::error::{Code, Error, Result};
use crate::host::Host;

/// Digests of a plan that was shown, by app.
pub(super) type Expected = Option<BTreeMap<String, String>>;

/// What placing a connection comes to: for each app a change of its file and of the placement.
pub(super) struct Placing {
    pub(super) changes: Vec<Change>,
    pub(super) effects: Vec<PlacementEffect>,
}

impl Placing {
    /// Without the apps whose entries are to be as they were: what somebody else did to those is not our business now.
    pub(super) fn only_different(self) -> Self {
        let expected = |placement: &Option<Placement>| placement.as_ref().map(|placement| placement.expected.clone());
        let (changes, effects) = std::iter::zip(self.changes, self.effects)
            .filter(|(_, effect)| expected(&effect.before) != expected(&effect.after))
            .unzip();
        Self { changes, effects }
    }
}

/// The places that a connection has now, as a request would name them.
pub(super) fn of(connection: &Connection) -> Vec<Place> {
    let place = |placement: &Placement| Place {
        client: placement.client.clone(),
        wiring: Some(placement.wiring),
        token: placement.credential.clone(),
        create: true,
    };
    connection.placements.iter().map(place).collect()
}

impl Patchbay {
    /// Plans that a connection be used in exactly `places`.
    pub(super) fn placing(&self, connection: &Connection, places: &[Place]) -> Result<Placing> {
        self.placing_edited(connection, connection, places)
    }

    /// As [`Patchbay::placing`], for a connection that is saved with other settings.
    pub(super) fn placing_edited(
        &self,
        connection: &Connection,
        saved: &Connection,
        places: &[Place],
    ) -> Result<Placing> {
        let host = self.host();
        let mut placing = Placing { changes: Vec::new(), effects: Vec::new() };
        for (n, place) in places.iter().enumerate() {
            if places[..n].iter().any(|other| other.client == place.client) {
                continue;
            }
            let (change, effect) = self.place_one(connection, saved, place, &host)?;
            placing.changes.push(change);
            placing.effects.push(effect);
        }
        for placement in &connection.placements {
            if !places.iter().any(|place| place.client == placement.client) {
                let seen = look_for(placement, &host)?;
                let change = plan_without(seen.client, &seen.location.path, &placement.entry, &self.inner.history)?;
                placing.changes.push(change);
                let (client, before) = (placement.client.clone(), Some(placement.clone()));
                placing.effects.push(PlacementEffect { client, before, after: None });
            }
        }
        Ok(placing)
    }

    fn place_one(
        &self,
        connection: &Connection,
        saved: &Connection,
        place: &Place,
        host: &Host,
    ) -> Result<(Change, PlacementEffect)> {
        let client = client::find(&place.client)?;
        let before = connection.placements.iter().find(|placement| placement.client == place.client);
        let seen = before.map_or_else(|| Ok(look_at(client, host)), |placement| look_for(placement, host))?;
        if !seen.location.installed && !place.create {
            return Err(not_installed(client, &seen.location.path));
        }
        if let Some(token) =
            place.token.as_deref().filter(|id| !connection.credentials.iter().any(|own| own.id == **id))
        {
            return Err(Error::new(Code::TokenMissing, format!("This connection has no token \"{token}\".")));
        }
        if let Some(refused) = seen.refused() {
            return Err(refused);
        }
        let entry = before.map_or_else(|| connection.id.clone(), |placement| placement.entry.clone());
        let stands = seen.entries?.is_some_and(|entries| entries.iter().any(|(name, _)| *name == entry));
        if before.is_none() && stands {
            return Err(taken(&entry, client.name));
        }
        let wiring = place.wiring.unwrap_or(client.wirings[0]);
        let value = self.entry_value(connection, client, wiring)?;
        let (value, kept) = match before.filter(|placement| placement.wiring == wiring) {
            // What the user chose to keep stays kept.
            Some(placement) if self.entry_value(saved, client, wiring)? == value => {
                (placement.expected.clone(), placement.kept)
            }
            _ => (value, false),
        };
        let change = plan(client, &seen.location.path, &[(&entry, Some(value.clone()))])?;
        let after = Placement {
            client: client.id.to_owned(),
            entry,
            path: Some(seen.location.path),
            wiring,
            credential: place.token.clone(),
            expected: value,
            kept,
            // What is not written again does not ask for a restart again.
            written: before.filter(|_| change.is_nothing()).map_or(host.now, |placement| placement.written),
        };
        Ok((change, PlacementEffect { client: place.client.clone(), before: before.cloned(), after: Some(after) }))
    }

    /// The entry of a connection in an app's dialect.
    pub(super) fn entry_value(
        &self,
        connection: &Connection,
        client: &Client,
        wiring: Wiring,
    ) -> Result<serde_json::Value> {
        let program = self.program();
        let spec = EntrySpec {
            connection: &connection.id,
            program: &program,
            url: &connection.url,
            wiring,
            platform: self.inner.host.platform,
        };
        (client.entry)(&spec).ok_or_else(|| {
            Error::new(Code::WiringUnsupported, format!("{} cannot be connected in this way.", client.name))
                .hint("Leave the choice to Patchbay.")
                .field("wiring")
        })
    }

    /// The lines of a connection's entry in an app's file.
    pub(super) fn snippet(&self, id: &str, client: &str) -> Result<String> {
        let (state, client, program) = (self.state()?, client::find(client)?, self.program());
        let connection = state.connection(id)?;
        let spec = EntrySpec {
            connection: &connection.id,
            program: &program,
            url: &connection.url,
            wiring: client.wirings[0],
            platform: self.inner.host.platform,
        };
        Ok(client::snippet(client, &spec))
    }

    pub(super) fn plan_place(&self, id: &str, places: &[Place]) -> Result<PlanView> {
        let state = self.state()?;
        Ok(view(&self.placing(state.connection(id)?, places)?))
    }

    pub(super) fn place(&self, id: &str, places: &[Place], expected: &Expected) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let placing = self.placing(connection, places)?;
        check(&placing, expected)?;
        let only_out = placing.effects.iter().all(|effect| effect.after.is_none() || effect.before.is_some());
        let kind = if only_out { ActivityKind::Disconnected } else { ActivityKind::Connected };
        let done = self.apply_placing(connection, placing, kind);
        self.tell(Event::Changed);
        done
    }

    /// Applies planned changes: history, files, state, in an order that a kill can be settled from.
    pub(super) fn apply_placing(
        &self,
        connection: &Connection,
        placing: Placing,
        kind: ActivityKind,
    ) -> Result<Connected> {
        let restart = restarts(&placing.changes);
        let placements = placing.effects.into_iter().filter(|effect| effect.before != effect.after).collect::<Vec<_>>();
        if placements.is_empty() && restart.is_empty() {
            return Ok(Connected { id: connection.id.clone(), change: None, restart, kept_in: Vec::new() });
        }
        let intent = Intent {
            at: self.host().now,
            kind,
            connection: connection.id.clone(),
            name: connection.name.clone(),
            effect: Effect { placements, removed: None },
            undoes: None,
        };
        let _work = self.at_work()?;
        let mut applied = apply(&placing.changes, &intent, &self.inner.history, &self.inner.data_dir)?;
        if let Err(error) = self.take_effect(&connection.id, &applied.record.effect) {
            self.take_back(&applied.record);
            return Err(error);
        }
        if let Err(error) = self.inner.history.finish(&mut applied.record) {
            // Files and state agree; the next start marks it as done.
            tracing::warn!("{error}");
        }
        Ok(Connected { id: connection.id.clone(), change: Some(applied.record.id), restart, kept_in: Vec::new() })
    }

    /// Makes the state agree with a record. Doing it twice is the same as once.
    pub(super) fn take_effect(&self, id: &str, effect: &Effect) -> Result<()> {
        self.inner.state.update(|state| {
            let connection = state.connection_mut(id)?;
            for change in &effect.placements {
                let at = connection.placements.iter().position(|placement| placement.client == change.client);
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

fn not_installed(client: &Client, path: &std::path::Path) -> Error {
    Error::new(
        Code::AppNotInstalled,
        format!(
            "{} does not seem to be installed here; its settings would be made at {}.",
            client.name,
            path.display()
        ),
    )
    .at(path)
    .hint("Install it first, or have the file made all the same (--create).")
    .field("app")
}

/// The apps that have to be restarted to see the changes.
pub(super) fn restarts(changes: &[Change]) -> Vec<String> {
    let changed = changes.iter().filter(|change| !change.is_nothing() && change.client.restart);
    changed.map(|change| change.client.id.to_owned()).collect()
}

/// Refuses when a file is not what it was when the plan was shown.
pub(super) fn check(placing: &Placing, expected: &Expected) -> Result<()> {
    check_changes(&placing.changes, expected)
}

pub(super) fn check_changes(changes: &[Change], expected: &Expected) -> Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    match changes.iter().find(|change| expected.get(change.client.id) != Some(&change.digest)) {
        Some(change) => Err(changed(&change.path)),
        None => Ok(()),
    }
}

/// A plan to be shown.
pub(super) fn view(placing: &Placing) -> PlanView {
    view_changes(&placing.changes)
}

pub(super) fn view_changes(changes: &[Change]) -> PlanView {
    PlanView {
        files: changes.iter().map(file_view).collect(),
        expected: changes.iter().map(|change| (change.client.id.to_owned(), change.digest.clone())).collect(),
    }
}

pub(super) fn file_view(change: &Change) -> FileChangeView {
    let diff = diff(change);
    let verb = verb(change);
    FileChangeView {
        client: change.client.id.to_owned(),
        client_name: change.client.name.to_owned(),
        path: change.path.display().to_string(),
        creates: change.before.is_none() && change.after.is_some() && !exists(&change.path),
        verb,
        entry: change.ops.first().map(|op| op.entry.clone()).unwrap_or_default(),
        diff: diff.text,
        added: diff.added,
        removed: diff.removed,
        restart: change.client.restart && verb != ChangeVerb::Nothing,
    }
}
