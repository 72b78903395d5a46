//! Looks at the apps' files: one [`Seen`] for each table of entries that an app reads. No caches.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use crate::change::{parse, refused};
use crate::client::{self, CLIENTS, Client, Location, Scope, Source};
use crate::connection::Placement;
use crate::document::Document;
use crate::drift::Table;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::host::Host;

/// Entries in their order in the file.
pub(super) type Entries = Vec<(String, Value)>;

/// One table of entries, read once per snapshot.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) client: &'static Client,
    pub(super) location: Location,
    pub(super) source: Source,
    /// Nothing where there is no file.
    pub(super) entries: Result<Option<Entries>>,
}

/// Reads everything that the apps read: of each app the user's own table first, then the other scopes'.
pub(super) fn look(host: &Host) -> Vec<Seen> {
    CLIENTS.iter().flat_map(|client| look_all(client, host)).collect()
}

/// Every table of one app.
pub(super) fn look_all(client: &'static Client, host: &Host) -> Vec<Seen> {
    let location = client.location(host);
    let own = client.own_source(&location);
    let document = open(client, &own.path);
    let further = match (&client.scopes, &document) {
        (Some(scopes), Ok(Some(document))) => (scopes.known)(host, document),
        _ => Vec::new(),
    };
    let further = further.iter().filter_map(|scope| client.source(host, scope, &location).ok());
    let sources: Vec<Source> = std::iter::once(own.clone()).chain(further).collect();
    let see = |source: Source| {
        let entries = if source.path == own.path {
            entries(&document, &source)
        } else {
            entries(&open(client, &source.path), &source)
        };
        Seen { client, location: location.clone(), source, entries }
    };
    sources.into_iter().map(see).collect()
}

/// The table of one scope of an app.
///
/// # Errors
/// `ScopeUnsupported`.
pub(super) fn look_at_scope(client: &'static Client, scope: &Scope, host: &Host) -> Result<Seen> {
    let location = client.location(host);
    let source = client.source(host, scope, &location)?;
    Ok(look_in(client, location, source))
}

/// The table that a placement was written to.
///
/// # Errors
/// `UnknownApp`, `ScopeUnsupported`.
pub(super) fn look_for(placement: &Placement, host: &Host) -> Result<Seen> {
    let client = client::find(&placement.client)?;
    let mut location = client.location(host);
    let mut source = client.source(host, &placement.scope, &location)?;
    if let Some(path) = &placement.path {
        source.path.clone_from(path);
        if placement.scope.is_user() {
            location.path.clone_from(path);
        }
    }
    Ok(look_in(client, location, source))
}

/// The table that a placement was written to, read already where it is one that its app reads now.
pub(super) fn seen_of<'a>(seen: &'a [Seen], placement: &Placement, host: &Host) -> Option<Cow<'a, Seen>> {
    let is_same = |seen: &&Seen| {
        placement.is_at(seen.client.id, &seen.source.scope)
            && placement.path.as_ref().is_none_or(|path| *path == seen.source.path)
    };
    match seen.iter().find(is_same) {
        Some(seen) => Some(Cow::Borrowed(seen)),
        None => look_for(placement, host).ok().map(Cow::Owned),
    }
}

pub(super) fn look_in(client: &'static Client, location: Location, source: Source) -> Seen {
    let entries = entries(&open(client, &source.path), &source);
    Seen { client, location, source, entries }
}

fn open(client: &Client, path: &Path) -> Result<Option<Document>> {
    let bytes = file::read(path)?.bytes;
    bytes.map(|bytes| parse(client, path, &bytes)).transpose()
}

fn entries(document: &Result<Option<Document>>, source: &Source) -> Result<Option<Entries>> {
    let Some(document) = document.as_ref().map_err(Clone::clone)? else { return Ok(None) };
    document.entries(&source.keys()).map(Some).map_err(|error| refused(&source.path, &error))
}

impl Seen {
    /// The entries, none where the file is absent or cannot be read.
    pub(super) fn all(&self) -> &[(String, Value)] {
        self.entries.as_ref().ok().and_then(Option::as_deref).unwrap_or_default()
    }

    /// The value of an entry; of two of one name the last counts.
    ///
    /// # Errors
    /// The file cannot be read or parsed.
    pub(super) fn entry(&self, name: &str) -> Result<Option<Value>> {
        let entries = self.entries.as_ref().map_err(Clone::clone)?.as_deref().unwrap_or_default();
        Ok(entries.iter().rev().find(|(entry, _)| entry == name).map(|(_, value)| value.clone()))
    }

    /// The entry for which the app refuses its whole file.
    pub(super) fn refused(&self) -> Option<Error> {
        if !self.client.all_or_nothing {
            return None;
        }
        let (name, why) = self.all().iter().find_map(|(name, value)| Some((name, (self.client.refuses)(value)?)))?;
        let (app, path) = (self.client.name, &self.source.path);
        let text = format!("{app} does not read its file because of the entry \"{name}\": {why}");
        Some(Error::new(Code::AppRefuses, text).at(path).hint("Mend or remove that entry, then try again."))
    }

    /// The same for a comparison.
    pub(super) fn table(&self) -> Table<'_> {
        Table { source: &self.source, entries: self.entries.as_ref().map(|entries| entries.as_deref()) }
    }
}
