//! Placing a connection in apps: what the apps' files would become, shown first, then applied with the state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::connect::{exists, taken};
use super::look::{look_at_scope, look_for};
use super::message::{ChangeVerb, Connected, FileChangeView, Place, PlanView};
use super::view::ActivityKind;
use super::{Event, Patchbay};
use crate::change::history::PlacementEffect;
use crate::change::{Change, Planner, changed, diff, verb};
use crate::client::{self, Client, EntrySpec, Scope, Source};
use crate::connection::{Connection, Placement, Wiring};
use crate::error::{Code, Error, Result};
use crate::host::{Host, Platform};
use crate::import::{run_parts, run_value};
use crate::secret::is_marked;

/// What a plan that was shown meant, by file.
pub(super) type Expected = Option<BTreeMap<String, String>>;

/// What placing a connection comes to: changes of files, and of placements.
pub(super) struct Placing {
    pub(super) changes: Vec<Change>,
    pub(super) effects: Vec<PlacementEffect>,
}

/// One placement that comes, changes or goes, and where its entry stands.
pub(super) struct Move {
    pub(super) client: &'static Client,
    pub(super) source: Source,
    pub(super) effect: PlacementEffect,
}

impl Move {
    /// Whether its entry is to be as it was: what somebody else did to it is not our business now.
    pub(super) fn changes_nothing(&self) -> bool {
        let expected = |placement: &Option<Placement>| placement.as_ref().map(|placement| placement.expected.clone());
        expected(&self.effect.before) == expected(&self.effect.after)
    }
}

/// The places that a connection has now, as a request would name them.
pub(super) fn of(connection: &Connection) -> Vec<Place> {
    let place = |placement: &Placement| Place {
        client: placement.client.clone(),
        scope: placement.scope.clone(),
        wiring: Some(placement.wiring),
        token: placement.credential.clone(),
        create: true,
    };
    connection.placements.iter().map(place).collect()
}

/// Tries again what found a file changed between planning and writing: programs write their files at any moment.
pub(super) fn until_settled<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    const PATIENCE: Duration = Duration::from_secs(4);
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if error.code == Code::FileChanged && begun.elapsed() < PATIENCE => {}
            other => return other,
        }
        // Pauses of different lengths, so as not to keep in step with a program that writes at a beat.
        let uneven = u64::from(begun.elapsed().subsec_nanos() % 23);
        std::thread::sleep(Duration::from_millis(1 + uneven));
    }
}

impl Patchbay {
    /// Plans that a connection be used in exactly `places`.
    pub(super) fn placing(&self, connection: &Connection, places: &[Place]) -> Result<Placing> {
        self.planned(self.moves(connection, connection, places)?)
    }

    /// What has to move so that a connection is used in exactly `places`; `saved` is what is known of it before.
    pub(super) fn moves(&self, connection: &Connection, saved: &Connection, places: &[Place]) -> Result<Vec<Move>> {
        let host = self.host();
        one_token_per_app(connection, places)?;
        let mut moves = Vec::new();
        for (n, place) in places.iter().enumerate() {
            if !places[..n].iter().any(|other| is_same(other, place)) {
                moves.push(self.place_one(connection, saved, place, &host)?);
            }
        }
        for placement in &connection.placements {
            if !places.iter().any(|place| placement.is_at(&place.client, &place.scope)) {
                let seen = look_for(placement, &host)?;
                let effect = PlacementEffect::new(Some(placement.clone()), None);
                moves.push(Move { client: seen.client, source: seen.source, effect });
            }
        }
        Ok(moves)
    }

    /// Plans the files' changes for moves.
    pub(super) fn planned(&self, moves: Vec<Move>) -> Result<Placing> {
        let mut planner = Planner::new(&self.inner.history);
        for Move { client, source, effect } in &moves {
            match (&effect.before, &effect.after) {
                // It was kept as it is, with a token that only its file holds.
                (Some(_), Some(after)) if is_marked(&after.expected) => {}
                (_, Some(after)) => planner.set(client, source, &after.entry, &after.expected)?,
                (Some(before), None) => planner.take_out(client, source, &before.entry)?,
                (None, None) => {}
            }
        }
        Ok(Placing { changes: planner.finish()?, effects: moves.into_iter().map(|moved| moved.effect).collect() })
    }

