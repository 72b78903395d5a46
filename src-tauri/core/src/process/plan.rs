//! How an app is quit and started again: a pure plan, made before anything is touched.
//!
//! It is done for the user only where the app is asked in the same way as by its own menu, so that it can save, or
//! decline. On Linux an Electron program takes the signal TERM as its menu's *Quit*
//! (`shell/browser/electron_browser_main_parts_posix.cc`), and VS Code's family then keeps unsaved files or asks about
//! them (`lifecycleMainService.ts`). That holds for one signal only: the second one ends the program at once, hence
//! [`Instance::takes_quit`]. On macOS the system's own request to quit does the same. On Windows a program can only
//! be asked to close its windows, which is not enough for those that stay near the clock. What runs in a terminal is
//! never ended for the user.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::client::{Client, Ends, slashed};
use crate::host::Platform;

/// One running app, as far as a plan needs it.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts of one process that do not depend on each other")]
pub struct Instance {
    /// Its process.
    pub pid: u32,
    /// When it started, in seconds since 1970: a process number is used again some day.
    pub start: u64,
    /// Its program.
    pub program: Option<PathBuf>,
    /// Its arguments, without the program.
    pub args: Vec<OsString>,
    /// The folder it runs in.
    pub folder: Option<PathBuf>,
    /// Its environment as it was started with. May hold secrets: it goes to the same program again and nowhere else.
    pub env: BTreeMap<OsString, OsString>,
    /// Whether it is the app's only process without a parent of the same app.
    pub alone: bool,
    /// Whether it is an Electron program.
    pub electron: bool,
    /// Whether it still waits for the signal to quit; without that the signal would end it at once.
    pub takes_quit: bool,
    /// Whether this program was started by it, and would end with it.
    pub around_us: bool,
    /// The identifier of its bundle on macOS.
    pub bundle: Option<String>,
}

/// How an app can be quit and opened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopen {
    /// By us, after the user agreed.
    Steps {
        /// How it is asked to quit.
        quit: Quit,
        /// How it is started.
        start: Start,
    },
    /// By the user.
    Words(ByHand),
}

/// How an app is asked to quit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quit {
    /// The signal TERM, once.
    Signal,
    /// A command of the system.
    Command(Vec<String>),
}

/// How an app is started.
#[derive(Clone, PartialEq, Eq)]
pub enum Start {
    /// The same program as before, with the same arguments, folder and environment.
    Again {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        args: Vec<OsString>,
    },
    /// A command of the system.
    Command(Vec<String>),
}

/// What the user has to do, as a code for the language files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ts_rs::TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum ByHand {
    /// Quit it from its menu or its icon near the clock: closing its window is not enough.
    Tray,
    /// Close all its windows and start it again.
    Windows,
    /// Type this in the terminal it runs in and start it again.
    Terminal {
        /// What to type.
        command: String,
    },
    /// Quit it and start it again.
    Other,
}

/// How to reopen an app on a system.
pub fn plan(client: &Client, instance: &Instance, platform: Platform) -> Reopen {
    let words = by_hand(client, platform);
    let windowed = matches!(client.program.ends, Ends::Tray | Ends::Windows);
    if !windowed || !instance.alone || instance.around_us {
        return Reopen::Words(words);
    }
    match platform {
        Platform::Linux => on_linux(instance),
        Platform::MacOs => on_mac(instance),
        Platform::Windows => None,
    }
    .unwrap_or(Reopen::Words(words))
}

/// What the user does to have an app read its settings again.
pub fn by_hand(client: &Client, platform: Platform) -> ByHand {
    match client.program.ends {
        Ends::Terminal(command) => ByHand::Terminal { command: command.to_owned() },
        Ends::Unknown => ByHand::Other,
        Ends::Tray => ByHand::Tray,
        // On macOS a program goes on without windows.
        Ends::Windows if platform == Platform::MacOs => ByHand::Tray,
        Ends::Windows => ByHand::Windows,
    }
}

fn on_linux(instance: &Instance) -> Option<Reopen> {
    let program = instance.program.clone().filter(|program| !is_mounted(program))?;
    let known = instance.electron && instance.takes_quit && !instance.env.is_empty();
    // An address was handed over for that one start, such as the end of a sign-in.
    let args = instance.args.iter().filter(|word| !word.to_string_lossy().contains("://")).cloned().collect();
    known.then_some(Reopen::Steps { quit: Quit::Signal, start: Start::Again { program, args } })
}

/// An `AppImage` is gone from its place when it ends, and a program of Snap or Flatpak is not started by its path.
fn is_mounted(program: &Path) -> bool {
    let path = slashed(program);
    path.contains("/.mount_") || ["/snap/", "/app/", "/var/lib/flatpak/"].iter().any(|place| path.starts_with(place))
}

fn on_mac(instance: &Instance) -> Option<Reopen> {
    let safe = |id: &&String| id.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    let id = instance.bundle.as_ref().filter(safe)?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Some(Reopen::Steps {
        quit: Quit::Command(words(&["/usr/bin/osascript", "-e", &format!("tell application id \"{id}\" to quit")])),
        start: Start::Command(words(&["/usr/bin/open", "-b", id])),
    })
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instance({})", self.pid)
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Arguments may hold what nobody else is to see.
            Self::Again { program, args } => write!(f, "Again({}, {} arguments)", program.display(), args.len()),
            Self::Command(words) => write!(f, "Command({words:?})"),
        }
    }
}
