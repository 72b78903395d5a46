//! Proxy scripts (PAC): a company's own program that tells for each address through which proxy it is reached.
//!
//! A script is fetched when an address that is its to tell of is first asked for, and serves for [`FRESH`] in this process;
//! what it said of an address serves as long. Where it cannot be had, is broken, takes too long or names no way that can
//! be gone, the way is directly, as browsers do it, and that is told; it is tried anew after [`FAILED`]. Nothing of it
//! runs where no script is set, and what blocks runs on a thread of its own. The engine is in programs that ask for it
//! alone: the bridge's own program does not, and leaves its work to `patchbay` where a script is set.

mod fault;
mod fetch;
mod functions;
mod run;
#[cfg(test)]
mod tests;
mod times;
mod ways;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tokio::sync::{OnceCell, oneshot};
use url::Url;

pub use fault::{ScriptFault, ScriptWhy};

use super::{Network, Proxy};
use ways::Way;

/// How long a script and what it said serve.
const FRESH: Duration = Duration::from_secs(300);
/// How long a fault is taken for granted.
const FAILED: Duration = Duration::from_secs(15);
/// What is younger than this is not asked for again because it led nowhere.
const YOUNG: Duration = Duration::from_secs(5);
/// Scripts, and addresses that one was asked for, that are remembered.
const MOST: usize = 256;
/// Runs that may be far beyond their time; with more of them, no other is begun.
const MOST_STUCK: usize = 4;

/// Runs a script's text for an address; see [`run::run`].
type Engine = fn(&str, &Url, functions::Around) -> Result<Option<String>, ScriptWhy>;

/// Gives this program the engine that scripts are run in. One that never does is spared its memory, and cannot run any:
/// it has to leave its work to another where [`super::SystemProxy::has_script`].
pub fn bring_engine() {
    let _ = ENGINE.set(run::run);
}

/// Where a script is, word for word. What may be private in that is not shown.
#[derive(Clone, PartialEq)]
pub(super) struct Address(String);

impl Address {
    /// An address as settings name it; none where nothing stands there.
    pub(super) fn of(text: &str) -> Option<Self> {
        Some(Self(text.trim().to_owned())).filter(|address| !address.0.is_empty())
    }

    /// What may be shown of it.
    pub(super) fn told(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if url.has_host() => format!("{}{}", url.origin().ascii_serialization(), url.path()),
            Ok(url) if url.scheme() == "data" => "data:".to_owned(),
            _ => self.0.chars().filter(|c| !c.is_control()).take(200).collect(),
        }
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.told())
    }
}

/// Which script: where it is, and who is trusted where it is fetched from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Script {
    /// Its address; absent where the network itself is to tell.
    pub(super) address: Option<Address>,
    /// As [`Network::certificates`].
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// A script that was fetched, or is being fetched.
struct Fetched {
    script: Script,
    at: Instant,
    text: OnceCell<Result<String, ScriptWhy>>,
}

/// What a script said of an origin.
struct Said {
    script: Script,
    origin: String,
    at: Instant,
    way: Result<Way, ScriptWhy>,
    /// Whether it led nowhere since.
    doubted: bool,
}

#[derive(Default)]
struct Memory {
    fetched: Vec<Arc<Fetched>>,
    said: Vec<Said>,
}

/// The engine, in programs that have one.
static ENGINE: OnceLock<Engine> = OnceLock::new();
static MEMORY: Mutex<Memory> = Mutex::new(Memory { fetched: Vec::new(), said: Vec::new() });
/// When the runs began that have not ended.
static RUNNING: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

fn memory() -> MutexGuard<'static, Memory> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn running() -> MutexGuard<'static, Vec<Instant>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fetched {
    fn is_fresh(&self) -> bool {
        let serves = if let Some(Err(_)) = self.text.get() { FAILED } else { FRESH };
        self.at.elapsed() < serves
    }
}

impl Said {
    fn is(&self, script: &Script, origin: &str) -> bool {
        self.origin == origin && self.script == *script
    }

