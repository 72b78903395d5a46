//! Carries one message to the service and its answer back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Method, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::answer::{bring, hear, words};
use crate::envelope::{Envelope, Kind};
use crate::listen;
use crate::message::Open;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::way::Ways;
use crate::{Event, MOST_BYTES, Observer, Source};

/// How long the server may take to hear that the session is over.
const GOODBYE: Duration = Duration::from_secs(1);

/// Carries messages; shared by all that are under way.
pub(crate) struct Carrier {
    pub(crate) ways: Ways,
    pub(crate) session: Session,
    observer: Observer,
    lines: mpsc::Sender<Bytes>,
    beginning: tokio::sync::Mutex<()>,
    listener: Mutex<Option<AbortHandle>>,
}

impl Carrier {
    pub(crate) fn new(source: Source, observer: Observer, lines: mpsc::Sender<Bytes>) -> Self {
        Self {
            ways: Ways::new(source),
            session: Session::default(),
            observer,
            lines,
            beginning: tokio::sync::Mutex::default(),
            listener: Mutex::default(),
        }
    }

    /// Asks for the token before anybody needs it. Whoever needs it first hears of what stood in the way.
    pub(crate) async fn prepare(self: Arc<Self>) {
        // Asked again by the first message where this fails.
        let _ = self.ways.get().await;
    }

    /// Carries a message and sees to it that every request in it is answered.
    pub(crate) async fn carry(self: &Arc<Self>, line: Bytes, envelope: Envelope) {
        if envelope.kind == Kind::Garbage {
            return self.refuse_line().await;
        }
        if envelope.is_initialize() {
            self.session.begin(line.clone());
            self.stop_listening();
        }
        let mut open = Open::new(envelope.ids().to_vec());
        let outcome = self.deliver(&line, &envelope, &mut open).await;
        let outcome = outcome.map_err(|trouble| trouble.veiled(&self.ways));
        if let Err(trouble) = &outcome {
            tracing::warn!(code = trouble.code, method = envelope.method, "{}", trouble.message);
            (self.observer)(Event::Failed(trouble.code.clone()));
            for id in open.ids() {
                self.say(trouble.line(id)).await;
            }
        } else if !envelope.ids().is_empty() {
            (self.observer)(Event::Answered);
        }
        if outcome.is_ok() && envelope.method == "notifications/initialized" && !envelope.is_modern() {
            self.start_listening();
        }
    }

    async fn deliver(self: &Arc<Self>, line: &Bytes, envelope: &Envelope, open: &mut Open) -> Result<(), Trouble> {
        let session = self.session.id().filter(|_| !envelope.is_modern() && !envelope.is_initialize());
        let mut response = self.post(line, envelope).await?;
        if response.status() == StatusCode::NOT_FOUND
            && let Some(session) = session
        {
            self.begin_again(&session).await?;
            response = self.post(line, envelope).await?;
        }
        bring(self, response, envelope, open).await
    }

    async fn post(&self, line: &Bytes, envelope: &Envelope) -> Result<Response, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if envelope.is_modern() {
            envelope.routing(&mut headers);
        } else if !envelope.is_initialize() {
            self.session.headers(&mut headers);
        }
        self.send(Method::POST, Some(line), &headers).await
    }

    /// Sends a request; where the service answers 401, asks for the token once more and sends again if it is another.
    pub(crate) async fn send(
        &self,
        method: Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, Trouble> {
        let way = self.ways.get().await?;
        let response = way.client.send(&way.endpoint, method.clone(), body.cloned(), headers).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(fresh) = self.ways.other_than(&way).await? else { return Err(way.refused()) };
        let response = fresh.client.send(&fresh.endpoint, method, body.cloned(), headers).await?;
        if response.status() == StatusCode::UNAUTHORIZED { Err(fresh.refused()) } else { Ok(response) }
    }

    /// The server has forgotten a session: begins a new one with the app's own words, unseen by the app.
    async fn begin_again(self: &Arc<Self>, forgotten: &HeaderValue) -> Result<(), Trouble> {
        let _beginning = self.beginning.lock().await;
        if self.session.id().as_ref() != Some(forgotten) {
            return Ok(());
        }
        let ended = |why: &str| Trouble::new("session_ended", format!("The service ended the session.{why}"));
        let Some(initialize) = self.session.initialize() else { return Err(ended(" Restart the app.")) };
        let envelope = Envelope::of(&initialize);
        let response = self.post(&initialize, &envelope).await?;
        if !response.status().is_success() {
            return Err(Trouble::status(response.status().as_u16(), ""));
        }
        let id = response.headers().get("mcp-session-id").cloned();
        let answer = hear(response, &mut Open::new(envelope.ids().to_vec())).await?;
        if !self.session.learn_version(&answer) {
            return Err(ended(&format!(" It does not begin a new one: {}", words(self, &answer))));
        }
        self.session.set_id(id);
        let initialized = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let response = self.post(&initialized, &Envelope::of(&initialized)).await?;
        drop(response);
        self.start_listening();
        Ok(())
    }

    /// Writes a line to the app; waits while the app reads slowly.
    pub(crate) async fn say(&self, line: Bytes) {
        // The app is gone if this fails, and so is everybody who would want to know.
        let _ = self.lines.send(line).await;
    }

    /// Answers a line that is no message.
    pub(crate) async fn refuse_line(&self) {
        let words = format!("This is no JSON-RPC message of at most {} MiB.", MOST_BYTES / 1024 / 1024);
        let error = serde_json::json!({ "code": -32700, "message": words });
        self.say(format!("{{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{error}}}\n").into()).await;
    }

    fn start_listening(self: &Arc<Self>) {
        let task = tokio::spawn(listen::listen(self.clone()));
        self.replace_listener(Some(task.abort_handle()));
    }

    fn stop_listening(&self) {
        self.replace_listener(None);
    }

    fn replace_listener(&self, new: Option<AbortHandle>) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = std::mem::replace(&mut *listener, new) {
            old.abort();
        }
    }

    /// Ends the session at the server.
    pub(crate) async fn end(&self) {
        self.stop_listening();
        let (Some(way), Some(_)) = (self.ways.known(), self.session.id()) else { return };
        let mut headers = HeaderMap::new();
        self.session.headers(&mut headers);
        let bye = way.client.send(&way.endpoint, Method::DELETE, None, &headers);
        // Servers may not know it, and the app does not wait for it.
        let _ = tokio::time::timeout(GOODBYE, bye).await;
    }
}
