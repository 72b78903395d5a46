//! The program that `patchbay bridge` becomes, and what happens where it is missing or another's.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use patchbay_test_support::Home;

use crate::{ADD, patchbay};

const REQUEST: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"initialize\",\"params\":{}}\n";

/// A folder with copies of the programs named.
fn folder(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for program in programs {
        let name = Path::new(program).file_name().expect("a name");
        std::fs::copy(program, folder.path().join(name)).expect("copied");
    }
    folder
}

/// A bridge that has answered; the answer names the connection that is not there.
fn answered(home: &Home, program: &Path) -> Child {
    let mut command = Command::new(program);
    command.args(["bridge", "nobody"]).env_clear().envs(home.env());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    child.stdin.as_mut().expect("its input").write_all(REQUEST.as_bytes()).expect("written");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("an answer");
    assert!(line.contains("unknown_connection"), "{line}");
    child
}

/// Which program a process is.
fn program_of(child: &Child) -> PathBuf {
    std::fs::read_link(format!("/proc/{}/exe", child.id())).expect("a process")
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

const WHOLE: &str = env!("CARGO_BIN_EXE_patchbay");
const LEAN: &str = env!("CARGO_BIN_EXE_patchbay-bridge");

#[test]
fn a_bridge_becomes_the_program_beside_it_and_does_without_where_there_is_none() {
    let home = Home::new();
    for (programs, name) in [(&[WHOLE, LEAN][..], "patchbay-bridge"), (&[WHOLE], "patchbay")] {
        let folder = folder(programs);
        let child = answered(&home, &folder.path().join("patchbay"));
        assert_eq!(program_of(&child), folder.path().join(name));
        end(child);
    }
}

#[test]
fn a_program_of_another_version_gives_the_work_back() {
    let home = Home::new();
    let folder = folder(&[WHOLE, LEAN]);
    // What it hands over is said in another version.
    let lean = folder.path().join("patchbay-bridge");
    std::fs::rename(&lean, folder.path().join("lean")).expect("moved");
    let script = format!("#!/bin/sh\nshift\nexec '{}/lean' 0.0.0 \"$@\"\n", folder.path().display());
    std::fs::write(&lean, script).expect("written");
    std::fs::set_permissions(&lean, std::fs::Permissions::from_mode(0o755)).expect("set");
    let child = answered(&home, &folder.path().join("patchbay"));
    assert_eq!(program_of(&child), folder.path().join("patchbay"));
    end(child);
}

#[test]
fn words_that_do_not_fit_are_answered_by_the_whole_program() {
    let home = Home::new();
    let run = |words: &[&str]| {
        let output =
            Command::new(WHOLE).arg("bridge").args(words).env_clear().envs(home.env()).output().expect("it runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, help) = run(&["--help"]);
    assert!(code == Some(0) && help.contains("Usage: patchbay bridge"), "{help}");
    let (code, said) = run(&["one", "two"]);
    assert!(code == Some(2) && said.contains("two"), "{said}");
    assert_eq!(run(&[]).0, Some(2));
    let (code, said) = run(&["--url", "no address"]);
    assert!(code == Some(2) && said.lines().count() == 1, "{said}");
    let own = Command::new(LEAN).env_clear().envs(home.env()).output().expect("it runs");
    assert_eq!(own.status.code(), Some(2), "by itself it is as patchbay bridge without a connection");
}

#[test]
fn both_are_installed_and_one_that_is_gone_is_taken_away() {
    let home = Home::new();
    home.write("codex", "");
    patchbay(&home, &ADD, None);
    let own = home.data().join("bin");
    let same = |name: &str, program: &str| {
        std::fs::read(own.join(name)).expect("a program") == std::fs::read(program).expect("a program")
    };
    assert!(same("patchbay", WHOLE) && same("patchbay-bridge", LEAN));
    let alone = folder(&[WHOLE]);
    let install = Command::new(alone.path().join("patchbay")).arg("install").env_clear().envs(home.env()).output();
    assert!(install.expect("it runs").status.success());
    assert!(own.join("patchbay").exists() && !own.join("patchbay-bridge").exists());
}
