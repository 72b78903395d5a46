//! Carries one message to the service and its answer back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::oauth::Refusal;
use patchbay_core::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use patchbay_core::wire::{Method, Response, StatusCode};
use tokio::task::{AbortHandle, JoinHandle};

use crate::answer::{Answer, bring, hear};
use crate::begin::session_ended;
use crate::envelope::{Envelope, Kind};
use crate::message::{Open, Said, one_line};
use crate::mirror::Mirrors;
use crate::object::{Object, quoted};
use crate::outlet::Outlet;
use crate::room::Room;
use crate::server::Server;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::underway::Underway;
use crate::way::{Way, Ways};
use crate::{Event, MOST_BYTES, Observer, Source, channel, listen, server, stream, wait};

/// How long the server may take to hear that the session is over.
const GOODBYE: Duration = Duration::from_secs(1);
/// The error of the newest generation for headers that do not fit the message.
const HEADER_MISMATCH: i64 = -32020;
/// How often a session is begun anew for one message: servers with several sessions to forget may forget the new one too,
/// and one that forgets each at once is told of.
const MOST_BEGINNINGS: usize = 3;
/// Pages of a list of tools.
const MOST_PAGES: usize = 64;

/// Carries messages; shared by all that are under way.
pub(crate) struct Carrier {
    pub(crate) ways: Ways,
    pub(crate) session: Session,
    observer: Observer,
    pub(crate) outlet: Outlet,
    mirrors: Mirrors,
    pub(crate) beginning: tokio::sync::Mutex<()>,
    pub(crate) underway: Underway,
    pub(crate) room: Room,
    server: Mutex<Server>,
    listener: Mutex<Option<AbortHandle>>,
}

/// What the service says against the token.
fn refusal(way: &Way, response: &Response) -> Option<Refusal> {
    Refusal::of(&way.endpoint, response.status(), response.headers())
}

/// Who answered.
pub(crate) fn origin(response: &Response) -> String {
    response.url().origin().ascii_serialization()
}

impl Carrier {
    pub(crate) fn new(source: Source, observer: Observer, outlet: Outlet) -> Self {
        Self {
            ways: Ways::new(source),
            session: Session::default(),
            observer,
            outlet,
            mirrors: Mirrors::default(),
            beginning: tokio::sync::Mutex::default(),
            underway: Underway::default(),
            room: Room::default(),
            server: Mutex::default(),
            listener: Mutex::default(),
        }
    }

    /// Asks for the token before anybody needs it. Whoever needs it first hears of what stood in the way.
    pub(crate) async fn prepare(self: Arc<Self>) {
        // Asked again by the first message where this fails.
        let _ = self.ways.get().await;
    }

    /// Carries a message and sees to it that every request in it, which are those that are open, is answered.
    pub(crate) async fn carry(self: &Arc<Self>, line: Bytes, envelope: Envelope, mut open: Open) {
        if envelope.kind == Kind::Garbage {
            return self.refuse_line().await;
        }
        if envelope.is_initialize() {
            self.session.begin(line.clone());
            self.stop_listening();
            self.set_server(Server::Same);
        }
        let outcome = self.deliver(&line, &envelope, &mut open).await;
        let outcome = outcome.map_err(|trouble| trouble.veiled(&self.ways));
        if let Err(trouble) = &outcome {
            tracing::warn!(code = trouble.code, method = envelope.method, "{}", trouble.message);
            (self.observer)(Event::Failed(trouble.code.clone()));
            for id in open.ids() {
                self.say(trouble.line(&id)).await;
            }
        } else if !envelope.ids().is_empty() {
            (self.observer)(Event::Answered);
        }
        if outcome.is_ok() && envelope.method == "notifications/initialized" && !envelope.is_modern() {
            self.start_listening();
        }
    }

    async fn deliver(self: &Arc<Self>, line: &Bytes, envelope: &Envelope, open: &mut Open) -> Result<(), Trouble> {
        if envelope.is_modern() {
            return self.deliver_modern(line, envelope, open).await;
        }
        match self.server() {
            Server::Same => self.deliver_same(line, envelope, open).await,
            Server::Channel(channel) => channel::deliver(self, channel, line, open).await,
            Server::Newest(newest) => newest.deliver(self, line, envelope, open).await,
        }
    }

