//! What a program writes: messages on its standard output, words on its standard error. Bounded in both.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

/// One line of a program's standard output.
pub(super) enum Line {
    /// A message.
    Message(Value),
    /// Something else.
    Noise(String),
    /// More than any answer: nothing further is read.
    TooMuch,
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes of one line.
    pub(super) line: usize,
    /// Bytes of all.
    pub(super) all: usize,
}

/// The last words on standard error.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    const LINES: usize = 12;
    const LENGTH: usize = 2000;

    /// The lines, the oldest first; the last may have no end yet.
    pub(super) fn lines(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|line| !line.trim().is_empty()).cloned().collect()
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (n, piece) in String::from_utf8_lossy(bytes).split('\n').enumerate() {
            if n > 0 || kept.is_empty() {
                kept.push_back(String::new());
            }
            if let Some(last) = kept.back_mut() {
                let room = Self::LENGTH.saturating_sub(last.len());
                last.extend(piece.chars().filter(|c| !c.is_control()).take(room));
            }
            while kept.len() > Self::LINES {
                kept.pop_front();
            }
        }
    }
}

/// Reads standard error to its end, keeping its last lines.
pub(super) async fn keep_tail(mut from: impl AsyncRead + Unpin, tail: Tail) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        tail.push(&buffer[..read]);
    }
}

/// Reads standard output line by line to its end, or until there is too much of it.
pub(super) async fn read_lines(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Line>, room: Room) {
    let (mut buffer, mut line, mut all) = (vec![0; 16 * 1024], Vec::new(), 0);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        all += read;
        let mut rest = &buffer[..read];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            if to.send(understand(&line)).await.is_err() {
                return;
            }
            line.clear();
        }
        line.extend_from_slice(rest);
        if line.len() > room.line || all > room.all {
            // Who listens may have gone.
            let _ = to.send(Line::TooMuch).await;
            return;
        }
    }
    if !line.is_empty() {
        let _ = to.send(understand(&line)).await;
    }
}

fn understand(line: &[u8]) -> Line {
    match serde_json::from_slice::<Value>(line) {
        Ok(message) if message.get("jsonrpc").is_some() => Line::Message(message),
        _ => Line::Noise(String::from_utf8_lossy(line).chars().take(400).collect()),
    }
}
