use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use patchbay_core::api::message::Request;
use patchbay_core::api::view::AppView;
use patchbay_core::client::{self, Candidate, seen_from_wsl};
use patchbay_core::host::Wsl;
use patchbay_core::{Code, Host, Platform};
use rstest::rstest;

use super::api::{World, world};

/// A home with these files in it.
fn home_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for (file, text) in files {
        let file = home.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    }
    home
}

fn candidates(client: &str, host: &Host) -> Vec<Candidate> {
    client::find(client).expect("an app").candidates(host)
}

fn whats(found: &[Candidate], home: &Path) -> Vec<(String, &'static str, Option<String>)> {
    let short = |path: &Path| path.strip_prefix(home).expect("inside").display().to_string();
    found.iter().map(|one| (short(&one.path), one.what, one.name.clone())).collect()
}

#[test]
fn a_store_copy_counts_before_the_ordinary_one_and_both_are_shown() {
    let store = "AppData/Local/Packages/Claude_abc/LocalCache/Roaming/Claude/claude_desktop_config.json";
    let ordinary = "AppData/Roaming/Claude/claude_desktop_config.json";
    let home = home_with(&[(store, "{}"), (ordinary, "{}")]);
    let host = Host::bare(Platform::Windows, home.path(), Timestamp::UNIX_EPOCH);
    let found = candidates("claude-desktop", &host);
    assert_eq!(
        whats(&found, home.path()),
        [(store.into(), "store_copy", None), (ordinary.into(), "ordinary_copy", None)]
    );
    assert_eq!(client::find("claude-desktop").expect("an app").location(&host).path, home.path().join(store));
}

#[test]
fn there_is_one_candidate_where_there_is_no_doubt() {
    let home = home_with(&[]);
    for platform in [Platform::Linux, Platform::MacOs, Platform::Windows] {
        let host = Host::bare(platform, home.path(), Timestamp::UNIX_EPOCH);
        for client in client::CLIENTS {
            assert_eq!(client.candidates(&host).len(), 1, "{} {platform:?}", client.id);
        }
    }
}

#[test]
fn profiles_that_keep_their_own_servers_are_candidates() {
    let profiles = r#"{"userDataProfiles": [
        {"location": "-1a2b", "name": "Work"},
        {"location": "-3c4d", "name": "Shared", "useDefaultFlags": {"mcp": true}},
        {"location": "../../evil", "name": "Evil"},
        {"location": {"path": "/old"}, "name": "Older"}
    ]}"#;
    let home = home_with(&[(".config/Code/User/globalStorage/storage.json", profiles)]);
    let host = Host::bare(Platform::Linux, home.path(), Timestamp::UNIX_EPOCH);
    let found = whats(&candidates("vscode", &host), home.path());
    let work = (".config/Code/User/profiles/-1a2b/mcp.json".to_owned(), "profile", Some("Work".to_owned()));
    assert_eq!(found, [(".config/Code/User/mcp.json".to_owned(), "usual", None), work]);
}

#[rstest]
#[case(
    "cline",
    ".config/VSCodium/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "editor"
)]
#[case(
    "roo-code",
    ".config/Code - Insiders/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
    "editor"
)]
#[case("windsurf", ".codeium/windsurf-next/mcp_config.json", "editor")]
#[case("lm-studio", ".lmstudio/mcp.json", "newer")]
fn copies_elsewhere_are_candidates(#[case] client: &str, #[case] file: &str, #[case] what: &str) {
    let home = home_with(&[(file, "{}"), (".cache/lm-studio/x", "")]);
    let host = Host::bare(Platform::Linux, home.path(), Timestamp::UNIX_EPOCH);
    let found = candidates(client, &host);
    assert_eq!((found.len(), found[1].path.clone(), found[1].what), (2, home.path().join(file), what));
}

