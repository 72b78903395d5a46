//! What the bridge costs, beside mcp-remote and a direct call, in one run against one service on this computer.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::apps::{Talk, tools};
use crate::say;

const STARTS: usize = 10;
const CALLS: usize = 400;

struct Row {
    name: &'static str,
    start: Duration,
    p50: Duration,
    p99: Duration,
    kib: u64,
}

/// Measures and prints a table with ratios.
pub(crate) async fn bench() -> Result<()> {
    let patchbay = std::env::current_dir()?.join("target/release/patchbay");
    let data = tempfile::tempdir()?;
    let mut practice = Command::new(&patchbay)
        .args(["practice", "--port", "0", "--json"])
        .env("PATCHBAY_DATA_DIR", data.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(practice.stdout.take().context("its output")?).lines();
    let told: Value = serde_json::from_str(&lines.next_line().await?.context("it ended")?)?;
    let url = told["mcp"].as_str().context("an address")?.to_owned();
    // A service without sign-in, so that every way to it carries the same: a relay that adds the token.
    let open = relay(&url).await?;
    let remote = tools()?.join("node_modules/.bin/mcp-remote");
    let rows = [
        measure("patchbay bridge", || program(&patchbay.display().to_string(), &["bridge", "--url", &open])).await?,
        measure("mcp-remote", || {
            program(&remote.display().to_string(), &[&open, "--allow-http", "--transport", "http-only"])
        })
        .await?,
    ];
    let direct = direct(&open).await?;
    report(&rows, direct)
}

fn program(path: &str, args: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(args).kill_on_drop(true);
    command
}

async fn measure(name: &'static str, command: impl Fn() -> Command) -> Result<Row> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut talk = Talk::start(&mut command())?;
        talk.open().await?;
        starts.push(begun.elapsed());
    }
    let mut talk = Talk::start(&mut command())?;
    talk.open().await?;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        let answer = talk.whoami().await?;
        ensure!(answer.get("result").is_some(), "{answer}");
        calls.push(begun.elapsed());
    }
    let kib = memory(talk.pid().context("it ended")?)?;
    Ok(Row { name, start: at(&mut starts, 50), p50: at(&mut calls, 50), p99: at(&mut calls, 99), kib })
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// Proportional memory of a process and its children, in KiB.
fn memory(pid: u32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let own = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below: u64 = children.split_whitespace().filter_map(|child| memory(child.parse().ok()?).ok()).sum();
    Ok(own.unwrap_or(0) + below)
}

/// The floor: one kept-alive connection, the same call.
async fn direct(url: &str) -> Result<Duration> {
    let host = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let mut stream = BufReader::new(TcpStream::connect(&host).await?);
    stream.get_ref().set_nodelay(true)?;
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { "name": "b", "version": "1" }, "io.modelcontextprotocol/clientCapabilities": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami", "arguments": {}, "_meta": meta } }).to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: whoami\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream).await?;
        times.push(begun.elapsed());
    }
    Ok(at(&mut times, 50))
}

async fn read_answer(stream: &mut BufReader<TcpStream>) -> Result<()> {
    let (mut length, mut chunked, mut line) = (0, false, String::new());
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the service hung up");
        let lower = line.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("content-length:") {
            length = text.trim().parse()?;
        }
        chunked |= lower.starts_with("transfer-encoding: chunked");
        if line == "\r\n" {
            break;
        }
    }
    while chunked {
        line.clear();
        stream.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16)?;
        stream.read_exact(&mut vec![0; size + 2]).await?;
        chunked = size > 0;
    }
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(())
}

/// Adds a token's header to every request on its way to the practice service.
async fn relay(url: &str) -> Result<String> {
    let host = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let token = token(&host).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let open = format!("http://{}/mcp", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (host, token) = (host.clone(), token.clone());
            tokio::spawn(async move { pass(stream, &host, &token).await });
        }
    });
    Ok(open)
}

async fn pass(from: TcpStream, host: &str, token: &str) -> Result<()> {
    let to = TcpStream::connect(host).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let (read, mut answers) = from.into_split();
    let (mut back, mut forth) = to.into_split();
    let copy = tokio::spawn(async move { tokio::io::copy(&mut back, &mut answers).await });
    let mut lines = BufReader::new(read);
    let mut line = String::new();
    while lines.read_line(&mut line).await? > 0 {
        let (mut head, mut length) = (String::new(), 0_usize);
        while line != "\r\n" {
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
            head.push_str(&line);
            line.clear();
            ensure!(lines.read_line(&mut line).await? > 0, "the request was cut off");
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).await?;
        let mut request = format!("{head}Authorization: Bearer {token}\r\n\r\n").into_bytes();
        request.extend_from_slice(&body);
        forth.write_all(&request).await?;
        line.clear();
    }
    copy.abort();
    Ok(())
}

async fn token(host: &str) -> Result<String> {
    let body = json!({ "name": "bench", "scopes": ["profile:read"], "lifetime_seconds": 3600 }).to_string();
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "POST /api/tokens HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split("\r\n\r\n").nth(1).context("no answer")?;
    let made: Value = serde_json::from_str(body)?;
    Ok(made["token"].as_str().context("no token")?.to_owned())
}

fn report(rows: &[Row; 2], direct: Duration) -> Result<()> {
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    let mut lines = vec![
        "| | start to `initialize` | call p50 | call p99 | memory |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for row in rows {
        lines.push(format!(
            "| {} | {} | {} | {} | {:.1} MiB |",
            row.name,
            ms(row.start),
            ms(row.p50),
            ms(row.p99),
            kib(row.kib)
        ));
    }
    lines.push(format!("| direct call, kept alive | - | {} | - | - |", ms(direct)));
    let [own, peer] = rows;
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    lines.push(format!(
        "\nstart: {:.0} times faster than {}; call p50: {:.2} times the direct call; memory: {:.3} of {}'s\n",
        ratio(peer.start, own.start),
        peer.name,
        ratio(own.p50, direct),
        kib(own.kib) / kib(peer.kib),
        peer.name
    ));
    let table = lines.join("\n");
    say(&table);
    std::fs::create_dir_all("target/bench")?;
    std::fs::write("target/bench/bridge.md", table)?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn kib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
