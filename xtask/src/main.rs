//! The developer's one entrance: `cargo xtask run | test | fuzz | bench | gen | tour`.
//!
//! Sets up what is missing on a fresh machine, then does the work; each command says what it does while it does it.

mod bench;
mod fuzz;
mod run;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build Patchbay and start it; with no display, play the tour under a virtual one.
    Run,
    /// Set up and run all tests, or the parts named.
    Test {
        /// fmt, ui, clippy, gen, units, core, bridge, practice, cli, conformance, apps, app, e2e, desktop
        parts: Vec<String>,
        /// The long form: 100,000 cases of each law of editing, and every test that is too long for every day
        #[arg(long)]
        thorough: bool,
    },
    /// Throw arbitrary bytes at the editing of files until a law breaks.
    Fuzz {
        /// json, jsonc, toml; all of them where none is named
        targets: Vec<String>,
        /// How many inputs each target gets
        #[arg(long, default_value_t = 1_000_000)]
        runs: u64,
    },
    /// Measure against peers and floors; release builds.
    Bench {
        /// bridge, checks, window, list, drift, plan; all of them where none is named
        parts: Vec<String>,
        /// One short round, to see that it works
        #[arg(long)]
        quick: bool,
        /// Write the tables into the documents as well
        #[arg(long)]
        write_docs: bool,
    },
    /// Write the window's types from the core's.
    Gen,
    /// Play the whole journey in the real window and leave numbered pictures in target/tour.
    Tour,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run => run::run(),
        Command::Test { parts, thorough } => test::test(&parts, thorough),
        Command::Fuzz { targets, runs } => fuzz::fuzz(&targets, runs),
        Command::Bench { parts, quick, write_docs } => bench::bench(&parts, quick, write_docs),
        Command::Gen => run::generate(),
        Command::Tour => run::tour(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
