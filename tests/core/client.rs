use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use patchbay_core::client::{self, EntrySpec, read_entry};
use patchbay_core::connection::Wiring;
use patchbay_core::{Host, Platform};
use rstest::rstest;
use serde_json::json;

fn host(platform: Platform, home: &Path, env: &[(&str, &str)]) -> Host {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    Host { env, ..Host::bare(platform, home, Timestamp::UNIX_EPOCH) }
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
#[case("cursor", Platform::Linux, &[("XDG_CONFIG_HOME", "/x")], "/h/.cursor/mcp.json")]
#[case("cursor", Platform::MacOs, &[], "/h/.cursor/mcp.json")]
#[case("cursor", Platform::Windows, &[("APPDATA", "C:\\R")], "/h/.cursor/mcp.json")]
#[case("vscode", Platform::Linux, &[], "/h/.config/Code/User/mcp.json")]
#[case("vscode", Platform::Linux, &[("XDG_CONFIG_HOME", "/x")], "/x/Code/User/mcp.json")]
#[case("vscode", Platform::MacOs, &[], "/h/Library/Application Support/Code/User/mcp.json")]
#[case("vscode", Platform::MacOs, &[("VSCODE_APPDATA", "/a")], "/a/Code/User/mcp.json")]
#[case("vscode", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Code/User/mcp.json")]
#[case("vscode", Platform::Windows, &[("VSCODE_APPDATA", "D:\\a"), ("VSCODE_PORTABLE", "D:\\p")], "D:\\p/user-data/User/mcp.json")]
#[case("vscode-insiders", Platform::Linux, &[], "/h/.config/Code - Insiders/User/mcp.json")]
#[case("vscode-insiders", Platform::MacOs, &[], "/h/Library/Application Support/Code - Insiders/User/mcp.json")]
#[case("vscode-insiders", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Code - Insiders/User/mcp.json")]
#[case("windsurf", Platform::Linux, &[], "/h/.codeium/windsurf/mcp_config.json")]
#[case("windsurf", Platform::MacOs, &[], "/h/.codeium/windsurf/mcp_config.json")]
#[case("windsurf", Platform::Windows, &[], "/h/.codeium/windsurf/mcp_config.json")]
#[case("gemini-cli", Platform::Linux, &[], "/h/.gemini/settings.json")]
#[case("gemini-cli", Platform::MacOs, &[("GEMINI_CLI_HOME", "/g")], "/g/.gemini/settings.json")]
#[case("gemini-cli", Platform::Windows, &[], "/h/.gemini/settings.json")]
#[case("copilot-cli", Platform::Linux, &[("XDG_CONFIG_HOME", "/x")], "/h/.copilot/mcp-config.json")]
#[case("copilot-cli", Platform::MacOs, &[("COPILOT_HOME", "/c")], "/c/mcp-config.json")]
#[case("copilot-cli", Platform::Windows, &[], "/h/.copilot/mcp-config.json")]
#[case("zed", Platform::Linux, &[("XDG_CONFIG_HOME", "/x")], "/x/zed/settings.json")]
#[case("zed", Platform::Linux, &[("XDG_CONFIG_HOME", "/x"), ("FLATPAK_XDG_CONFIG_HOME", "/f")], "/f/zed/settings.json")]
#[case("zed", Platform::MacOs, &[("XDG_CONFIG_HOME", "/x")], "/h/.config/zed/settings.json")]
#[case("zed", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Zed/settings.json")]
#[case("lm-studio", Platform::Linux, &[], "/h/.lmstudio/mcp.json")]
#[case("lm-studio", Platform::MacOs, &[], "/h/.lmstudio/mcp.json")]
#[case("lm-studio", Platform::Windows, &[], "/h/.lmstudio/mcp.json")]
#[case("cline", Platform::Linux, &[], "/h/.cline/data/settings/cline_mcp_settings.json")]
#[case("cline", Platform::Linux, &[("CLINE_DIR", "/c")], "/c/data/settings/cline_mcp_settings.json")]
#[case("cline", Platform::MacOs, &[("CLINE_DIR", "/c"), ("CLINE_DATA_DIR", "/d")], "/d/settings/cline_mcp_settings.json")]
#[case("cline", Platform::MacOs, &[("CLINE_DATA_DIR", "/d"), ("CLINE_MCP_SETTINGS_PATH", "/m.json")], "/m.json")]
#[case("cline", Platform::Windows, &[], "/h/.cline/data/settings/cline_mcp_settings.json")]
#[case("roo-code", Platform::Linux, &[], "/h/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json")]
#[case("roo-code", Platform::MacOs, &[], "/h/Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json")]
#[case("roo-code", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json")]
#[case("kiro", Platform::Linux, &[], "/h/.kiro/settings/mcp.json")]
#[case("kiro", Platform::MacOs, &[], "/h/.kiro/settings/mcp.json")]
#[case("kiro", Platform::Windows, &[], "/h/.kiro/settings/mcp.json")]
#[case("amazon-q", Platform::Linux, &[], "/h/.aws/amazonq/mcp.json")]
#[case("amazon-q", Platform::MacOs, &[], "/h/.aws/amazonq/mcp.json")]
#[case("amazon-q", Platform::Windows, &[], "/h/.aws/amazonq/mcp.json")]
#[case("goose", Platform::Linux, &[], "/h/.config/goose/config.yaml")]
#[case("goose", Platform::MacOs, &[("XDG_CONFIG_HOME", "/x")], "/x/goose/config.yaml")]
#[case("goose", Platform::MacOs, &[("GOOSE_PATH_ROOT", "/g")], "/g/config/config.yaml")]
#[case("goose", Platform::Linux, &[("GOOSE_PATH_ROOT", "g")], "/h/.config/goose/config.yaml")]
#[case("goose", Platform::Windows, &[("APPDATA", "C:\\R")], "C:\\R/Block/goose/config/config.yaml")]
#[case("continue", Platform::Linux, &[], "/h/.continue/config.yaml")]
#[case("continue", Platform::MacOs, &[("CONTINUE_GLOBAL_DIR", "/c")], "/c/config.yaml")]
#[case("continue", Platform::Windows, &[], "/h/.continue/config.yaml")]
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

/// A home with these files in it, each with an empty object.
fn home_with(files: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for file in files.iter().map(|file| home.path().join(file)) {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, "{}").expect("written");
    }
    home
}

