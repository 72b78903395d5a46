//! Who is measured: the bridge with and without the keychain, and its peers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::session::Session;

/// The bridge, without the keychain and with it.
pub(super) const PLAIN: &str = "patchbay bridge --url";
pub(super) const KEYCHAIN: &str = "patchbay bridge, token in keychain";
/// The peer that starts and memory are compared with.
pub(super) const REMOTE: &str = "mcp-remote";
/// All peers.
pub(super) const PEERS: [&str; 3] = [REMOTE, "supergateway", "mcp-proxy"];

/// A program that carries calls to an address.
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// Where its own files are: a program, or a folder of packages, without the Node or Python that runs them.
    pub(super) place: PathBuf,
    /// Its own words on how to reach a kind of answers at the service.
    command: Box<dyn Fn(&str) -> Command>,
}

impl Subject {
    /// The command for a kind of answers.
    pub(super) fn command(&self, kind: &str) -> Command {
        (self.command)(kind)
    }

    /// The size of its files, in bytes.
    pub(super) fn size(&self) -> u64 {
        // Patchbay becomes the program beside it.
        let beside = if self.place.is_dir() { 0 } else { size(&self.place.with_file_name("patchbay-bridge")) };
        size(&self.place) + beside
    }
}

/// All of them. `at` tells the address of a kind of answers; connections to all kinds are there already.
pub(super) fn all(session: &Session, patchbay: &Path, origin: &str, peers: &Path) -> Result<Vec<Subject>> {
    let environment = session.environment().clone();
    let bare = move |program: &Path| {
        let mut command = Command::new(program);
        command.env_clear().envs(&environment).env_remove("PATCHBAY_LOG");
        command
    };
    let at = |origin: &str, kind: &str| format!("{origin}/open/{kind}");
    let (own, origin) = (patchbay.to_path_buf(), origin.to_owned());
    let mut subjects = Vec::new();
    let mut add = |name, place: PathBuf, command: Box<dyn Fn(&str) -> Command>| {
        subjects.push(Subject { name, place, command });
    };
    let (program, start, address) = (own.clone(), bare.clone(), origin.clone());
    add(
        PLAIN,
        own.clone(),
        Box::new(move |kind| {
            let mut command = start(&program);
            command.args(["bridge", "--url", &at(&address, kind)]);
            command
        }),
    );
    let (program, start) = (own.clone(), bare.clone());
    add(
        KEYCHAIN,
        own,
        Box::new(move |kind| {
            let mut command = start(&program);
            command.args(["bridge", &connection(kind)]);
            command
        }),
    );
    for name in PEERS {
        let (place, program) = peer(peers, name)?;
        let (start, address) = (bare.clone(), origin.clone());
        add(
            name,
            place,
            Box::new(move |kind| {
                let (mut command, url) = (start(&program), at(&address, kind));
                command.args(match name {
                    REMOTE => vec![url.as_str(), "--allow-http", "--transport", "http-only"],
                    "supergateway" => {
                        vec!["--streamableHttp", &url, "--outputTransport", "stdio", "--logLevel", "none"]
                    }
                    _ => vec!["--transport", "streamablehttp", "--log-level", "ERROR", &url],
                });
                command
            }),
        );
    }
    Ok(subjects)
}

/// The connection for a kind of answers.
pub(super) fn connection(kind: &str) -> String {
    format!("bench-{kind}")
}

/// A peer's packages, and its program. Started directly, not through `npx`, which would take longer.
fn peer(peers: &Path, name: &str) -> Result<(PathBuf, PathBuf)> {
    let folder = std::fs::canonicalize(peers.join(name)).with_context(|| format!("{name} is not installed"))?;
    let modules = folder.join("node_modules");
    if modules.is_dir() {
        let program = modules.join(".bin").join(name);
        return Ok((modules, program));
    }
    let program = folder.join("bin").join(name);
    Ok((folder.join("lib"), program))
}

fn size(place: &Path) -> u64 {
    let Ok(facts) = std::fs::symlink_metadata(place) else { return 0 };
    if !facts.is_dir() {
        return facts.len();
    }
    // What installed the packages is none of them.
    let own = |name: &std::ffi::OsStr| name != "pip";
    let below = std::fs::read_dir(place).into_iter().flatten().filter_map(Result::ok);
    below.filter(|entry| own(&entry.file_name())).map(|entry| size(&entry.path())).sum()
}
