//! A computer of one's own: a home, a session bus with a keychain on it, and a practice service. Everything ends with it,
//! by process id.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use patchbay_test_support::Home;
use patchbay_test_support::practice::Practice;

/// The name of Patchbay's data folder: it stands in every entry, so it has in it what dialects and shells trip over.
const DATA: &str = "Anna's \"own\" data";

/// The computer.
pub(crate) struct Machine {
    home: Home,
    children: Vec<Child>,
    said: Mutex<String>,
}

impl Machine {
    /// One without a keychain.
    pub(crate) fn new() -> Self {
        let home = Home::new();
        for folder in ["run", "work", ".gemini", ".copilot"] {
            std::fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        // In a folder that nobody trusts, Gemini CLI starts nothing.
        let trusted = serde_json::json!({ (home.path().join("work").display().to_string()): "TRUST_FOLDER" });
        std::fs::write(home.path().join(".gemini/trustedFolders.json"), trusted.to_string()).expect("written");
        Self { home, children: Vec::new(), said: Mutex::default() }
    }

    /// One with a keychain, unlocked.
    pub(crate) fn with_keychain() -> Self {
        let mut machine = Self::new();
        let mut bus = machine.command("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address", "--address", &machine.bus()]);
        machine.keep_and_hear(bus);
        let mut keyring = machine.command("gnome-keyring-daemon");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let mut keyring = keyring.stdout(Stdio::null()).spawn().expect("gnome-keyring-daemon is there");
        keyring.stdin.take().expect("its input").write_all(b"pw").expect("unlocked");
        machine.children.push(keyring);
        machine.wait_for_keychain();
        machine
    }

    /// Starts the practice service; its address and its scripts' side.
    pub(crate) fn practice(&mut self) -> (String, Practice) {
        self.practice_with(&[])
    }

    /// The same, with more arguments.
    pub(crate) fn practice_with(&mut self, args: &[&str]) -> (String, Practice) {
        let mut service = self.command(env!("CARGO_BIN_EXE_patchbay"));
        service.args(["practice", "--port", "0", "--json"]).args(args);
        let told: serde_json::Value = serde_json::from_str(&self.keep_and_hear(service)).expect("a line of JSON");
        let url = told["mcp"].as_str().expect("its address").to_owned();
        let port = url.split(['/', ':']).find_map(|part| part.parse().ok()).expect("its port");
        (url, Practice::at(port))
    }

    /// Starts a server made with `fastmcp`; its address.
    pub(crate) fn fastmcp(&mut self, kind: &str) -> String {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/server.py");
        let mut server = Command::new(tool("python/bin/python"));
        server.env_clear().envs(self.home.env()).args([script, kind, &port.to_string()]);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(server.spawn().expect("it starts"));
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        format!("http://127.0.0.1:{port}/mcp")
    }

    /// Runs Patchbay, which has to succeed; what it says.
    pub(crate) fn patchbay(&self, args: &[&str], input: &str) -> String {
        let output = self.try_patchbay(args, input);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs Patchbay.
    pub(crate) fn try_patchbay(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_patchbay"));
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
        self.heard(child.wait_with_output().expect("it ends"))
    }

    /// Starts Patchbay, which waits so many microseconds before each renaming that touches a file.
    pub(crate) fn patchbay_slow_at(&self, file: &str, microseconds: u32, args: &[&str]) -> Child {
        let mut command = self.command("strace");
        let calls = "rename,renameat,renameat2";
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-P"]);
        command.arg(self.home().join(file)).args(["-e", &format!("inject={calls}:delay_enter={microseconds}")]);
        command.arg(env!("CARGO_BIN_EXE_patchbay")).args(args).spawn().expect("strace is there")
    }

    /// Runs a real app, as it is started from a terminal in a project's folder; what it says on both outputs.
    pub(crate) fn app(&self, program: &str, args: &[&str]) -> Output {
        let output = self.app_command(program).args(args).stdout(Stdio::piped()).output();
        self.heard(output.expect("it starts"))
    }

    /// A real app, yet to be started. It knows nothing of Patchbay's folder or the session bus: the entry has to be enough.
    pub(crate) fn app_command(&self, program: &str) -> Command {
        let mut command = Command::new(tools().join(program));
        self.as_app(&mut command);
        command
    }

    /// Gives a command the environment of an app.
    pub(crate) fn as_app(&self, command: &mut Command) {
        command.env_clear().envs(self.home.env()).env_remove("PATCHBAY_DATA_DIR");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        let nowhere = "http://127.0.0.1:9";
        command.env("HTTPS_PROXY", nowhere).env("HTTP_PROXY", nowhere).env("NO_PROXY", "127.0.0.1,localhost");
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("COPILOT_AUTO_UPDATE", "false");
        command.current_dir(self.home.path().join("work"));
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }

    /// Patchbay, yet to be started.
    pub(crate) fn patchbay_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_patchbay"));
        command.args(args);
        command
    }

    /// The home folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A file in the home folder; empty where there is none.
    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.home().join(file)).unwrap_or_default()
    }

    /// All that Patchbay and the apps have said.
    pub(crate) fn said(&self) -> String {
        self.words().clone()
    }

    /// The installed program `patchbay`.
    pub(crate) fn program(&self) -> String {
        self.home().join(DATA).join("bin/patchbay").display().to_string()
    }

    fn bus(&self) -> String {
        format!("unix:path={}", self.home().join("run/bus").display())
    }

    /// A program in this computer's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.home.env()).env("PATCHBAY_DATA_DIR", self.home().join(DATA));
        command.env("XDG_RUNTIME_DIR", self.home().join("run")).env("DBUS_SESSION_BUS_ADDRESS", self.bus());
        command.env("PATCHBAY_LOG", "debug").stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts a program that goes on until the end; the first line it says.
    fn keep_and_hear(&mut self, mut command: Command) -> String {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        self.children.push(child);
        line
    }

    fn wait_for_keychain(&self) {
        let call = ["call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/", "--method"];
        let asked = ["org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"];
        let there = || {
            let output = self.command("gdbus").args(call).args(asked).output().expect("gdbus is there");
            String::from_utf8_lossy(&output.stdout).contains("true")
        };
        for _ in 0..100 {
            if there() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the keychain did not come up");
    }

    fn words(&self) -> MutexGuard<'_, String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a program said.
    pub(crate) fn heard(&self, output: Output) -> Output {
        let mut said = self.words();
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        drop(said);
        output
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            // Gone already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The folder of the real apps.
fn tools() -> PathBuf {
    let named = std::env::var_os("PATCHBAY_NPM_TOOLS").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/npm");
    let folder = named.unwrap_or_else(usual).join("node_modules/.bin");
    assert!(folder.join("gemini").exists(), "the apps are installed by `cargo xtask test apps`");
    folder
}

/// A program or folder among the tools that are no apps.
pub(crate) fn tool(place: &str) -> PathBuf {
    let named = std::env::var_os("PATCHBAY_TOOLS").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tool = named.unwrap_or(root).join(place);
    assert!(tool.exists(), "{} is missing: `cargo xtask test apps` installs it", tool.display());
    tool
}

/// Node, newer than the system's may be.
pub(crate) fn node() -> PathBuf {
    tool("python/bin/node")
}
