//! Servers that repeat the token in every place where they can: none of it is told on.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use patchbay_core::connection::AuthHeader;
use patchbay_core::probe::{Layer, Probe, Report, curl, probe};
use patchbay_core::secret::Secret;
use patchbay_core::wire::{Endpoint, base64};
use rstest::rstest;

use super::server::{Answer, Asked, INITIALIZED, but, error, http, json, result, result_text, serve};
use super::{CANARY, probe_of};

fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars().map(escape).collect()
}

fn percent(text: &str) -> String {
    escaped(text, |c| if c.is_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) })
}

/// The ways in which a token may be written; what follows it is never a part of it.
fn writings() -> Vec<String> {
    let long = format!("{}{CANARY}", "-".repeat(280));
    vec![
        CANARY.to_owned(),
        format!("Bearer {CANARY}"),
        format!("<b>{CANARY}</b>"),
        format!("\u{200b}{}\u{200b}", CANARY.replace("Rt2", "R\u{200b}t2")),
        CANARY.to_ascii_uppercase(),
        CANARY.to_ascii_lowercase(),
        CANARY[..24].to_owned(),
        CANARY[10..].to_owned(),
        percent(CANARY),
        percent(CANARY).to_ascii_lowercase(),
        percent(&percent(CANARY)),
        escaped(CANARY, |c| format!("%{:02x}", u32::from(c))),
        escaped(CANARY, |c| format!("&#{};", u32::from(c))),
        escaped(CANARY, |c| format!("&#x{:X};", u32::from(c))),
        escaped(CANARY, |c| format!("\\u{:04x}", u32::from(c))),
        CANARY.replace('/', "\\/"),
        escaped(CANARY, |c| format!("{:02x}", u32::from(c))),
        base64(CANARY.as_bytes()),
        base64(CANARY.as_bytes()).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned(),
        percent(&base64(CANARY.as_bytes())),
        base64(format!("Bearer {CANARY}").as_bytes()),
        base64(format!("user:{CANARY}").as_bytes()),
        base64(format!("u:{CANARY}!").as_bytes()),
        // It stands where texts are cut.
        long,
        format!("{}{CANARY}", " x".repeat(10_000)),
    ]
}

/// What a person or a program gets to see of a check.
struct Seen(String);

impl Seen {
    async fn of(probed: &Probe) -> Self {
        let told = Arc::new(Mutex::new(Vec::<Layer>::new()));
        let hear = told.clone();
        let tell = move |layer: &Layer| hear.lock().expect("nobody panicked").push(layer.clone());
        let report: Report = probe(probed, Timestamp::now(), tell).await;
        let json = serde_json::to_string(&report).expect("JSON");
        let command = curl(&probed.endpoint, &AuthHeader::default(), true);
        Self(format!("{json}\n{report:?}\n{told:?}\n{probed:?}\n{command}"))
    }

    /// Whether there is no part of the token in it.
    fn is_clean(&self, written: &str) {
        let text = self.0.to_ascii_lowercase();
        assert!(written.len() > 200 || !text.contains(&written.to_ascii_lowercase()), "{written}: {}", self.0);
        for part in CANARY.to_ascii_lowercase().as_bytes().windows(10) {
            let part = std::str::from_utf8(part).expect("text");
            assert!(!text.contains(part), "{written}: {part}: {}", self.0);
        }
    }
}

type Place = fn(&Asked, &str) -> Answer;

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[rstest]
#[case::plain_text(|_: &Asked, token: &str| http("401 Unauthorized", "", format!("unknown token {token}")))]
#[case::page(|_: &Asked, token: &str| http("401 Unauthorized", "content-type: text/html\r\n", format!("<html><p>unknown token {token}")))]
#[case::json_error(|_: &Asked, token: &str| http("401 Unauthorized", "", format!(r#"{{"error":{{"message":{}}}}}"#, quoted(token))))]
#[case::json_error_as_text(|_: &Asked, token: &str| http("403 Forbidden", "", format!(r#"{{"error":{}}}"#, quoted(token))))]
#[case::broken_json(|_: &Asked, token: &str| http("403 Forbidden", "", format!(r#"{{"error":{}"#, quoted(token))))]
#[case::fault(|_: &Asked, token: &str| http("500 Internal Server Error", "", format!("KeyError: '{token}'")))]
#[case::good_status(|_: &Asked, token: &str| http("200 OK", "", format!("Hello, {token}")))]
#[case::error_of_the_protocol(|asked: &Asked, token: &str| error(asked, -32600, &format!("unknown token {token}")))]
#[case::refused_by_the_protocol(|asked: &Asked, token: &str| error(asked, -32001, token))]
#[case::tools(|asked: &Asked, token: &str| but(asked, "tools/list", || error(asked, -32603, &format!("no tools for {token}"))))]
#[case::tools_status(|asked: &Asked, token: &str| but(asked, "tools/list", || http("400 Bad Request", "", format!("no tools for {token}"))))]
#[case::tool_names(|asked: &Asked, token: &str| but(asked, "tools/list", || result(asked, &format!(r#"{{"tools":[{{"name":{}}}]}}"#, quoted(token)))))]
#[case::call(|asked: &Asked, token: &str| but(asked, "tools/call", || error(asked, -32602, token)))]
#[case::call_text(|asked: &Asked, token: &str| but(asked, "tools/call", || result(asked, &format!(r#"{{"isError":true,"content":[{{"text":{}}}]}}"#, quoted(token)))))]
#[case::server_name(|asked: &Asked, token: &str| but(asked, "initialize", || introduced(asked, token, "1", "2025-06-18")))]
#[case::server_version(|asked: &Asked, token: &str| but(asked, "initialize", || introduced(asked, "n", token, "2025-06-18")))]
#[case::protocol(|asked: &Asked, token: &str| but(asked, "initialize", || introduced(asked, "n", "1", token)))]
#[tokio::test]
async fn a_body_that_repeats_the_token(#[case] place: Place) {
    for written in writings() {
        let token = written.clone();
        let url = serve(move |asked: &Asked| place(asked, &token)).await;
        Seen::of(&probe_of(&url, true)).await.is_clean(&written);
    }
}