#[test]
fn apps_used_in_a_linux_inside_windows_are_candidates() {
    let home = home_with(&[("wsl/home/me/.claude.json", "{}"), (".claude.json", "{}")]);
    let wsl = vec![Wsl { distribution: "Ubuntu".into(), home: home.path().join("wsl/home/me") }];
    let host = Host { wsl, ..Host::bare(Platform::Windows, home.path(), Timestamp::UNIX_EPOCH) };
    let found = whats(&candidates("claude-code", &host), home.path());
    let linux = ("wsl/home/me/.claude.json".to_owned(), "wsl", Some("Ubuntu".to_owned()));
    assert_eq!(found, [(".claude.json".to_owned(), "usual", None), linux]);
    assert_eq!(candidates("codex", &host).len(), 1, "it is not used there");
}

#[rstest]
#[case(r"C:\Users\me\.patchbay\bin\patchbay.exe", Some("/mnt/c/Users/me/.patchbay/bin/patchbay.exe"))]
#[case(r"d:\My Data\p.exe", Some("/mnt/d/My Data/p.exe"))]
#[case(r"\\server\share\p.exe", None)]
#[case("/usr/bin/patchbay", None)]
fn a_linux_inside_windows_sees_its_drives_as_folders(#[case] path: &str, #[case] wanted: Option<&str>) {
    assert_eq!(seen_from_wsl(Path::new(path)), wanted.map(PathBuf::from));
}

#[rstest]
#[case(r"\\wsl.localhost\Ubuntu\home\me\.claude.json", true)]
#[case(r"\\WSL$\Debian\home\me\.claude.json", true)]
#[case(r"C:\Users\me\.claude.json", false)]
#[case(r"\\server\wsl$\x", false)]
fn files_in_a_linux_inside_windows_are_known_by_their_path(#[case] path: &str, #[case] wanted: bool) {
    assert_eq!(client::is_in_wsl(Path::new(path)), wanted);
}

#[test]
fn a_choice_that_is_no_candidate_any_more_does_not_count() {
    let home = home_with(&[(".cache/lm-studio/mcp.json", "{}"), (".lmstudio/mcp.json", "{}")]);
    let newer = home.path().join(".lmstudio/mcp.json");
    let chosen = BTreeMap::from([("lm-studio".to_owned(), newer.clone())]);
    let host = Host { chosen, ..Host::bare(Platform::Linux, home.path(), Timestamp::UNIX_EPOCH) };
    let app = client::find("lm-studio").expect("an app");
    assert_eq!((app.location(&host).path, app.location(&host).why), (newer.clone(), Some("chosen")));
    std::fs::remove_file(&newer).expect("removed");
    assert_eq!(app.location(&host).path, home.path().join(".cache/lm-studio/mcp.json"));
}

fn app(world: &World) -> AppView {
    world.snapshot().apps.into_iter().find(|app| app.id == "lm-studio").expect("an app")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_chooses_which_file_counts() {
    let world = world().await;
    let (older, newer) = (world.home.path().join(".cache/lm-studio"), world.home.path().join(".lmstudio"));
    for folder in [&older, &newer] {
        std::fs::create_dir_all(folder).expect("made");
        std::fs::write(folder.join("mcp.json"), "{}").expect("written");
    }
    let view = app(&world);
    assert_eq!(view.candidates.iter().map(|one| one.counts).collect::<Vec<_>>(), [true, false]);
    let path = Some(newer.join("mcp.json").display().to_string());
    let choose = |path| Request::ChooseFile { client: "lm-studio".into(), path };
    world.do_it(choose(path.clone())).await.expect("chosen");
    let view = app(&world);
    assert_eq!((Some(view.path), view.why.as_deref()), (path, Some("chosen")));
    // Other settings leave the choice alone.
    let settings = world.snapshot().settings;
    world
        .do_it(Request::SetSettings {
            settings: patchbay_core::api::view::Settings { files: BTreeMap::new(), ..settings },
        })
        .await
        .expect("set");
    assert_eq!(app(&world).why.as_deref(), Some("chosen"));
    world.do_it(choose(None)).await.expect("the app's own rule");
    assert_eq!(app(&world).path, older.join("mcp.json").display().to_string());
    let refused = world.do_it(choose(Some("/etc/passwd".into()))).await.expect_err("it is no candidate");
    assert_eq!(refused.code, Code::SettingInvalid);
}
