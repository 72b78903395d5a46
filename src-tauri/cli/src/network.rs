//! `patchbay network`: how services are reached, for all connections or for one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, CheckedView, Request};
use patchbay_core::connection::state::State;
use patchbay_core::connection::{NetworkChoice, ProxyChoice};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Backend, Secret};
use patchbay_core::wire::{ProxyNote, SystemProxy};
use patchbay_core::{Code, Error, Result};
use serde_json::json;

use crate::commands::{ATTENTION, check_words, flat, unexpected};
use crate::input::from_stdin;
use crate::print;

/// How services are reached.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArgs {
    /// For this connection alone.
    #[arg(long, value_name = "ID", global = true)]
    connection: Option<String>,
    #[command(subcommand)]
    action: Option<NetworkAction>,
}

/// What to do about it.
#[derive(Debug, Subcommand)]
enum NetworkAction {
    /// Show how services are reached.
    Show,
    /// Say how services are reached; what is not said stays as it is.
    Set(SetArgs),
    /// Go back to what counts otherwise: for all the system's settings, for a connection those for all.
    Clear,
    /// Try whether services can be reached, and ask them nothing.
    Test,
}

/// How services are reached.
#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The proxy: `http://host:port`, `https://host:port` or `socks5://host:port`; `system` for the system's, or `none`.
    #[arg(long, value_name = "ADDRESS")]
    proxy: Option<String>,
    /// The name to sign in to the proxy with.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Read the proxy's password from standard input; it goes to the keychain.
    #[arg(long)]
    password_stdin: bool,
    /// A host, domain or network that is reached without the proxy (`intranet.example`, `10.0.0.0/8`); may be repeated.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    except: Option<Vec<String>>,
    /// A file with certificates to trust besides the system's; may be repeated.
    #[arg(long = "certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Trust the system's certificates alone.
    #[arg(long, conflicts_with = "certificates")]
    no_certificates: bool,
}

impl SetArgs {
    fn is_empty(&self) -> bool {
        self.proxy.is_none()
            && self.user.is_none()
            && !self.password_stdin
            && self.except.is_none()
            && self.certificates.is_empty()
            && !self.no_certificates
    }
}

/// What is to be said once it is done: that the user name and the password of a proxy did not go along to another one.
fn forgotten(wanted: &SetArgs, before: Option<&NetworkChoice>) -> Option<String> {
    let ProxyChoice::Own { address, user: Some(user), .. } = &before?.proxy else { return None };
    let again = matches!(wanted.proxy.as_deref(), Some(proxy) if !matches!(proxy, "none" | "system"));
    if wanted.proxy.is_none() || again && wanted.user.is_some() {
        return None;
    }
    let next = if again { " Give those of the new one with --user and --password-stdin, if it wants any." } else { "" };
    Some(format!("The user name {user} and its password were for {address} alone and are forgotten.{next}"))
}

pub(crate) async fn network(patchbay: &Patchbay, args: NetworkArgs, as_json: bool) -> Result<ExitCode> {
    let state = patchbay.state()?;
    let id = args.connection;
    let before = match &id {
        Some(id) => state.connection(id)?.network.clone(),
        None => Some(state.settings.network.clone()),
    };
    match args.action {
        None | Some(NetworkAction::Show) => show(patchbay, &state, id.as_deref(), as_json),
        Some(NetworkAction::Set(wanted)) => {
            if wanted.is_empty() {
                return Err(Error::new(Code::Usage, "Say what to set.").hint("See: patchbay network set --help"));
            }
            let forgotten = forgotten(&wanted, before.as_ref());
            let password = if wanted.password_stdin { Some(from_stdin("password")?) } else { None };
            let choice = choice(wanted, before.unwrap_or_default())?;
            let done = save(patchbay, id, Some(choice), password, as_json).await?;
            if let Some(said) = forgotten {
                print::notice(&said);
            }
            Ok(done)
        }
        Some(NetworkAction::Clear) => save(patchbay, id, None, None, as_json).await,
        Some(NetworkAction::Test) => test(patchbay, id, before, as_json).await,
    }
}

/// What was there, changed as wanted. Another proxy has another user.
fn choice(wanted: SetArgs, mut choice: NetworkChoice) -> Result<NetworkChoice> {
    match wanted.proxy.as_deref() {
        None => {}
        Some("system") => choice.proxy = ProxyChoice::System,
        Some("none") => choice.proxy = ProxyChoice::None,
        Some(address) => {
            choice.proxy = ProxyChoice::Own { address: address.to_owned(), user: None, password: None };
        }
    }
    match (&mut choice.proxy, wanted.user) {
        (ProxyChoice::Own { user, .. }, Some(name)) => *user = Some(name),
        (_, Some(_)) => return Err(no_proxy("user")),
        (ProxyChoice::System | ProxyChoice::None, None) if wanted.password_stdin => return Err(no_proxy("password")),
        _ => {}
    }
    choice.except = wanted.except.unwrap_or(choice.except);
    if wanted.no_certificates {
        choice.certificates.clear();
    } else if !wanted.certificates.is_empty() {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        choice.certificates = wanted.certificates.iter().map(whole).collect();
    }
    Ok(choice)
}