fn introduced(asked: &Asked, name: &str, version: &str, protocol: &str) -> Answer {
    let (name, version, protocol) = (quoted(name), quoted(version), quoted(protocol));
    let info = format!(r#"{{"name":{name},"version":{version}}}"#);
    result(asked, &format!(r#"{{"protocolVersion":{protocol},"capabilities":{{}},"serverInfo":{info}}}"#))
}

#[rstest]
#[case::description(|_: &Asked, token: &str| http("401 Unauthorized", &format!("www-authenticate: Bearer error_description=\"bad {token}\"\r\n"), ""))]
#[case::bare_description(|_: &Asked, token: &str| http("401 Unauthorized", &format!("www-authenticate: Bearer error_description={token}\r\n"), ""))]
#[case::scope(|_: &Asked, token: &str| http("403 Forbidden", &format!("www-authenticate: Bearer scope=\"{token}\"\r\n"), ""))]
#[case::session(|asked: &Asked, token: &str| but(asked, "initialize", || http("200 OK", &format!("mcp-session-id: {token}\r\n"), result_text(asked, INITIALIZED))))]
#[case::location_elsewhere(|_: &Asked, token: &str| http("307 Temporary Redirect", &format!("location: https://elsewhere.example/?token={token}\r\n"), ""))]
#[case::user_elsewhere(|_: &Asked, token: &str| http("307 Temporary Redirect", &format!("location: https://u:{token}@elsewhere.example/\r\n"), ""))]
#[case::location(|asked: &Asked, token: &str| if asked.0.starts_with("POST /mcp ") { http("307 Temporary Redirect", &format!("location: /login?token={token}\r\n"), "") } else { json("{}") })]
#[case::location_of_a_page(|_: &Asked, token: &str| http("302 Found", &format!("location: /login?token={token}\r\n"), ""))]
#[tokio::test]
async fn a_head_that_repeats_the_token(#[case] place: Place) {
    for written in writings().into_iter().filter(|written| written.is_ascii() && written.len() < 400) {
        let token = written.clone();
        let url = serve(move |asked: &Asked| place(asked, &token)).await;
        Seen::of(&probe_of(&url, true)).await.is_clean(&written);
    }
}

/// A name of a host is the one part of a redirect that is told.
#[tokio::test]
async fn a_host_named_as_the_token() {
    let token = "Zq8vN3pLx7Rt2Wk5yB9mD4hJ6cF1sG0aE";
    let rule = move |_: &Asked| {
        http("307 Temporary Redirect", &format!("location: https://{token}.elsewhere.example/\r\n"), "")
    };
    let url = serve(rule).await;
    let endpoint = Endpoint::new(&url).expect("an address");
    let endpoint = endpoint.with_auth(&AuthHeader::default(), &Secret::new(token)).expect("a header");
    let seen = Seen::of(&Probe { endpoint, ..probe_of(&url, true) }).await.0;
    assert!(seen.contains("elsewhere.example"), "{seen}");
    assert!(!seen.to_ascii_lowercase().contains(&token.to_ascii_lowercase()), "{seen}");
}

/// What `Basic` carries is a password that anybody can read.
#[tokio::test]
async fn a_password_that_is_repeated() {
    let basic = AuthHeader::plain("Authorization", "Basic ");
    let secret = Secret::new(base64(b"somebody:opaque-password"));
    let rule = |_: &Asked| http("401 Unauthorized", "", "wrong: opaque-password for somebody:opaque-password");
    let url = serve(rule).await;
    let endpoint = Endpoint::new(&url).expect("an address").with_auth(&basic, &secret).expect("a header");
    let seen = Seen::of(&Probe { endpoint, ..probe_of(&url, true) }).await.0;
    assert!(seen.contains("wrong: ") && !seen.contains("opaque-password"), "{seen}");
}

/// A short token is hidden where it stands by itself, and words stay readable.
#[tokio::test]
async fn a_short_token_leaves_words_alone() {
    let rule = |_: &Asked| http("401 Unauthorized", "", "unknown: ten, often \"ten\"");
    let url = serve(rule).await;
    let endpoint = Endpoint::new(&url).expect("an address");
    let endpoint = endpoint.with_auth(&AuthHeader::default(), &Secret::new("ten")).expect("a header");
    let report = probe(&Probe { endpoint, ..probe_of(&url, true) }, Timestamp::now(), |_| {}).await;
    assert_eq!(report.detail.as_deref(), Some("unknown: •••, often \"•••\""));
}

#[tokio::test]
async fn words_without_a_token_come_through_as_they_are() {
    let rule = |_: &Asked| http("401 Unauthorized", "", "100% «wrong»: &amp; \\u00e9 %zz &#; %2");
    let report = probe(&probe_of(&serve(rule).await, true), Timestamp::now(), |_| {}).await;
    assert_eq!(report.detail.as_deref(), Some("100% «wrong»: &amp; \\u00e9 %zz &#; %2"));
}
