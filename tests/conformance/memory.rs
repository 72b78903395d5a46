//! Large answers go through little memory, and wait at the server for an app that reads slowly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patchbay_test_support::Home;

const MIB: u64 = 1024 * 1024;
/// How much more memory a bridge may use for an answer of any size.
const MOST_GROWTH: u64 = 16 * MIB;

/// How large an answer is.
fn size() -> u64 {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 1024 * MIB } else { 64 * MIB + 1 }
}

/// A server whose every answer is large; how much of it was sent so far.
fn serve(kind: &'static str, before: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let sent = Arc::new(AtomicU64::new(0));
    let counter = sent.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            // The app may hang up whenever it likes.
            let _ = answer(stream, kind, before, &counter);
        }
    });
    (url, sent)
}

fn answer(stream: TcpStream, kind: &str, before: &str, sent: &AtomicU64) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
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
    stream.read_exact(&mut vec![0; length])?;
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n")?;
    write!(stream, "{before}{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"text\":\"")?;
    let piece = vec![b'x'; 64 * 1024];
    let mut left = size();
    while left > 0 {
        let now = left.min(piece.len() as u64);
        stream.write_all(&piece[..usize::try_from(now).expect("small")])?;
        sent.fetch_add(now, Ordering::SeqCst);
        left -= now;
    }
    write!(stream, "\"}}}}\n\n")
}

/// The most memory that a program has used so far, in bytes.
fn peak(program: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn goes_through(kind: &'static str, before: &'static str) {
    let (url, sent) = serve(kind, before);
    let home = Home::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["bridge", "--url", &url]).env_clear().envs(home.env());
    let mut bridge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(300));
    let before = peak(&bridge);
    let mut input = bridge.stdin.take().expect("its input");
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{}}}}"#).expect("it listens");
    // An app that does not read yet.
    std::thread::sleep(Duration::from_secs(1));
    let waits = sent.load(Ordering::SeqCst);
    assert!(waits < size() / 2 && waits < 32 * MIB, "the rest waits at the server, not {waits} bytes of it");
    let mut output = bridge.stdout.take().expect("its output");
    let (mut piece, mut read, mut last) = (vec![0; 1 << 20], 0, 0);
    while last != b'\n' {
        let count = output.read(&mut piece).expect("it writes");
        assert!(count > 0, "the line ends");
        assert!(!piece[..count - 1].contains(&b'\n'), "it is one line");
        read += count as u64;
        last = piece[count - 1];
    }
    let around = r#"{"jsonrpc":"2.0","id":1,"result":{"text":""}}"#.len() as u64;
    assert!((read - size() - around) < 8, "all of it came, and one line's end: {read}");
    let growth = peak(&bridge) - before;
    assert!(growth < MOST_GROWTH, "the answer took {} KiB", growth / 1024);
    drop(input);
    assert!(bridge.wait().expect("it ends").success());
}

#[test]
fn a_large_json_answer_goes_through_little_memory() {
    goes_through("application/json", "");
}

#[test]
fn a_large_event_goes_through_little_memory() {
    goes_through("text/event-stream", ": hello\n\nevent: message\ndata: ");
}
