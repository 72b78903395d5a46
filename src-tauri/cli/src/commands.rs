//! The commands that ask the front door.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use patchbay_core::api::message::{Answer, CheckedView, Connect, LeaveChoice, Place, PlanView, Request, TokenFacts};
use patchbay_core::api::{Patchbay, UNKNOWN_END, install_program};
use patchbay_core::catalog::Offered;
use patchbay_core::client::Scope;
use patchbay_core::connection::Wiring;
use patchbay_core::probe::{Mark, Verdict};
use patchbay_core::secret::{Backend, Secret};
use patchbay_core::{Code, Error, Host, Result};
use serde_json::{Value, json};

use crate::args::{Command, HistoryAction, VaultAction};
use crate::input::{doubts, from_stdin, secrets_from_stdin};
use crate::renew::{Wanted, renew};
use crate::uninstall::{self, Leaving};
use crate::{apps, as_app, drift, import, list, network, practice, print, services, sign_in, words};

pub(crate) const ATTENTION: u8 = 1;

/// Runs a command.
pub(crate) async fn run(host: Host, command: Command, as_json: bool) -> Result<ExitCode> {
    if let Command::Practice { port, until_input_ends, access_seconds } = command {
        let access = Duration::from_secs(access_seconds.into());
        return practice::run(&host, port, access, until_input_ends, as_json).await;
    }
    let patchbay = Patchbay::open(host);
    if patchbay.data_dir().is_dir() {
        settle(&patchbay).await;
    }
    match command {
        Command::List => list::list(&patchbay, as_json),
        Command::Apps => apps::apps(&patchbay, as_json),
        Command::Reopen { app } => apps::reopen(&patchbay, app, as_json).await,
        Command::Services { id } => services::services(id.as_deref(), as_json),
        Command::Add { ref provider, .. } => {
            let provider = provider.clone();
            add(&patchbay, command, as_json).await.map_err(|error| services::with_setting(error, &provider))
        }
        Command::Remove { id } => remove(&patchbay, id, as_json).await,
        Command::Check { url: Some(url), .. } => check_url(&patchbay, url, as_json).await,
        Command::Check { ids, as_app: None, entry: None, .. } => check(&patchbay, ids, as_json).await,
        Command::Check { ids, as_app, entry, yes, .. } => {
            as_app::check(&patchbay, as_app::Wanted { ids, app: as_app, entry, yes }, as_json).await
        }
        Command::Snippet { id, app } => snippet(&patchbay, id, app, as_json).await,
        Command::Renew { id, app, variable, expires, .. } => {
            renew(&patchbay, Wanted { id, app, variable, expires }, as_json).await
        }
        Command::SignIn(args) => sign_in::sign_in(&patchbay, args, as_json).await,
        Command::SignOut(target) => sign_in::sign_out(&patchbay, &target, as_json).await,
        Command::Drift { action } => drift::drift(&patchbay, action, as_json).await,
        Command::History { action: None } => uninstall::history(&patchbay, as_json),
        Command::History { action: Some(HistoryAction::Purge { change, .. }) } => {
            uninstall::purge(&patchbay, change, as_json).await
        }
        Command::Uninstall { keep_working, take_changed, dry_run, yes } => {
            let choice = LeaveChoice { keep_working, take_changed };
            uninstall::uninstall(&patchbay, Leaving { choice, dry_run, yes }, as_json).await
        }
        Command::Undo { change } => changed(&patchbay, Request::Undo { change }, "Undone", as_json).await,
        Command::Network(args) => network::network(&patchbay, args, as_json).await,
        Command::Vault { action } => vault(&patchbay, action, as_json).await,
        Command::Import(args) => import::import(&patchbay, args, as_json).await,
        Command::Copy(args) => import::copy(&patchbay, args, as_json).await,
        Command::Install { source } => install(&patchbay, source),
        Command::Bridge { .. } | Command::Headers { .. } | Command::Run { .. } | Command::Practice { .. } => {
            Err(Error::new(Code::Usage, "This command runs by itself."))
        }
    }
}

/// What a kill left half done is settled first; a keychain that does not answer leaves it for the next time.
async fn settle(patchbay: &Patchbay) {
    if let Err(error) = patchbay.settle().await {
        print::notice(&print::sentence(&error));
    }
}

