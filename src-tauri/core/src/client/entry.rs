//! Entries: how ours are described, and how anybody's are read.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::api::view::EntryKind;
use crate::connection::Wiring;
use crate::host::Platform;

/// What an entry of ours has to say, before it takes an app's dialect.
#[derive(Debug, Clone, Copy)]
pub struct EntrySpec<'a> {
    /// The connection's id.
    pub connection: &'a str,
    /// The installed program `patchbay`.
    pub program: &'a Path,
    /// The endpoint's address.
    pub url: &'a str,
    /// How the token gets there.
    pub wiring: Wiring,
    /// The system, for the quoting of commands.
    pub platform: Platform,
}

impl EntrySpec<'_> {
    /// `{"command": PROGRAM, "args": ["bridge", ID]}` and nothing else.
    pub fn bridge(&self) -> Value {
        self.bridge_with(&[], &[])
    }

    /// As [`bridge`](Self::bridge), with what else an app's dialect demands, before and behind it.
    pub fn bridge_with(&self, before: &[(&str, Value)], after: &[(&str, Value)]) -> Value {
        let own = [("command", json!(self.program.to_string_lossy())), ("args", json!(["bridge", self.connection]))];
        let fields = before.iter().chain(&own).chain(after);
        Value::Object(fields.map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    /// The shell command that prints the headers, with the program's path quoted where it has to be.
    pub fn headers_command(&self) -> String {
        format!("{} headers {}", quote(&self.program.to_string_lossy(), self.platform), self.connection)
    }
}

fn quote(path: &str, platform: Platform) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:\\".contains(c);
    match platform {
        Platform::Windows if path.chars().all(plain) => path.to_owned(),
        Platform::Windows => format!("\"{path}\""),
        _ if path.chars().all(|c| plain(c) && c != '\\') => path.to_owned(),
        _ => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// An entry as it stands in an app's file, read without knowing who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The address, or the command with its arguments; may hold secrets, mask it before showing.
    pub target: String,
    /// Whether the file says it is switched off.
    pub disabled: bool,
    /// The connection that it starts our program for, if it does.
    pub ours: Option<String>,
    /// Its value.
    pub value: Value,
}

/// Reads one entry, in any app's dialect.
pub fn read_entry(name: &str, value: &Value) -> Entry {
    let empty = Map::new();
    let table = value.as_object().unwrap_or(&empty);
    let (kind, target) = match (program(table), address(table)) {
        (Some((command, args)), _) => (EntryKind::Program, command_line(command, args)),
        (None, Some(url)) => (EntryKind::Remote, url.to_owned()),
        (None, None) => (EntryKind::Unclear, String::new()),
    };
    let disabled = table.get("disabled").and_then(Value::as_bool) == Some(true)
        || table.get("enabled").and_then(Value::as_bool) == Some(false);
    Entry { name: name.to_owned(), kind, target, disabled, ours: our_connection(table), value: value.clone() }
}

/// The command and its arguments, as an entry has them; nothing where it starts no program.
pub(crate) fn words_of(value: &Value) -> Vec<&str> {
    let Some((command, args)) = value.as_object().and_then(program) else { return Vec::new() };
    let args = args.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    std::iter::once(command).chain(args).collect()
}

/// The part that says what to start or where to connect: the entry itself, or its `transport`, as newer versions of Cline
/// write it. Elsewhere `transport` may be a word.
fn body(table: &Map<String, Value>) -> &Map<String, Value> {
    table.get("transport").and_then(Value::as_object).unwrap_or(table)
}

/// The command, which Goose calls `cmd` and older versions of Zed wrote as a table of its own, and its arguments.
fn program(table: &Map<String, Value>) -> Option<(&str, Option<&Value>)> {
    let (command, args) = match body(table).get("command").or_else(|| body(table).get("cmd"))? {
        Value::Object(older) => (older.get("path")?, older.get("args")),
        command => (command, body(table).get("args")),
    };
    // Amazon Q writes an empty one beside an address.
    Some((command.as_str().filter(|command| !command.is_empty())?, args))
}

/// The address: each app has its name for it.
fn address(table: &Map<String, Value>) -> Option<&str> {
    let text = |key: &&str| body(table).get(*key).and_then(Value::as_str).filter(|url| !url.is_empty());
    ["url", "httpUrl", "serverUrl", "uri"].iter().find_map(text)
}

fn command_line(command: &str, args: Option<&Value>) -> String {
    let args = args.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    std::iter::once(command).chain(args).collect::<Vec<_>>().join(" ")
}

/// The connection's id where the entry starts the program `patchbay`.
fn our_connection(table: &Map<String, Value>) -> Option<String> {
    let is_ours = |command: &str| {
        let file = command.rsplit(['/', '\\']).next().unwrap_or(command);
        file == "patchbay" || file.eq_ignore_ascii_case("patchbay.exe")
    };
    if let Some((command, args)) = program(table) {
        let args: Vec<_> = args?.as_array()?.iter().filter_map(Value::as_str).collect();
        return match args[..] {
            ["bridge", id] | ["run", id, "--", ..] if is_ours(command) && !id.starts_with('-') => Some(id.to_owned()),
            _ => None,
        };
    }
    let helper = table.get("headersHelper").and_then(Value::as_str)?;
    let (program, id) = helper.rsplit_once(" headers ")?;
    is_ours(program.trim_matches(['\'', '"'])).then(|| id.trim().to_owned())
}
