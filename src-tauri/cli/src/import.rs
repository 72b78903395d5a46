//! `patchbay import` and `patchbay copy`: what apps have already, and the same set in another app.

use std::process::ExitCode;

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Connected, FoundView, Import, LeftOut, Request};
use patchbay_core::api::view::FoundBlock;
use patchbay_core::{Code, Error, Result};
use serde_json::json;

use crate::commands::{ATTENTION, install_own, show_plan, unexpected};
use crate::{print, words};

/// What to bring in.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// What was found, by its id; none: list what there is.
    ids: Vec<String>,
    /// Everything with a token in plain text that can be moved now.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// The connection's name.
    #[arg(long)]
    name: Option<String>,
    /// An answer to one of the service's questions; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Show what would change and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What to copy.
#[derive(Debug, clap::Args)]
pub(crate) struct CopyArgs {
    /// The connections, by their ids.
    #[arg(required_unless_present_any = ["all", "from"], conflicts_with = "all")]
    ids: Vec<String>,
    /// The app that has the connections.
    #[arg(long, value_name = "CLIENT", conflicts_with = "all")]
    from: Option<String>,
    /// Every connection there is.
    #[arg(long)]
    all: bool,
    /// The app that is to have them.
    #[arg(long, value_name = "CLIENT")]
    to: String,
    /// Show what would change and change nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn import(patchbay: &Patchbay, args: ImportArgs, as_json: bool) -> Result<ExitCode> {
    let Answer::Found(found) = patchbay.call(Request::Found, None).await? else { return Err(unexpected()) };
    let chosen: Vec<&FoundView> = if args.all {
        found.iter().filter(|one| one.worthwhile).collect()
    } else {
        args.ids.iter().map(|id| by_id(&found, id)).collect::<Result<_>>()?
    };
    if chosen.is_empty() {
        list(&found, as_json);
        return Ok(ExitCode::SUCCESS);
    }
    if args.name.is_some() && chosen.len() > 1 {
        return Err(Error::new(Code::Usage, "A name is for one connection.").hint("Bring them in one by one."));
    }
    let settings = crate::commands::pairs(&args.settings)?;
    if !args.dry_run {
        install_own(patchbay, None)?;
    }
    let mut all = Vec::new();
    for one in chosen {
        let import = Import { id: one.id.clone(), name: args.name.clone(), settings: settings.clone() };
        if args.dry_run {
            let Answer::Plan(plan) = patchbay.call(Request::PlanImport { import }, None).await? else {
                return Err(unexpected());
            };
            show_plan(&plan, as_json);
            continue;
        }
        let request = Request::Import { import, expected: None };
        let Answer::Connected(done) = patchbay.call(request, None).await? else { return Err(unexpected()) };
        if !as_json {
            print::line(&format!("Brought in: {}", done.id));
            words::restart(patchbay, &done.restart);
        }
        all.push(done);
    }
    if as_json && !args.dry_run {
        print::json(&all);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn copy(patchbay: &Patchbay, args: CopyArgs, as_json: bool) -> Result<ExitCode> {
    let CopyArgs { ids, from, to, dry_run, .. } = args;
    if dry_run {
        let Answer::Plan(plan) = patchbay.call(Request::PlanCopy { from, ids, to }, None).await? else {
            return Err(unexpected());
        };
        show_plan(&plan, as_json);
        return Ok(left_words(&plan.left));
    }
    install_own(patchbay, None)?;
    let request = Request::Copy { from, ids, to: to.clone(), expected: None };
    let Answer::Copied(copied) = patchbay.call(request, None).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&copied);
        return Ok(left_words(&copied.left));
    }
    let to = words::app(&to);
    for Connected { id, .. } in &copied.done {
        print::line(&format!("Copied to {to}: {id}"));
    }
    if copied.done.is_empty() && copied.left.is_empty() {
        print::line(&format!("There is nothing that {to} does not have."));
    }
    words::restart(patchbay, copied.done.last().map_or(&[][..], |done| &done.restart));
    Ok(left_words(&copied.left))
}

/// Tells what did not come along, and why.
fn left_words(left: &[LeftOut]) -> ExitCode {
    for LeftOut { id, error, .. } in left {
        let hint = error.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
        print::notice(&format!("Not copied: {id}. {}{hint}", error.message));
    }
    if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) }
}

fn by_id<'a>(found: &'a [FoundView], id: &str) -> Result<&'a FoundView> {
    found.iter().find(|one| one.id == id).ok_or_else(|| {
        Error::new(Code::Usage, format!("Nothing that was found has the id \"{id}\"."))
            .hint("See what there is with: patchbay import")
    })
}

fn list(found: &[FoundView], as_json: bool) {
    if as_json {
        return print::json(&found);
    }
    if found.is_empty() {
        print::line("Your apps have nothing that Patchbay does not know.");
    }
    for one in found {
        let entries = one.entries.iter();
        let places: Vec<_> =
            entries.map(|entry| format!("{} in {}", entry.entry, words::place(&entry.client, &entry.scope))).collect();
        let tokens = match one.tokens.len() {
            0 if one.blocked == Some(FoundBlock::TokenInArguments) => ", a token lies there in plain text".to_owned(),
            0 => String::new(),
            1 => ", a token lies there in plain text".to_owned(),
            n => format!(", {n} tokens lie there in plain text"),
        };
        let word = |value: serde_json::Value| value.as_str().map(|word| word.replace('_', " ")).unwrap_or_default();
        let blocked = one.blocked.map(|why| format!(" (stays: {})", word(json!(why)))).unwrap_or_default();
        let asks = if one.asks.is_empty() {
            String::new()
        } else {
            format!(" (needs: --set {}=...)", one.asks.join("=... --set "))
        };
        print::line(&format!("{}  {}: {}{tokens}{blocked}{asks}", one.id, one.target, places.join("; ")));
    }
}
