//! Texts that are made to mislead whoever reads them: they come out as one plain, bounded line.

use rstest::rstest;

use super::check;
use super::server::{Answer, Asked, but, http, result, serve};

/// Codes for terminals, marks that turn the direction of letters, signs that nobody sees, and several lines.
const MISLEADING: &str =
    "\u{1b}[31mAll\u{7} is\r\n\u{202e}fine\u{2066}\u{200b}\u{61c}\u{ad}\u{2028}now\u{9b}\u{feff}\u{e0041}\u{2060}";

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn named(asked: &Asked, name: &str, version: &str) -> Answer {
    let info = format!(r#"{{"name":{},"version":{}}}"#, quoted(name), quoted(version));
    but(asked, "initialize", || {
        result(asked, &format!(r#"{{"protocolVersion":"2025-06-18","capabilities":{{}},"serverInfo":{info}}}"#))
    })
}

#[rstest]
#[case::refusal(|_: &Asked| http("403 Forbidden", "", MISLEADING))]
#[case::fault(|_: &Asked| http("500 Internal Server Error", "", format!(r#"{{"message":{}}}"#, quoted(MISLEADING))))]
#[case::tool(|asked: &Asked| but(asked, "tools/call", || result(asked, &format!(r#"{{"isError":true,"content":[{{"text":{}}}]}}"#, quoted(MISLEADING)))))]
#[case::name(|asked: &Asked| named(asked, MISLEADING, MISLEADING))]
#[tokio::test]
async fn what_misleads_is_taken_out(#[case] rule: fn(&Asked) -> Answer) {
    let report = check(&serve(rule).await, true).await;
    let server = report.server.as_ref().filter(|server| server.version != "1");
    let layers = report.layers.iter().filter_map(|layer| layer.detail.as_deref());
    let told: Vec<&str> = server
        .into_iter()
        .flat_map(|server| [server.name.as_str(), server.version.as_str()])
        .chain(report.detail.as_deref())
        .chain(layers.filter(|detail| detail.contains("fine")))
        .collect();
    assert!(!told.is_empty(), "{report:?}");
    for text in told {
        assert_eq!(text, "[31mAll is fine now", "{report:?}");
    }
}

#[tokio::test]
async fn a_very_long_name_is_cut() {
    let rule = |asked: &Asked| named(asked, &"x".repeat(10_000), "1");
    let server = check(&serve(rule).await, true).await.server.expect("it has a name");
    assert_eq!((server.name.len(), server.version.as_str()), (300, "1"));
}
