//! The real core over loopback HTTP, so that the page's tests in a browser can run on it: `journey core` serves, and
//! `journey page COMMAND...` runs a command with a core, a keychain and a practice service of its own.

use std::convert::Infallible;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use patchbay_core::Host;
use patchbay_core::api::{Event, Patchbay, Request};
use patchbay_core::secret::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::broadcast;

use crate::say;
use crate::session::Session;

type Events = broadcast::Sender<(&'static str, Value)>;

#[derive(Clone)]
struct Shared {
    patchbay: Patchbay,
    events: Events,
}

#[derive(Deserialize)]
struct Call {
    request: Request,
    secret: Option<Secret>,
}

/// Serves until it is killed; the first line on standard output is the address.
pub(crate) async fn core() -> Result<()> {
    let patchbay = Patchbay::open(Host::real().map_err(anyhow::Error::msg)?);
    let (events, _) = broadcast::channel(256);
    let of_core = events.clone();
    // Nobody listens while no page is open.
    patchbay.listen(move |event| {
        drop(match event {
            Event::Changed => of_core.send(("changed", Value::Null)),
            // No browser is opened: the specs look at what the window says.
            Event::SignIn { id, step } => {
                of_core.send(("sign_in_progress", json!({ "id": id, "step": step, "opened": true })))
            }
            Event::Layer { id, layer } => of_core.send(("check_progress", json!({ "id": id, "layer": layer }))),
        });
    });
    let of_files = events.clone();
    let _watcher = patchbay.watch(move || drop(of_files.send(("changed", Value::Null))));
    patchbay.secrets_status().await;
    let shared = Shared { patchbay, events };
    let app = Router::new()
        .route("/call", post(call).options(allow))
        .route("/practice", post(practice).options(allow))
        .route("/events", get(listen))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    say(&format!("http://{}", listener.local_addr()?));
    Ok(axum::serve(listener, app).await?)
}

/// Any page may ask: it is a test's, on this computer.
fn open(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    response
}

async fn allow() -> Response {
    open(().into_response())
}

async fn call(State(shared): State<Shared>, Json(call): Json<Call>) -> Response {
    let answer = shared.patchbay.call(call.request, call.secret).await;
    open(Json(answer.map_or_else(|error| json!({ "err": error }), |answer| json!({ "ok": answer }))).into_response())
}

async fn practice() -> Response {
    let origin = std::env::var("PATCHBAY_TEST_PRACTICE").unwrap_or_default();
    let state = json!({ "running": true, "url": format!("{origin}/mcp"), "token_page": format!("{origin}/tokens") });
    open(Json(json!({ "ok": state })).into_response())
}

async fn listen(State(shared): State<Shared>) -> Response {
    let events = stream::unfold(shared.events.subscribe(), |mut events| async move {
        loop {
            match events.recv().await {
                Ok((name, value)) => {
                    let event = sse::Event::default().event(name).data(value.to_string());
                    return Some((Ok::<_, Infallible>(event), events));
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    open(Sse::new(events).into_response())
}

/// Runs a command with the addresses of a core and a practice service in its environment.
pub(crate) async fn page(command: &[String]) -> Result<()> {
    let (program, args) = command.split_first().context("say which command to run")?;
    let mut session = Session::start().await?;
    let patchbay = std::env::current_dir()?.join("target/debug/patchbay").display().to_string();
    let mut service = session.command(&patchbay);
    service.args(["practice", "--port", "0", "--json"]);
    let told: Value = serde_json::from_str(&session.spawn_and_read(service).await.context("practice")?)?;
    let practice = told["mcp"].as_str().context("an address")?.trim_end_matches("/mcp").to_owned();
    let mut core = session.command(&std::env::current_exe()?.display().to_string());
    core.arg("core").env("PATCHBAY_TEST_PRACTICE", &practice);
    let core = session.spawn_and_read(core).await.context("core")?;
    let status = Command::new(program)
        .args(args)
        .env("PATCHBAY_TEST_BACKEND", core)
        .env("PATCHBAY_TEST_PRACTICE", practice)
        .stdin(Stdio::null())
        .status()
        .await?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}
