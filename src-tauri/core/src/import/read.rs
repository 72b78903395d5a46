//! One entry, read as what it does: the service it leads to and what it sends there, or the program and its secrets.
//!
//! The options of the go-betweens are from their own documentation: `mcp-remote` 0.15 (run), `mcp-proxy` and
//! `supergateway` (read).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zeroize::Zeroizing;

use super::argv::{Unwrapped, unwrap};
use crate::api::view::FoundNote as Note;
use crate::client::{read_entry, words_of};
use crate::secret::{find_plaintext, is_secret_header, looks_like_token};

/// What an entry does.
pub(super) enum Reading {
    Remote(Remote),
    Program(Program),
    Unclear,
}

/// It leads to a service.
#[derive(Default)]
pub(super) struct Remote {
    pub(super) url: String,
    pub(super) headers: Vec<Header>,
    /// The go-between that it starts.
    pub(super) through: Option<&'static str>,
    pub(super) notes: BTreeSet<Note>,
}

/// A header that it sends.
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: Zeroizing<String>,
    pub(super) secret: bool,
    /// Where its value stands in the entry.
    pub(super) at: String,
}

/// It starts a program.
pub(super) struct Program {
    pub(super) name: String,
    /// Variables that hold secrets, with their values and places.
    pub(super) secrets: Vec<(String, Zeroizing<String>, String)>,
    /// Whether a token stands elsewhere too, from where it cannot be taken.
    pub(super) stays: bool,
}

/// Where apps keep a program's variables, as JSON pointers.
pub(crate) const ENVS: [&str; 4] = ["/env", "/envs", "/transport/env", "/command/env"];
const HEADERS: [&str; 4] = ["/headers", "/http_headers", "/transport/headers", "/requestOptions/headers"];
const OAUTH: [&str; 6] = ["/oauth", "/auth", "/oauthClient", "/oauthScopes", "/oauth_resource", "/authProviderType"];

/// Reads an entry's value.
pub(super) fn read(name: &str, value: &Value) -> Reading {
    let entry = read_entry(name, value);
    match entry.kind {
        crate::api::view::EntryKind::Remote => Reading::Remote(native(value, &entry.target)),
        crate::api::view::EntryKind::Program => started(value),
        crate::api::view::EntryKind::Unclear => Reading::Unclear,
    }
}

/// The app speaks to the service itself.
fn native(value: &Value, url: &str) -> Remote {
    let mut remote = Remote { url: url.to_owned(), ..Remote::default() };
    for table in HEADERS {
        for (name, text) in value.pointer(table).and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{}.{name}", table[1..].replace('/', "."));
            remote.add(name, text.as_str().unwrap_or_default(), at);
        }
    }
    for field in ["bearer_token", "apiKey", "token"] {
        if let Some(token) = value.get(field).and_then(Value::as_str) {
            remote.add("Authorization", &format!("Bearer {token}"), field.to_owned());
        }
    }
    let elsewhere = value.get("bearer_token_env_var").is_some() || value.get("env_http_headers").is_some();
    remote.notes.extend(elsewhere.then_some(Note::TokenElsewhere));
    remote.notes.extend(value.get("headersHelper").map(|_| Note::HeadersHelper));
    let signs_in = OAUTH.iter().any(|place| value.pointer(place).is_some_and(|set| !set.is_null() && set != false));
    remote.notes.extend(signs_in.then_some(Note::OwnSignIn));
    let kind = ["/type", "/transport", "/transport/type", "/transportType"];
    let old = kind.iter().any(|place| value.pointer(place).is_some_and(|kind| kind == "sse"));
    remote.notes.extend(old.then_some(Note::OldTransport));
    remote
}

impl Remote {
    /// Takes a header up, unless its value is not here.
    fn add(&mut self, name: &str, value: &str, at: String) {
        let (name, value) = (name.trim(), value.trim());
        let secret = is_secret_header(name) || looks_like_token(value);
        if is_reference(value) {
            self.notes.insert(Note::TokenElsewhere);
        } else if !value.is_empty() {
            let value = Zeroizing::new(value.to_owned());
            self.headers.push(Header { name: name.to_owned(), value, secret, at });
        }
    }

