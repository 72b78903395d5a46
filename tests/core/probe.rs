//! Each case is a server that behaves in one way, and the verdict that tells the truth about it.

use std::time::Duration;

use jiff::Timestamp;
use patchbay_core::catalog::ToolCall;
use patchbay_core::connection::AuthHeader;
use patchbay_core::probe::{LayerKind, Limits, Mark, Probe, Report, Verdict, curl, probe};
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CANARY: &str = "canary-5d41402abc4b2a76b9719d911017c592";

fn limits() -> Limits {
    let short = Duration::from_millis(400);
    Limits { connect: short, exchange: short, discover: Duration::from_millis(150), body: 20_000, pages: 3 }
}

async fn check(url: &str, token: bool) -> Report {
    let mut endpoint = Endpoint::new(url).expect("an address");
    if token {
        endpoint = endpoint.with_auth(&AuthHeader::default(), &Secret::new(CANARY)).expect("a header");
    }
    let tool = Some(ToolCall { name: "whoami".into(), arguments: serde_json::json!({}) });
    probe(&Probe { endpoint, tool, has_token: token, limits: limits() }, Timestamp::now(), |_| {}).await
}

/// A server that gives each request the answer that `answer` makes of it; `None` says nothing at all.
async fn server(answer: fn(&str) -> Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                match answer(&request) {
                    Some(text) => drop(stream.write_all(text.as_bytes()).await),
                    None => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            });
        }
    });
    url
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let wanted =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= wanted.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return text,
            Ok(n) => all.extend_from_slice(&piece[..n]),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an answer is optional for a server")]
fn http(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn json(body: &str) -> Option<String> {
    http("200 OK", "content-type: application/json\r\n", body)
}

fn id(request: &str) -> &str {
    let rest = request.split("\"id\":").nth(1).unwrap_or("0");
    &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())]
}

/// A well-behaved server of the older generations.
fn legacy(request: &str) -> Option<String> {
    let id = id(request);
    if request.starts_with("DELETE") || request.contains("notifications/initialized") {
        return http("202 Accepted", "", "");
    }
    if request.contains("server/discover") {
        return http("400 Bad Request", "", "no session");
    }
    if request.contains("\"initialize\"") {
        let result =
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}"#;
        let body = format!(
            "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"x\"}}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n\n"
        );
        return http("200 OK", "content-type: text/event-stream\r\nmcp-session-id: s1\r\n", &body);
    }
    if !request.contains("mcp-session-id: s1") {
        return http("404 Not Found", "", "");
    }
    if request.contains("tools/list") {
        return json(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"whoami"}},{{"name":"b"}}]}}}}"#
        ));
    }
    json(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#))
}

/// A well-behaved server of the newest generation.
fn modern(request: &str) -> Option<String> {
    let id = id(request);
    if !request.to_lowercase().contains("mcp-protocol-version: 2026-07-28") {
        return http("400 Bad Request", "", "");
    }
    if request.contains("server/discover") {
        return json(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"supportedVersions":["2026-07-28"],"capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"new","version":"2"}}}}}}"#
        ));
    }
    if request.contains("tools/list") {
        return json(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"whoami"}}]}}}}"#));
    }
    if !request.to_lowercase().contains("mcp-name: whoami") {
        return http("400 Bad Request", "", "");
    }
    json(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#))
}

fn forbidden_call(request: &str) -> Option<String> {
    if request.contains("tools/call") {
        return http(
            "403 Forbidden",
            "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"inbox:read\"\r\n",
            r#"{"message":"Forbidden: Sera AI is off"}"#,
        );
    }
    legacy(request)
}

#[rstest]
#[case::older(legacy, "2025-06-18", 2)]
#[case::newest(modern, "2026-07-28", 1)]
#[tokio::test]
async fn servers_of_both_generations_work(
    #[case] answer: fn(&str) -> Option<String>,
    #[case] protocol: &str,
    #[case] tools: u32,
) {
    let report = check(&server(answer).await, true).await;
    assert_eq!(report.verdict, Verdict::Working, "{report:?}");
    assert_eq!((report.protocol.as_deref(), report.tools), (Some(protocol), Some(tools)));
    let marks: Vec<_> = report.layers.iter().map(|layer| (layer.kind, layer.mark)).collect();
    let kinds: Vec<_> = marks.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, LayerKind::ALL);
    assert!(
        marks.iter().filter(|(kind, _)| *kind >= LayerKind::SignIn).all(|(_, mark)| *mark == Mark::Passed),
        "{marks:?}"
    );
}

