//! What an entry becomes: the bridge, or the same program through `patchbay run`; whatever else it says stays.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::read::ENVS;
use crate::client::words_of;

/// What says where to connect and with which secrets; the rest is the user's and the app's.
const WIRE: [&str; 38] = [
    "command",
    "args",
    "env",
    "envs",
    "env_vars",
    "env_keys",
    "envFile",
    "cwd",
    "cmd",
    "url",
    "httpUrl",
    "serverUrl",
    "uri",
    "type",
    "transport",
    "transportType",
    "headers",
    "http_headers",
    "env_http_headers",
    "requestOptions",
    "bearer_token",
    "bearer_token_env_var",
    "apiKey",
    "token",
    "headersHelper",
    "oauth",
    "auth",
    "oauthClient",
    "oauthScopes",
    "oauth_resource",
    "authProviderType",
    "remote",
    "settings",
    "scopes",
    "metadata",
    "oauth_client_id",
    "dev",
    "sandbox",
];

/// A new entry with what the old one said beside its way to the service: time limits, permissions, whether it is off.
pub(crate) fn with_carried(new: Value, old: &Value) -> Value {
    let Value::Object(mut table) = new else { return new };
    let carried = old.as_object().into_iter().flatten().filter(|(key, _)| !WIRE.contains(&key.as_str()));
    table.extend(carried.map(|(key, value)| (key.clone(), value.clone())));
    Value::Object(table)
}

/// The same entry, started through `patchbay run`, without the variables that hold its secrets.
pub(crate) fn with_run(old: &Value, program: &Path, id: &str, variables: &[String]) -> Value {
    let mut new = old.clone();
    let words = run_words(id, &words_of(old));
    let nested = new.pointer("/transport/command").is_some();
    let older = new.pointer("/command/path").is_some();
    let at = if nested {
        "/transport"
    } else if older {
        "/command"
    } else {
        ""
    };
    let command = if older { "path" } else { "command" };
    if let Some(table) = new.pointer_mut(at).and_then(Value::as_object_mut) {
        table.insert(command.to_owned(), json!(program.to_string_lossy()));
        table.insert("args".to_owned(), json!(words));
    }
    for place in ENVS {
        let Some((table, env)) = place.rsplit_once('/') else { continue };
        let Some(table) = new.pointer_mut(table).and_then(Value::as_object_mut) else { continue };
        if let Some(set) = table.get_mut(env).and_then(Value::as_object_mut) {
            set.retain(|name, _| !variables.contains(name));
            if set.is_empty() {
                table.remove(env);
            }
        }
    }
    new
}

fn run_words(id: &str, words: &[&str]) -> Vec<String> {
    ["run", id, "--"].iter().chain(words).map(|word| (*word).to_owned()).collect()
}

/// A program that an entry of ours starts: its words, and the variables that stand in the entry.
pub(crate) struct Parts {
    words: Vec<String>,
    env: Map<String, Value>,
}

/// What stands behind `patchbay run ID --` in an entry.
pub(crate) fn run_parts(value: &Value) -> Option<Parts> {
    let words = words_of(value);
    let ["run", _, "--", inner @ ..] = words.get(1..)? else { return None };
    let env = ENVS.iter().find_map(|table| value.pointer(table)?.as_object()).cloned().unwrap_or_default();
    Some(Parts { words: inner.iter().map(|word| (*word).to_owned()).collect(), env })
}

/// The entry for another app, from the bridge's entry in its dialect.
pub(crate) fn run_value(bridge: Value, id: &str, parts: &Parts) -> Option<Value> {
    let Value::Object(mut table) = bridge else { return None };
    let words: Vec<&str> = parts.words.iter().map(String::as_str).collect();
    *table.get_mut("args")? = json!(run_words(id, &words));
    if !parts.env.is_empty() {
        table.insert("env".to_owned(), Value::Object(parts.env.clone()));
    }
    Some(Value::Object(table))
}
