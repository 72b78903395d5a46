//! Undoing after others went on with the file: our entries come back as they were written, all else stays as others made
//! it. And taking entries out where several of us do so at once.

#[path = "undo/together.rs"]
mod together;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use patchbay_core::api::view::ActivityKind;
use patchbay_core::change::history::{Effect, History, Intent, Record};
use patchbay_core::change::{Change, apply, plan, plan_undo};
use patchbay_core::client::{self, Client};
use patchbay_core::document::Document;
use patchbay_test_support::Home;
use rstest::rstest;
use serde_json::{Value, json};

/// An app's file in a home of its own, and the history.
struct World {
    home: Home,
    client: &'static Client,
}

impl World {
    fn new(client: &str, text: &str) -> Self {
        let world = Self { home: Home::new(), client: client::find(client).expect("an app") };
        world.write(text);
        world
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("settings")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).expect("written");
    }

    fn read(&self) -> String {
        std::fs::read_to_string(self.path()).expect("text")
    }

    fn history(&self) -> History {
        History::new(&self.home.data())
    }

    fn apply(&self, changes: &[Change]) -> Record {
        let intent = Intent {
            undoes: None,
            at: Timestamp::now(),
            kind: ActivityKind::Imported,
            connection: "docs".into(),
            name: "Docs".into(),
            effect: Effect::default(),
        };
        let mut record = apply(changes, &intent, &self.history(), &self.home.data()).expect("applied").record;
        self.history().finish(&mut record).expect("finished");
        record
    }

    /// Brings an entry in: it starts our program from now on. Or takes it out.
    fn set(&self, entry: &str, value: Option<Value>) -> Record {
        self.apply(&[plan(self.client, &self.path(), &[(entry, value)]).expect("a plan")])
    }

    fn undo(&self, record: &Record) {
        self.apply(&plan_undo(record, &self.history()).expect("it can be undone"));
    }

    fn raw(&self, entry: &str) -> Option<String> {
        raw(self.client, &self.read(), entry)
    }
}

fn raw(client: &Client, text: &str, entry: &str) -> Option<String> {
    Document::parse(text.as_bytes(), client.format).expect("it parses").raw(client.table, entry)
}

/// What bringing in makes of an entry, in the app's words.
fn ours(client: &str, entry: &str) -> Value {
    let args = json!(["run", entry]);
    match client {
        "goose" => json!({ "enabled": true, "type": "stdio", "name": entry, "cmd": "/opt/patchbay", "args": args }),
        "continue" => json!({ "name": entry, "type": "stdio", "command": "/opt/patchbay", "args": args }),
        "vscode" => json!({ "type": "stdio", "command": "/opt/patchbay", "args": args }),
        _ => json!({ "command": "/opt/patchbay", "args": args }),
    }
}

const STRICT: &str = r#"{
  "theme": "dark",
  "mcpServers": {
    "docs": { "command": "npx",
        "args": [ "-y",
                  "docs-server" ],
      "env": {"DOCS_HOME": "/srv/docs"} },
    "other": {
      "command": "other"
    }
  }
}
"#;

const JSONC: &str = r#"{
  // what I like
  "theme": "dark",
  "servers": {
    // the handbook
    "docs": {
      "type": "stdio",
      "command": "npx", // not the global one
      "args": ["-y", /* pinned */ "docs-server@1.2"],
      "env": { "DOCS_HOME": "/srv/docs", },
    },
    "other": { "type": "stdio", "command": "other" },
  },
}
"#;

const SECTIONS: &str = r#"theme = "dark"

# the handbook
[mcp_servers.docs]
command = "npx"
args = [
  "-y",
  # pinned: 1.3 loses pages
  "docs-server@1.2",
]

[mcp_servers.docs.env]
DOCS_HOME = "/srv/docs" # a link

[mcp_servers.other]
command = "other"
"#;

const INLINE: &str = r#"theme = "dark"

[mcp_servers]
docs = {command="npx",args=[ "-y", 'docs-server' ], env = { DOCS_HOME = '/srv/docs' }} # the handbook
other = { command = "other" }
"#;

const DOTTED: &str = r#"theme = "dark"

[mcp_servers]
docs.command = 'npx' # not the global one
docs.args = [ "-y",
  'docs-server' ]
docs.env.DOCS_HOME = '/srv/docs'
other.command = "other"
"#;

const BRACES: &str = r#"theme = "dark"
mcp_servers = { docs = {command="npx",args=[ "-y", 'docs-server' ]}, other = { command = "other" } }
"#;

const KEYED: &str = r#"theme: dark
extensions:
  # the handbook
  docs:
    enabled: true
    type: stdio
    name: docs
    cmd: "npx"   # not the global one
    args: [ -y,
            'docs-server' ]
    envs: {DOCS_HOME: /srv/docs}
  other:
    enabled: true
    type: stdio
    name: other
    cmd: other
"#;

const NAMED: &str = r#"theme: dark
mcpServers:
  # the handbook
  - name: docs
    command: "npx"   # not the global one
    args: [ -y,
            'docs-server' ]
  - name: other
    command: other
"#;

/// What others do elsewhere in the file.
#[derive(Debug, Clone, Copy)]
enum Elsewhere {
    Above,
    Below,
    Neighbour,
}