    /// Takes a line `Name: value` up, as go-betweens are given them.
    fn add_line(&mut self, line: &str, env: &BTreeMap<&str, &str>, at: String) {
        let Some((name, value)) = line.split_once(':') else { return };
        let (value, from) = expanded(value.trim(), env);
        self.add(name, &value, from.map_or(at, |variable| format!("env.{variable}")));
    }
}

/// Whether a value stands for another: `${X}`, `${env:X}`, `${input:x}`, `{env:X}`, `$X`, `%X%`.
fn is_reference(value: &str) -> bool {
    let word = value.rsplit(' ').next().unwrap_or(value);
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    value.contains("${")
        || word.starts_with("{env:")
        || word.strip_prefix('$').is_some_and(is_name)
        || word.strip_prefix('%').and_then(|word| word.strip_suffix('%')).is_some_and(is_name)
        || word.starts_with('<') && word.ends_with('>')
}

/// A value with the entry's own variables put in the place of `${X}`, and the variable that was put in.
fn expanded(value: &str, env: &BTreeMap<&str, &str>) -> (Zeroizing<String>, Option<String>) {
    let (mut text, mut from) = (Zeroizing::new(value.to_owned()), None);
    for (name, set) in env {
        let reference = format!("${{{name}}}");
        if text.contains(&reference) {
            text = Zeroizing::new(text.replace(&reference, set));
            from = Some((*name).to_owned());
        }
    }
    (text, from)
}

/// The app starts something: a go-between to a service, or a program of its own worth.
fn started(value: &Value) -> Reading {
    let words = words_of(value);
    let Some(inner) = unwrap(&words) else { return Reading::Program(program(value, words.first().copied())) };
    let mut env = env_of(value);
    env.extend(inner.env.iter().copied());
    let remote = match inner.name.as_str() {
        "mcp-remote" => mcp_remote(&inner, &env),
        "mcp-proxy" => mcp_proxy(&inner, &env),
        "supergateway" => supergateway(&inner, &env),
        _ => None,
    };
    match remote {
        Some(remote) => Reading::Remote(remote),
        None => Reading::Program(program(value, Some(&inner.name))),
    }
}

fn env_of(value: &Value) -> BTreeMap<&str, &str> {
    let tables = ENVS.iter().filter_map(|table| value.pointer(table)?.as_object());
    tables.flatten().filter_map(|(name, text)| Some((name.as_str(), text.as_str()?))).collect()
}

fn program(value: &Value, name: Option<&str>) -> Program {
    let (mut secrets, mut stays) = (Vec::new(), false);
    for finding in find_plaintext(value) {
        let table = ENVS.iter().find_map(|table| finding.pointer.strip_prefix(table)?.strip_prefix('/'));
        match (table, finding.literal(value)) {
            (Some(variable), Some(text)) => {
                let variable = variable.replace("~1", "/").replace("~0", "~");
                secrets.push((variable, Zeroizing::new(text.to_owned()), finding.path));
            }
            _ => stays = true,
        }
    }
    secrets.sort_by(|a, b| a.0.cmp(&b.0));
    Program { name: name.unwrap_or_default().to_owned(), secrets, stays }
}

/// Options with their values: `--name value` or `--name=value`; and the words that belong to none.
struct Options<'a> {
    given: Vec<(&'a str, Vec<&'a str>)>,
    words: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads arguments; `values` says how many words follow an option.
    fn read(args: &[&'a str], values: impl Fn(&str) -> usize) -> Self {
        let mut options = Self { given: Vec::new(), words: Vec::new() };
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            match word.split_once('=') {
                _ if !word.starts_with('-') => options.words.push(word),
                Some((name, value)) => options.given.push((name, vec![value])),
                None => options.given.push((word, rest.by_ref().take(values(word)).copied().collect())),
            }
        }
        options
    }

    fn all<'b>(&'b self, names: &'b [&str]) -> impl Iterator<Item = &'b [&'a str]> {
        self.given.iter().filter(|(name, _)| names.contains(name)).map(|(_, values)| values.as_slice())
    }

    fn has(&self, names: &[&str]) -> bool {
        self.all(names).next().is_some()
    }

    fn address(&self) -> Option<&'a str> {
        self.words.iter().copied().find(|word| word.starts_with("http://") || word.starts_with("https://"))
    }
}

