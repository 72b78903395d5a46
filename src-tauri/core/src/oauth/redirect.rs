//! Where the browser comes back to: one page on this computer, for one sign-in.
//!
//! It listens on 127.0.0.1 alone. Only the right path with the right state is an answer; everything else, such as an
//! icon that the browser wants or a connection that says nothing, is turned away and waits for nobody.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use crate::error::{Code, Error, Result};

/// The port for clients that were registered by hand, whose address has to be known before.
pub const USUAL_PORT: u16 = 41_975;
const PATH: &str = "/callback";
/// The longest request that is read, in bytes.
const MOST_BYTES: usize = 16 * 1024;
/// How many connections may be open at once; the oldest goes first.
const MOST_OPEN: usize = 32;
/// How long a connection may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// A page that waits for the browser; gone when dropped.
pub(super) struct Redirect {
    listener: TcpListener,
    port: u16,
    /// The port for which the client was registered, where another program has it.
    missed: Option<u16>,
}

/// What the browser brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) code: String,
    pub(super) state: String,
    pub(super) issuer: Option<String>,
}

/// How a request is answered.
enum Outcome {
    /// It is the sign-in's end.
    Back(Result<Back>),
    /// It is none of ours.
    Other(&'static str),
}

impl Redirect {
    /// Listens, on one of these ports where it is free, else on any.
    pub(super) async fn open(ports: &[u16]) -> Result<Self> {
        for port in ports.iter().copied().chain([0]) {
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
                && let Ok(address) = listener.local_addr()
            {
                let port = address.port();
                return Ok(Self { listener, port, missed: ports.first().copied().filter(|first| *first != port) });
            }
        }
        Err(Error::new(Code::Io, "Patchbay cannot listen for the browser on this computer.").hint("Try again."))
    }

    /// The address that the browser is sent back to.
    pub(super) fn address(&self) -> String {
        address(self.port)
    }

    /// What to do where nobody came back and that may be because of another program on this computer.
    pub(super) fn hint(&self) -> Option<String> {
        let port = self.missed?;
        Some(format!("Another program uses port {port} of this computer: close it, then sign in again."))
    }

    /// Waits for the browser to come back with this state.
    pub(super) async fn back(self, state: &str) -> Result<Back> {
        let (send, mut receive) = mpsc::channel(1);
        let asked = Arc::new((self.port, state.to_owned()));
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                Some(back) = receive.recv() => return back,
                _ = open.join_next(), if open.len() >= MOST_OPEN => {}
                connection = self.listener.accept(), if open.len() < MOST_OPEN => {
                    // One that cannot be accepted is tried again by the browser.
                    let Ok((stream, _)) = connection else { continue };
                    let (asked, send) = (asked.clone(), send.clone());
                    open.spawn(async move {
                        if let Ok(Some(back)) = timeout(PATIENCE, serve(stream, &asked)).await {
                            // Nobody waits any more where another was quicker.
                            let _ = send.send(back).await;
                        }
                    });
                }
            }
        }
    }
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}{PATH}")
}

/// The port of an address that [`Redirect::address`] gave.
pub(super) fn port_of(address: &str) -> Option<u16> {
    Url::parse(address).ok().filter(|url| url.host_str() == Some("127.0.0.1"))?.port()
}

/// Answers one connection; what it brought, if that is what is waited for.
async fn serve(mut stream: TcpStream, asked: &(u16, String)) -> Option<Result<Back>> {
    let head = head(&mut stream).await?;
    let (status, words, back) = match outcome(&head, asked.0, &asked.1) {
        Outcome::Back(Ok(back)) => ("200 OK", "You can close this window. Patchbay goes on by itself.", Some(Ok(back))),
        Outcome::Back(Err(error)) => {
            ("200 OK", "You are not signed in. You can close this window and try again in Patchbay.", Some(Err(error)))
        }
        Outcome::Other(status) => (status, "There is nothing here.", None),
    };
    // A browser that is gone has sent what matters.
    let _ = stream.write_all(page(status, words).as_bytes()).await;
    let _ = stream.shutdown().await;
    back
}

/// Everything up to the empty line.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 2048];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        if bytes.len() > MOST_BYTES {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

fn outcome(head: &str, port: u16, state: &str) -> Outcome {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("GET"), Some(target)) = (words.next(), words.next()) else {
        return Outcome::Other("405 Method Not Allowed");
    };
    let host = lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("host"));
    // A page elsewhere may lead its own name here.
    if host.is_none_or(|(_, host)| host.trim() != format!("127.0.0.1:{port}")) {
        return Outcome::Other("400 Bad Request");
    }
    let here = Url::parse(&address(port)).and_then(|base| base.join(target)).ok();
    let Some(url) = here.filter(|url| target.starts_with('/') && url.path() == PATH) else {
        return Outcome::Other("404 Not Found");
    };
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if of("state").as_deref() != Some(state) {
        return Outcome::Other("400 Bad Request");
    }
    if let Some(error) = of("error") {
        return Outcome::Back(Err(denied(&error)));
    }
    match of("code") {
        Some(code) => Outcome::Back(Ok(Back { code, state: state.to_owned(), issuer: of("iss") })),
        None => Outcome::Other("400 Bad Request"),
    }
}

/// RFC 6749, 4.1.2.1. Its description is anybody's text and is not repeated.
fn denied(error: &str) -> Error {
    let why = match error {
        "access_denied" => "you, or the service, said no.",
        "invalid_scope" => "the service does not give these permissions.",
        "temporarily_unavailable" | "server_error" => "the service has a fault of its own.",
        _ => "the service does not take the request.",
    };
    super::failure::refused(why)
}

fn page(status: &str, words: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Patchbay</title><p>{words}</p></html>\n"
    );
    let headers = [
        "Content-Type: text/html; charset=utf-8",
        "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store",
        "Connection: close",
    ];
    format!("HTTP/1.1 {status}\r\n{}\r\nContent-Length: {}\r\n\r\n{body}", headers.join("\r\n"), body.len())
}
