//! Drift: what differs from what was written, in words; and watching for it.

pub mod watch;

use serde_json::Value;

use crate::api::view::{DriftKind, DriftView};
use crate::client::Client;
use crate::connection::{Connection, Placement};
use crate::error::Error;
use crate::secret::redact;

/// What an app's file shows of its entries.
pub type Seen<'a> = Result<Option<&'a [(String, Value)]>, &'a Error>;

/// Compares a placement with what its app's file shows: `Ok(None)` where there is no file.
pub fn drift(connection: &Connection, placement: &Placement, client: &Client, seen: Seen<'_>) -> Option<DriftView> {
    let view = |kind, field: Option<Difference>, sentence: String| DriftView {
        connection: connection.id.clone(),
        client: client.id.to_owned(),
        scope: placement.scope.clone(),
        kind,
        from: field.as_ref().and_then(|field| field.from.clone()),
        to: field.as_ref().and_then(|field| field.to.clone()),
        field: field.map(|field| field.name),
        sentence,
    };
    let (app, name) = (client.name, &connection.name);
    match seen {
        Err(error) => {
            let sentence = format!("{app}'s settings file cannot be read, so {name} may not work there: {error}");
            Some(view(DriftKind::FileBroken, None, sentence))
        }
        Ok(None) => {
            let sentence = format!("{app}'s settings file is gone, and {name} with it.");
            Some(view(DriftKind::FileGone, None, sentence))
        }
        Ok(Some(entries)) => match entries.iter().rev().find(|(entry, _)| *entry == placement.entry) {
            None => {
                let sentence = format!("Somebody removed {name} from {app}.");
                Some(view(DriftKind::Removed, None, sentence))
            }
            Some((_, value)) if *value == placement.expected => None,
            Some((_, value)) => {
                let difference = first_difference(&placement.expected, value);
                let sentence = format!("Somebody changed {name} in {app}: {}", difference.sentence());
                Some(view(DriftKind::Changed, Some(difference), sentence))
            }
        },
    }
}

/// One field that differs, its values masked.
struct Difference {
    name: String,
    from: Option<String>,
    to: Option<String>,
}

impl Difference {
    fn sentence(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{} was {from} and is now {to}.", self.name),
            (None, Some(to)) => format!("{} was added: {to}.", self.name),
            (Some(from), None) => format!("{} was taken out; it was {from}.", self.name),
            (None, None) => "it is written differently.".to_owned(),
        }
    }
}

fn first_difference(expected: &Value, now: &Value) -> Difference {
    let whole = || Difference { name: "the entry".to_owned(), from: Some(shown(expected)), to: Some(shown(now)) };
    let (Some(expected), Some(now)) = (expected.as_object(), now.as_object()) else { return whole() };
    let keys = expected.keys().chain(now.keys().filter(|key| !expected.contains_key(*key)));
    keys.filter(|key| expected.get(*key) != now.get(*key))
        .map(|key| Difference {
            name: key.clone(),
            from: expected.get(key).map(shown),
            to: now.get(key).map(|value| shown_at(key, value)),
        })
        .next()
        .unwrap_or(Difference { name: "the entry".to_owned(), from: None, to: None })
}

/// A value as text, bounded and without secrets.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = redact(&text);
    if text.chars().count() > 120 { text.chars().take(119).chain(['…']).collect() } else { text.into_owned() }
}

/// As [`shown`], but nothing at all of a value that is likely to hold a literal secret.
fn shown_at(key: &str, value: &Value) -> String {
    let holder = serde_json::json!({ key: value });
    if crate::secret::find_plaintext(&holder).is_empty() {
        shown(value)
    } else {
        "a value with a token in it".to_owned()
    }
}
