//! What becomes of each entry of ours when Patchbay is left.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::leave_view::{LeaveChoice, StaysView, StaysWhy};
use crate::api::look::{Seen, look_for};
use crate::catalog;
use crate::change::Planner;
use crate::change::history::History;
use crate::client::{Client, Direct, Scope, Source, read_entry};
use crate::connection::{Connection, Credential, Grant, Placement, SignIn};
use crate::error::{Code, Result};
use crate::host::Host;
use crate::import::without_run;
use crate::secret::Secret;

/// A connection's tokens by their credentials' ids.
pub(super) type Tokens = BTreeMap<String, Secret>;

/// What is to happen to one entry.
pub(super) struct Fate {
    pub(super) client: &'static Client,
    pub(super) source: Source,
    pub(super) entry: String,
    /// What takes its place; nothing where it is taken out.
    pub(super) becomes: Option<Value>,
    /// Whether a token stands in what takes its place.
    pub(super) plain_text: bool,
    /// Whether the app then starts a program that needs Node.js, where it spoke to the service through ours.
    pub(super) needs_node: bool,
    /// What becomes of a sign-in; its tokens are nobody's but Patchbay's and go into no file.
    pub(super) sign_in: SignInFate,
}

/// What becomes of a sign-in in an app that is to go on without Patchbay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInFate {
    /// There is none, or the entry goes anyway.
    None,
    /// The app has its user sign in by itself.
    ByApp,
    /// The app cannot, so its entry is taken out.
    Lost,
}

/// What becomes of a connection's entries, and which of them stay.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) fates: Vec<Fate>,
    pub(super) stays: Vec<StaysView>,
    /// Files that others read as well, from which an entry goes although the others are to go on working.
    pub(super) shared: Vec<String>,
}

/// Sorts a connection's entries. One that somebody changed stays if it no longer starts our program: it is not ours any
/// more, and works without us. One that still does is of no use to anybody afterwards.
pub(super) fn sort(
    connection: &Connection,
    tokens: &Tokens,
    choice: LeaveChoice,
    host: &Host,
    history: &History,
) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    for placement in &connection.placements {
        let seen = look_for(placement, host)?;
        match seen.entry(&placement.entry) {
            Err(_) => sorted.stays.push(stays(&seen, placement, StaysWhy::FileBroken)),
            Ok(None) => {}
            Ok(Some(now)) if is_ours(connection, placement, &now) || choice.take_changed => {
                let wanted = choice.keep_working && is_ours(connection, placement, &now);
                let shared = matches!(placement.scope, Scope::Project(_));
                if wanted && shared {
                    sorted.shared.push(seen.source.path.display().to_string());
                }
                let why = hindrance(&seen, &placement.entry, history)?;
                match why.map(|why| stays(&seen, placement, why)) {
                    Some(stays) => sorted.stays.push(stays),
                    None => sorted.fates.push(fate(connection, placement, &now, seen, tokens, wanted && !shared)),
                }
            }
            Ok(Some(_)) => sorted.stays.push(stays(&seen, placement, StaysWhy::Changed)),
        }
    }
    Ok(sorted)
}

fn is_ours(connection: &Connection, placement: &Placement, now: &Value) -> bool {
    let starts_us = read_entry(&placement.entry, now).ours.is_some_and(|id| id == connection.id);
    starts_us || (placement.is_expected(now) && !placement.kept)
}

/// Why an entry cannot be changed, where its file is in the way.
fn hindrance(seen: &Seen, entry: &str, history: &History) -> Result<Option<StaysWhy>> {
    match Planner::new(history).take_out(seen.client, &seen.source, entry) {
        Ok(()) => Ok(None),
        Err(error) if error.code == Code::FileReadOnly => Ok(Some(StaysWhy::FileReadOnly)),
        Err(error) if error.code.is_of_file() => Ok(Some(StaysWhy::FileBroken)),
        Err(error) => Err(error),
    }
}

fn fate(connection: &Connection, placement: &Placement, now: &Value, seen: Seen, tokens: &Tokens, keep: bool) -> Fate {
    let signed_in = connection.credential_for(Some(placement)).and_then(|credential| credential.sign_in.as_ref());
    let mut sign_in = SignInFate::None;
    let (becomes, plain_text) = match (keep, signed_in) {
        (false, _) => (None, false),
        (true, Some(signed_in)) => {
            let becomes = by_itself(connection, placement, &seen, signed_in);
            sign_in = if becomes.is_some() { SignInFate::ByApp } else { SignInFate::Lost };
            (becomes, false)
        }
        (true, None) if connection.is_program() => program(connection, now, tokens),
        (true, None) => service(connection, placement, &seen, tokens),
    };
    let needs_node = becomes.is_some() && !connection.is_program() && seen.client.direct == Direct::Program;
    let (client, entry) = (seen.client, placement.entry.clone());
    Fate { client, source: seen.source, entry, plain_text, needs_node, becomes, sign_in }
}

