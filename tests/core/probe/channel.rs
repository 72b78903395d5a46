//! Servers of 2024-11-05: a stream names where to post to, and answers come on it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use patchbay_core::api::message::{Answer as Told, Request};
use patchbay_core::probe::{LayerKind, Mark, Probe, Report, Verdict, probe};
use patchbay_core::secret::Secret;
use patchbay_test_support::Home;
use rstest::rstest;
use tokio::sync::mpsc;

use super::all::{connect, keychain, open};
use super::said::*;
use super::server::{Answer, Asked, Step, error, error_text, head, http, json, result_text, serve};
use super::{CANARY, EVENTS, JSON, OK, PAGE, check, limits, probe_of};

const RESULT: &str =
    r#"{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"oldest","version":"1"}}"#;

/// Such a server, and what was posted to its place.
#[derive(Clone, Default)]
struct Old {
    streams: Arc<Mutex<Vec<mpsc::UnboundedSender<String>>>>,
    posted: Arc<Mutex<Vec<String>>>,
}

impl Old {
    /// Opens a stream that names its place as `place` says, `#` being the stream's number.
    fn stream(&self, place: &str) -> Answer {
        let (answers, queue) = mpsc::unbounded_channel();
        let mut streams = self.streams.lock().expect("nobody panicked");
        streams.push(answers);
        let named = place.replace('#', &streams.len().to_string());
        let place = Step::Say(format!(": hi\n\nevent: endpoint\ndata: {named}\n\n").into());
        vec![head(OK, EVENTS), place, Step::Pass(Arc::new(queue.into()))]
    }

    /// Answers on the stream that a message was posted to.
    fn post(&self, asked: &Asked) -> Answer {
        self.posted.lock().expect("nobody panicked").push(asked.rpc());
        let result = match asked.rpc().as_str() {
            "initialize" => RESULT,
            "tools/list" => r#"{"tools":[{"name":"whoami"},{"name":"b"}]}"#,
            "tools/call" => r#"{"content":[]}"#,
            _ => return http("202 Accepted", "", ""),
        };
        self.say(asked, &format!("event: message\ndata: {}\n\n", result_text(asked, result)));
        http("202 Accepted", "", "Accepted")
    }

    fn say(&self, asked: &Asked, text: &str) {
        let number: usize = asked.0.split(['=', ' ']).nth(2).and_then(|number| number.parse().ok()).expect("a stream");
        // The caller may have hung up.
        let _ = self.streams.lock().expect("nobody panicked")[number - 1].send(text.to_owned());
    }

    /// All that it does; what is asked without the token is refused.
    fn answer(&self, asked: &Asked) -> Answer {
        if asked.header("authorization") != Some(&format!("Bearer {CANARY}")) {
            return http("401 Unauthorized", "", "who are you?");
        }
        if is_get(asked) {
            return self.stream("/post?s=#");
        }
        if is_posted(asked) { self.post(asked) } else { http("405 Method Not Allowed", "", "") }
    }

    fn posted(&self) -> Vec<String> {
        self.posted.lock().expect("nobody panicked").clone()
    }
}

fn is_get(asked: &Asked) -> bool {
    asked.0.starts_with("GET /mcp ") && asked.header("accept") == Some("text/event-stream")
}

fn is_posted(asked: &Asked) -> bool {
    asked.0.starts_with("POST /post?s=")
}

/// Such a server, which takes the token of these tests; its address.
pub(crate) async fn oldest() -> String {
    but(|_, _| None).await.1
}

/// A server that answers otherwise where `other` says so.
async fn but(other: impl Fn(&Old, &Asked) -> Option<Answer> + Clone + Send + Sync + 'static) -> (Old, String) {
    let old = Old::default();
    let own = old.clone();
    let url = serve(move |asked: &Asked| other(&own, asked).unwrap_or_else(|| own.answer(asked))).await;
    (old, url)
}

