use std::collections::BTreeMap;
use std::path::PathBuf;

use patchbay_core::Platform;
use patchbay_core::client::find;
use patchbay_core::process::{ByHand, Facts, Instance, Quit, Reopen, Start, plan};
use rstest::rstest;

/// A whole start on a real system: asked, waited for, started again.
#[cfg(target_os = "linux")]
#[path = "running/reopen.rs"]
mod reopen;

fn app(platform: Platform, name: &str, program: &str, script: &str) -> Option<&'static str> {
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let facts = Facts { name: name.to_owned(), program: path(program), script: path(script) };
    facts.client(platform).map(|client| client.id)
}

#[rstest]
#[case("claude", "/home/a/.local/share/claude/versions/2.1.329", "", Some("claude-code"))]
#[case("claude", "", "", Some("claude-code"))]
#[case::the_desktops_own_copy("claude", "/home/a/.config/Claude/claude-code/2.1.300/claude", "", None)]
#[case::an_extensions_copy("claude", "/home/a/.vscode/extensions/anthropic.claude-code-2/bin/claude", "", None)]
#[case::an_extensions_copy("codex", "/home/a/.vscode/extensions/openai.chatgpt-1/bin/codex", "", None)]
#[case("claude-desktop", "/usr/lib/claude-desktop/claude-desktop", "", Some("claude-desktop"))]
#[case::appimage("cursor", "/tmp/.mount_CursorX1/usr/share/cursor/cursor", "", Some("cursor"))]
#[case::snap("code", "/snap/code/200/usr/share/code/code", "", Some("vscode"))]
#[case::flatpak("zed-editor", "/app/libexec/zed-editor", "", Some("zed"))]
#[case::node(
    "MainThread",
    "/usr/bin/node",
    "/usr/lib/node_modules/@google/gemini-cli/dist/index.js",
    Some("gemini-cli")
)]
#[case::other_node("node", "/usr/bin/node", "/usr/lib/node_modules/@google/gemini-cli-tools/index.js", None)]
#[case::node_alone("node", "/usr/bin/node", "", None)]
#[case::case_counts("Codex", "/usr/bin/Codex", "", None)]
#[case::an_extension_has_no_process("code-helper", "/usr/share/code/x", "", None)]
fn linux_processes_are_the_apps_they_seem(
    #[case] name: &str,
    #[case] program: &str,
    #[case] script: &str,
    #[case] wanted: Option<&str>,
) {
    assert_eq!(app(Platform::Linux, name, program, script), wanted);
}

#[rstest]
#[case("Claude", "/Applications/Claude.app/Contents/MacOS/Claude", Some("claude-desktop"))]
#[case::helper(
    "Claude Helper",
    "/Applications/Claude.app/Contents/Frameworks/Claude Helper.app/Contents/MacOS/Claude Helper",
    Some("claude-desktop")
)]
#[case::named_after_its_base(
    "Electron",
    "/Applications/Visual Studio Code.app/Contents/MacOS/Electron",
    Some("vscode")
)]
#[case::another_base("Electron", "/Applications/Something.app/Contents/MacOS/Electron", None)]
#[case("claude", "/Users/a/.local/share/claude/versions/2.1.329", Some("claude-code"))]
#[case("Code - Insiders Helper", "", Some("vscode-insiders"))]
fn macos_processes_are_known_by_their_bundle(#[case] name: &str, #[case] program: &str, #[case] wanted: Option<&str>) {
    assert_eq!(app(Platform::MacOs, name, program, ""), wanted);
}

#[rstest]
#[case(
    "Claude.exe",
    r"C:\Program Files\WindowsApps\Claude_1.1.4498.0_x64__pzs8sxrjxfjjc\app\Claude.exe",
    Some("claude-desktop")
)]
#[case("claude.exe", r"C:\Users\a\AppData\Local\AnthropicClaude\app-0.14.1\claude.exe", Some("claude-desktop"))]
#[case("claude.exe", r"C:\Users\a\.local\bin\claude.exe", Some("claude-code"))]
#[case::which_one("claude.exe", "", None)]
#[case("Cursor.exe", r"C:\Users\a\AppData\Local\Programs\cursor\Cursor.exe", Some("cursor"))]
fn windows_tells_two_programs_of_one_name_by_their_place(
    #[case] name: &str,
    #[case] program: &str,
    #[case] wanted: Option<&str>,
) {
    assert_eq!(app(Platform::Windows, name, program, ""), wanted);
}

