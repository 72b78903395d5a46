//! Carries one message to the service and its answer back.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Client, Endpoint, Method, Response, Timeouts};
use tokio::sync::mpsc;

use crate::envelope::{Envelope, Kind};
use crate::session::Session;
use crate::trouble::Trouble;
use crate::{Event, MOST_BYTES, Observer, Source, TooLarge, listen};

/// The way to the service, once it is known.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) client: Client,
    pub(crate) endpoint: Endpoint,
}

/// Carries messages; shared by all that are under way.
pub(crate) struct Carrier {
    source: Source,
    observer: Observer,
    lines: mpsc::Sender<Bytes>,
    way: RwLock<Option<Way>>,
    /// One at a time asks for the token: after many refusals at once, one read serves all.
    asking: tokio::sync::Mutex<()>,
    beginning: tokio::sync::Mutex<()>,
    pub(crate) session: Session,
    listener: std::sync::Mutex<Option<tokio::task::AbortHandle>>,
}

impl Carrier {
    pub(crate) fn new(source: Source, observer: Observer, lines: mpsc::Sender<Bytes>) -> Self {
        Self {
            source,
            observer,
            lines,
            way: RwLock::new(None),
            asking: tokio::sync::Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            session: Session::default(),
            listener: std::sync::Mutex::default(),
        }
    }

    /// Carries a message and sees to it that a request is answered.
    pub(crate) async fn carry(self: &Arc<Self>, line: Bytes, envelope: Envelope) {
        if envelope.kind == Kind::Garbage {
            return self.refuse_line(&TooLarge).await;
        }
        if envelope.method == "initialize" {
            self.session.begin(line.clone());
            self.stop_listening();
        }
        let outcome = self.deliver(&line, &envelope).await;
        match (&outcome, &envelope.kind) {
            (Ok(()), Kind::Request(_) | Kind::Batch) => (self.observer)(Event::Answered),
            (Ok(()), _) => {}
            (Err(trouble), kind) => {
                tracing::warn!(code = trouble.code, "{}", trouble.message);
                (self.observer)(Event::Failed(trouble.code.clone()));
                if let Kind::Request(id) = kind {
                    self.say(trouble.line(id)).await;
                }
            }
        }
        if outcome.is_ok() && envelope.method == "notifications/initialized" {
            let task = tokio::spawn(listen::listen(self.clone()));
            let old = self.listener.lock().unwrap_or_else(PoisonError::into_inner).replace(task.abort_handle());
            if let Some(old) = old {
                old.abort();
            }
        }
    }

    async fn deliver(self: &Arc<Self>, line: &Bytes, envelope: &Envelope) -> Result<(), Trouble> {
        let response = self.post(line, envelope).await?;
        let gone = response.status().as_u16() == 404 && self.session.id().is_some();
        if gone && !envelope.is_modern() && envelope.method != "initialize" {
            self.begin_again().await?;
            let response = self.post(line, envelope).await?;
            return crate::answer::bring(self, response, envelope).await;
        }
        crate::answer::bring(self, response, envelope).await
    }

    /// Posts a message; where the service answers 401, asks for the token once more and posts again if it is another.
    pub(crate) async fn post(&self, line: &Bytes, envelope: &Envelope) -> Result<Response, Trouble> {
        let way = self.way().await?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if envelope.is_modern() {
            envelope.routing(&mut headers);
        } else if envelope.method != "initialize" {
            self.session.headers(&mut headers);
        }
        let response = way.client.send(&way.endpoint, Method::POST, Some(line.clone()), &headers).await?;
        if response.status().as_u16() != 401 {
            return Ok(response);
        }
        let Some(fresh) = self.ask_again(&way).await? else { return Err(refused(&way)) };
        let response = fresh.client.send(&fresh.endpoint, Method::POST, Some(line.clone()), &headers).await?;
        if response.status().as_u16() == 401 { Err(refused(&fresh)) } else { Ok(response) }
    }

