//! Servers that fail at the first words, each with its verdict and the layer that failed.

use patchbay_core::probe::{LayerKind, Verdict};
use rstest::rstest;

use super::server::{
    Answer, Asked, INITIALIZED, Step, error, error_text, head, http, json, result, result_text, serve,
};
use super::{check, outcome};

const OK: &str = "200 OK";
const JSON: &str = "content-type: application/json\r\n";
const EVENTS: &str = "content-type: text/event-stream\r\n";
const PAGE: &str = "<!DOCTYPE html><html><p>Log in";
/// The result of `initialize`, compressed, as a proxy might send it without being asked to.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0x56, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xb2, 0x32, 0xac, 5, 0, 0xf1,
    0x5b, 0x4a, 0x0c, 0x0b, 0, 0, 0,
];

/// An answer that goes on for longer than an exchange may take, a few bytes at a time.
fn drips(headers: &str, text: &'static str) -> Answer {
    vec![head(OK, headers), Step::Forever(text, 50)]
}

// Silence and speech that is none.
#[rstest]
#[case::says_nothing(|_: &Asked| vec![Step::Hang], Verdict::TooSlow, LayerKind::Handshake)]
#[case::hangs_after_the_head(|_: &Asked| vec![head(OK, JSON), Step::Hang], Verdict::TooSlow, LayerKind::Handshake)]
#[case::hangs_after_the_streams_head(|_: &Asked| vec![head(OK, EVENTS), Step::Hang], Verdict::TooSlow, LayerKind::Handshake)]
#[case::hangs_in_the_head(|_: &Asked| vec![Step::Say(b"HTTP/1.1 200".to_vec()), Step::Hang], Verdict::TooSlow, LayerKind::Handshake)]
#[case::slow_between_bytes(|_: &Asked| drips(JSON, " "), Verdict::TooSlow, LayerKind::Handshake)]
#[case::slow_between_events(|_: &Asked| drips(EVENTS, ": wait\n\n"), Verdict::TooSlow, LayerKind::Handshake)]
#[case::hangs_up(|_: &Asked| vec![], Verdict::NotMcp, LayerKind::Handshake)]
#[case::hangs_up_in_the_head(|_: &Asked| vec![Step::Say(b"HTTP/1.1 200 OK\r\nconte".to_vec())], Verdict::NotMcp, LayerKind::Handshake)]
#[case::cut_off(|_: &Asked| vec![head(OK, "content-length: 900\r\n"), Step::Say(b"{".to_vec())], Verdict::NotMcp, LayerKind::Handshake)]
#[case::no_http(|_: &Asked| vec![Step::Say(b"SSH-2.0-OpenSSH\r\n".to_vec())], Verdict::NotMcp, LayerKind::Handshake)]
#[case::larger_than_allowed(|_: &Asked| json("1".repeat(50_000)), Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless(|_: &Asked| vec![head(OK, JSON), Step::Forever("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0)], Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless_stream(|_: &Asked| vec![head(OK, EVENTS), Step::Forever(": x\n\n: x\n\n: x\n\n: x\n\n: x\n\n: x\n\n", 0)], Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless_event(|_: &Asked| vec![head(OK, EVENTS), Step::Forever("data: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0)], Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless_line(|_: &Asked| vec![head(OK, EVENTS), Step::Forever("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0)], Verdict::NotMcp, LayerKind::Handshake)]
#[tokio::test]
async fn no_answer(#[case] rule: fn(&Asked) -> Answer, #[case] verdict: Verdict, #[case] layer: LayerKind) {
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (verdict, Some(layer)), "{report:?}");
}

