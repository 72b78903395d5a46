//! The real programs `claude`, `codex`, `gemini` and `copilot`, in homes of their own, on what Patchbay wrote for them.
//!
//! `cargo xtask test apps` installs them; elsewhere `PATCHBAY_NPM_TOOLS` names the folder that has them. None of them is
//! signed in, and a proxy that is not there keeps them on this computer.
#![cfg(target_os = "linux")]

/// A bridge that a test speaks to by itself.
#[path = "apps/bridge.rs"]
mod bridge;
/// Claude Code calls a tool.
#[path = "apps/claude.rs"]
mod claude;
/// MCP Inspector's command line.
#[path = "apps/inspector.rs"]
mod inspector;
/// A computer of one's own: home, keychain, practice service.
#[path = "apps/machine.rs"]
mod machine;
/// What each real program says it sees.
#[path = "apps/programs.rs"]
mod programs;
/// Two write the same file at the same time.
#[path = "apps/race.rs"]
mod race;
/// Each program reports our entry, and everybody else's as before.
#[path = "apps/reads.rs"]
mod reads;
/// A server on a bad day.
#[path = "apps/rough.rs"]
mod rough;
/// Signing in by OAuth at real services.
#[path = "apps/sign_in.rs"]
mod sign_in;
/// A bridge at such a server, for long.
#[path = "apps/soak.rs"]
mod soak;
