//! Answers down to their bytes: odd ones get through, and what is none gets a sentence in time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::app::{App, Keychain, request};
use crate::service::{Reply, Service, Step, result};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const ANSWER: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"b\"}}";

/// What happens after the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Closes,
    /// Nothing, for as long as the caller stays.
    Hangs,
}

/// Answers each request with the same bytes; the requests as they came.
async fn serve(bytes: Vec<u8>, then: Then) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (bytes, heard) = (bytes.clone(), heard.clone());
            tokio::spawn(async move {
                let Ok(request) = read(&mut stream).await else { return };
                heard.lock().expect("nobody panicked").push(request);
                let _ = stream.write_all(&bytes).await;
                if then == Then::Hangs {
                    let _ = stream.read(&mut [0]).await;
                }
            });
        }
    });
    (url, asked)
}

async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut all = Vec::new();
    loop {
        if stream.read_buf(&mut all).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&all).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Ok(text);
        }
    }
}

fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn long_header(kilobytes: usize) -> Vec<u8> {
    whole(&format!("{HEAD}X-Long: {}\r\n", "x".repeat(kilobytes * 1024)), ANSWER.as_bytes())
}

#[rstest]
#[case::another_type(whole("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", ANSWER.as_bytes()))]
#[case::no_type(whole("HTTP/1.1 200 OK\r\n", ANSWER.as_bytes()))]
#[case::called_a_page(whole("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", ANSWER.as_bytes()))]
#[case::no_length_at_all(format!("{HEAD}\r\n{ANSWER}").into_bytes())]
#[case::words_before(whole(&format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{HEAD}"), ANSWER.as_bytes()))]
#[case::trailers(format!("{HEAD}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n{:x}\r\n{ANSWER}\r\n0\r\nX-Sum: 1\r\n\r\n", ANSWER.len()).into_bytes())]
#[case::a_long_header(long_header(64))]
#[case::identity(whole(&format!("{HEAD}Content-Encoding: identity\r\n"), ANSWER.as_bytes()))]
#[case::a_mark_before_the_stream(whole(EVENTS, format!("\u{feff}data: {ANSWER}\n\n").as_bytes()))]
#[tokio::test]
async fn odd_answers_get_through(#[case] bytes: Vec<u8>) {
    let (url, _) = serve(bytes, Then::Closes).await;
    let mut app = App::start(&Keychain::open(&url));
    app.say(&request(1, "ping")).await;
    assert_eq!(app.line().await, ANSWER);
}

const COMPRESSED: &str = "comes compressed, which nobody asked for";
const UNREADABLE: &str = "cannot be read";
const NO_SERVER: &str = "is no MCP server";
const CUT: &str = "was cut off";

#[rstest]
#[case::gzip(whole(&format!("{HEAD}Content-Encoding: gzip\r\n"), b"\x1f\x8b\x08\0\0\0\0\0\0\xff"), "not_mcp", COMPRESSED)]
#[case::br(whole(&format!("{HEAD}Content-Encoding: br\r\n"), b"\x0b\x02\x80"), "not_mcp", COMPRESSED)]
#[case::zstd(whole(&format!("{HEAD}Content-Encoding: zstd\r\n"), b"\x28\xb5\x2f\xfd"), "not_mcp", COMPRESSED)]
#[case::a_compressed_stream(whole(&format!("{EVENTS}Content-Encoding: gzip\r\n"), b"\x1f\x8b\x08"), "not_mcp", COMPRESSED)]
#[case::no_utf8(whole(HEAD, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}"), "not_mcp", UNREADABLE)]
#[case::no_utf8_in_a_stream(
    format_bytes(EVENTS, b"\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}\n\n"),
    "not_mcp",
    UNREADABLE
)]
#[case::a_mark_before_the_text(whole(HEAD, format!("\u{feff}{ANSWER}").as_bytes()), "not_mcp", NO_SERVER)]
#[case::another_id(whole(HEAD, ANSWER.replace("1,", "2,").as_bytes()), "not_mcp", NO_SERVER)]
#[case::nothing(whole(HEAD, b""), "not_mcp", NO_SERVER)]
#[case::no_content(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), "not_mcp", NO_SERVER)]
#[case::a_date_to_wait_for(
    whole("HTTP/1.1 429 Slow down\r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", b""),
    "service_error",
    "too many requests"
)]
#[case::too_long_a_header(long_header(1024), "too_large", "too large")]
#[case::no_http(b"SSH-2.0-x\r\n".to_vec(), "not_mcp", "no web service")]
#[tokio::test]
async fn what_is_no_answer_gets_its_sentence_whether_it_hangs_or_closes(
    #[case] bytes: Vec<u8>,
    #[case] code: &str,
    #[case] words: &str,
) {
    for then in [Then::Closes, Then::Hangs] {
        refuses(&serve(bytes.clone(), then).await.0, code, words).await;
    }
}

