//! Each program reports our entry, and everybody else's as before.

use patchbay_test_support::canary;
use serde_json::Value;

use crate::machine::Machine;
use crate::programs::{Codex, PROGRAMS, Servers};

/// A name as long as an entry's name may be.
const NAME: &str = "A name with so many words in it that it is fully booked";
const ENTRY: &str = "a-name-with-so-many-words-in-it-that-it-is-fully";

/// Files with all that each app still takes, in the order of the programs.
const FILES: [&str; 4] = [
    // A byte order mark, CRLF, tabs, a key twice, entries that are skipped, a name that its command line would refuse.
    "\u{feff}{\r\n\t\"numStartups\": 3,\r\n\t\"own\": {\"a\": [1, {\"b\": null}]},\r\n\t\"theme\": \"dark\", \"theme\": \"light\",\r\n\t\"mcpServers\": {\r\n\t\t\"weather\": {\"command\": \"true\", \"odd\": 1, \"disabled\": true},\r\n\t\t\"no type\": {\"url\": \"http://127.0.0.1:9/mcp\"},\r\n\t\t\"my server.v1 ☂\": {\"type\": \"stdio\", \"command\": \"true\", \"env\": {\"A\": \"${HOME}\"}}\r\n\t}\r\n}",
    // Comments everywhere, an inline table, a quoted name, dotted keys, keys that Codex does not know.
    "\u{feff}# mine\r\nmodel = \"x\" # the usual one\r\nodd = [ 1,\r\n  2, # two\r\n]\r\n\r\n[mcp_servers]\r\ninline = { command = \"true\", odd = 1 } # in one line\r\ndotted.command = \"true\"\r\ndotted.args = [\"a\"]\r\n\r\n[mcp_servers.weather] # outside\r\ncommand = \"true\"\r\nodd = 'x'\r\n\r\n[mcp_servers.\"a b\"]\r\ncommand = \"true\"\r\n\r\n[mcp_servers.\"a b\".env]\r\nA = \"\"\"\r\nlines\"\"\"\r\n# the end\r\n",
    // Comments of both kinds, CRLF, tabs, no final newline, a key that Gemini CLI complains about.
    "// mine\r\n{\r\n\t\"ui\": {\"theme\": \"Default\"}, /* in\r\nbetween */\r\n\t\"mcpServers\": {\r\n\t\t\"weather\": {\"command\": \"true\", \"odd\": 1}, // outside\r\n\t\t\"a b\": {\"httpUrl\": \"http://127.0.0.1:9/mcp\"}\r\n\t\t// no more\r\n\t}\r\n}",
    // A byte order mark, CRLF, comments, trailing commas, an entry that is skipped.
    "\u{feff}{\r\n  // mine\r\n  \"odd\": [1, 2,],\r\n  \"mcpServers\": {\r\n    \"weather\": {\"type\": \"local\", \"command\": \"true\", \"args\": [], \"tools\": [\"*\"], \"odd\": 1,},\r\n    \"a_b ☂\": {\"type\": \"http\", \"url\": \"http://127.0.0.1:9/mcp\", \"tools\": [],}, /* last */\r\n  },\r\n}\r\n",
];

/// A computer with a connection to the practice service in all four apps, and its token.
fn connected(mut machine: Machine) -> (Machine, String) {
    let (url, practice) = machine.practice();
    let (_, token) = practice.make("apps", 3600).expect("a token");
    let apps = PROGRAMS.map(|program| program.client).join(",");
    let (name, url) = (format!("--name={NAME}"), format!("--set=url={url}"));
    machine.patchbay(&["add", "--provider=practice", &name, &url, "--app", &apps, "--token-stdin", "--create"], &token);
    (machine, token)
}

fn seen(machine: &Machine) -> [Servers; 4] {
    PROGRAMS.map(|program| (program.servers)(machine))
}

/// Whether a text is another one with one stretch put in.
fn is_inserted(before: &[u8], after: &[u8]) -> bool {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    after.len() > before.len() && head + tail >= before.len()
}

#[test]
fn every_app_without_a_file_works_with_the_one_that_patchbay_makes() {
    let (machine, _) = connected(Machine::with_keychain());
    for (program, servers) in PROGRAMS.iter().zip(seen(&machine)) {
        assert_eq!(servers, Servers::from([(ENTRY.to_owned(), true)]), "{}", program.client);
    }
    machine.patchbay(&["remove", ENTRY], "");
    for (program, servers) in PROGRAMS.iter().zip(seen(&machine)) {
        assert_eq!(servers, Servers::new(), "{}", program.client);
    }
}

