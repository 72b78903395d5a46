use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use patchbay_core::Platform;
use patchbay_core::drift::slow::{Mounts, Slow, is_far};
use patchbay_core::drift::watch::{Watcher, Watching};

/// Long enough for a loaded machine; the wait ends as soon as the word comes.
const SOON: Duration = Duration::from_secs(5);

/// Files on this computer's own disk, whatever that is.
fn near(paths: Vec<PathBuf>) -> Watching {
    Watching { far: Box::new(|_| BTreeSet::new()), ..Watching::files(move || paths.clone()) }
}

#[test]
fn it_hears_writes_renames_and_removals_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "a").expect("written");
    let (send, receive) = mpsc::channel();
    let watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    let hears = |what: &str| receive.recv_timeout(SOON).unwrap_or_else(|_| panic!("not heard: {what}"));

    std::fs::write(&file, "b").expect("written");
    hears("a write");
    std::fs::write(folder.path().join("new"), "c").expect("written");
    std::fs::rename(folder.path().join("new"), &file).expect("renamed");
    hears("a replacement");
    std::fs::remove_file(&file).expect("removed");
    hears("a removal");
    std::fs::write(folder.path().join("another"), "x").expect("written");
    assert!(receive.recv_timeout(Duration::from_millis(600)).is_err(), "another file is not watched");
    drop(watcher);
    std::fs::write(&file, "d").expect("written");
    assert!(receive.recv_timeout(Duration::from_millis(600)).is_err(), "nobody watches any more");
}

#[test]
fn it_hears_a_file_whose_folder_is_made_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("later/deep/config.json");
    let (send, receive) = mpsc::channel();
    let _watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    std::thread::sleep(Duration::from_millis(400));
    std::fs::write(&file, "{}").expect("written");
    receive.recv_timeout(SOON).expect("heard");
}

#[test]
fn it_hears_a_file_whose_folder_was_exchanged_for_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    for each in [&own, &other] {
        std::fs::create_dir(each).expect("made");
        std::fs::write(each.join("config.toml"), "same").expect("written");
    }
    let file = own.join("config.toml");
    let (send, receive) = mpsc::channel();
    let _watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    std::fs::rename(&own, folder.path().join("away")).expect("moved");
    std::fs::rename(&other, &own).expect("moved");
    // Whatever the exchange itself made it say.
    while receive.recv_timeout(Duration::from_millis(700)).is_ok() {}
    std::fs::write(&file, "changed").expect("written");
    receive.recv_timeout(SOON).expect("heard");
}

/// An editor's folder of extensions: the app's own is not there yet, and others write into theirs all the time.
#[test]
fn it_hears_a_folder_made_later_amid_what_others_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.extension/settings/mcp.json");
    let (send, receive) = mpsc::channel();
    let _watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    for round in 0..50 {
        std::fs::write(folder.path().join("state.db"), round.to_string()).expect("written");
    }
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    std::fs::write(folder.path().join("state.db"), "more").expect("written");
    std::thread::sleep(Duration::from_millis(400));
    std::fs::write(&file, "{}").expect("written");
    receive.recv_timeout(SOON).expect("heard");
    std::fs::write(folder.path().join("state.db"), "and more").expect("written");
    assert!(receive.recv_timeout(Duration::from_millis(600)).is_err(), "others are not heard");
}

#[test]
fn it_hears_a_file_that_became_a_link_and_then_what_the_link_leads_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mcp.json");
    let target = folder.path().join("dotfiles/deep/mcp.json");
    std::fs::create_dir_all(target.parent().expect("a parent")).expect("made");
    std::fs::write(&file, "{}").expect("written");
    std::fs::write(&target, "{\"a\": 1}").expect("written");
    let (send, receive) = mpsc::channel();
    let _watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    std::fs::remove_file(&file).expect("removed");
    symlink(&target, &file);
    receive.recv_timeout(SOON).expect("the link is heard");
    while receive.recv_timeout(Duration::from_millis(400)).is_ok() {}
    std::fs::write(&target, "{\"a\": 2}").expect("written");
    receive.recv_timeout(SOON).expect("the target is heard");
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).expect("a link");
}
#[cfg(windows)]
fn symlink(target: &Path, link: &Path) {
    std::os::windows::fs::symlink_file(target, link).expect("a link");
}

