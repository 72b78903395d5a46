//! A service that does exactly as told, down to the moment at which a connection breaks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC method.
    pub(crate) fn rpc(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }
}

/// A part of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A piece of the body.
    Say(String),
    /// Nothing for so many milliseconds.
    Wait(u64),
    /// Nothing until the caller hangs up.
    Hang,
    /// The connection is cut in the middle.
    Break,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    /// How long until the head is sent.
    delay: Duration,
    steps: Vec<Step>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), delay: Duration::ZERO, steps: Vec::new() }
    }

    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::status(200).body("application/json", body)
    }

    /// A stream of events; each step's text is sent as it is.
    pub(crate) fn stream(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::status(200).header("content-type", "text/event-stream") }
    }

    /// The same steps as the body of a JSON answer.
    pub(crate) fn said_as_json(mut self) -> Self {
        self.headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        self
    }

    pub(crate) fn body(self, kind: &str, body: impl Into<String>) -> Self {
        Self { steps: vec![Step::Say(body.into())], ..self.header("content-type", kind) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn after(self, milliseconds: u64) -> Self {
        Self { delay: Duration::from_millis(milliseconds), ..self }
    }
}

/// The text of an event.
pub(crate) fn event(data: &str) -> Step {
    Step::Say(format!("data: {data}\n\n"))
}

/// The text of an event with an id.
pub(crate) fn event_with_id(id: &str, data: &str) -> Step {
    Step::Say(format!("id: {id}\ndata: {data}\n\n"))
}

/// A result for a request, as a server would answer it.
pub(crate) fn result(asked: &Asked, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, asked.json()["id"])
}

type Rule = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A running service; it ends when dropped.
pub(crate) struct Service {
    port: u16,
    log: Arc<Mutex<Vec<Asked>>>,
    hung_up: Arc<tokio::sync::Notify>,
    _tasks: JoinSet<()>,
}

impl Service {
    /// Answers each request by a rule.
    pub(crate) async fn start(rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let hung_up = Arc::new(tokio::sync::Notify::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(rule), log.clone(), hung_up.clone()));
        Self { port, log, hung_up, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().expect("nobody panicked").clone()
    }

    /// The requests of an HTTP method, or of a JSON-RPC method, so far.
    pub(crate) fn asked(&self, method: &str) -> Vec<Asked> {
        self.log().into_iter().filter(|asked| asked.method == method || asked.rpc() == method).collect()
    }

    /// Waits until there are so many requests of a method.
    pub(crate) async fn wait_for(&self, method: &str, count: usize) -> Vec<Asked> {
        for _ in 0..500 {
            let asked = self.asked(method);
            if asked.len() >= count {
                return asked;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{method} came {} times, not {count}: {:?}", self.asked(method).len(), self.log());
    }

    /// Waits until a caller hangs up on a hanging answer.
    pub(crate) async fn hung_up(&self) {
        tokio::time::timeout(Duration::from_secs(5), self.hung_up.notified()).await.expect("the caller hangs up");
    }
}

async fn serve(listener: TcpListener, rule: Arc<Rule>, log: Arc<Mutex<Vec<Asked>>>, hung_up: Arc<tokio::sync::Notify>) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (rule, log, hung_up) = (rule.clone(), log.clone(), hung_up.clone());
        connections.spawn(async move {
            let mut stream = BufReader::new(stream);
            while let Some(asked) = read(&mut stream, connection).await {
                log.lock().expect("nobody panicked").push(asked.clone());
                if write(&mut stream, rule(&asked), &hung_up).await.is_none() {
                    return;
                }
            }
        });
    }
}

async fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: String::new(), connection };
    let mut body = vec![0; asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    asked.body = String::from_utf8(body).expect("text");
    Some(asked)
}

async fn write(stream: &mut BufReader<TcpStream>, reply: Reply, hung_up: &tokio::sync::Notify) -> Option<()> {
    tokio::time::sleep(reply.delay).await;
    let headers: Vec<_> = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let head = format!("HTTP/1.1 {} Told\r\n{headers}transfer-encoding: chunked\r\n\r\n", reply.status);
    stream.write_all(head.as_bytes()).await.ok()?;
    for step in reply.steps {
        match step {
            Step::Say(text) => {
                stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.ok()?;
            }
            Step::Wait(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Step::Hang => {
                let _ = stream.read(&mut [0]).await;
                hung_up.notify_one();
                return None;
            }
            Step::Break => return None,
        }
    }
    stream.write_all(b"0\r\n\r\n").await.ok()
}
