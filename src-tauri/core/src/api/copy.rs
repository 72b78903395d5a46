//! The same set in another app: the connections of one app, or all, placed in another one too.

use super::found::Copied;
use super::message::{Place, PlanView};
use super::place::{self, Expected, Placing};
use super::{Patchbay, look::look_at_scope};
use crate::client::{self, Scope};
use crate::connection::Connection;
use crate::error::Result;

impl Patchbay {
    pub(super) fn plan_copy(&self, from: Option<&str>, to: &str) -> Result<PlanView> {
        Ok(place::view(&self.copying(&self.copied(from, to)?)?))
    }

    /// Places each connection by itself, so that each can be undone by itself.
    pub(super) fn copy(&self, from: Option<&str>, to: &str, expected: &Expected) -> Result<Copied> {
        let copied = self.copied(from, to)?;
        place::check(&self.copying(&copied)?.changes, expected)?;
        let done = copied.iter().map(|(connection, places)| self.place(&connection.id, places, &None));
        Ok(Copied { done: done.collect::<Result<_>>()? })
    }

    /// The connections that come to an app, each with all its places from then on.
    fn copied(&self, from: Option<&str>, to: &str) -> Result<Vec<(Connection, Vec<Place>)>> {
        let to = client::find(to)?;
        from.map(client::find).transpose()?;
        look_at_scope(to, &Scope::User, &self.host())?;
        let connections = self.state()?.connections;
        let missing =
            connections.into_iter().filter(|one| !one.placements.iter().any(|own| own.is_at(to.id, &Scope::User)));
        let there = missing.filter_map(|connection| {
            let own = |place: &&crate::connection::Placement| from.is_none_or(|from| place.client == from);
            let token = match connection.placements.iter().find(own) {
                Some(place) => place.credential.clone(),
                None if from.is_none() && !connection.is_program() => None,
                None => return None,
            };
            let more = Place { client: to.id.to_owned(), scope: Scope::User, wiring: None, token, create: false };
            let places = place::of(&connection).into_iter().chain([more]).collect();
            Some((connection, places))
        });
        Ok(there.collect())
    }

    /// All of it in one plan, which reads the app's file once.
    fn copying(&self, copied: &[(Connection, Vec<Place>)]) -> Result<Placing> {
        let mut moves = Vec::new();
        for (connection, places) in copied {
            let own = self.moves(connection, connection, places)?;
            moves.extend(own.into_iter().filter(|moved| moved.effect.before.is_none()));
        }
        self.planned(moves)
    }
}