fn install(patchbay: &Patchbay, source: Option<std::path::PathBuf>) -> Result<ExitCode> {
    let target = install_own(patchbay, source)?;
    print::line(&target.display().to_string());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn install_own(patchbay: &Patchbay, source: Option<std::path::PathBuf>) -> Result<std::path::PathBuf> {
    let source = match source {
        Some(source) => source,
        None => std::env::current_exe().map_err(|error| Error::new(Code::Internal, error.to_string()))?,
    };
    install_program(&source, patchbay.data_dir(), patchbay.host().platform)
}

/// The scope of a folder; the apps name folders by their whole paths.
fn for_folder(folder: &std::path::Path, shared: bool) -> Result<Scope> {
    let there = folder.is_dir().then(|| std::path::absolute(folder).ok()).flatten();
    let path = there.ok_or_else(|| {
        Error::new(Code::Usage, format!("There is no folder {}.", folder.display())).hint("Make it first.")
    })?;
    let path = path.display().to_string();
    Ok(if shared { Scope::Project(path) } else { Scope::Local(path) })
}

async fn add(patchbay: &Patchbay, command: Command, as_json: bool) -> Result<ExitCode> {
    let Command::Add {
        provider,
        name,
        settings,
        apps,
        token_stdin,
        expires,
        scopes,
        wiring,
        folder,
        shared,
        create,
        use_anyway,
        dry_run,
        sign_in: how,
    } = command
    else {
        return Err(Error::new(Code::Usage, "This is no add."));
    };
    let scope = folder.map_or(Ok(Scope::User), |folder| for_folder(&folder, shared))?;
    let wiring: Option<Wiring> = wiring.map(Into::into);
    let by_apps = wiring == Some(Wiring::ClientOauth);
    if by_apps && (token_stdin || how.sign_in) {
        return Err(Error::new(Code::Usage, "Apps that sign in by themselves take nothing of Patchbay's.")
            .hint("Leave out --token-stdin and --sign-in, or leave out --wiring."));
    }
    let place = |client: String| Place { client, scope: scope.clone(), wiring, token: None, create };
    let known = expires.is_some();
    let expires = expires.or_else(|| token_stdin.then(|| UNKNOWN_END.to_owned()));
    let token = (!by_apps).then_some(TokenFacts { label: None, scopes, expires });
    let connect = Connect {
        provider,
        name,
        settings: pairs(&settings)?,
        places: apps.into_iter().map(place).collect(),
        token,
        overrule: use_anyway,
    };
    if how.vouch.is_any() && !how.sign_in {
        return Err(
            Error::new(Code::Usage, "Somebody can vouch for you only where you sign in.").hint("Add --sign-in.")
        );
    }
    if how.sign_in && !dry_run {
        sign_in::connect(patchbay, connect, how, as_json).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let provider = patchbay_core::catalog::find(&connect.provider)?;
    // Answers that do not suffice are refused further on.
    let auth = provider.resolve(&connect.settings).ok().map(|resolved| resolved.auth);
    let labels = auth.as_ref().map(|auth| provider.secret_labels(auth)).unwrap_or_default();
    let lines = auth.as_ref().and_then(|auth| provider.secret_lines(auth));
    let secret = if token_stdin { Some(secrets_from_stdin(&labels, false)?) } else { None };
    let doubts = doubts(patchbay, &connect.provider, None, auth.as_ref(), secret.as_ref()).await?;
    if dry_run {
        let lacks = secret.is_none();
        dry(patchbay, connect, secret, as_json).await?;
        if let Some(lines) = lines.filter(|_| lacks && !as_json) {
            print::line(&format!("It needs several secrets, {lines}. Give them with --token-stdin."));
        }
    } else {
        set_up(patchbay, connect, secret, lines, as_json).await?;
    }
    doubts.iter().for_each(print::warning);
    if token_stdin && !known && !as_json {
        print::line("No end is known for its token, so Patchbay cannot remind you. Give it with --expires.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_up(
    patchbay: &Patchbay,
    connect: Connect,
    secret: Option<Secret>,
    lines: Option<String>,
    as_json: bool,
) -> Result<()> {
    install_own(patchbay, None)?;
    let provider = patchbay_core::catalog::find(&connect.provider)?;
    let without_token = secret.is_none() && (provider.needs_token() || lines.is_some());
    let mut places = connect.places.iter();
    let by_apps = !connect.places.is_empty() && places.all(|place| place.wiring == Some(Wiring::ClientOauth));
    let request = Request::Connect { connect, expected: None };
    let Answer::Connected(done) = patchbay.call(request, secret).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        print::line(&format!("Added: {}", done.id));
        words::restart(patchbay, &done.restart);
        let signs_in = provider.sign_in.as_ref().is_some_and(|sign_in| sign_in.offered == Offered::Yes);
        print::line(&match (without_token, signs_in) {
            _ if by_apps => {
                "Each app asks you to sign in when it first uses it, and keeps the sign-in itself.".to_owned()
            }
            (true, _) if lines.is_some() => {
                let lines = lines.unwrap_or_default();
                format!("It has no secrets yet. Give it all of them, {lines}: patchbay renew {} --token-stdin", done.id)
            }
            (true, true) => format!("It is not signed in yet. Sign in with: patchbay sign-in {}", done.id),
            (true, false) => {
                format!("It has no token yet. Give it one with: patchbay renew {} --token-stdin", done.id)
            }
            (false, _) => format!("Not checked yet. Check it with: patchbay check {}", done.id),
        });
    }
    Ok(())
}

async fn dry(patchbay: &Patchbay, connect: Connect, secret: Option<Secret>, as_json: bool) -> Result<()> {
    let expires = connect.token.as_ref().and_then(|token| token.expires.clone());
    if let Some(expires) = expires.filter(|expires| expires != UNKNOWN_END) {
        let request = Request::ResolveForm {
            provider: connect.provider.clone(),
            settings: connect.settings.clone(),
            name: None,
            expires: Some(expires),
            scopes: Vec::new(),
            token_name: None,
        };
        if let Answer::Form(form) = patchbay.call(request, None).await?
            && let Some(error) = form.errors.into_iter().next()
        {
            return Err(error);
        }
    }
    let Answer::Plan(plan) = patchbay.call(Request::PlanConnect { connect }, secret).await? else {
        return Err(unexpected());
    };
    show_plan(&plan, as_json);
    Ok(())
}

pub(crate) fn show_plan(plan: &PlanView, as_json: bool) {
    if as_json {
        return print::json(plan);
    }
    for file in &plan.files {
        print::line(&format!("{} ({})", file.client_name, file.path));
        print::line(&file.diff);
    }
}

async fn remove(patchbay: &Patchbay, id: String, as_json: bool) -> Result<ExitCode> {
    let snapshot = patchbay.snapshot()?;
    let was_there = snapshot.connections.iter().any(|one| one.id == id && one.brought_in);
    let done = changed(patchbay, Request::Remove { id, expected: None }, "Removed", as_json).await?;
    if was_there {
        print::notice("The apps had this before Patchbay; it was taken out too, and its token is deleted here.");
    }
    Ok(done)
}

/// A request whose answer says what was changed.
async fn changed(patchbay: &Patchbay, request: Request, word: &str, as_json: bool) -> Result<ExitCode> {
    let Answer::Connected(done) = patchbay.call(request, None).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        print::line(&format!("{word}: {}", done.id));
        words::restart(patchbay, &done.restart);
        if let Some(ended) = done.signed_out {
            print::line(words::signed_out(ended));
        }
    }
    if done.token_missing {
        print::notice(&format!(
            "token_missing: Its token was deleted when it was removed, and has to be given again: patchbay renew {} --token-stdin",
            done.id
        ));
    }
    for path in &done.kept_in {
        print::notice(&format!("This file cannot be read or written, so its entry had to stay: {path}"));
    }
    Ok(if done.kept_in.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn snippet(patchbay: &Patchbay, id: String, client: String, as_json: bool) -> Result<ExitCode> {
    let Answer::Text(text) = patchbay.call(Request::Snippet { id, client }, None).await? else {
        return Err(unexpected());
    };
    if as_json {
        print::json(&text);
    } else {
        print::line(text.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(patchbay: &Patchbay, ids: Vec<String>, as_json: bool) -> Result<ExitCode> {
    let Answer::Reports(checked) = patchbay.call(Request::Check { ids }, None).await? else { return Err(unexpected()) };
    Ok(checks(&checked, as_json))
}

async fn check_url(patchbay: &Patchbay, url: String, as_json: bool) -> Result<ExitCode> {
    let report = patchbay.check_url(&url).await?;
    Ok(checks(&[CheckedView { id: url, token: None, report }], as_json))
}

/// Prints checks; the exit code for them.
fn checks(checked: &[CheckedView], as_json: bool) -> ExitCode {
    if as_json {
        print::json(&checked.iter().map(flat).collect::<Vec<_>>());
    } else if checked.is_empty() {
        print::line("There is no connection to check.");
    } else {
        checked.iter().for_each(check_words);
    }
    let is_well = |verdict| matches!(verdict, Verdict::Working | Verdict::NotTried);
    let all = checked.iter().all(|checked| is_well(checked.report.verdict));
    if all { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) }
}

/// A check with its id and verdict at the top.
pub(crate) fn flat(checked: &CheckedView) -> Value {
    let mut value = json!({ "id": checked.id, "token": checked.token });
    if let (Some(table), Ok(Value::Object(report))) = (value.as_object_mut(), serde_json::to_value(&checked.report)) {
        table.extend(report);
    }
    value
}

pub(crate) fn check_words(checked: &CheckedView) {
    if checked.report.verdict == Verdict::NotTried {
        return print::line(&format!("{}: its app starts it, so Patchbay cannot check it", checked.id));
    }
    let word = |value: Value| value.as_str().map(|word| word.replace('_', " ")).unwrap_or_default();
    let report = &checked.report;
    print::line(&format!("{}: {}", checked.id, report.sentence()));
    let missing = report.missing_right.as_ref().map(|right| format!("Missing permission: {right}"));
    let wait = report.retry_after.map(patchbay_core::wire::asks_to_wait);
    let is_proxys = matches!(
        report.verdict,
        Verdict::ProxyUnreachable
            | Verdict::ProxySignInNeeded
            | Verdict::ProxySignInRefused
            | Verdict::ProxyForbids
            | Verdict::ProxyNeeded
    );
    let set = is_proxys.then(|| "On the command line: patchbay network set --help".to_owned());
    let is_told = report.detail.as_ref().is_some_and(|detail| detail.contains("patchbay sign-in"));
    let way = if checked.id.contains("://") { "--url " } else { "" };
    let sign_in = (report.wants_sign_in() && !is_told).then(|| format!("Run: patchbay sign-in {way}{}", checked.id));
    for more in [missing, wait, report.detail.clone(), set, sign_in].into_iter().flatten() {
        print::line(&format!("  {more}"));
    }
    for layer in &report.layers {
        let (kind, mark) = (serde_json::to_value(layer.kind), serde_json::to_value(layer.mark));
        // What decided was said above.
        let detail = layer.detail.as_ref().filter(|_| layer.mark != Mark::Failed || layer.detail != report.detail);
        let detail = detail.map(|detail| format!(", {detail}")).unwrap_or_default();
        print::line(&format!(
            "  {:<10} {:<8} {} ms{detail}",
            word(kind.unwrap_or_default()),
            word(mark.unwrap_or_default()),
            layer.millis
        ));
    }
}

async fn vault(patchbay: &Patchbay, action: VaultAction, as_json: bool) -> Result<ExitCode> {
    let (request, secret) = match action {
        VaultAction::Create => (Request::VaultCreate, Some(from_stdin("passphrase")?)),
        VaultAction::Unlock => (Request::VaultUnlock, Some(from_stdin("passphrase")?)),
        VaultAction::Lock => (Request::VaultLock, None),
        VaultAction::Status => (Request::SecretsStatus, None),
    };
    patchbay.call(request, secret).await?;
    let secrets = patchbay.snapshot()?.secrets;
    if as_json {
        print::json(&secrets);
    } else {
        let place = match secrets.backend {
            Backend::Keychain => "Tokens are kept in the system's keychain",
            Backend::Vault => "Tokens are kept in the vault",
        };
        let status = serde_json::to_value(secrets.status).unwrap_or_default();
        let status = status.as_str().unwrap_or("unknown").replace('_', " ");
        print::line(&format!("{place}. It is: {status}."));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn pairs(settings: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |text: &String| {
        text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned())).ok_or_else(|| {
            Error::new(Code::Usage, format!("\"{text}\" is no setting.")).hint("Write it as --set KEY=VALUE.")
        })
    };
    settings.iter().map(pair).collect()
}

pub(crate) fn unexpected() -> Error {
    Error::new(Code::Internal, "Patchbay answered something else than was asked.")
}
