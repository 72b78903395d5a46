//! The lines of an entry, for people to put into a file themselves.

use serde_json::Value;

use super::Client;
use crate::document::{Document, Format, splice};

/// The lines of an entry that go beside what stands in an app's file: in JSON the member alone, which goes beside the
/// other entries; elsewhere with the key that it belongs under.
pub fn snippet(client: &Client, name: &str, value: &Value) -> String {
    if let Format::Json(_) = client.format {
        return format!("{}: {value:#}\n", Value::from(name));
    }
    let edits =
        Document::parse(&[], client.format).and_then(|empty| empty.set(client.table, name, value)).unwrap_or_default();
    String::from_utf8(splice(&[], &edits)).unwrap_or_default()
}
