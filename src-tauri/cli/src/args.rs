//! The command line's shape.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, value_parser};
use patchbay_core::connection::{Grant, Wiring};

use crate::import::{CopyArgs, ImportArgs};
use crate::network::NetworkArgs;
use crate::vouch::VouchArgs;

/// Connects your AI apps to the services you use, and keeps their tokens safe.
#[derive(Debug, Parser)]
#[command(name = "patchbay", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Print JSON, an error as {"error": {"code", "message", and where known "hint", "path", "field"}}.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List connections, their tokens' facts, and all entries in the apps' files.
    List,
    /// List the apps: their versions, since when they run, their files, and which still run with old settings.
    Apps,
    /// Quit an app and open it again, where that is safe. A chat that is being answered is cut off.
    Reopen {
        /// The app.
        #[arg(value_name = "CLIENT", help = apps_help())]
        app: String,
    },
    /// List the services there are, or what one of them wants to know.
    Services {
        /// The service.
        id: Option<String>,
    },
    /// Set up a connection and place it in apps.
    Add {
        /// The service: xurrent, retently, uipath, atlassian, sentry, datadog, custom or practice.
        #[arg(long)]
        provider: String,
        /// The connection's name.
        #[arg(long)]
        name: String,
        /// An answer to one of the service's questions; may be repeated.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// The apps.
        #[arg(long = "app", value_name = "CLIENT", num_args = 1.., value_delimiter = ',', help = apps_help())]
        apps: Vec<String>,
        /// Read the token from standard input; where the service wants several secrets, each on a line of its own.
        #[arg(long)]
        token_stdin: bool,
        /// The day on which the token ends.
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
        /// The token's permissions, in their order.
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// How the token gets to the service.
        #[arg(long, value_enum)]
        wiring: Option<WiringArg>,
        /// Use it in this folder only, where the apps know folders (Claude Code, Codex).
        #[arg(long, value_name = "PATH")]
        folder: Option<PathBuf>,
        /// Put it into the folder's own files, for everybody who works in it and has a connection of this name.
        #[arg(long, requires = "folder")]
        shared: bool,
        /// Make an app's file although the app does not seem to be installed.
        #[arg(long)]
        create: bool,
        /// Use the token although another connection uses it too.
        #[arg(long)]
        use_anyway: bool,
        /// Show what would change and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        sign_in: AddSignIn,
    },
    /// Take a connection out of all apps and delete its tokens from the keychain.
    Remove {
        /// The connection.
        id: String,
    },
    /// Check connections live, all where none is named; or what stands in an app's file, the way the app does it.
    Check {
        /// The connections.
        ids: Vec<String>,
        /// Do it the way an app does: the way this app does, or all that use the connection.
        #[arg(long, value_name = "CLIENT", num_args = 0..=1, default_missing_value = "", requires = "ids")]
        as_app: Option<String>,
        /// Check any entry of an app's file, the way the app does it.
        #[arg(long, value_name = "CLIENT/NAME", conflicts_with_all = ["ids", "as_app"])]
        entry: Option<String>,
        /// Check an address without a connection, with the sign-in for it where there is one.
        #[arg(long, conflicts_with_all = ["ids", "as_app", "entry"])]
        url: Option<String>,
        /// Start a program that is not Patchbay's without asking again.
        #[arg(long)]
        yes: bool,
    },
    /// Print the lines of a connection's entry, for an app's file that Patchbay cannot edit.
    Snippet {
        /// The connection.
        id: String,
        /// The app.
        #[arg(long, value_name = "CLIENT", help = apps_help())]
        app: String,
    },
    /// Renew a connection's token: the new one is checked before anything changes. A program's token cannot be checked.
    Renew {
        /// The connection.
        id: String,
        /// The app whose token it is, where apps have tokens of their own; otherwise the one that is due.
        #[arg(long, value_name = "CLIENT")]
        app: Option<String>,
        /// The variable whose token it is, where a program has several.
        #[arg(long, value_name = "NAME", conflicts_with = "app")]
        variable: Option<String>,
        /// Read the token from standard input; where there are several secrets, each on a line of its own, and an empty
        /// line for one that stays.
        #[arg(long, required = true)]
        token_stdin: bool,
        /// The day on which the new token ends.
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// Sign in at a service with your browser: in $BROWSER, else the system's.
    SignIn(SignInArgs),
    /// Sign out: at the service where it offers that, and here.
    SignOut(Target),
    /// Show what was changed outside Patchbay, put it back, or keep it.
    Drift {
        #[command(subcommand)]
        action: Option<DriftAction>,
    },
    /// Show the changes made to the apps' files, or take tokens out of what is kept of them.
    History {
        #[command(subcommand)]
        action: Option<HistoryAction>,
    },
    /// Undo a change, the newest where none is named.
    Undo {
        /// The change's id.
        change: Option<String>,
    },
    /// Take everything out of all apps and delete the tokens, to leave Patchbay cleanly.
    Uninstall {
        /// Make the entries work without Patchbay, with their tokens in plain text in the apps' files.
        #[arg(long)]
        keep_working: bool,
        /// Take out also what somebody changed so that it no longer needs Patchbay.
        #[arg(long)]
        take_changed: bool,
        /// Show what would change and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Write tokens in plain text without asking again.
        #[arg(long)]
        yes: bool,
    },
    /// Carry MCP between standard input and output and a service. Started by apps.
    Bridge {
        /// The connection.
        #[arg(required_unless_present = "url", conflicts_with = "url")]
        connection: Option<String>,
        /// The address of a service that needs no token, or at which you signed in by its address.
        #[arg(long)]
        url: Option<String>,
    },
    /// Print a connection's headers as JSON. Started by apps.
    Headers {
        /// The connection.
        connection: String,
    },
    /// List what your apps have already, or bring it in: tokens go to the keychain, entries start Patchbay.
    Import(ImportArgs),
    /// Use an app's connections in another app too.
    Copy(CopyArgs),
    /// Start a program with its token from the keychain in its environment. Started by apps.
    Run {
        /// The connection.
        connection: String,
        /// The program and its arguments, behind `--`.
        #[arg(last = true, required = true, value_name = "PROGRAM")]
        words: Vec<OsString>,
    },
    /// Run the practice service.
    Practice {
        /// The port; 0 for any.
        #[arg(long, default_value_t = patchbay_practice::DEFAULT_PORT)]
        port: u16,
        /// End when standard input ends, as it does when the program that started this one is gone.
        #[arg(long, hide = true)]
        until_input_ends: bool,
        /// How long the access tokens of its sign-ins last, to try what happens when they end.
        #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 3600)]
        access_seconds: u32,
    },
    /// Show, set, clear or test how services are reached: the proxy, and certificates to trust.
    Network(NetworkArgs),
    /// The passphrase vault, for computers without a keychain.
    Vault {
        #[command(subcommand)]
        action: VaultAction,
    },
    /// Copy this program to Patchbay's own folder, where the apps' entries look for it.
    #[command(hide = true)]
    Install {
        /// Another program than this one.
        source: Option<PathBuf>,
    },
}

