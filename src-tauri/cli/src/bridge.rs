//! `patchbay bridge` and `patchbay headers`: what apps start.
//!
//! A bridge lives for as long as its app does, often many at once, so `patchbay bridge` becomes `patchbay-bridge`, a program
//! with nothing else in it that takes half the memory. Where that is not beside it, or is damaged, or a proxy script has to
//! be run, it carries the messages itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use patchbay_bridge::{Observer, Source, stdio};
use patchbay_core::api::{ready_network, ready_token, ready_url};
use patchbay_core::connection::runs::{Run, Runs};
use patchbay_core::connection::state::StateFile;
use patchbay_core::oauth;
use patchbay_core::process::{Starter, starter};
use patchbay_core::secret::SecretStore;
use patchbay_core::wire::{Endpoint, SystemProxy};
use patchbay_core::{Code, Error, Host, Result};

#[cfg(unix)]
use crate::beside;
use crate::environment;
use crate::record::Recorder;
use crate::signals::{asked_to_go, outlive_terminal};

/// How long the end of the program waits for a sign-in that is being renewed.
const RENEWAL: Duration = Duration::from_secs(5);

/// The whole program: carries messages until the app hangs up.
///
/// # Errors
/// The environment or the address is unfit; once messages are carried, errors are answers to them.
pub fn start(connection: Option<&str>, url: Option<&str>) -> Result<ExitCode> {
    let host = environment::host()?;
    environment::adopt_bus(&host)?;
    patchbay_core::log::start(false);
    run(&host, connection, url)
}

/// Said to the other program, so that each only goes on where both are of one version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Set where the other program has given the work back.
const GIVEN_BACK: &str = "PATCHBAY_BRIDGE_GIVEN_BACK";

/// Where `bridge` is asked for, becomes the program that only carries messages. Comes back where there is none, and on
/// systems other than Linux: macOS lets only the program that wrote a token read it without a question.
pub fn hand_over() {
    let mut words = std::env::args_os().skip(1);
    let is_wanted = words.next().is_some_and(|word| word == "bridge") && std::env::var_os(GIVEN_BACK).is_none();
    if cfg!(target_os = "linux") && is_wanted {
        become_other("patchbay-bridge", std::iter::once(VERSION.into()).chain(words), false);
    }
}

/// What the program that only carries messages was asked, in the words of `patchbay bridge`; nothing where that is for
/// the whole program to answer, which this then becomes: so it is where a proxy script has to be run.
pub fn handed_over() -> Option<(Option<String>, Option<String>)> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let texts: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
    let asked = match texts[..] {
        _ if texts.len() < words.len() => None,
        [VERSION, "--url", url] => Some((None, Some(url.to_owned()))),
        [VERSION, connection] if !connection.starts_with('-') => Some((Some(connection.to_owned()), None)),
        _ => None,
    };
    if asked.is_none() || environment::host().is_ok_and(|host| SystemProxy::of_host(&host).has_script()) {
        become_other("patchbay", std::iter::once("bridge".into()).chain(words.into_iter().skip(1)), true);
    }
    asked
}

/// Only comes back where there is no such program, or it is damaged.
fn become_other(name: &str, words: impl Iterator<Item = OsString>, given_back: bool) {
    #[cfg(unix)]
    if let Ok(own) = std::env::current_exe()
        && let other = own.with_file_name(name)
        && beside::is_fit(&other)
    {
        use std::os::unix::process::CommandExt;
        let mut other = std::process::Command::new(other);
        other.args(words);
        if given_back {
            other.env(GIVEN_BACK, "1");
        }
        let _ = other.exec();
    }
    #[cfg(not(unix))]
    let _ = (name, words, given_back);
}

fn run(host: &Host, connection: Option<&str>, url: Option<&str>) -> Result<ExitCode> {
    let (source, recorder): (Source, Option<Recorder>) = match (connection, url) {
        (Some(id), _) => {
            let client = Client::default();
            let source = of_connection(host.clone(), id.to_owned(), client.clone());
            let recorder = Recorder::start(Runs::new(&host.data_dir()), id.to_owned(), move || known_starter(&client));
            (source, Some(recorder))
        }
        (None, Some(url)) => {
            Endpoint::new(url)?;
            let (host, url) = (host.clone(), url.to_owned());
            (Arc::new(move |refusal| ready_url(&host, &url, refusal)), None)
        }
        (None, None) => return Err(Error::new(Code::Usage, "Say which connection to carry.")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Internal, format!("The bridge cannot start: {error}")))?;
    let observer: Observer = recorder.as_ref().map_or_else(|| Arc::new(|_| {}) as Observer, Recorder::observer);
    runtime.block_on(async {
        outlive_terminal();
        patchbay_bridge::run_until(stdio::input(), stdio::output(), source, observer, asked_to_go()).await;
    });
    runtime.shutdown_background();
    oauth::finish(RENEWAL);
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    Ok(ExitCode::SUCCESS)
}

type Client = Arc<Mutex<Option<Starter>>>;

/// Reads state and keychain anew each time it is asked.
fn of_connection(host: Host, id: String, client: Client) -> Source {
    Arc::new(move |refusal| {
        let data_dir = host.data_dir();
        let state = StateFile::new(&data_dir).load()?.state;
        let connection = state.connection(&id)?;
        let secrets = SecretStore::system(&data_dir, state.settings.backend);
        // Only where apps have tokens of their own does it matter which app this is.
        let own = connection.placements.iter().any(|placement| placement.credential.is_some());
        let app = if own { known_starter(&client).client } else { None };
        let placement = connection.placements.iter().find(|placement| Some(placement.client.as_str()) == app);
        let own = connection.network.as_ref();
        let network = ready_network(&host, &state, &secrets, own, &connection.url)?;
        ready_token(&secrets, &data_dir, network, connection, placement, refusal)
    })
}

fn known_starter(client: &Client) -> Starter {
    client.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(starter).clone()
}

/// Prints a connection's headers for the app that asked.
///
/// # Errors
/// There is no such connection, or its token cannot be had.
pub fn headers(host: &Host, id: &str) -> Result<ExitCode> {
    let client = Arc::new(Mutex::new(Some(Starter { client: Some("claude-code"), program: "claude".to_owned() })));
    let endpoint = of_connection(host.clone(), id.to_owned(), client)(None).and_then(Endpoint::lendable);
    let run = Run {
        at: Timestamp::now(),
        client: Some("claude-code".to_owned()),
        program: "claude".to_owned(),
        error: endpoint.as_ref().err().map(|error| error.code.as_str()),
    };
    let known = endpoint.as_ref().err().is_none_or(|error| error.code != Code::UnknownConnection);
    if known && let Err(error) = Runs::new(&host.data_dir()).record(id, &run) {
        tracing::warn!("the use cannot be recorded: {error}");
    }
    let headers: BTreeMap<String, String> = endpoint?.exposed_headers().into_iter().collect();
    crate::print::line(&serde_json::to_string(&headers).unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}
