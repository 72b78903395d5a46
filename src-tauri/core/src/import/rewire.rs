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
    let words = [vec![program.to_string_lossy().into_owned()], run_words(id, &words_of(old))].concat();
    set_words(&mut new, &words);
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

/// The entry that was there before [`with_run`]: the program itself, with the variables that hold its secrets. None where
/// it does not start a program through `patchbay run`.
pub(crate) fn without_run(value: &Value, secrets: &[(&str, &str)]) -> Option<Value> {
    let mut new = value.clone();
    set_words(&mut new, &run_parts(value)?.words);
    if secrets.is_empty() {
        return Some(new);
    }
    let place = env_place(&new);
    let (table, name) = place.rsplit_once('/')?;
    let env = new.pointer_mut(table)?.as_object_mut()?.entry(name).or_insert_with(|| json!({}));
    let held = secrets.iter().map(|(variable, secret)| ((*variable).to_owned(), json!(secret)));
    env.as_object_mut()?.extend(held);
    Some(new)
}

/// Where an entry keeps its variables; where it has none yet, where its app looks for them.
fn env_place(value: &Value) -> &'static str {
    let is_there = |place: &&&str| value.pointer(place).is_some_and(Value::is_object);
    let own = match words_place(value) {
        ("/transport", _) => "/transport/env",
        ("/command", _) => "/command/env",
        (_, "cmd") => "/envs",
        _ => "/env",
    };
    ENVS.iter().find(is_there).copied().unwrap_or(own)
}

/// The table in which an entry says what to start, and its key for the program.
fn words_place(value: &Value) -> (&'static str, &'static str) {
    if value.pointer("/transport/command").is_some() {
        ("/transport", "command")
    } else if value.pointer("/command/path").is_some() {
        ("/command", "path")
    } else if value.get("cmd").is_some() && value.get("command").is_none() {
        ("", "cmd")
    } else {
        ("", "command")
    }
}

/// Makes an entry start this.
fn set_words(entry: &mut Value, words: &[String]) {
    let (place, command) = words_place(entry);
    let (Some(table), Some((program, args))) =
        (entry.pointer_mut(place).and_then(Value::as_object_mut), words.split_first())
    else {
        return;
    };
    table.insert(command.to_owned(), json!(program));
    table.insert("args".to_owned(), json!(args));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_comes_back_as_it_was_in_every_shape() {
        let env = json!({ "T": "canary-0123456789", "LANG": "C" });
        let only = json!({ "T": "canary-0123456789" });
        let shapes = [
            json!({ "command": "npx", "args": ["-y", "x"], "env": env, "disabled": true }),
            json!({ "command": "npx", "args": ["x"], "env": only }),
            json!({ "transport": { "type": "stdio", "command": "npx", "args": ["x"], "env": only } }),
            json!({ "command": { "path": "npx", "args": ["x"], "env": only } }),
            json!({ "type": "stdio", "cmd": "npx", "args": ["x"], "envs": only, "enabled": true }),
        ];
        for old in shapes {
            let through = with_run(&old, Path::new("/opt/patchbay"), "it", &["T".to_owned()]);
            assert_eq!(words_of(&through)[..4], ["/opt/patchbay", "run", "it", "--"], "{through}");
            assert!(!through.to_string().contains("canary"), "{through}");
            assert_eq!(without_run(&through, &[("T", "canary-0123456789")]), Some(old));
        }
        assert_eq!(without_run(&json!({ "command": "patchbay", "args": ["bridge", "it"] }), &[]), None);
    }
}
