//! Servers that do not answer, answer too much, or speak another language.

use patchbay_core::probe::LayerKind;
use rstest::rstest;

use super::said::*;
use super::server::{Answer, Asked, Step, head, http, json, serve};
use super::{EVENTS, JSON, OK, check};

/// A message that is no answer to anything.
const OTHERS: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";

/// An answer that goes on for longer than an exchange may take, a few bytes at a time.
fn drips(headers: &str, text: &'static str) -> Answer {
    vec![head(OK, headers), Step::Forever(text, 50)]
}

#[rstest]
#[case::says_nothing(|_: &Asked| vec![Step::Hang], SLOW)]
#[case::hangs_after_the_head(|_: &Asked| vec![head(OK, JSON), Step::Hang], SLOW)]
#[case::hangs_after_the_streams_head(|_: &Asked| vec![head(OK, EVENTS), Step::Hang], SLOW)]
#[case::hangs_in_the_head(|_: &Asked| vec![Step::Say(b"HTTP/1.1 200".to_vec()), Step::Hang], SLOW)]
#[case::slow_between_bytes(|_: &Asked| drips(JSON, " "), SLOW)]
#[case::slow_between_events(|_: &Asked| drips(EVENTS, ": wait\n\n"), SLOW)]
#[case::slow_stream_of_events(|_: &Asked| drips(EVENTS, OTHERS), SLOW)]
#[case::hangs_up(|_: &Asked| vec![], CUT_OFF)]
#[case::hangs_up_in_the_head(|_: &Asked| vec![Step::Say(b"HTTP/1.1 200 OK\r\nconte".to_vec())], CUT_OFF)]
#[case::cut_off(|_: &Asked| vec![head(OK, "content-length: 900\r\n"), Step::Say(b"{".to_vec())], CUT_OFF)]
#[case::no_http(|_: &Asked| vec![Step::Say(b"SSH-2.0-OpenSSH\r\n".to_vec())], NO_HTTP)]
#[case::no_http_but_what_speaks_tls(|_: &Asked| vec![Step::Say(vec![0x15, 3, 1, 0, 2, 2, 70])], NO_HTTP)]
#[case::http_2_only(|_: &Asked| vec![Step::Say(vec![0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])], HTTP_2_ONLY)]
#[case::no_status(|_: &Asked| vec![Step::Say(b"HTTP/1.1 OK fine\r\n\r\n".to_vec())], NO_HTTP)]
#[case::huge_header(|_: &Asked| http(OK, &format!("x-padding: {}\r\n", "x".repeat(1_000_000)), "{}"), TOO_LARGE)]
#[case::headers_without_number(|_: &Asked| http(OK, &"x-a: b\r\n".repeat(5_000), "{}"), TOO_LARGE)]
#[case::larger_than_allowed(|_: &Asked| json("1".repeat(50_000)), TOO_LARGE)]
#[case::endless(|_: &Asked| vec![head(OK, JSON), Step::Forever("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0)], TOO_LARGE)]
#[case::endless_stream(|_: &Asked| vec![head(OK, EVENTS), Step::Forever(": x\n\n: x\n\n: x\n\n: x\n\n: x\n\n: x\n\n", 0)], TOO_LARGE)]
#[case::endless_stream_of_events(|_: &Asked| vec![head(OK, EVENTS), Step::Forever(OTHERS, 0)], TOO_LARGE)]
#[case::endless_event(|_: &Asked| vec![head(OK, EVENTS), Step::Forever("data: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0)], TOO_LARGE)]
#[case::endless_line(|_: &Asked| vec![head(OK, EVENTS), Step::Forever("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0)], TOO_LARGE)]
#[tokio::test]
async fn no_answer(#[case] rule: fn(&Asked) -> Answer, #[case] said: Said) {
    says(&check(&serve(rule).await, true).await, said, LayerKind::Handshake);
}

/// Not even by what it takes for unpacking.
#[rstest]
#[tokio::test]
async fn what_is_compressed_is_never_unpacked(#[values("gzip", "br", "zstd", "deflate")] coding: &str) {
    let headers = format!("{JSON}content-encoding: {coding}\r\n");
    let rule = move |asked: &Asked| {
        assert_eq!(asked.header("accept-encoding"), None, "nobody asks for it");
        vec![head(OK, &headers), Step::Forever("\u{1f}\u{8b}\u{8}\0\0\0\0\0", 0)]
    };
    says(&check(&serve(rule).await, true).await, COMPRESSED, LayerKind::Handshake);
}

/// The oldest kind that there is.
#[tokio::test]
async fn a_server_of_http_1_0_works() {
    let rule = |asked: &Asked| {
        let mut answer = super::server::legacy(asked);
        if let Some(Step::Say(head)) = answer.first_mut() {
            *head = String::from_utf8_lossy(head).replace("HTTP/1.1", "HTTP/1.0").into_bytes();
        }
        answer
    };
    says(&check(&serve(rule).await, true).await, WORKS, None);
}
