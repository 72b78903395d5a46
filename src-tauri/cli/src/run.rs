//! `patchbay run`: starts a program for an app, with its secrets in the environment of that one process.
//!
//! On Unix the program takes this one's place: no process in between, signals and exit code are the program's. On
//! Windows this one waits for it. Nothing is written to standard output, which belongs to the program. A program that is
//! not there ends with 127, one that may not be started with 126, as in a shell.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use jiff::Timestamp;
use patchbay_core::api::run_secrets;
use patchbay_core::connection::runs::{Run, Runs};
use patchbay_core::connection::state::StateFile;
use patchbay_core::process::starter;
use patchbay_core::secret::SecretStore;
use patchbay_core::{Code, Error, Host, Result};

use crate::environment;

const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// Starts the program; on Unix it only comes back where that fails.
pub(crate) fn run(host: &Host, id: &str, words: &[OsString]) -> Result<ExitCode> {
    let Some((name, args)) = words.split_first() else {
        return Err(Error::new(Code::Usage, "Say which program to start."));
    };
    let prepared = prepare(host, id, name, args);
    record(host, id, prepared.as_ref().err());
    let mut command = prepared?;
    let error = match start(&mut command) {
        Ok(code) => return Ok(code),
        Err(error) => error,
    };
    let (code, why) = match error.kind() {
        std::io::ErrorKind::NotFound => (NOT_FOUND, "is not there, or not where its app looks for programs"),
        std::io::ErrorKind::PermissionDenied => (NOT_STARTED, "may not be started"),
        _ => (NOT_STARTED, "cannot be started"),
    };
    let name = name.to_string_lossy();
    crate::print::notice(&format!("The program \"{name}\" {why}."));
    Ok(ExitCode::from(code))
}

/// The program as its app would start it, with the secrets beside the app's own variables.
fn prepare(host: &Host, id: &str, name: &OsString, args: &[OsString]) -> Result<Command> {
    let data_dir = host.data_dir();
    let state = StateFile::new(&data_dir).load()?.state;
    let secrets = SecretStore::system(&data_dir, state.settings.backend);
    let secrets = run_secrets(&secrets, state.connection(id)?)?;
    let mut command = Command::new(found(host, name));
    command.args(args);
    environment::without_adopted(&mut command);
    command.envs(secrets.iter().map(|(variable, secret)| (variable, secret.expose())));
    Ok(command)
}

/// Windows finds no `npx.cmd` by the name `npx`.
fn found(host: &Host, name: &OsString) -> OsString {
    let by_path = |name: &str| patchbay_core::client::find_program(host, name).map(Into::into);
    let plain = name.to_str().filter(|name| cfg!(windows) && !name.contains(['/', '\\', '.']));
    plain.and_then(by_path).unwrap_or_else(|| name.clone())
}

#[cfg(unix)]
fn start(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn start(command: &mut Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    // Codes beyond a byte are the system's own, for a program that did not end by itself.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Leaves a record of the use, which is nothing to fail for.
fn record(host: &Host, id: &str, error: Option<&Error>) {
    if error.is_some_and(|error| error.code == Code::UnknownConnection) {
        return;
    }
    let by = starter();
    let run = Run {
        at: Timestamp::now(),
        client: by.client.map(str::to_owned),
        program: by.program,
        error: error.map(|error| error.code.as_str()),
    };
    if let Err(error) = Runs::new(&host.data_dir()).record(id, &run) {
        tracing::warn!("the use cannot be recorded: {error}");
    }
}
