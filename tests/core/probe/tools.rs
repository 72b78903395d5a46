//! Servers that answer the handshake and fail later, and servers with something to know.

use jiff::Timestamp;
use patchbay_core::catalog::ToolCall;
use patchbay_core::probe::{LayerKind, Limits, Mark, Probe, probe};
use rstest::rstest;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::said::*;
use super::server::{Answer, Asked, INITIALIZED, Step, but, error, head, http, json, legacy, result, serve};
use super::{JSON, check, limits, probe_of};

const LIST: &str = "tools/list";
const CALL: &str = "tools/call";
/// As the TypeScript SDK says it.
const NO_SESSION: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;

#[rstest]
#[case::list_refused(|asked: &Asked| but(asked, LIST, || http("401 Unauthorized", "", "")), TOKEN_REFUSED, LayerKind::Tools)]
#[case::list_not_allowed(|asked: &Asked| but(asked, LIST, || http("403 Forbidden", "", "no")), NOT_ALLOWED, LayerKind::Tools)]
#[case::list_too_many(|asked: &Asked| but(asked, LIST, || http("429 Too Many Requests", "", "")), TOO_MANY, LayerKind::Tools)]
#[case::list_fault(|asked: &Asked| but(asked, LIST, || http("500 Internal Server Error", "", "")), FAULT, LayerKind::Tools)]
#[case::list_error(|asked: &Asked| but(asked, LIST, || error(asked, -32603, "boom")), FAULT, LayerKind::Tools)]
#[case::list_refused_in_the_protocols_words(|asked: &Asked| but(asked, LIST, || error(asked, -32003, "no")), NOT_ALLOWED, LayerKind::Tools)]
#[case::list_denied(|asked: &Asked| but(asked, LIST, || error(asked, -32601, "Method not found")), TOOLS_DENIED, LayerKind::Tools)]
#[case::list_of_another_shape(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":{"whoami":{}}}"#)), LATER_UNFIT, LayerKind::Tools)]
#[case::list_without_the_list(|asked: &Asked| but(asked, LIST, || result(asked, "[]")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_endless(|asked: &Asked| but(asked, LIST, || vec![head("200 OK", "content-type: application/json\r\n"), Step::Forever("[[[[[[[[[[[[[[[[[[[[", 0)]), TOO_LARGE, LayerKind::Tools)]
#[case::list_page(|asked: &Asked| but(asked, LIST, || http("200 OK", "content-type: text/html\r\n", "<html>")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_no_json(|asked: &Asked| but(asked, LIST, || json("{")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_moved(|asked: &Asked| but(asked, LIST, || http("302 Found", "location: /login\r\n", "")), SENT_ON, LayerKind::Tools)]
#[case::list_cut_off(|asked: &Asked| but(asked, LIST, Vec::new), CUT_OFF, LayerKind::Tools)]
#[case::list_slow(|asked: &Asked| but(asked, LIST, || vec![Step::Hang]), SLOW, LayerKind::Tools)]
#[case::list_turned_down(|asked: &Asked| but(asked, LIST, || http("400 Bad Request", "", "no")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_not_there(|asked: &Asked| without_session(asked, || http("404 Not Found", "", "")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_not_posted(|asked: &Asked| but(asked, LIST, || http("405 Method Not Allowed", "", "")), LATER_UNFIT, LayerKind::Tools)]
#[case::list_taken(|asked: &Asked| but(asked, LIST, || http("202 Accepted", "", "")), LATER_UNFIT, LayerKind::Tools)]
#[case::session_forgotten(|asked: &Asked| but(asked, LIST, || http("404 Not Found", "", "")), SESSION_LOST, LayerKind::Tools)]
#[case::session_not_known(wrong_session, SESSION_LOST, LayerKind::Tools)]
#[case::session_forgotten_in_the_protocols_words(|asked: &Asked| but(asked, LIST, || http("404 Not Found", JSON, NO_SESSION)), SESSION_LOST, LayerKind::Tools)]
#[case::time_over_in_the_protocols_words(|asked: &Asked| but(asked, CALL, || error(asked, -32001, "Request timed out")), FAULT, LayerKind::Call)]
#[case::session_unfit(unfit_session, NO_HTTP, LayerKind::Handshake)]
#[case::call_not_allowed(|asked: &Asked| but(asked, CALL, || http("403 Forbidden", "", "no")), NOT_ALLOWED, LayerKind::Call)]
#[case::call_refused(|asked: &Asked| but(asked, CALL, || http("401 Unauthorized", "", "")), TOKEN_REFUSED, LayerKind::Call)]
#[case::call_fault(|asked: &Asked| but(asked, CALL, || http("502 Bad Gateway", "", "")), GATEWAY, LayerKind::Call)]
#[case::call_error(|asked: &Asked| but(asked, CALL, || error(asked, -32602, "no")), FAULT, LayerKind::Call)]
#[case::call_slow(|asked: &Asked| but(asked, CALL, || vec![head("200 OK", "content-type: text/event-stream\r\n"), Step::Forever(": x\n\n", 50)]), SLOW, LayerKind::Call)]
#[tokio::test]
async fn fails_after_the_handshake(#[case] rule: fn(&Asked) -> Answer, #[case] said: Said, #[case] layer: LayerKind) {
    let report = check(&serve(rule).await, true).await;
    says(&report, said, layer);
    assert_eq!(report.server.is_some(), layer > LayerKind::Handshake, "what was learnt before stays");
}