    /// The way to the service; asked of the source where it is not known yet.
    pub(crate) async fn way(&self) -> Result<Way, Trouble> {
        if let Some(way) = self.known() {
            return Ok(way);
        }
        let _asking = self.asking.lock().await;
        match self.known() {
            Some(way) => Ok(way),
            // At the start nothing else waits, so the keychain is read right here.
            None => self.keep((self.source)()?),
        }
    }

    /// Asks for the token again; `None` where it is the one that was just refused.
    pub(crate) async fn ask_again(&self, refused: &Way) -> Result<Option<Way>, Trouble> {
        let _asking = self.asking.lock().await;
        if let Some(other) = self.known().filter(|way| !way.endpoint.same_auth(&refused.endpoint)) {
            return Ok(Some(other));
        }
        let source = self.source.clone();
        let endpoint = tokio::task::spawn_blocking(move || source())
            .await
            .map_err(|_| Trouble::new("internal", "Patchbay's bridge failed to read the token."))??;
        let same = endpoint.same_auth(&refused.endpoint) && endpoint.url() == refused.endpoint.url();
        if same { Ok(None) } else { self.keep(endpoint).map(Some) }
    }

    fn known(&self) -> Option<Way> {
        self.way.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, endpoint: Endpoint) -> Result<Way, Trouble> {
        let client = match self.known() {
            Some(way) if way.endpoint.origin() == endpoint.origin() => way.client,
            _ => Client::for_endpoint(&endpoint, Timeouts::default())?,
        };
        let way = Way { client, endpoint };
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = Some(way.clone());
        Ok(way)
    }

    /// The server has forgotten the session: begins a new one with the app's own words, unseen by the app.
    async fn begin_again(&self) -> Result<(), Trouble> {
        let forgotten = self.session.id();
        let _beginning = self.beginning.lock().await;
        if self.session.id() != forgotten {
            return Ok(());
        }
        let Some(initialize) = self.session.initialize() else {
            return Err(Trouble::new("session_ended", "The service ended the session. Restart the app."));
        };
        let envelope = Envelope::of(&initialize);
        let response = self.post(&initialize, &envelope).await?;
        if !response.status().is_success() {
            return Err(Trouble::status(response.status().as_u16(), ""));
        }
        self.session.set_id(response.headers().get("mcp-session-id").cloned());
        crate::answer::swallow(response).await?;
        let initialized = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let envelope = Envelope::of(&initialized);
        self.post(&initialized, &envelope).await.map(drop)
    }

    /// Writes a line to the app; waits while the app reads slowly.
    pub(crate) async fn say(&self, line: Bytes) {
        // The app is gone if this fails, and so is everybody who would want to know.
        let _ = self.lines.send(line).await;
    }

    /// Answers a line that is no message.
    pub(crate) async fn refuse_line(&self, _: &TooLarge) {
        let words = format!("This is no JSON-RPC message of at most {} MiB.", MOST_BYTES / 1024 / 1024);
        let error = serde_json::json!({ "code": -32700, "message": words });
        self.say(format!("{{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{error}}}\n").into()).await;
    }

    fn stop_listening(&self) {
        if let Some(listener) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listener.abort();
        }
    }

    /// Ends the session at the server.
    pub(crate) async fn end(&self) {
        self.stop_listening();
        let (Some(way), Some(_)) = (self.known(), self.session.id()) else { return };
        let mut headers = HeaderMap::new();
        self.session.headers(&mut headers);
        let bye = way.client.send(&way.endpoint, Method::DELETE, None, &headers);
        // Servers may not know it, and the app does not wait for it.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), bye).await;
    }
}

fn refused(way: &Way) -> Trouble {
    if way.endpoint.has_auth() {
        Trouble::token_refused()
    } else {
        Trouble::new("token_missing", "The service wants a sign-in. Give the connection a token in Patchbay.")
    }
}
