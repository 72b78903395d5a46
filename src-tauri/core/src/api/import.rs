//! Bringing in what the apps have already: tokens to the keychain, entries to Patchbay, one connection for each group.
//!
//! The order is that of [`super::connect`]: the plan, then the tokens, the state, the files. A kill before the files
//! leaves them as they were, and a connection that the next try joins.

use super::connect::{new_id, resolve};
use super::fit::{self, Asked};
use super::found::{FoundLeft, FoundView, Import, view};
use super::look::{Seen, look, look_for};
use super::message::{Connected, PlanView, TokenFacts};
use super::place::{self, Expected, Move, Placing};
use super::view::ActivityKind;
use super::{Event, Patchbay};
use crate::catalog;
use crate::change::changed;
use crate::change::history::PlacementEffect;
use crate::client::{Scope, read_entry};
use crate::connection::state::State;
use crate::connection::{Connection, Credential, PROGRAM, Placement, Wiring};
use crate::error::{Code, Error, Result};
use crate::import::{Becomes, Found, Member, Stands, Token, find, with_carried, with_run};
use crate::secret::{Key, Secret, find_plaintext};

/// What bringing in comes to, before anything is touched.
struct Drafted {
    connection: Connection,
    /// Whether the connection is there already.
    joins: bool,
    /// The tokens to be saved.
    fresh: Vec<(Credential, Secret)>,
    /// The entries, each with the credential it will use.
    members: Vec<(Stands, Option<String>)>,
}

impl Patchbay {
    /// Everything in the apps' files that is not Patchbay's own, grouped by what it means.
    pub(super) fn found(&self) -> Result<Vec<FoundView>> {
        let state = self.state()?;
        let mut names = Vec::new();
        let view = |found: &Found| {
            let joins = joined(found, &state);
            let name = free(&found.name, &state, &names);
            names.push(name.clone());
            view(found, name, joins)
        };
        Ok(self.groups(&state).iter().map(view).collect())
    }

    pub(super) fn plan_import(&self, import: &Import) -> Result<PlanView> {
        let drafted = self.import_draft(import, &self.state()?)?;
        Ok(place::view(&self.import_plan(&drafted)?))
    }

    pub(super) async fn import(&self, import: &Import, expected: &Expected) -> Result<Connected> {
        // The first connection of all makes the state file, and with it the salt of all fingerprints.
        let state = self.inner.state.update(|state| Ok(state.clone()))?;
        let drafted = self.import_draft(import, &state)?;
        place::check(&self.import_plan(&drafted)?.changes, expected)?;
        if let Err(error) = self.import_saved(&drafted).await {
            if let Err(error) = self.settle_import().await {
                tracing::warn!("tokens of what was not brought in are still to be cleared: {error}");
            }
            return Err(error);
        }
        let plan = || self.import_plan(&drafted);
        let done = self.apply_placing(&drafted.connection, plan, expected, ActivityKind::Imported);
        if done.is_err() {
            self.forget_import(&drafted).await?;
        }
        self.tell(Event::Changed);
        done
    }

    fn groups(&self, state: &State) -> Vec<Found> {
        let seen = look(&self.host());
        let stands = seen.iter().flat_map(|seen| foreign(seen, state)).collect::<Vec<_>>();
        find(&stands)
    }

