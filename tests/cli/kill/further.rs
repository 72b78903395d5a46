//! Commands beside those that place and take out. The ordinary run kills them at the calls by which names come or go.

use std::collections::BTreeSet;
use std::path::PathBuf;

use patchbay_core::client::CLIENTS;
use patchbay_test_support::contains;

use super::{CALLS, Deed, NAMES, Rounds, below, every_point, kills, nothing_else, thorough};

const TOKEN: &str = "canary-kill-0123456789abcdef";

fn faults() -> Vec<(&'static str, &'static str)> {
    kills(&CALLS[..if thorough() { CALLS.len() } else { NAMES }])
}

/// One app in the ordinary run, all of these in the thorough one.
fn apps<'a>(all: &[&'a str]) -> Vec<&'a str> {
    all.iter().copied().take(if thorough() { all.len() } else { 1 }).collect()
}

impl Rounds {
    /// The same with a vault, where each app has an entry of its user's with a token in it.
    fn with_tokens(mut self) -> Self {
        for (client, _, bytes) in &mut self.files {
            let entry = serde_json::json!({ "n": { "type": "http", "url": "https://mcp.example.com/mcp",
                "headers": { "Authorization": format!("Bearer {TOKEN}") } } });
            *bytes = match client.id {
                "codex" => format!(
                    "[mcp_servers.n]\nurl = \"https://mcp.example.com/mcp\"\nhttp_headers = {{ Authorization = \"Bearer {TOKEN}\" }}\n"
                ),
                _ => serde_json::json!({ "mcpServers": entry }).to_string(),
            }
            .into_bytes();
        }
        let made = self.patchbay(&["vault", "create"], Some("a long passphrase"));
        assert!(made.status.success(), "{made:?}");
        let files = std::fs::read_dir(self.home.data()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let files = files.filter(|path| path.is_file());
        self.base = files.map(|path| (path.clone(), std::fs::read(path).expect("readable"))).collect();
        self
    }

    /// The files before a command and after it.
    fn around(&self, prepare: &dyn Fn(), args: &[&str]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        prepare();
        let before = self.read();
        self.run(args);
        (before, self.read())
    }
}

#[test]
fn killed_while_it_brings_in_the_token_stands_in_the_file_or_in_the_vault() {
    let rounds = Rounds::only(&apps(&["claude-code", "codex"])).with_tokens();
    let (args, prepare) = (["import", "--all"], || rounds.again());
    let (without, with) = rounds.around(&prepare, &args);
    assert!(with.iter().all(|file| !String::from_utf8_lossy(file).contains(TOKEN)));
    let then = |reached: Option<bool>| {
        if reached == Some(true) {
            let headers = rounds.patchbay(&["headers", "n"], None);
            assert!(String::from_utf8_lossy(&headers.stdout).contains(TOKEN), "{}", headers.status);
        }
    };
    let used = [(0, 0), (rounds.files.len(), 0)];
    let deed = Deed { args: &args, prepare: &prepare, files: (&without, &with), used, undone: true, then: &then };
    every_point(&rounds, &faults(), &deed);
}

#[test]
fn killed_while_it_copies_the_other_app_has_it_or_has_it_not() {
    let rounds = Rounds::only(&["claude-code", "codex"]);
    let add = ["add", "--provider", "custom", "--name", "n", "--set", "url=http://127.0.0.1:9/mcp"];
    let prepare = || {
        rounds.again();
        rounds.run(&[&add[..], &["--app", "claude-code"]].concat());
    };
    let args = ["copy", "n", "--to", "codex"];
    let (without, with) = rounds.around(&prepare, &args);
    let used = [(1, 0), (2, 0)];
    let files = (&without[..], &with[..]);
    let deed = Deed { args: &args, prepare: &prepare, files, used, undone: true, then: &nothing_else };
    every_point(&rounds, &faults(), &deed);
}

#[test]
fn killed_while_it_purges_the_history_is_whole_and_another_purge_takes_out_the_rest() {
    let mut rounds = Rounds::only(&["claude-code"]);
    let theirs = serde_json::json!({ "mcpServers": { "theirs": { "command": "x", "env": { "API_TOKEN": TOKEN } } } });
    rounds.files[0].2 = theirs.to_string().into_bytes();
    let prepare = || {
        rounds.again();
        rounds.run(&rounds.add());
    };
    let args = ["history", "purge", "--all"];
    // The program itself lies in the same folder, and takes long to be searched.
    let held = || {
        let mut kept = BTreeSet::new();
        below(&rounds.home.data().join("history"), &mut kept);
        let holds =
            |path: &PathBuf| path.is_file() && contains(&std::fs::read(path).expect("readable"), TOKEN.as_bytes());
        kept.into_iter().filter(holds).count()
    };
    prepare();
    assert!(held() > 0, "there is something to be purged");
    let (_, files) = rounds.around(&prepare, &args);
    let then = |_: Option<bool>| {
        rounds.run(&args);
        assert_eq!(held(), 0);
    };
    let used = [(1, 0), (1, 0)];
    let deed = Deed { args: &args, prepare: &prepare, files: (&files, &files), used, undone: false, then: &then };
    // Few names come or go, so it is killed at all calls.
    every_point(&rounds, &kills(&CALLS), &deed);
}

#[test]
fn killed_while_it_lets_the_apps_go_on_they_do_so_with_it_or_without() {
    let rounds = if thorough() { Rounds::of(CLIENTS) } else { Rounds::only(&["claude-code", "codex"]) };
    let prepare = || {
        rounds.again();
        rounds.run(&rounds.add());
    };
    let args = ["uninstall", "--keep-working"];
    let (with, released) = rounds.around(&prepare, &args);
    let used = [(rounds.files.len(), 0), (0, 0)];
    let files = (&with[..], &released[..]);
    let deed = Deed { args: &args, prepare: &prepare, files, used, undone: false, then: &nothing_else };
    every_point(&rounds, &faults(), &deed);
}
