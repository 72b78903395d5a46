//! Drift: what differs from what was written; and watching for it.
//!
//! [`drift`] is a pure function over one placement and everything that its app reads. What it finds names the entries
//! that are meant, so that what is said and what *Put back* and *Keep* then do are about the same ones.

mod difference;
pub mod memory;
pub mod slow;
pub mod watch;
mod words;

use std::path::Path;

use serde_json::Value;

use crate::api::view::{DriftKind, DriftView, FieldView};
use crate::client::{Client, Scope, Source, read_entry};
use crate::connection::{Connection, Placement};
use crate::error::{Code, Error};
use crate::secret::masked;

/// What an app's file shows of its entries; `Ok(None)` where there is no file.
pub type Seen<'a> = Result<Option<&'a [(String, Value)]>, &'a Error>;

/// One table of entries, as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// Where it stands.
    pub source: &'a Source,
    /// What it shows.
    pub entries: Seen<'a>,
}

/// Everything that bears on one placement.
pub struct Sight<'a> {
    /// The table that it was written to.
    pub own: Table<'a>,
    /// The table that its app reads in place of that one now, where it is in another file.
    pub instead: Option<Table<'a>>,
    /// What else its app reads, where this connection is not placed.
    pub others: Vec<Table<'a>>,
    /// Whether an entry is accounted for: another placement's as it is expected, or there since before.
    pub is_claimed: &'a dyn Fn(&Source, &str, &Value) -> bool,
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The table.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// In a word.
    pub kind: DriftKind,
    /// What differs within the entry, masked.
    pub fields: Vec<FieldView>,
    /// The entry as it stands now, under this name or another, here or elsewhere; or its copies.
    pub now: Vec<Standing>,
    /// The table that the app reads, where it is not the one that was written to.
    pub instead: Option<Source>,
    /// Why the file cannot be read.
    pub error: Option<Error>,
}

/// Compares a placement with what its app reads.
pub fn drift(connection: &Connection, placement: &Placement, client: &Client, sight: &Sight<'_>) -> Option<Drift> {
    let look = Look { connection, placement, client, sight };
    if let Some(instead) = &sight.instead {
        return Some(look.file_moved(instead));
    }
    let entries = match sight.own.entries {
        Ok(entries) => entries,
        Err(error) => return Some(unreadable(error)),
    };
    match last(entries.unwrap_or_default(), &placement.entry) {
        Some(value) if placement.is_expected(value) => look.duplicated(),
        Some(value) => Some(look.changed(value)),
        None => Some(look.gone(entries.is_some())),
    }
}

/// One placement and what bears on it.
struct Look<'a> {
    connection: &'a Connection,
    placement: &'a Placement,
    client: &'a Client,
    sight: &'a Sight<'a>,
}

