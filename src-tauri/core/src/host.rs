//! The machine, as a value.
//!
//! Rules that differ between Linux, macOS and Windows take a [`Host`] and never ask the real environment, so that all
//! three systems' rules are ordinary tests on one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};

use crate::error::{Code, Error, Result};

/// An operating system that Patchbay has rules for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and other free Unix desktops.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The system this program was built for.
    pub const fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// Everything that a rule may know about the machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// The operating system.
    pub platform: Platform,
    /// The user's home folder (`%USERPROFILE%` on Windows).
    pub home: PathBuf,
    /// Environment variables by name.
    pub env: BTreeMap<String, String>,
    /// The present moment. Long-lived callers renew it with [`Host::at`].
    pub now: Timestamp,
    /// The user's time zone: dates that people type are days of this zone.
    pub zone: Zone,
    /// The files that the user chose, by app, where an app has several candidates.
    pub chosen: BTreeMap<String, PathBuf>,
    /// The homes in the Linuxes that run inside this Windows.
    pub wsl: Vec<Wsl>,
}

/// A time zone, looked for only where somebody needs it: finding the system's reads a folder for each continent, which a
/// bridge need not wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// The one that this computer is set to.
    OfSystem,
    /// This one.
    Known(TimeZone),
}

impl Zone {
    /// The zone itself; UTC where the system's cannot be found.
    pub fn get(&self) -> TimeZone {
        match self {
            Self::OfSystem => TimeZone::system(),
            Self::Known(zone) => zone.clone(),
        }
    }
}

/// A home folder in a Linux that runs inside Windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wsl {
    /// The distribution's name.
    pub distribution: String,
    /// The home folder as Windows sees it, `\\\\wsl.localhost\\NAME\\home\\USER`.
    pub home: PathBuf,
}

impl Host {
    /// Reads the real machine.
    ///
    /// # Errors
    /// [`Code::NoHome`] where the system names no home folder; [`Code::Usage`] where `PATCHBAY_DATA_DIR` is no absolute
    /// path, because apps start the bridge from anywhere.
    pub fn real() -> Result<Self> {
        let home = directories::BaseDirs::new()
            .map(|dirs| dirs.home_dir().to_path_buf())
            .ok_or_else(|| Error::new(Code::NoHome, "The system names no home folder for this user."))?;
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let bare = Self::bare(Platform::current(), home, Timestamp::now());
        let host = Self { env, zone: Zone::OfSystem, ..bare };
        if host.var("PATCHBAY_DATA_DIR").is_some() && host.var_path("PATCHBAY_DATA_DIR").is_none() {
            return Err(Error::new(Code::Usage, "PATCHBAY_DATA_DIR is no absolute path.")
                .hint("Give the folder's whole path, or leave the variable out."));
        }
        Ok(host)
    }

    /// A machine with nothing set and nothing chosen.
    pub fn bare(platform: Platform, home: impl Into<PathBuf>, now: Timestamp) -> Self {
        let (env, chosen) = (BTreeMap::new(), BTreeMap::new());
        Self { platform, home: home.into(), env, now, zone: Zone::Known(TimeZone::UTC), chosen, wsl: Vec::new() }
    }

    /// A Linux inside this Windows, as far as anything is known about it.
    pub fn inside(&self, linux: &Wsl) -> Self {
        Self { zone: self.zone.clone(), ..Self::bare(Platform::Linux, &linux.home, self.now) }
    }

    /// The same machine at another moment.
    pub fn at(&self, now: Timestamp) -> Self {
        Self { now, ..self.clone() }
    }

    /// An environment variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// An environment variable that holds an absolute path.
    pub fn var_path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from).filter(|path| self.is_absolute(path))
    }

    fn is_absolute(&self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        match self.platform {
            Platform::Windows => text.starts_with("\\\\") || text.get(1..2) == Some(":"),
            Platform::Linux | Platform::MacOs => text.starts_with('/'),
        }
    }

    /// The folder of per-user settings: `$XDG_CONFIG_HOME`, `~/Library/Application Support`, `%APPDATA%`.
    pub fn config_dir(&self) -> PathBuf {
        match self.platform {
            Platform::Linux => self.var_path("XDG_CONFIG_HOME").unwrap_or_else(|| self.home.join(".config")),
            Platform::MacOs => self.home.join("Library").join("Application Support"),
            Platform::Windows => self.var_path("APPDATA").unwrap_or_else(|| self.home.join("AppData").join("Roaming")),
        }
    }

    /// Windows' `%LOCALAPPDATA%`; elsewhere the same as [`Host::config_dir`].
    pub fn local_dir(&self) -> PathBuf {
        match self.platform {
            Platform::Windows => {
                self.var_path("LOCALAPPDATA").unwrap_or_else(|| self.home.join("AppData").join("Local"))
            }
            Platform::Linux | Platform::MacOs => self.config_dir(),
        }
    }

    /// The folder of Patchbay's own data.
    ///
    /// `PATCHBAY_DATA_DIR` moves it. On Windows it lies in `%USERPROFILE%\.patchbay`: programs started by the Store
    /// build of Claude Desktop see a shadow of `AppData`, possibly days old.
    pub fn data_dir(&self) -> PathBuf {
        if let Some(moved) = self.var_path("PATCHBAY_DATA_DIR") {
            return moved;
        }
        match self.platform {
            Platform::Linux => self
                .var_path("XDG_DATA_HOME")
                .unwrap_or_else(|| self.home.join(".local").join("share"))
                .join("patchbay"),
            Platform::MacOs => self.home.join("Library").join("Application Support").join("Patchbay"),
            Platform::Windows => self.home.join(".patchbay"),
        }
    }
}
