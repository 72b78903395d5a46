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
        json!({ "command": self.program.to_string_lossy(), "args": ["bridge", self.connection] })
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

/// Reads one entry.
pub fn read_entry(name: &str, value: &Value) -> Entry {
    let empty = Map::new();
    let table = value.as_object().unwrap_or(&empty);
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let url = ["url", "httpUrl", "serverUrl"].iter().find_map(|key| text(key));
    let (kind, target) = match (text("command"), url) {
        (Some(command), _) => (EntryKind::Program, command_line(command, table.get("args"))),
        (None, Some(url)) => (EntryKind::Remote, url.to_owned()),
        (None, None) => (EntryKind::Unclear, String::new()),
    };
    let disabled = table.get("disabled").and_then(Value::as_bool) == Some(true)
        || table.get("enabled").and_then(Value::as_bool) == Some(false);
    Entry { name: name.to_owned(), kind, target, disabled, ours: our_connection(table), value: value.clone() }
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
    if let Some(command) = table.get("command").and_then(Value::as_str) {
        let args: Vec<_> = table.get("args")?.as_array()?.iter().filter_map(Value::as_str).collect();
        return match args[..] {
            ["bridge", id] if is_ours(command) && !id.starts_with('-') => Some(id.to_owned()),
            _ => None,
        };
    }
    let helper = table.get("headersHelper").and_then(Value::as_str)?;
    let (program, id) = helper.rsplit_once(" headers ")?;
    is_ours(program.trim_matches(['\'', '"'])).then(|| id.trim().to_owned())
}