    fn place_one(&self, connection: &Connection, saved: &Connection, place: &Place, host: &Host) -> Result<Move> {
        let client = client::find(&place.client)?;
        let before = connection.placements.iter().find(|placement| placement.is_at(&place.client, &place.scope));
        let seen = match before {
            Some(placement) => look_for(placement, host)?,
            None => look_at_scope(client, &place.scope, host)?,
        };
        if !seen.location.installed && !place.create {
            return Err(not_installed(client, &seen.location.path));
        }
        if let Some(token) = place.token.as_deref().filter(|id| !connection.tokens().any(|own| own.id == **id)) {
            return Err(Error::new(Code::TokenMissing, format!("This connection has no token \"{token}\".")));
        }
        if let Some(refused) = seen.refused() {
            return Err(refused);
        }
        let entry = before.map_or_else(|| connection.id.clone(), |placement| placement.entry.clone());
        let now = seen.entry(&entry)?;
        if before.is_none() && now.is_some() {
            return Err(taken(&entry, client.name));
        }
        let wiring = wiring(connection, client, place.wiring);
        check_bound(connection, place.token.as_deref(), client, wiring)?;
        let value = self.entry_value(connection, client, wiring, &seen.source.path)?;
        let (value, kept) = match before.filter(|placement| placement.wiring == wiring) {
            // What the user chose to keep stays kept.
            Some(placement) if self.entry_value(saved, client, wiring, &seen.source.path)? == value => {
                (placement.expected.clone(), placement.kept)
            }
            _ => (value, false),
        };
        let after = Placement {
            client: client.id.to_owned(),
            scope: place.scope.clone(),
            entry,
            path: Some(seen.source.path.clone()),
            wiring,
            credential: place.token.clone(),
            // What is not written again does not ask for a restart again.
            written: before.filter(|_| now.as_ref() == Some(&value)).map_or(host.now, |placement| placement.written),
            expected: value,
            kept,
            copies: before.map(|placement| placement.copies.clone()).unwrap_or_default(),
        };
        let effect = PlacementEffect::new(before.cloned(), Some(after));
        Ok(Move { client, source: seen.source, effect })
    }

    /// The entry of a connection in an app's dialect.
    pub(super) fn entry_value(
        &self,
        connection: &Connection,
        client: &Client,
        wiring: Wiring,
        file: &Path,
    ) -> Result<serde_json::Value> {
        if connection.is_program() {
            return self.program_value(connection, client, file);
        }
        let (program, platform) = self.program_for(file);
        let spec = EntrySpec { connection: &connection.id, program: &program, url: &connection.url, wiring, platform };
        let entry = match wiring {
            Wiring::ClientOauth => client.plain_entry(&connection.id, &connection.url, &connection.headers),
            _ => (client.entry)(&spec),
        };
        entry.ok_or_else(|| {
            Error::new(Code::WiringUnsupported, format!("{} cannot be connected in this way.", client.name))
                .hint("Leave the choice to Patchbay.")
                .field("wiring")
        })
    }

    /// The program that an entry in this file names, and the system it is written for: in a Linux inside Windows the
    /// program is the one of Windows, as it is seen from there.
    pub(super) fn program_for(&self, file: &Path) -> (PathBuf, Platform) {
        let own = self.program();
        match client::seen_from_wsl(&own).filter(|_| client::is_in_wsl(file)) {
            Some(program) => (program, Platform::Linux),
            None => (own, self.inner.host.platform),
        }
    }

    /// The lines of a connection's entry in an app's file.
    pub(super) fn snippet(&self, id: &str, client: &str) -> Result<String> {
        let (state, client) = (self.state()?, client::find(client)?);
        let connection = state.connection(id)?;
        let placed = connection.placements.iter().find(|placement| placement.is_at(client.id, &Scope::User));
        let name = placed.map_or(&connection.id, |placement| &placement.entry);
        let wiring = wiring(connection, client, placed.map(|placement| placement.wiring));
        let token = placed.and_then(|placement| placement.credential.as_deref());
        // A sign-in since may be one that the app cannot send by itself.
        let wiring = check_bound(connection, token, client, wiring).map_or(Wiring::Bridge, |()| wiring);
        let value = self.entry_value(connection, client, wiring, &client.location(&self.host()).path)?;
        Ok(client::snippet(client, name, &value))
    }

