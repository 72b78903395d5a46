//! Taking a change back out of a text that others went on with: byte for byte, where their edits keep out of ours.

use serde_json::Value;

use super::plan::parse;
use super::{Change, Op};
use crate::document::{Document, Edit, Format, YamlTable, between, splice};

/// The bytes that others made of what a change left, with the change's own edits turned back: its entries' former source
/// text in its former place, everything else as it is now. `None` where both wrote the same stretch, or where the result
/// would say anything else than that.
///
/// `applied` is the change as it was; `ops` say what its entries go back to.
pub(super) fn turned_back(applied: &Change, now: &[u8], ops: &[Op]) -> Option<Vec<u8>> {
    let (before, after) = (applied.before.as_deref()?, applied.after.as_deref()?);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let (ours, theirs) = (between(text(after)?, text(before)?), between(text(after)?, text(now)?));
    let merged = splice(after, &both(ours, theirs)?);
    let read = |bytes: &[u8]| parse(applied.client, &applied.path, bytes).ok();
    let (was, is) = (read(now)?, read(&merged)?);
    let stands = |op: &Op| {
        let table = op.keys(applied.client);
        // What is refused here is a table that stands twice now: both put it in.
        let is_sound = op.new.as_ref().is_none_or(|value| is.set(&table, &op.entry, value).is_ok());
        is_sound && value(&is, &table, &op.entry) == op.new
    };
    let same_rest = || rest(applied, &was, ops) == rest(applied, &is, ops);
    (last_of_each(ops).all(stands) && same_rest()).then_some(merged)
}

/// Two lists of edits of one text as one; `None` where they are about the same bytes.
fn both(ours: Vec<Edit>, theirs: Vec<Edit>) -> Option<Vec<Edit>> {
    let meets = |a: &Edit, b: &Edit| a.range.start < b.range.end && b.range.start < a.range.end;
    if ours.iter().any(|own| theirs.iter().any(|other| meets(own, other))) {
        return None;
    }
    let mut all = [ours, theirs].concat();
    // What was inserted at one place keeps our order: theirs came later.
    all.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Some(all)
}

/// The entry's value in a document.
pub(super) fn value(document: &Document, table: &[&str], entry: &str) -> Option<Value> {
    document.get(&[table, &[entry]].concat())
}

/// Of ops about one entry, the last says what it is in the end.
fn last_of_each(ops: &[Op]) -> impl Iterator<Item = &Op> {
    ops.iter().enumerate().filter(|(n, op)| !ops[n + 1..].iter().any(|later| later.is_of(op))).map(|(_, op)| op)
}

/// What a document says beside the entries of some ops, without tables that only these fill.
fn rest(change: &Change, document: &Document, ops: &[Op]) -> Option<Value> {
    let mut whole = document.get(&[])?;
    for op in ops {
        take(&mut whole, &op.keys(change.client), &op.entry, change.client.format);
    }
    Some(whole)
}

fn take(value: &mut Value, table: &[&str], entry: &str, format: Format) {
    match (value, table) {
        (Value::Object(members), []) => drop(members.remove(entry)),
        (Value::Object(members), [first, rest @ ..]) => {
            let Some(inner) = members.get_mut(*first) else { return };
            take(inner, rest, entry, format);
            if inner.as_object().is_some_and(serde_json::Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty) {
                members.remove(*first);
            }
        }
        (Value::Array(items), []) => {
            let Format::Yaml(YamlTable::Named(field)) = format else { return };
            items.retain(|item| item.get(field).and_then(Value::as_str) != Some(entry));
        }
        _ => {}
    }
}
