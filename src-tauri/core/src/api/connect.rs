//! Setting up and editing a connection.

use std::collections::BTreeMap;

use super::fit::{self, Asked};
use super::given::{all_there, fit_parts};
use super::message::{Connect, Connected, Form, PlanView, TokenFacts};
use super::place::{self, Expected};
use super::sign_in::by_token_only;
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::catalog::{self, Provider, Resolved};
use crate::change::history::Edited;
use crate::client::is_safe_name;
use crate::connection::Connection;
use crate::connection::state::State;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::secret::Secret;
use crate::token::{field_of, suggest_end};

impl Patchbay {
    /// What a service's form amounts to: for fields' messages while somebody types.
    pub(super) fn resolve_form(
        &self,
        provider: &str,
        settings: &BTreeMap<String, String>,
        name: Option<&str>,
        expires: Option<&str>,
        link: (&[String], Option<&str>),
    ) -> Result<Form> {
        let (provider, state, host) = (catalog::find(provider)?, self.state()?, self.host());
        let mut errors = Vec::new();
        let resolved = provider.resolve(settings).map_err(|found| errors.extend(found)).ok();
        let id = name.and_then(|name| new_id(name, &state, None).map_err(|error| errors.push(error)).ok());
        if let Some(error) = expires.and_then(|text| fit::end(text, provider, &host).err()) {
            errors.push(error);
        }
        let resolved = resolved.map(|resolved| resolved.with_link(provider, link.0, link.1));
        let (suggested_expires, latest_expires) = suggest_end(&provider.lifetime, &host);
        Ok(Form {
            resolved,
            errors,
            id,
            suggested_name: free_name(provider, &state),
            suggested_expires,
            latest_expires,
            redirect: crate::oauth::usual_redirect(),
        })
    }

    /// A token that is given is looked at as connecting would; nothing is kept of it.
    pub(super) fn plan_connect(&self, connect: &Connect, secret: Option<&Secret>) -> Result<PlanView> {
        let state = self.state()?;
        let (connection, provider) = self.draft(connect, &state)?;
        if let Some(secret) = secret {
            let parts = fit_parts(&asked(connect, provider), &connection.auth, &state, secret, &self.host())?;
            all_there(provider, &connection, &parts)?;
        }
        let placing = self.placing(&connection, &connect.places)?;
        Ok(place::view(&placing))
    }

    pub(super) async fn connect(
        &self,
        connect: &Connect,
        secret: Option<Secret>,
        expected: Expected,
    ) -> Result<Connected> {
        let state = self.state()?;
        let (mut connection, provider) = self.draft(connect, &state)?;
        // Planned once ahead of everything else, so that a file that cannot be edited stops it before a token is saved.
        place::check(&self.placing(&connection, &connect.places)?.changes, &expected)?;
        let facts = connect.token.clone().unwrap_or_default();
        if let Some(text) = facts.expires.as_deref().filter(|text| *text != fit::UNKNOWN_END) {
            fit::end(text, provider, &self.host())?;
        }
        if let Some(secret) = &secret {
            let parts = fit_parts(&asked(connect, provider), &connection.auth, &state, secret, &self.host())?;
            all_there(provider, &connection, &parts)?;
            // The first connection of all makes the state file, and with it the salt of all fingerprints.
            let state = self.inner.state.update(|state| Ok(state.clone()))?;
            let saved = self.save_parts(provider, &connection, &facts, &parts, &state).await?;
            for credential in saved {
                connection.add(credential);
            }
        }
        self.set_up(&connection, connect, &expected).await
    }

    /// Saves a connection whose tokens are in the keychain, and places it; where that fails nothing of it is left.
    pub(super) async fn set_up(
        &self,
        connection: &Connection,
        connect: &Connect,
        expected: &Expected,
    ) -> Result<Connected> {
        let made = connection.clone();
        self.inner.state.update(|state| {
            new_id(&made.name, state, None)?;
            state.connections.push(made);
            Ok(())
        })?;
        let plan = || self.placing(connection, &connect.places);
        let done = self.apply_placing(connection, plan, expected, ActivityKind::Connected);
        if done.is_err() {
            self.sign_out_of_all(connection).await;
            self.forget(connection).await?;
        }
        self.tell(Event::Changed);
        done
    }

