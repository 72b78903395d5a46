//! What a server's status says, and what it says about it.

use jiff::{Timestamp, ToSpan};
use patchbay_core::probe::{LayerKind, Verdict};
use rstest::rstest;

use super::said::*;
use super::server::{Answer, Asked, Step, but, error, error_text, head, http, json, serve};
use super::{JSON, OK, PAGE, check};

// What a status says about the token comes before all that a body may say.
#[rstest]
#[case::token_refused(|_: &Asked| http("401 Unauthorized", JSON, r#"{"message":"bad"}"#), true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::token_refused_by_a_page(|_: &Asked| http("401 Unauthorized", "content-type: text/html\r\n", PAGE), true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::token_refused_where_browsers_may_sign_in(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer error=\"invalid_token\", resource_metadata=\"https://x/y\"\r\n", ""), true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::token_refused_without_end(|_: &Asked| vec![head("401 Unauthorized", JSON), Step::Forever("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0)], true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::token_refused_and_silence(|_: &Asked| vec![head("401 Unauthorized", JSON), Step::Hang], true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::token_refused_in_the_protocols_words(|asked: &Asked| http("401 Unauthorized", JSON, error_text(asked, -32001, "no")), true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::wants_a_user_name(|_: &Asked| http("401 Unauthorized", "www-authenticate: Basic realm=\"x\", charset=\"UTF-8\"\r\n", ""), true, OTHER_SIGN_IN, LayerKind::SignIn)]
#[case::takes_a_token_or_a_user_name(|_: &Asked| http("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\nwww-authenticate: Bearer\r\n", ""), true, TOKEN_REFUSED, LayerKind::SignIn)]
#[case::sends_to_a_script(|_: &Asked| http("302 Found", "location: javascript:alert(1)\r\n", ""), true, SENT_ON, LayerKind::Handshake)]
#[case::wants_a_token(|_: &Asked| http("401 Unauthorized", "", ""), false, TOKEN_MISSING, LayerKind::SignIn)]
#[case::wants_a_token_and_says_how(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer realm=\"x\"\r\n", ""), false, TOKEN_MISSING, LayerKind::SignIn)]
#[case::wants_a_browser(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, WANTS_BROWSER, LayerKind::SignIn)]
#[case::wants_a_browser_in_its_second_challenge(|_: &Asked| http("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\nwww-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, WANTS_BROWSER, LayerKind::SignIn)]
#[case::wants_a_browser_by_its_description(described, false, WANTS_BROWSER, LayerKind::SignIn)]
#[case::wants_a_browser_with_blanks(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer resource_metadata = \"https://x/y\"\r\n", ""), false, WANTS_BROWSER, LayerKind::SignIn)]
#[case::wants_a_browser_in_other_letters(|_: &Asked| http("401 Unauthorized", "www-authenticate: bearer Resource_Metadata=\"https://x/y\"\r\n", ""), false, WANTS_BROWSER, LayerKind::SignIn)]
#[case::speaks_of_a_browser_in_its_words(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer error_description=\"no resource_metadata=x\"\r\n", ""), false, TOKEN_MISSING, LayerKind::SignIn)]
#[case::wants_a_token_before_a_site_of_pages(site, false, TOKEN_MISSING, LayerKind::SignIn)]
#[case::not_allowed(|_: &Asked| http("403 Forbidden", "", "no"), true, NOT_ALLOWED, LayerKind::SignIn)]
#[case::not_allowed_for_a_scope(|_: &Asked| http("403 Forbidden", "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"a b\"\r\n", ""), true, NOT_ALLOWED, LayerKind::SignIn)]
#[case::not_allowed_without_a_token(|_: &Asked| http("403 Forbidden", "", "no"), false, NOT_WITHOUT_TOKEN, LayerKind::SignIn)]
#[case::not_allowed_by_a_page(|_: &Asked| http("403 Forbidden", "content-type: text/html\r\n", PAGE), true, BLOCKED, LayerKind::Handshake)]
#[case::not_allowed_by_a_page_without_a_token(|_: &Asked| http("403 Forbidden", "content-type: text/html\r\n", PAGE), false, BLOCKED, LayerKind::Handshake)]
#[case::bad_request(|_: &Asked| http("400 Bad Request", "", "no"), true, TURNED_DOWN, LayerKind::Handshake)]
#[case::not_there(|_: &Asked| http("404 Not Found", "", ""), true, NOT_THERE, LayerKind::Handshake)]
#[case::page_not_there(|_: &Asked| http("404 Not Found", "content-type: text/html\r\n", PAGE), true, NOT_THERE, LayerKind::Handshake)]
#[case::gone(|_: &Asked| http("410 Gone", "", ""), true, GONE, LayerKind::Handshake)]
#[case::not_there_in_the_protocols_words(|asked: &Asked| http("404 Not Found", JSON, error_text(asked, -32600, "no")), true, FIRST_REFUSED, LayerKind::Handshake)]
#[case::no_post(|_: &Asked| http("405 Method Not Allowed", "allow: GET\r\n", ""), true, TURNED_DOWN, LayerKind::Handshake)]
#[case::not_acceptable(|_: &Asked| http("406 Not Acceptable", "", "no"), true, TURNED_DOWN, LayerKind::Handshake)]
#[case::wants_another_type(|_: &Asked| http("415 Unsupported Media Type", "", ""), true, TURNED_DOWN, LayerKind::Handshake)]
#[case::too_many(|_: &Asked| http("429 Too Many Requests", "retry-after: 7\r\n", ""), true, TOO_MANY, LayerKind::Handshake)]
#[case::fault(|_: &Asked| http("500 Internal Server Error", "", "boom"), true, FAULT, LayerKind::Handshake)]
#[case::not_made(|_: &Asked| http("501 Not Implemented", "", ""), true, FAULT, LayerKind::Handshake)]
#[case::bad_gateway(|_: &Asked| http("502 Bad Gateway", "content-type: text/html\r\n", PAGE), true, GATEWAY, LayerKind::Handshake)]
#[case::overloaded(|_: &Asked| http("503 Service Unavailable", "retry-after: 7\r\n", ""), true, OVERLOADED, LayerKind::Handshake)]
#[case::networks_own_page(|_: &Asked| http("511 Network Authentication Required", "content-type: text/html\r\n", PAGE), true, PORTAL, LayerKind::Handshake)]
#[case::slow_gateway(|_: &Asked| http("504 Gateway Timeout", "", ""), true, GATEWAY, LayerKind::Handshake)]
#[case::wants_to_be_paid(|_: &Asked| http("402 Payment Required", "", "no"), true, DECLINED, LayerKind::Handshake)]
#[case::wants_a_sign_in_as_a_proxy(|_: &Asked| http("407 Proxy Authentication Required", "", "no"), true, DECLINED, LayerKind::Handshake)]
#[case::waited_too_long(|_: &Asked| http("408 Request Timeout", "", "no"), true, SLOW, LayerKind::Handshake)]
#[case::too_large_for_it(|_: &Asked| http("413 Content Too Large", "", "no"), true, DECLINED, LayerKind::Handshake)]
#[case::for_another(|_: &Asked| http("421 Misdirected Request", "", "no"), true, DECLINED, LayerKind::Handshake)]
#[case::headers_too_large_for_it(|_: &Asked| http("431 Request Header Fields Too Large", "", "no"), true, DECLINED, LayerKind::Handshake)]
#[case::not_by_law(|_: &Asked| http("451 Unavailable For Legal Reasons", "content-type: text/html\r\n", PAGE), true, DECLINED, LayerKind::Handshake)]
#[tokio::test]
async fn status(#[case] rule: fn(&Asked) -> Answer, #[case] token: bool, #[case] said: Said, #[case] layer: LayerKind) {
    says(&check(&serve(rule).await, token).await, said, layer);
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

#[tokio::test]
async fn another_kind_of_sign_in_is_named_and_a_place_that_is_none_is_not() {
    let basic = |_: &Asked| http("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\n", "");
    assert_eq!(check(&serve(basic).await, true).await.detail.as_deref(), Some("Basic"));
    let script = |_: &Asked| http("307 Temporary Redirect", "location: javascript:alert(1)\r\n", "");
    assert_eq!(check(&serve(script).await, true).await.detail, None);
}

#[tokio::test]
async fn a_refusal_in_the_protocols_words_is_about_the_token() {
    let report = check(&serve(|asked: &Asked| error(asked, -32001, "Unauthorized")).await, true).await;
    says(&report, NOT_ALLOWED, LayerKind::SignIn);
    assert_eq!(report.detail.as_deref(), Some("Unauthorized"));
}

#[tokio::test]
async fn a_permission_that_the_service_names_is_told() {
    let scope = "www-authenticate: Bearer error=\"insufficient_scope\", error_description=\"More!\", scope=\"a b\"\r\n";
    let report = check(&serve(move |_: &Asked| http("403 Forbidden", scope, "")).await, true).await;
    assert_eq!((report.missing_right.as_deref(), report.detail.as_deref()), (Some("a b"), Some("More!")));
    assert_eq!(report.status, Some(403));
}

/// In seconds, or as a moment.
#[tokio::test]
async fn how_long_to_wait_is_told_in_seconds() {
    let then = Timestamp::now().checked_add(90.seconds()).expect("a moment");
    let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let past = "Sun, 06 Nov 1994 08:49:37 GMT".to_owned();
    let month = 30 * 24 * 3600;
    let cases = [
        ("7".to_owned(), Some(7..=7)),
        ("99999999999999".to_owned(), Some(month..=month)),
        (date, Some(85..=90)),
        (past, None),
        ("soon".to_owned(), None),
        ("0".to_owned(), None),
    ];
    for (value, expected) in cases {
        let headers = format!("retry-after: {value}\r\n");
        let rule = move |_: &Asked| http("429 Too Many Requests", &headers, "Slow down.");
        let report = check(&serve(rule).await, true).await;
        let told = report.retry_after;
        let fits = told.map_or(expected.is_none(), |told| expected.is_some_and(|range| range.contains(&told)));
        assert!(fits, "{value}: {told:?}");
        assert_eq!(report.detail.as_deref(), Some("Slow down."));
    }
}

/// One code is used for a refusal by some, and by others for a session that is lost or a time that is over.
#[rstest]
#[case::session_lost("Session not found")]
#[case::time_over("Request timed out")]
#[tokio::test]
async fn what_is_no_refusal_in_the_protocols_words_is_a_fault(#[case] words: &'static str) {
    let report = check(&serve(move |asked: &Asked| error(asked, -32001, words)).await, true).await;
    says(&report, FAULT, LayerKind::Handshake);
    assert_eq!((report.detail.as_deref(), report.status), (Some(words), Some(200)));
}

#[tokio::test]
async fn a_refusal_in_the_protocols_words_is_about_no_token_where_none_was_sent() {
    for (code, words) in [(-32001, "Unauthorized"), (-32003, "no"), (403, "no")] {
        let report = check(&serve(move |asked: &Asked| error(asked, code, words)).await, false).await;
        says(&report, NOT_WITHOUT_TOKEN, LayerKind::SignIn);
    }
}

#[tokio::test]
async fn a_refusal_in_the_protocols_words_keeps_the_status_that_was_answered() {
    let rule = |asked: &Asked| http("404 Not Found", JSON, error_text(asked, -32003, "no"));
    let report = check(&serve(rule).await, true).await;
    assert_eq!((report.verdict, report.status), (Verdict::NotAllowed, Some(404)), "{report:?}");
    assert_eq!(check(&serve(|asked: &Asked| error(asked, -32003, "no")).await, true).await.status, Some(403));
}

#[tokio::test]
async fn a_request_that_is_turned_down_is_told_with_its_status() {
    let paid = |_: &Asked| http("402 Payment Required", JSON, r#"{"message":"The plan has ended."}"#);
    let report = check(&serve(paid).await, true).await;
    assert_eq!(report.detail.as_deref(), Some("402 Payment Required: The plan has ended."));
    let law = |asked: &Asked| but(asked, "tools/list", || http("451 X", "content-type: text/html\r\n", PAGE));
    let report = check(&serve(law).await, true).await;
    says(&report, DECLINED, LayerKind::Tools);
    assert_eq!(report.detail.as_deref(), Some("451 Unavailable For Legal Reasons"));
}

#[rstest]
#[case::quoted(r#"Bearer error_description="say \"please\", then \\ go""#, "say \"please\", then \\ go")]
#[case::of_one_word("Bearer error_description=no, realm=x", "no")]
#[case::without_an_end(r#"Bearer error_description="no"#, "no")]
#[case::after_another(r#"Negotiate abc==, Bearer realm="a, error_description=b" , ERROR_DESCRIPTION = "no""#, "no")]
#[tokio::test]
async fn words_in_a_challenge_are_told_whole(#[case] challenge: &'static str, #[case] words: &str) {
    let headers = format!("www-authenticate: {challenge}\r\n");
    let report = check(&serve(move |_: &Asked| http("401 Unauthorized", &headers, "")).await, true).await;
    assert_eq!(report.detail.as_deref(), Some(words));
}