    fn is_fresh(&self) -> bool {
        !self.doubted && self.at.elapsed() < if self.way.is_ok() { FRESH } else { FAILED }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What the script said last of an address, however long ago; nothing where it was not asked.
pub(super) fn said(script: &Script, to: &Url) -> Option<Result<Way, ScriptWhy>> {
    let origin = origin(to);
    memory().said.iter().find(|said| said.is(script, &origin)).map(|said| said.way.clone())
}

/// Asks the script for the way to an address, unless it has told lately.
pub(super) async fn ask(script: &Script, network: &Network, to: &Url) {
    let place = origin(to);
    if memory().said.iter().any(|said| said.is(script, &place) && said.is_fresh()) {
        return;
    }
    let fetched = fetched(script);
    let text = fetched.text.get_or_init(|| fetch::fetch(script.address.as_ref(), network)).await;
    let way = match text {
        Ok(text) => told(text.clone(), to.clone()).await,
        Err(why) => Err(why.clone()),
    };
    // It serves as long as the script itself.
    let at = if way.is_ok() { fetched.at } else { Instant::now() };
    let mut memory = memory();
    memory.said.retain(|said| !said.is(script, &place));
    if memory.said.len() == MOST {
        memory.said.remove(0);
    }
    memory.said.push(Said { script: script.clone(), origin: place, at, way, doubted: false });
}

/// The script, to be fetched by whoever comes first.
fn fetched(script: &Script) -> Arc<Fetched> {
    let mut memory = memory();
    memory.fetched.retain(|fetched| fetched.is_fresh());
    if let Some(fetched) = memory.fetched.iter().find(|fetched| fetched.script == *script) {
        return fetched.clone();
    }
    let fetched = Arc::new(Fetched { script: script.clone(), at: Instant::now(), text: OnceCell::new() });
    if memory.fetched.len() == MOST {
        memory.fetched.remove(0);
    }
    memory.fetched.push(fetched.clone());
    fetched
}

/// Has the script asked again next time: the way that it told of leads nowhere, as it may in another network.
pub(super) fn doubt(script: &Script, to: &Url) {
    let (mut memory, origin) = (memory(), origin(to));
    memory.fetched.retain(|fetched| fetched.script != *script || fetched.at.elapsed() < YOUNG);
    for said in memory.said.iter_mut().filter(|said| said.is(script, &origin)) {
        said.doubted = said.at.elapsed() >= YOUNG;
    }
}

/// The way to an address, by a script's text.
async fn told(text: String, to: Url) -> Result<Way, ScriptWhy> {
    let missing = || ScriptWhy::Broken("a bridge that began before it was set cannot run it".to_owned());
    let engine = ENGINE.get().ok_or_else(missing)?;
    let long = run::MOST_TIME * 2;
    if running().iter().filter(|begun| begun.elapsed() > long).count() >= MOST_STUCK {
        return Err(ScriptWhy::Slow);
    }
    let run = off_the_threads(move || {
        let begun = Instant::now();
        running().push(begun);
        let said = engine(&text, &to, functions::Around::here());
        let mut running = running();
        let place = running.iter().position(|other| *other == begun);
        place.map(|place| running.swap_remove(place));
        said
    });
    // Names are looked up for as long as the system likes, which no engine interrupts.
    let said = tokio::time::timeout(run::MOST_TIME + Duration::from_millis(500), run).await;
    let said = said.ok().flatten().unwrap_or(Err(ScriptWhy::Slow))?;
    Ok(ways::first_open(ways::ways(said.as_deref())?).await)
}

/// Does what blocks on a thread of its own, which nobody waits for at the end of the process; nothing where there is no
/// thread to be had.
async fn off_the_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("proxy-script".to_owned()).stack_size(run::THREAD_STACK);
    // Who asked may have gone.
    thread.spawn(move || drop(done.send(work()))).ok()?;
    result.await.ok()
}
