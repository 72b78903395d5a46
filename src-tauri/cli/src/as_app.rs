//! `patchbay check --as-app` and `--entry`: the check the way an app does it. Anybody else's program is started only after
//! the whole command was shown and somebody said yes.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, AsAppPlanView, AsAppView, Differs, EntryAt, Request};
use patchbay_core::api::view::ConnectionView;
use patchbay_core::start::{FindingKind, Way};
use patchbay_core::{Code, Error, Result};

use crate::commands::{ATTENTION, unexpected};
use crate::signals::{asked_to_go, hung_up};
use crate::{print, words};

/// What to check, and whether it was agreed to.
pub(crate) struct Wanted {
    /// Connections.
    pub(crate) ids: Vec<String>,
    /// In this app only; all that use the connections where it is empty.
    pub(crate) app: Option<String>,
    /// An entry, as `APP/NAME`.
    pub(crate) entry: Option<String>,
    /// Start anybody's program without asking again.
    pub(crate) yes: bool,
}

/// Checks entries one after the other.
pub(crate) async fn check(patchbay: &Patchbay, wanted: Wanted, as_json: bool) -> Result<ExitCode> {
    let entries = entries(patchbay, &wanted)?;
    let mut done = Vec::new();
    for at in entries {
        let plan =
            plan(patchbay, &at).await.map_err(|error| if wanted.entry.is_some() { unknown(error) } else { error })?;
        if !plan.ours && as_json && !wanted.yes {
            return Ok(print::failure_about(&unseen(&plan), "plan", &plan));
        }
        if !plan.ours {
            agree(&plan, wanted.yes || !plan.starts, as_json)?;
        }
        let checked = run(patchbay, at, plan.expected).await?;
        if !as_json {
            show(&checked);
        }
        done.push(checked);
    }
    if as_json {
        print::json(&done);
    }
    let all = done.iter().all(|checked| checked.report.works || checked.report.open);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

/// Which entries are meant.
fn entries(patchbay: &Patchbay, wanted: &Wanted) -> Result<Vec<EntryAt>> {
    if let Some(entry) = &wanted.entry {
        return named(patchbay, entry).map(|at| vec![at]);
    }
    let snapshot = patchbay.snapshot()?;
    let mut all = Vec::new();
    for id in &wanted.ids {
        patchbay.state()?.connection(id)?;
        let connection = snapshot.connections.iter().find(|connection| connection.id == *id);
        let used = connection.into_iter().flat_map(|connection| &connection.used_in);
        let meant = used.filter(|place| wanted.app.as_deref().is_none_or(|app| app.is_empty() || place.client == app));
        all.extend(meant.map(|place| EntryAt {
            client: place.client.clone(),
            scope: place.scope.clone(),
            entry: place.entry.clone(),
        }));
    }
    if all.is_empty() {
        return Err(unused(&snapshot.connections, wanted)?);
    }
    Ok(all)
}

/// What is said where nothing uses the connections, or not in the app that was named.
fn unused(connections: &[ConnectionView], wanted: &Wanted) -> Result<Error> {
    let meant = connections.iter().filter(|connection| wanted.ids.contains(&connection.id));
    let mut others: Vec<&str> = meant.flat_map(|one| &one.used_in).map(|place| words::app(&place.client)).collect();
    others.sort_unstable();
    others.dedup();
    let ids = wanted.ids.join(", ");
    let app = wanted.app.as_deref().filter(|app| !app.is_empty()).map(patchbay_core::client::find).transpose()?;
    Ok(match app.filter(|_| !others.is_empty()) {
        Some(app) => Error::new(
            Code::Usage,
            format!("{} does not use {ids}; it is used by: {}.", app.name, words::listed(&others)),
        )
        .hint("Name an app that uses it, or no app for all of them."),
        None => Error::new(Code::Usage, format!("No app uses {ids}.")).hint("Use it in one with: patchbay add"),
    })
}

/// `APP/NAME`: the user's own entry of that name first, then those for folders.
fn named(patchbay: &Patchbay, entry: &str) -> Result<EntryAt> {
    let (app, name) = entry.split_once('/').ok_or_else(|| {
        Error::new(Code::Usage, format!("\"{entry}\" names no entry.")).hint("Write it as --entry APP/NAME.")
    })?;
    let client = patchbay_core::client::find(app)?;
    let snapshot = patchbay.snapshot()?;
    let view = snapshot.apps.iter().find(|view| view.id == client.id);
    let at = |scope| EntryAt { client: client.id.to_owned(), scope, entry: name.to_owned() };
    let further = view.into_iter().flat_map(|view| &view.further);
    let is_there = |source: &&patchbay_core::api::view::SourceView| source.entries.iter().any(|one| one.name == name);
    let own = view.is_some_and(|view| view.entries.iter().any(|one| one.name == name));
    let scope = further.into_iter().find(is_there).map(|source| source.scope.clone());
    match (own, scope) {
        (false, Some(scope)) => Ok(at(scope)),
        _ => Ok(at(patchbay_core::client::Scope::User)),
    }
}

async fn plan(patchbay: &Patchbay, at: &EntryAt) -> Result<AsAppPlanView> {
    let Answer::AsAppPlan(plan) = patchbay.call(Request::PlanAsApp { at: at.clone() }, None).await? else {
        return Err(unexpected());
    };
    Ok(*plan)
}

/// Shows what would be started, and asks.
fn agree(plan: &AsAppPlanView, yes: bool, as_json: bool) -> Result<()> {
    if !as_json {
        for line in lines(plan) {
            print::line(&line);
        }
    }
    if yes {
        return Ok(());
    }
    let refused = unseen(plan);
    if !std::io::stdin().is_terminal() {
        return Err(refused);
    }
    print::notice(match plan.way {
        Way::Program => "Start exactly this? [y/N]",
        Way::Address => "Ask exactly this? [y/N]",
    });
    let mut answer = String::new();
    // What cannot be read is no yes.
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(refused) }
}