// Statuses. What a status says about the token comes before all that a body may say.
#[rstest]
#[case::token_refused(|_: &Asked| http("401 Unauthorized", JSON, r#"{"message":"bad"}"#), true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::token_refused_by_a_page(|_: &Asked| http("401 Unauthorized", "content-type: text/html\r\n", PAGE), true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::token_refused_where_browsers_may_sign_in(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer error=\"invalid_token\", resource_metadata=\"https://x/y\"\r\n", ""), true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::token_refused_without_end(|_: &Asked| vec![head("401 Unauthorized", JSON), Step::Forever("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0)], true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::token_refused_and_silence(|_: &Asked| vec![head("401 Unauthorized", JSON), Step::Hang], true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::token_refused_in_the_protocols_words(|asked: &Asked| http("401 Unauthorized", JSON, error_text(asked, -32001, "no")), true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::wants_a_token(|_: &Asked| http("401 Unauthorized", "", ""), false, Verdict::TokenMissing, LayerKind::SignIn)]
#[case::wants_a_token_and_says_how(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer realm=\"x\"\r\n", ""), false, Verdict::TokenMissing, LayerKind::SignIn)]
#[case::wants_a_browser(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, Verdict::NeedsBrowserSignIn, LayerKind::SignIn)]
#[case::wants_a_browser_in_its_second_challenge(|_: &Asked| http("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\nwww-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, Verdict::NeedsBrowserSignIn, LayerKind::SignIn)]
#[case::wants_a_browser_by_its_description(described, false, Verdict::NeedsBrowserSignIn, LayerKind::SignIn)]
#[case::wants_a_token_before_a_site_of_pages(site, false, Verdict::TokenMissing, LayerKind::SignIn)]
#[case::not_allowed(|_: &Asked| http("403 Forbidden", "", "no"), true, Verdict::NotAllowed, LayerKind::SignIn)]
#[case::not_allowed_for_a_scope(|_: &Asked| http("403 Forbidden", "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"a b\"\r\n", ""), true, Verdict::NotAllowed, LayerKind::SignIn)]
#[case::not_allowed_without_a_token(|_: &Asked| http("403 Forbidden", "", "no"), false, Verdict::TokenMissing, LayerKind::SignIn)]
#[case::bad_request(|_: &Asked| http("400 Bad Request", "", "no"), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::not_there(|_: &Asked| http("404 Not Found", "", ""), true, Verdict::WrongAddress, LayerKind::Handshake)]
#[case::page_not_there(|_: &Asked| http("404 Not Found", "content-type: text/html\r\n", PAGE), true, Verdict::WrongAddress, LayerKind::Handshake)]
#[case::gone(|_: &Asked| http("410 Gone", "", ""), true, Verdict::WrongAddress, LayerKind::Handshake)]
#[case::not_there_in_the_protocols_words(|asked: &Asked| http("404 Not Found", JSON, error_text(asked, -32600, "no")), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::no_post(|_: &Asked| http("405 Method Not Allowed", "allow: GET\r\n", ""), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::not_acceptable(|_: &Asked| http("406 Not Acceptable", "", "no"), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::wants_another_type(|_: &Asked| http("415 Unsupported Media Type", "", ""), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::too_many(|_: &Asked| http("429 Too Many Requests", "retry-after: 7\r\n", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::fault(|_: &Asked| http("500 Internal Server Error", "", "boom"), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::not_made(|_: &Asked| http("501 Not Implemented", "", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::bad_gateway(|_: &Asked| http("502 Bad Gateway", "content-type: text/html\r\n", PAGE), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::overloaded(|_: &Asked| http("503 Service Unavailable", "retry-after: 7\r\n", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::slow_gateway(|_: &Asked| http("504 Gateway Timeout", "", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[tokio::test]
async fn status(
    #[case] rule: fn(&Asked) -> Answer,
    #[case] token: bool,
    #[case] verdict: Verdict,
    #[case] layer: LayerKind,
) {
    let report = check(&serve(rule).await, token).await;
    assert_eq!(outcome(&report), (verdict, Some(layer)), "{report:?}");
}