#[rstest]
#[case::older_alone("windsurf", &[".codeium/windsurf/x"], ".codeium/windsurf/mcp_config.json")]
#[case::both("windsurf", &[".codeium/windsurf/x", ".config/devin/mcp_config.json"], ".codeium/windsurf/mcp_config.json")]
#[case::newer_alone("windsurf", &[".config/devin/mcp_config.json"], ".config/devin/mcp_config.json")]
#[case::old_extension("cline", &[".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"], ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json")]
#[case::brought_over("cline", &[".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json", ".cline/data/settings/cline_mcp_settings.json"], ".cline/data/settings/cline_mcp_settings.json")]
#[case::older_home("lm-studio", &[".cache/lm-studio/x"], ".cache/lm-studio/mcp.json")]
#[case::both_homes("lm-studio", &[".cache/lm-studio/x", ".lmstudio/x"], ".cache/lm-studio/mcp.json")]
fn of_several_candidates_one_counts(#[case] client: &str, #[case] files: &[&str], #[case] wanted: &str) {
    let home = home_with(files);
    let location = (client::find(client).expect("an app").locate)(&host(Platform::Linux, home.path(), &[]));
    assert_eq!((location.path, location.installed), (home.path().join(wanted), true));
}

#[test]
fn lm_studios_pointer_names_its_home() {
    let home = home_with(&["elsewhere/x", ".cache/lm-studio/x"]);
    let pointed = home.path().join("elsewhere");
    std::fs::write(home.path().join(".lmstudio-home-pointer"), format!("{}\n", pointed.display())).expect("written");
    assert_eq!(path("lm-studio", &host(Platform::Linux, home.path(), &[])), pointed.join("mcp.json"));
    std::fs::remove_dir_all(&pointed).expect("removed");
    let older = home.path().join(".cache/lm-studio/mcp.json");
    assert_eq!(path("lm-studio", &host(Platform::Linux, home.path(), &[])), older);
}