#[rstest]
#[case::no_post(|_: &Asked| http("405 Method Not Allowed", "", ""))]
#[case::not_there(|_: &Asked| http("404 Not Found", "content-type: text/html\r\n", PAGE))]
#[case::bad_request(|_: &Asked| http("400 Bad Request", "", "no"))]
#[case::in_the_protocols_words(|asked: &Asked| http("400 Bad Request", JSON, error_text(asked, -32600, "no")))]
#[tokio::test]
async fn a_server_that_answers_on_a_stream_works(#[case] refusal: fn(&Asked) -> Answer) {
    let other = move |_: &Old, asked: &Asked| asked.0.starts_with("POST /mcp ").then(|| refusal(asked));
    let (old, url) = but(other).await;
    let report = check(&url, true).await;
    says(&report, WORKS, None);
    assert_eq!((report.protocol.as_deref(), report.tools), (Some("2024-11-05"), Some(2)));
    assert_eq!(report.server.as_ref().map(|server| server.name.as_str()), Some("oldest"));
    let upper = report.layers.iter().filter(|layer| layer.kind >= LayerKind::SignIn);
    assert!(upper.into_iter().all(|layer| layer.mark == Mark::Passed), "{report:?}");
    assert_eq!(old.posted(), ["initialize", "notifications/initialized", "tools/list", "tools/call"]);
}

/// Some answer on the stream before they say that they took the question, and tell other things in between.
#[tokio::test]
async fn the_answer_may_come_before_the_question_is_taken_and_after_other_messages() {
    let (_, url) = but(|old, asked| {
        is_posted(asked).then(|| {
            old.say(asked, ": wait\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n");
            [vec![Step::Wait(50)], old.post(asked)].concat()
        })
    })
    .await;
    says(&check(&url, true).await, WORKS, None);
}

#[rstest]
#[case::token_refused(|_: &Asked| http("401 Unauthorized", "", "no"), true, TOKEN_REFUSED)]
#[case::token_missing(|_: &Asked| http("401 Unauthorized", "", "no"), false, TOKEN_MISSING)]
#[case::wants_a_browser(|_: &Asked| http("401 Unauthorized", "www-authenticate: Bearer resource_metadata=\"https://x/y\"\r\n", ""), false, WANTS_BROWSER)]
#[case::not_allowed(|_: &Asked| http("403 Forbidden", "", "no"), true, NOT_ALLOWED)]
#[tokio::test]
async fn a_refusal_of_the_stream_is_about_the_token(
    #[case] refusal: fn(&Asked) -> Answer,
    #[case] token: bool,
    #[case] said: Said,
) {
    let rule = move |asked: &Asked| if is_get(asked) { refusal(asked) } else { http("404 Not Found", "", "") };
    says(&check(&serve(rule).await, token).await, said, LayerKind::SignIn);
}

#[rstest]
#[case::first("initialize", "401 Unauthorized", TOKEN_REFUSED, LayerKind::SignIn)]
#[case::at_the_list("tools/list", "401 Unauthorized", TOKEN_REFUSED, LayerKind::Tools)]
#[case::at_the_call("tools/call", "403 Forbidden", NOT_ALLOWED, LayerKind::Call)]
#[case::stream_not_known("initialize", "404 Not Found", SESSION_LOST, LayerKind::Handshake)]
#[case::stream_not_known_any_more("tools/list", "404 Not Found", SESSION_LOST, LayerKind::Tools)]
#[case::overloaded("initialize", "503 Service Unavailable", OVERLOADED, LayerKind::Handshake)]
#[tokio::test]
async fn what_the_place_refuses_is_told(
    #[case] method: &'static str,
    #[case] status: &'static str,
    #[case] said: Said,
    #[case] layer: LayerKind,
) {
    let other =
        move |_: &Old, asked: &Asked| (is_posted(asked) && asked.rpc() == method).then(|| http(status, "", "not you"));
    let (_, url) = but(other).await;
    says(&check(&url, true).await, said, layer);
}

