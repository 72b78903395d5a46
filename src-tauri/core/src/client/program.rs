//! An app's program: how its processes are told from others, where its version stands, and how it is ended. Data.

/// What is known of an app's program beside the names of its processes.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its bundle on macOS, without `.app`. Where it is known, a process in it is the app's whatever its name.
    pub bundle: Option<&'static str>,
    /// The npm package it comes in. A Node process that runs a file of it is the app's.
    pub package: Option<&'static str>,
    /// Whether a program at this path can be the app. The path is in lower case, with `/` on every system.
    pub lies_at: fn(&str) -> bool,
    /// Where its version may stand, the best first.
    pub versions: &'static [Version],
    /// How it is ended, so that it can be started again.
    pub ends: Ends,
}

impl Program {
    /// What holds unless an app's own file says otherwise: its processes' names say enough, and nothing else is known.
    pub(super) const BASE: Self =
        Self { bundle: None, package: None, lies_at: |_| true, versions: &[], ends: Ends::Unknown };
}

/// A place where an app's version stands. All are read without starting the app.
#[derive(Debug, Clone, Copy)]
pub enum Version {
    /// `package.json` of its npm package, found from the program of this name.
    Package(&'static str),
    /// The program of this name is a link to a file whose name is the version, as Claude Code's own installer makes it.
    LinkName(&'static str),
    /// A field of `resources/app/product.json` beside the program.
    Product {
        /// The program's name on the path.
        program: &'static str,
        /// Its folder among the programs of Windows.
        folder: &'static str,
        /// The field.
        field: &'static str,
    },
    /// `Info.plist` of its bundle on macOS.
    Bundle,
    /// The newest folder `app-VERSION` in this one, below `%LOCALAPPDATA%`.
    Squirrel(&'static str),
    /// The Store package of this name, whose folder bears the version. Only a running program tells that folder.
    Store(&'static str),
    /// The system's package of this name (Debian's and Arch's records).
    System(&'static str),
    /// The folder of this extension of VS Code.
    Extension(&'static str),
}

/// How an app is ended by the user, and whether that can be done for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Not known, or not needed.
    Unknown,
    /// It has a window and stays near the clock when that is closed.
    Tray,
    /// It has windows, and ends with the last of them (on macOS from its menu).
    Windows,
    /// It runs in a terminal and ends when this is typed. Never ended for the user.
    Terminal(&'static str),
}