#[rstest]
fn what_is_not_there_is_not_installed(#[values(Platform::Linux, Platform::Windows)] platform: Platform) {
    let home = tempfile::tempdir().expect("a folder");
    let host = host(platform, home.path(), &[]);
    let found: Vec<_> = client::CLIENTS.iter().filter(|client| (client.locate)(&host).installed).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[rstest]
#[case("cursor", ".cursor/mcp.json")]
#[case("vscode", ".config/Code/User/settings.json")]
#[case("vscode-insiders", ".config/Code - Insiders/User/settings.json")]
#[case("windsurf", ".codeium/windsurf/memories")]
#[case("gemini-cli", ".gemini/settings.json")]
#[case("copilot-cli", ".copilot/settings.json")]
#[case("zed", ".config/zed/settings.json")]
#[case("lm-studio", ".lmstudio/settings.json")]
#[case("cline", ".cline/data/globalState.json")]
#[case("roo-code", ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/x")]
#[case("kiro", ".kiro/settings/cli.json")]
#[case("amazon-q", ".aws/amazonq/history")]
#[case("goose", ".config/goose/permission.yaml")]
#[case("continue", ".continue/config.json")]
#[case("continue", "bin/cn")]
#[case("codex", "bin/codex")]
#[case("gemini-cli", "bin/gemini")]
fn an_app_is_known_by_its_folder_or_its_program(#[case] client: &str, #[case] file: &str) {
    let home = home_with(&[file]);
    let bin = home.path().join("bin").display().to_string();
    let location =
        (client::find(client).expect("an app").locate)(&host(Platform::Linux, home.path(), &[("PATH", &bin)]));
    assert!(location.installed);
}

#[test]
fn ids_and_processes_are_one_apps_each() {
    let (mut ids, mut processes) = (BTreeSet::new(), BTreeSet::new());
    for client in client::CLIENTS {
        assert!(client::is_safe_name(client.id) && ids.insert(client.id), "{}", client.id);
        assert!(client.processes.iter().all(|name| processes.insert(name)), "{}", client.id);
        assert!((client.accepts_name)("my-notes-2") && !(client.accepts_name)(""), "{}", client.id);
    }
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
fn the_bridges_entry_has_a_command_and_two_arguments_and_what_the_dialect_demands() {
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
        let wanted = match client.id {
            "vscode" | "vscode-insiders" => {
                json!({ "type": "stdio", "command": "/h/bin/patchbay", "args": ["bridge", "notes"] })
            }
            "copilot-cli" => {
                json!({ "type": "local", "command": "/h/bin/patchbay", "args": ["bridge", "notes"], "tools": ["*"] })
            }
            "goose" => json!({
                "enabled": true, "type": "stdio", "name": "notes", "description": "", "cmd": "/h/bin/patchbay",
                "args": ["bridge", "notes"], "envs": {}, "env_keys": [], "timeout": 300, "bundled": null,
                "available_tools": [],
            }),
            "continue" => {
                json!({ "name": "notes", "type": "stdio", "command": "/h/bin/patchbay", "args": ["bridge", "notes"] })
            }
            _ => json!({ "command": "/h/bin/patchbay", "args": ["bridge", "notes"] }),
        };
        assert_eq!(entry, wanted, "{}", client.id);
        assert_eq!((client.refuses)(&entry), None);
        assert_eq!(read_entry("notes", &entry).ours.as_deref(), Some("notes"));
    }
}

#[rstest]
#[case("codex", json!({ "command": "x", "url": "https://x" }))]
#[case("codex", json!({ "args": [] }))]
#[case("cline", json!({ "type": "http", "url": "https://x" }))]
#[case("cline", json!({ "type": "streamable-http", "url": "https://x" }))]
#[case("cline", json!({ "type": "sse", "command": "x" }))]
#[case("cline", json!({ "url": "not an address" }))]
#[case("cline", json!({ "command": "" }))]
#[case("cline", json!({ "command": "x", "env": { "PORT": 1 } }))]
#[case("cline", json!({ "command": "x", "disabled": "no" }))]
#[case("cline", json!({ "transport": { "command": "x" } }))]
#[case("cline", json!({ "transport": { "type": "sse", "command": "x" } }))]
#[case("cline", json!("x"))]
#[case("amazon-q", json!({ "type": "sse", "url": "https://x" }))]
#[case("amazon-q", json!({ "command": "x", "args": "y" }))]
#[case("amazon-q", json!({ "command": "x", "timeout": -1 }))]
#[case("continue", json!({ "command": "x" }))]
#[case("continue", json!({ "name": "x", "type": "streamable-http", "command": "x" }))]
#[case("continue", json!({ "name": "x", "url": "https://x", "type": "http" }))]
#[case("continue", json!({ "name": "x", "command": "x", "args": "y" }))]
#[case("continue", json!("x"))]
#[case("zed", json!({ "command": "x", "enabled": "yes" }))]
#[case("zed", json!(null))]
fn an_entry_that_would_take_the_app_down_is_refused(#[case] client: &str, #[case] entry: serde_json::Value) {
    let client = client::find(client).expect("an app");
    assert!(client.all_or_nothing && (client.refuses)(&entry).is_some());
}

#[rstest]
#[case("cline", json!({ "transportType": "http", "url": "https://x" }))]
#[case("cline", json!({ "url": "https://x" }))]
#[case("cline", json!({ "type": "stdio", "command": "x", "args": [], "x-unknown": 1 }))]
#[case("cline", json!({ "transport": { "type": "streamableHttp", "url": "https://x" }, "disabled": true }))]
#[case("amazon-q", json!({ "command": "x", "env": null, "x-unknown": 1 }))]
#[case("amazon-q", json!({}))]
#[case("continue", json!({ "uses": "owner/block" }))]
#[case("continue", json!({ "name": "x", "url": "https://x", "apiKey": "${{ secrets.X }}" }))]
#[case("goose", json!({ "type": "builtin", "name": "developer", "enabled": true }))]
#[case("goose", json!({ "type": "stdio", "cmd": "x", "args": [], "enabled": false, "timeout": null, "bundled": null }))]
#[case("zed", json!({}))]
#[case("kiro", json!({ "type": "registry" }))]
fn an_odd_entry_that_the_app_takes_is_not_refused(#[case] client: &str, #[case] entry: serde_json::Value) {
    assert_eq!((client::find(client).expect("an app").refuses)(&entry), None);
}

#[rstest]
#[case(json!({ "type": "stdio", "cmd": "x", "args": [] }))]
#[case(json!({ "type": "stdio", "cmd": "x", "enabled": true }))]
#[case(json!({ "type": "stdio", "command": "x", "args": [], "enabled": true }))]
#[case(json!({ "type": "sse", "uri": "https://x", "enabled": true }))]
#[case(json!({ "cmd": "x", "args": [], "enabled": true }))]
fn an_entry_that_goose_skips_is_not_written(#[case] entry: serde_json::Value) {
    let client = client::find("goose").expect("an app");
    assert!(!client.all_or_nothing && (client.refuses)(&entry).is_some());
}

#[rstest]
#[case(
    "goose",
    "extensions:\n  notes:\n    enabled: true\n    type: stdio\n    name: notes\n    description: \"\"\n    cmd: /h/p\n"
)]
#[case("continue", "mcpServers:\n  - name: notes\n    type: stdio\n    command: /h/p\n    args: [bridge, notes]\n")]
#[case("codex", "[mcp_servers.notes]\ncommand = \"/h/p\"\nargs = [\"bridge\", \"notes\"]\n")]
#[case("vscode", "\"notes\": {\n  \"type\": \"stdio\",\n  \"command\": \"/h/p\",\n")]
fn an_entry_can_be_put_in_by_hand(#[case] client: &str, #[case] beginning: &str) {
    let spec = EntrySpec {
        connection: "notes",
        program: Path::new("/h/p"),
        url: "https://x/mcp",
        wiring: Wiring::Bridge,
        platform: Platform::Linux,
    };
    let client = client::find(client).expect("an app");
    let snippet = client::snippet(client, spec.connection, &(client.entry)(&spec).expect("an entry"));
    assert!(snippet.starts_with(beginning), "{snippet}");
}