#[test]
fn it_hears_a_file_whose_folder_vanished_and_came_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("project/.codex/config.toml");
    let make = || std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    make();
    std::fs::write(&file, "a").expect("written");
    let (send, receive) = mpsc::channel();
    let _watcher = Watcher::start(near(vec![file.clone()]), move || send.send(()).expect("heard")).expect("it watches");
    for round in 0..3 {
        std::fs::remove_dir_all(folder.path().join("project")).expect("removed");
        receive.recv_timeout(SOON).expect("the removal is heard");
        make();
        std::thread::sleep(Duration::from_millis(300));
        std::fs::write(&file, round.to_string()).expect("written");
        receive.recv_timeout(SOON).expect("the return is heard");
        while receive.recv_timeout(Duration::from_millis(400)).is_ok() {}
    }
}

#[test]
fn a_change_without_an_event_is_noticed_where_the_file_lies_far_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, far) = (folder.path().join("own"), folder.path().join("far"));
    for each in [&own, &far] {
        std::fs::create_dir(each).expect("made");
        std::fs::write(each.join("real.json"), "a").expect("written");
    }
    // A second name of the same file: a write through it makes no event in the folder that is watched.
    let (near, hidden) = (own.join("mcp.json"), far.join("mcp.json"));
    std::fs::hard_link(far.join("real.json"), &hidden).expect("a second name");
    std::fs::hard_link(far.join("real.json"), &near).expect("a third name");
    let heard = |is_far: bool| {
        let (file, far) = (near.clone(), near.clone());
        let watching = Watching {
            paths: Box::new(move || vec![file.clone()]),
            far: Box::new(move |_| if is_far { BTreeSet::from([far.clone()]) } else { BTreeSet::new() }),
            every: Duration::from_millis(100),
        };
        let (send, receive) = mpsc::channel();
        let watcher = Watcher::start(watching, move || send.send(()).unwrap_or_default()).expect("it watches");
        let slow = watcher.slow().read().expect("not poisoned").get(&near).copied();
        std::fs::write(&hidden, format!("changed {is_far}")).expect("written");
        (receive.recv_timeout(Duration::from_millis(1500)).is_ok(), slow)
    };
    assert_eq!(heard(false), (false, None), "no event comes, and nothing polls");
    assert_eq!(heard(true), (true, Some(Slow::NetworkFolder)));
}

#[test]
fn files_that_become_known_later_are_watched_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    let other = folder.path().join("project/.mcp.json");
    std::fs::create_dir_all(other.parent().expect("a parent")).expect("made");
    std::fs::write(&list, "nothing").expect("written");
    let (first, second) = (list.clone(), other.clone());
    let paths = move || {
        let known = std::fs::read_to_string(&first).is_ok_and(|text| text == "project");
        [Some(first.clone()), known.then(|| second.clone())].into_iter().flatten().collect()
    };
    let (send, receive) = mpsc::channel();
    let watching = Watching { far: Box::new(|_| BTreeSet::new()), ..Watching::files(paths) };
    let _watcher = Watcher::start(watching, move || send.send(()).unwrap_or_default()).expect("it watches");
    std::fs::write(&list, "project").expect("written");
    receive.recv_timeout(SOON).expect("heard");
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(&other, "{}").expect("written");
    receive.recv_timeout(SOON).expect("heard");
}

#[test]
fn folders_on_other_computers_are_told_by_their_file_system() {
    let path = Path::new("/home/user/.claude.json");
    for kind in ["nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "drvfs", "vboxsf", "fuse.rclone"] {
        assert!(is_far(Platform::Linux, kind, path), "{kind}");
    }
    for kind in ["ext4", "btrfs", "tmpfs", "overlay", "fuse.gocryptfs", "ecryptfs", "fuseblk", ""] {
        assert!(!is_far(Platform::Linux, kind, path), "{kind}");
    }
    assert!(is_far(Platform::MacOs, "smbfs", path) && !is_far(Platform::MacOs, "apfs", path));
    let shares = [r"\\nas\home\x", r"\\wsl$\Ubuntu\home\ana", r"\\wsl.localhost\Debian\x", r"\\?\UNC\nas\x", "//nas/x"];
    for share in shares {
        assert!(is_far(Platform::Windows, "", Path::new(share)), "{share}");
    }
    for own in [r"C:\Users\ana\x", r"\\?\C:\Users\ana\x"] {
        assert!(!is_far(Platform::Windows, "", Path::new(own)), "{own}");
    }
}