    async fn deliver_same(self: &Arc<Self>, line: &Bytes, envelope: &Envelope, open: &mut Open) -> Result<(), Trouble> {
        if envelope.is_initialize() {
            let response = self.post(line, envelope).await?;
            return server::begin(self, response, line, envelope, open).await;
        }
        for _ in 0..MOST_BEGINNINGS {
            let session = self.session.id();
            let response = self.post_here(line, envelope).await?;
            match session.filter(|_| response.status() == StatusCode::NOT_FOUND) {
                Some(forgotten) => self.begin_again(&forgotten).await?,
                None => return bring(self, response, envelope, open).await,
            }
        }
        let in_session = self.session.id().is_some();
        let response = self.post_here(line, envelope).await?;
        if in_session && response.status() == StatusCode::NOT_FOUND {
            return Err(session_ended(" It does so again and again. Try again in a while."));
        }
        bring(self, response, envelope, open).await
    }

    /// What kind of server it is.
    pub(crate) fn server(&self) -> Server {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_server(&self, server: Server) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// Carries a message of the newest generation. Where the server misses headers, it is asked once more which it wants.
    pub(crate) async fn deliver_modern(
        &self,
        line: &Bytes,
        envelope: &Envelope,
        open: &mut Open,
    ) -> Result<(), Trouble> {
        let response = self.post(line, envelope).await?;
        if response.status() != StatusCode::BAD_REQUEST || !envelope.calls_tool() {
            return bring(self, response, envelope, open).await;
        }
        let (answer, sent) = (Answer::read(self, response).await?, self.mirrors.headers(line));
        // What is asked next may need the place of a large one.
        if answer.place.is_none() && answer.error_code() == Some(HEADER_MISMATCH) {
            self.list_tools(line).await?;
        }
        if self.mirrors.headers(line) == sent {
            return answer.settle(self, envelope, open).await;
        }
        bring(self, self.post(line, envelope).await?, envelope, open).await
    }

    /// Learns anew which headers tools want, in the name of the app that calls one.
    async fn list_tools(&self, call: &[u8]) -> Result<(), Trouble> {
        let call = Object::of(call).unwrap_or_default();
        let params = call.object("params");
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let answer = self.ask("tools/list", &params.object("_meta"), cursor).await?;
            self.mirrors.learn(&answer);
            let answer = Object::of(&answer).unwrap_or_default();
            cursor = answer.object("result").text("nextCursor");
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Asks a server of the newest generation something that the app knows nothing of; its whole answer.
    pub(crate) async fn ask(&self, method: &str, meta: &Object<'_>, cursor: Option<String>) -> Result<Bytes, Trouble> {
        let mut params = Object::default();
        params.set("_meta", meta.to_string());
        if let Some(cursor) = cursor {
            params.set("cursor", quoted(&cursor));
        }
        let (id, method) = (quoted("patchbay"), quoted(method));
        let request = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{params}}}");
        let request = Bytes::from(request);
        let response = self.post(&request, &Envelope::of(&request)).await?;
        hear(self, response, &mut Open::new(vec![id])).await
    }