fn mcp_remote(inner: &Unwrapped<'_>, env: &BTreeMap<&str, &str>) -> Option<Remote> {
    const BARE: [&str; 5] = ["--allow-http", "--debug", "--silent", "--enable-proxy", "--no-dcr"];
    let options = Options::read(&inner.args, |option| usize::from(!BARE.contains(&option)));
    let (url, _) = expanded(options.address()?, env);
    let mut remote = Remote { url: url.to_string(), through: Some("mcp-remote"), ..Remote::default() };
    for line in options.all(&["--header", "-H"]).flatten() {
        remote.add_line(line, env, "args".to_owned());
    }
    let files = ["--header-file"];
    let oauth = ["--static-oauth-client-info", "--static-oauth-client-metadata", "--authorize-param", "--resource"];
    remote.notes.extend(options.has(&files).then_some(Note::TokenElsewhere));
    remote.notes.extend(options.has(&oauth).then_some(Note::OwnSignIn));
    let old = options.all(&["--transport"]).flatten().any(|transport| transport.starts_with("sse"));
    remote.notes.extend(old.then_some(Note::OldTransport));
    // Without a header it signs in with the browser where the service asks for that.
    remote.notes.extend((remote.headers.is_empty() && !options.has(&["--header"])).then_some(Note::OwnSignIn));
    Some(remote)
}

fn mcp_proxy(inner: &Unwrapped<'_>, env: &BTreeMap<&str, &str>) -> Option<Remote> {
    let options = Options::read(&inner.args, |option| match option {
        "-H" | "--headers" => 2,
        "--debug" | "--no-verify-ssl" | "--pass-environment" | "--stateless" => 0,
        _ => 1,
    });
    let mut remote = Remote { url: options.address()?.to_owned(), through: Some("mcp-proxy"), ..Remote::default() };
    for pair in options.all(&["-H", "--headers"]) {
        if let [name, value] = pair {
            remote.add_line(&format!("{name}:{value}"), env, "args".to_owned());
        }
    }
    if let Some(token) = env.get("API_ACCESS_TOKEN") {
        remote.add("Authorization", &format!("Bearer {token}"), "env.API_ACCESS_TOKEN".to_owned());
    }
    remote.notes.extend(options.has(&["--client-id", "--client-secret", "--token-url"]).then_some(Note::OwnSignIn));
    let new = options.all(&["--transport"]).flatten().any(|transport| *transport == "streamablehttp");
    remote.notes.extend((!new).then_some(Note::OldTransport));
    Some(remote)
}

fn supergateway(inner: &Unwrapped<'_>, env: &BTreeMap<&str, &str>) -> Option<Remote> {
    let options = Options::read(&inner.args, |option| usize::from(!["--stateful", "--cors"].contains(&option)));
    let (new, old) = (options.all(&["--streamableHttp"]).flatten().next(), options.all(&["--sse"]).flatten().next());
    let mut remote = Remote { url: (*new.or(old)?).to_owned(), through: Some("supergateway"), ..Remote::default() };
    for line in options.all(&["--header"]).flatten() {
        remote.add_line(line, env, "args".to_owned());
    }
    for token in options.all(&["--oauth2Bearer"]).flatten() {
        remote.add_line(&format!("Authorization: Bearer {token}"), env, "args".to_owned());
    }
    remote.notes.extend(new.is_none().then_some(Note::OldTransport));
    Some(remote)
}