#[rstest]
#[case::silent(|_: &str| None, true, Verdict::TooSlow, LayerKind::Handshake)]
#[case::refused_token(|_: &str| http("401 Unauthorized", "", r#"{"message":"bad"}"#), true, Verdict::TokenRefused, LayerKind::SignIn)]
#[case::wants_a_token(|_: &str| http("401 Unauthorized", "", ""), false, Verdict::TokenMissing, LayerKind::SignIn)]
#[case::wants_a_browser(|_: &str| http("401 Unauthorized", "www-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, Verdict::NeedsBrowserSignIn, LayerKind::SignIn)]
#[case::not_allowed(|_: &str| http("403 Forbidden", "", "no"), true, Verdict::NotAllowed, LayerKind::SignIn)]
#[case::not_there(|_: &str| http("404 Not Found", "", ""), true, Verdict::WrongAddress, LayerKind::Handshake)]
#[case::no_post(|_: &str| http("405 Method Not Allowed", "", ""), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::web_page(|_: &str| http("200 OK", "content-type: text/html\r\n", "<!doctype html><p>Log in"), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::other_json(|_: &str| json(r#"{"hello":1}"#), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::no_json(|_: &str| json("{ nope"), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::wrong_id(|_: &str| json(r#"{"jsonrpc":"2.0","id":999,"result":{"protocolVersion":"2025-06-18"}}"#), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::error(|r: &str| json(&format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32600,"message":"no"}}}}"#, id(r))), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::fault(|_: &str| http("503 Service Unavailable", "retry-after: 7\r\n", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::too_many(|_: &str| http("429 Too Many Requests", "retry-after: 7\r\n", ""), true, Verdict::ServiceError, LayerKind::SignIn)]
#[case::hangs_up(|_: &str| Some(String::new()), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::cut_off(|_: &str| Some("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{".into()), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::no_http(|_: &str| Some("SSH-2.0-OpenSSH\r\n".into()), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless(|_: &str| json(&"1".repeat(50_000)), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::endless_stream(|_: &str| http("200 OK", "content-type: text/event-stream\r\n", &": x\n\n".repeat(10_000)), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::stream_without_answer(|_: &str| http("200 OK", "content-type: text/event-stream\r\n", "data: {}\n\n"), true, Verdict::NotMcp, LayerKind::Handshake)]
#[case::circles(|_: &str| http("307 Temporary Redirect", "location: /mcp\r\n", ""), true, Verdict::WrongAddress, LayerKind::SignIn)]
#[case::moved(|_: &str| http("302 Found", "location: /login\r\n", ""), true, Verdict::WrongAddress, LayerKind::Handshake)]
#[case::call_forbidden(forbidden_call, true, Verdict::NotAllowed, LayerKind::Call)]
#[tokio::test]
async fn every_server_gets_its_true_verdict(
    #[case] answer: fn(&str) -> Option<String>,
    #[case] token: bool,
    #[case] verdict: Verdict,
    #[case] layer: LayerKind,
) {
    let report = check(&server(answer).await, token).await;
    let failed: Vec<_> =
        report.layers.iter().filter(|layer| layer.mark == Mark::Failed).map(|layer| layer.kind).collect();
    assert_eq!((report.verdict, failed), (verdict, vec![layer]), "{report:?}");
    assert!(!format!("{report:?}").contains(CANARY));
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_services_words() {
    let report = check(&server(forbidden_call).await, true).await;
    assert_eq!(report.missing_right.as_deref(), Some("inbox:read"));
    assert_eq!(report.detail.as_deref(), Some("Forbidden: Sera AI is off"));
    let report = check(&server(|_: &str| http("503 Service Unavailable", "retry-after: 7\r\n", "")).await, true).await;
    assert_eq!(report.retry_after, Some(7));
}

#[tokio::test]
async fn nobody_there_and_no_such_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let report = check(&format!("http://{address}/mcp"), true).await;
    assert_eq!((report.verdict, report.layers[1].mark), (Verdict::Unreachable, Mark::Failed));
    let report = check("https://no-such-name.invalid/mcp", true).await;
    assert_eq!(report.layers[0].mark, Mark::Failed, "{report:?}");
    assert!(matches!(report.verdict, Verdict::Unreachable | Verdict::TooSlow));
}

/// The other origin must not even be connected to.
#[rstest]
#[case(307)]
#[case(302)]
#[tokio::test]
async fn a_token_never_goes_to_another_origin(#[case] status: u16) {
    use std::sync::OnceLock;
    static ELSEWHERE: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let n = usize::from(status == 302);
    ELSEWHERE[n].set(format!("http://{}/mcp", other.local_addr().expect("an address"))).expect("once");
    let answer: fn(&str) -> Option<String> = if n == 0 {
        |_: &str| http("307 Temporary Redirect", &format!("location: {}\r\n", ELSEWHERE[0].get().expect("set")), "")
    } else {
        |_: &str| http("302 Found", &format!("location: {}\r\n", ELSEWHERE[1].get().expect("set")), "")
    };
    let report = check(&server(answer).await, true).await;
    assert_eq!(report.verdict, Verdict::WrongAddress, "{report:?}");
    assert!(tokio::time::timeout(Duration::from_millis(200), other.accept()).await.is_err(), "nobody came");
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let report = check(
        &server(|request: &str| {
            if request.starts_with("POST /mcp ") {
                return http("308 Permanent Redirect", "location: /there\r\n", "");
            }
            modern(request)
        })
        .await,
        true,
    )
    .await;
    assert_eq!(report.verdict, Verdict::Working, "{report:?}");
}

#[test]
fn curl_names_the_variable_and_never_the_token() {
    let endpoint = Endpoint::new("https://example.com/it's?a=1").expect("an address");
    let endpoint = endpoint.with_headers(&[("X-Account".into(), "w'dc".into())]).expect("a header");
    let endpoint = endpoint.with_auth(&AuthHeader::default(), &Secret::new(CANARY)).expect("a header");
    let command = curl(&endpoint, &AuthHeader::default(), true);
    assert!(command.contains("-H \"Authorization: Bearer $TOKEN\"") && !command.contains(CANARY), "{command}");
    let shell = std::process::Command::new("sh").args(["-n", "-c", &command]).status().expect("sh runs");
    assert!(shell.success(), "{command}");
}
