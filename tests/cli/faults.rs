//! Everything that can be wrong with a file, its folder and its disk: one line that says what and one step out of it,
//! the old bytes in place, no stray file, nothing in the history.
//!
//! Permission bits do not bind the superuser, and not every file system has quotas, so that what the system would answer
//! is put in its mouth by strace; the full disk is a real one where the system lets us make one.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use patchbay_test_support::Home;
use rstest::rstest;

use crate::{code, patchbay};

const BEFORE: &str = "# mine\nmodel = \"x\"\n";
const ADD: [&str; 10] =
    ["add", "--provider", "custom", "--name", "n", "--app", "codex", "--set", "url=http://127.0.0.1:9/mcp", "--json"];

/// Everything in a folder and below, with what is in it, but for Patchbay's own program, its locks, and the copy
/// of its state before the last change.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
        if kind.is_dir() {
            found.extend(tree(&path));
        }
        let bytes = if kind.is_file() { std::fs::read(&path).expect("readable") } else { Vec::new() };
        let name = entry.file_name();
        if !["bin", "patchbay", "locks", "state.json.bak", "state.lock"].contains(&name.to_str().expect("text"))
            && path.extension().is_none_or(|end| end != "lock")
        {
            found.push((path, bytes));
        }
    }
    found
}

/// Refused with a code, with one line that names the place and one that says what to do, and all is as before.
fn refused(home: &Home, output: &Output, expected: &str, before: &[(PathBuf, Vec<u8>)]) {
    let (exit, what) = code(output);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(what, expected, "{said}");
    assert_ne!(exit, 0);
    assert!(said.contains(home.path().to_str().expect("text")), "it names the place: {said}");
    assert!(said.trim_end().ends_with('.'), "it ends with what to do: {said}");
    let after = tree(home.path());
    let only = |these: &[(PathBuf, Vec<u8>)], those: &[(PathBuf, Vec<u8>)]| {
        these.iter().filter(|file| !those.contains(file)).map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!((only(&after, before), only(before, &after)), (vec![], vec![]), "{said}");
}

/// A home where everything was done once before, so that only the change itself is new.
fn used() -> Home {
    let home = Home::new();
    home.write("codex", BEFORE);
    assert!(patchbay(&home, &ADD, None).status.success());
    assert!(patchbay(&home, &["remove", "n"], None).status.success());
    assert_eq!(home.read("codex"), BEFORE);
    home
}

fn become_folder(file: &Path) {
    std::fs::remove_file(file).expect("removed");
    std::fs::create_dir(file).expect("made");
}

fn become_pipe(file: &Path) {
    std::fs::remove_file(file).expect("removed");
    assert!(Command::new("mkfifo").arg(file).status().expect("mkfifo").success());
}

fn become_socket(file: &Path) {
    std::fs::remove_file(file).expect("removed");
    drop(std::os::unix::net::UnixListener::bind(file).expect("bound"));
}

fn become_link(file: &Path, to: &Path) {
    std::fs::remove_file(file).expect("removed");
    symlink(to, file).expect("linked");
}

#[rstest]
#[case::folder(become_folder, "file_not_regular")]
#[case::pipe(become_pipe, "file_not_regular")]
#[case::socket(become_socket, "file_not_regular")]
#[case::device(|file: &Path| become_link(file, Path::new("/dev/null")), "file_not_regular")]
#[case::dangling(|file: &Path| become_link(file, Path::new("nowhere")), "file_dangling_link")]
#[case::circle(|file: &Path| become_link(file, file), "file_dangling_link")]
#[case::half_written(|file: &Path| std::fs::write(file, "# mine\nmodel = \"").expect("written"), "file_syntax")]
#[case::not_text(|file: &Path| std::fs::write(file, b"\xFF\xFE\x00").expect("written"), "file_encoding")]
fn what_is_no_file_of_the_apps_is_left_alone(#[case] become_that: fn(&Path), #[case] expected: &str) {
    let home = used();
    become_that(&home.file("codex"));
    let before = tree(home.path());
    refused(&home, &patchbay(&home, &ADD, None), expected, &before);
}

/// What the system answers to a call on the app's file or beside it.
#[rstest]
#[case::read_error("read", "EIO", "io")]
#[case::no_permission_to_read("openat", "EACCES", "file_unreadable")]
#[case::full("fsync", "ENOSPC", "disk_full")]
#[case::quota("fsync", "EDQUOT", "disk_full")]
#[case::write_error("fsync", "EIO", "io")]
#[case::immutable("renameat2", "EPERM", "file_read_only")]
#[case::read_only_disk("renameat2", "EROFS", "file_read_only")]
#[case::somebody_elses("fchmod", "EPERM", "file_read_only")]
fn what_the_system_refuses_is_told_and_nothing_is_changed(
    #[case] call: &str,
    #[case] errno: &str,
    #[case] expected: &str,
) {
    let home = used();
    let before = tree(home.path());
    let mut command = Command::new("strace");
    // Reading counts where it is the app's file; exchanging is the second of its kind, after a name for it is made.
    let nth = match call {
        "read" | "openat" => {
            command.arg("-P").arg(home.file("codex"));
            "1+"
        }
        "renameat2" => "2",
        _ => "1",
    };
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:error={errno}:when={nth}"), env!("CARGO_BIN_EXE_patchbay")]);
    let done = command.args(ADD).env_clear().envs(home.env()).stdin(Stdio::null()).output().expect("strace is there");
    refused(&home, &done, expected, &before);
}

#[test]
fn a_path_that_is_too_long_or_leads_through_a_file_is_told() {
    for (moved, expected) in [("x".repeat(300), "io"), (".codex/config.toml".to_owned(), "file_not_regular")] {
        let home = used();
        let before = tree(home.path());
        let moved = home.path().join(moved);
        let place = [("CODEX_HOME", moved.to_str().expect("text"))];
        let done = crate::patchbay_in(&home, &[&ADD[..], &["--create"]].concat(), None, &place);
        refused(&home, &done, expected, &before);
    }
}

/// A small disk of our own, in a namespace where we may mount; full but for less than the change needs.
#[rstest]
#[case::the_apps(".codex")]
#[case::our_own("patchbay-data/history")]
fn a_full_disk_is_told_and_nothing_is_changed(#[case] full: &str) {
    let home = used();
    let long = format!("{BEFORE}# {}\n", "x".repeat(40_000));
    home.write("codex", &long);
    let script = "set -e; cp -a \"$1\" \"$2\"; mount -t tmpfs -o size=64k,mode=700 none \"$1\"; cp -a \"$2/.\" \"$1/\"
        dd if=/dev/zero of=\"$1/filler\" bs=4096 2>/dev/null || true
        full=\"$1\"; copy=\"$2\"; shift 2; set +e; \"$@\"; code=$?
        rm \"$full/filler\"; diff -r \"$full\" \"$copy\" >&2 && exit $code";
    let (folder, copy) = (home.path().join(full), tempfile::tempdir().expect("a folder"));
    let inside = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(&folder).arg(copy.path().join("c"));
        command.args(args).env_clear().envs(home.env()).stdin(Stdio::null()).output().expect("unshare is there")
    };
    if !inside(&["true"]).status.success() {
        // Not everywhere may one mount; what a full disk answers is among the cases above in any case.
        return;
    }
    std::fs::remove_dir_all(copy.path().join("c")).expect("removed");
    let before = tree(home.path());
    let args = [&[env!("CARGO_BIN_EXE_patchbay")], &ADD[..]].concat();
    let done = inside(&args);
    refused(&home, &done, "disk_full", &before);
}
