//! The program that `patchbay bridge` becomes, and what happens where it is missing, damaged or another's.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

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
    answered_to(home, program, &["bridge", "nobody"])
}

fn answered_to(home: &Home, program: &Path, words: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(words).env_clear().envs(home.env());
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
    let child = answered_to(&home, &folder.path().join("patchbay-bridge"), &["0.0.0", "nobody"]);
    assert_eq!(program_of(&child), folder.path().join("patchbay"));
    end(child);
}

#[test]
fn where_a_proxy_script_is_set_the_work_goes_to_the_program_that_can_run_it() {
    let home = Home::new();
    let folder = folder(&[WHOLE, LEAN]);
    let config = home.path().join(".config");
    std::fs::create_dir_all(&config).expect("made");
    for (script, name) in [("https://wpad.example/proxy.pac", "patchbay"), ("", "patchbay-bridge")] {
        let settings = format!("[Proxy Settings]\nProxyType=2\nProxy Config Script={script}\n");
        std::fs::write(config.join("kioslaverc"), settings).expect("written");
        let child = answered(&home, &folder.path().join("patchbay"));
        assert_eq!(program_of(&child), folder.path().join(name), "{script}");
        end(child);
    }
}

#[test]
fn a_damaged_program_beside_it_breaks_no_connection() {
    let home = Home::new();
    let folder = folder(&[WHOLE, LEAN]);
    let lean = folder.path().join("patchbay-bridge");
    let file = || File::options().write(true).open(&lean).expect("the program");
    let length = file().metadata().expect("its size").len();
    let mode = |mode| std::fs::set_permissions(&lean, std::fs::Permissions::from_mode(mode)).expect("set");
    let write = |at, bytes: &[u8]| file().write_all_at(bytes, at).expect("written");
    let replace = |with: &dyn Fn()| std::fs::remove_file(&lean).map(|()| with()).expect("removed");
    // Each on top of the one before.
    let damages: [(&str, &dyn Fn()); 9] = [
        ("not to be run", &|| mode(0o644)),
        ("for another machine", &|| {
            mode(0o755);
            write(18, b"\xff\xff");
        }),
        ("cut at the end", &|| {
            replace(&|| drop(std::fs::copy(LEAN, &lean)));
            file().set_len(length - 1).expect("cut");
        }),
        ("cut in the middle", &|| file().set_len(length / 2).expect("cut")),
        ("with no more than its first words", &|| file().set_len(30).expect("cut")),
        ("empty", &|| file().set_len(0).expect("cut")),
        ("a script", &|| write(0, b"#!/bin/sh\nexit 1\n")),
        ("a link to nothing", &|| replace(&|| std::os::unix::fs::symlink("nothing", &lean).expect("linked"))),
        ("a folder", &|| replace(&|| std::fs::create_dir(&lean).expect("made"))),
    ];
    for (name, damage) in damages {
        damage();
        let child = answered(&home, &folder.path().join("patchbay"));
        assert_eq!(program_of(&child), folder.path().join("patchbay"), "{name}");
        end(child);
    }
}

#[test]
fn an_app_that_no_longer_reads_ends_no_bridge_by_a_signal() {
    let home = Home::new();
    for programs in [&[WHOLE, LEAN][..], &[WHOLE]] {
        let folder = folder(programs);
        let mut child = answered(&home, &folder.path().join("patchbay"));
        drop(child.stdout.take());
        child.stdin.as_mut().expect("its input").write_all(REQUEST.as_bytes()).expect("written");
        end(child);
    }
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

#[test]
fn installed_programs_that_were_written_to_since_are_put_right() {
    let home = Home::new();
    let source = folder(&[WHOLE, LEAN]);
    let own = home.data().join("bin");
    for name in ["patchbay", "patchbay-bridge"] {
        let file = File::open(source.path().join(name)).expect("a program");
        file.set_modified(SystemTime::now() - Duration::from_hours(24)).expect("set");
    }
    let install = || {
        let mut command = Command::new(source.path().join("patchbay"));
        let output = command.arg("install").env_clear().envs(home.env()).output().expect("it runs");
        assert!(output.status.success());
        ["patchbay", "patchbay-bridge"].map(|name| std::fs::metadata(own.join(name)).expect("a program").ino())
    };
    let first = install();
    assert_eq!(install(), first, "what is whole is left alone");
    for name in ["patchbay", "patchbay-bridge"] {
        let whole = std::fs::read(source.path().join(name)).expect("a program");
        let there = own.join(name);
        let file = || File::options().write(true).open(&there).expect("a program");
        let damages: [&dyn Fn(); 3] = [
            &|| file().write_all_at(&[0; 4096], 4096).expect("written"),
            &|| file().set_len(4096).expect("cut"),
            &|| std::fs::set_permissions(&there, std::fs::Permissions::from_mode(0o644)).expect("set"),
        ];
        for (n, damage) in damages.iter().enumerate() {
            damage();
            install();
            assert!(std::fs::read(&there).expect("a program") == whole, "{name} {n}");
            assert_eq!(std::fs::metadata(&there).expect("a program").mode() & 0o777, 0o755, "{name} {n}");
        }
    }
}

#[test]
fn an_old_program_does_not_stay_where_the_new_one_cannot_be_copied() {
    let home = Home::new();
    let source = folder(&[WHOLE]);
    let own = home.data().join("bin");
    std::fs::create_dir_all(&own).expect("made");
    std::fs::copy("/bin/false", own.join("patchbay-bridge")).expect("copied");
    // A file that cannot be read.
    std::os::unix::fs::symlink("/proc/self/mem", source.path().join("patchbay-bridge")).expect("linked");
    let mut command = Command::new(source.path().join("patchbay"));
    assert!(command.arg("install").env_clear().envs(home.env()).output().expect("it runs").status.success());
    let child = answered(&home, &own.join("patchbay"));
    assert_eq!(program_of(&child), own.join("patchbay"));
    end(child);
}