/// A program that everything is known of, and that may be asked to quit.
fn instance() -> Instance {
    Instance {
        pid: 100,
        start: 1,
        program: Some(PathBuf::from("/usr/lib/x/x")),
        args: vec!["--flag".into(), "claude://sign-in/secret".into()],
        folder: None,
        env: BTreeMap::from([("HOME".into(), "/home/a".into())]),
        alone: true,
        electron: true,
        takes_quit: true,
        around_us: false,
        bundle: Some("com.example.x".to_owned()),
    }
}

#[rstest]
#[case("claude-desktop")]
#[case("cursor")]
#[case("windsurf")]
#[case("lm-studio")]
fn linux_asks_a_window_to_quit_and_starts_the_same_program(#[case] client: &str) {
    let start = Start::Again { program: PathBuf::from("/usr/lib/x/x"), args: vec!["--flag".into()] };
    let planned = plan(find(client).expect("an app"), &instance(), Platform::Linux);
    assert_eq!(planned, Reopen::Steps { quit: Quit::Signal, start });
}

#[rstest]
#[case::asked_before(|x: &mut Instance| x.takes_quit = false)]
#[case::not_electron(|x: &mut Instance| x.electron = false)]
#[case::two_of_them(|x: &mut Instance| x.alone = false)]
#[case::it_started_us(|x: &mut Instance| x.around_us = true)]
#[case::unreadable(|x: &mut Instance| x.program = None)]
#[case::no_environment(|x: &mut Instance| x.env.clear())]
#[case::appimage(|x: &mut Instance| x.program = Some("/tmp/.mount_x/x".into()))]
#[case::snap(|x: &mut Instance| x.program = Some("/snap/x/1/x".into()))]
fn linux_leaves_to_the_user_what_is_not_surely_safe(#[case] spoil: fn(&mut Instance)) {
    let mut instance = instance();
    spoil(&mut instance);
    let planned = |client| plan(find(client).expect("an app"), &instance, Platform::Linux);
    assert_eq!(planned("claude-desktop"), Reopen::Words(ByHand::Tray));
    assert_eq!(planned("cursor"), Reopen::Words(ByHand::Windows));
}

#[test]
fn macos_asks_through_the_system() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let planned = |instance: &Instance| plan(find("claude-desktop").expect("an app"), instance, Platform::MacOs);
    let quit = Quit::Command(words(&["/usr/bin/osascript", "-e", "tell application id \"com.example.x\" to quit"]));
    let start = Start::Command(words(&["/usr/bin/open", "-b", "com.example.x"]));
    assert_eq!(planned(&instance()), Reopen::Steps { quit, start });
    let odd = Instance { bundle: Some("x\" to do shell script \"rm".to_owned()), ..instance() };
    assert_eq!(planned(&odd), Reopen::Words(ByHand::Tray));
}

#[rstest]
#[case("claude-desktop", ByHand::Tray)]
#[case("cursor", ByHand::Windows)]
fn windows_leaves_it_to_the_user(#[case] client: &str, #[case] words: ByHand) {
    assert_eq!(plan(find(client).expect("an app"), &instance(), Platform::Windows), Reopen::Words(words));
}

#[rstest]
#[case("claude-code", "/exit")]
#[case("codex", "/quit")]
#[case("gemini-cli", "/quit")]
#[case("copilot-cli", "/exit")]
fn what_runs_in_a_terminal_is_never_ended(
    #[case] client: &str,
    #[case] command: &str,
    #[values(Platform::Linux, Platform::MacOs, Platform::Windows)] platform: Platform,
) {
    let words = ByHand::Terminal { command: command.to_owned() };
    assert_eq!(plan(find(client).expect("an app"), &instance(), platform), Reopen::Words(words));
}
