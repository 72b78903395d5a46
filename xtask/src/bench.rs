//! Measurements, as ratios within one run.

use anyhow::Result;

use crate::run::FEATURES;
use crate::setup;
use crate::shell::{command, run, run_command, say};

/// What stands in a window, or is measured with one.
const WINDOWS: &[&str] = &["window", "list"];

/// Measures the parts named, or all: the bridge against its peers and a direct call, checks against the slowest of them,
/// the window against a bare one, and planning against parsing. Writes the documents' table where that is asked for.
pub(crate) fn bench(parts: &[String], quick: bool, write_docs: bool) -> Result<()> {
    let wants = |names: &[&str]| parts.is_empty() || parts.iter().any(|part| names.contains(&part.as_str()));
    setup::for_bench()?;
    let mut build = vec!["build", "--release", "--workspace", "--bin", "patchbay", "--bin", "patchbay-bridge"];
    build.extend(["--bin", "journey"]);
    if wants(WINDOWS) {
        say("Building the page");
        run("npm", &["--prefix", "ui", "run", "--silent", "build"])?;
        build.extend(["--bin", "patchbay-app", "--example", "bare-window"]);
    }
    say("Building release programs (this takes some minutes)");
    run("cargo", &[&build[..], &["--features", FEATURES]].concat())?;
    let mut journey = command("target/release/journey", &["bench"]);
    if wants(&["bridge"]) {
        journey.env("PATCHBAY_BENCH_PEERS", setup::peers()?);
    }
    let flags = [("--quick", quick), ("--write-docs", write_docs)];
    run_command(journey.args(parts).args(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| flag)))
}
