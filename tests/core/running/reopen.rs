use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use patchbay_core::api::message::{Answer, Connect, Place, Request};
use patchbay_core::api::view::RestartView;
use patchbay_core::client::find;
use patchbay_core::process::{ByHand, Facts, Failure, Reopen, carry_out, instance, plan};
use patchbay_core::{Code, Platform};

use crate::api::world;

/// An app in a folder of its own: a shell under the app's name, whose script keeps a log. It ends by itself in time.
struct App {
    folder: tempfile::TempDir,
    child: Child,
}

impl App {
    fn start(name: &str, on_quit: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("resources/app")).expect("made");
        let program = folder.path().join(name);
        std::fs::copy("/bin/sh", &program).expect("copied");
        let log = "echo \"started $$ $HOME $1\" >> log";
        let script = format!("{on_quit}\n{log}\nn=0; while [ $n -lt 600 ]; do n=$((n + 1)); sleep 0.05; done\n");
        std::fs::write(folder.path().join("script"), script).expect("written");
        let mut command = Command::new(&program);
        command.args(["./script", "--flag"]).current_dir(folder.path()).env("HOME", folder.path());
        let child = command.stdin(Stdio::null()).spawn().expect("it starts");
        let app = Self { folder, child };
        app.wait_for(1, "started");
        app
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lines(&self, word: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().filter(|line| line.starts_with(word)).map(str::to_owned).collect()
    }

    fn wait_for(&self, count: usize, word: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.lines(word).len() < count {
            assert!(Instant::now() < end, "{word} is not in its log: {:?}", self.lines(""));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Reopens it as Windsurf, as far as `patience` goes.
    fn reopen(&self, patience: Duration) -> Result<(), Failure> {
        let instance = instance(self.child.id()).expect("it runs");
        let plan = plan(find("windsurf").expect("an app"), &instance, Platform::Linux);
        carry_out(&instance, plan, patience)
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().expect("known").is_none()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for line in self.lines("started") {
            let pid = line.split(' ').nth(1).unwrap_or_default().to_owned();
            if Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok_and(|folder| folder == self.folder.path()) {
                let _ = Command::new("kill").args(["-9", &pid]).status();
            }
        }
    }
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn an_app_that_quits_is_started_again_as_it_was() {
    let mut app = App::start("windsurf", "trap 'echo quit >> log; exit 0' TERM");
    app.reopen(LONG).expect("reopened");
    app.wait_for(2, "started");
    assert!(!app.runs(), "the first one has ended");
    assert_eq!(app.lines("quit").len(), 1);
    let said: Vec<_> = app.lines("started").iter().map(|line| line.splitn(3, ' ').nth(2).map(str::to_owned)).collect();
    assert_eq!(said[0], said[1], "the same home, folder and arguments");
    assert!(said[0].as_ref().is_some_and(|said| said.ends_with("--flag")));
}

#[test]
fn an_app_that_declines_goes_on_and_is_not_asked_a_second_time_at_once() {
    let mut app = App::start("windsurf", "trap 'echo asked >> log; trap - TERM' TERM");
    assert!(matches!(app.reopen(Duration::from_secs(1)), Err(Failure::StillRuns)));
    app.wait_for(1, "asked");
    // As in Electron, a second signal would end it without a question.
    assert!(matches!(app.reopen(LONG), Err(Failure::ByHand(ByHand::Windows))));
    assert!(app.runs());
    assert_eq!(app.lines("started").len(), 1);
}

#[test]
fn a_program_that_would_be_killed_by_the_question_is_not_asked() {
    let mut app = App::start("windsurf", ":");
    assert!(matches!(app.reopen(LONG), Err(Failure::ByHand(ByHand::Windows))));
    assert!(app.runs());
}

#[test]
fn an_app_whose_program_is_gone_is_not_said_to_be_open() {
    let app = App::start("windsurf", "trap 'exit 0' TERM");
    std::fs::remove_file(app.program("windsurf")).expect("removed");
    assert!(matches!(app.reopen(LONG), Err(Failure::NotStarted(_))));
}

#[test]
fn a_program_that_was_replaced_while_it_ran_is_known_and_the_new_one_is_started() {
    let app = App::start("windsurf", "trap 'exit 0' TERM");
    let program = app.program("windsurf");
    std::fs::remove_file(&program).expect("removed");
    std::fs::copy("/bin/sh", &program).expect("copied");
    assert_eq!(instance(app.child.id()).expect("it runs").program, Some(program));
    app.reopen(LONG).expect("reopened");
    app.wait_for(2, "started");
}

#[test]
fn a_process_that_has_ended_is_no_instance() {
    let mut app = App::start("windsurf", ":");
    let asked = instance(app.child.id()).expect("it runs");
    app.child.kill().expect("killed");
    std::thread::sleep(Duration::from_millis(100));
    assert!(instance(app.child.id()).is_none(), "not even before its result was taken");
    let failed = carry_out(&asked, plan(find("windsurf").expect("an app"), &asked, Platform::Linux), LONG);
    assert!(failed.is_err());
    assert_eq!(Facts::default().client(Platform::Linux).map(|client| client.id), None);
}

#[tokio::test]
async fn an_app_runs_with_old_settings_from_a_change_until_it_is_taken_back() {
    let world = world().await;
    std::fs::create_dir_all(world.home.path().join(".aws/amazonq")).expect("made");
    let _app = App::start("qchat", ":");
    let seen = |snapshot: patchbay_core::api::Snapshot| {
        snapshot.apps.into_iter().find(|app| app.id == "amazon-q").expect("an app")
    };
    let patchbay = crate::api::open(&world.home, &world.keychain, || Timestamp::now() + 5.seconds());
    let before = seen(patchbay.snapshot().expect("a snapshot"));
    assert!(before.running && before.installed && before.since.is_some() && before.restart.is_none());
    let place = Place {
        client: "amazon-q".to_owned(),
        scope: patchbay_core::client::Scope::User,
        wiring: None,
        token: None,
        create: false,
    };
    let connect = Connect {
        provider: "custom".to_owned(),
        name: "Notes".to_owned(),
        settings: [("url".to_owned(), "http://127.0.0.1:9/mcp".to_owned())].into(),
        places: vec![place],
        token: None,
        overrule: false,
    };
    let Answer::Connected(done) =
        patchbay.call(Request::Connect { connect, expected: None }, None).await.expect("connected")
    else {
        panic!("another answer")
    };
    let words = ByHand::Terminal { command: "/quit".to_owned() };
    let after = seen(patchbay.snapshot().expect("a snapshot"));
    assert_eq!(after.restart, Some(RestartView { reopen: false, words }));
    let refused = patchbay.call(Request::Reopen { client: "amazon-q".to_owned() }, None).await.expect_err("by hand");
    assert_eq!(refused.code, Code::ReopenByHand);
    assert!(refused.hint.is_some_and(|hint| hint.contains("/quit") && hint.contains("Amazon Q")));
    patchbay.call(Request::Undo { change: done.change }, None).await.expect("undone");
    assert_eq!(seen(patchbay.snapshot().expect("a snapshot")).restart, None, "the file is as it was read");
}

#[test]
fn a_plan_for_a_terminal_does_nothing() {
    let mut app = App::start("codex", "trap 'exit 0' TERM");
    let instance = instance(app.child.id()).expect("it runs");
    let plan = plan(find("codex").expect("an app"), &instance, Platform::Linux);
    assert!(matches!(plan, Reopen::Words(_)));
    assert!(matches!(carry_out(&instance, plan, LONG), Err(Failure::ByHand(_))));
    assert!(app.runs());
}
