//! Services that speak HTTP/2 alone: over TLS to callers who offer it (ALPN), where the check gets through, and in clear
//! text, which is said.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use patchbay_test_support::Home;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::tls::{authority, configuration, signed};
use crate::patchbay_in;

/// An MCP server of the older generations, as small as one can be.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} } }),
        Some("tools/list") => json!({ "tools": [{ "name": "one" }] }),
        Some("tools/call") => json!({ "text": "x".repeat(4 << 20) }),
        _ => Value::Null,
    };
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
    Ok(Response::new(Full::from(answer.to_string())))
}

/// A service behind TLS; its address, and a file with who vouches for it.
async fn serve(home: &Home) -> (String, std::path::PathBuf) {
    let company = authority();
    let mut config = configuration(signed(&company, "localhost", |_| {}));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://localhost:{}/mcp", listener.local_addr().expect("an address").port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                // Who speaks nothing of it is sent away.
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    let serving = http2::Builder::new(TokioExecutor::new());
                    let _ = serving.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
                }
            });
        }
    });
    let bundle = home.path().join("trusted.pem");
    std::fs::write(&bundle, company.pem()).expect("written");
    (url, bundle)
}

#[tokio::test]
async fn answers_that_wait_leave_the_one_that_is_read_its_room() {
    let home = Home::new();
    let (url, bundle) = serve(&home).await;
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(["bridge", "--url", &url]).env_clear().envs(home.env()).env("SSL_CERT_FILE", bundle);
        let mut bridge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut input = bridge.stdin.take().expect("its input");
        for id in 0..32 {
            writeln!(input, r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{}}}}"#)
                .expect("it listens");
        }
        // All have begun when the first is read.
        std::thread::sleep(Duration::from_secs(2));
        let lines = BufReader::new(bridge.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let lengths: Vec<_> = lines.take(32).map(|line| line.len() >> 20).collect();
        drop(input);
        bridge.wait().expect("it ends");
        lengths
    };
    let lengths = tokio::task::spawn_blocking(run).await.expect("it runs");
    assert_eq!(lengths, [4; 32]);
}

#[tokio::test]
async fn a_service_of_http_2_alone_works() {
    let home = Home::new();
    let (url, bundle) = serve(&home).await;
    let url = format!("url={url}");
    let run = move || {
        let trust = [("SSL_CERT_FILE", bundle.to_str().expect("a plain path"))];
        let add = ["add", "--provider", "custom", "--name", "n", "--app", "codex", "--create", "--set", &url];
        patchbay_in(&home, &add, None, &trust);
        patchbay_in(&home, &["check"], None, &trust)
    };
    let checked = tokio::task::spawn_blocking(run).await.expect("it runs");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.starts_with("n: It works\n"), "{said}");
    assert_eq!(checked.status.code(), Some(0));
}

#[tokio::test]
async fn a_service_of_http_2_alone_in_clear_text_is_told_for_what_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("url=http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(answer)),
            );
        }
    });
    let home = Home::new();
    let run = move || {
        let add = ["add", "--provider", "custom", "--name", "n", "--app", "codex", "--create", "--set", &url];
        patchbay_in(&home, &add, None, &[]);
        let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}\n";
        (patchbay_in(&home, &["check"], None, &[]), patchbay_in(&home, &["bridge", "n"], Some(request), &[]))
    };
    let (checked, bridge) = tokio::task::spawn_blocking(run).await.expect("they run");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let sentence = "n: What answers at this address speaks only a newer language of the web, and \
                    that without protection, which AI apps cannot use. Whoever runs the service has to \
                    let it speak the older one as well, or give it a protected address.\n";
    assert!(said.starts_with(sentence), "{said}");
    assert!(said.contains("only HTTP/2 without encryption"), "{said}");
    let answer: Value = serde_json::from_slice(&bridge.stdout).expect("one answer");
    assert_eq!(answer["error"]["data"]["code"], "not_mcp", "{answer}");
    assert!(
        answer["error"]["message"].as_str().is_some_and(|said| said.contains("only HTTP/2 without encryption")),
        "{answer}"
    );
}
