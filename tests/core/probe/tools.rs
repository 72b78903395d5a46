//! Servers that answer the handshake and fail later, and servers with something to know.

use jiff::Timestamp;
use patchbay_core::probe::{LayerKind, Limits, Mark, Probe, Verdict, probe};
use rstest::rstest;
use std::time::Duration;

use super::server::{Answer, Asked, Step, but, error, head, http, json, legacy, result, serve};
use super::{check, limits, outcome, probe_of};

const LIST: &str = "tools/list";
const CALL: &str = "tools/call";

#[rstest]
#[case::list_refused(|asked: &Asked| but(asked, LIST, || http("401 Unauthorized", "", "")), Verdict::TokenRefused, LayerKind::Tools)]
#[case::list_not_allowed(|asked: &Asked| but(asked, LIST, || http("403 Forbidden", "", "no")), Verdict::NotAllowed, LayerKind::Tools)]
#[case::list_too_many(|asked: &Asked| but(asked, LIST, || http("429 Too Many Requests", "", "")), Verdict::ServiceError, LayerKind::Tools)]
#[case::list_fault(|asked: &Asked| but(asked, LIST, || http("500 Internal Server Error", "", "")), Verdict::ServiceError, LayerKind::Tools)]
#[case::list_error(|asked: &Asked| but(asked, LIST, || error(asked, -32603, "boom")), Verdict::ServiceError, LayerKind::Tools)]
#[case::list_refused_in_the_protocols_words(|asked: &Asked| but(asked, LIST, || error(asked, -32003, "no")), Verdict::NotAllowed, LayerKind::Tools)]
#[case::list_page(|asked: &Asked| but(asked, LIST, || http("200 OK", "content-type: text/html\r\n", "<html>")), Verdict::NotMcp, LayerKind::Tools)]
#[case::list_no_json(|asked: &Asked| but(asked, LIST, || json("{")), Verdict::NotMcp, LayerKind::Tools)]
#[case::list_moved(|asked: &Asked| but(asked, LIST, || http("302 Found", "location: /login\r\n", "")), Verdict::WrongAddress, LayerKind::Tools)]
#[case::list_cut_off(|asked: &Asked| but(asked, LIST, Vec::new), Verdict::NotMcp, LayerKind::Tools)]
#[case::list_slow(|asked: &Asked| but(asked, LIST, || vec![Step::Hang]), Verdict::TooSlow, LayerKind::Tools)]
#[case::session_forgotten(|asked: &Asked| but(asked, LIST, || http("404 Not Found", "", "")), Verdict::ServiceError, LayerKind::Tools)]
#[case::session_not_known(wrong_session, Verdict::ServiceError, LayerKind::Tools)]
#[case::session_unfit(unfit_session, Verdict::NotMcp, LayerKind::Handshake)]
#[case::call_not_allowed(|asked: &Asked| but(asked, CALL, || http("403 Forbidden", "", "no")), Verdict::NotAllowed, LayerKind::Call)]
#[case::call_refused(|asked: &Asked| but(asked, CALL, || http("401 Unauthorized", "", "")), Verdict::TokenRefused, LayerKind::Call)]
#[case::call_fault(|asked: &Asked| but(asked, CALL, || http("502 Bad Gateway", "", "")), Verdict::ServiceError, LayerKind::Call)]
#[case::call_error(|asked: &Asked| but(asked, CALL, || error(asked, -32602, "no")), Verdict::ServiceError, LayerKind::Call)]
#[case::call_slow(|asked: &Asked| but(asked, CALL, || vec![head("200 OK", "content-type: text/event-stream\r\n"), Step::Forever(": x\n\n", 50)]), Verdict::TooSlow, LayerKind::Call)]
#[tokio::test]
async fn fails_after_the_handshake(
    #[case] rule: fn(&Asked) -> Answer,
    #[case] verdict: Verdict,
    #[case] layer: LayerKind,
) {
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (verdict, Some(layer)), "{report:?}");
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
#[case::tool_reports_an_error(|asked: &Asked| but(asked, CALL, || result(asked, r#"{"isError":true,"content":[{"type":"text","text":"no such user"}]}"#)), LayerKind::Call, Mark::Warned, "no such user")]
#[case::no_such_tool(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[{"name":"other"}]}"#)), LayerKind::Call, Mark::Skipped, "not in the list")]
#[case::no_tools(|asked: &Asked| but(asked, "initialize", || result(asked, r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#)), LayerKind::Tools, Mark::Warned, "no tools")]
#[case::pages_without_end(|asked: &Asked| but(asked, LIST, || result(asked, r#"{"tools":[{"name":"whoami"}],"nextCursor":"again"}"#)), LayerKind::Tools, Mark::Passed, "")]
#[tokio::test]
async fn works_with_something_to_know(
    #[case] rule: fn(&Asked) -> Answer,
    #[case] layer: LayerKind,
    #[case] mark: Mark,
    #[case] detail: &str,
) {
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    let layer = report.layers.iter().find(|known| known.kind == layer).expect("all layers are told");
    assert_eq!(layer.mark, mark, "{report:?}");
    assert!(layer.detail.as_deref().unwrap_or_default().contains(detail), "{layer:?}");
}

/// Each page is slow, none too slow by itself.
#[tokio::test]
async fn slow_pages_end_at_the_whole_checks_limit() {
    let rule = |asked: &Asked| {
        but(asked, LIST, || {
            let page = result(asked, r#"{"tools":[{"name":"whoami"}],"nextCursor":"more"}"#);
            [vec![Step::Wait(400)], page].concat()
        })
    };
    let limits = Limits { pages: 100, whole: Duration::from_millis(1500), ..limits() };
    let slow = Probe { limits, ..probe_of(&serve(rule).await, true) };
    let begun = std::time::Instant::now();
    let report = probe(&slow, Timestamp::now(), |_| {}).await;
    assert_eq!(outcome(&report), (Verdict::TooSlow, Some(LayerKind::Tools)), "{report:?}");
    assert_eq!(report.layers.len(), LayerKind::ALL.len());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
