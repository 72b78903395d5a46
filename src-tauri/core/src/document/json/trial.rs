//! Trying edits on a copy, before anybody sees them.
//!
//! Of a large file only the stretch of the root's members around the edits is copied and checked. What is left out is
//! known: a member's text was checked with the whole, and means the same wherever a key may stand. A stand-in takes its
//! place on each side, so that the stretch begins and ends where it does in the whole; that it ends there is checked.

use serde_json::Value;

use super::super::edit::{Edit, apply};
use super::Json;

/// Stands for the members before, and for those behind.
const BEFORE: &str = "\"\":0,";
const BEHIND: &str = "\"\":0";

/// A text to be tried.
struct Trial {
    text: String,
    /// Where the members that were left out begin again, if there are any.
    behind: Option<usize>,
}

/// Whether the text after the edits is well-formed, and says at a path what was asked.
pub(super) fn stands(
    json: &Json,
    text: &str,
    edits: &[Edit],
    path: &[&str],
    as_asked: impl Fn(&Option<Value>) -> bool,
) -> bool {
    let trial = stretch(json, text, edits, path).unwrap_or_else(|| Trial { text: apply(text, edits), behind: None });
    Json::parse(&trial.text, json.dialect).is_ok_and(|after| {
        let last = after.members.as_ref().and_then(|root| root.members.last()).map(|member| member.key.start);
        (trial.behind.is_none() || trial.behind == last) && as_asked(&after.get(&trial.text, path))
    })
}

/// The stretch around the edits. None where the root's members are not known, or a stand-in has the name that is looked for.
fn stretch(json: &Json, text: &str, edits: &[Edit], path: &[&str]) -> Option<Trial> {
    let root = json.members.as_ref().filter(|_| path.first().is_some_and(|first| !first.is_empty()))?;
    let (first, last) = (edits.first()?.range.start, edits.last()?.range.end);
    if first <= root.open || last > root.close {
        return None;
    }
    let before = root.members.iter().rev().filter_map(|member| member.comma).find(|comma| *comma < first);
    let behind = root.members.iter().map(|member| member.key.start).find(|key| *key >= last);
    let (start, end) = (before.map_or(root.open, |comma| comma) + 1, behind.unwrap_or(root.close));
    let moved: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit::new(edit.range.start - start..edit.range.end - start, edit.replacement.clone()))
        .collect();
    let mut trial = format!("{}{}", &text[..=root.open], if before.is_some() { BEFORE } else { "" });
    trial += &apply(&text[start..end], &moved);
    let behind = behind.map(|_| trial.len());
    trial += if behind.is_some() { BEHIND } else { "" };
    trial += &text[root.close..];
    Some(Trial { text: trial, behind })
}
