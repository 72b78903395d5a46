//! Answers that come as events: ended on purpose and taken up again, with questions of the server's own among them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::said::*;
use super::server::{Answer, Asked, Step, head, http, legacy, result_text, serve};
use super::{EVENTS, OK, check};

/// A server of 2025-11-25 that answers nothing at once: it names an event, hangs up, and is asked again later. It hangs up
/// that often again before it answers.
fn polled(again: usize) -> impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static {
    let answers = Arc::new(Mutex::new(HashMap::<String, (String, usize)>::new()));
    move |asked: &Asked| {
        let mut answers = answers.lock().expect("nobody panicked");
        if asked.0.starts_with("GET ") {
            let event = asked.header("last-event-id").unwrap_or_default();
            let Some((answer, left)) = answers.get_mut(event) else { return http("405 Method Not Allowed", "", "") };
            if *left > 0 {
                *left -= 1;
                return http(OK, EVENTS, "retry: 10\n\n");
            }
            assert_eq!(asked.header("mcp-session-id"), Some("s1"));
            return http(OK, EVENTS, format!("id: {event}-2\ndata: {answer}\n\n"));
        }
        let text = match asked.rpc().as_str() {
            "initialize" => result_text(asked, super::server::INITIALIZED),
            "tools/list" => result_text(asked, r#"{"tools":[{"name":"whoami"}]}"#),
            "tools/call" => result_text(asked, r#"{"content":[]}"#),
            _ => return legacy(asked),
        };
        let event = format!("e-{}", asked.rpc());
        answers.insert(event.clone(), (text, again));
        let session = format!("{EVENTS}mcp-session-id: s1\r\n");
        http(OK, &session, format!("id: {event}\nretry: 10\ndata: \n\n"))
    }
}

#[tokio::test]
async fn a_stream_that_is_ended_on_purpose_is_taken_up_again() {
    for again in [0, 3] {
        says(&check(&serve(polled(again)).await, true).await, WORKS, None);
    }
}

#[tokio::test]
async fn a_stream_that_is_ended_and_never_brings_an_answer_is_slow() {
    let rule = polled(usize::MAX);
    says(&check(&serve(rule).await, true).await, SLOW, patchbay_core::probe::LayerKind::Handshake);
}

#[tokio::test]
async fn a_stream_that_cannot_be_taken_up_again_ends_without_an_answer() {
    let rule = |asked: &Asked| match asked.rpc().as_str() {
        "initialize" => http(OK, EVENTS, "id: 1\nretry: 10\n\n"),
        _ => http("405 Method Not Allowed", "", ""),
    };
    says(&check(&serve(rule).await, true).await, UNANSWERED, patchbay_core::probe::LayerKind::Handshake);
}

/// A server that asks something of whoever asked it, and answers once it has heard.
fn asking(question: &'static str) -> (impl Fn(&Asked) -> Answer + Clone + Send + Sync + 'static, Heard) {
    let (say, queue) = mpsc::unbounded_channel();
    let (queue, heard) = (Arc::new(tokio::sync::Mutex::new(queue)), Heard::default());
    let told = heard.clone();
    let rule = move |asked: &Asked| match asked.rpc().as_str() {
        "tools/list" => {
            let list = result_text(asked, r#"{"tools":[{"name":"whoami"}]}"#);
            let after = Step::Pass(queue.clone());
            let ask = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{question}"}}"#);
            say.send(format!("data: {ask}\n\n")).expect("somebody listens");
            *told.list.lock().expect("nobody panicked") = Some(list);
            vec![head(OK, EVENTS), after]
        }
        "" if asked.json()["id"] == "q" => {
            let list = told.list.lock().expect("nobody panicked").take().unwrap_or_default();
            told.answers.lock().expect("nobody panicked").push(asked.json());
            say.send(format!("data: {list}\n\n")).expect("somebody listens");
            http("202 Accepted", "", "")
        }
        _ => legacy(asked),
    };
    (rule, heard)
}

/// What a server has heard to its question, and what it answers then.
#[derive(Clone, Default)]
struct Heard {
    list: Arc<Mutex<Option<String>>>,
    answers: Arc<Mutex<Vec<serde_json::Value>>>,
}

#[rstest]
#[case("ping", json!({"jsonrpc":"2.0","id":"q","result":{}}))]
#[case("roots/list", json!({"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"Method not found"}}))]
#[tokio::test]
async fn what_a_server_asks_before_it_answers_is_answered(#[case] asks: &'static str, #[case] expected: Value) {
    let (rule, heard) = asking(asks);
    says(&check(&serve(rule).await, true).await, WORKS, None);
    assert_eq!(*heard.answers.lock().expect("nobody panicked"), [expected]);
}
