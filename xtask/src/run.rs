//! Building, starting, the tour.

use std::process::Command;

use anyhow::Result;

use crate::setup;
use crate::shell::{self, command, root, run_command, say};

/// One set of features for every command, so that nothing is built twice.
pub(crate) const FEATURES: &str = "patchbay-app/custom-protocol";

/// Builds the page, the program for the apps, and the desktop program.
pub(crate) fn build() -> Result<()> {
    say("Building the page");
    shell::run("npm", &["--prefix", "ui", "run", "--silent", "build"])?;
    say("Building the programs (the first time takes some minutes)");
    shell::run("cargo", &["build", "--workspace", "--features", FEATURES])
}

/// Builds and starts Patchbay.
pub(crate) fn run() -> Result<()> {
    if !has_display() {
        say("There is no display here, so the tour is played under a virtual one.");
        return tour();
    }
    setup::for_build()?;
    build()?;
    say("Starting Patchbay");
    run_command(&mut Command::new(root().join("target/debug/patchbay-app")))
}

fn has_display() -> bool {
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Plays the journey in the real window.
pub(crate) fn tour() -> Result<()> {
    setup::for_desktop()?;
    build()?;
    journey()?;
    say(&format!("The tour's pictures are in {}", root().join("target/tour").display()));
    Ok(())
}

/// Runs the journey; it fails where a step fails.
pub(crate) fn journey() -> Result<()> {
    let tools = setup::npm_tools()?;
    let mut journey = command("target/debug/journey", &[]);
    run_command(journey.env("PATCHBAY_TAURI_DRIVER", setup::tool("tauri-driver")).env("PATCHBAY_NPM_TOOLS", tools))
}

/// Writes the window's types from the core's.
pub(crate) fn generate() -> Result<()> {
    shell::run("cargo", &["test", "--quiet", "--workspace", "--features", FEATURES, "--lib", "export_bindings"])
}
