use std::path::Path;

use jiff::Timestamp;
use patchbay_core::api::view::ActivityKind;
use patchbay_core::change::history::{Effect, History, Intent};
use patchbay_core::change::{Change, apply, plan, plan_undo};
use patchbay_core::client;
use patchbay_core::file::MkdirLock;
use patchbay_core::{Code, Error};
use patchbay_test_support::Home;
use serde_json::json;

fn intent() -> Intent {
    Intent {
        undoes: None,
        at: Timestamp::now(),
        kind: ActivityKind::Connected,
        connection: "notes".into(),
        name: "Notes".into(),
        effect: Effect::default(),
    }
}

fn planned(home: &Home, client: &str) -> Result<Change, Error> {
    let client = client::find(client).expect("an app");
    plan(client, &home.file(client.id), &[("notes", Some(json!({ "command": "p", "args": ["bridge", "notes"] })))])
}

fn done(home: &Home, change: Change) -> Result<(), Error> {
    apply(&[change], &intent(), &History::new(&home.data()), &home.data()).map(drop)
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_file_changed_in_between_is_left_alone() {
    let home = Home::new();
    home.write("codex", "a = 1\n");
    let change = planned(&home, "codex").expect("a plan");
    home.write("codex", "a = 2\n");
    assert_eq!(done(&home, change).expect_err("it is stale").code, Code::FileChanged);
    assert_eq!(home.read("codex"), "a = 2\n");
    assert!(History::new(&home.data()).records().is_empty());
}

#[test]
#[cfg(unix)]
fn modes_are_kept_new_files_are_private_and_links_written_through() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = Home::new();
    home.write("claude-desktop", "{}");
    std::fs::set_permissions(home.file("claude-desktop"), PermissionsExt::from_mode(0o644)).expect("set");
    done(&home, planned(&home, "claude-desktop").expect("a plan")).expect("applied");
    assert_eq!(mode(&home.file("claude-desktop")), 0o644);

    done(&home, planned(&home, "claude-code").expect("a plan")).expect("applied");
    assert_eq!(mode(&home.file("claude-code")), 0o600);

    let target = home.path().join("dotfiles-config.toml");
    std::fs::write(&target, "a = 1\n").expect("written");
    symlink(&target, home.file("codex")).expect("linked");
    done(&home, planned(&home, "codex").expect("a plan")).expect("applied");
    assert!(std::fs::symlink_metadata(home.file("codex")).expect("there").is_symlink());
    assert!(std::fs::read_to_string(&target).expect("text").contains("[mcp_servers.notes]"));
    let stray = std::fs::read_dir(home.path()).expect("a folder").filter_map(Result::ok);
    assert!(stray.into_iter().all(|file| !file.file_name().to_string_lossy().contains(".tmp")));
}

#[test]
#[cfg(unix)]
fn what_cannot_be_written_is_refused_before_anything_is_touched() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let code = |home: &Home| planned(home, "codex").expect_err("it is refused").code;
    let home = Home::new();
    home.write("codex", "a = 1\n");
    std::fs::set_permissions(home.file("codex"), PermissionsExt::from_mode(0o444)).expect("set");
    assert_eq!(code(&home), Code::FileReadOnly);

    let home = Home::new();
    symlink(home.path().join("nowhere"), home.file("codex")).expect("linked");
    assert_eq!(code(&home), Code::FileDanglingLink);

    let home = Home::new();
    std::fs::create_dir(home.file("codex")).expect("made");
    assert_eq!(code(&home), Code::FileNotRegular);

    let home = Home::new();
    let huge = std::fs::File::create(home.file("codex")).expect("made");
    huge.set_len(65 * 1024 * 1024).expect("sparse");
    assert_eq!(code(&home), Code::FileTooLarge);

    let home = Home::new();
    home.write("codex", "mcp_servers = 3\n");
    assert_eq!(code(&home), Code::FileShape);
}

#[test]
fn all_files_change_or_none() {
    let home = Home::new();
    home.write("claude-desktop", "{\"a\": 1}");
    home.write("codex", "a = 1\n");
    let changes = [planned(&home, "claude-desktop").expect("a plan"), planned(&home, "codex").expect("a plan")];
    home.write("codex", "a = 2\n");
    let refused = apply(&changes, &intent(), &History::new(&home.data()), &home.data());
    assert_eq!(refused.expect_err("one is stale").code, Code::FileChanged);
    assert_eq!(home.read("claude-desktop"), "{\"a\": 1}");
}

