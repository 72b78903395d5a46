//! Claude Code calls a tool through the bridge. Its model is a pretend one on this computer, which asks for one tool and says
//! what came back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use patchbay_test_support::canary;
use serde_json::{Value, json};

use crate::machine::Machine;

/// A model that asks for a tool; its address.
fn model(tool: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            // The app may hang up whenever it likes.
            std::thread::spawn(move || drop(answer(stream, tool)));
        }
    });
    url
}

fn answer(stream: TcpStream, tool: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = if first.starts_with("POST /v1/messages?") { events(&asked, tool) } else { String::new() };
    let status = if said.is_empty() { "404 Not Found" } else { "200 OK" };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/event-stream\r\ncontent-length: {}", said.len());
    write!(stream.get_mut(), "{head}\r\nconnection: close\r\n\r\n{said}")
}

/// What the model says: that it wants the tool, or what the tool gave it.
fn events(asked: &Value, tool: &str) -> String {
    let parts = asked["messages"].as_array().into_iter().flatten();
    let mut parts = parts.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let result = parts.find(|part| part["type"] == "tool_result").map(|part| part["content"].to_string());
    let (begin, delta, stop) = match result {
        None => (
            json!({ "type": "tool_use", "id": "toolu_1", "name": tool, "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": "{}" }),
            "tool_use",
        ),
        Some(result) => {
            (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": result }), "end_turn")
        }
    };
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": asked["model"],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let all = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": begin }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null }, "usage": usage }),
        json!({ "type": "message_stop" }),
    ];
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    all.iter().map(event).collect::<Vec<_>>().concat()
}

#[test]
fn claude_code_calls_a_tool_with_the_token_from_the_keychain() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice();
    let (_, token) = practice.make("called by Claude", 3600).expect("a token");
    let set = format!("--set=url={url}");
    machine
        .patchbay(&["add", "--provider=practice", "--name=Called", &set, "--app=claude-code", "--token-stdin"], &token);
    let tool = "mcp__called__whoami";
    let mut claude = machine.app_command("claude");
    claude.args(["-p", "Who am I?", "--output-format", "json", "--allowedTools", tool]);
    claude.env("ANTHROPIC_BASE_URL", model(tool)).env("ANTHROPIC_API_KEY", "none");
    // The pretend model asks at once, and for nothing but the tool.
    claude.env("ENABLE_TOOL_SEARCH", "false").env("CLAUDE_CODE_MCP_STARTUP_WAIT_MS", "30000");
    let output = machine.heard(claude.output().expect("it starts"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(told["result"].as_str().is_some_and(|words| words.contains("called by Claude")), "{told}");
    canary::search(machine.home(), &[&token], &[&machine.said()]).expect("no token where none may be");
}