#[test]
fn the_nearest_mount_above_a_file_counts() {
    let linux = "21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
                 40 21 0:50 / /home/user/my\\040work rw,nosuid - fuse.sshfs ana@host:/ rw\n\
                 41 21 0:51 / /mnt/c rw,noatime - 9p C:\\ rw,dirsync\n\
                 42 41 0:52 / /mnt/c/fast rw - ext4 /dev/sdb rw\n";
    let mounts = Mounts::of_mountinfo(linux);
    let kind = |path: &str| mounts.kind(Path::new(path)).to_owned();
    assert_eq!(kind("/home/user/.claude.json"), "ext4");
    assert_eq!(kind("/home/user/my work/.mcp.json"), "fuse.sshfs");
    assert_eq!(kind("/home/user/my workshop/.mcp.json"), "ext4");
    assert_eq!((kind("/mnt/c/Users/ana/x"), kind("/mnt/c/fast/x")), ("9p".to_owned(), "ext4".to_owned()));
    let mac = "/dev/disk3s1s1 on / (apfs, sealed, local)\n//ana@nas/home (old) on /Volumes/home (old) (smbfs, nodev)\n";
    let mounts = Mounts::of_mount(mac);
    assert_eq!(mounts.kind(Path::new("/Volumes/home (old)/.claude.json")), "smbfs");
    assert_eq!(mounts.kind(Path::new("/Users/ana/.claude.json")), "apfs");
}

/// How often the other threads of this process have waited since they were started, as the system counts it.
#[cfg(target_os = "linux")]
fn wakes() -> u64 {
    let own = std::fs::read_link("/proc/thread-self").expect("a thread");
    let main = std::process::id().to_string();
    let other = |path: &PathBuf| path.file_name() != own.file_name() && path.file_name().is_none_or(|id| *id != *main);
    let threads = std::fs::read_dir("/proc/self/task").expect("threads").filter_map(|entry| Some(entry.ok()?.path()));
    let waits = threads.filter(other).map(|thread| {
        let status = std::fs::read_to_string(thread.join("status")).unwrap_or_default();
        let of =
            |key: &str| status.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok()).unwrap_or(0);
        of("voluntary_ctxt_switches:") + of("nonvoluntary_ctxt_switches:")
    });
    waits.sum()
}

/// Set for a process that runs one test alone.
#[cfg(target_os = "linux")]
const ALONE: &str = "PATCHBAY_ALONE";

/// Alone in a process of its own, started by the next test.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "counts the whole process' threads"]
fn at_rest_alone() {
    // Whoever runs all ignored tests runs this one beside others, whose threads it would count.
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<PathBuf> = (0..20).map(|n| folder.path().join(format!("app-{n}/mcp.json"))).collect();
    for file in &files {
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        std::fs::write(file, "{}").expect("written");
    }
    let (send, receive) = mpsc::channel();
    let changed = files[7].clone();
    let _watcher = Watcher::start(near(files), move || send.send(()).unwrap_or_default()).expect("it watches");
    std::thread::sleep(Duration::from_millis(500));
    let before = wakes();
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(10));
    let woken = wakes() - before;
    std::fs::write(changed, "changed").expect("written");
    receive.recv_timeout(SOON).expect("it still listens");
    println!("{woken} wake-ups in {} s, {} after a change", begun.elapsed().as_secs(), wakes() - before);
    assert_eq!(woken, 0);
    assert!(wakes() > before, "the count counts");
}

#[cfg(target_os = "linux")]
#[test]
fn twenty_files_at_rest_wake_nobody() {
    let own = std::env::current_exe().expect("this program");
    let ran = std::process::Command::new(own)
        .args(["--exact", "watch::at_rest_alone", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("0 wake-ups in 10 s"), "{said}");
}
