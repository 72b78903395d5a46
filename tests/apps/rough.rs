//! A server on a bad day: at random it hangs up, fails, is slow either way, forgets its sessions, refuses tokens.
//!
//! What it answers at all is right: each call hears its own number. What it does is decided by numbers from a seed; which
//! request meets which of them depends on how the system schedules.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often tokens are refused for a while, and for how long.
const BURSTS: (Duration, Duration) = (Duration::from_secs(4), Duration::from_millis(150));

/// The server; it goes on until the test ends.
#[derive(Clone)]
pub(crate) struct Rough(Arc<Mutex<Mood>>);

struct Mood {
    random: Random,
    /// The tokens that are taken.
    tokens: Vec<String>,
    session: u32,
    calm: bool,
    begun: Instant,
    /// What was done to requests, and how often.
    done: BTreeMap<&'static str, u32>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answer,
    Event,
    Notified,
    Resumed,
    Late,
    InPieces,
    HangUp,
    CutHead,
    CutBody,
    Fail(u16),
    Nonsense,
    Forget,
}

impl Rough {
    /// Starts it, calm; its address.
    pub(crate) fn start(seed: u64, token: &str) -> (Self, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let mood = Mood {
            random: Random(seed | 1),
            tokens: vec![token.to_owned()],
            session: 1,
            calm: true,
            begun: Instant::now(),
            done: BTreeMap::new(),
        };
        let rough = Self(Arc::new(Mutex::new(mood)));
        let own = rough.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let own = own.clone();
                // It may be cut by either side at any time.
                std::thread::spawn(move || own.serve(stream).unwrap_or_default());
            }
        });
        (rough, url)
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it be as it is, or not.
    pub(crate) fn calm(&self, calm: bool) {
        self.mood().calm = calm;
    }

    /// Takes these tokens from now on.
    pub(crate) fn take(&self, tokens: &[&str]) {
        self.mood().tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
    }

    /// What it has done so far.
    pub(crate) fn done(&self) -> BTreeMap<&'static str, u32> {
        self.mood().done.clone()
    }

    fn note(&self, what: &'static str) {
        *self.mood().done.entry(what).or_default() += 1;
    }

    fn wait(&self, most: u64) {
        let milliseconds = self.mood().random.below(most);
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(asked) = Asked::read(&mut stream, self)? {
            if !self.answer(&asked, stream.get_mut())? {
                break;
            }
        }
        Ok(())
    }

    /// Answers a request; whether the connection may live on.
    fn answer(&self, asked: &Asked, stream: &mut TcpStream) -> std::io::Result<bool> {
        if !self.lets_in(asked) {
            return say(stream, 401, "application/json", "", "");
        }
        if asked.method == "GET" && !asked.header("last-event-id").is_empty() {
            let body = format!("data: {}\n\n", result(asked.header("last-event-id")));
            return say(stream, 200, "text/event-stream", "", &body);
        }
        if asked.method != "POST" {
            return say(stream, if asked.method == "DELETE" { 200 } else { 405 }, "text/plain", "", "");
        }
        let message: serde_json::Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let session = format!("s{}", self.mood().session);
        match message["method"].as_str() {
            Some("initialize") => {
                let result = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"rough","version":"1"}}"#;
                let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", message["id"]);
                say(stream, 200, "application/json", &format!("mcp-session-id: {session}\r\n"), &body)
            }
            _ if message["id"].is_null() => say(stream, 202, "text/plain", "", ""),
            _ if asked.header("mcp-session-id") != session => {
                self.note("session forgotten");
                say(stream, 404, "text/plain", "", "")
            }
            Some("tools/call") => {
                let fate = self.mood().fate();
                self.meet(fate, &message["id"].to_string(), asked, stream)
            }
            Some("tools/list") => {
                let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[]}}}}", message["id"]);
                say(stream, 200, "application/json", "", &body)
            }
            _ => {
                let error = r#"{"code":-32601,"message":"no such method"}"#;
                let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{error}}}", message["id"]);
                say(stream, 200, "application/json", "", &body)
            }
        }
    }

    fn lets_in(&self, asked: &Asked) -> bool {
        let mood = self.mood();
        let burst = !mood.calm && mood.begun.elapsed().as_millis() % BURSTS.0.as_millis() < BURSTS.1.as_millis();
        let known = mood.tokens.iter().any(|token| asked.header("authorization") == format!("Bearer {token}"));
        let lets_in = known && !burst;
        drop(mood);
        if !lets_in {
            self.note("refused with 401");
        }
        lets_in
    }

    fn meet(&self, fate: Fate, id: &str, asked: &Asked, stream: &mut TcpStream) -> std::io::Result<bool> {
        let answer = result(id);
        match fate {
            Fate::Answer => say(stream, 200, "application/json", "", &answer),
            Fate::Event => say(stream, 200, "text/event-stream", "", &format!("data: {answer}\n\n")),
            Fate::Notified => {
                let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#;
                say(stream, 200, "text/event-stream", "", &format!("data: {note}\n\ndata: {answer}\n\n"))
            }
            Fate::Resumed => {
                self.note("stream cut, to be taken up again");
                say(stream, 200, "text/event-stream", "", &format!("id: {id}\nretry: 50\n\n"))
            }
            Fate::Late => {
                self.note("late");
                self.wait(300);
                say(stream, 200, "application/json", "", &answer)
            }
            Fate::InPieces => self.drip(&answer, stream),
            Fate::HangUp => {
                self.note("hung up");
                Ok(false)
            }
            Fate::CutHead => {
                self.note("head cut");
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty").map(|()| false)
            }
            Fate::CutBody => {
                self.note("body cut");
                let half = &answer[..answer.len() / 2];
                let length = answer.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{half}"
                )
                .map(|()| false)
            }
            Fate::Fail(status) => {
                self.note("failed with 429 or 5xx");
                // An unkind server repeats what it was given.
                let body = format!("{{\"message\":\"not now, {}\"}}", asked.header("authorization"));
                say(stream, status, "application/json", "retry-after: 1\r\n", &body)
            }
            Fate::Nonsense => {
                self.note("nonsense");
                say(stream, 200, "text/html", "", "<html>Please log in</html>")
            }
            Fate::Forget => {
                self.mood().session += 1;
                say(stream, 404, "text/plain", "", "")
            }
        }
    }

    /// Answers slowly.
    fn drip(&self, answer: &str, stream: &mut TcpStream) -> std::io::Result<bool> {
        self.note("answered in pieces");
        let length = answer.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")?;
        for piece in answer.as_bytes().chunks(16) {
            self.wait(20);
            stream.write_all(piece)?;
        }
        Ok(true)
    }
}

