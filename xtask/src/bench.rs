//! Measurements, as ratios within one run.

use anyhow::Result;

use crate::setup;
use crate::shell::{command, run, run_command, say};

/// Measures the bridge against mcp-remote and a direct call.
pub(crate) fn bench() -> Result<()> {
    setup::for_build()?;
    let tools = setup::npm_tools()?;
    say("Building release programs");
    run("cargo", &["build", "--release", "--package", "patchbay-cli", "--package", "patchbay-desktop-journey"])?;
    run_command(command("target/release/journey", &["bench"]).env("PATCHBAY_NPM_TOOLS", tools))
}