impl Command {
    /// Whether its standard output is for the app or the program that it serves.
    pub(crate) fn is_started_by_apps(&self) -> bool {
        matches!(self, Self::Bridge { .. } | Self::Headers { .. } | Self::Run { .. })
    }
}

/// Which service.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The connection.
    #[arg(required_unless_present = "url", conflicts_with = "url")]
    pub(crate) id: Option<String>,
    /// The service's address, without a connection.
    #[arg(long)]
    pub(crate) url: Option<String>,
}

/// Signing in where a connection is set up.
#[derive(Debug, clap::Args)]
pub(crate) struct AddSignIn {
    /// Sign in with your browser, instead of a token. Nothing is set up unless that succeeds.
    #[arg(long, conflicts_with = "token_stdin")]
    pub(crate) sign_in: bool,
    /// A client that was made for you at the service; otherwise Patchbay registers itself.
    #[arg(long, value_name = "ID", requires = "sign_in")]
    pub(crate) client_id: Option<String>,
    /// Read the client's secret, or its private key in PEM, from standard input.
    #[arg(long, requires = "client_id")]
    pub(crate) client_secret_stdin: bool,
    /// Sign in as a person, or with the client's secret alone.
    #[arg(long, value_enum, requires = "sign_in")]
    pub(crate) grant: Option<GrantArg>,
    /// How long to wait for you in the browser; 300 where nothing is said.
    #[arg(long, value_name = "SECONDS", requires = "sign_in", value_parser = value_parser!(u32).range(1..))]
    pub(crate) timeout: Option<u32>,
    #[command(flatten)]
    pub(crate) vouch: VouchArgs,
}

