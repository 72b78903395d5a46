//! The lines of an entry, for people to put into a file themselves.

use super::{Client, EntrySpec};
use crate::document::{Document, splice};

/// The text of an app's file that holds our entry and nothing else: what stands in its own file as well, with the key
/// that it belongs under. Empty where the app does not take the wiring.
pub fn snippet(client: &Client, spec: &EntrySpec<'_>) -> String {
    let Some(value) = (client.entry)(spec) else { return String::new() };
    let edits = Document::parse(&[], client.format)
        .and_then(|empty| empty.set(client.table, spec.connection, &value))
        .unwrap_or_default();
    String::from_utf8(splice(&[], &edits)).unwrap_or_default()
}
