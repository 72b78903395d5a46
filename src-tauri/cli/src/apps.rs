//! `patchbay apps` and `patchbay reopen`: what is installed, what runs, and what still runs with old settings.

use std::process::ExitCode;

use patchbay_core::api::message::Request;
use patchbay_core::api::view::{AppView, RestartView};
use patchbay_core::api::{Patchbay, say_restart};
use patchbay_core::{Result, client};
use serde_json::json;

use crate::commands::ATTENTION;
use crate::print;

/// Lists the apps: those installed with what is known of them, the others by name.
pub(crate) fn apps(patchbay: &Patchbay, as_json: bool) -> Result<ExitCode> {
    let snapshot = patchbay.snapshot()?;
    let stale = snapshot.apps.iter().any(|app| app.restart.is_some());
    if as_json {
        let facts = |app: &AppView| {
            json!({
                "id": app.id, "name": app.name, "installed": app.installed, "version": app.version,
                "running": app.running, "since": app.since, "file": app.path, "exists": app.exists,
                "why": app.why, "restart": app.restart,
            })
        };
        print::json(&snapshot.apps.iter().map(facts).collect::<Vec<_>>());
    } else {
        let (here, others): (Vec<_>, Vec<_>) = snapshot.apps.iter().partition(|app| app.installed);
        here.into_iter().for_each(app_words);
        let others: Vec<_> = others.into_iter().map(|app| app.name.as_str()).collect();
        if !others.is_empty() {
            print::line(&format!("Not installed here: {}", others.join(", ")));
        }
    }
    Ok(if stale { ExitCode::from(ATTENTION) } else { ExitCode::SUCCESS })
}

fn app_words(app: &AppView) {
    let version = app.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let running = match &app.since {
        Some(since) => format!("running since {since}"),
        None => "not running".to_owned(),
    };
    print::line(&format!("{}: {}{version}, {running}", app.id, app.name));
    print::line(&format!("  {}{}", app.path, if app.exists { "" } else { " (not there yet)" }));
    let way_out = match &app.restart {
        None => return,
        Some(RestartView { reopen: true, .. }) => format!("Reopen it with: patchbay reopen {}", app.id),
        Some(RestartView { words, .. }) => say_restart(&app.name, words),
    };
    print::line(&format!("  It still runs with the old settings. {way_out}"));
}

/// Quits an app and opens it again, or says what to do instead.
pub(crate) async fn reopen(patchbay: &Patchbay, id: String, as_json: bool) -> Result<ExitCode> {
    let name = client::find(&id)?.name;
    patchbay.call(Request::Reopen { client: id.clone() }, None).await?;
    if as_json {
        print::json(&json!({ "id": id }));
    } else {
        print::line(&format!("Reopened: {name}"));
    }
    Ok(ExitCode::SUCCESS)
}
