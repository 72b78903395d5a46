use std::sync::mpsc;
use std::time::Duration;

use patchbay_core::drift::watch::Watcher;

/// Long enough for a loaded machine; the wait ends as soon as the word comes.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn it_hears_writes_renames_and_removals_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "a").expect("written");
    let (send, receive) = mpsc::channel();
    let watcher = Watcher::start(vec![file.clone()], move || send.send(()).expect("heard")).expect("it watches");
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
    let _watcher = Watcher::start(vec![file.clone()], move || send.send(()).expect("heard")).expect("it watches");
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
    let _watcher = Watcher::start(vec![file.clone()], move || send.send(()).expect("heard")).expect("it watches");
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
    let _watcher = Watcher::start(vec![file.clone()], move || send.send(()).expect("heard")).expect("it watches");
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
