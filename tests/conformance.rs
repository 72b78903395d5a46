//! The bridge as a black box against others' programs: the official conformance suite, and real servers of each kind.
//!
//! `cargo xtask test conformance` installs them; elsewhere `PATCHBAY_TOOLS` names the folder that has them. Everything
//! listens on this computer alone.
#![cfg(target_os = "linux")]

/// An app that starts the bridge and speaks to it.
#[path = "conformance/app.rs"]
mod app;
/// Servers that apps start as programs, checked the way the apps do it.
#[path = "conformance/as_app.rs"]
mod as_app;
/// The official suite's scenarios for authorization servers.
#[path = "conformance/authorization.rs"]
mod authorization;
/// A 1 GiB answer goes through a few MiB of memory.
#[path = "conformance/memory.rs"]
mod memory;
/// Servers made with Python's `fastmcp`, and `server-everything`.
#[path = "conformance/servers.rs"]
mod servers;
/// The official suite's scenarios for clients.
#[path = "conformance/suite.rs"]
mod suite;

use std::path::PathBuf;

/// A program or folder among the tools.
fn tool(place: &str) -> PathBuf {
    let named = std::env::var_os("PATCHBAY_TOOLS").map(PathBuf::from);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tool = named.unwrap_or(root).join(place);
    assert!(tool.exists(), "{} is missing: `cargo xtask test conformance` installs it", tool.display());
    tool
}

/// Node, new enough for the suite.
fn node() -> PathBuf {
    tool("python/bin/node")
}