impl Mood {
    /// What becomes of the next call.
    fn fate(&mut self) -> Fate {
        if self.calm {
            return Fate::Answer;
        }
        match self.random.below(1000) {
            0..30 => Fate::HangUp,
            30..50 => Fate::CutHead,
            50..70 => Fate::CutBody,
            70..90 => Fate::Fail(500),
            90..110 => Fate::Fail(503),
            110..130 => Fate::Fail(429),
            130..140 => Fate::Nonsense,
            140..150 => Fate::Forget,
            150..190 => Fate::Late,
            190..230 => Fate::InPieces,
            230..260 => Fate::Resumed,
            260..320 => Fate::Notified,
            320..650 => Fate::Event,
            _ => Fate::Answer,
        }
    }
}

/// A call's answer: its own number, and some text around it.
fn result(id: &str) -> String {
    let text = "a text of some length, so that an answer can be cut in its middle";
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\"number\":{id}}}}}"
    )
}

fn say(stream: &mut TcpStream, status: u16, kind: &str, headers: &str, body: &str) -> std::io::Result<bool> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).map(|()| true)
}

/// A request.
struct Asked {
    method: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    /// Reads one, sometimes slowly; none where the app has hung up.
    fn read(stream: &mut BufReader<TcpStream>, rough: &Rough) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some(method) = line.split_whitespace().next().map(str::to_owned) else { return Ok(None) };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut asked = Self { method, headers, body: String::new() };
        let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
        let slow = {
            let mut mood = rough.mood();
            !mood.calm && mood.random.below(100) < 3
        };
        if slow {
            rough.wait(60);
        }
        stream.read_exact(&mut body)?;
        asked.body = String::from_utf8_lossy(&body).into_owned();
        Ok(Some(asked))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Numbers from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}
