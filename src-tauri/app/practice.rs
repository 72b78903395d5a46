//! The practice service as a child process.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use patchbay_core::api::Patchbay;
use patchbay_core::wire::header::WWW_AUTHENTICATE;
use patchbay_core::wire::{Client, Endpoint, Method, Timeouts};
use patchbay_core::{Code, Error, Result};
use serde::Serialize;
use tauri::{AppHandle, Manager};

use super::program;

const ORIGIN: &str = "http://127.0.0.1:47115";

/// The child, where we started one.
#[derive(Default)]
pub(super) struct Practice(Mutex<Option<Child>>);

/// Whether the practice service runs, and where.
#[derive(Debug, Serialize)]
pub(super) struct PracticeState {
    running: bool,
    url: Option<String>,
    token_page: Option<String>,
}

impl Practice {
    /// Ends the child.
    pub(super) fn stop(&self) {
        if let Some(mut child) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Ended already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts it again where the user has a connection to it.
pub(super) fn resume(app: &AppHandle, patchbay: &Patchbay) {
    let practises = |state: patchbay_core::connection::state::State| {
        state.connections.iter().any(|connection| connection.provider == "practice")
    };
    if patchbay.state().is_ok_and(practises) {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(error) = start(&app).await {
                tracing::warn!("{error}");
            }
        });
    }
}

/// Starts it unless it runs already, and waits until it answers.
pub(super) async fn start(app: &AppHandle) -> Result<PracticeState> {
    if answers().await {
        return Ok(state().await);
    }
    let patchbay = app.state::<Patchbay>().inner().clone();
    let program = program::install(&patchbay)?;
    let child = Command::new(&program)
        .args(["practice", "--until-input-ends"])
        .env("PATCHBAY_DATA_DIR", patchbay.data_dir())
        // Held open for as long as we live, however we end.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Error::io(&program, &error))?;
    app.state::<Practice>().0.lock().unwrap_or_else(PoisonError::into_inner).replace(child);
    for _ in 0..50 {
        if answers().await {
            return Ok(state().await);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.state::<Practice>().stop();
    Err(Error::new(
        Code::PracticePort,
        "The practice service cannot start: another program uses port 47115 of this computer.",
    )
    .hint("Close that program, then try again."))
}

/// Whether it runs.
pub(super) async fn state() -> PracticeState {
    let running = answers().await;
    let at = |path: &str| running.then(|| format!("{ORIGIN}{path}"));
    PracticeState { running, url: at("/mcp"), token_page: at("/tokens") }
}

/// Whether it is our service that answers there: without a token it says who it is.
async fn answers() -> bool {
    let Ok(endpoint) = Endpoint::new(&format!("{ORIGIN}/mcp")) else { return false };
    let timeouts = Timeouts { connect: Duration::from_secs(1), read: Some(Duration::from_secs(1)) };
    let Ok(client) = Client::for_endpoint(&endpoint, timeouts) else { return false };
    let answer = client.send(&endpoint, Method::GET, None, &patchbay_core::wire::header::HeaderMap::new()).await;
    answer.is_ok_and(|answer| {
        let said = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        said.is_some_and(|said| said.contains("Patchbay practice"))
    })
}