/// Nobody said yes to it.
fn unseen(plan: &AsAppPlanView) -> Error {
    let (done, what) = match plan.way {
        Way::Program => ("Nothing was started", "command"),
        Way::Address => ("Nothing was sent", "address"),
    };
    Error::new(Code::Usage, format!("{done}: this is not Patchbay's own entry, and nobody said yes."))
        .hint(format!("Look at the {what}, then say it with --yes."))
}

/// An entry that was named and is not there is a word that does not fit, as an unknown connection is.
fn unknown(error: Error) -> Error {
    if error.code == Code::FileChanged { Error { code: Code::Usage, ..error } } else { error }
}

fn lines(plan: &AsAppPlanView) -> Vec<String> {
    let app = words::app(&plan.at.client);
    let mut lines = match plan.way {
        Way::Program => vec![format!("{app} starts for \"{}\":", plan.at.entry)],
        Way::Address => vec![format!("{app} asks for \"{}\":", plan.at.entry)],
    };
    let line = |what: &str, text: &str| format!("  {what:<10} {text}");
    lines.extend(plan.command.iter().map(|word| line("", word)));
    lines.extend(plan.program.iter().map(|program| line("program", program)));
    lines.extend(plan.url.iter().map(|url| line("address", url)));
    lines.extend(plan.headers.iter().map(|name| line("header", name)));
    lines.extend(plan.helper.iter().map(|command| line("headers by", command)));
    for variable in &plan.variables {
        let value = variable.value.as_deref().unwrap_or("•••");
        lines.push(line("variable", &format!("{}={value}", variable.name)));
    }
    lines.extend(plan.folder.iter().map(|folder| line("in", folder)));
    lines
}

/// Runs it; what asks this program to go ends what was started, which leads a process group of its own.
async fn run(patchbay: &Patchbay, at: EntryAt, expected: String) -> Result<AsAppView> {
    let request = Request::CheckAsApp { at, expected: Some(expected) };
    let told_to_go = async {
        tokio::select! {
            () = asked_to_go() => {}
            () = hung_up() => {}
        }
    };
    let answer = tokio::select! {
        answer = patchbay.call(request, None) => answer?,
        () = told_to_go => {
            // What was started is asked to end, and made to after this time.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            return Err(Error::new(Code::Cancelled, "The check was stopped."));
        }
    };
    match answer {
        Answer::AsApp(checked) => Ok(*checked),
        _ => Err(unexpected()),
    }
}

fn show(checked: &AsAppView) {
    let app = words::app(&checked.at.client);
    let name = format!("{}/{}", checked.at.client, checked.at.entry);
    let does = match (checked.report.way, checked.report.works) {
        _ if checked.report.open => format!("whether it works, only {app} can tell"),
        (Way::Program, true) => format!("works the way {app} starts it"),
        (Way::Program, false) => format!("does not work the way {app} starts it"),
        (Way::Address, true) => format!("works the way {app} asks it"),
        (Way::Address, false) => format!("does not work the way {app} asks it"),
    };
    print::line(&format!("{name}: {does}"));
    for finding in &checked.report.findings {
        let own = checked.report.explained.as_ref().filter(|_| finding.kind == FindingKind::NotAllowed);
        let (sentence, next) = own.map_or_else(|| finding.sentence(app), |own| (own.say.clone(), own.then.clone()));
        let end = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
        print::line(&format!("  {sentence}{end} {next}"));
    }
    if let Some(report) = checked.report.service.as_ref().filter(|_| !checked.report.works && !checked.report.open) {
        print::line(&format!("  {}", report.sentence()));
        if let Some(detail) = &report.detail {
            print::line(&format!("  {detail}"));
        }
    }
    for line in &checked.report.said {
        print::line(&format!("  it said: {line}"));
    }
    match checked.differs {
        Some(Differs::OnlyDirect) => print::line(&format!("  Directly it works; the way {app} does it, it does not.")),
        Some(Differs::OnlyApp) => print::line(&format!("  The way {app} does it, it works; directly it does not.")),
        None => {}
    }
}
