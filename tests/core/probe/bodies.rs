//! Bodies under a good status that are not the answer.

use patchbay_core::probe::LayerKind;
use rstest::rstest;

use super::said::*;
use super::server::{Answer, Asked, INITIALIZED, but, error, http, json, result, result_text, serve};
use super::{EVENTS, OK, PAGE, check};

/// The result of `initialize`, compressed, as a proxy might send it without being asked to.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0x56, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xb2, 0x32, 0xac, 5, 0, 0xf1,
    0x5b, 0x4a, 0x0c, 0x0b, 0, 0, 0,
];

#[rstest]
#[case::web_page(|_: &Asked| http(OK, "content-type: text/html; charset=utf-8\r\n", PAGE), WEB_PAGE, "")]
#[case::web_page_said_to_be_json(|_: &Asked| json(PAGE), WEB_PAGE, "")]
#[case::web_page_after_a_declaration(|_: &Asked| http(OK, "", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\"><html>"), WEB_PAGE, "")]
#[case::web_page_after_a_remark(|_: &Asked| http(OK, "content-type: text/plain\r\n", " <!-- hello --><HTML lang=\"en\">"), WEB_PAGE, "")]
#[case::markup_of_another_kind(|_: &Asked| http(OK, "content-type: application/xml\r\n", "<?xml version=\"1.0\"?><Error><Code>No</Code></Error>"), WRONG_ANSWER, "")]
#[case::nothing(|_: &Asked| http(OK, "", ""), WRONG_ANSWER, "")]
#[case::no_content(|_: &Asked| http("204 No Content", "", ""), WRONG_ANSWER, "")]
#[case::taken_and_not_answered(|_: &Asked| http("202 Accepted", "", ""), WRONG_ANSWER, "")]
#[case::plain_text(|_: &Asked| http(OK, "content-type: text/plain\r\n", "It works!"), WRONG_ANSWER, "It works!")]
#[case::other_json(|_: &Asked| json(r#"{"hello":1}"#), WRONG_ANSWER, "")]
#[case::no_json(|_: &Asked| json("{ nope"), UNREADABLE, "")]
#[case::a_list(|asked: &Asked| json(format!("[{}]", result_text(asked, INITIALIZED))), WRONG_ANSWER, "")]
#[case::no_text(|_: &Asked| json(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"protocolVersion\":\"\xff\xfe\"}}"), UNREADABLE, "")]
#[case::no_text_in_a_stream(|_: &Asked| http(OK, EVENTS, b"data: \xff\xfe\n\n"), UNREADABLE, "")]
#[case::compressed(|_: &Asked| http(OK, "content-type: application/json\r\ncontent-encoding: gzip\r\n", GZIP), COMPRESSED, "")]
#[case::compressed_without_saying_so(|_: &Asked| json(GZIP), UNREADABLE, "")]
#[case::stream_said_to_be_json(|asked: &Asked| json(format!("data: {}\n\n", result_text(asked, INITIALIZED))), UNREADABLE, "")]
#[case::json_said_to_be_a_stream(|asked: &Asked| http(OK, EVENTS, result_text(asked, INITIALIZED)), UNANSWERED, "")]
#[case::stream_without_answer(|_: &Asked| http(OK, EVENTS, "data: {}\n\n"), UNANSWERED, "")]
#[case::stream_of_another(|_: &Asked| http(OK, EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n\n"), UNANSWERED, "")]
#[case::stream_by_another_name(|asked: &Asked| http(OK, EVENTS, format!("event: response\ndata: {}\n\n", result_text(asked, INITIALIZED))), UNANSWERED, "")]
#[case::wrong_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","id":999,"result":{"protocolVersion":"2025-06-18"}}"#), WRONG_ANSWER, "")]
#[case::no_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","id":null,"result":{"protocolVersion":"2025-06-18"}}"#), WRONG_ANSWER, "")]
#[case::stream_of_nobody(|_: &Asked| http(OK, EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{\"protocolVersion\":\"2025-06-18\"}}\n\n"), UNANSWERED, "")]
#[case::id_as_text(|asked: &Asked| json(result_text(asked, INITIALIZED).replace(&format!("\"id\":{}", asked.id()), &format!("\"id\":\"{}\"", asked.id()))), WRONG_ANSWER, "")]
#[case::another_version_of_the_rules(|asked: &Asked| json(result_text(asked, INITIALIZED).replace("\"2.0\"", "\"1.0\"")), WRONG_ANSWER, "")]
#[case::no_protocol(|asked: &Asked| result(asked, "{}"), WRONG_ANSWER, "")]
#[case::result_is_a_list(|asked: &Asked| result(asked, "[]"), WRONG_ANSWER, "")]
#[case::result_is_text(|asked: &Asked| result(asked, "\"fine\""), WRONG_ANSWER, "")]
#[case::neither_result_nor_error(|asked: &Asked| json(format!(r#"{{"jsonrpc":"2.0","id":{}}}"#, asked.id())), WRONG_ANSWER, "")]
#[case::error(|asked: &Asked| error(asked, -32600, "no"), FIRST_REFUSED, "no")]
#[case::error_without_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#), FIRST_REFUSED, "no")]
#[case::error_that_names_no_id(|_: &Asked| json(r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#), FIRST_REFUSED, "no")]
#[case::method_not_found(|asked: &Asked| error(asked, -32601, "Method not found"), FIRST_REFUSED, "Method not found")]
#[case::fault_in_the_protocols_words(|asked: &Asked| error(asked, -32603, "boom"), FAULT, "boom")]
#[tokio::test]
async fn body(#[case] rule: fn(&Asked) -> Answer, #[case] said: Said, #[case] words: &str) {
    let report = check(&serve(rule).await, true).await;
    says(&report, said, LayerKind::Handshake);
    assert_eq!(report.detail.as_deref().unwrap_or_default(), words);
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
    says(&report, NO_TOOLS, None);
    assert_eq!(report.tools, Some(0));
}

