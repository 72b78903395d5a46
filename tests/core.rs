//! The core's tests: no window, no network beyond this computer.

/// Accidents: kills between two files, broken files, entries that lie.
#[path = "core/accidents.rs"]
mod accidents;
/// The front door: connect, undo, remove, drift, renew, damaged records.
#[path = "core/api.rs"]
mod api;
/// Several files that an app might read: which one counts, and what the user may choose.
#[path = "core/candidates.rs"]
mod candidates;
/// The packs are sound, and forms resolve to the right addresses.
#[path = "core/catalog.rs"]
mod catalog;
/// Writing: killed at any point, changed behind our back, links, modes, refusals.
#[path = "core/change.rs"]
mod change;
/// Where each app's file is, on three systems, and what the apps refuse.
#[path = "core/client.rs"]
mod client;
/// Each app's file by example, before and after.
#[path = "core/client_golden.rs"]
mod client_golden;
/// Core, bridge and command line need no window system.
#[path = "core/dependencies.rs"]
mod dependencies;
/// The laws of editing, over generated files.
#[path = "core/document.rs"]
mod document;
/// What others do to our entries, kind by kind, and the two answers; what they put beside them.
#[path = "core/drift.rs"]
mod drift;
/// What is kept of changes, for how long, and what of it can be undone.
#[path = "core/history.rs"]
mod history;
/// Bringing in what the apps have already; the same set in another app.
#[path = "core/import.rs"]
mod import;
/// The keychain on buses of its own: open, locked, absent, refusing, waiting.
#[cfg(target_os = "linux")]
#[path = "core/keychain.rs"]
mod keychain;
/// Leaving: everything taken out, or working without Patchbay.
#[path = "core/leave.rs"]
mod leave;
/// The log: what nobody may read there, however much of it is wanted.
#[path = "core/log.rs"]
mod log;
/// Ways through a network: which proxy, whom to trust, for all and for one connection.
#[path = "core/network.rs"]
mod network;
/// Signing in by OAuth: what it brings, how it is renewed, what it refuses.
#[path = "core/oauth.rs"]
mod oauth;
/// The packs follow their schema, and what people type into forms is refused where it must be.
#[path = "core/packs.rs"]
mod packs;
/// Where secrets are kept: from the keychain to the vault and back, nothing lost.
#[path = "core/places.rs"]
mod places;
/// The check's verdicts against servers of every kind.
#[path = "core/probe.rs"]
mod probe;
/// Checks that run by themselves: when, what is kept of them, and how old a result may grow.
#[path = "core/quiet.rs"]
mod quiet;
/// Another program writes the same file at the same time, and locks.
#[path = "core/race.rs"]
mod race;
/// Renewals: which token, its end, what is left of those before it.
#[path = "core/renew.rs"]
mod renew;
/// Which app a process is, and how it is quit and opened again, on three systems.
#[path = "core/running.rs"]
mod running;
/// Scopes: one folder's entries, an administrator's; plans that have become stale.
#[path = "core/scopes.rs"]
mod scopes;
/// Keys, vault, redaction.
#[path = "core/secret.rs"]
mod secret;
/// Several secrets of one connection, each in a header of its own.
#[path = "core/several.rs"]
mod several;
/// Signing in and out, with the practice service on the other side.
#[path = "core/sign_in.rs"]
mod sign_in;
/// The check the way an app does it.
#[cfg(unix)]
#[path = "core/start.rs"]
mod start;
/// A token's life: pasting, shapes, ends, reminders.
#[path = "core/token.rs"]
mod token;
/// Undoing after others went on with the file.
#[path = "core/undo.rs"]
mod undo;
/// Which version of an app is installed, from fake trees of three systems and the real programs.
#[path = "core/version.rs"]
mod version;
/// What a watcher hears.
#[path = "core/watch.rs"]
mod watch;