    /// Posts a message with the headers of its generation.
    pub(crate) async fn post(&self, line: &Bytes, envelope: &Envelope) -> Result<Response, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if envelope.is_modern() {
            envelope.routing(&mut headers);
            if envelope.calls_tool() {
                headers.extend(self.mirrors.headers(line));
            }
        } else if !envelope.is_initialize() {
            self.session.headers(&mut headers);
        }
        self.send(None, Method::POST, Some(line), &headers).await
    }

    /// Sends a request, to another place of the service where one is given; once more where the service says to wait
    /// for a moment.
    pub(crate) async fn send(
        &self,
        place: Option<&str>,
        method: Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, Trouble> {
        let response = self.send_now(place, method.clone(), body, headers).await?;
        let Some(wait) = wait::brief(&response) else { return Ok(response) };
        stream::drain(response);
        tokio::time::sleep(wait).await;
        // Apart, so that requests that go well carry none of it along.
        Box::pin(self.send_now(place, method, body, headers)).await
    }

    /// Sends a request. Where the service answers 401, or misses permissions, asks for the token once more and sends
    /// again if it is another.
    async fn send_now(
        &self,
        place: Option<&str>,
        method: Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, Trouble> {
        let way = self.ways.get().await?;
        self.keep_session(headers, &way)?;
        let response = match way.send(place, method.clone(), body, headers).await {
            Ok(response) => response,
            Err(trouble) => return self.send_otherwise(trouble, &way, place, method, body, headers).await,
        };
        let Some(refusal) = refusal(&way, &response) else { return Ok(response) };
        let Some(fresh) = self.ways.other_than(&way, Some(refusal)).await? else { return way.answered(response) };
        self.keep_session(headers, &fresh)?;
        fresh.answered(fresh.send(place, method, body, headers).await?)
    }

    /// Nobody was reached: sends again where the user has since said otherwise how the service is reached.
    async fn send_otherwise(
        &self,
        trouble: Trouble,
        way: &Way,
        place: Option<&str>,
        method: Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, Trouble> {
        if !trouble.is_of_network() {
            return Err(trouble);
        }
        match self.ways.other_than(way, None).await {
            Ok(Some(fresh)) if !trouble.may_have_arrived() => {
                self.keep_session(headers, &fresh)?;
                fresh.send(place, method, body, headers).await
            }
            _ => Err(trouble),
        }
    }

    /// The session of a service is none of another's: where the user has said that it is elsewhere, nothing of it goes
    /// there.
    fn keep_session(&self, headers: &HeaderMap, way: &Way) -> Result<(), Trouble> {
        let is_of_session = ["mcp-session-id", "last-event-id"].iter().any(|name| headers.contains_key(*name));
        if !is_of_session || self.session.is_at(&way.endpoint.origin()) {
            return Ok(());
        }
        Err(Trouble::new("session_ended", "The service's address has changed, so its session has ended. Try again."))
    }

    /// Writes a line to the app; waits while the app reads slowly.
    pub(crate) async fn say(&self, line: Bytes) {
        self.outlet.line(line).await;
    }

    /// Passes on what the server says, but for answers that nobody waits for, and strikes out what it answers.
    pub(crate) async fn pass_on(&self, said: &Said<'_>, envelope: &Envelope, open: &mut Open) {
        // Who asked in the app's place hears that a subscription was taken.
        let is_receipt = || Envelope::of(said.text).method == "notifications/subscriptions/acknowledged";
        if (open.keeps() && is_receipt()) || self.answered(said, envelope, open).await {
            return;
        }
        // Some servers answer on another stream than they should.
        let is_awaited = |id: &str| !open.keeps() && self.underway.settle(id);
        if let Some(text) = said.sifted(is_awaited) {
            self.say(one_line(&text)).await;
        }
    }

    /// Brings an answer and strikes out what it answers; whether it was one.
    pub(crate) async fn answered(&self, said: &Said<'_>, envelope: &Envelope, open: &mut Open) -> bool {
        let mut settled = false;
        let text = said.sifted(|id| {
            let is_own = open.settle_id(id);
            settled |= is_own;
            is_own
        });
        let Some(text) = text.filter(|_| settled) else { return false };
        if envelope.is_initialize() {
            self.session.learn_version(&text);
        }
        let other = if envelope.lists_tools() { self.mirrors.learn(&text) } else { None };
        self.bring(one_line(other.as_deref().unwrap_or(&text)), open).await;
        true
    }

    /// Brings the line that answers: to the app, or to whoever asked in its place.
    pub(crate) async fn bring(&self, line: Bytes, open: &mut Open) {
        if open.keeps() { open.keep(line) } else { self.say(line).await }
    }

    /// Answers a line that is no message.
    pub(crate) async fn refuse_line(&self) {
        let words = format!("This is no JSON-RPC message of at most {} MiB.", MOST_BYTES / 1024 / 1024);
        let error = serde_json::json!({ "code": -32700, "message": words });
        self.say(format!("{{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{error}}}\n").into()).await;
    }

    /// Hears what the server says by itself.
    pub(crate) fn start_listening(self: &Arc<Self>) {
        match self.server() {
            Server::Same => self.listen_with(&tokio::spawn(listen::listen(self.clone()))),
            Server::Newest(newest) => self.listen_with(&tokio::spawn(listen::subscribe(self.clone(), newest))),
            // It is heard on its only stream.
            Server::Channel(_) => {}
        }
    }

    /// Has a task listen in place of the one before.
    pub(crate) fn listen_with(&self, task: &JoinHandle<()>) {
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

    /// Nobody answers questions any more.
    pub(crate) fn app_is_gone(&self) {
        if let Server::Newest(newest) = self.server() {
            newest.app_is_gone();
        }
    }

    /// Ends the session at the server.
    pub(crate) async fn end(&self) {
        self.stop_listening();
        let (Some(way), Some(_)) = (self.ways.known(), self.session.id()) else { return };
        if !self.session.is_at(&way.endpoint.origin()) {
            return;
        }
        let mut headers = HeaderMap::new();
        self.session.headers(&mut headers);
        let bye = way.client.send(&way.endpoint, Method::DELETE, None, &headers);
        // Servers may not know it, and the app does not wait for it.
        let _ = tokio::time::timeout(GOODBYE, bye).await;
    }
}
