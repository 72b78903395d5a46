//! A server that speaks only the newest generation, for an app that speaks an older one.
//!
//! The app's `initialize` is answered from `server/discover`. What the newest generation does not have is answered here;
//! every other request gets the `_meta` that tells who asks, and is carried like any other. Where the server answers that
//! it wants something of the app, the app is asked, and the request is made again with what it said. Answers are held as a
//! whole for that, so the bound on a message holds for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use patchbay_core::wire::{LEGACY, MODERN};
use tokio::sync::oneshot;

use crate::carry::Carrier;
use crate::envelope::{Envelope, Kind};
use crate::message::{Open, batch, one_line};
use crate::object::{Object, quoted};
use crate::trouble::Trouble;

/// The revisions that an app may ask for in `initialize`.
const OLDER: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY];
/// How often a server may want something before it answers.
const MOST_ROUNDS: u32 = 32;

/// What is known of the server and the app.
pub(crate) struct Newest {
    /// The server's answer to `server/discover`.
    discovered: Vec<u8>,
    /// The members of `_meta` that tell who asks.
    who: Vec<(&'static str, String)>,
    wishes: Mutex<Wishes>,
    asked: Asked,
    next: AtomicU64,
}

/// What the app said in ways that the newest generation does not have.
#[derive(Debug, Default, Clone)]
struct Wishes {
    log_level: Option<String>,
    resources: BTreeSet<String>,
}

impl Newest {
    /// Asks the server whether it speaks the newest generation.
    pub(crate) async fn meet(carrier: &Carrier, initialize: &[u8]) -> Option<Self> {
        let initialize = Object::of(initialize)?;
        let params = initialize.object("params");
        let of = |name| params.get(name).unwrap_or("{}").to_owned();
        let who = vec![
            ("io.modelcontextprotocol/protocolVersion", quoted(MODERN)),
            ("io.modelcontextprotocol/clientInfo", of("clientInfo")),
            ("io.modelcontextprotocol/clientCapabilities", of("capabilities")),
        ];
        let mut meta = Object::default();
        who.iter().for_each(|(name, value)| meta.set(name, value.clone()));
        let discovered = carrier.ask("server/discover", &meta, None).await.ok()?;
        let whole = Object::of(&discovered)?;
        let versions: Vec<String> = serde_json::from_str(whole.object("result").get("supportedVersions")?).ok()?;
        versions.iter().any(|version| version == MODERN).then_some(())?;
        drop(whole);
        Some(Self { discovered, who, wishes: Mutex::default(), asked: Asked::default(), next: AtomicU64::new(0) })
    }

