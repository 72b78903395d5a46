//! How an app starts the programs that its file names: with which environment, from which folder, and what it fills in
//! beforehand; and how it speaks to an address. Data; [`crate::start`] follows it.

use serde_json::Value;

use crate::host::Platform;

/// How an app starts programs.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about an app")]
#[derive(Debug, Clone, Copy)]
pub struct Starts {
    /// What starts the app itself, and with it which programs it finds.
    pub by: StartedBy,
    /// Which of its own variables a program gets.
    pub passes: Passes,
    /// What it fills in.
    pub fills: Fills,
    /// Where a program starts that says nothing about it.
    pub folder: Folder,
    /// Whether an entry's `cwd` counts.
    pub takes_folder: bool,
    /// Whether an entry's `envFile` counts.
    pub takes_env_file: bool,
    /// Whether Windows' `.cmd` programs get their words cut at blanks.
    pub cuts_at_blanks: bool,
    /// Variables that it adds.
    pub adds: &'static [(&'static str, &'static str)],
    /// Whether it asks for the newest protocol revision before the older way; where that is not known, it may.
    pub asks_newest: bool,
    /// How it speaks to the address of an entry, beside the newest revision.
    pub asks: fn(&Value) -> Asks,
    /// How it runs the program that gives an entry's headers.
    pub headers_helper: Option<HeadersHelper>,
    /// Whether this was seen or is written down by its makers. Otherwise it is what most apps do.
    pub sure: bool,
}

/// How an app runs the shell command that gives an entry's headers.
#[derive(Debug, Clone, Copy)]
pub struct HeadersHelper {
    /// The field that holds the command.
    pub field: &'static str,
    /// Which of the app's variables it gets.
    pub passes: Passes,
    /// The variables that tell it the entry's name and address.
    pub told: Option<(&'static str, &'static str)>,
}

/// How an app speaks to an address, where it does not do so in the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// In the present way and in that of 2024-11-05, or it is not known which of them.
    Either,
    /// Messages are posted to the address; it knows no streams of 2024-11-05 (HTTP+SSE), or not for this entry.
    Posts,
    /// With a stream of 2024-11-05 alone.
    Streams,
}

/// What starts an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedBy {
    /// The desktop: what a shell's settings add to `PATH` is not there.
    Desktop,
    /// The desktop, and it asks the user's shell for its environment.
    DesktopWithShell,
    /// A shell in a terminal.
    Shell,
}

/// Which of an app's variables a program gets.
#[derive(Debug, Clone, Copy)]
pub enum Passes {
    /// All.
    Everything,
    /// These only.
    Few(fn(Platform) -> &'static [&'static str]),
    /// All but those whose names speak of secrets.
    NoSecrets,
}

/// What an app fills in.
#[derive(Debug, Clone, Copy)]
pub struct Fills {
    /// The references that it knows.
    pub forms: &'static [Form],
    /// What it makes of a variable that is not set.
    pub unset: Unset,
    /// The same in an address and its headers.
    pub unset_in_headers: Unset,
    /// Whether the entry's own variables are looked at too.
    pub own: bool,
}

impl Fills {
    /// Nothing.
    pub const NOTHING: Self = Self { forms: &[], unset: Unset::Stays, unset_in_headers: Unset::Stays, own: false };
}

/// A way of writing a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `$NAME`.
    Dollar,
    /// `${NAME}`.
    Braces,
    /// `${NAME:-otherwise}`.
    Otherwise,
    /// `${env:NAME}`.
    Env,
    /// `${userHome}`, `${workspaceFolder}`, `${workspaceFolderBasename}`, `${pathSeparator}`, `${/}`.
    Editor,
    /// `${file:/path}`.
    File,
    /// `${{ secrets.NAME }}`.
    Secrets,
    /// `${input:id}`, which the app asks its user for and keeps.
    Input,
}

/// What becomes of a reference to a variable that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// It stays as it is written.
    Stays,
    /// Nothing stands in its place.
    Empty,
}

/// Where a program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The user's home folder.
    Home,
    /// The top of the file system on macOS, the home folder elsewhere.
    Root,
    /// The folder that is worked in: the one that the entry is for, else the home folder stands for it.
    Project,
}

impl Starts {
    /// What most apps do: they hand everything on and fill in nothing.
    pub(super) const BASE: Self = Self {
        by: StartedBy::Desktop,
        passes: Passes::Everything,
        fills: Fills::NOTHING,
        folder: Folder::Home,
        takes_folder: true,
        takes_env_file: false,
        cuts_at_blanks: false,
        adds: &[],
        asks_newest: true,
        asks: |_| Asks::Either,
        headers_helper: None,
        sure: false,
    };

    /// As [`BASE`](Self::BASE), for an app that lives in a terminal.
    pub(super) const SHELL: Self = Self { by: StartedBy::Shell, folder: Folder::Project, ..Self::BASE };

    /// As [`BASE`](Self::BASE), for an editor made of VS Code.
    pub(super) const EDITOR: Self = Self { by: StartedBy::DesktopWithShell, ..Self::BASE };
}

/// What MCP's own library for TypeScript hands on where an app says nothing else (`client/stdio.js` of
/// `@modelcontextprotocol/sdk`, read).
pub(super) fn few_of_the_library(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Windows => &[
            "APPDATA",
            "HOMEDRIVE",
            "HOMEPATH",
            "LOCALAPPDATA",
            "PATH",
            "PROCESSOR_ARCHITECTURE",
            "SYSTEMDRIVE",
            "SYSTEMROOT",
            "TEMP",
            "USERNAME",
            "USERPROFILE",
            "PROGRAMFILES",
        ],
        Platform::Linux | Platform::MacOs => &["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"],
    }
}