#[test]
fn an_undo_is_refused_where_somebody_changed_the_same_entry() {
    let home = Home::new();
    home.write("codex", "a = 1\n");
    done(&home, planned(&home, "codex").expect("a plan")).expect("applied");
    let history = History::new(&home.data());
    let mut record = history.records().remove(0);
    history.finish(&mut record).expect("finished");
    home.write("codex", &home.read("codex").replace("\"p\"", "\"q\""));
    assert_eq!(plan_undo(&record, &history).expect_err("it is refused").code, Code::UndoConflict);
}

#[test]
fn claude_codes_own_lock_is_waited_for_and_taken_over_when_stale() {
    let home = Home::new();
    home.write("claude-code", "{}");
    let lock = home.path().join(".claude.json.lock");
    std::fs::create_dir(&lock).expect("locked");
    let free = lock.clone();
    let begun = std::time::Instant::now();
    let freed = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        std::fs::remove_dir(free).expect("freed");
        std::time::Instant::now()
    });
    done(&home, planned(&home, "claude-code").expect("a plan")).expect("applied");
    assert!(std::time::Instant::now() > freed.join().expect("no panic") && begun.elapsed().as_millis() >= 300);
    assert!(!lock.exists(), "it is given back");
}

#[test]
fn clines_own_lock_bears_a_mark_and_a_forgotten_one_is_taken_over() {
    let home = Home::new();
    std::fs::create_dir_all(home.file("cline").parent().expect("a folder")).expect("made");
    home.write("cline", "{}");
    let lock = home.file("cline").with_file_name("cline_mcp_settings.json.lock");
    let held = MkdirLock::take(&lock, true).expect("taken");
    assert_eq!(std::fs::read_dir(&lock).expect("a folder").count(), 1, "a rename cannot replace it");
    drop(held);
    assert!(!lock.exists());

    std::fs::create_dir(&lock).expect("locked");
    std::fs::write(lock.join("owner.4711"), "4711").expect("marked");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::open(&lock).and_then(|folder| folder.set_modified(long_ago)).expect("set");
    done(&home, planned(&home, "cline").expect("a plan")).expect("applied");
    let left: Vec<_> = std::fs::read_dir(lock.parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "only the file is left: {left:?}");
}

/// The writer is a process of its own that changes the file over and over; it is killed at random moments.
#[test]
#[cfg(unix)]
fn a_killed_writer_leaves_the_old_file_or_the_new_one() {
    if let Some(folder) = std::env::var_os("PATCHBAY_TEST_KILLED_WRITER") {
        write_until_killed(Path::new(&folder));
    }
    let home = Home::new();
    let filler = format!("# {}\n", "x".repeat(200)).repeat(500);
    home.write("codex", &filler);
    let mut lengths = std::collections::BTreeSet::new();
    for round in 0..40 {
        let mut writer = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "change::a_killed_writer_leaves_the_old_file_or_the_new_one", "--nocapture"])
            .env("PATCHBAY_TEST_KILLED_WRITER", home.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a writer");
        std::thread::sleep(std::time::Duration::from_micros(15_000 + 1_700 * round));
        writer.kill().expect("killed");
        writer.wait().expect("ended");
        let text = home.read("codex");
        lengths.insert(text.len());
        let rest = text.strip_prefix(&filler).expect("the old bytes are there, whole");
        assert!(rest.trim().is_empty() || rest.ends_with("args = [\"bridge\", \"notes\"]\n"), "{rest:?}");
    }
    assert!(lengths.len() > 1, "some writers got that far: {lengths:?}");
}

fn write_until_killed(folder: &Path) -> ! {
    let path = folder.join(".codex/config.toml");
    let data = folder.join("patchbay-data");
    let client = client::find("codex").expect("an app");
    for round in 0.. {
        let value = json!({ "command": "p".repeat(round % 7 + 1), "args": ["bridge", "notes"] });
        let wanted = (round % 2 == 0).then_some(value);
        let change = plan(client, &path, &[("notes", wanted)]).expect("a plan");
        apply(&[change], &intent(), &History::new(&data), &data).expect("applied");
    }
    unreachable!("it is killed before it has counted so far")
}

#[test]
fn a_byte_order_mark_is_kept_where_the_app_reads_it_and_refused_where_it_does_not() {
    let home = Home::new();
    std::fs::create_dir_all(home.file("cline").parent().expect("a folder")).expect("made");
    for client in ["claude-desktop", "cline"] {
        home.write(client, "\u{feff}{}");
        let refused = planned(&home, client).expect_err("the app reads nothing of it");
        assert_eq!(refused.code, Code::FileSyntax);
        assert!(
            refused.message.contains("line 1, column 1") && refused.message.contains("byte order mark"),
            "{refused}"
        );
    }
    home.write("claude-code", "\u{feff}{}");
    done(&home, planned(&home, "claude-code").expect("a plan")).expect("applied");
    assert!(home.read("claude-code").starts_with("\u{feff}{"));
}