/// The service at its address alone, where the app has its user sign in by itself. A client that signs in with its own
/// secret has nobody who could.
fn by_itself(connection: &Connection, placement: &Placement, seen: &Seen, signed_in: &SignIn) -> Option<Value> {
    let entry = || seen.client.plain_entry(&placement.entry, &connection.url, &connection.headers);
    (signed_in.grant == Grant::AuthorizationCode).then(entry).flatten()
}

/// The service at its address, and whether a token stands in it.
fn service(connection: &Connection, placement: &Placement, seen: &Seen, tokens: &Tokens) -> (Option<Value>, bool) {
    let credential = connection.credential_for(Some(placement));
    let token = credential.and_then(|credential| tokens.get(&credential.id));
    let needs = catalog::find(&connection.provider).is_ok_and(catalog::Provider::needs_token) || credential.is_some();
    // Without the token that it needs, an entry would work for nobody.
    let mut beside = connection.beside().map(|(carrier, known)| (carrier, known.and_then(|one| tokens.get(&one.id))));
    let works = (token.is_some() || !needs) && (token.is_none() || beside.all(|(_, secret)| secret.is_some()));
    let entry = || seen.client.direct.entry(&placement.entry, &connection.url, &headers(connection, token, tokens));
    (works.then(entry), works && token.is_some())
}

/// The program as it was before Patchbay, and whether a token stands in its variables. It comes back in any case: it is
/// the user's own.
fn program(connection: &Connection, now: &Value, tokens: &Tokens) -> (Option<Value>, bool) {
    let secret = |credential: &Credential| Some((credential.variable.clone()?, tokens.get(&credential.id)?));
    let secrets: Vec<_> = connection.credentials.iter().filter_map(secret).collect();
    let plain: Vec<_> = secrets.iter().map(|(variable, secret)| (variable.as_str(), secret.expose())).collect();
    let becomes = without_run(now, &plain);
    let plain_text = becomes.is_some() && !plain.is_empty();
    (becomes, plain_text)
}

fn headers(connection: &Connection, token: Option<&Secret>, tokens: &Tokens) -> Vec<(String, String)> {
    // A name that cannot be paired was refused when it was given.
    let sent = token.and_then(|token| connection.auth.sent(token).ok()).unwrap_or_default();
    let sign_in = sent.into_iter().map(|(name, value)| (name, value.to_string()));
    let beside = connection.beside().filter(|_| token.is_some());
    let beside = beside.filter_map(|(carrier, known)| Some((carrier, tokens.get(&known?.id)?)));
    let beside = beside.map(|(carrier, secret)| (carrier.name.clone(), carrier.sent(secret).to_string()));
    connection.headers.iter().cloned().chain(sign_in).chain(beside).collect()
}

fn stays(seen: &Seen, placement: &Placement, why: StaysWhy) -> StaysView {
    StaysView { scope: placement.scope.clone(), ..remains(seen, &placement.entry, why) }
}

fn remains(seen: &Seen, entry: &str, why: StaysWhy) -> StaysView {
    StaysView {
        client: seen.client.id.to_owned(),
        client_name: seen.client.name.to_owned(),
        scope: seen.source.scope.clone(),
        entry: entry.to_owned(),
        path: seen.source.path.display().to_string(),
        why,
    }
}

/// Entries that start the program in our own folder for a connection nobody knows any more.
pub(super) fn orphans(seen: &[Seen], connections: &[Connection], program: &str, history: &History) -> Result<Sorted> {
    let is_placed = |seen: &Seen, name: &str| {
        let here = |placement: &Placement| placement.is_at(seen.client.id, &seen.source.scope);
        connections.iter().flat_map(|one| &one.placements).any(|place| here(place) && place.entry == name)
    };
    let starts_us = |value: &Value| value.to_string().contains(Value::from(program).to_string().trim_matches('"'));
    let mut found = Sorted::default();
    for table in seen.iter().filter(|table| table.source.scope != Scope::Managed) {
        for (name, value) in table.all() {
            if read_entry(name, value).ours.is_some() && starts_us(value) && !is_placed(table, name) {
                if let Some(why) = hindrance(table, name, history)? {
                    found.stays.push(remains(table, name, why));
                    continue;
                }
                let (client, source, entry) = (table.client, table.source.clone(), name.clone());
                found.fates.push(Fate {
                    client,
                    source,
                    entry,
                    becomes: None,
                    plain_text: false,
                    needs_node: false,
                    sign_in: SignInFate::None,
                });
            }
        }
    }
    Ok(found)
}
