use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use patchbay_core::client::{find, version, version_below};
use patchbay_core::{Host, Platform};
use rstest::rstest;

fn host(platform: Platform, root: &Path, path: &str) -> Host {
    let env = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
    Host { env, ..Host::bare(platform, root.join("home"), Timestamp::UNIX_EPOCH) }
}

/// Files with their text; `-> target` makes a link.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let file = root.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        match text.strip_prefix("-> ") {
            #[cfg(unix)]
            Some(target) => std::os::unix::fs::symlink(target, &file).expect("linked"),
            _ => std::fs::write(&file, text).expect("written"),
        }
    }
    root
}

/// The version found with `bin` on the path; `running` lies below the root too.
fn found(client: &str, platform: Platform, files: &[(&str, &str)], running: Option<&str>) -> Option<String> {
    let root = tree(files);
    let bin = root.path().join("bin").display().to_string();
    let running = running.map(|file| root.path().join(file));
    let host = host(platform, root.path(), &bin);
    version_below(find(client).expect("an app"), &host, running.as_deref(), root.path())
}

const DPKG: &str = "Package: claude\nStatus: install ok installed\nVersion: 9.9\n\n\
    Package: claude-desktop\nStatus: install ok installed\nMaintainer: x\nVersion: 1:1.46388.2-1\n\n\
    Package: zoo\nStatus: install ok installed\nVersion: 8.8\n";
const PLIST: &str = "<?xml version=\"1.0\"?>\n<plist><dict>\n<key>CFBundleName</key><string>Claude</string>\n\
    <key>CFBundleShortVersionString</key>\n\t<string>1.2.3</string>\n<key>CFBundleVersion</key><string>77</string>\n</dict></plist>";

#[cfg(unix)]
#[rstest]
#[case::npm("codex", &[("bin/codex", "-> ../lib/node_modules/@openai/codex/bin/codex.js"), ("lib/node_modules/@openai/codex/bin/codex.js", ""), ("lib/node_modules/@openai/codex/package.json", r#"{"version": "0.169.0"}"#)], Some("0.169.0"))]
#[case::another_package_of_that_name("codex", &[("bin/codex", "-> ../lib/node_modules/codex/bin.js"), ("lib/node_modules/codex/bin.js", ""), ("lib/node_modules/codex/package.json", r#"{"version": "2.0.0"}"#)], None)]
#[case::own_installer("claude-code", &[("home/.local/bin/claude", "-> ../share/claude/versions/2.1.329"), ("home/.local/share/claude/versions/2.1.329", "")], Some("2.1.329"))]
#[case::a_link_elsewhere("claude-code", &[("bin/claude", "-> ../tools/7.0.0"), ("tools/7.0.0", "")], None)]
#[case::debian("claude-desktop", &[("bin/claude-desktop", ""), ("var/lib/dpkg/status", DPKG)], Some("1.46388.2"))]
#[case::removed_from_debian("claude-desktop", &[("bin/claude-desktop", ""), ("var/lib/dpkg/status", "Package: claude-desktop\nStatus: deinstall ok config-files\nVersion: 1.0\n")], None)]
#[case::arch("claude-desktop", &[("bin/claude-desktop", ""), ("var/lib/pacman/local/claude-desktop-1.9.0-2/desc", ""), ("var/lib/pacman/local/claude-desktop-1.10.0-1/desc", "")], Some("1.10.0"))]
#[case::electrons_own_version_is_not_the_apps("claude-desktop", &[("bin/claude-desktop", "-> ../usr/lib/claude-desktop/claude-desktop"), ("usr/lib/claude-desktop/claude-desktop", ""), ("usr/lib/claude-desktop/version", "41.2.0")], None)]
#[case::editor("vscode", &[("bin/code", "-> ../share/code/bin/code"), ("share/code/bin/code", ""), ("share/code/resources/app/product.json", r#"{"version": "1.131.0"}"#)], Some("1.131.0"))]
#[case::not_the_editors_base("windsurf", &[("bin/windsurf", "-> ../share/windsurf/windsurf"), ("share/windsurf/windsurf", ""), ("share/windsurf/resources/app/product.json", r#"{"version": "1.99.0", "windsurfVersion": "2.4.1"}"#)], Some("2.4.1"))]
#[case::extension("roo-code", &[("home/.vscode/extensions/rooveterinaryinc.roo-cline-3.9.2/package.json", ""), ("home/.vscode/extensions/rooveterinaryinc.roo-cline-3.10.0-linux-x64/package.json", "")], Some("3.10.0"))]
#[case::nonsense("codex", &[("bin/codex", "-> ../node_modules/@openai/codex/x"), ("node_modules/@openai/codex/x", ""), ("node_modules/@openai/codex/package.json", r#"{"version": "<b>1</b>"}"#)], None)]
#[case::nothing("claude-desktop", &[], None)]
fn linux_tells_a_version(#[case] client: &str, #[case] files: &[(&str, &str)], #[case] wanted: Option<&str>) {
    assert_eq!(found(client, Platform::Linux, files, None).as_deref(), wanted);
}

