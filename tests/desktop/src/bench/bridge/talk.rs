//! An app's side of a conversation, as quick as it can be: no runtime, one write and one read for each call.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// How long a conversation may take in all: a program that hangs must not hang the measurement.
const LONGEST: Duration = Duration::from_secs(180);

/// The first words.
pub(super) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
/// The words after them.
pub(super) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A call of a tool.
pub(super) fn call(id: usize) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"note","arguments":{{"title":"fox"}}}}}}"#
    )
}

/// Which call was answered.
///
/// # Errors
/// It failed, or this is no answer.
pub(super) fn answered(text: &str) -> Result<usize> {
    #[derive(Deserialize)]
    struct Answer {
        id: usize,
        result: serde_json::Value,
    }
    let answer: Answer = serde_json::from_str(text).with_context(|| text.to_owned())?;
    ensure!(answer.result.is_object(), "{text}");
    Ok(answer.id)
}

/// A program that carries calls.
pub(super) struct Talk {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
    next: usize,
    _watched: mpsc::Sender<()>,
}

impl Talk {
    /// Starts a program and opens a session through it; how long that took.
    pub(super) fn open(mut command: Command) -> Result<(Self, Duration)> {
        let begun = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("its input")?;
        let output = BufReader::new(child.stdout.take().context("its output")?);
        let child = Arc::new(Mutex::new(child));
        let mut talk = Self { input, output, line: String::new(), next: 1, _watched: watch(child.clone()), child };
        talk.say(INITIALIZE)?;
        ensure!(talk.hear()? == 0, "it answers something else");
        let time = begun.elapsed();
        talk.say(INITIALIZED)?;
        Ok((talk, time))
    }

    /// Makes one call; how long it took.
    pub(super) fn call(&mut self) -> Result<Duration> {
        let (id, begun) = (self.next, Instant::now());
        self.next += 1;
        self.say(&call(id))?;
        ensure!(self.hear()? == id, "it answers something else");
        Ok(begun.elapsed())
    }

    /// Keeps so many calls in flight for a while; how many were answered, each once.
    pub(super) fn burst(&mut self, in_flight: usize, time: Duration) -> Result<(usize, Duration)> {
        let (first, begun) = (self.next, Instant::now());
        for _ in 0..in_flight {
            self.say_next()?;
        }
        let mut waits = vec![true; in_flight];
        let mut done = 0;
        while done < waits.len() {
            let id = self.hear()?;
            ensure!(waits.get_mut(id - first).is_some_and(std::mem::take), "{id} was answered twice");
            done += 1;
            if begun.elapsed() < time {
                self.say_next()?;
                waits.push(true);
            }
        }
        Ok((done, begun.elapsed()))
    }

    fn say_next(&mut self) -> Result<()> {
        self.next += 1;
        self.say(&call(self.next - 1))
    }

    /// The program's process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    fn say(&mut self, line: &str) -> Result<()> {
        Ok(self.input.write_all(format!("{line}\n").as_bytes())?)
    }

    /// The next answer; what the program says by itself is passed over.
    fn hear(&mut self) -> Result<usize> {
        loop {
            self.line.clear();
            ensure!(self.output.read_line(&mut self.line)? > 0, "the program ended, or was ended because it hung");
            if !self.line.contains("\"method\"") {
                return answered(&self.line);
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        end(&self.child);
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends a program that takes too long, unless the sender is dropped before.
fn watch(child: Arc<Mutex<Child>>) -> mpsc::Sender<()> {
    let (talks, over) = mpsc::channel();
    std::thread::spawn(move || {
        if over.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
            end(&child);
        }
    });
    talks
}
