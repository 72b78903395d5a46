//! Scopes: an app reads entries for the whole user, and some apps for one project, or by order of an administrator too.
//!
//! A [`Source`] is one table of entries in one file. Several may stand in the same file: Claude Code keeps what is meant
//! for one project and this user alone in the user's own file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Client, Location};
use crate::document::Document;
use crate::error::{Code, Error, Result};
use crate::host::Host;

/// For whom and where entries count.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "kind", content = "folder", rename_all = "snake_case")]
// The services' scopes bear the name in the window's types.
#[ts(export, rename = "EntryScope")]
pub enum Scope {
    /// For this user, everywhere.
    #[default]
    User,
    /// For everybody who works in this folder: the file lies in it and is meant to be shared.
    Project(String),
    /// For this user in this folder.
    Local(String),
    /// Set by an administrator; never written by Patchbay.
    Managed,
}

impl Scope {
    /// Whether it is the user's own everywhere, which is what is meant where nothing is said.
    pub fn is_user(&self) -> bool {
        *self == Self::User
    }

    /// The folder that it is for, where it is for one.
    pub fn folder(&self) -> Option<&str> {
        match self {
            Self::Project(folder) | Self::Local(folder) => Some(folder),
            Self::User | Self::Managed => None,
        }
    }
}

/// One table of entries in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// For whom it counts.
    pub scope: Scope,
    /// The file, whether it exists or not.
    pub path: PathBuf,
    /// The keys on the way to the table.
    pub table: Vec<String>,
}

impl Source {
    /// The table's keys as the editor takes them.
    pub fn keys(&self) -> Vec<&str> {
        self.table.iter().map(String::as_str).collect()
    }
}

/// An app's scopes beside the user's own.
pub struct Scopes {
    /// Where a scope's entries stand, given the user's own file; none where the app knows no such scope.
    pub source: fn(&Host, &Scope, &Path) -> Option<Source>,
    /// The scopes that the user's own file or the machine speaks of, in the order in which they are shown.
    pub known: fn(&Host, &Document) -> Vec<Scope>,
}

impl Client {
    /// The user's own table of entries.
    pub fn own_source(&self, location: &Location) -> Source {
        Source { scope: Scope::User, path: location.path.clone(), table: keys(self.table) }
    }

    /// Where a scope's entries stand.
    ///
    /// # Errors
    /// `ScopeUnsupported` where the app has no such scope.
    pub fn source(&self, host: &Host, scope: &Scope, location: &Location) -> Result<Source> {
        if scope.is_user() {
            return Ok(self.own_source(location));
        }
        let source = self.scopes.as_ref().and_then(|scopes| (scopes.source)(host, scope, &location.path));
        source.ok_or_else(|| {
            let what = match scope {
                Scope::Local(_) => "a single folder for you alone",
                _ => "a single folder",
            };
            Error::new(Code::ScopeUnsupported, format!("{} keeps no connections for {what}.", self.name))
                .hint("Use it for the whole app, or where the app takes that, in the folder's shared file (--shared).")
                .field("scope")
        })
    }
}

/// Keys as they are kept.
pub(super) fn keys(table: &[&str]) -> Vec<String> {
    table.iter().map(|key| (*key).to_owned()).collect()
}
