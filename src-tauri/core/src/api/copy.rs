//! The same set in another app: the connections of one app, all, or those that are named, placed in another one too.
//! What cannot come there is told, and keeps no other from coming.

use super::found::{Copied, LeftOut};
use super::message::{Place, PlanView};
use super::place::{self, Expected, Placing};
use super::{Patchbay, look::look_at_scope};
use crate::client::{self, Client, Scope};
use crate::connection::{Connection, Placement};
use crate::error::{Code, Error, Result};

/// Which connections are to come to which app.
pub(super) struct Wanted<'a> {
    /// The app that has them; none: whichever.
    pub(super) from: Option<&'a str>,
    /// Their ids; empty: all.
    pub(super) ids: &'a [String],
    pub(super) to: &'a str,
}

/// The connections that come, each with all its places from then on, and those that cannot.
struct Sorted {
    coming: Vec<(Connection, Vec<Place>)>,
    left: Vec<LeftOut>,
}

impl Patchbay {
    pub(super) fn plan_copy(&self, wanted: &Wanted<'_>) -> Result<PlanView> {
        let Sorted { coming, left } = self.sorted(wanted)?;
        Ok(PlanView { left, ..place::view(&self.copying(&coming)?) })
    }

    /// Places each connection by itself, so that each can be undone by itself.
    pub(super) fn copy(&self, wanted: &Wanted<'_>, expected: &Expected) -> Result<Copied> {
        let Sorted { coming, left } = self.sorted(wanted)?;
        place::check(&self.copying(&coming)?.changes, expected)?;
        let mut copied = Copied { done: Vec::new(), left };
        for (connection, places) in &coming {
            match self.place(&connection.id, places, &None) {
                Ok(done) => copied.done.push(done),
                Err(error) => copied.left.push(left_out(connection, error)),
            }
        }
        Ok(copied)
    }

    /// Tries each connection by itself. What is wrong with the app itself is in the way of all.
    fn sorted(&self, wanted: &Wanted<'_>) -> Result<Sorted> {
        let to = client::find(wanted.to)?;
        wanted.from.map(client::find).transpose()?;
        let seen = look_at_scope(to, &Scope::User, &self.host())?;
        if !seen.location.installed {
            return Err(place::not_installed(to, &seen.location.path));
        }
        seen.refused().map_or(Ok(()), Err)?;
        seen.entries?;
        let state = self.state()?;
        wanted.ids.iter().try_for_each(|id| state.connection(id).map(drop))?;
        let mut sorted = Sorted { coming: Vec::new(), left: Vec::new() };
        for connection in state.connections {
            match self.coming(&connection, wanted, to) {
                Ok(Some(places)) => sorted.coming.push((connection, places)),
                Ok(None) => {}
                Err(error) => sorted.left.push(left_out(&connection, error)),
            }
        }
        Ok(sorted)
    }

    /// All its places from then on; none where it is there already, or is not meant.
    fn coming(&self, connection: &Connection, wanted: &Wanted<'_>, to: &Client) -> Result<Option<Vec<Place>>> {
        let named = wanted.ids.contains(&connection.id);
        let is_there = connection.placements.iter().any(|own| own.is_at(to.id, &Scope::User));
        if is_there || !(named || wanted.ids.is_empty()) {
            return Ok(None);
        }
        let is_meant = |place: &&Placement| wanted.from.is_none_or(|from| place.client == from);
        let own: Vec<_> = connection.placements.iter().filter(is_meant).collect();
        let first = own.first().filter(|_| named);
        let token = match own.iter().find(|place| place.scope.is_user()).or(first) {
            Some(place) => place.credential.clone(),
            None if !own.is_empty() => return Err(in_a_folder(connection)),
            None if wanted.from.is_some() || connection.is_program() && !named => return Ok(None),
            None => None,
        };
        let more = Place { client: to.id.to_owned(), scope: Scope::User, wiring: None, token, create: false };
        let places: Vec<_> = place::of(connection).into_iter().chain([more]).collect();
        self.placing(connection, &places)?;
        Ok(Some(places))
    }

    /// All of it in one plan, which reads the app's file once.
    fn copying(&self, coming: &[(Connection, Vec<Place>)]) -> Result<Placing> {
        let mut moves = Vec::new();
        for (connection, places) in coming {
            let own = self.moves(connection, connection, places)?;
            moves.extend(own.into_iter().filter(|moved| moved.effect.before.is_none()));
        }
        self.planned(moves)
    }
}

fn left_out(connection: &Connection, error: Error) -> LeftOut {
    LeftOut { id: connection.id.clone(), name: connection.name.clone(), error }
}

/// What counts in one folder would count everywhere.
fn in_a_folder(connection: &Connection) -> Error {
    Error::new(Code::ScopeUnsupported, format!("{} is used in a folder only.", connection.name))
        .hint(format!("To use it everywhere, name it: patchbay copy {} --to CLIENT", connection.id))
}