#[test]
fn every_app_works_with_our_entry_in_the_oddest_file_that_it_takes_and_sees_its_own_as_before() {
    let machine = Machine::with_keychain();
    for (program, text) in PROGRAMS.iter().zip(FILES) {
        std::fs::write(machine.home().join(program.file), text).expect("written");
    }
    let before = seen(&machine);
    // Claude Code notes its start in its own file, so what it is like is only known now.
    let files = PROGRAMS.map(|program| machine.read(program.file));
    assert!(before.iter().all(|servers| servers.contains_key("weather")), "{before:?}");
    let (machine, token) = connected(machine);
    let with = PROGRAMS.map(|program| machine.read(program.file));
    for ((program, before), after) in PROGRAMS.iter().zip(&files).zip(&with) {
        assert!(is_inserted(before, after), "{}: {}", program.client, String::from_utf8_lossy(after));
    }
    for ((program, mut expected), servers) in PROGRAMS.iter().zip(before.clone()).zip(seen(&machine)) {
        expected.insert(ENTRY.to_owned(), true);
        assert_eq!(servers, expected, "{}", program.client);
    }
    nothing_but_the_keychain_has(&machine, &token);
    assert_eq!(PROGRAMS.map(|program| machine.read(program.file)), with, "looking changes nothing");
    machine.patchbay(&["remove", ENTRY], "");
    for (program, file) in PROGRAMS.iter().zip(&files) {
        assert!(machine.read(program.file) == *file, "{}: every byte is as it was", program.client);
    }
    assert_eq!(seen(&machine), before);
}

/// Looks while a bridge runs, because arguments and environments are gone with their processes.
fn nothing_but_the_keychain_has(machine: &Machine, token: &str) {
    let mut codex = Codex::start(machine);
    assert!(codex.servers()[ENTRY], "the bridge runs");
    canary::search(machine.home(), &[token], &[&machine.said()]).expect("no token where none may be");
}

#[test]
fn what_gemini_cli_refuses_for_its_byte_order_mark_is_refused_and_left_alone() {
    let machine = Machine::new();
    let (file, text) = (".gemini/settings.json", "\u{feff}{\"mcpServers\": {\"weather\": {\"command\": \"true\"}}}");
    std::fs::write(machine.home().join(file), text).expect("written");
    assert!(!machine.app("gemini", &["mcp", "list"]).status.success(), "the real one refuses it");
    let add = ["add", "--provider=custom", "--name=n", "--set=url=http://127.0.0.1:9/mcp", "--app=gemini-cli"];
    let refused = machine.try_patchbay(&add, "");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && told.contains("byte order mark"), "{told}");
    assert_eq!(machine.read(file), text.as_bytes());
}

#[test]
fn claude_code_gets_the_headers_from_a_program_in_a_folder_with_quotes_in_its_name() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice();
    let (_, token) = practice.make("headers", 3600).expect("a token");
    let set = format!("--set=url={url}");
    let add = ["add", "--provider=practice", "--name=By headers", &set, "--app=claude-code", "--token-stdin"];
    machine.patchbay(&[&add[..], &["--wiring=headers-helper"]].concat(), &token);
    let file: Value = serde_json::from_slice(&machine.read(".claude.json")).expect("JSON");
    let helper = file["mcpServers"]["by-headers"]["headersHelper"].as_str().expect("a helper").to_owned();
    assert!(helper.contains("Anna'") && !helper.contains(&machine.program()), "it is quoted: {helper}");
    let servers = PROGRAMS[0].servers;
    assert_eq!(servers(&machine), Servers::from([("by-headers".to_owned(), true)]));
    canary::search(machine.home(), &[&token], &[&machine.said()]).expect("no token where none may be");
    machine.patchbay(&["remove", "by-headers"], "");
    assert_eq!(servers(&machine), Servers::new());
}

#[test]
fn claude_code_and_codex_see_an_entry_for_one_folder_there() {
    let mut machine = Machine::with_keychain();
    let (url, practice) = machine.practice();
    let (_, token) = practice.make("folders", 3600).expect("a token");
    let (set, work) = (format!("--set=url={url}"), machine.home().join("work"));
    let folder = format!("--folder={}", work.display());
    let add = |name: &str, more: &[&str]| {
        let add = ["add", "--provider=practice", name, &set, "--token-stdin", "--use-anyway", &folder];
        machine.patchbay(&[&add[..], more].concat(), &token);
    };
    add("--name=Mine", &["--app=claude-code"]);
    add("--name=Everybody's", &["--app=claude-code", "--shared"]);
    add("--name=Team", &["--app=codex", "--shared"]);
    let own = format!("[projects.{:?}]\ntrust_level = \"trusted\"\n", work.display().to_string());
    std::fs::write(machine.home().join(".codex/config.toml"), own).expect("written");
    let said = String::from_utf8(machine.app("claude", &["mcp", "list"]).stdout).expect("text");
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said}"));
    assert!(line("mine: ").ends_with("✔ Connected"), "{said}");
    // What comes with a folder is started when its user has agreed to it.
    assert!(line("everybody-s: ").contains("Pending approval"), "{said}");
    let listed = machine.app("codex", &["mcp", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let command = &listed[0]["transport"];
    assert_eq!((&listed[0]["name"], &command["command"]), (&"team".into(), &machine.program().into()), "{listed}");
    assert_eq!(command["args"], serde_json::json!(["bridge", "team"]));
}
