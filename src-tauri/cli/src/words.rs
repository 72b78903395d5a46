//! How apps and places are named in sentences.

use patchbay_core::client::{self, Scope};

/// An app by the name that people know it by; by its id where this version does not know it.
pub(crate) fn app(id: &str) -> &str {
    client::find(id).map_or(id, |client| client.name)
}

/// An app, and the folder where it is for one: `Claude Code, for /home/me/p`.
pub(crate) fn place(id: &str, scope: &Scope) -> String {
    let folder = scope.folder().map(|folder| format!(", for {folder}")).unwrap_or_default();
    format!("{}{folder}", app(id))
}
