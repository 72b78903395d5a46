//! What older servers say to the newest generation's first call, which they do not know: all of them work.

use patchbay_core::probe::{LayerKind, Verdict};
use rstest::rstest;

use super::server::{Answer, Asked, Step, but, error, error_text, head, http, legacy, modern, result, serve};
use super::{JSON, check, outcome};

const DISCOVER: &str = "server/discover";

#[rstest]
#[case::bad_request(|| http("400 Bad Request", "", "no"))]
#[case::not_allowed(|| http("403 Forbidden", "", "unknown method"))]
#[case::not_there(|| http("404 Not Found", "", ""))]
#[case::page_not_there(|| http("404 Not Found", "content-type: text/html\r\n", "<html>"))]
#[case::no_post(|| http("405 Method Not Allowed", "", ""))]
#[case::not_acceptable(|| http("406 Not Acceptable", "", ""))]
#[case::too_many(|| http("429 Too Many Requests", "retry-after: 1\r\n", ""))]
#[case::fault(|| http("500 Internal Server Error", "", "KeyError: server/discover"))]
#[case::bad_gateway(|| http("502 Bad Gateway", "content-type: text/html\r\n", "<html>"))]
#[case::overloaded(|| http("503 Service Unavailable", "", ""))]
#[case::web_page(|| http("200 OK", "content-type: text/html\r\n", "<!doctype html>"))]
#[case::nothing(|| http("200 OK", "", ""))]
#[case::taken(|| http("202 Accepted", "", ""))]
#[case::other_json(|| http("200 OK", "content-type: application/json\r\n", "{}"))]
#[case::elsewhere(|| http("302 Found", "location: /login\r\n", ""))]
#[case::circles(|| http("307 Temporary Redirect", "location: /mcp\r\n", ""))]
#[case::another_origin(|| http("307 Temporary Redirect", "location: https://elsewhere.example/\r\n", ""))]
#[case::silence(|| vec![Step::Hang])]
#[case::silence_in_the_body(|| vec![head("200 OK", "content-type: text/event-stream\r\n"), Step::Hang])]
#[case::endless(|| vec![head("200 OK", ""), Step::Forever("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0)])]
#[case::hangs_up(Vec::new)]
#[tokio::test]
async fn whatever_is_said_to_the_unknown_method_the_older_way_is_tried(#[case] answer: fn() -> Answer) {
    let report = check(&serve(move |asked: &Asked| but(asked, DISCOVER, answer)).await, true).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    assert_eq!(report.protocol.as_deref(), Some("2025-06-18"));
}

#[tokio::test]
async fn an_error_in_the_protocols_words_is_no_end_either() {
    for code in [-32601, -32600, -32602, -32603, -32001, -32000] {
        let rule = move |asked: &Asked| but(asked, DISCOVER, || error(asked, code, "no"));
        let report = check(&serve(rule).await, true).await;
        assert_eq!(report.verdict, Verdict::Working, "{code}: {report:?}");
    }
}

#[tokio::test]
async fn only_a_refused_token_is_final() {
    let rule = |asked: &Asked| but(asked, DISCOVER, || http("401 Unauthorized", "", ""));
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (Verdict::TokenRefused, Some(LayerKind::SignIn)), "{report:?}");
}

/// Where both fail, the answer to `initialize` is the one that counts.
#[tokio::test]
async fn the_second_failure_is_the_one_that_is_told() {
    let rule = |asked: &Asked| match asked.rpc().as_str() {
        DISCOVER => http("500 Internal Server Error", "", "unknown method"),
        "initialize" => http("403 Forbidden", "", "the account is closed"),
        _ => legacy(asked),
    };
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (Verdict::NotAllowed, Some(LayerKind::SignIn)), "{report:?}");
    assert_eq!(report.detail.as_deref(), Some("the account is closed"));
}

/// It answers after the patience for the first call, and within that for any other.
#[rstest]
#[case::as_not_known(|asked: &Asked| http("404 Not Found", JSON, error_text(asked, -32601, "Method not found")))]
#[case::with_no_word(|_: &Asked| http("400 Bad Request", "", ""))]
#[case::as_a_fault(|_: &Asked| http("500 Internal Server Error", "", ""))]
#[tokio::test]
async fn a_server_of_the_newest_generation_alone_may_be_slow(#[case] refusal: fn(&Asked) -> Answer) {
    let rule = move |asked: &Asked| match asked.rpc().as_str() {
        "initialize" => refusal(asked),
        DISCOVER => [vec![Step::Wait(400)], modern(asked)].concat(),
        _ => modern(asked),
    };
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    assert_eq!(report.protocol.as_deref(), Some("2026-07-28"));
}

#[tokio::test]
async fn a_server_of_the_newest_generation_tells_its_name_beside_the_result() {
    let info = r#"{"io.modelcontextprotocol/serverInfo":{"name":"Named","version":"9.9"}}"#;
    let told = format!(r#"{{"supportedVersions":["2026-07-28"],"capabilities":{{}},"_meta":{info}}}"#);
    let report = check(&serve(move |asked: &Asked| result(asked, &told)).await, true).await;
    let server = report.server.as_ref().map(|server| (server.name.as_str(), server.version.as_str()));
    assert_eq!(server, Some(("Named", "9.9")), "{report:?}");
}
