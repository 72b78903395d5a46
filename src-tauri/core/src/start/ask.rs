//! The program that gives an entry's headers, run as its app does.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::group::Group;
use super::lines::{Tail, keep_tail};
use super::request::Helper;

/// The time that apps give it.
const PATIENCE: Duration = Duration::from_secs(10);
const ROOM: u64 = 64 * 1024;

/// A helper gave no headers. What it says instead may hold anything.
#[derive(Debug, thiserror::Error)]
#[error("the program that gives the headers failed: {0}")]
pub(super) struct NoHeaders(pub(super) String);

/// The headers that a helper gives.
pub(super) async fn headers_of(helper: &Helper) -> Result<Vec<(String, String)>, NoHeaders> {
    let (shell, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("/bin/sh", "-c") };
    let args = [flag.to_owned(), helper.command.clone()];
    let mut group = Group::start(Path::new(shell), &args, &helper.env, &helper.folder)
        .map_err(|error| NoHeaders(error.to_string()))?;
    drop(group.child.stdin.take());
    let (out, err) = (group.child.stdout.take(), group.child.stderr.take());
    let tail = Tail::default();
    let reading = err.map(|err| tokio::spawn(keep_tail(err, tail.clone())));
    let read = async {
        let mut said = Vec::new();
        if let Some(out) = out {
            let _ = out.take(ROOM).read_to_end(&mut said).await;
        }
        said
    };
    let said = timeout(PATIENCE, read).await;
    let ended = group.end().await;
    if let Some(reading) = reading {
        let _ = timeout(Duration::from_millis(200), reading).await;
    }
    let well = ended.status.is_some_and(|status| status.success());
    let told = said.ok().filter(|_| well).and_then(|said| parse(&said));
    told.ok_or_else(|| NoHeaders(tail.lines().pop().unwrap_or_default()))
}

fn parse(said: &[u8]) -> Option<Vec<(String, String)>> {
    let Ok(Value::Object(table)) = serde_json::from_slice(said) else { return None };
    table.into_iter().map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}