/// It gives another session than it takes.
fn wrong_session(asked: &Asked) -> Answer {
    but(asked, "initialize", || {
        let mut answer = legacy(asked);
        if let Some(Step::Say(head)) = answer.first_mut() {
            *head = String::from_utf8_lossy(head).replace(": s1", ": s2").into_bytes();
        }
        answer
    })
}

/// Its session's name cannot stand in a header.
fn unfit_session(asked: &Asked) -> Answer {
    but(asked, "initialize", || http("200 OK", "mcp-session-id: \u{1}\r\n", "{}"))
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_services_words() {
    let scope = "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"inbox:read\"\r\n";
    let words = r#"{"message":"Forbidden: Sera AI is off"}"#;
    let rule = move |asked: &Asked| but(asked, CALL, || http("403 Forbidden", scope, words));
    let report = check(&serve(rule).await, true).await;
    assert_eq!(report.missing_right.as_deref(), Some("inbox:read"));
    assert_eq!(report.detail.as_deref(), Some("Forbidden: Sera AI is off"));
}

#[rstest]
#[case::tool_reports_an_error(|asked: &Asked| but(asked, CALL, || result(asked, r#"{"isError":true,"content":[{"type":"text","text":"no such user"}]}"#)), TOOL_FAILED, LayerKind::Call, "no such user")]
#[case::tool_reports_an_error_without_words(|asked: &Asked| but(asked, CALL, || result(asked, r#"{"isError":true,"content":[]}"#)), TOOL_FAILED, LayerKind::Call, "")]
#[case::tool_asks_back(|asked: &Asked| but(asked, CALL, || result(asked, r#"{"resultType":"input_required","inputRequests":{}}"#)), TOOL_ASKS, LayerKind::Call, "")]
#[case::no_such_tool(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[{"name":"other"}]}"#)), TOOL_GONE, LayerKind::Call, "")]
#[case::no_tools_promised(|asked: &Asked| but(asked, "initialize", || result(asked, r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#)), NO_TOOLS, LayerKind::Tools, "")]
#[case::no_tools_listed(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[]}"#)), NO_TOOLS, LayerKind::Tools, "")]
#[case::pages_in_circles(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[{"name":"whoami"}],"nextCursor":"again"}"#)), TOOLS_ENDLESS, LayerKind::Tools, "")]
#[case::pages_without_end(|asked: &Asked| but(asked, LIST, || result(asked, &format!(r#"{{"tools":[{{"name":"whoami"}}],"nextCursor":"{}"}}"#, asked.id()))), TOOLS_ENDLESS, LayerKind::Tools, "")]
#[case::the_same_tool_twice(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[{"name":"whoami"},{"name":"b"},{"name":"whoami"}]}"#)), TOOLS_TWICE, LayerKind::Tools, "")]
#[tokio::test]
async fn works_with_something_to_know(
    #[case] rule: fn(&Asked) -> Answer,
    #[case] said: Said,
    #[case] layer: LayerKind,
    #[case] words: &str,
) {
    let report = check(&serve(rule).await, true).await;
    says(&report, said, None);
    let layer = report.layers.iter().find(|known| known.kind == layer).expect("all layers are told");
    assert_eq!((layer.mark, layer.detail.as_deref().unwrap_or_default()), (Mark::Warned, words), "{report:?}");
}

/// What each of two harmless tools is answered, what is said, and which of them were called.
#[rstest]
#[case::the_first_is_enough(&[], WORKS, None, &["one"])]
#[case::one_is_not_allowed(&["one"], PARTLY_ALLOWED, None, &["one", "two"])]
#[case::neither_is_allowed(&["one", "two"], NOT_ALLOWED, Some(LayerKind::Call), &["one", "two"])]
#[tokio::test]
async fn a_second_harmless_tool_tells_a_missing_permission_from_a_closed_service(
    #[case] forbidden: &'static [&'static str],
    #[case] said: Said,
    #[case] layer: Option<LayerKind>,
    #[case] calls: &[&str],
) {
    let called = Arc::new(Mutex::new(Vec::new()));
    let heard = called.clone();
    let rule = move |asked: &Asked| match asked.rpc().as_str() {
        LIST => result(asked, r#"{"tools":[{"name":"one"},{"name":"two"}]}"#),
        CALL => {
            let name = if asked.0.contains(r#""name":"one""#) { "one" } else { "two" };
            heard.lock().expect("nobody panicked").push(name);
            let no = || http("403 Forbidden", "", format!("no {name}"));
            if forbidden.contains(&name) { no() } else { result(asked, r#"{"content":[]}"#) }
        }
        _ => legacy(asked),
    };
    let second = ToolCall { name: "two".into(), arguments: serde_json::json!({}), or_else: None };
    let first = ToolCall { name: "one".into(), or_else: Some(Box::new(second.clone())), ..second };
    let probed = Probe { tool: Some(first), ..probe_of(&serve(rule).await, true) };
    let report = probe(&probed, Timestamp::now(), |_| {}).await;
    says(&report, said, layer);
    assert_eq!(*called.lock().expect("nobody panicked"), calls);
    let call = report.layers.last().expect("all layers are told");
    assert_eq!(call.detail.as_deref(), (!forbidden.is_empty()).then_some("no one"), "the first one's words");
}

/// Each page is slow, none too slow by itself.
#[tokio::test]
async fn slow_pages_end_at_the_whole_checks_limit() {
    let rule = |asked: &Asked| {
        but(asked, LIST, || {
            let page = result(asked, &format!(r#"{{"tools":[{{"name":"whoami"}}],"nextCursor":"{}"}}"#, asked.id()));
            [vec![Step::Wait(400)], page].concat()
        })
    };
    let limits = Limits { pages: 100, whole: Duration::from_millis(1500), ..limits() };
    let slow = Probe { limits, ..probe_of(&serve(rule).await, true) };
    let begun = std::time::Instant::now();
    let report = probe(&slow, Timestamp::now(), |_| {}).await;
    says(&report, SLOW, LayerKind::Tools);
    assert_eq!(report.layers.len(), LayerKind::ALL.len());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// A server without sessions, which answers the question for its tools in this way.
fn without_session(asked: &Asked, answer: impl FnOnce() -> Answer) -> Answer {
    match asked.rpc().as_str() {
        "initialize" => result(asked, INITIALIZED),
        LIST => answer(),
        _ => legacy(asked),
    }
}

/// The address has just answered as it should, so what is unfit is told as it is.
#[rstest]
#[case::status(|asked: &Asked| without_session(asked, || http("404 Not Found", "", "no route")), "404 Not Found: no route")]
#[case::page(|asked: &Asked| without_session(asked, || http("404 Not Found", "content-type: text/html\r\n", "<html>")), "404 Not Found")]
#[case::words(|asked: &Asked| without_session(asked, || http("200 OK", "", "It works!")), "It works!")]
#[tokio::test]
async fn what_comes_in_the_place_of_a_later_answer_is_told(#[case] rule: fn(&Asked) -> Answer, #[case] words: &str) {
    let report = check(&serve(rule).await, true).await;
    says(&report, LATER_UNFIT, LayerKind::Tools);
    assert_eq!(report.detail.as_deref(), Some(words));
}
