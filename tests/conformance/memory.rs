//! Large answers go through little memory, and wait at the server for an app that reads slowly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchbay_test_support::Home;
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;
/// How much more memory a bridge may use for an answer of any size.
const MOST_GROWTH: u64 = 16 * MIB;

/// How large an answer is.
fn size() -> u64 {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 1024 * MIB } else { 64 * MIB + 1 }
}

/// The kinds of servers.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Answers in JSON, in the app's generation.
    Json,
    /// The same with an event.
    Event,
    /// Speaks the newest generation only.
    Newest,
    /// Speaks 2024-11-05 only: answers come on the stream.
    Oldest,
}

/// A server whose answers to calls and lists are large; how much of them was sent so far.
#[derive(Clone)]
struct Large {
    kind: Kind,
    size: u64,
    sent: Arc<AtomicU64>,
    /// The stream of a server of 2024-11-05.
    stream: Arc<Mutex<Option<TcpStream>>>,
}

fn serve(kind: Kind, size: u64) -> (String, Large) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let server = Large { kind, size, sent: Arc::default(), stream: Arc::default() };
    let own = server.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let own = own.clone();
            // The app may hang up whenever it likes.
            std::thread::spawn(move || own.answer(stream));
        }
    });
    (url, server)
}

/// A request's first line and its message.
fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<(String, Value)> {
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((first, serde_json::from_slice(&body).unwrap_or_default()))
}

impl Large {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (first, message) = read(&mut stream)?;
        let mut stream = stream.into_inner();
        let head = |status: &str, kind: &str| {
            format!("HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n")
        };
        let is_get = first.starts_with("GET");
        match (self.kind, message["method"].as_str().unwrap_or_default()) {
            (Kind::Oldest, _) if is_get => {
                // Whoever is told where to post may do so before this goes on.
                let mut shared = self.stream.lock().expect("nobody panicked");
                write!(stream, "{}event: endpoint\ndata: /post\n\n", head("200", "text/event-stream"))?;
                *shared = Some(stream);
                Ok(())
            }
            (Kind::Oldest, _) if first.starts_with("POST /mcp") => write!(stream, "{}", head("405", "text/plain")),
            (Kind::Oldest, method) => {
                write!(stream, "{}", head("202", "text/plain"))?;
                drop(stream);
                let mut shared = self.stream.lock().expect("nobody panicked");
                let stream = shared.as_mut().expect("it is there");
                write!(stream, "data: ")?;
                match method {
                    "initialize" => write!(stream, r#"{{"jsonrpc":"2.0","id":0,"result":{{}}}}"#)?,
                    _ => self.tell(stream, &message["id"])?,
                }
                write!(stream, "\n\n")
            }
            (Kind::Newest, "server/discover") => {
                let result = json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} });
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
                write!(stream, "{}{answer}", head("200", "application/json"))
            }
            (Kind::Newest, "initialize") => write!(stream, "{}", head("404", "text/plain")),
            (Kind::Event, _) => {
                write!(stream, "{}: hello\n\nevent: message\ndata: ", head("200", "text/event-stream"))?;
                self.tell(&mut stream, &message["id"])?;
                write!(stream, "\n\n")
            }
            _ => {
                write!(stream, "{}", head("200", "application/json"))?;
                self.tell(&mut stream, &message["id"])
            }
        }
    }

    fn tell(&self, stream: &mut TcpStream, id: &Value) -> std::io::Result<()> {
        write!(stream, "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"text\":\"")?;
        let piece = vec![b'x'; 64 * 1024];
        let mut left = self.size;
        while left > 0 {
            let now = left.min(piece.len() as u64);
            stream.write_all(&piece[..usize::try_from(now).expect("small")])?;
            self.sent.fetch_add(now, Ordering::SeqCst);
            left -= now;
        }
        write!(stream, "\"}}}}")
    }
}

/// The most memory that a program has used so far, in bytes.
fn peak(program: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// An app that asks so often, and reads nothing for a while; it gets all of it in the end, and in no more memory.
fn goes_through(kind: Kind, size: u64, method: &str, times: u64, most: u64) {
    let (url, server) = serve(kind, size);
    let home = Home::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["bridge", "--url", &url]).env_clear().envs(home.env());
    let mut bridge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(300));
    let mut input = bridge.stdin.take().expect("its input");
    let mut output = BufReader::with_capacity(1 << 20, bridge.stdout.take().expect("its output"));
    if matches!(kind, Kind::Newest | Kind::Oldest) {
        let params = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {} });
        writeln!(input, "{}", json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
            .expect("it listens");
        output.read_line(&mut String::new()).expect("it answers");
    }
    let before = peak(&bridge);
    for id in 1..=times {
        writeln!(input, r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{}}}}"#).expect("it listens");
    }
    // An app that does not read yet.
    std::thread::sleep(Duration::from_secs(2));
    let waits = server.sent.load(Ordering::SeqCst);
    assert!(waits < most + times * 16 * MIB, "the rest waits at the server, not {waits} bytes of it");
    let around = r#"{"jsonrpc":"2.0","id":1,"result":{"text":""}}"#.len() as u64;
    for _ in 1..=times {
        let read = line(&mut output);
        assert!((read - size - around) < 8, "all of it came, and one line's end: {read}");
    }
    let growth = peak(&bridge) - before;
    assert!(growth < most, "{times} of {size} bytes took {} KiB", growth / 1024);
    drop(input);
    assert!(bridge.wait().expect("it ends").success());
}

/// How long a line is, its end included.
fn line(output: &mut impl BufRead) -> u64 {
    let mut read = 0;
    loop {
        let piece = output.fill_buf().expect("it writes");
        assert!(!piece.is_empty(), "the line ends");
        let end = piece.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(piece.len(), |end| end + 1);
        output.consume(count);
        read += count as u64;
        if end.is_some() {
            return read;
        }
    }
}

#[test]
fn a_large_json_answer_goes_through_little_memory() {
    goes_through(Kind::Json, size(), "tools/call", 1, MOST_GROWTH);
}

#[test]
fn a_large_event_goes_through_little_memory() {
    goes_through(Kind::Event, size(), "tools/call", 1, MOST_GROWTH);
}

#[test]
fn a_large_answer_of_a_server_of_another_generation_goes_through_little_memory() {
    goes_through(Kind::Newest, size(), "tools/call", 1, MOST_GROWTH);
    goes_through(Kind::Oldest, size(), "tools/call", 1, MOST_GROWTH);
}

#[test]
fn many_large_answers_at_once_wait_for_an_app_that_reads_slowly() {
    for kind in [Kind::Json, Kind::Newest, Kind::Oldest] {
        goes_through(kind, 12 * MIB, "tools/call", 8, MOST_GROWTH);
    }
}

#[test]
fn what_has_to_be_known_as_a_whole_is_held_one_after_the_other() {
    goes_through(Kind::Newest, 24 * MIB, "tools/list", 8, 96 * MIB);
}