    /// Finds the group again and says what it becomes.
    fn import_draft(&self, import: &Import, state: &State) -> Result<Drafted> {
        let found = self.groups(state).into_iter().find(|found| found.id == import.id).ok_or_else(gone)?;
        if let Some(blocked) = found.blocked {
            let why = serde_json::to_value(blocked).unwrap_or_default();
            let why = why.as_str().unwrap_or_default().replace('_', " ");
            return Err(Error::new(Code::ImportImpossible, format!("{} cannot be brought in: {why}.", found.name))
                .hint("It stays as it is."));
        }
        let joins = joined(&found, state);
        let mut connection = match joins {
            Some(known) => known.clone(),
            None => self.import_connection(&found, import, state)?,
        };
        let mut fresh = Vec::new();
        let mut ids = Vec::new();
        for held in &found.tokens {
            let (credential, secret) = self.import_token(&connection, held, state)?;
            let known = connection.credentials.iter().find(|own| is_same_token(own, &credential));
            if let Some(known) = known {
                ids.push(known.id.clone());
            } else {
                ids.push(credential.id.clone());
                connection.add(credential.clone());
                fresh.push((credential, secret));
            }
        }
        let first = connection.first_token().map(|credential| credential.id.clone());
        let own = |member: &Member| {
            let id = member.token.and_then(|token| ids.get(token).cloned());
            id.filter(|id| Some(id) != first.as_ref())
        };
        let members = found.members.iter().filter(|member| member.stands.left.is_none());
        let members = members.map(|member| (member.stands.clone(), own(member))).collect();
        Ok(Drafted { joins: joins.is_some(), connection, fresh, members })
    }

    fn import_connection(&self, found: &Found, import: &Import, state: &State) -> Result<Connection> {
        let name = import.name.clone().unwrap_or_else(|| free(&found.name, state, &[]));
        let id = new_id(&name, state, None)?;
        let blank = Connection {
            url: format!("{PROGRAM}:{id}"),
            id,
            name: name.trim().to_owned(),
            provider: PROGRAM.to_owned(),
            settings: std::collections::BTreeMap::new(),
            auth: crate::connection::AuthHeader::default(),
            headers: Vec::new(),
            credentials: Vec::new(),
            token_lost: false,
            signed_out: false,
            signed_out_of: None,
            network: None,
            placements: Vec::new(),
            created: self.host().now,
        };
        let Becomes::Service(service) = &found.becomes else { return Ok(blank) };
        let mut settings = service.offer.settings.clone();
        settings.extend(import.settings.clone());
        let resolved = resolve(service.provider, &settings)?;
        Ok(Connection {
            provider: service.provider.id.clone(),
            settings: resolved.settings,
            url: resolved.url,
            auth: resolved.auth,
            headers: resolved.headers,
            ..blank
        })
    }

    fn import_token(&self, connection: &Connection, held: &Token, state: &State) -> Result<(Credential, Secret)> {
        let provider = catalog::find(&connection.provider)?;
        let (name, raw) = (held.name.as_str(), held.secret());
        let carrier = connection.auth.beside_named(name).filter(|_| held.beside);
        let header = carrier.map(|carrier| carrier.name.as_str());
        let asked = Asked { provider, connection: None, header, expires: Some(fit::UNKNOWN_END), overrule: true };
        // It is in use already, so neither its shape nor another connection's use of it is in the way.
        let fit = if connection.is_program() {
            fit::Fit { secret: raw.clone(), expires: None }
        } else {
            fit::fit(&asked, state, &raw, &self.host())?
        };
        let label = match header {
            _ if connection.is_program() => name.to_owned(),
            Some(_) => provider.secret_label(&connection.auth, header),
            None => format!("{} MCP", connection.name),
        };
        let facts = TokenFacts::default();
        let mut credential = fit::credential(&facts, &fit, label, connection.way(), state, self.host().now)?;
        credential.variable = connection.is_program().then(|| name.to_owned());
        credential.header = header.map(str::to_owned);
        Ok((credential, fit.secret))
    }

    /// Saves tokens and connection. The tokens' places are noted first, so that a kill leaves none that nothing names.
    async fn import_saved(&self, drafted: &Drafted) -> Result<()> {
        let _turn = self.token_turn()?;
        let keys: Vec<_> = drafted.fresh.iter().map(|(credential, _)| credential.key().as_str().to_owned()).collect();
        self.inner.state.update(|state| {
            state.importing.extend(keys);
            Ok(())
        })?;
        for (credential, secret) in &drafted.fresh {
            self.secrets().write(&credential.key(), secret).await?;
        }
        self.import_state(drafted)
    }