    /// One more token of a connection, or its first.
    pub(super) async fn save_token(
        &self,
        id: &str,
        facts: &TokenFacts,
        clients: &[String],
        secret: &Secret,
    ) -> Result<Connected> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        if connection.is_program() {
            return Err(token::one_for_all());
        }
        let provider = catalog::find(&connection.provider)?;
        let asked =
            Asked { provider, connection: None, header: None, expires: facts.expires.as_deref(), overrule: false };
        let parts = fit_parts(&asked, &connection.auth, &state, secret, &self.host())?;
        all_there(provider, connection, &parts)?;
        if let Some(known) = parts.iter().find_map(|part| connection.secret_of(part.header.as_deref()?)) {
            return Err(Error::new(Code::Usage, format!("{} has this already: {}.", connection.name, known.label))
                .hint("All its tokens share it. Renew it to have another one.")
                .field(field_of(known.header.as_deref())));
        }
        let saved = self.save_parts(provider, connection, facts, &parts, &state).await?;
        self.inner.state.update(|state| {
            let connection = state.connection_mut(id)?;
            for credential in saved {
                let is_token = credential.header.is_none();
                for placement in connection.placements.iter_mut().filter(|_| is_token) {
                    if clients.contains(&placement.client) {
                        placement.credential = Some(credential.id.clone());
                    }
                }
                connection.add(credential);
            }
            connection.token_lost = false;
            state.checks.remove(id);
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(Connected {
            id: id.to_owned(),
            change: None,
            restart: Vec::new(),
            kept_in: Vec::new(),
            token_missing: false,
            signed_out: None,
        })
    }

    /// The connection that a request describes, not yet saved.
    pub(super) fn draft(&self, connect: &Connect, state: &State) -> Result<(Connection, &'static Provider)> {
        let provider = catalog::find(&connect.provider)?;
        let id = new_id(&connect.name, state, None)?;
        let resolved = resolve(provider, &connect.settings)?;
        let connection = Connection {
            id,
            name: connect.name.trim().to_owned(),
            provider: provider.id.clone(),
            settings: resolved.settings,
            url: resolved.url,
            auth: resolved.auth,
            headers: resolved.headers,
            credentials: Vec::new(),
            token_lost: false,
            signed_out: false,
            signed_out_of: None,
            network: None,
            placements: Vec::new(),
            created: self.host().now,
        };
        Ok((connection, provider))
    }

    pub(super) fn edit(&self, id: &str, name: &str, settings: &BTreeMap<String, String>) -> Result<Connected> {
        let state = self.state()?;
        let mut connection = state.connection(id)?.clone();
        let provider = catalog::find(&connection.provider)?;
        new_id(name, &state, Some(id))?;
        let (saved, places) = (connection.clone(), place::of(&connection));
        name.trim().clone_into(&mut connection.name);
        // A program has nothing but its name.
        if !connection.is_program() {
            let resolved = resolve(provider, settings)?;
            connection.settings = resolved.settings;
            connection.url = resolved.url;
            connection.auth = resolved.auth;
            connection.headers = resolved.headers;
            if connection.credentials.iter().any(|credential| credential.sign_in.is_some()) {
                by_token_only(&connection)?;
            }
        }
        let plan = || {
            let mut moves = self.moves(&connection, &saved, &places)?;
            moves.retain(|moved| !moved.changes_nothing());
            self.planned(moves)
        };
        let edited = Edited { before: saved.facts(), after: connection.facts() };
        let edited = (edited.before != edited.after).then_some(edited);
        let done = self.apply_edited(&connection, plan, &None, ActivityKind::Edited, edited.as_ref());
        self.tell(Event::Changed);
        done
    }
}

/// What the secrets are for that come with a new connection.
fn asked<'a>(connect: &'a Connect, provider: &'a Provider) -> Asked<'a> {
    let expires = connect.token.as_ref().and_then(|facts| facts.expires.as_deref());
    Asked { provider, connection: None, header: None, expires, overrule: connect.overrule }
}

pub(super) fn resolve(provider: &Provider, settings: &BTreeMap<String, String>) -> Result<Resolved> {
    provider.resolve(settings).map_err(|errors| {
        errors.into_iter().next().unwrap_or_else(|| Error::new(Code::SettingInvalid, "The answers do not suffice."))
    })
}

/// The id for a name: a slug that no other connection has.
///
/// # Errors
/// `NameInvalid`, `NameTaken`.
pub(super) fn new_id(name: &str, state: &State, own: Option<&str>) -> Result<String> {
    let id = slug(name);
    if !is_safe_name(&id) || id == "workspace" || name.chars().any(char::is_control) {
        return Err(Error::new(Code::NameInvalid, "This name cannot be used.")
            .hint("Use a short name of one line, with some letters or digits.")
            .field("name"));
    }
    let same_name =
        |other: &&Connection| other.name.eq_ignore_ascii_case(name.trim()) || (own.is_none() && other.id == id);
    let taken = state.connections.iter().filter(|other| Some(other.id.as_str()) != own).find(same_name);
    match taken {
        Some(_) => Err(Error::new(Code::NameTaken, format!("There is already a connection \"{}\".", name.trim()))
            .hint("Choose another name.")
            .field("name")),
        None => Ok(id),
    }
}

/// The longest id, in characters.
const LONGEST_ID: usize = 48;

/// Small ASCII letters, digits and single hyphens, at most [`LONGEST_ID`]; other scripts are written in Latin letters.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in deunicode::deunicode(name.trim()).chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.len() > LONGEST_ID {
        // Between two words where that leaves enough.
        let end = slug[..=LONGEST_ID].rfind('-').filter(|end| *end > LONGEST_ID / 2);
        slug.truncate(end.unwrap_or(LONGEST_ID));
    }
    slug.trim_end_matches('-').to_owned()
}

fn free_name(provider: &Provider, state: &State) -> String {
    let base = provider.name.clone();
    std::iter::once(base.clone())
        .chain((2..1000).map(|n| format!("{base} {n}")))
        .find(|name| new_id(name, state, None).is_ok())
        .unwrap_or(base)
}

/// Whether an entry's name is taken in a file by somebody else.
pub(super) fn taken(name: &str, app: &str) -> Error {
    Error::new(Code::NameTaken, format!("{app} already has an entry \"{name}\" that Patchbay did not write."))
        .hint("Choose another name.")
        .field("name")
}

/// Whether a file is where it was, to be named in plans.
pub(super) fn exists(path: &std::path::Path) -> bool {
    file::read(path).is_ok_and(|state| state.bytes.is_some())
}
