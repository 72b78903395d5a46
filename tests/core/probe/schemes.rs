use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use patchbay_core::catalog::{self, Resolved};
use patchbay_core::connection::Carrier;
use patchbay_core::wire::{base64, shown};
use patchbay_core::{Code, Error};

use super::*;
use server::http;

const MAIL: &str = "ana@example.com";

fn form(settings: &[(&str, &str)]) -> Result<Resolved, Vec<Error>> {
    let url = ("url", "http://127.0.0.1:9/mcp");
    let all: BTreeMap<_, _> =
        [&[url], settings].concat().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    catalog::find("custom").expect("a service").resolve(&all)
}

fn auth(settings: &[(&str, &str)]) -> AuthHeader {
    form(settings).expect("it resolves").auth
}

/// A scheme as the form gives it, and the headers that must arrive for the canary.
fn schemes() -> Vec<(AuthHeader, Vec<(&'static str, String)>)> {
    let pair = base64(format!("{MAIL}:{CANARY}").as_bytes());
    let own = |name: &'static str, value: String| vec![(name, value)];
    vec![
        (auth(&[]), own("authorization", format!("Bearer {CANARY}"))),
        (auth(&[("scheme", "basic-pair"), ("user", MAIL)]), own("authorization", format!("Basic {pair}"))),
        (auth(&[("scheme", "token-equals")]), own("authorization", format!("Token token={CANARY}"))),
        (auth(&[("scheme", "sentry-bearer")]), own("authorization", format!("Sentry-Bearer {CANARY}"))),
        (auth(&[("scheme", "none"), ("header", "X-API-Key")]), own("x-api-key", CANARY.to_owned())),
        (
            auth(&[("scheme", "bearer"), ("also", "X-API-Key\nX-Auth: Token")]),
            vec![
                ("authorization", format!("Bearer {CANARY}")),
                ("x-api-key", CANARY.to_owned()),
                ("x-auth", format!("Token {CANARY}")),
            ],
        ),
    ]
}

/// A service that answers only those who bring these headers, and notes what everybody brought.
async fn takes(wanted: Vec<(&'static str, String)>) -> (String, Arc<Mutex<Vec<Asked>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let notes = log.clone();
    let url = serve(move |asked: &Asked| {
        notes.lock().expect("nobody panicked").push(asked.clone());
        let fits = wanted.iter().all(|(name, value)| asked.header(name) == Some(value));
        if fits { legacy(asked) } else { http("401 Unauthorized", "", "who are you?") }
    })
    .await;
    (url, log)
}

#[tokio::test]
async fn a_check_sends_the_very_bytes_that_each_scheme_asks_for_with_every_request() {
    for (auth, wanted) in schemes() {
        let (url, log) = takes(wanted.clone()).await;
        let endpoint =
            Endpoint::new(&url).expect("an address").with_auth(&auth, &Secret::new(CANARY)).expect("headers");
        let report = probe(&Probe { endpoint, ..probe_of(&url, true) }, Timestamp::now(), |_| {}).await;
        assert_eq!(report.verdict, Verdict::Working, "{auth:?}: {report:?}");
        let log = std::mem::take(&mut *log.lock().expect("nobody panicked"));
        // Whoever only knocks says nothing.
        let log: Vec<_> = log.into_iter().filter(|asked| !asked.0.is_empty()).collect();
        assert!(log.len() > 3);
        for (name, value) in &wanted {
            assert!(log.iter().all(|asked| asked.header(name) == Some(value)), "{auth:?}");
        }
        let other =
            Endpoint::new(&url).expect("an address").with_auth(&auth, &Secret::new("another")).expect("headers");
        let refused = probe(&Probe { endpoint: other, ..probe_of(&url, true) }, Timestamp::now(), |_| {}).await;
        assert_eq!(refused.verdict, Verdict::TokenRefused, "{auth:?}");
    }
}

#[test]
fn what_is_copied_as_curl_sends_the_same_and_holds_no_token() {
    for (auth, wanted) in schemes() {
        let command = curl(&Endpoint::new("http://127.0.0.1:9/mcp").expect("an address"), &auth, true);
        assert!(!command.contains(CANARY) && !command.contains(&base64(CANARY.as_bytes())), "{command}");
        let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}");
        let ran =
            std::process::Command::new("sh").args(["-c", &script]).env("TOKEN", CANARY).output().expect("a shell");
        let said = String::from_utf8(ran.stdout).expect("text").to_lowercase();
        for (name, value) in wanted {
            assert!(said.contains(&format!("\n{name}: {value}\n").to_lowercase()), "{said}");
        }
    }
}

#[test]
fn an_app_that_asks_for_headers_gets_them_all() {
    for (auth, wanted) in schemes() {
        let endpoint = Endpoint::new("http://127.0.0.1:9/mcp").expect("an address");
        let headers = endpoint.with_auth(&auth, &Secret::new(CANARY)).expect("headers").exposed_headers();
        let mut lower: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let mut wanted: Vec<_> = wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        lower.sort();
        wanted.sort();
        assert_eq!(lower, wanted);
    }
}

#[test]
fn no_writing_of_a_paired_token_comes_back_from_a_service() {
    let auth = auth(&[("scheme", "basic-pair"), ("user", MAIL)]);
    let endpoint = Endpoint::new("http://127.0.0.1:9/mcp").expect("an address");
    let endpoint = endpoint.with_auth(&auth, &Secret::new(CANARY)).expect("headers");
    let pair = format!("{MAIL}:{CANARY}");
    let written = base64(pair.as_bytes());
    for said in [CANARY, &pair, &written, &base64(CANARY.as_bytes()), &format!("Basic {written}"), &written[..30]] {
        let shown = shown(&format!("wrong: {said} !"), std::slice::from_ref(&endpoint));
        assert!(shown.starts_with("wrong: ") && shown.ends_with(" !"), "{shown}");
        let kept = shown.replace(MAIL, "");
        let parts = said.as_bytes().windows(16);
        let told = parts.map(|part| std::str::from_utf8(part).expect("ASCII")).find(|part| kept.contains(part));
        assert_eq!(told, None, "{shown}");
    }
    assert!(!format!("{endpoint:?}").contains(&written) && !format!("{endpoint:?}").contains(MAIL));
}

#[rstest]
#[case::colon("ana:secret@example.com")]
#[case::line("ana@example.com\nX-Evil: 1")]
#[case::blank("ana example")]
#[case::nothing("")]
#[case::control("ana\u{7}@example.com")]
fn a_name_that_cannot_be_paired_is_refused_with_the_way_out(#[case] user: &str) {
    let errors = form(&[("scheme", "basic-pair"), ("user", user)]).expect_err("refused");
    assert_eq!((errors.len(), errors[0].code, errors[0].field.as_deref()), (1, Code::SettingInvalid, Some("user")));
    assert!(errors[0].hint.as_ref().is_some_and(|hint| hint.contains("without a colon")), "{errors:?}");
    let forced = AuthHeader { user: Some(user.to_owned()), ..AuthHeader::plain("Authorization", "Basic ") };
    let endpoint = Endpoint::new("http://127.0.0.1:9/mcp").expect("an address");
    let error = endpoint.with_auth(&forced, &Secret::new(CANARY)).expect_err("refused");
    assert!(error.code == Code::SettingInvalid && error.hint.is_some() && !format!("{error:?}").contains(CANARY));
}

#[test]
fn a_name_is_asked_for_only_where_it_is_paired() {
    assert_eq!(auth(&[("scheme", "bearer"), ("user", MAIL)]).user, None);
    assert_eq!(auth(&[("scheme", "basic")]).user, None);
}

#[rstest]
#[case::token("X-API-Key: ghp_0123456789012345678901", Code::AddressHasToken)]
#[case::the_first_again("Authorization", Code::SettingInvalid)]
#[case::twice("X-A\nx-a", Code::SettingInvalid)]
#[case::taken("Content-Type", Code::SettingInvalid)]
#[case::no_name("X Key", Code::SettingInvalid)]
fn further_headers_for_the_token_are_checked(#[case] lines: &str, #[case] code: Code) {
    let errors = form(&[("also", lines)]).expect_err("refused");
    assert_eq!((errors[0].code, errors[0].field.as_deref()), (code, Some("also")));
    assert!(errors[0].hint.is_some() && !format!("{errors:?}").contains("ghp_"));
}

#[test]
fn a_plain_header_cannot_take_the_place_of_one_that_carries_the_token() {
    let errors = form(&[("also", "X-API-Key"), ("headers", "x-api-key: 1")]).expect_err("refused");
    assert_eq!(errors[0].field.as_deref(), Some("headers"));
}

#[test]
fn records_from_before_there_were_pairs_are_read() {
    let text = r#"{"name":"Authorization","prefix":"Bearer "}"#;
    let auth: AuthHeader = serde_json::from_str(text).expect("it reads");
    assert_eq!(auth, AuthHeader::default());
    let more = AuthHeader {
        user: Some(MAIL.to_owned()),
        also: vec![Carrier { name: "X-A".into(), prefix: String::new() }],
        ..auth
    };
    let again: AuthHeader = serde_json::from_str(&serde_json::to_string(&more).expect("writes")).expect("reads");
    assert_eq!(again, more);
}