    /// The entry of a program: as it stands in that app, else as it stands in another one.
    fn program_value(&self, connection: &Connection, client: &Client, file: &Path) -> Result<serde_json::Value> {
        let is_whole = |placement: &&Placement| placement.wiring == Wiring::Run && !is_marked(&placement.expected);
        let placed = || connection.placements.iter().filter(is_whole);
        if let Some(own) = placed().find(|placement| placement.client == client.id) {
            return Ok(own.expected.clone());
        }
        let ((program, platform), wiring) = (self.program_for(file), Wiring::Bridge);
        let spec = EntrySpec { connection: &connection.id, program: &program, url: &connection.url, wiring, platform };
        let parts = placed().find_map(|placement| run_parts(&placement.expected));
        let value = parts.and_then(|parts| run_value((client.entry)(&spec)?, &connection.id, &parts));
        value.ok_or_else(|| {
            Error::new(Code::ProgramUnknown, format!("Nobody knows how {} is started.", connection.name))
                .hint("Set it up in an app as before, then bring it in from there.")
        })
    }

    pub(super) fn plan_place(&self, id: &str, places: &[Place]) -> Result<PlanView> {
        let state = self.state()?;
        Ok(view(&self.placing(state.connection(id)?, places)?))
    }

    pub(super) fn place(&self, id: &str, places: &[Place], expected: &Expected) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let is_there = |place: &Place| connection.placements.iter().any(|own| own.is_at(&place.client, &place.scope));
        let only_out = places.iter().all(is_there);
        let kind = if only_out { ActivityKind::Disconnected } else { ActivityKind::Connected };
        let done = self.apply_placing(connection, || self.placing(connection, places), expected, kind);
        self.tell(Event::Changed);
        done
    }
}

/// Refuses a new place with another token than the one that the same app uses elsewhere: what an app starts cannot tell
/// for which of its folders it was started.
fn one_token_per_app(connection: &Connection, places: &[Place]) -> Result<()> {
    let token = |place: &Place| place.token.as_ref().or(connection.first_token().map(|first| &first.id)).cloned();
    let is_new = |place: &Place| {
        let own = connection.placements.iter().find(|own| own.is_at(&place.client, &place.scope));
        own.is_none_or(|own| own.credential != place.token)
    };
    let clashes = |place: &&Place| {
        is_new(place) && places.iter().any(|other| other.client == place.client && token(other) != token(place))
    };
    let Some(place) = places.iter().find(clashes) else { return Ok(()) };
    let name = client::find(&place.client)?.name;
    Err(Error::new(Code::ScopeUnsupported, format!("{name} uses another token of {} elsewhere.", connection.name))
        .hint("Use the same token there, or set up a connection of its own for this folder.")
        .field("app"))
}

/// A program is started by its apps in one way only.
fn wiring(connection: &Connection, client: &Client, wanted: Option<Wiring>) -> Wiring {
    if connection.is_program() { Wiring::Run } else { wanted.unwrap_or(client.wirings[0]) }
}

/// Refuses to have an app send by itself what only Patchbay can send.
fn check_bound(connection: &Connection, token: Option<&str>, client: &Client, wiring: Wiring) -> Result<()> {
    let named = |id| connection.credentials.iter().find(|own| own.id == id);
    let sign_in = token.map_or_else(|| connection.first_token(), named).and_then(|own| own.sign_in.as_ref());
    if wiring != Wiring::HeadersHelper || !sign_in.is_some_and(|sign_in| sign_in.bound) {
        return Ok(());
    }
    let said = "This service binds its sign-ins to a key that only Patchbay has";
    Err(Error::new(Code::WiringUnsupported, format!("{said}, so {} cannot use them by itself.", client.name))
        .hint("Have it go through Patchbay (--wiring bridge).")
        .field("app"))
}

pub(super) fn not_installed(client: &Client, path: &Path) -> Error {
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

/// Refuses when a change is not the one that was shown. A file that changed elsewhere makes no difference.
pub(super) fn check(changes: &[Change], expected: &Expected) -> Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    let differs = |change: &&Change| expected.get(&change.path.display().to_string()) != Some(&change.meaning());
    match changes.iter().find(differs) {
        Some(change) => Err(changed(&change.path)),
        None => Ok(()),
    }
}

fn is_same(a: &Place, b: &Place) -> bool {
    a.client == b.client && a.scope == b.scope
}

/// A plan to be shown.
pub(super) fn view(placing: &Placing) -> PlanView {
    view_changes(&placing.changes)
}

pub(super) fn view_changes(changes: &[Change]) -> PlanView {
    PlanView {
        files: changes.iter().map(file_view).collect(),
        expected: changes.iter().map(|change| (change.path.display().to_string(), change.meaning())).collect(),
        left: Vec::new(),
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
