//! Leaving cleanly, and what the history holds.

use std::process::ExitCode;

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, LeaveChoice, LeaveView, LeftView, Request, StaysView, StaysWhy};
use patchbay_core::api::view::{ActivityView, ObstacleKind};
use patchbay_core::{Code, Error, Result};

use crate::commands::{show_plan, unexpected};
use crate::{print, words};

/// How to leave, as it was said on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaving {
    pub(crate) choice: LeaveChoice,
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
}

/// Takes everything out again, or shows what that would do.
pub(crate) async fn uninstall(patchbay: &Patchbay, leaving: Leaving, as_json: bool) -> Result<ExitCode> {
    let choice = leaving.choice;
    let Answer::Leave(view) = patchbay.call(Request::PlanLeave { choice }, None).await? else {
        return Err(unexpected());
    };
    if leaving.dry_run {
        shown(&view, as_json);
        return Ok(ExitCode::SUCCESS);
    }
    if !view.plain_text.is_empty() && !leaving.yes {
        return Err(plain_text(&view));
    }
    let expected = Some(view.plan.expected.clone());
    let Answer::Left(left) = patchbay.call(Request::Leave { choice, expected }, None).await? else {
        return Err(unexpected());
    };
    if as_json {
        print::json(&left);
    } else {
        told(patchbay, &left, &view.brought_in);
    }
    // What somebody changed works without us; what could not be changed needs somebody.
    let is_dead = |one: &StaysView| one.why != StaysWhy::Changed;
    Ok(if left.stays.iter().any(is_dead) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn plain_text(view: &LeaveView) -> Error {
    let apps = view.plain_text.join(", ");
    Error::new(
        Code::Usage,
        format!("This writes tokens in plain text into the files of {apps}, and changed nothing yet."),
    )
    .hint("Look at it with --dry-run, then say --yes.")
}

fn shown(view: &LeaveView, as_json: bool) {
    if as_json {
        return print::json(view);
    }
    show_plan(&view.plan, false);
    print::line(&format!("Connections to be given up: {}.", listed(&view.connections)));
    if !view.brought_in.is_empty() {
        print::line(&words::were_there(&view.brought_in, "would be"));
        print::line("To have it back as it was, undo bringing it in instead: patchbay history");
    }
    print::line(&format!(
        "Tokens to be deleted here: {}. At the services they live on until you revoke them.",
        view.tokens
    ));
    if !view.plain_text.is_empty() {
        print::line(&format!("A token in plain text would stand in the files of: {}.", view.plain_text.join(", ")));
    }
    if !view.needs_node.is_empty() {
        print::line(&format!("These would start mcp-remote, which needs Node.js: {}.", view.needs_node.join(", ")));
    }
    if !view.signs_in.is_empty() {
        print::line(&format!("These would have you sign in by themselves: {}.", view.signs_in.join(", ")));
    }
    if !view.cannot_sign_in.is_empty() {
        let apps = view.cannot_sign_in.join(", ");
        print::line(&format!(
            "These cannot sign in by themselves, so what you signed in to is taken out of them: {apps}."
        ));
    }
    for path in &view.shared {
        print::line(&format!("Others read this file too, so its entry is taken out in any case: {path}"));
    }
    view.stays.iter().for_each(stays);
    print::line("Nothing was changed.");
}

fn told(patchbay: &Patchbay, left: &LeftView, brought_in: &[String]) {
    print::line(&format!("Taken out: {}. Made to work without Patchbay: {}.", left.taken_out, left.released));
    if !brought_in.is_empty() {
        print::line(&words::were_there(brought_in, "was"));
    }
    print::line(&format!("Tokens deleted here: {}. At the services they live on until you revoke them.", left.tokens));
    if let Some(ended) = left.signed_out {
        print::line(words::signed_out(ended));
    }
    if left.login_ended {
        print::line("Patchbay no longer starts at login.");
    }
    words::restart(patchbay, &left.restart);
    left.stays.iter().for_each(stays);
    print::line(&format!("Left for you to delete: {} and the program itself.", left.data_dir));
    print::line("Until then, what was only taken out can be undone with: patchbay undo");
}

fn stays(one: &StaysView) {
    let why = match one.why {
        StaysWhy::FileBroken => "the file cannot be read",
        StaysWhy::FileReadOnly => "the file is read-only",
        StaysWhy::Changed => "somebody changed it, and it works without Patchbay",
    };
    print::line(&format!("Stays in {}: {}, because {why}: {}", one.client_name, one.entry, one.path));
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The changes, the newest first.
pub(crate) fn history(patchbay: &Patchbay, as_json: bool) -> Result<ExitCode> {
    let activity = patchbay.snapshot()?.activity;
    if as_json {
        print::json(&activity);
    } else if activity.is_empty() {
        print::line("Patchbay has changed nothing yet.");
    } else {
        for change in &activity {
            print::line(&change_words(change));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn change_words(change: &ActivityView) -> String {
    let kind = serde_json::to_value(change.kind).ok();
    let kind = kind.and_then(|kind| kind.as_str().map(|kind| kind.replace('_', " "))).unwrap_or_default();
    let folders: Vec<_> = change.scopes.iter().filter_map(|scope| scope.folder()).collect();
    let folders = if folders.is_empty() { String::new() } else { format!(", for {}", words::listed(&folders)) };
    let apps: Vec<_> = change.clients.iter().map(|client| words::app(client)).collect();
    let apps = if apps.is_empty() { String::new() } else { format!(" in {}", words::listed(&apps)) };
    let renamed = change.renamed.as_ref().map(|name| format!(" -> {name}")).unwrap_or_default();
    let mut marks = String::new();
    if change.undone {
        marks.push_str(" (undone)");
    }
    if let Some(obstacle) = &change.obstacle {
        let later = obstacle.change.clone().unwrap_or_default();
        marks.push_str(match obstacle.kind {
            ObstacleKind::Later => " (cannot be undone: a later change is in the way: ",
            ObstacleKind::Outside => " (cannot be undone: another program changed it since",
            ObstacleKind::Unreadable => " (cannot be undone: its file cannot be read",
            ObstacleKind::NameTaken => " (cannot be undone: its name is taken",
            ObstacleKind::TokenTakenOut => " (cannot be undone: the token that it needs was taken out",
            ObstacleKind::Released => " (cannot be undone: the app goes on without Patchbay, and the token is gone",
        });
        marks.push_str(&later);
        marks.push(')');
    }
    if change.holds_token {
        marks.push_str(" (its copy holds a token in plain text)");
    }
    format!("{}  {}  {kind} {}{renamed}{apps}{folders}{marks}", change.id, words::time(&change.at), change.name)
}

/// Takes tokens out of the history.
pub(crate) async fn purge(patchbay: &Patchbay, change: Option<String>, as_json: bool) -> Result<ExitCode> {
    let Answer::Purged(purged) = patchbay.call(Request::PurgeTokens { change }, None).await? else {
        return Err(unexpected());
    };
    if as_json {
        print::json(&purged);
    } else if purged.changes == 0 {
        print::line("No token lies in plain text in the history.");
    } else {
        let (changes, lost) = (purged.changes, purged.lost);
        let changes = words::counted(changes, "change");
        let lost = match (purged.changes, lost) {
            (_, 0) => String::new(),
            (1, _) => " It can no longer be undone.".to_owned(),
            (_, lost) => format!(" Of these, {lost} can no longer be undone."),
        };
        print::line(&format!("Tokens taken out of {changes}.{lost}"));
    }
    Ok(ExitCode::SUCCESS)
}