impl Elsewhere {
    /// None where the form has no room for it.
    fn done_to(self, text: &str) -> Option<String> {
        let done = match self {
            Self::Above => text.replacen("dark", "light", 1),
            Self::Neighbour => text.replacen("\"other\"", "\"another\"", 2).replacen("cmd: other", "cmd: another", 1),
            Self::Below if text.starts_with('{') => {
                text.replacen("\n  }\n}", "\n  },\n  \"x\": 1\n}", 1).replacen("\n  },\n}", "\n  },\n  \"x\": 1,\n}", 1)
            }
            Self::Below if text.contains(": dark") => format!("{text}x: 1\n"),
            Self::Below => format!("{text}\n[tui]\nx = 1\n"),
        };
        (done != text).then_some(done)
    }
}

#[rstest]
#[case::strict("cursor", STRICT)]
#[case::comments("vscode", JSONC)]
#[case::sections("codex", SECTIONS)]
#[case::inline("codex", INLINE)]
#[case::dotted("codex", DOTTED)]
#[case::braces("codex", BRACES)]
#[case::keyed("goose", KEYED)]
#[case::named("continue", NAMED)]
fn an_entry_comes_back_as_it_was_written_and_others_edits_stay(
    #[case] client: &str,
    #[case] before: &str,
    #[values(Elsewhere::Above, Elsewhere::Below, Elsewhere::Neighbour)] others: Elsewhere,
    #[values("\n", "\r\n")] newline: &str,
) {
    let lines = |text: String| text.replace('\n', newline);
    let Some(wanted) = others.done_to(before) else { return };
    let world = World::new(client, &lines(before.to_owned()));
    let record = world.set("docs", Some(ours(client, "docs")));
    assert_ne!(world.raw("docs"), raw(world.client, &lines(before.to_owned()), "docs"), "it was changed");
    let now = world.read().replace("\r\n", "\n");
    world.write(&lines(others.done_to(&now).expect("there is room after it as well")));
    world.undo(&record);
    assert_eq!(world.read(), lines(wanted));
}

#[rstest]
#[case("cursor", STRICT)]
#[case("vscode", JSONC)]
#[case("codex", SECTIONS)]
#[case("goose", KEYED)]
fn an_entry_that_was_taken_out_comes_back_in_its_place(#[case] client: &str, #[case] before: &str) {
    let world = World::new(client, before);
    let record = world.set("docs", None);
    world.write(&Elsewhere::Below.done_to(&world.read()).expect("there is room"));
    world.undo(&record);
    assert_eq!(Some(world.read()), Elsewhere::Below.done_to(before));
}

#[rstest]
#[case("cursor", STRICT)]
#[case("vscode", JSONC)]
#[case("codex", SECTIONS)]
#[case("codex", INLINE)]
#[case("goose", KEYED)]
fn the_oldest_of_several_changes_can_be_undone_first(#[case] client: &str, #[case] before: &str) {
    let world = World::new(client, before);
    let records = ["docs", "other"].map(|entry| world.set(entry, Some(ours(client, entry))));
    let other = world.raw("other");
    world.undo(&records[0]);
    assert_eq!(world.raw("docs"), raw(world.client, before, "docs"));
    assert_eq!(world.raw("other"), other);
    world.undo(&records[1]);
    assert_eq!(world.read(), before);
}

#[rstest]
#[case::strict("cursor", STRICT, "{\"mcpServers\":{\"other\":{\"command\":\"other\"},\"docs\":OURS},\"x\":1}")]
#[case::comments("vscode", JSONC, "{\"servers\":{\"docs\":OURS}}")]
#[case::sections("codex", SECTIONS, "[mcp_servers.other]\ncommand='other'\n[mcp_servers.docs]\nTOML\n[x]\n")]
#[case::inline("codex", INLINE, "[mcp_servers]\ndocs = { TOML }\nx.command = 'x'\n")]
fn an_entry_keeps_its_text_also_where_the_whole_file_was_written_anew(
    #[case] client: &str,
    #[case] before: &str,
    #[case] anew: &str,
) {
    let world = World::new(client, before);
    let record = world.set("docs", Some(ours(client, "docs")));
    let toml = if anew.contains("{ TOML }") {
        "command = '/opt/patchbay', args = ['run', 'docs']"
    } else {
        "command = '/opt/patchbay'\nargs = ['run', 'docs']"
    };
    world.write(&anew.replace("OURS", &ours(client, "docs").to_string()).replace("TOML", toml));
    world.undo(&record);
    assert_eq!(world.raw("docs"), raw(world.client, before, "docs"));
}

#[test]
fn without_the_copy_of_the_file_the_values_come_back() {
    let world = World::new("codex", SECTIONS);
    let record = world.set("docs", Some(ours("codex", "docs")));
    std::fs::remove_file(copy(&world.home.data(), &record)).expect("it was there");
    world.undo(&record);
    let value = |text: &str| {
        let document = Document::parse(text.as_bytes(), world.client.format).expect("it parses");
        document.get(&["mcp_servers", "docs"])
    };
    assert_eq!(value(&world.read()), value(SECTIONS));
}

fn copy(data: &Path, record: &Record) -> PathBuf {
    data.join("history").join(&record.id).join("0.before")
}

#[test]
fn a_table_that_others_put_in_anew_does_not_stand_twice() {
    let world = World::new("cursor", "{\"mcpServers\": {\"docs\": {\"command\": \"npx\"}}, \"a\": 1}");
    let record = world.set("docs", None);
    world.write("{\"a\": 1, \"mcpServers\": {}}");
    world.undo(&record);
    assert_eq!(world.read().matches("mcpServers").count(), 1, "{}", world.read());
    assert_eq!(world.raw("docs").as_deref(), Some("{\"command\": \"npx\"}"));
}
