//! `patchbay services`: which services there are, and what each wants to know.

use std::process::ExitCode;

use patchbay_core::catalog::{self, Field, Provider};
use patchbay_core::{Error, Result};

use crate::print;

/// Lists all services, or one service's settings.
pub(crate) fn services(id: Option<&str>, as_json: bool) -> Result<ExitCode> {
    match id.map(catalog::find).transpose()? {
        None if as_json => print::json(&catalog::all()),
        None => catalog::all().iter().for_each(|provider| {
            print::line(&format!("{:<10} {}: {}", provider.id, provider.name, provider.about));
        }),
        Some(provider) if as_json => print::json(provider),
        Some(provider) => settings(provider),
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(provider: &Provider) {
    print::line(&format!("{}: {}", provider.name, provider.about));
    for field in &provider.fields {
        print::line(&format!("  --set {}={}", field.key, values(field)));
        let needed = if field.required && field.default.is_none() { " Needed." } else { "" };
        let hint = field.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
        print::line(&format!("      {}.{needed}{hint}", field.label));
    }
    if !provider.beside.is_empty() {
        secrets(provider);
    }
}

/// Which secrets a service wants, in the order of their lines.
fn secrets(provider: &Provider) {
    print::line("  --token-stdin reads several secrets, one a line:");
    let token = (provider.token.label.as_deref().unwrap_or("Token"), provider.token.hint.as_deref());
    let beside = provider.beside.iter().map(|rule| (rule.label.as_str(), rule.hint.as_deref()));
    for ((label, hint), line) in std::iter::once(token).chain(beside).zip(1..) {
        let hint = hint.map(|hint| format!(" {hint}")).unwrap_or_default();
        print::line(&format!("      {line}. {label}.{hint}"));
    }
}

/// What a setting takes, its default first.
fn values(field: &Field) -> String {
    let choices: Vec<&str> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
    match (&field.default, choices.is_empty()) {
        (Some(default), true) => default.clone(),
        (Some(default), false) => {
            let others = choices.into_iter().filter(|choice| choice != default);
            std::iter::once(default.as_str()).chain(others).collect::<Vec<_>>().join("|")
        }
        (None, false) => choices.join("|"),
        (None, true) => "...".to_owned(),
    }
}

/// An error about one of a service's settings, with the way to give it.
pub(crate) fn with_setting(error: Error, provider: &str) -> Error {
    let field = error.field.clone().unwrap_or_default();
    let is_setting =
        catalog::find(provider).is_ok_and(|provider| provider.fields.iter().any(|known| known.key == field));
    if !is_setting {
        return error;
    }
    let hint = error.hint.clone().map(|hint| format!("{hint} ")).unwrap_or_default();
    error.hint(format!("{hint}Give it with --set {field}=... (see: patchbay services {provider})"))
}