/// How to sign in.
#[derive(Debug, clap::Args)]
pub(crate) struct SignInArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Put the sign-in in the place of the token that the connection has.
    #[arg(long)]
    pub(crate) replace_token: bool,
    /// A client that was made for you at the service; otherwise Patchbay registers itself.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Read the client's secret, or its private key in PEM, from standard input.
    #[arg(long, requires = "client_id")]
    pub(crate) client_secret_stdin: bool,
    /// The address of a document that describes the client, for services that take one.
    #[arg(long, value_name = "URL", conflicts_with = "client_id", value_parser = document)]
    pub(crate) client_metadata_url: Option<String>,
    /// Sign in as a person, or with the client's secret alone.
    #[arg(long, value_enum)]
    pub(crate) grant: Option<GrantArg>,
    /// A permission to ask for; may be repeated. Otherwise those that the service names.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
    /// How long to wait for you in the browser; 300 where nothing is said.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..))]
    pub(crate) timeout: Option<u32>,
    #[command(flatten)]
    pub(crate) vouch: VouchArgs,
}

/// Ways to sign in, as they are written on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GrantArg {
    /// A person signs in with the browser.
    AuthorizationCode,
    /// The client signs in with its own secret.
    ClientCredentials,
}

impl From<GrantArg> for Grant {
    fn from(arg: GrantArg) -> Self {
        match arg {
            GrantArg::AuthorizationCode => Self::AuthorizationCode,
            GrantArg::ClientCredentials => Self::ClientCredentials,
        }
    }
}

fn apps_help() -> String {
    format!("The apps: {}", patchbay_core::client::ids())
}

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    /// Delete copies of files that hold tokens in plain text. Such a change can be undone in part at most.
    Purge {
        /// The change.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        change: Option<String>,
        /// All changes.
        #[arg(long)]
        all: bool,
    },
}

/// What to do about a change made outside.
#[derive(Debug, Subcommand)]
pub(crate) enum DriftAction {
    /// Put entries back as Patchbay wrote them.
    Restore(DriftTarget),
    /// Keep what was made of them.
    Keep(DriftTarget),
    /// Take note of what others added, so that it is not listed again.
    Seen,
}

/// Which entries.
#[derive(Debug, clap::Args)]
pub(crate) struct DriftTarget {
    /// The connection.
    pub(crate) id: Option<String>,
    /// All connections.
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    /// In this app only.
    #[arg(long = "app")]
    pub(crate) app: Option<String>,
}

/// What to do with the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum VaultAction {
    /// Make it and use it from now on; the passphrase is read from standard input.
    Create,
    /// Unlock it until logout; the passphrase is read from standard input.
    Unlock,
    /// Lock it.
    Lock,
    /// Say where secrets are kept and whether they can be read.
    Status,
}

/// Wirings, as they are written on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WiringArg {
    /// The app starts the bridge.
    Bridge,
    /// The app asks for the headers (Claude Code).
    HeadersHelper,
    /// The app signs in by itself; Patchbay writes the address alone.
    ClientOauth,
}

impl From<WiringArg> for Wiring {
    fn from(arg: WiringArg) -> Self {
        match arg {
            WiringArg::Bridge => Self::Bridge,
            WiringArg::HeadersHelper => Self::HeadersHelper,
            WiringArg::ClientOauth => Self::ClientOauth,
        }
    }
}

/// The address of a client's document; anything else would be sent as a client ID.
fn document(text: &str) -> Result<String, &'static str> {
    let path = text.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    if path.is_some_and(|(host, path)| !host.is_empty() && !path.is_empty()) {
        return Ok(text.to_owned());
    }
    Err("give the document's whole address, such as https://example.com/client.json")
}
