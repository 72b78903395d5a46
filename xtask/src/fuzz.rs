//! Arbitrary bytes against the laws of editing. The targets are a workspace of their own in `tests/fuzz`, built with the
//! coverage counters of libFuzzer; no unsafe code of ours is there for a sanitizer to watch, so that stable Rust will do.

use anyhow::{Result, bail};

use crate::setup;
use crate::shell::{command, root, run_command, say};

const TARGETS: &[&str] = &["json", "jsonc", "toml", "yaml"];

/// Runs all targets, or those named, from the corpus that is checked in. What is found on the way stays in `target/fuzz`.
pub(crate) fn fuzz(targets: &[String], runs: u64) -> Result<()> {
    if let Some(unknown) = targets.iter().find(|target| !TARGETS.contains(&target.as_str())) {
        bail!("there is no target {unknown}; there are: {}", TARGETS.join(", "));
    }
    setup::cargo_fuzz()?;
    TARGETS.iter().filter(|target| targets.is_empty() || targets.iter().any(|own| own == *target)).try_for_each(
        |target| {
            say(&format!("\n== {target}: {runs} inputs"));
            one(target, runs)
        },
    )
}

fn one(target: &str, runs: u64) -> Result<()> {
    let found = format!("target/fuzz/corpus/{target}");
    std::fs::create_dir_all(root().join(&found))?;
    let seeds = format!("tests/fuzz/corpus/{target}");
    let (words, runs) = (dictionary(target), format!("-runs={runs}"));
    let shape = ["--fuzz-dir", "tests/fuzz", "--target-dir", "target/fuzz", "--sanitizer", "none"];
    let libfuzzer = ["--", &words, &runs, "-max_len=512", "-timeout=10", "-print_final_stats=1"];
    let program = setup::tool("cargo-fuzz").to_string_lossy().into_owned();
    let args = [&["run"], shape.as_slice(), &[target, &found, &seeds], &libfuzzer].concat();
    run_command(&mut command(&program, &args))
}

/// Both dialects of JSON share their words.
fn dictionary(target: &str) -> String {
    let name = if target == "jsonc" { "json" } else { target };
    format!("-dict=tests/fuzz/{name}.dict")
}
