//! A server that speaks only the newest generation, for an app that speaks an older one.
//!
//! The app's `initialize` is answered from `server/discover`. What the newest generation does not have is answered here;
//! every other request gets the `_meta` that tells who asks, and is carried like any other. Where the server answers that
//! it wants something of the app, the app is asked, and the request is made again with what it said. Answers are held as a
//! whole for that, but for large ones that cannot be such a question: those are passed on while they come in.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use patchbay_core::wire::{LEGACY, MODERN};

use crate::asked::{Asked, Question};
use crate::carry::Carrier;
use crate::envelope::Envelope;
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
    who: Object<'static>,
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
        let mut who = Object::default();
        who.set("io.modelcontextprotocol/protocolVersion", quoted(MODERN));
        who.set("io.modelcontextprotocol/clientInfo", of("clientInfo"));
        who.set("io.modelcontextprotocol/clientCapabilities", of("capabilities"));
        let discovered = carrier.ask("server/discover", &who, None).await.ok()?;
        let whole = Object::of(&discovered)?;
        let versions: Vec<String> = serde_json::from_str(whole.object("result").get("supportedVersions")?).ok()?;
        versions.iter().any(|version| version == MODERN).then_some(())?;
        drop(whole);
        let discovered = discovered.to_vec();
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

    /// Whoever waits for an answer of the app waits in vain.
    pub(crate) fn app_is_gone(&self) {
        self.asked.forget();
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
        let parts = if line.starts_with(b"[") { batch(line) } else { None };
        if let Some(parts) = parts {
            self.each(carrier, parts, open).await;
        } else if envelope.is_reply() {
            self.asked.answered(line);
        } else if !envelope.ids().is_empty() {
            return self.request(carrier, line, envelope, open).await;
        }
        // Of notifications the newest generation has none that is posted.
        Ok(())
    }

    /// Carries the messages of a batch, which the newest generation does not have; each request gets its own answer.
    async fn each(&self, carrier: &Arc<Carrier>, parts: Vec<Bytes>, open: &mut Open) {
        for part in parts {
            let envelope = Envelope::of(&part);
            let mut one = Open::new(envelope.ids().to_vec());
            if let Err(trouble) = Box::pin(self.deliver(carrier, &part, &envelope, &mut one)).await {
                let trouble = trouble.veiled(&carrier.ways);
                for id in one.ids() {
                    carrier.say(trouble.line(&id)).await;
                }
            }
            for id in envelope.ids() {
                open.settle_id(id);
            }
        }
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
            ("resources/subscribe", Some(uri), _) => {
                wishes.resources.insert(uri);
                true
            }
            ("resources/unsubscribe", Some(uri), _) => {
                wishes.resources.remove(&uri);
                true
            }
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
        let params = self.dressed(&message.object("params"));
        message.set("params", params.to_string());
        for _ in 0..MOST_ROUNDS {
            let request = Bytes::from(message.to_string());
            let envelope = Envelope::of(&request);
            let mut round = Open::translating(own.clone(), id.clone());
            carrier.deliver_modern(&request, &envelope, &mut round).await?;
            let asked = match round.into_kept() {
                Some(line) => self.put(carrier, &id, line, own == id).await,
                // It was passed on while it came in.
                None => None,
            };
            let Some(asked) = asked else {
                open.clear();
                return Ok(());
            };
            let mut params = self.dressed(&params);
            params.set_all(&asked.heard().await?);
            own = self.new_id();
            message.set("id", own.clone());
            message.set("params", params.to_string());
        }
        Err(Trouble::new("service_error", "The service asked too many questions before it answered."))
    }

    /// Puts to the app what a server wants to be told before it answers; where this is its answer, puts that, and there is
    /// nothing to wait for.
    async fn put(&self, carrier: &Carrier, id: &str, line: Bytes, is_its_own: bool) -> Option<Inputs> {
        let answer = Object::of(&line).unwrap_or_default();
        let result = answer.object("result");
        if result.text("resultType").as_deref() != Some("input_required") {
            carrier.say(under(id, &line, is_its_own)).await;
            return None;
        }
        let questions = match result.get("inputRequests") {
            Some(inputs) => Some(self.ask_app(carrier, inputs).await),
            None => None,
        };
        Some(Inputs { questions, state: result.get("requestState").map(str::to_owned) })
    }

    /// Parameters with what tells who asks.
    fn dressed(&self, params: &Object<'_>) -> Object<'static> {
        let (mut dressed, mut meta) = (Object::default(), Object::default());
        dressed.set_all(params);
        meta.set_all(&params.object("_meta"));
        meta.set_all(&self.who);
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

    /// Asks the app what the server wants to know, all at once, with the server's names for it.
    async fn ask_app(&self, carrier: &Carrier, inputs: &str) -> Vec<(String, Question)> {
        let inputs = Object::of(inputs.as_bytes()).unwrap_or_default();
        let mut questions = Vec::new();
        for (name, input) in inputs.members() {
            let (id, mut question) = (self.new_id(), Object::default());
            question.set("jsonrpc", quoted("2.0"));
            question.set("id", id.clone());
            question.set_all(&Object::of(input.as_bytes()).unwrap_or_default());
            questions.push((name.to_owned(), self.asked.expect(&id)));
            carrier.say(one_line(question.to_string().as_bytes())).await;
        }
        questions
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
        let mut params = self.dressed(&Object::default());
        params.set("notifications", wanted.to_string());
        Some(params)
    }
}

/// What a server wants of the app before it answers.
struct Inputs {
    questions: Option<Vec<(String, Question)>>,
    /// What it is to be told again.
    state: Option<String>,
}

impl Inputs {
    /// What the request is made again with, once the app has answered, however long it takes.
    async fn heard(self) -> Result<Object<'static>, Trouble> {
        let mut again = Object::default();
        if let Some(questions) = self.questions {
            again.set("inputResponses", answers(questions).await?.to_string());
        }
        if let Some(state) = self.state {
            again.set("requestState", state);
        }
        Ok(again)
    }
}

/// The app's answers, by the server's names for them.
async fn answers(questions: Vec<(String, Question)>) -> Result<Object<'static>, Trouble> {
    let mut answers = Object::default();
    for (name, mut question) in questions {
        let text = (&mut question.heard).await.unwrap_or_default();
        let answer = Object::of(&text).unwrap_or_default();
        let Some(result) = answer.get("result") else {
            let words = answer.object("error").text("message").unwrap_or_default();
            return Err(Trouble::new("app_refused", format!("The app did not answer the service's question. {words}")));
        };
        answers.set(&name, result.to_owned());
    }
    Ok(answers)
}

/// An answer under the id that the app gave.
fn under(id: &str, line: &Bytes, is_its_own: bool) -> Bytes {
    match Object::of(line) {
        Some(mut answer) if !is_its_own => {
            answer.set("id", id.to_owned());
            one_line(answer.to_string().as_bytes())
        }
        _ => line.clone(),
    }
}

fn answer(id: &str, result: &Object<'_>) -> Bytes {
    one_line(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}").as_bytes())
}
