use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};
use patchbay_core::client::{self, EntrySpec, read_entry};
use patchbay_core::connection::Wiring;
use patchbay_core::{Host, Platform};
use rstest::rstest;
use serde_json::json;

fn host(platform: Platform, home: &Path, env: &[(&str, &str)]) -> Host {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    Host { platform, home: home.to_path_buf(), env, now: Timestamp::UNIX_EPOCH, zone: TimeZone::UTC }
}

fn path(client: &str, host: &Host) -> PathBuf {
    (client::find(client).expect("an app").locate)(host).path
}

#[rstest]
#[case("claude-desktop", Platform::Linux, &[], "/h/.config/Claude/claude_desktop_config.json")]
#[case("claude-desktop", Platform::Linux, &[("XDG_CONFIG_HOME", "/x")], "/x/Claude/claude_desktop_config.json")]
#[case("claude-desktop", Platform::Linux, &[("XDG_CONFIG_HOME", "relative")], "/h/.config/Claude/claude_desktop_config.json")]
#[case("claude-desktop", Platform::MacOs, &[], "/h/Library/Application Support/Claude/claude_desktop_config.json")]
#[case("claude-desktop", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Claude/claude_desktop_config.json")]
#[case("claude-code", Platform::Linux, &[], "/h/.claude.json")]
#[case("claude-code", Platform::MacOs, &[("CLAUDE_CONFIG_DIR", "/c")], "/c/.claude.json")]
#[case("claude-code", Platform::Windows, &[("CLAUDE_CONFIG_DIR", "D:\\c")], "D:\\c/.claude.json")]
#[case("codex", Platform::Linux, &[], "/h/.codex/config.toml")]
#[case("codex", Platform::Windows, &[("CODEX_HOME", "D:\\c")], "D:\\c/config.toml")]
#[case("codex", Platform::MacOs, &[("CODEX_HOME", "")], "/h/.codex/config.toml")]
fn files_are_found_by_rule(
    #[case] client: &str,
    #[case] platform: Platform,
    #[case] env: &[(&str, &str)],
    #[case] wanted: &str,
) {
    assert_eq!(path(client, &host(platform, Path::new("/h"), env)), Path::new(wanted));
}

#[test]
fn the_store_copy_counts_where_there_is_one() {
    let home = tempfile::tempdir().expect("a folder");
    let package = home.path().join("AppData/Local/Packages/Claude_pzs8sxrjxfjjc");
    std::fs::create_dir_all(&package).expect("made");
    std::fs::create_dir_all(home.path().join("AppData/Roaming/Claude")).expect("made");
    let location = (client::find("claude-desktop").expect("an app").locate)(&host(Platform::Windows, home.path(), &[]));
    assert_eq!(location.path, package.join("LocalCache/Roaming/Claude/claude_desktop_config.json"));
    assert_eq!((location.why, location.installed), (Some("store_copy"), true));
}

#[rstest]
#[case(Platform::Linux, "/h/my data/bin/patchbay", "'/h/my data/bin/patchbay' headers notes")]
#[case(Platform::MacOs, "/h/it's/patchbay", r"'/h/it'\''s/patchbay' headers notes")]
#[case(Platform::Linux, "/h/bin/patchbay", "/h/bin/patchbay headers notes")]
#[case(Platform::Windows, r"C:\Program Files\patchbay.exe", "\"C:\\Program Files\\patchbay.exe\" headers notes")]
fn the_helpers_command_is_quoted(#[case] platform: Platform, #[case] program: &str, #[case] wanted: &str) {
    let spec = EntrySpec {
        connection: "notes",
        program: Path::new(program),
        url: "https://x/mcp",
        wiring: Wiring::HeadersHelper,
        platform,
    };
    let entry = (client::find("claude-code").expect("an app").entry)(&spec).expect("it takes it");
    assert_eq!(entry["headersHelper"], wanted);
    assert_eq!(read_entry("notes", &entry).ours.as_deref(), Some("notes"), "and is known again");
}

#[test]
fn the_bridges_entry_has_a_command_and_two_arguments_and_nothing_else() {
    for client in client::CLIENTS {
        let program = Path::new("/h/bin/patchbay");
        let spec = EntrySpec {
            connection: "notes",
            program,
            url: "https://x/mcp",
            wiring: Wiring::Bridge,
            platform: Platform::Linux,
        };
        let entry = (client.entry)(&spec).expect("every app takes the bridge");
        assert_eq!(entry, json!({ "command": "/h/bin/patchbay", "args": ["bridge", "notes"] }), "{}", client.id);
        assert_eq!((client.refuses)(&entry), None);
        assert_eq!(read_entry("notes", &entry).ours.as_deref(), Some("notes"));
    }
}

#[test]
fn an_entry_that_would_take_the_app_down_is_refused() {
    let codex = client::find("codex").expect("an app");
    assert!((codex.refuses)(&json!({ "command": "x", "url": "https://x" })).is_some());
    assert!((codex.refuses)(&json!({ "args": [] })).is_some());
    assert!(!(codex.accepts_name)("a b") && (codex.accepts_name)("a-b"));
}
