//! Measurements, as ratios within one run.

use anyhow::Result;

use crate::run::FEATURES;
use crate::setup;
use crate::shell::{command, run, run_command, say};

/// Measures the bridge against mcp-remote and a direct call, the window against a bare one, and planning against parsing.
pub(crate) fn bench() -> Result<()> {
    setup::for_desktop()?;
    let tools = setup::npm_tools()?;
    say("Building the page");
    run("npm", &["--prefix", "ui", "run", "--silent", "build"])?;
    say("Building release programs (this takes some minutes)");
    run("cargo", &["build", "--release", "--workspace", "--bins", "--example", "bare-window", "--features", FEATURES])?;
    run_command(command("target/release/journey", &["bench"]).env("PATCHBAY_NPM_TOOLS", tools))
}
