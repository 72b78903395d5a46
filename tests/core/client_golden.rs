//! Each app's file by example: `tests/fixtures/<app>/before` and `after` differ by our entry and by nothing else.

use std::path::Path;

use patchbay_core::Platform;
use patchbay_core::api::view::EntryKind::{self, Program, Remote, Unclear};
use patchbay_core::client::{self, Client, EntrySpec, read_entry};
use patchbay_core::connection::Wiring;
use patchbay_core::document::{Document, Format, splice};
use patchbay_core::secret::find_plaintext;
use rstest::rstest;
use serde_json::{Value, json};

fn fixture(client: &Client, name: &str) -> Vec<u8> {
    let ending = match client.format {
        Format::Json(_) => "json",
        Format::Toml => "toml",
        Format::Yaml(_) => "yaml",
    };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let path = fixtures.join(client.id).join(format!("{name}.{ending}"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entry(client: &Client) -> Value {
    let spec = EntrySpec {
        connection: "notes",
        program: Path::new("/home/me/.patchbay/bin/patchbay"),
        url: "https://notes.example/mcp",
        wiring: Wiring::Bridge,
        platform: Platform::Linux,
    };
    (client.entry)(&spec).expect("every app takes the bridge")
}

#[test]
fn our_entry_comes_and_goes_and_nothing_else_changes() {
    for client in client::CLIENTS {
        let (before, after) = (fixture(client, "before"), fixture(client, "after"));
        let document = Document::parse(&before, client.format).expect("the app reads it");
        let edits = document.set(client.table, "notes", &entry(client)).expect("it can be set");
        assert_eq!(text(&splice(&before, &edits)), text(&after), "{}", client.id);
        assert!(edits.iter().all(|edit| edit.range.is_empty()), "{}: only insertions", client.id);

        let document = Document::parse(&after, client.format).expect("the app reads it");
        let edits = document.remove(client.table, "notes").expect("it can be removed");
        assert_eq!(text(&splice(&after, &edits)), text(&before), "{}", client.id);
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn the_examples_are_all_right_for_their_apps() {
    for client in client::CLIENTS {
        let after = Document::parse(&fixture(client, "after"), client.format).expect("the app reads it");
        let entries = after.entries(client.table).expect("a table");
        for (name, value) in &entries {
            assert_eq!((client.refuses)(value), None, "{}: {name}", client.id);
        }
        let ours: Vec<_> = entries.iter().filter_map(|(name, value)| read_entry(name, value).ours).collect();
        assert_eq!(ours, ["notes"], "{}", client.id);
    }
}

/// The entry of an app that signs in by itself: the address, in its own words, and what else it insists on.
#[rstest]
#[case("claude-code", json!({ "type": "http", "url": URL }))]
#[case("codex", json!({ "url": URL }))]
#[case("cursor", json!({ "url": URL }))]
#[case("vscode", json!({ "type": "http", "url": URL }))]
#[case("vscode-insiders", json!({ "type": "http", "url": URL }))]
#[case("gemini-cli", json!({ "httpUrl": URL }))]
#[case("copilot-cli", json!({ "type": "http", "url": URL, "tools": ["*"] }))]
#[case("zed", json!({ "url": URL }))]
fn an_app_that_signs_in_by_itself_gets_the_address_alone(#[case] id: &str, #[case] expected: Value) {
    let client = client::find(id).expect("an app");
    let entry = client.plain_entry("notes", URL, &[]).expect("it can");
    assert_eq!(entry, expected);
    assert_eq!((client.refuses)(&entry), None);
    let before = fixture(client, "before");
    let document = Document::parse(&before, client.format).expect("the app reads it");
    let after = splice(&before, &document.set(client.table, "notes", &entry).expect("it can be set"));
    let document = Document::parse(&after, client.format).expect("the app reads it");
    let path: Vec<_> = client.table.iter().copied().chain(["notes"]).collect();
    let read = read_entry("notes", &document.get(&path).expect("it is there"));
    assert_eq!((read.kind, read.target.as_str(), read.ours), (Remote, URL, None));
    assert_eq!(text(&splice(&after, &document.remove(client.table, "notes").expect("it goes"))), text(&before));
}

#[test]
fn apps_that_cannot_sign_in_are_not_offered_it() {
    for client in client::CLIENTS {
        let offered = client.wirings.contains(&Wiring::ClientOauth);
        assert_eq!(client.plain_entry("notes", URL, &[]).is_some(), offered, "{}", client.id);
        assert!(client.wirings[0] == Wiring::Bridge, "{}: never by default", client.id);
    }
    let desktop = client::find("claude-desktop").expect("an app");
    assert_eq!(desktop.plain_entry("notes", URL, &[]), None, "it takes programs only");
}

const URL: &str = "https://notes.example/mcp";

#[rstest]
#[case("claude-desktop", "issues", Program, "npx -y mcp-remote https://issues.example/mcp --header Authorization: Bearer abcdef", false, &["args[4]"])]
#[case("claude-code", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("codex", "issues", Remote, "https://issues.example/mcp", true, &[])]
#[case("cursor", "files", Program, "npx -y server-files", false, &[])]
#[case("cursor", "issues", Remote, "https://issues.example/mcp", false, &["auth.CLIENT_SECRET"])]
#[case("vscode", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("vscode-insiders", "files", Program, "npx -y server-files", false, &["env.GITHUB_TOKEN"])]
#[case("windsurf", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("windsurf", "old", Remote, "https://old.example/sse?token=abcdef", true, &["serverUrl"])]
#[case("gemini-cli", "issues", Remote, "https://issues.example/mcp", false, &["headers.Authorization"])]
#[case("copilot-cli", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("zed", "older", Program, "npx -y server-files --token abcdef", false, &["command.args[3]"])]
#[case("zed", "extension", Unclear, "", false, &["settings.api_key"])]
#[case("zed", "issues", Remote, "https://issues.example/mcp", true, &[])]
#[case("lm-studio", "issues", Remote, "https://issues.example/mcp", false, &["headers.Authorization"])]
#[case("cline", "issues", Remote, "https://issues.example/mcp", true, &["transport.headers.Authorization"])]
#[case("cline", "files", Program, "npx -y server-files", false, &[])]
#[case("cline", "flat", Remote, "https://flat.example/sse", false, &[])]
#[case("roo-code", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("kiro", "files", Program, "npx -y server-files", true, &["env.API_KEY"])]
#[case("amazon-q", "issues", Remote, "https://issues.example/mcp", false, &[])]
#[case("amazon-q", "files", Program, "npx -y server-files", true, &[])]
#[case("goose", "developer", Unclear, "", false, &[])]
#[case("goose", "issues", Remote, "https://issues.example/mcp", true, &["headers.Authorization"])]
#[case("goose", "files", Program, "npx -y server-files", false, &["envs.API_KEY"])]
#[case("continue", "issues", Remote, "https://issues.example/mcp", false, &["requestOptions.headers.Authorization"])]
#[case("continue", "search", Remote, "https://search.example/sse", false, &[])]
#[case("continue", "files", Program, "npx -y server-files", false, &["env.API_KEY"])]
fn entries_of_every_dialect_are_read(
    #[case] client: &str,
    #[case] name: &str,
    #[case] kind: EntryKind,
    #[case] target: &str,
    #[case] disabled: bool,
    #[case] plain: &[&str],
) {
    let client = client::find(client).expect("an app");
    let document = Document::parse(&fixture(client, "before"), client.format).expect("the app reads it");
    let path: Vec<_> = client.table.iter().copied().chain([name]).collect();
    let value = document.get(&path).expect("it is there");
    let read = read_entry(name, &value);
    assert_eq!((read.kind, read.target.as_str(), read.disabled, read.ours), (kind, target, disabled, None));
    let found: Vec<_> = find_plaintext(&value).into_iter().map(|finding| finding.path).collect();
    assert_eq!(found, plain);
}