#[tokio::test]
async fn a_place_at_another_origin_gets_nothing() {
    let heard = Arc::new(Mutex::new(0));
    let hear = heard.clone();
    let stranger = serve(move |_: &Asked| {
        *hear.lock().expect("nobody panicked") += 1;
        http("202 Accepted", "", "")
    })
    .await;
    let place = stranger.clone();
    let (_, url) = but(move |old, asked| is_get(asked).then(|| old.stream(&place))).await;
    let report = check(&url, true).await;
    says(&report, SENT_ELSEWHERE, LayerKind::Handshake);
    assert_eq!(report.detail, stranger.strip_suffix("/mcp").map(str::to_owned));
    assert_eq!(*heard.lock().expect("nobody panicked"), 0);
}

#[rstest]
#[case::silence(|| vec![head(OK, EVENTS), Step::Hang], SLOW)]
#[case::nothing_but_signs_of_life(|| vec![head(OK, EVENTS), Step::Forever(": wait\n\n", 50)], SLOW)]
#[case::ends(|| http(OK, EVENTS, ": bye\n\n"), UNANSWERED)]
#[case::cut_off(|| vec![head(OK, &format!("{EVENTS}content-length: 900\r\n"))], CUT_OFF)]
#[case::news(|| vec![head(OK, EVENTS), Step::Forever("event: news\ndata: {}\n\n", 50)], WRONG_ANSWER)]
#[case::one_piece_of_news(|| http(OK, EVENTS, "data: {}\n\n"), WRONG_ANSWER)]
#[case::endless(|| vec![head(OK, EVENTS), Step::Forever("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 0)], TOO_LARGE)]
#[case::no_text(|| http(OK, EVENTS, b"data: \xff\n\n"), UNREADABLE)]
#[case::compressed(|| vec![head(OK, &format!("{EVENTS}content-encoding: gzip\r\n")), Step::Hang], COMPRESSED)]
#[case::no_address(|| http(OK, EVENTS, "event: endpoint\ndata: http://\n\n"), WRONG_ANSWER)]
#[tokio::test]
async fn a_stream_that_names_no_place_is_told_for_what_it_is(#[case] stream: fn() -> Answer, #[case] said: Said) {
    let rule = move |asked: &Asked| if is_get(asked) { stream() } else { http("404 Not Found", "", "") };
    says(&check(&serve(rule).await, true).await, said, LayerKind::Handshake);
}

#[rstest]
#[case::at_first("initialize", LayerKind::Handshake)]
#[case::at_the_list("tools/list", LayerKind::Tools)]
#[tokio::test]
async fn answers_that_never_come_are_not_waited_for(#[case] method: &'static str, #[case] layer: LayerKind) {
    let other =
        move |_: &Old, asked: &Asked| (is_posted(asked) && asked.rpc() == method).then(|| http("202 Accepted", "", ""));
    let (_, url) = but(other).await;
    says(&check(&url, true).await, SLOW, layer);
}

#[tokio::test]
async fn a_stream_that_ends_before_the_answer_is_told() {
    let (_, url) = but(|old, asked| {
        (is_posted(asked) && asked.rpc() == "tools/list").then(|| {
            old.streams.lock().expect("nobody panicked").clear();
            http("202 Accepted", "", "")
        })
    })
    .await;
    says(&check(&url, true).await, UNANSWERED, LayerKind::Tools);
}

/// What refuses `initialize` so, and opens no stream of that kind.
#[rstest]
#[case::pages("404 Not Found", |_: &Asked| http(OK, "content-type: text/html\r\n", PAGE), NOT_THERE)]
#[case::page_at_a_form("405 Method Not Allowed", |_: &Asked| http(OK, "content-type: text/html\r\n", PAGE), TURNED_DOWN)]
#[case::page_not_allowed("405 Method Not Allowed", |_: &Asked| http("403 Forbidden", "content-type: text/html\r\n", PAGE), TURNED_DOWN)]
#[case::json("400 Bad Request", |_: &Asked| json("{}"), TURNED_DOWN)]
#[case::sends_on("405 Method Not Allowed", |_: &Asked| http("302 Found", "location: /login\r\n", ""), TURNED_DOWN)]
#[case::fault("404 Not Found", |_: &Asked| http("500 Internal Server Error", "", ""), NOT_THERE)]
#[case::hangs_up("400 Bad Request", |_: &Asked| vec![], TURNED_DOWN)]
#[case::silence("405 Method Not Allowed", |_: &Asked| vec![Step::Hang], TURNED_DOWN)]
#[tokio::test]
async fn what_is_no_such_server_stays_what_it_is(
    #[case] status: &'static str,
    #[case] get: fn(&Asked) -> Answer,
    #[case] said: Said,
) {
    let rule = move |asked: &Asked| if is_get(asked) { get(asked) } else { http(status, "", "") };
    says(&check(&serve(rule).await, true).await, said, LayerKind::Handshake);
}

