//! Addresses, asked as the app would: only in the ways that it speaks, and why it cannot where the service wants another.

use patchbay_core::start::FindingKind;
use rstest::rstest;
use serde_json::{Value, json};

use super::run::{kinds, went};
use crate::probe::CANARY;
use crate::probe::channel::oldest;
use crate::probe::server::{legacy, modern, serve};

/// A service by the one way that it speaks.
async fn service(way: &str) -> String {
    match way {
        "newest" => serve(modern).await,
        "oldest" => oldest().await,
        _ => serve(legacy).await,
    }
}

/// An entry whose address is `HERE`, with a token in it.
fn entry(text: &str, url: &str) -> Value {
    let mut entry: Value = serde_json::from_str(&text.replace("HERE", url)).expect("JSON");
    let headers = json!({ "Authorization": format!("Bearer {CANARY}") });
    let body = if entry.get("transport").is_some() { &mut entry["transport"] } else { &mut entry };
    for key in ["headers", "http_headers"] {
        body[key] = headers.clone();
    }
    body["requestOptions"] = json!({ "headers": headers });
    entry
}

const GOOSE: &str = r#"{"type":"streamable_http","name":"it","uri":"HERE","enabled":true}"#;
const ITEM: &str = r#"{"type":"streamable-http","name":"it","url":"HERE"}"#;

#[rstest]
#[case("claude-code", r#"{"type":"http","url":"HERE"}"#, &["newest", "present", "oldest"])]
#[case("claude-code", r#"{"type":"sse","url":"HERE"}"#, &["oldest"])]
#[case("codex", r#"{"url":"HERE"}"#, &["present"])]
#[case("gemini-cli", r#"{"httpUrl":"HERE"}"#, &["present"])]
#[case("gemini-cli", r#"{"url":"HERE"}"#, &["present"])]
#[case("gemini-cli", r#"{"url":"HERE","type":"sse"}"#, &["oldest"])]
#[case("goose", GOOSE, &["newest", "present"])]
#[case("cline", r#"{"url":"HERE"}"#, &["oldest"])]
#[case("cline", r#"{"type":"streamableHttp","url":"HERE"}"#, &["newest", "present", "oldest"])]
#[case("cline", r#"{"transport":{"type":"sse","url":"HERE"}}"#, &["oldest"])]
#[case("roo-code", r#"{"type":"sse","url":"HERE"}"#, &["oldest"])]
#[case("roo-code", r#"{"type":"streamable-http","url":"HERE"}"#, &["newest", "present"])]
#[case("continue", ITEM, &["present", "oldest"])]
#[case("cursor", r#"{"url":"HERE"}"#, &["newest", "present", "oldest"])]
#[tokio::test]
async fn an_app_speaks_only_in_its_own_ways(#[case] app: &str, #[case] text: &str, #[case] known: &[&str]) {
    let home = tempfile::tempdir().expect("a folder");
    for way in ["newest", "present", "oldest"] {
        let found = went(&home, app, &entry(text, &service(way).await)).await;
        assert_eq!(found.works, known.contains(&way), "{way}: {found:?}");
        let wanted = match way {
            _ if found.works => None,
            _ if known == ["oldest"] => Some(FindingKind::AsksOlderWay),
            "newest" => Some(FindingKind::NeedsNewestWay),
            _ => Some(FindingKind::NeedsOlderWay),
        };
        let cause = kinds(&found).into_iter().find(|kind| kind.stops());
        assert_eq!((cause, found.service.is_some()), (wanted, found.works), "{way}: {found:?}");
    }
}

/// What is wrong with the service itself is told as ever.
#[tokio::test]
async fn a_service_that_speaks_no_way_is_told_as_the_check_tells_it() {
    let home = tempfile::tempdir().expect("a folder");
    let url = serve(|_: &_| crate::probe::server::http("404 Not Found", "", "")).await;
    for text in [r#"{"type":"sse","url":"HERE"}"#, r#"{"type":"http","url":"HERE"}"#] {
        let found = went(&home, "claude-code", &entry(text, &url)).await;
        let verdict = found.service.as_ref().map(|report| report.verdict);
        assert_eq!(verdict, Some(patchbay_core::probe::Verdict::WrongAddress), "{found:?}");
        assert_eq!(kinds(&found), []);
    }
}

#[rstest]
#[case("claude-desktop", r#"{"url":"HERE"}"#, "Claude Desktop takes programs only.")]
#[case("claude-code", r#"{"url":"HERE"}"#, "Claude Code skips an address without a type.")]
#[case("goose", r#"{"type":"sse","name":"it","uri":"HERE","enabled":true}"#, "Goose skips an entry of this shape.")]
#[case("goose", r#"{"type":"streamable_http","name":"it","uri":"HERE"}"#, "Goose skips an entry of this shape.")]
#[case("codex", r#"{"url":"HERE","command":"cat"}"#, "Codex wants either a command or an address.")]
#[tokio::test]
async fn an_entry_that_its_app_does_not_take_is_not_tried(#[case] app: &str, #[case] text: &str, #[case] why: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let heard = asked.clone();
    let url = serve(move |one: &_| {
        heard.store(true, std::sync::atomic::Ordering::Relaxed);
        legacy(one)
    })
    .await;
    let found = went(&home, app, &entry(text, &url)).await;
    assert!(!found.works && !asked.load(std::sync::atomic::Ordering::Relaxed), "{found:?}");
    let (say, next) = found.findings[0].sentence("the app");
    assert_eq!((found.findings[0].kind, say.as_str()), (FindingKind::NotTaken, why));
    assert_eq!(next, "Connect it through Patchbay.");
}

/// Whether those work, Patchbay cannot say, so it says neither, and where to look.
#[rstest]
#[case("goose", r#"{"type":"builtin","name":"developer","enabled":true}"#, FindingKind::PartOfApp)]
#[case("zed", r#"{"settings":{}}"#, FindingKind::PartOfApp)]
#[case("claude-code", r#"{"type":"http","url":"HERE"}"#, FindingKind::AppSignsIn)]
#[tokio::test]
async fn what_only_the_app_can_tell_is_left_to_it(#[case] app: &str, #[case] text: &str, #[case] kind: FindingKind) {
    let home = tempfile::tempdir().expect("a folder");
    let challenge = "www-authenticate: Bearer resource_metadata=\"https://h/x\"\r\n";
    let url = serve(move |_: &_| crate::probe::server::http("401 Unauthorized", challenge, "")).await;
    let value: Value = serde_json::from_str(&text.replace("HERE", &url)).expect("JSON");
    let found = went(&home, app, &value).await;
    assert_eq!((found.works, found.open), (false, true), "{found:?}");
    let of_entry: Vec<_> = kinds(&found).into_iter().filter(|kind| *kind != FindingKind::RulesNotSure).collect();
    assert_eq!(of_entry, [kind]);
    let given = went(&home, app, &entry(text, &url)).await;
    assert_eq!(given.open, kind == FindingKind::PartOfApp, "a token that is refused is another matter: {given:?}");
}

#[tokio::test]
async fn an_entry_that_says_nothing_and_must_is_not_left_open() {
    let home = tempfile::tempdir().expect("a folder");
    let found = went(&home, "cursor", &json!({ "env": {} })).await;
    assert_eq!((found.works, found.open, kinds(&found)), (false, false, vec![FindingKind::NotTaken]));
}
