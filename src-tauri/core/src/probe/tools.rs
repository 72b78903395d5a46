//! The last two layers: the list of tools, and one harmless call.

use std::collections::HashSet;
use std::slice::from_ref;

use serde_json::{Value, json};

use super::exchange::{Found, Talk};
use super::{Cause, Layer, LayerKind, Layers, Stop, Verdict};
use crate::catalog::ToolCall;
use crate::wire::shown;

/// The names of the tools, and what there is to know about the list.
struct Listed {
    names: Vec<String>,
    remark: Option<Cause>,
}

/// What came of the harmless call.
enum Called {
    Well,
    Remark(Cause, Option<String>),
}

/// Lists the tools, and calls the harmless one.
pub(super) async fn walk<F: Fn(&Layer)>(
    talk: &mut Talk<'_>,
    layers: &mut Layers<F>,
    found: &mut Found,
    result: &Value,
) -> Result<(), Stop> {
    let offers = result.get("capabilities").and_then(|can| can.get("tools")).is_some();
    let listed = if offers { list(talk).await? } else { Listed { names: Vec::new(), remark: None } };
    found.tools = u32::try_from(listed.names.len()).ok();
    if listed.names.is_empty() {
        layers.warn(LayerKind::Tools, Cause::NoTools, None);
        layers.skip(LayerKind::Call, "there are no tools");
        return Ok(());
    }
    match listed.remark {
        Some(cause) => layers.warn(LayerKind::Tools, cause, None),
        None => layers.pass(LayerKind::Tools),
    }
    let Some(known) = &talk.probe.tool else {
        layers.skip(LayerKind::Call, "no harmless tool is known for this service");
        return Ok(());
    };
    match call_one(talk, known, &listed.names).await? {
        Called::Well => layers.pass(LayerKind::Call),
        Called::Remark(cause, words) => layers.warn(LayerKind::Call, cause, words),
    }
    Ok(())
}

/// All pages of the list, as far as the limits go.
async fn list(talk: &mut Talk<'_>) -> Result<Listed, Stop> {
    let mut names: Vec<String> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    let mut next: Option<String> = None;
    for _ in 0..talk.probe.limits.pages {
        let params = next.as_ref().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        let reply = talk.ask("tools/list", params, LayerKind::Tools).await?;
        let Some(result) = reply.result() else { return Err(talk.no_result(&reply, LayerKind::Tools)) };
        let Some(page) = result.get("tools").and_then(Value::as_array) else {
            return Err(Stop::because(Cause::LaterUnfit, LayerKind::Tools));
        };
        let page = page.iter().filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned));
        // A list that goes in circles shows the same tools again, which says nothing about them.
        names.extend(page);
        next = result.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
        match &next {
            Some(cursor) if !seen.insert(cursor.clone()) => break,
            Some(_) => {}
            None => break,
        }
    }
    let total = names.len();
    let mut known = HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    let twice = (names.len() < total).then_some(Cause::ToolsTwice);
    Ok(Listed { names, remark: if next.is_some() { Some(Cause::ToolsEndless) } else { twice } })
}

/// Calls the first of the harmless tools that is offered. Where it is not allowed, the next one tells a permission that
/// is missing from a service that allows nothing.
async fn call_one(talk: &mut Talk<'_>, known: &ToolCall, names: &[String]) -> Result<Called, Stop> {
    let chain = std::iter::successors(Some(known), |tool| tool.or_else.as_deref());
    let mut refused: Option<Stop> = None;
    for tool in chain.filter(|tool| names.contains(&tool.name)) {
        match (call(talk, tool).await, refused) {
            (Err(stop), None) if stop.verdict == Verdict::NotAllowed => refused = Some(stop),
            (Err(stop), Some(first)) if stop.verdict == Verdict::NotAllowed => refused = Some(first),
            // The service's words about the first are what helps.
            (Ok(_), Some(first)) => {
                let words = first.missing_right.or(first.detail);
                return Ok(Called::Remark(Cause::PartlyAllowed, words));
            }
            (outcome, _) => return outcome,
        }
    }
    refused.map_or(Ok(Called::Remark(Cause::ToolGone, None)), Err)
}

/// One harmless call. What the tool itself says went wrong is a remark: the way to it works.
async fn call(talk: &mut Talk<'_>, tool: &ToolCall) -> Result<Called, Stop> {
    let params = json!({ "name": tool.name, "arguments": tool.arguments });
    let reply = talk.ask("tools/call", params, LayerKind::Call).await?;
    let Some(result) = reply.result() else { return Err(talk.no_result(&reply, LayerKind::Call)) };
    if asks_back(result) {
        return Ok(Called::Remark(Cause::ToolAsks, None));
    }
    if result.get("isError").and_then(Value::as_bool) != Some(true) {
        return Ok(Called::Well);
    }
    let mut items = result.get("content").and_then(Value::as_array).into_iter().flatten();
    let words = items.find_map(|item| item.get("text")?.as_str());
    Ok(Called::Remark(Cause::ToolFailed, words.map(|words| shown(words, from_ref(&talk.probe.endpoint)))))
}

/// Whether a result of the newest generation is a question.
pub(crate) fn asks_back(result: &Value) -> bool {
    result.get("resultType").is_some_and(|kind| kind == "input_required")
}