/// What JavaScript reads, and with it the apps: half of a sign that was cut, a number beyond all, and things in things.
#[tokio::test]
async fn odd_json_that_apps_can_read_is_read() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in [r#""cut \ud83d""#, "1e999", "-1e999", deep.as_str(), r#"{"\udc00":1}"#] {
        let tools = format!(r#"{{"tools":[{{"name":"whoami","description":{odd}}},{{"name":"b"}}]}}"#);
        for as_event in [false, true] {
            let tools = tools.clone();
            let rule = move |asked: &Asked| {
                but(asked, "tools/list", || {
                    let text = result_text(asked, &tools);
                    if as_event { http(OK, EVENTS, format!("data: {text}\n\n")) } else { json(text) }
                })
            };
            let report = check(&serve(rule).await, true).await;
            says(&report, WORKS, None);
            assert_eq!(report.tools, Some(2), "{odd}");
        }
    }
}

#[tokio::test]
async fn a_name_with_half_of_a_sign_is_told_without_it() {
    let named = INITIALIZED.replace("\"old\"", r#""ol\ud83d""#);
    let rule = move |asked: &Asked| but(asked, "initialize", || result(asked, &named));
    let server = check(&serve(rule).await, true).await.server.expect("it has a name");
    assert!(server.name.starts_with("ol") && server.version == "1", "{server:?}");
}

#[tokio::test]
async fn a_coding_that_names_none_packs_nothing() {
    for coding in ["", " ", "identity", "Identity"] {
        let headers = format!("content-type: application/json\r\ncontent-encoding:{coding}\r\n");
        let rule =
            move |asked: &Asked| but(asked, "initialize", || http(OK, &headers, result_text(asked, INITIALIZED)));
        let report = check(&serve(rule).await, true).await;
        assert!(report.server.is_some(), "{coding:?}: {report:?}");
    }
}