/// What the status says is enough; what a service says beside it may be missing.
#[rstest]
#[case::busy(503, "service_error", "a fault of its own (503)")]
#[case::too_many(429, "service_error", "too many requests")]
#[case::forbidden(403, "not_allowed", "not allow")]
#[case::elsewhere(302, "wrong_address", "sends elsewhere")]
#[case::odd(402, "service_error", "(402)")]
#[tokio::test]
async fn a_refusal_that_never_ends_is_told_all_the_same(
    #[case] status: u16,
    #[case] code: &str,
    #[case] words: &str,
    #[values("initialize", "ping")] method: &str,
) {
    let bytes = format!("HTTP/1.1 {status} No\r\nContent-Length: 500\r\n\r\nbusy");
    let (url, _) = serve(bytes.into_bytes(), Then::Hangs).await;
    let mut app = App::start(&Keychain::open(&url));
    let answer = app.request(1, method).await;
    assert_eq!(answer["error"]["data"]["code"], code, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(words)), "{answer}");
}

/// As a service does that answers everything with its pages.
#[tokio::test]
async fn a_refusal_without_end_is_read_no_further_than_it_is_told() {
    let body = "x".repeat(3 * 1024 * 1024);
    let bytes = whole("HTTP/1.1 500 No\r\n", body.as_bytes());
    refuses(&serve(bytes, Then::Hangs).await.0, "service_error", "a fault of its own (500)").await;
}

#[tokio::test]
async fn a_compressed_answer_to_the_first_question_is_not_opened_either() {
    let answer = ANSWER.replace(r#"{"a":"b"}"#, r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#);
    for (coding, code) in [("gzip", Some("not_mcp")), ("", None), (" identity", None)] {
        let (url, _) =
            serve(whole(&format!("{HEAD}Content-Encoding: {coding}\r\n"), answer.as_bytes()), Then::Closes).await;
        let mut app = App::start(&Keychain::open(&url));
        let said = app.request(1, "initialize").await;
        assert_eq!(said["error"]["data"]["code"].as_str(), code, "{coding}: {said}");
    }
}

fn format_bytes(head: &str, rest: &[u8]) -> Vec<u8> {
    [head.as_bytes(), rest].concat()
}

#[rstest]
#[case::after_the_head(format!("{HEAD}Content-Length: 50\r\n\r\n").into_bytes(), "broken", CUT)]
#[case::in_the_head(HEAD.as_bytes().to_vec(), "broken", CUT)]
#[case::at_once(Vec::new(), "broken", CUT)]
#[case::in_the_answer(format!("{HEAD}Content-Length: 500\r\n\r\n{ANSWER}").into_bytes(), "broken", CUT)]
#[case::in_an_event(format!("{EVENTS}\r\ndata: {ANSWER}").into_bytes(), "broken", CUT)]
#[case::a_stream_of_another_id(format!("{EVENTS}\r\ndata: x\n\n").into_bytes(), "broken", CUT)]
#[tokio::test]
async fn a_service_that_hangs_up_is_told(#[case] bytes: Vec<u8>, #[case] code: &str, #[case] words: &str) {
    refuses(&serve(bytes, Then::Closes).await.0, code, words).await;
}

async fn refuses(url: &str, code: &str, words: &str) {
    let mut app = App::start(&Keychain::open(url));
    let answer = app.request(1, "ping").await;
    assert_eq!(answer["error"]["data"]["code"], code, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(words)), "{answer}");
}

#[tokio::test]
async fn what_a_service_asks_to_be_kept_is_not_brought_back() {
    let head = format!("{HEAD}Set-Cookie: session=canary; Path=/\r\n");
    let (url, asked) = serve(whole(&head, ANSWER.as_bytes()), Then::Closes).await;
    let mut app = App::start(&Keychain::open(&url));
    for _ in 0..2 {
        app.say(&request(1, "ping")).await;
        assert_eq!(app.line().await, ANSWER);
    }
    let asked = asked.lock().expect("nobody panicked");
    assert_eq!(asked.len(), 2);
    assert!(
        asked.iter().all(|request| !request.contains("canary") && !request.contains("accept-encoding")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_token_is_not_sent_to_another_origin_and_that_is_said() {
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = other.local_addr().expect("an address").to_string();
    for status in [307, 308] {
        let head = format!("HTTP/1.1 {status} Moved\r\nLocation: http://{there}/mcp\r\n");
        let (url, _) = serve(whole(&head, b""), Then::Closes).await;
        refuses(&url, "wrong_address", &format!("sends to http://{there}. The token was not sent there.")).await;
    }
    assert!(tokio::time::timeout(Duration::from_millis(200), other.accept()).await.is_err(), "nobody came");
}

/// A tool may take long, and a stream that says nothing meanwhile is how servers keep a line alive: it is the app that
/// gives up, and nobody else waits.
#[tokio::test]
async fn a_stream_without_end_and_without_words_keeps_nobody_else_waiting() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "tools/call" => {
            Reply::stream((0..1000).flat_map(|_| [Step::Say(": still here\n\n".to_owned()), Step::Wait(5)]))
        }
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    app.say(&request(7, "tools/call")).await;
    service.wait_for("tools/call", 1).await;
    assert_eq!(app.request(8, "ping").await["id"], 8);
    let begun = std::time::Instant::now();
    app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