/// Continue wants a name and a version first; while it reads its older file, the new one is not made.
#[test]
fn a_new_file_of_continue_begins_as_it_has_to() {
    let client = client::find("continue").expect("an app");
    let home = home_with(&[".continue/x"]);
    let path = home.path().join(".continue/config.yaml");
    let entry = json!({ "name": "notes", "command": "x" });
    let plan = || patchbay_core::change::plan(client, &path, &[("notes", Some(entry.clone()))]);
    let wanted = "name: Local Config\nversion: 1.0.0\nschema: v1\nmcpServers:\n  - name: notes\n    command: x\n";
    assert_eq!(plan().expect("it can be made").after.as_deref(), Some(wanted.as_bytes()));
    let nothing = patchbay_core::change::plan(client, &path, &[("notes", None)]).expect("nothing to do");
    assert!(nothing.is_nothing());
    std::fs::write(path.with_file_name("config.json"), "{}").expect("a file");
    assert_eq!(plan().expect_err("it would hide the older one").code, patchbay_core::Code::AppRefuses);
    std::fs::write(&path, "").expect("a file");
    assert_eq!(plan().expect("there is a new one already").after.as_deref(), Some(wanted.as_bytes()));
}

#[rstest]
#[case("codex", "a b", false)]
#[case("claude-code", "workspace", false)]
#[case("gemini-cli", "a_b", false)]
#[case("goose", "A", false)]
#[case("goose", "a_b", true)]
#[case("cursor", "a b_c", true)]
fn names_are_the_apps_business(#[case] client: &str, #[case] name: &str, #[case] taken: bool) {
    assert_eq!((client::find(client).expect("an app").accepts_name)(name), taken);
}