    /// Clears the tokens of an import that was cut off before its connection was saved.
    pub(super) async fn settle_import(&self) -> Result<()> {
        if self.state()?.importing.is_empty() {
            return Ok(());
        }
        // One that another process is in the middle of was not cut off.
        let _turn = self.token_turn()?;
        let state = self.state()?;
        let owned = state.keys();
        for key in state.importing.iter().map(|name| Key::named(name)).filter(|key| !owned.contains(key)) {
            self.secrets().delete(&key).await?;
        }
        self.inner.state.update(|now| {
            now.importing.retain(|name| !state.importing.contains(name));
            Ok(())
        })
    }

    fn import_state(&self, drafted: &Drafted) -> Result<()> {
        let keys: Vec<_> = drafted.fresh.iter().map(|(credential, _)| credential.key()).collect();
        self.inner.state.update(|state| {
            state.importing.retain(|name| !keys.contains(&Key::named(name)));
            if drafted.joins {
                let fresh = drafted.fresh.iter().map(|(credential, _)| credential.clone());
                let connection = state.connection_mut(&drafted.connection.id)?;
                fresh.for_each(|credential| connection.add(credential));
                state.checks.remove(&drafted.connection.id);
            } else {
                new_id(&drafted.connection.name, state, None)?;
                state.connections.push(drafted.connection.clone());
            }
            Ok(())
        })
    }

    /// Takes back what was saved for entries that could not be changed.
    async fn forget_import(&self, drafted: &Drafted) -> Result<()> {
        if !drafted.joins {
            return self.forget(&drafted.connection).await;
        }
        let keys: Vec<_> = drafted.fresh.iter().map(|(credential, _)| credential.key()).collect();
        self.delete_tokens(&keys).await?;
        self.inner.state.update(|state| {
            let is_fresh = |own: &Credential| drafted.fresh.iter().any(|(fresh, _)| fresh.id == own.id);
            state.connection_mut(&drafted.connection.id)?.credentials.retain(|own| !is_fresh(own));
            Ok(())
        })
    }

    /// Plans the entries' changes; refuses where one is not what it was any more.
    fn import_plan(&self, drafted: &Drafted) -> Result<Placing> {
        let moves =
            drafted.members.iter().map(|(stands, token)| self.import_move(&drafted.connection, stands, token.as_ref()));
        self.planned(moves.collect::<Result<_>>()?)
    }

    fn import_move(&self, connection: &Connection, stands: &Stands, token: Option<&String>) -> Result<Move> {
        let (client, source) = (stands.client, stands.source.clone());
        let wiring = if connection.is_program() { Wiring::Run } else { client.wirings[0] };
        let expected = if connection.is_program() {
            let variables: Vec<_> = connection.credentials.iter().filter_map(|own| own.variable.clone()).collect();
            with_run(&stands.value, &self.program_for(&source.path).0, &connection.id, &variables)
        } else {
            with_carried(self.entry_value(connection, client, wiring, &source.path)?, &stands.value)
        };
        if !find_plaintext(&expected).is_empty() {
            return Err(Error::new(Code::ImportImpossible, "A token would stay in the file.")
                .at(&source.path)
                .hint("It stays as it is."));
        }
        let after = Placement {
            client: client.id.to_owned(),
            scope: source.scope.clone(),
            entry: stands.entry.clone(),
            path: Some(source.path.clone()),
            wiring,
            credential: token.cloned(),
            expected,
            copies: Vec::new(),
            kept: false,
            written: self.host().now,
        };
        if look_for(&after, &self.host())?.entry(&stands.entry)?.as_ref() != Some(&stands.value) {
            return Err(changed(&source.path));
        }
        Ok(Move { client, source, effect: PlacementEffect::new(None, Some(after)) })
    }
}

fn gone() -> Error {
    Error::new(Code::FileChanged, "This is not in the apps' files any more, or not as it was.").hint("Look again.")
}

