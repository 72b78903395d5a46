//! The environment that an app itself has. Pure: what was seen of the machine comes in as [`Known`].

use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;

use crate::client::{Client, Passes, StartedBy};
use crate::host::{Host, Platform};
use crate::secret::is_token_name;

/// What was seen of this machine besides the [`Host`].
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The environment of the app that runs.
    pub running: Option<BTreeMap<String, String>>,
    /// The environment that the desktop gives its programs.
    pub session: Option<BTreeMap<String, String>>,
    /// The folders in which the user's shell looks for programs.
    pub shell_path: Option<String>,
}

/// The environment that an app has.
#[derive(Debug, Clone)]
pub struct Around<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The app's variables.
    pub env: BTreeMap<String, String>,
    /// Where they were taken from.
    pub from: AroundFrom,
    /// The folders in which the user's shell looks for programs.
    pub shell_path: Option<String>,
}

/// Where an app's environment was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum AroundFrom {
    /// The app runs, and was looked at.
    Running,
    /// What the desktop gives its programs.
    Desktop,
    /// What the user's shell gives.
    Shell,
}

/// What launchd gives the programs that the desktop of macOS starts.
const LAUNCHD_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";
const OF_LAUNCHD: &[&str] = &["HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "SSH_AUTH_SOCK", "__CF_USER_TEXT_ENCODING"];
/// Patchbay's own, which no app has.
const OURS: &[&str] = &["PATCHBAY_DATA_DIR", "PATCHBAY_ADOPTED", "PATCHBAY_LOG"];

/// The environment that an app has on this machine.
pub fn around<'a>(host: &'a Host, client: &Client, known: &Known) -> Around<'a> {
    let shell_path = known.shell_path.clone().or_else(|| path(&host.env).map(str::to_owned));
    let (mut env, from) = match (&known.running, client.starts.by) {
        (Some(running), _) => (running.clone(), AroundFrom::Running),
        (None, StartedBy::Shell) => (with_path(host.env.clone(), shell_path.clone()), AroundFrom::Shell),
        (None, StartedBy::Desktop) => (desktop(host, known), AroundFrom::Desktop),
        // Windows has one environment for both.
        (None, StartedBy::DesktopWithShell) if host.platform == Platform::Windows => {
            (desktop(host, known), AroundFrom::Desktop)
        }
        (None, StartedBy::DesktopWithShell) => (with_path(desktop(host, known), shell_path.clone()), AroundFrom::Shell),
    };
    env.retain(|name, _| !OURS.contains(&name.as_str()));
    Around { host, env, from, shell_path }
}

/// The folders in which programs are looked for; Windows minds no case in the name.
pub(super) fn path(env: &BTreeMap<String, String>) -> Option<&str> {
    let named = |name: &&String| name.eq_ignore_ascii_case("PATH");
    env.keys().find(|name| *name == "PATH").or_else(|| env.keys().find(named)).map(|name| env[name].as_str())
}

fn with_path(mut env: BTreeMap<String, String>, path: Option<String>) -> BTreeMap<String, String> {
    if let Some(path) = path {
        env.retain(|name, _| !name.eq_ignore_ascii_case("PATH"));
        env.insert("PATH".to_owned(), path);
    }
    env
}

/// What the desktop gives its programs.
fn desktop(host: &Host, known: &Known) -> BTreeMap<String, String> {
    match host.platform {
        Platform::MacOs => {
            let kept = |name: &&str| Some(((*name).to_owned(), host.env.get(*name)?.clone()));
            with_path(OF_LAUNCHD.iter().filter_map(kept).collect(), Some(LAUNCHD_PATH.to_owned()))
        }
        Platform::Linux => known.session.clone().unwrap_or_else(|| host.env.clone()),
        Platform::Windows => host.env.clone(),
    }
}

impl Around<'_> {
    /// The folders in which the app looks for programs.
    pub fn looks_in(&self) -> Option<&str> {
        path(&self.env)
    }

    /// What a program gets of it.
    pub(super) fn passed_on(&self, client: &Client) -> BTreeMap<String, String> {
        let platform = self.host.platform;
        let is_same = |a: &str, b: &str| a == b || platform == Platform::Windows && a.eq_ignore_ascii_case(b);
        let mut env = self.env.clone();
        match client.starts.passes {
            Passes::Everything => {}
            Passes::Few(names) => {
                env.retain(|name, value| {
                    names(platform).iter().any(|few| is_same(few, name)) && !value.starts_with("()")
                });
            }
            Passes::NoSecrets => env.retain(|name, _| !is_token_name(name)),
        }
        env.extend(client.starts.adds.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        env
    }
}