/// Servers of later revisions open silent streams, and have said what counts.
#[tokio::test]
async fn a_silent_stream_beside_a_refusal_in_the_protocols_words_changes_nothing() {
    let rule = |asked: &Asked| {
        if is_get(asked) {
            return vec![head(OK, EVENTS), Step::Hang];
        }
        http("400 Bad Request", JSON, error_text(asked, -32600, "no"))
    };
    says(&check(&serve(rule).await, true).await, FIRST_REFUSED, LayerKind::Handshake);
}

/// Neither who refuses otherwise, nor who says what only the newest generation knows.
#[rstest]
#[case::not_acceptable(|_: &Asked| http("406 Not Acceptable", "", ""))]
#[case::a_page(|_: &Asked| http(OK, "content-type: text/html\r\n", PAGE))]
#[case::error(|asked: &Asked| error(asked, -32600, "no"))]
#[case::newest(|asked: &Asked| http("400 Bad Request", JSON, error_text(asked, -32022, "no")))]
#[tokio::test]
async fn nobody_else_is_asked_for_a_stream(#[case] refusal: fn(&Asked) -> Answer) {
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let hear = asked_for.clone();
    let rule = move |asked: &Asked| {
        // The look whether anybody is there asks nothing.
        if let Some((method, _)) = asked.0.split_once(' ') {
            hear.lock().expect("nobody panicked").push(method.to_owned());
        }
        refusal(asked)
    };
    check(&serve(rule).await, true).await;
    assert_eq!(*asked_for.lock().expect("nobody panicked"), ["POST", "POST"]);
}

/// Answers in time, each of them, and all of it takes too long.
#[tokio::test]
async fn the_whole_check_ends_in_time() {
    let (_, url) = but(|old, asked| is_posted(asked).then(|| [vec![Step::Wait(250)], old.post(asked)].concat())).await;
    let short = patchbay_core::probe::Limits { whole: Duration::from_millis(400), ..limits() };
    let (begun, probed) = (Instant::now(), Probe { limits: short, ..probe_of(&url, true) });
    let report: Report = probe(&probed, Timestamp::now(), |_| {}).await;
    assert_eq!(report.verdict, Verdict::TooSlow, "{report:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn such_a_connection_is_working_and_its_token_can_be_renewed() {
    let home = Home::new();
    let patchbay = open(&home, keychain());
    let (old, url) = but(|_, _| None).await;
    connect(&patchbay, "oldest", &url, Some("0ld-token-without-any-marks")).await.expect("it connects");
    let verdict = async || match patchbay.call(Request::Check { ids: Vec::new() }, None).await {
        Ok(Told::Reports(reports)) => reports[0].report.verdict,
        other => panic!("no reports: {other:?}"),
    };
    assert_eq!(verdict().await, Verdict::TokenRefused);
    let renew = || Request::Renew { id: "oldest".into(), token: None, expires: None, scopes: None };
    let wrong = patchbay.call(renew(), Some(Secret::new("another-that-is-wrong-0123"))).await;
    assert!(wrong.is_err() && old.posted().is_empty(), "{wrong:?}");
    let done = patchbay.call(renew(), Some(Secret::new(CANARY))).await;
    assert!(matches!(done, Ok(Told::Renewed(_))), "{done:?}");
    assert_eq!(verdict().await, Verdict::Working);
    assert!(old.posted().contains(&"tools/list".to_owned()));
}