fn no_proxy(field: &str) -> Error {
    Error::new(Code::Usage, "There is no proxy to sign in to.").hint("Name it: --proxy http://host:port").field(field)
}

async fn save(
    patchbay: &Patchbay,
    id: Option<String>,
    network: Option<NetworkChoice>,
    password: Option<Secret>,
    as_json: bool,
) -> Result<ExitCode> {
    // Where a proxy is named anew without a user, there is no password to go on with.
    let keeps = matches!(&network, Some(NetworkChoice { proxy: ProxyChoice::Own { user: Some(_), .. }, .. }));
    let request = Request::SetNetwork { id: id.clone(), network, keep_password: keeps && password.is_none() };
    patchbay.call(request, password).await?;
    show(patchbay, &patchbay.state()?, id.as_deref(), as_json)
}

fn show(patchbay: &Patchbay, state: &State, id: Option<&str>, as_json: bool) -> Result<ExitCode> {
    let system = patchbay.system_proxy();
    if as_json {
        let own = state.connections.iter().filter_map(|one| Some((one.id.clone(), one.network.as_ref()?)));
        let own: std::collections::BTreeMap<_, _> = own.collect();
        print::json(&json!({
            "all": state.settings.network,
            "connections": own,
            "system_proxy": system.shown(),
            "system_proxy_note": system.note(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let store = match patchbay.snapshot()?.secrets.backend {
        Backend::Keychain => "keychain",
        Backend::Vault => "vault",
    };
    let around = (&system, store);
    if let Some(id) = id {
        match &state.connection(id)?.network {
            Some(own) => words(id, own, around),
            None => print::line(&format!("{id}: as for all connections")),
        }
        return Ok(ExitCode::SUCCESS);
    }
    words("All connections", &state.settings.network, around);
    for connection in &state.connections {
        if let Some(own) = &connection.network {
            words(&connection.id, own, around);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn words(whose: &str, choice: &NetworkChoice, (system, store): (&SystemProxy, &str)) {
    let proxy = match &choice.proxy {
        ProxyChoice::System => of_system(system),
        ProxyChoice::None => "directly, without any proxy".to_owned(),
        ProxyChoice::Own { address, user, password } => {
            let user = user.as_ref().map(|user| format!(" as {user}")).unwrap_or_default();
            let password = password.as_ref().map(|_| format!(", with a password from the {store}")).unwrap_or_default();
            format!("through the proxy {address}{user}{password}")
        }
    };
    print::line(&format!("{whose}: {proxy}"));
    if !choice.except.is_empty() {
        print::line(&format!("  without it: {}", choice.except.join(", ")));
    }
    for path in &choice.certificates {
        print::line(&format!("  trusted besides the system's certificates: {}", shown(path)));
    }
}

fn of_system(system: &SystemProxy) -> String {
    match (system.shown(), system.note()) {
        (Some(proxy), _) => format!("through the system's proxy {proxy}"),
        (None, Some(ProxyNote::Script { address: Some(address) })) => {
            format!("as the system's proxy script {address} says for each service; see: patchbay network test")
        }
        (None, Some(ProxyNote::Script { address: None })) => {
            "directly; your computer is to find its proxy script in the network by itself, which Patchbay does not do. Name \
             the proxy: patchbay network set --proxy http://host:port"
                .to_owned()
        }
        (None, Some(ProxyNote::Unread { path })) => {
            format!("directly; what your desktop has set cannot be read from {path}")
        }
        (None, Some(ProxyNote::ForSome { proxy })) => format!(
            "directly, but for the addresses that your desktop's settings name: those through the system's proxy {proxy}"
        ),
        (None, Some(ProxyNote::Unfit)) => {
            "directly; your desktop's settings name a proxy in a way that Patchbay cannot use. Name it: patchbay network \
             set --proxy http://host:port"
                .to_owned()
        }
        (None, None) => "directly; the system names no proxy".to_owned(),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

async fn test(
    patchbay: &Patchbay,
    id: Option<String>,
    network: Option<NetworkChoice>,
    as_json: bool,
) -> Result<ExitCode> {
    let request = Request::TestNetwork { id, network, keep_password: true };
    let Answer::Reports(tested) = patchbay.call(request, None).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&tested.iter().map(flat).collect::<Vec<_>>());
    } else if tested.is_empty() {
        let near = !patchbay.state()?.connections.is_empty();
        print::line(if near {
            "There is nothing to try: your connections stay on this computer, where no proxy is ever used, or have a way of their own."
        } else {
            "There is no connection to try it with."
        });
    }
    for one in tested.iter().filter(|_| !as_json) {
        if reached(one) { print::line(&format!("{}: it can be reached", one.id)) } else { check_words(one) }
    }
    Ok(if tested.iter().all(reached) { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

fn reached(one: &CheckedView) -> bool {
    one.report.verdict == Verdict::Working
}
