//! Servers of 2024-11-05: a stream that names where to post to, and answers on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::app::{App, INITIALIZE, Keychain, request};
use crate::service::{Reply, Service, Step};

/// A server that answers on streams; `hang` is never answered, and `end` ends its stream.
struct Old {
    url: String,
    log: Arc<Mutex<Vec<String>>>,
}

type Streams = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<String>>>>;

impl Old {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/sse", listener.local_addr().expect("an address"));
        let (log, streams) = (Arc::default(), Streams::default());
        let own = Self { url, log };
        let log = own.log.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(BufReader::new(stream), streams.clone(), log.clone()));
            }
        });
        own
    }

    /// What was posted, each with the stream that it belongs to.
    fn posted(&self) -> Vec<String> {
        self.log.lock().expect("nobody panicked").clone()
    }
}

async fn serve(mut stream: BufReader<TcpStream>, streams: Streams, log: Arc<Mutex<Vec<String>>>) -> Option<()> {
    loop {
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first).await.ok()?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let path = first.split(' ').nth(1)?.to_owned();
        if first.starts_with("GET") {
            return tell(stream, &streams).await;
        }
        let status = match streams.lock().expect("nobody panicked").get(&path) {
            None => "405 Told",
            Some(answers) => {
                let message: serde_json::Value = serde_json::from_slice(&body).ok()?;
                let (method, id) = (message["method"].as_str().unwrap_or_default().to_owned(), message["id"].clone());
                log.lock().expect("nobody panicked").push(format!("{path} {method}"));
                let mut result = json!({ "protocolVersion": "2024-11-05" });
                match method.as_str() {
                    // What is large and not for the app.
                    "initialize" if path.ends_with("=2") => result["text"] = "x".repeat(300 * 1024).into(),
                    "large" => result["text"] = "x".repeat(65 << 20).into(),
                    _ => {}
                }
                match method.as_str() {
                    "hang" => {}
                    "end" => drop(answers.send(String::new())),
                    _ if message.is_array() => drop(answers.send(format!("[\"{}\"]", "x".repeat(65 << 20)))),
                    _ if id.is_null() => {}
                    _ => drop(answers.send(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())),
                }
                "202 Told"
            }
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.ok()?;
    }
}

async fn tell(mut stream: BufReader<TcpStream>, streams: &Streams) -> Option<()> {
    let (answers, mut queue) = mpsc::unbounded_channel();
    let place = {
        let mut streams = streams.lock().expect("nobody panicked");
        let place = format!("/post?s={}", streams.len() + 1);
        streams.insert(place.clone(), answers);
        place
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hi\n\n";
    stream.write_all(format!("{head}event: endpoint\ndata: {place}\n\n").as_bytes()).await.ok()?;
    while let Some(answer) = queue.recv().await.filter(|answer| !answer.is_empty()) {
        stream.write_all(format!("event: message\ndata: {answer}\n\n").as_bytes()).await.ok()?;
    }
    Some(())
}

#[tokio::test]
async fn answers_come_on_the_stream() {
    let server = Old::start().await;
    let mut app = App::start(&Keychain::holding(&server.url, "t"));
    assert_eq!(app.begin().await["result"]["protocolVersion"], "2024-11-05");
    for id in 1..=3 {
        assert_eq!(app.request(id, "tools/list").await["id"], id);
    }
    let own = |method: &str| format!("/post?s=1 {method}");
    let posted = server.posted();
    assert_eq!(posted[..2], [own("initialize"), own("notifications/initialized")]);
    assert_eq!(posted.len(), 5);
    assert_eq!(app.hang_up().await, [""; 0]);
}

#[tokio::test]
async fn the_streams_end_fails_what_waits_and_the_next_word_begins_again_unseen() {
    let server = Old::start().await;
    let mut app = App::start(&Keychain::open(&server.url));
    app.begin().await;
    app.say(&request(1, "hang")).await;
    app.request(2, "tools/list").await;
    app.say(&request(3, "end")).await;
    let mut told = [app.json().await, app.json().await];
    told.sort_by_key(|answer| answer["id"].as_u64());
    for (answer, id) in told.iter().zip([1, 3]) {
        assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(id), &json!("broken")));
    }
    for id in 4..=8 {
        app.say(&request(id, "tools/list")).await;
    }
    for _ in 4..=8 {
        assert!(app.json().await["result"].is_object());
    }
    let again: Vec<_> = server.posted().into_iter().filter(|posted| posted.starts_with("/post?s=2")).collect();
    assert_eq!(again.len(), 7, "one new session for all: {again:?}");
    assert!(again[0].ends_with("initialize") && again[1].ends_with("notifications/initialized"));
    assert_eq!(app.hang_up().await, [""; 0], "the app saw nothing of it");
}

