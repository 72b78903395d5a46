//! The program `patchbay`: the bridge that apps start, and the same front door as the window on the command line.
//!
//! Exit 0 for success, 1 when something needs attention, 2 for bad usage or input. Errors are one line on standard
//! error; with `--json` they stand on standard output too, with their code, but for what apps start, whose output is the
//! app's. No output holds a secret, except `headers`, whose one reader is the app that asks.

mod apps;
mod args;
mod as_app;
mod browser;
mod commands;
mod drift;
mod import;
mod input;
mod list;
mod network;
mod practice;
mod renew;
mod run;
mod services;
mod sign_in;
mod uninstall;
mod vouch;
mod words;

use std::process::ExitCode;

use clap::Parser;
use patchbay_cli::{bridge, environment, print, signals};
use patchbay_core::{Error, Result};

use args::{Args, Command};

fn main() -> ExitCode {
    bridge::hand_over();
    patchbay_core::wire::bring_engine();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return print::usage(&error, asks_for_json()),
    };
    let as_json = args.json && !args.command.is_started_by_apps();
    match start(args) {
        Ok(code) => code,
        Err(error) => print::failure(&error, as_json),
    }
}

/// Whether JSON is asked for in words that do not fit otherwise.
fn asks_for_json() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

fn start(args: Args) -> Result<ExitCode> {
    if let Command::Bridge { connection, url } = &args.command {
        return bridge::start(connection.as_deref(), url.as_deref());
    }
    let host = environment::host()?;
    environment::adopt_bus(&host)?;
    patchbay_core::log::start(false);
    match args.command {
        Command::Run { connection, words } => run::run(&host, &connection, &words),
        Command::Headers { connection } => bridge::headers(&host, &connection),
        other => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
                |error| Error::new(patchbay_core::Code::Internal, format!("Patchbay cannot start: {error}")),
            )?;
            let done = runtime.block_on(commands::run(host, other, args.json));
            // A keychain that hangs must not keep the program from ending.
            runtime.shutdown_background();
            done
        }
    }
}