fn is_same_token(a: &Credential, b: &Credential) -> bool {
    a.fingerprint == b.fingerprint && a.variable == b.variable && a.header == b.header
}

/// The entries of a table that are not Patchbay's.
fn foreign(seen: &Seen, state: &State) -> Vec<Stands> {
    let refused = seen.refused().is_some();
    let is_placed = |name: &str| {
        let is_here = |place: &Placement| place.is_at(seen.client.id, &seen.source.scope) && place.entry == name;
        state.connections.iter().any(|connection| connection.placements.iter().any(is_here))
    };
    let free = seen.all().iter().filter(|(name, value)| !is_placed(name) && read_entry(name, value).ours.is_none());
    free.map(|(name, value)| {
        let left = match seen.source.scope {
            Scope::Managed => Some(FoundLeft::Managed),
            Scope::Project(_) => Some(FoundLeft::SharedFile),
            _ => refused.then_some(FoundLeft::AppRefuses),
        };
        Stands { client: seen.client, source: seen.source.clone(), entry: name.clone(), value: value.clone(), left }
    })
    .collect()
}

/// The connection that leads to the same place already, is not where these entries stand, and has no other token for
/// one of their apps.
fn joined<'a>(found: &Found, state: &'a State) -> Option<&'a Connection> {
    let is_in = |connection: &Connection, member: &Member| {
        let stands = &member.stands;
        let mut own = connection.placements.iter().filter(|place| place.client == stands.client.id);
        own.any(|place| place.scope == stands.source.scope || has_other(found, member, connection, place, state))
    };
    let fits = |connection: &&Connection| match &found.becomes {
        Becomes::Service(service) => {
            let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
            trimmed(&connection.url) == trimmed(&service.url)
                && service.auth.as_ref().is_none_or(|auth| auth.is_same(&connection.auth))
                && found.tokens.iter().filter(|token| token.beside).all(|token| shares(connection, token, state))
                && service.headers == connection.headers
        }
        Becomes::Program(_) => {
            let fingerprints =
                found.tokens.iter().map(|token| (Some(&token.name), token.secret().fingerprint(&state.salt)));
            let own = connection.credentials.iter();
            connection.is_program()
                && !found.tokens.is_empty()
                && fingerprints.eq(own.map(|own| (own.variable.as_ref(), own.fingerprint.clone())))
        }
        Becomes::Unclear => false,
    };
    let mut known = state.connections.iter().filter(fits);
    known.find(|connection| {
        !found.members.iter().filter(|member| member.stands.left.is_none()).any(|member| is_in(connection, member))
    })
}

/// Whether a member's token is another than the one that its app uses already. A program has all its tokens everywhere.
fn has_other(found: &Found, member: &Member, connection: &Connection, place: &Placement, state: &State) -> bool {
    let own = connection.credential_for(Some(place)).map(|own| own.fingerprint.clone());
    let held = member.token.map(|at| crate::token::clean(found.tokens[at].secret().expose()).secret);
    !connection.is_program() && held.map(|held| held.fingerprint(&state.salt)) != own
}

/// Whether a connection has this secret for its header: all its tokens share it.
fn shares(connection: &Connection, held: &Token, state: &State) -> bool {
    let fingerprint = crate::token::clean(held.secret().expose()).secret.fingerprint(&state.salt);
    connection.secret_of(&held.name).is_some_and(|own| own.fingerprint == fingerprint)
}

/// A name that no connection has, nor another one in the list.
fn free(base: &str, state: &State, names: &[String]) -> String {
    let base =
        if new_id(base, &State { connections: Vec::new(), ..state.clone() }, None).is_ok() { base } else { "Service" };
    let is_free = |name: &String| {
        new_id(name, state, None).is_ok() && !names.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let counted = (2..1000).map(|n| format!("{base} {n}"));
    std::iter::once(base.to_owned()).chain(counted).find(is_free).unwrap_or_else(|| base.to_owned())
}
