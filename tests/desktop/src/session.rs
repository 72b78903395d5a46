//! A desktop session of its own: display, bus, keychain, window manager, panel, notifications. Everything in it ends
//! with it, by process id.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// The session.
pub(crate) struct Session {
    home: tempfile::TempDir,
    env: BTreeMap<String, String>,
    children: Vec<Child>,
    pictures: PathBuf,
    taken: std::cell::Cell<u32>,
}

impl Session {
    /// Starts everything and waits until it is there.
    pub(crate) async fn start() -> Result<Self> {
        let mut session = Self::new()?;
        session.display().await?;
        session.keychain().await?;
        session.desktop().await?;
        Ok(session)
    }

    /// A session with nothing to look at: a bus and a keychain.
    pub(crate) async fn with_keychain() -> Result<Self> {
        let mut session = Self::new()?;
        session.keychain().await?;
        Ok(session)
    }

    fn new() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("patchbay-journey-").tempdir()?;
        let pictures = PathBuf::from("target/tour");
        let path = |name: &str| home.path().join(name).display().to_string();
        let env = BTreeMap::from([
            ("HOME".to_owned(), home.path().display().to_string()),
            ("PATH".to_owned(), format!("{}:{}", path("browser"), std::env::var("PATH").unwrap_or_default())),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("XDG_RUNTIME_DIR".to_owned(), path("run")),
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), format!("unix:path={}", path("run/bus"))),
            // A virtual display has no graphics card to share pictures with.
            ("WEBKIT_DISABLE_DMABUF_RENDERER".to_owned(), "1".to_owned()),
            ("NO_AT_BRIDGE".to_owned(), "1".to_owned()),
            // Talkative, so that the search for tokens has something to search.
            ("PATCHBAY_LOG".to_owned(), "debug".to_owned()),
        ]);
        let session = Self { home, env, children: Vec::new(), pictures, taken: std::cell::Cell::new(0) };
        session.folders()?;
        Ok(session)
    }

    fn folders(&self) -> Result<()> {
        for folder in ["run", "browser", ".config/Claude", ".config/dunst", ".codex", ".claude"] {
            std::fs::create_dir_all(self.home().join(folder))?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(self.home().join("run"), PermissionsExt::from_mode(0o700))?;
            let script = self.home().join("notified.sh");
            executable(
                &script,
                "#!/bin/sh\nprintf '%s|%s\\n' \"$DUNST_SUMMARY\" \"$DUNST_BODY\" >> \"$HOME/notified\"\n",
            )?;
            executable(&self.home().join("browser/xdg-open"), &browser()?)?;
            let rule = format!("[all]\nsummary = \"*\"\nscript = \"{}\"\n", script.display());
            std::fs::write(self.home().join(".config/dunst/dunstrc"), rule)?;
        }
        Ok(())
    }

    async fn display(&mut self) -> Result<()> {
        let mut display = self.command("Xvfb");
        display.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let number = self.spawn_and_read(display).await.context("Xvfb")?;
        self.env.insert("DISPLAY".to_owned(), format!(":{number}"));
        Ok(())
    }

    async fn keychain(&mut self) -> Result<()> {
        let mut bus = self.command("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address", "--address"]).arg(&self.env["DBUS_SESSION_BUS_ADDRESS"]);
        self.spawn_and_read(bus).await.context("dbus-daemon")?;
        let mut keyring = self.command("gnome-keyring-daemon");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let mut keyring = keyring.spawn().context("gnome-keyring-daemon")?;
        keyring.stdin.take().context("its input")?.write_all(b"pw").await?;
        self.children.push(keyring);
        self.wait_for_name("org.freedesktop.secrets").await
    }

    async fn desktop(&mut self) -> Result<()> {
        for program in ["openbox", "dunst"] {
            let child = self.command(program).spawn().with_context(|| program.to_owned())?;
            self.children.push(child);
        }
        let panel = self.command("xfce4-panel").arg("--disable-wm-check").spawn().context("xfce4-panel")?;
        self.children.push(panel);
        for name in ["org.freedesktop.Notifications", "org.kde.StatusNotifierWatcher"] {
            self.wait_for_name(name).await?;
        }
        Ok(())
    }

    async fn wait_for_name(&self, name: &str) -> Result<()> {
        for _ in 0..100 {
            let call = ["call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/", "--method"];
            let asked =
                self.output(self.command("gdbus").args(call).args(["org.freedesktop.DBus.NameHasOwner", name])).await?;
            if asked.contains("true") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{name} did not come up")
    }

    /// Starts a program that goes on until the session ends, and returns the first line it says.
    pub(crate) async fn spawn_and_read(&mut self, mut command: Command) -> Result<String> {
        let (child, line) = self.start_and_read(&mut command).await?;
        self.children.push(child);
        Ok(line)
    }

    /// Starts a program and returns the first line it says.
    pub(crate) async fn start_and_read(&self, command: &mut Command) -> Result<(Child, String)> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let line =
            tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await??.context("it ended at once")?;
        Ok((child, line))
    }

    /// This session's environment.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// A command in this session's environment and nothing else's.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(self.log()).stderr(self.log());
        command
    }

    /// Where everything goes that any program of the session says: a file in the home folder.
    fn log(&self) -> Stdio {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(self.home().join("said"));
        file.map_or_else(|_| Stdio::null(), Stdio::from)
    }

    /// Keeps what a program said to somebody else.
    fn keep_words(&self, words: &[u8]) -> Result<()> {
        use std::io::Write;
        Ok(std::fs::OpenOptions::new().create(true).append(true).open(self.home().join("said"))?.write_all(words)?)
    }

    /// Keeps a child until the session ends.
    pub(crate) fn keep(&mut self, child: Child) {
        self.children.push(child);
    }

    /// Runs a command and returns what it says on standard output.
    pub(crate) async fn answer(&self, command: &mut Command) -> Result<String> {
        let output = command.stdout(Stdio::piped()).output();
        let output = tokio::time::timeout(Duration::from_secs(90), output).await??;
        self.keep_words(&output.stdout)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command that reads a text, and returns what it says on both outputs.
    pub(crate) async fn output_of(&self, command: &mut Command, input: &str) -> Result<String> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("its input")?.write_all(input.as_bytes()).await?;
        let output = tokio::time::timeout(Duration::from_secs(90), child.wait_with_output()).await??;
        self.keep_words(&output.stdout)?;
        self.keep_words(&output.stderr)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(said) } else { bail!("it failed: {said}") }
    }

    /// Runs a command and returns what it says on both outputs.
    pub(crate) async fn output(&self, command: &mut Command) -> Result<String> {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = tokio::time::timeout(Duration::from_secs(90), output).await??;
        self.keep_words(&output.stdout)?;
        self.keep_words(&output.stderr)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }

    /// The home folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Patchbay's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.home().join(".local/share/patchbay")
    }

    /// The installed program.
    pub(crate) fn patchbay(&self) -> String {
        self.data().join("bin/patchbay").display().to_string()
    }

    /// Makes the pictures' folder anew.
    pub(crate) fn clear_pictures(&self) -> Result<()> {
        // Not there the first time.
        let _ = std::fs::remove_dir_all(&self.pictures);
        Ok(std::fs::create_dir_all(&self.pictures)?)
    }

    /// Takes a numbered picture of the whole screen.
    pub(crate) async fn picture(&self, name: &str) -> Result<()> {
        self.taken.set(self.taken.get() + 1);
        // What is being drawn is finished first.
        tokio::time::sleep(Duration::from_millis(350)).await;
        let file = std::env::current_dir()?.join(&self.pictures).join(format!("{:02}-{name}.png", self.taken.get()));
        self.output(self.command("import").args(["-window", "root"]).arg(&file)).await?;
        if !file.is_file() {
            bail!("no picture {}", file.display());
        }
        Ok(())
    }

    /// What the notification daemon was given.
    pub(crate) fn notifications(&self) -> String {
        std::fs::read_to_string(self.home().join("notified")).unwrap_or_default()
    }

    /// Waits until the notification daemon was given these words. The program looks at the clock every 15 seconds.
    pub(crate) async fn notified(&self, words: &str) -> Result<()> {
        for _ in 0..200 {
            if self.notifications().contains(words) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("nothing says {words:?}: {:?}", self.notifications())
    }

    /// Writes down, until what it returns is dropped, all that notifications are made of, their buttons too.
    pub(crate) fn watch_notifications(&self) -> Result<Child> {
        let calls = "interface='org.freedesktop.Notifications',member='Notify'";
        let file = std::fs::File::create(self.home().join("asked"))?;
        Ok(self.command("dbus-monitor").args(["--session", calls]).stdout(file).spawn()?)
    }

    /// Whether a notification had a button with these words.
    pub(crate) fn had_button(&self, words: &str) -> bool {
        let asked = std::fs::read_to_string(self.home().join("asked")).unwrap_or_default();
        asked.contains(&format!("string \"{words}\""))
    }

    /// Takes away every notification that is shown.
    pub(crate) async fn close_notifications(&self) -> Result<()> {
        self.dunst(&["NotificationCloseAll"]).await
    }

    /// Clicks on the notification that is shown.
    pub(crate) async fn click_notification(&self) -> Result<()> {
        self.dunst(&["NotificationAction", "0"]).await
    }

    async fn dunst(&self, words: &[&str]) -> Result<()> {
        let to = ["call", "--session", "--dest", "org.freedesktop.Notifications"];
        let at = ["--object-path", "/org/freedesktop/Notifications", "--method"];
        let method = format!("org.dunstproject.cmd0.{}", words[0]);
        let said = self.output(self.command("gdbus").args(to).args(at).arg(method).args(&words[1..])).await?;
        ensure!(!said.contains("Error"), "the notification daemon says: {said}");
        Ok(())
    }

    /// What the person at the browser does with the next page: `allow`, `refuse`, or `wait` for ever.
    pub(crate) fn decides(&self, decision: &str) -> Result<()> {
        Ok(std::fs::write(self.home().join("decision"), decision)?)
    }

    /// How many pages the browser was given.
    pub(crate) fn opened(&self) -> usize {
        std::fs::read_to_string(self.home().join("opened")).map_or(0, |pages| pages.lines().count())
    }

    /// The labels of the tray icon's menu, read over the bus as a panel reads them.
    pub(crate) async fn tray_menu(&self) -> Result<String> {
        let watcher =
            ["call", "--session", "--dest", "org.kde.StatusNotifierWatcher", "--object-path", "/StatusNotifierWatcher"];
        let asked = [
            "--method",
            "org.freedesktop.DBus.Properties.Get",
            "org.kde.StatusNotifierWatcher",
            "RegisteredStatusNotifierItems",
        ];
        let items = self.output(self.command("gdbus").args(watcher).args(asked)).await?;
        let item = items.split('\'').find(|part| part.contains('/')).context("no tray icon is registered")?;
        let (bus, path) = item.split_at(item.find('/').unwrap_or(0));
        let bus = bus.trim_end_matches('@');
        let menu = format!("{path}/Menu");
        let layout = ["--method", "com.canonical.dbusmenu.GetLayout", "--", "0", "-1", "['label']"];
        self.output(
            self.command("gdbus").args(["call", "--session", "--dest", bus, "--object-path", &menu]).args(layout),
        )
        .await
    }
}

#[cfg(unix)]
fn executable(file: &Path, script: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, script)?;
    Ok(std::fs::set_permissions(file, PermissionsExt::from_mode(0o755))?)
}

/// A browser with a person in it, who has decided before: in the place of what the system opens pages with.
fn browser() -> Result<String> {
    let person = std::env::current_dir()?.join("tests/apps/person.mjs");
    Ok(format!(
        "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$HOME/opened\"\ndecision=$(cat \"$HOME/decision\")\n\
         [ \"$decision\" = wait ] || exec node '{}' \"$decision\" \"$1\"\n",
        person.display()
    ))
}
