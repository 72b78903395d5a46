//! The developer's one entrance: `cargo xtask run | test | bench | gen | tour`.
//!
//! Sets up what is missing on a fresh machine, then does the work; each command says what it does while it does it.

mod bench;
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
    },
    /// Measure against peers and floors; release builds.
    Bench,
    /// Write the window's types from the core's.
    Gen,
    /// Play the whole journey in the real window and leave numbered pictures in target/tour.
    Tour,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run => run::run(),
        Command::Test { parts } => test::test(&parts),
        Command::Bench => bench::bench(),
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
