use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Connect, Request, TokenFacts};
use patchbay_core::secret::{Backend, Key, Secret, SecretStore, StoreStatus};
use patchbay_core::{Code, Host, Platform};
use patchbay_test_support::Home;

use crate::api::place;

#[path = "keychain_fake.rs"]
mod fake;

const CANARY: &str = "canary-b1946ac92492d2347c6235b4d2611184";
const INSIDE: &str = "PATCHBAY_TEST_INSIDE";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// What the user is told within, whatever the keychain does.
const IN_TIME: Duration = Duration::from_secs(5);

fn key() -> Key {
    Key::new("t-1", "https://example.com")
}

fn keychain() -> SecretStore {
    SecretStore::system(std::path::Path::new("/nonexistent"), Backend::Keychain)
}

/// Whether this is the test's other half, in a process whose environment leads to the bus made for it.
fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(work);
    // A keychain that never answers would be waited for.
    runtime.shutdown_background();
    done
}

/// Runs one test of this binary by itself, after `before`.
fn by_itself(home: &Home, test: &str, program: &[&str], before: &str, bus: Option<&str>) {
    let own = std::env::current_exe().expect("this test");
    let script = format!("{before}\nexec '{}' --exact keychain::{test} --nocapture", own.display());
    let mut command = Command::new("timeout");
    command.arg("60").args(program).args(["bash", "-c", &script]).env_clear().envs(home.env());
    command.env(INSIDE, "1").env("XDG_RUNTIME_DIR", home.path()).env("LANG", "C.UTF-8").stdin(Stdio::null());
    command.envs(bus.map(|address| ("DBUS_SESSION_BUS_ADDRESS", address)));
    let output = command.output().expect("it runs; `cargo xtask test` installs what is missing");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn in_real_session(test: &str, before: &str) {
    by_itself(&Home::new(), test, &["dbus-run-session", "--"], before, None);
}

/// A bus on which nothing can be started.
pub(crate) struct Bus {
    home: Home,
    pub(crate) address: String,
    daemon: Child,
}

impl Bus {
    pub(crate) fn start() -> Self {
        let home = Home::new();
        let (socket, config) = (home.path().join("bus"), home.path().join("bus.conf"));
        let address = format!("unix:path={}", socket.display());
        let text = format!(
            "<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>"
        );
        std::fs::write(&config, text).expect("written");
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg(format!("--config-file={}", config.display())).args(["--nofork", "--nopidfile"]);
        let daemon = daemon.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("dbus-daemon is installed");
        let begun = Instant::now();
        while !socket.exists() {
            assert!(begun.elapsed() < IN_TIME, "the bus comes up");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { home, address, daemon }
    }

    fn run(&self, test: &str) {
        by_itself(&self.home, test, &[], "", Some(&self.address));
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Runs one test with a keychain that answers its own question; how often it asked.
fn with_fake(test: &str, dismissed: bool) -> usize {
    let (bus, asked) = (Bus::start(), Arc::new(AtomicUsize::new(0)));
    let service = fake::serve(&bus.address, dismissed, &asked).expect("the keychain is there");
    bus.run(test);
    drop(service);
    asked.load(Ordering::Relaxed)
}

#[test]
fn the_real_keychain_keeps_reads_and_forgets() {
    if !inside() {
        let unlock = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
        return in_real_session("the_real_keychain_keeps_reads_and_forgets", unlock);
    }
    block_on(async {
        let store = keychain();
        assert_eq!(store.status().await, StoreStatus::Ready);
        store.write(&key(), &Secret::new(CANARY)).await.expect("written");
        assert_eq!(keychain().read(&key()).await.expect("read"), Some(Secret::new(CANARY)));
        assert_eq!(keychain().read_blocking(&key()).expect("read"), Some(Secret::new(CANARY)));
        store.delete(&key()).await.expect("deleted");
        assert_eq!(store.read(&key()).await.expect("read"), None);
    });
}

#[test]
fn a_locked_keychain_says_so_at_once() {
    if !inside() {
        let lock = format!(
            "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null\n\
             gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
             --method org.freedesktop.Secret.Service.Lock \"['{COLLECTION}']\" >/dev/null"
        );
        return in_real_session("a_locked_keychain_says_so_at_once", &lock);
    }
    let error = keychain().read_blocking(&key()).expect_err("locked");
    assert_eq!(error.code, Code::KeychainLocked, "{error}");
}

/// Who may not ask the user says that it is locked, and does not ask.
#[test]
fn a_background_program_never_asks_the_user() {
    if !inside() {
        return assert_eq!(with_fake("a_background_program_never_asks_the_user", true), 0);
    }
    let (begun, error) = (Instant::now(), keychain().read_blocking(&key()).expect_err("locked"));
    assert_eq!(error.code, Code::KeychainLocked, "{error}");
    assert!(begun.elapsed() < IN_TIME);
}

#[test]
fn a_question_that_is_dismissed_is_a_refusal() {
    if !inside() {
        return assert!(with_fake("a_question_that_is_dismissed_is_a_refusal", true) >= 2);
    }
    let begun = Instant::now();
    block_on(async {
        let store = keychain().prompting(Duration::from_secs(60), |_| {});
        for error in [
            store.read(&key()).await.expect_err("refused"),
            store.write(&key(), &Secret::new(CANARY)).await.expect_err("refused"),
        ] {
            assert_eq!(error.code, Code::KeychainRefused, "{error}");
            assert!(error.hint.is_some());
        }
    });
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
}

#[test]
fn a_question_that_nobody_answers_ends_in_time_and_says_why() {
    if !inside() {
        return assert_eq!(with_fake("a_question_that_nobody_answers_ends_in_time_and_says_why", false), 1);
    }
    let (begun, heard) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let hears = heard.clone();
    let hear = move |status| hears.lock().expect("a list").push((begun.elapsed() < IN_TIME, status));
    let error = block_on(async {
        let store = keychain().prompting(Duration::from_secs(4), hear);
        store.read(&key()).await.expect_err("nobody answers")
    });
    assert_eq!(error.code, Code::KeychainSlow, "{error}");
    assert!(error.message.contains("waiting for you") && error.hint.is_some(), "{error:?}");
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    let heard = heard.lock().expect("a list").clone();
    assert_eq!(heard, [(true, StoreStatus::WaitingForYou), (true, StoreStatus::Slow)]);
}

/// The window may ask the user, also after tokens were kept elsewhere for a while.
#[test]
fn the_window_asks_also_after_a_change_of_place() {
    if !inside() {
        return assert!(with_fake("the_window_asks_also_after_a_change_of_place", true) > 0);
    }
    let home = Home::new();
    home.write("codex", "");
    let host = Host {
        platform: Platform::Linux,
        home: home.path().to_path_buf(),
        env: home.env(),
        ..Host::real().expect("a machine")
    };
    let connect = Connect {
        provider: "custom".into(),
        name: "Mine".into(),
        settings: BTreeMap::from([("url".into(), "https://example.com/mcp".into())]),
        places: vec![place("codex")],
        token: Some(TokenFacts::default()),
        overrule: false,
    };
    block_on(async {
        let patchbay = Patchbay::open(host);
        patchbay.allow_prompts();
        for backend in [Backend::Vault, Backend::Keychain] {
            patchbay.call(Request::SetBackend { backend }, None).await.expect("there is nothing to move");
        }
        let connecting = Request::Connect { connect, expected: None };
        let error = patchbay.call(connecting, Some(Secret::new(CANARY))).await.expect_err("refused");
        assert_eq!(error.code, Code::KeychainRefused, "{error}");
    });
}

#[test]
fn an_absent_keychain_is_told_from_a_locked_one() {
    if !inside() {
        Bus::start().run("an_absent_keychain_is_told_from_a_locked_one");
        let nowhere = Some("unix:path=/nonexistent");
        return by_itself(&Home::new(), "an_absent_keychain_is_told_from_a_locked_one", &[], "", nowhere);
    }
    let error = keychain().read_blocking(&key()).expect_err("absent");
    assert_eq!(error.code, Code::KeychainAbsent, "{error}");
}