/// A service that says how to sign in where the standard wants it said, and not in its refusal.
fn described(asked: &Asked) -> Answer {
    if asked.0.starts_with("GET /.well-known/oauth-protected-resource/mcp ") {
        return json(r#"{"resource":"x","authorization_servers":["https://x"]}"#);
    }
    http("401 Unauthorized", "", "")
}

/// A site that answers every question for a page with its start page.
fn site(asked: &Asked) -> Answer {
    if asked.0.starts_with("GET ") {
        return http(OK, "content-type: text/html\r\n", PAGE);
    }
    http("401 Unauthorized", "", "")
}

// Bodies under a good status.
#[rstest]
#[case::web_page(|_: &Asked| http(OK, "content-type: text/html; charset=utf-8\r\n", PAGE), Verdict::NotMcp, "A web page")]
#[case::web_page_said_to_be_json(|_: &Asked| json(PAGE), Verdict::NotMcp, "A web page")]
#[case::nothing(|_: &Asked| http(OK, "", ""), Verdict::NotMcp, "")]
#[case::no_content(|_: &Asked| http("204 No Content", "", ""), Verdict::NotMcp, "")]
#[case::taken_and_not_answered(|_: &Asked| http("202 Accepted", "", ""), Verdict::NotMcp, "")]
#[case::plain_text(|_: &Asked| http(OK, "content-type: text/plain\r\n", "It works!"), Verdict::NotMcp, "It works!")]
#[case::other_json(|_: &Asked| json(r#"{"hello":1}"#), Verdict::NotMcp, "")]
#[case::no_json(|_: &Asked| json("{ nope"), Verdict::NotMcp, "")]
#[case::a_list(|asked: &Asked| json(format!("[{}]", result_text(asked, INITIALIZED))), Verdict::NotMcp, "")]
#[case::no_text(|_: &Asked| json(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"protocolVersion\":\"\xff\xfe\"}}"), Verdict::NotMcp, "no text")]
#[case::no_text_in_a_stream(|_: &Asked| http(OK, EVENTS, b"data: \xff\xfe\n\n"), Verdict::NotMcp, "unreadable")]
#[case::compressed(|_: &Asked| http(OK, "content-type: application/json\r\ncontent-encoding: gzip\r\n", GZIP), Verdict::NotMcp, "compressed")]
#[case::compressed_without_saying_so(|_: &Asked| json(GZIP), Verdict::NotMcp, "no text")]
#[case::stream_said_to_be_json(|asked: &Asked| json(format!("data: {}\n\n", result_text(asked, INITIALIZED))), Verdict::NotMcp, "")]
#[case::json_said_to_be_a_stream(|asked: &Asked| http(OK, EVENTS, result_text(asked, INITIALIZED)), Verdict::NotMcp, "without an answer")]
#[case::stream_without_answer(|_: &Asked| http(OK, EVENTS, "data: {}\n\n"), Verdict::NotMcp, "without an answer")]
#[case::stream_of_another(|_: &Asked| http(OK, EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n\n"), Verdict::NotMcp, "without an answer")]
#[case::wrong_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","id":999,"result":{"protocolVersion":"2025-06-18"}}"#), Verdict::NotMcp, "")]
#[case::id_as_text(|asked: &Asked| json(result_text(asked, INITIALIZED).replace(&format!("\"id\":{}", asked.id()), &format!("\"id\":\"{}\"", asked.id()))), Verdict::NotMcp, "")]
#[case::another_version_of_the_rules(|asked: &Asked| json(result_text(asked, INITIALIZED).replace("\"2.0\"", "\"1.0\"")), Verdict::NotMcp, "")]
#[case::no_protocol(|asked: &Asked| result(asked, "{}"), Verdict::NotMcp, "")]
#[case::error(|asked: &Asked| error(asked, -32600, "no"), Verdict::NotMcp, "no")]
#[case::error_without_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#), Verdict::NotMcp, "no")]
#[case::method_not_found(|asked: &Asked| error(asked, -32601, "Method not found"), Verdict::NotMcp, "Method not found")]
#[case::fault_in_the_protocols_words(|asked: &Asked| error(asked, -32603, "boom"), Verdict::ServiceError, "boom")]
#[tokio::test]
async fn body(#[case] rule: fn(&Asked) -> Answer, #[case] verdict: Verdict, #[case] detail: &str) {
    let report = check(&serve(rule).await, true).await;
    assert_eq!(outcome(&report), (verdict, Some(LayerKind::Handshake)), "{report:?}");
    let said = report.detail.as_deref().unwrap_or_default();
    assert!(said.contains(detail) && !said.contains('\u{fffd}'), "{said}");
}

#[tokio::test]
async fn a_refusal_in_the_protocols_words_is_about_the_token() {
    let report = check(&serve(|asked: &Asked| error(asked, -32001, "Unauthorized")).await, true).await;
    assert_eq!(outcome(&report), (Verdict::NotAllowed, Some(LayerKind::SignIn)), "{report:?}");
    assert_eq!(report.detail.as_deref(), Some("Unauthorized"));
}

/// The bridge does not mind either.
#[tokio::test]
async fn an_unusual_content_type_is_not_minded() {
    let rule = |asked: &Asked| match asked.rpc().as_str() {
        "initialize" => {
            http(OK, "content-type: text/plain\r\n", result_text(asked, r#"{"protocolVersion":"2025-06-18"}"#))
        }
        _ => http("202 Accepted", "", ""),
    };
    let report = check(&serve(rule).await, true).await;
    assert_eq!((outcome(&report), report.tools), ((Verdict::Working, None), Some(0)), "{report:?}");
}

#[tokio::test]
async fn what_is_said_about_a_refusal_is_told() {
    let scope = "www-authenticate: Bearer error=\"insufficient_scope\", error_description=\"More!\", scope=\"a b\"\r\n";
    let report = check(&serve(move |_: &Asked| http("403 Forbidden", scope, "")).await, true).await;
    assert_eq!((report.missing_right.as_deref(), report.detail.as_deref()), (Some("a b"), Some("More!")));
    let rule = |_: &Asked| http("429 Too Many Requests", "retry-after: 7\r\n", "Slow down.");
    let report = check(&serve(rule).await, true).await;
    assert_eq!((report.retry_after, report.detail.as_deref()), (Some(7), Some("Too many requests. Slow down.")));
}
