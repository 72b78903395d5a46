//! The practice service's scripts' side.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A practice service on this computer.
#[derive(Debug, Clone, Copy)]
pub struct Practice {
    port: u16,
}

impl Practice {
    /// The one that listens at a port.
    pub const fn at(port: u16) -> Self {
        Self { port }
    }

    /// Its MCP address.
    pub fn address(self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// Its MCP address for those who send two tokens.
    pub fn pair_address(self) -> String {
        format!("http://127.0.0.1:{}/pair/mcp", self.port)
    }

    /// Makes a token: its id and its value.
    ///
    /// # Errors
    /// The service does not listen, or refuses.
    pub fn make(self, name: &str, seconds: u32) -> Result<(String, String)> {
        let scopes = ["profile:read", "notes:read"];
        let wish = json!({ "name": name, "scopes": scopes, "lifetime_seconds": seconds });
        let made = self.post("/api/tokens", &wish)?;
        let text = |key: &str| made[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
        Ok((text("id")?, text("token")?))
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// The service does not listen, or knows no such token.
    pub fn revoke(self, id: &str) -> Result<()> {
        self.post(&format!("/api/tokens/{id}/revoke"), &json!({})).map(drop)
    }

    /// Asks for one of the service's lists.
    ///
    /// # Errors
    /// The service does not listen, or refuses.
    pub fn get(self, path: &str) -> Result<Value> {
        ask(self.port, "GET", path, "")
    }

    /// Sends JSON to one of the service's addresses for scripts.
    ///
    /// # Errors
    /// The service does not listen, or refuses.
    pub fn post(self, path: &str, body: &Value) -> Result<Value> {
        ask(self.port, "POST", path, &body.to_string())
    }
}

fn ask(port: u16, method: &str, path: &str, body: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("the practice service is not there")?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    if !head.starts_with("HTTP/1.1 2") {
        bail!("{path}: {head}");
    }
    Ok(serde_json::from_str(body.trim()).unwrap_or(Value::Null))
}
