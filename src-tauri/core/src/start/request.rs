//! From an entry to the request that its app would send.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::around::Around;
use super::command::{note, source};
use super::fill::Source;
use super::{Finding, FindingKind, Notes, Subject};
use crate::client::{Asks, Passes};
use crate::connection::AuthHeader;
use crate::error::Result;
use crate::probe::Speaks;
use crate::secret::{Secret, is_secret_header, looks_like_token};
use crate::wire::Endpoint;

/// An address as an app would speak to it.
pub struct Sending {
    /// The address.
    pub url: String,
    /// The headers, but for those that the helper gives.
    pub headers: Vec<(String, String)>,
    /// The program that gives further ones.
    pub helper: Option<Helper>,
    /// The ways to speak that the app tries.
    pub speaks: Speaks,
}

/// A shell command that prints headers.
pub struct Helper {
    /// The command.
    pub command: String,
    /// All its variables.
    pub env: BTreeMap<String, String>,
    /// Those of them that tell it which entry it is asked for.
    pub told: Vec<(String, String)>,
    /// Where it starts.
    pub folder: PathBuf,
}

/// Where apps keep headers, as JSON pointers.
const HEADERS: [&str; 4] = ["/headers", "/http_headers", "/transport/headers", "/requestOptions/headers"];

impl Sending {
    /// What makes it this request and no other.
    pub(super) fn identify(&self, parts: &mut Vec<String>) {
        parts.extend(["send".to_owned(), self.url.clone(), self.headers.len().to_string()]);
        parts.extend(self.headers.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
        if let Some(Helper { command, told, folder, .. }) = &self.helper {
            parts.extend([command.clone(), folder.display().to_string()]);
            parts.extend(told.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
        }
    }

    /// The endpoint with these headers and those that the helper gave, which count before them.
    ///
    /// # Errors
    /// The address or a header cannot be used.
    pub(super) fn endpoint(&self, given: &[(String, String)]) -> Result<Endpoint> {
        let is_given = |name: &str| given.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let own = self.headers.iter().filter(|(name, _)| !is_given(name));
        let all: Vec<(String, String)> = own.chain(given).cloned().collect();
        let is_secret = |(name, value): &&(String, String)| is_secret_header(name) || looks_like_token(value);
        let secret = all.iter().find(is_secret).cloned();
        let plain: Vec<_> = all.into_iter().filter(|header| Some(header) != secret.as_ref()).collect();
        let endpoint = Endpoint::new(&self.url)?.with_headers(&plain)?;
        let Some((name, value)) = secret else { return Ok(endpoint) };
        let (prefix, token) = value.rsplit_once(' ').map_or(("", value.as_str()), |(before, token)| (before, token));
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix} ") };
        endpoint.with_auth(&AuthHeader::plain(&name, &prefix), &Secret::new(token))
    }
}

/// The request that the app would send for an entry with an address.
pub(super) fn sending(subject: &Subject<'_>, url: &str, around: &Around<'_>, notes: &mut Notes) -> Sending {
    let project = subject.scope.folder().map_or_else(|| around.host.home.clone(), PathBuf::from);
    let none = BTreeMap::new();
    let unset = subject.client.starts.fills.unset_in_headers;
    let source = Source { unset, ..source(subject, around, &project, &none) };
    let mut fill = |text: &str| {
        let filled = source.fill(text);
        note(&filled, notes, |_| false, false);
        filled.text
    };
    let url = fill(url);
    let mut headers = Vec::new();
    for (name, value) in HEADERS.iter().filter_map(|place| subject.value.pointer(place)?.as_object()).flatten() {
        headers.extend(value.as_str().map(|value| (name.clone(), fill(value))));
    }
    if let Some(key) = subject.value.get("apiKey").and_then(Value::as_str) {
        headers.push(("Authorization".to_owned(), format!("Bearer {}", fill(key))));
    }
    headers.extend(from_variables(subject.value, around, notes));
    for (name, value) in &headers {
        if is_secret_header(name) || looks_like_token(value) {
            notes.hide(value);
            notes.hide(value.rsplit(' ').next().unwrap_or_default());
        }
    }
    if !subject.client.starts.sure {
        notes.add(Finding::new(FindingKind::RulesNotSure));
    }
    let helper = helper(subject, &url, around, project);
    Sending { url, headers, helper, speaks: speaks(subject) }
}

/// The ways to speak that the app tries for this entry; all where it is not known which.
fn speaks(subject: &Subject<'_>) -> Speaks {
    let newest = subject.client.starts.asks_newest;
    match (subject.client.starts.asks)(subject.value) {
        Asks::Either => Speaks { newest, ..Speaks::ALL },
        Asks::Posts => Speaks { newest, streamed: false, ..Speaks::ALL },
        Asks::Streams => Speaks { newest: false, posted: false, ..Speaks::ALL },
    }
}

/// Codex names variables that hold a token or a header's value.
fn from_variables(value: &Value, around: &Around<'_>, notes: &mut Notes) -> Vec<(String, String)> {
    let bearer = value.get("bearer_token_env_var").and_then(Value::as_str);
    let bearer = bearer.map(|variable| ("Authorization".to_owned(), "Bearer ", variable));
    let table = value.get("env_http_headers").and_then(Value::as_object).into_iter().flatten();
    let named = table.filter_map(|(name, variable)| Some((name.clone(), "", variable.as_str()?)));
    let mut headers = Vec::new();
    for (name, prefix, variable) in bearer.into_iter().chain(named) {
        match around.env.get(variable) {
            Some(value) => {
                notes.hide(value);
                headers.push((name, format!("{prefix}{value}")));
            }
            None => notes.add(Finding::new(FindingKind::NotSet).named(variable)),
        }
    }
    headers
}

fn helper(subject: &Subject<'_>, url: &str, around: &Around<'_>, folder: PathBuf) -> Option<Helper> {
    let rule = subject.client.starts.headers_helper?;
    let command = subject.value.get(rule.field)?.as_str()?.to_owned();
    let mut env = around.env.clone();
    if let Passes::Few(names) = rule.passes {
        env.retain(|name, _| names(around.host.platform).contains(&name.as_str()));
    }
    let told = rule
        .told
        .map(|(name, address)| [(name.to_owned(), subject.name.to_owned()), (address.to_owned(), url.to_owned())]);
    let told: Vec<_> = told.into_iter().flatten().collect();
    env.extend(told.iter().cloned());
    Some(Helper { command, env, told, folder })
}
