//! `patchbay drift`: what was changed outside Patchbay, and the two answers to it.
//!
//! Each place is answered by itself and is a change of its own in the history: one file that cannot be read does not
//! keep the others from being put back, and each place is reported.

use std::process::ExitCode;

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Connected, Request};
use patchbay_core::api::view::{DriftView, FieldView, NewsView};
use patchbay_core::client;
use patchbay_core::{Code, Error, Result};
use serde_json::{Value, json};

use crate::args::{DriftAction, DriftTarget};
use crate::commands::{ATTENTION, unexpected};
use crate::{print, words};

/// Shows what was changed, or answers it.
pub(crate) async fn drift(patchbay: &Patchbay, action: Option<DriftAction>, as_json: bool) -> Result<ExitCode> {
    match action {
        None => show(patchbay, as_json),
        Some(DriftAction::Restore(target)) => settle(patchbay, Choice::PutBack, target, as_json).await,
        Some(DriftAction::Keep(target)) => settle(patchbay, Choice::Keep, target, as_json).await,
        Some(DriftAction::Seen) => {
            patchbay.call(Request::DismissNews { ids: Vec::new() }, None).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show(patchbay: &Patchbay, as_json: bool) -> Result<ExitCode> {
    let (found, news) = (patchbay.drift()?, patchbay.news()?);
    if as_json {
        print::json(&json!({ "drift": found, "news": news }));
    } else {
        show_words(&found, &news);
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

fn show_words(found: &[DriftView], news: &[NewsView]) {
    if found.is_empty() {
        print::line("Nothing of Patchbay's was changed outside Patchbay.");
    }
    for drift in found {
        print::line(&plain(&format!("{}: {}", drift.connection, drift.sentence)));
        // The sentence tells of the first field only.
        if drift.fields.len() > 1 {
            drift.fields.iter().for_each(|field| print::line(&plain(&field_words(field))));
        }
    }
    if let Some(which) = named(found) {
        print::line(&format!("Put it back with: patchbay drift restore {which}"));
        print::line(&format!("Leave it as it is with: patchbay drift keep {which}"));
    }
    for news in news {
        print::line(&plain(&news.sentence));
    }
    if !news.is_empty() {
        print::line("Take note of what others added with: patchbay drift seen");
    }
}

/// The connection that differs, or a word for it where several do.
fn named(found: &[DriftView]) -> Option<&str> {
    let first = &found.first()?.connection;
    Some(if found.iter().all(|drift| drift.connection == *first) { first } else { "ID" })
}

fn field_words(field: &FieldView) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("  {}: {} -> {}", field.name, value(&field.from), value(&field.to))
}

/// Without what would do something to a terminal: all of this stands in files that others write.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The two answers.
#[derive(Clone, Copy)]
enum Choice {
    PutBack,
    Keep,
}

impl Choice {
    fn request(self, drift: &DriftView) -> Request {
        let (id, client, scope) = (drift.connection.clone(), drift.client.clone(), drift.scope.clone());
        match self {
            Self::PutBack => Request::PutBack { id, client, scope },
            Self::Keep => Request::Keep { id, client, scope },
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::PutBack => "Put back",
            Self::Keep => "Kept",
        }
    }
}

/// What became of one place.
struct Settled {
    drift: DriftView,
    outcome: Result<Connected>,
}

async fn settle(patchbay: &Patchbay, choice: Choice, target: DriftTarget, as_json: bool) -> Result<ExitCode> {
    let mut all = Vec::new();
    for drift in meant(patchbay, &target)? {
        let outcome = match patchbay.call(choice.request(&drift), None).await {
            Ok(Answer::Connected(done)) => Ok(done),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(error),
        };
        all.push(Settled { drift, outcome });
    }
    if as_json {
        print::json(&settled_json(&target, &all));
    } else {
        settled_words(choice, &all);
        words::restart(patchbay, &to_reopen(&all));
    }
    let failed = all.iter().any(|settled| settled.outcome.is_err());
    Ok(if failed { ExitCode::from(ATTENTION) } else { ExitCode::SUCCESS })
}

/// The places that are meant, of those where something differs.
fn meant(patchbay: &Patchbay, target: &DriftTarget) -> Result<Vec<DriftView>> {
    match &target.id {
        Some(id) => drop(patchbay.state()?.connection(id)?.id.clone()),
        None if target.all => {}
        None => {
            let error = Error::new(Code::Usage, "Say which connection is meant, or --all.");
            return Err(error.hint("See what was changed with: patchbay drift"));
        }
    }
    if let Some(app) = &target.app {
        client::find(app)?;
    }
    let is_meant = |drift: &DriftView| {
        target.id.as_ref().is_none_or(|id| drift.connection == *id)
            && target.app.as_ref().is_none_or(|app| drift.client == *app)
    };
    Ok(patchbay.drift()?.into_iter().filter(is_meant).collect())
}

fn settled_words(choice: Choice, all: &[Settled]) {
    if all.is_empty() {
        print::line("Nothing of it was changed outside Patchbay.");
    }
    for Settled { drift, outcome } in all {
        let what = format!("{} in {}", drift.connection, words::place(&drift.client, &drift.scope));
        match outcome {
            Ok(done) => {
                let undo = done.change.as_ref().map(|change| format!(". Undo it with: patchbay undo {change}"));
                print::line(&format!("{}: {what}{}", choice.word(), undo.unwrap_or_default()));
            }
            Err(error) => print::line(&format!("Not done: {what}. {}", print::sentence(error))),
        }
    }
}

fn to_reopen(all: &[Settled]) -> Vec<String> {
    all.iter().filter_map(|settled| settled.outcome.as_ref().ok()).flat_map(|done| done.restart.clone()).collect()
}

fn settled_json(target: &DriftTarget, all: &[Settled]) -> Value {
    let one = |Settled { drift, outcome }: &Settled| {
        json!({
            "id": drift.connection, "client": drift.client, "scope": drift.scope,
            "change": outcome.as_ref().ok().and_then(|done| done.change.as_ref()),
            "error": outcome.as_ref().err().map(print::without_secrets),
        })
    };
    let done = all.iter().filter(|settled| settled.outcome.is_ok());
    let apps: Vec<_> = done.map(|settled| settled.drift.client.as_str()).collect();
    json!({ "id": target.id, "apps": apps, "places": all.iter().map(one).collect::<Vec<_>>() })
}
