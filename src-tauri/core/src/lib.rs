//! Patchbay's rules, without a window.
//!
//! Everything that depends on the machine comes in as a [`host::Host`]; every change of an app's file goes through
//! [`change`]; every secret through [`secret`]. Nothing here prints, and nothing here knows Tauri.
//!
//! | module | subject |
//! |---|---|
//! | [`catalog`] | the services Patchbay knows, as data |
//! | [`client`] | the AI apps: where their file is, how an entry looks in it |
//! | [`document`] | lossless editing of JSON(C) and TOML |
//! | [`change`] | plan, diff, apply, history, undo |
//! | [`file`] | reading, atomic replacement, locks |
//! | `import` | what stands in the apps' files already, to be brought in |
//! | [`log`] | the log of a program: how much, and where to |
//! | [`drift`] | what differs from what was written; watching |
//! | [`connection`] | the user's records and the state file |
//! | [`secret`] | keychain, passphrase vault, redaction |
//! | [`wire`] | HTTP to a service: client, headers, server-sent events; shared by bridge and check |
//! | [`wsl`] | the Linuxes that run inside Windows |
//! | [`oauth`] | signing in by OAuth: discovery, the browser, refreshing, signing out |
//! | [`process`] | which app runs, which app started us |
//! | [`probe`] | the layered live check |
//! | [`quiet`] | checks that run by themselves: when, and how old a result may grow |
//! | [`start`] | the check the way an app does it: programs started, addresses asked, as the app would |
//! | [`token`] | lifetime, reminders, renewal |
//! | [`api`] | the front door that the window and the command line use |

pub mod api;
pub mod catalog;
pub mod change;
pub mod client;
pub mod connection;
pub mod document;
pub mod drift;
pub mod error;
pub mod file;
pub mod host;
mod import;
pub mod log;
pub mod oauth;
pub mod probe;
pub mod process;
pub mod quiet;
pub mod secret;
pub mod start;
pub mod token;
pub mod wire;
pub mod wsl;

pub use error::{Code, Error, Result};
pub use host::{Host, Platform};