#[tokio::test]
async fn an_answer_of_any_size_comes_on_the_stream_and_others_after_it() {
    let server = Old::start().await;
    let mut app = App::start(&Keychain::open(&server.url));
    app.begin().await;
    app.say(&request(1, "hang")).await;
    app.say(&request(2, "large")).await;
    let answer = app.json().await;
    assert_eq!((&answer["id"], answer["result"]["text"].as_str().map(str::len)), (&json!(2), Some(65 << 20)));
    assert!(app.request(3, "tools/list").await["result"].is_object());
    assert!(server.posted().iter().all(|posted| posted.starts_with("/post?s=1")), "on the first stream");
    assert_eq!(app.stop().await.len(), 1, "what still waits is told in the end");
}

#[tokio::test]
async fn an_answer_to_a_batch_that_is_too_large_fails_it_alone() {
    let server = Old::start().await;
    let mut app = App::start(&Keychain::open(&server.url));
    app.begin().await;
    app.say(&request(1, "hang")).await;
    let told = app.ask(&format!("[{}]", request(2, "x"))).await;
    assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(2), &json!("too_large")));
    assert!(app.request(3, "tools/list").await["result"].is_object());
    assert!(server.posted().iter().all(|posted| posted.starts_with("/post?s=1")), "on the first stream");
}

#[tokio::test]
async fn a_place_at_another_origin_gets_nothing() {
    let stranger = Service::start(|_| Reply::status(202)).await;
    let place = stranger.url();
    let service = Service::start(move |asked| match asked.method.as_str() {
        "GET" => Reply::stream([Step::Say(format!("event: endpoint\ndata: {place}\n\n")), Step::Hang]),
        _ => Reply::status(404),
    })
    .await;
    let mut app = App::start(&Keychain::holding(&service.url(), "canary"));
    let answer = app.ask(INITIALIZE).await;
    assert_eq!(answer["error"]["data"]["code"], "wrong_address", "{answer}");
    assert!(stranger.log().is_empty());
}

#[tokio::test]
async fn a_renewed_token_is_found_on_the_way_to_the_place() {
    let answered = |asked: &crate::service::Asked| asked.header("authorization") == Some("Bearer new");
    let service = Service::start(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", _) => {
            let answer = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2024-11-05"}}"#;
            let place = "event: endpoint\ndata: place\n\n".to_owned();
            Reply::stream([Step::Say(place), Step::Wait(300), Step::Say(format!("data: {answer}\n\n")), Step::Hang])
        }
        (_, "/place") if answered(asked) => Reply::status(202),
        (_, "/place") => Reply::status(401),
        _ => Reply::status(405),
    })
    .await;
    let keychain = Keychain::holding(&service.url(), "old");
    let mut app = App::start(&keychain);
    app.say("").await;
    while keychain.reads() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    keychain.renew(&service.url(), "new");
    assert_eq!(app.ask(INITIALIZE).await["id"], 0);
    assert_eq!(service.log().iter().filter(|asked| asked.path == "/place").count(), 2);
}
