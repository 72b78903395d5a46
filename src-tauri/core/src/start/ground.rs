//! Looks at the machine for what an app's environment is: the one part of this module that asks the system.
//!
//! Nothing of what is read is kept or shown but the folders of `PATH`. Each look has its own short time limit.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::around::Known;
use crate::client::{Client, StartedBy};
use crate::host::{Host, Platform};
use crate::process::{instance, running_apps};

const PATIENCE: Duration = Duration::from_secs(3);
const MARK: &str = "--patchbay-path--";

/// What can be seen of an app's environment now. Blocks for some seconds at most.
pub fn known(host: &Host, client: &Client) -> Known {
    let has_session = host.platform == Platform::Linux && client.starts.by != StartedBy::Shell;
    let session = has_session.then(|| session(host)).flatten();
    Known { running: running(host, client), session, shell_path: shell_path(host) }
}

/// The variables of the app, where it runs for the same home folder.
fn running(host: &Host, client: &Client) -> Option<BTreeMap<String, String>> {
    let pid = *running_apps().get(client.id)?.pids.first()?;
    let env = instance(pid)?.env;
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let env: BTreeMap<String, String> = env.into_iter().filter_map(text).collect();
    let home = if host.platform == Platform::Windows { "USERPROFILE" } else { "HOME" };
    (env.get(home).map(std::path::Path::new) == Some(host.home.as_path())).then_some(env)
}

/// What the user's systemd gives the programs of the desktop.
fn session(host: &Host) -> Option<BTreeMap<String, String>> {
    host.var("XDG_RUNTIME_DIR")?;
    let mut command = Command::new("systemctl");
    let said = output(command.args(["--user", "show-environment"]).env_clear().envs(&host.env))?;
    let env: BTreeMap<String, String> = said.lines().filter_map(pair).collect();
    env.contains_key("PATH").then_some(env)
}

fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    // Values with special characters are quoted for a shell; none that matters here has any.
    let value = value.strip_prefix("$'").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(value);
    Some((name.to_owned(), value.to_owned()))
}

/// The folders in which the user's shell looks, where Patchbay itself was not started from one: with a terminal, its own
/// variables are the shell's.
fn shell_path(host: &Host) -> Option<String> {
    let shell = host.var_path("SHELL").filter(|shell| shell.is_file())?;
    if host.platform == Platform::Windows || File::open("/dev/tty").is_ok() {
        return None;
    }
    let words = format!("printf '%s%s\\n' '{MARK}' \"$PATH\"");
    let said = output(Command::new(shell).args(["-ilc", &words]).env_clear().envs(&host.env))?;
    let path = said.lines().find_map(|line| line.split_once(MARK)).map(|(_, path)| path.trim().to_owned());
    path.filter(|path| path.contains('/'))
}

/// A command's output, where it ends well in time. What it prints is small.
fn output(command: &mut Command) -> Option<String> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let mut said = String::new();
    let mut out = std::io::Read::take(child.stdout.take()?, 256 * 1024);
    std::io::Read::read_to_string(&mut out, &mut said).ok()?;
    Some(said)
}