impl Look<'_> {
    /// Whether an entry is this connection's, whatever else was done to it.
    fn is_ours(&self, name: &str, value: &Value) -> bool {
        self.placement.is_expected(value) || read_entry(name, value).ours.as_deref() == Some(&self.connection.id)
    }

    /// This connection's entries in a table that nobody has accounted for, under other names than its own.
    fn loose(&self, table: &Table<'_>, is_own: bool) -> Vec<Standing> {
        let entries = table.entries.ok().flatten().unwrap_or_default();
        let is_loose = |(name, value): &&(String, Value)| {
            let known = is_own && (*name == self.placement.entry || self.placement.copies.contains(name));
            !known && self.is_ours(name, value) && !(self.sight.is_claimed)(table.source, name, value)
        };
        entries.iter().filter(is_loose).map(|(name, value)| standing(table.source, name, value)).collect()
    }

    /// What else was done to the entry than to put it elsewhere.
    fn besides(&self, value: &Value) -> Vec<FieldView> {
        difference::besides_the_name(self.client, &masked(&self.placement.expected), value)
    }

    fn differences(&self, value: &Value) -> Vec<FieldView> {
        difference::between(&masked(&self.placement.expected), value)
    }

    fn duplicated(&self) -> Option<Drift> {
        let now = self.loose(&self.sight.own, true);
        (!now.is_empty()).then(|| Drift { now, ..of_kind(DriftKind::Duplicated) })
    }

    /// Something else than what is expected stands under its name.
    fn changed(&self, value: &Value) -> Drift {
        let expected = &self.placement.expected;
        let here = standing(self.sight.own.source, &self.placement.entry, value);
        if difference::is_switched_off(self.client, expected, value) {
            return Drift { now: vec![here], ..of_kind(DriftKind::Disabled) };
        }
        if !self.is_ours(&self.placement.entry, value) {
            if let Some(renamed) = self.renamed() {
                return renamed;
            }
            if difference::is_another(expected, value) {
                return Drift { now: vec![here], ..of_kind(DriftKind::Replaced) };
            }
        }
        Drift { fields: self.differences(value), now: vec![here], ..of_kind(DriftKind::Changed) }
    }

    fn renamed(&self) -> Option<Drift> {
        let found = self.loose(&self.sight.own, true).into_iter().next()?;
        Some(Drift { fields: self.besides(&found.value), now: vec![found], ..of_kind(DriftKind::Renamed) })
    }

    /// Nothing stands under its name.
    fn gone(&self, has_file: bool) -> Drift {
        if let Some(renamed) = self.renamed() {
            return renamed;
        }
        let written = self.sight.others.iter().filter(|table| table.source.scope != Scope::Managed);
        if let Some(moved) = written.flat_map(|table| self.loose(table, false)).next() {
            let fields = self.besides(&moved.value);
            return Drift { fields, now: vec![moved], ..of_kind(DriftKind::Moved) };
        }
        of_kind(if has_file { DriftKind::Removed } else { DriftKind::FileGone })
    }

    /// The app reads another file; the entry may stand in the old one, in both, or in neither.
    fn file_moved(&self, instead: &Table<'_>) -> Drift {
        let name = &self.placement.entry;
        let at = |table: &Table<'_>| {
            let value = last(table.entries.ok().flatten().unwrap_or_default(), name)?;
            self.is_ours(name, value).then(|| standing(table.source, name, value))
        };
        let now = [&self.sight.own, instead].into_iter().filter_map(at).collect();
        Drift { now, instead: Some(instead.source.clone()), ..of_kind(DriftKind::FileMoved) }
    }
}

impl Drift {
    /// To be shown.
    pub fn view(&self, connection: &Connection, placement: &Placement, client: &Client, path: &Path) -> DriftView {
        let is_elsewhere = |now: &Standing| match self.kind {
            DriftKind::Renamed | DriftKind::Duplicated | DriftKind::Moved => true,
            DriftKind::FileMoved => self.stands_instead() == Some(now),
            _ => false,
        };
        let moved = self.now.first().filter(|_| self.kind == DriftKind::Moved);
        let path = match (moved, &self.instead) {
            (Some(moved), _) => &moved.source.path,
            (None, Some(instead)) => &instead.path,
            (None, None) => path,
        };
        let replaced = self.now.first().filter(|_| self.kind == DriftKind::Replaced);
        DriftView {
            connection: connection.id.clone(),
            client: client.id.to_owned(),
            scope: placement.scope.clone(),
            kind: self.kind,
            fields: self.fields.clone(),
            entries: self.now.iter().filter(|now| is_elsewhere(now)).map(|now| now.name.clone()).collect(),
            other: moved.map(|moved| moved.source.scope.clone()),
            path: path.display().to_string(),
            target: replaced.map(|now| difference::target(&now.name, &now.value)),
            sentence: words::sentence(self, &connection.name, client.name, &placement.scope, path),
        }
    }

    /// Whether it stands in the table that the app reads now.
    pub fn stands_instead(&self) -> Option<&Standing> {
        self.now.iter().find(|now| Some(&now.source) == self.instead.as_ref())
    }
}

fn of_kind(kind: DriftKind) -> Drift {
    Drift { kind, fields: Vec::new(), now: Vec::new(), instead: None, error: None }
}

fn unreadable(error: &Error) -> Drift {
    let broken = [Code::FileSyntax, Code::FileShape, Code::FileEncoding, Code::FileDuplicateKey, Code::AppRefuses];
    let kind = if broken.contains(&error.code) { DriftKind::FileBroken } else { DriftKind::FileUnreadable };
    Drift { error: Some(error.clone()), ..of_kind(kind) }
}

fn standing(source: &Source, name: &str, value: &Value) -> Standing {
    Standing { source: source.clone(), name: name.to_owned(), value: value.clone() }
}

/// Of two entries of one name the last counts.
fn last<'a>(entries: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    entries.iter().rev().find(|(entry, _)| entry == name).map(|(_, value)| value)
}