#[rstest]
#[case::all_users("claude-desktop", "Applications/Claude.app", None)]
#[case::one_user("claude-desktop", "home/Applications/Claude.app", None)]
#[case::where_it_runs(
    "cursor",
    "Volumes/Cursor.app",
    Some("Volumes/Cursor.app/Contents/Frameworks/Cursor Helper.app/Contents/MacOS/Cursor Helper")
)]
fn macos_tells_the_version_of_a_bundle(#[case] client: &str, #[case] bundle: &str, #[case] running: Option<&str>) {
    let plist = format!("{bundle}/Contents/Info.plist");
    let files: &[(&str, &str)] = &[(&plist, PLIST)];
    assert_eq!(found(client, Platform::MacOs, files, running).as_deref(), Some("1.2.3"));
    assert_eq!(found(client, Platform::Linux, files, running), None, "bundles are macOS's");
}

#[test]
fn a_binary_property_list_tells_nothing() {
    let files = [("Applications/Claude.app/Contents/Info.plist", "bplist00CFBundleShortVersionString1.2.3")];
    assert_eq!(found("claude-desktop", Platform::MacOs, &files, None), None);
}

#[rstest]
#[case::npm("codex", &[("bin/codex.cmd", ""), ("bin/node_modules/@openai/codex/package.json", r#"{"version": "0.169.0"}"#)], None, Some("0.169.0"))]
#[case::direct("claude-desktop", &[("home/AppData/Local/AnthropicClaude/app-0.9.3/claude.exe", ""), ("home/AppData/Local/AnthropicClaude/app-0.14.1/claude.exe", "")], None, Some("0.14.1"))]
#[case::store("claude-desktop", &[], Some("Program Files/WindowsApps/Claude_1.1.4498.0_x64__pzs8sxrjxfjjc/app/Claude.exe"), Some("1.1.4498"))]
#[case::store_at_rest("claude-desktop", &[("home/AppData/Local/Packages/Claude_pzs8sxrjxfjjc/x", "")], None, None)]
#[case::editor("cursor", &[("home/AppData/Local/Programs/cursor/resources/app/product.json", r#"{"version": "3.2.1"}"#)], None, Some("3.2.1"))]
fn windows_tells_a_version(
    #[case] client: &str,
    #[case] files: &[(&str, &str)],
    #[case] running: Option<&str>,
    #[case] wanted: Option<&str>,
) {
    assert_eq!(found(client, Platform::Windows, files, running).as_deref(), wanted);
}

/// The real programs, where the developer's set-up has brought them here.
#[test]
fn the_real_programs_versions_are_those_of_their_packages() {
    let npm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/npm/node_modules");
    for (client, package) in [
        ("claude-code", "@anthropic-ai/claude-code"),
        ("codex", "@openai/codex"),
        ("gemini-cli", "@google/gemini-cli"),
        ("copilot-cli", "@github/copilot"),
    ] {
        let Ok(text) = std::fs::read_to_string(npm.join(package).join("package.json")) else { continue };
        let wanted = text.split("\"version\": \"").nth(1).and_then(|rest| rest.split('"').next());
        let host = host(Platform::current(), &npm, &npm.join(".bin").display().to_string());
        assert_eq!(version(find(client).expect("an app"), &host, None).as_deref(), wanted, "{client}");
    }
}