    /// What the app gets to hear as the answer to its first words.
    pub(crate) fn answer_to_initialize(&self, initialize: &[u8]) -> Bytes {
        let initialize = Object::of(initialize).unwrap_or_default();
        let whole = Object::of(&self.discovered).unwrap_or_default();
        let (discovered, params) = (whole.object("result"), initialize.object("params"));
        let version = params.text("protocolVersion").filter(|version| OLDER.contains(&version.as_str()));
        let meta = discovered.object("_meta");
        let name = meta.get("io.modelcontextprotocol/serverInfo").or_else(|| discovered.get("serverInfo"));
        let mut result = Object::default();
        result.set("protocolVersion", quoted(version.as_deref().unwrap_or(LEGACY)));
        result.set("capabilities", discovered.get("capabilities").unwrap_or("{}").to_owned());
        result.set("serverInfo", name.unwrap_or(r#"{"name":"","version":""}"#).to_owned());
        if let Some(instructions) = discovered.get("instructions") {
            result.set("instructions", instructions.to_owned());
        }
        answer(initialize.get("id").unwrap_or("null"), &result)
    }

    fn wishes<T>(&self, work: impl FnOnce(&mut Wishes) -> T) -> T {
        work(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries a message to the server.
    pub(crate) async fn deliver(
        &self,
        carrier: &Arc<Carrier>,
        line: &Bytes,
        envelope: &Envelope,
        open: &mut Open,
    ) -> Result<(), Trouble> {
        match &envelope.kind {
            Kind::Request(ids) if ids.len() == 1 && envelope.method.is_empty() => {}
            Kind::Request(_) if !envelope.method.is_empty() => {
                return self.request(carrier, line, envelope, open).await;
            }
            _ if envelope.is_reply() && !line.starts_with(b"[") => {
                self.asked.answered(line);
                return Ok(());
            }
            // Of notifications the newest generation has none that is posted.
            Kind::OneWay | Kind::Garbage if !line.starts_with(b"[") => return Ok(()),
            _ => {}
        }
        for part in batch(line).unwrap_or_default() {
            let envelope = Envelope::of(&part);
            let mut one = Open::new(envelope.ids().to_vec());
            Box::pin(self.deliver(carrier, &part, &envelope, &mut one)).await?;
            envelope.ids().iter().for_each(|id| {
                open.settle_id(id);
            });
        }
        Ok(())
    }

    async fn request(
        &self,
        carrier: &Arc<Carrier>,
        line: &Bytes,
        envelope: &Envelope,
        open: &mut Open,
    ) -> Result<(), Trouble> {
        let message = Object::of(line).unwrap_or_default();
        let params = message.object("params");
        let wish = |wishes: &mut Wishes| match (envelope.method.as_str(), params.text("uri"), params.text("level")) {
            ("ping", ..) => true,
            ("logging/setLevel", _, Some(level)) => {
                wishes.log_level = Some(level);
                true
            }
            ("resources/subscribe", Some(uri), _) => wishes.resources.insert(uri) || true,
            ("resources/unsubscribe", Some(uri), _) => wishes.resources.remove(&uri) || true,
            _ => false,
        };
        if !self.wishes(wish) {
            return self.rounds(carrier, message, open).await;
        }
        if envelope.method.starts_with("resources/") {
            carrier.start_listening();
        }
        carrier.say(answer(message.get("id").unwrap_or("null"), &Object::default())).await;
        open.clear();
        Ok(())
    }

    /// Makes a request as often as the server wants something of the app.
    async fn rounds(&self, carrier: &Arc<Carrier>, mut message: Object<'_>, open: &mut Open) -> Result<(), Trouble> {
        let id = message.get("id").unwrap_or("null").to_owned();
        let mut own = id.clone();
        let params = self.dressed(&message.object("params")).to_string();
        message.set("params", params.clone());
        for _ in 0..MOST_ROUNDS {
            let request = Bytes::from(message.to_string());
            let envelope = Envelope::of(&request);
            let mut round = Open::keeping(own.clone());
            carrier.deliver_modern(&request, &envelope, &mut round).await?;
            let text = round.into_kept().unwrap_or_default();
            let mut answer = Object::of(&text).unwrap_or_default();
            let result = answer.object("result");
            if result.text("resultType").as_deref() != Some("input_required") {
                drop(result);
                let line = if own == id {
                    text.clone()
                } else {
                    answer.set("id", id);
                    one_line(answer.to_string().as_bytes())
                };
                carrier.say(line).await;
                open.clear();
                return Ok(());
            }
            let mut again = Object::of(params.as_bytes()).unwrap_or_default();
            if let Some(inputs) = result.get("inputRequests") {
                again.set("inputResponses", self.ask_app(carrier, inputs).await?);
            }
            if let Some(state) = result.get("requestState") {
                again.set("requestState", state.to_owned());
            }
            own = self.new_id();
            message.set("id", own.clone());
            message.set("params", again.to_string());
        }
        Err(Trouble::new("service_error", "The service asked too many questions before it answered."))
    }

    /// Parameters with what tells who asks.
    fn dressed<'a>(&self, params: &'a Object<'a>) -> Object<'a> {
        let mut dressed = Object::default();
        params.members().for_each(|(name, value)| dressed.set(name, value.to_owned()));
        let old = params.object("_meta");
        let mut meta = Object::default();
        old.members().for_each(|(name, value)| meta.set(name, value.to_owned()));
        self.who.iter().for_each(|(name, value)| meta.set(name, value.clone()));
        if let Some(level) = self.wishes(|wishes| wishes.log_level.clone()) {
            meta.set("io.modelcontextprotocol/logLevel", quoted(&level));
        }
        dressed.set("_meta", meta.to_string());
        dressed
    }

    /// A request of our own, and its id.
    pub(crate) fn own_request(&self, method: &str, params: &Object<'_>) -> (Bytes, String) {
        let id = self.new_id();
        let method = quoted(method);
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{params}}}");
        (line.into(), id)
    }

    fn new_id(&self) -> String {
        quoted(&format!("patchbay-{}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// Asks the app what the server wants to know, all at once; its answers by the server's names for them.
    async fn ask_app(&self, carrier: &Carrier, inputs: &str) -> Result<String, Trouble> {
        let inputs = Object::of(inputs.as_bytes()).unwrap_or_default();
        let mut questions = Vec::new();
        for (name, input) in inputs.members() {
            let (id, mut question) = (self.new_id(), Object::default());
            question.set("jsonrpc", quoted("2.0"));
            question.set("id", id.clone());
            Object::of(input.as_bytes())
                .unwrap_or_default()
                .members()
                .for_each(|(name, value)| question.set(name, value.to_owned()));
            questions.push((name, self.asked.expect(&id)));
            carrier.say(one_line(question.to_string().as_bytes())).await;
        }
        let mut answers = Object::default();
        for (name, mut question) in questions {
            let text = (&mut question.heard).await.unwrap_or_default();
            let answer = Object::of(&text).unwrap_or_default();
            let Some(result) = answer.get("result") else {
                let words = answer.object("error").text("message").unwrap_or_default();
                return Err(Trouble::new(
                    "app_refused",
                    format!("The app did not answer the service's question. {words}"),
                ));
            };
            answers.set(name, result.to_owned());
        }
        Ok(answers.to_string())
    }

    /// The parameters of `subscriptions/listen`; none where the server has nothing to tell by itself.
    pub(crate) fn subscription(&self) -> Option<Object<'static>> {
        let whole = Object::of(&self.discovered)?;
        let (result, mut wanted) = (whole.object("result"), Object::default());
        let capabilities = result.object("capabilities");
        for (capability, name) in
            [("tools", "toolsListChanged"), ("prompts", "promptsListChanged"), ("resources", "resourcesListChanged")]
        {
            if capabilities.object(capability).get("listChanged") == Some("true") {
                wanted.set(name, "true".to_owned());
            }
        }
        let resources = self.wishes(|wishes| wishes.resources.clone());
        if !resources.is_empty() {
            wanted.set("resourceSubscriptions", serde_json::json!(resources).to_string());
        }
        wanted.members().next()?;
        let mut params = Object::default();
        self.dressed(&Object::default()).members().for_each(|(name, value)| params.set(name, value.to_owned()));
        params.set("notifications", wanted.to_string());
        Some(params)
    }
}

fn answer(id: &str, result: &Object<'_>) -> Bytes {
    one_line(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}").as_bytes())
}

/// Questions to the app that wait for its answers, by their ids.
#[derive(Default)]
struct Asked(Arc<Mutex<HashMap<String, oneshot::Sender<Bytes>>>>);

/// A question to the app; forgotten when dropped.
struct Question {
    id: String,
    heard: oneshot::Receiver<Bytes>,
    asked: Arc<Mutex<HashMap<String, oneshot::Sender<Bytes>>>>,
}

impl Asked {
    fn expect(&self, id: &str) -> Question {
        let (tell, heard) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), tell);
        Question { id: id.to_owned(), heard, asked: self.0.clone() }
    }

    fn answered(&self, line: &Bytes) {
        let id = Object::of(line).and_then(|answer| answer.get("id").map(str::to_owned)).unwrap_or_default();
        let question = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(question) = question {
            // Whoever wanted to know may have been called off.
            let _ = question.send(line.clone());
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
