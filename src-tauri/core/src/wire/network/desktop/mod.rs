//! The proxy that a Linux desktop names in its settings: GNOME's and those of its kind, and KDE's.
//!
//! A few files are read and no program is started: the bridge asks at its start. Of a proxy script (PAC)
//! its address is read. What cannot be read names nothing, and that is told as well.

mod dconf;
mod gvdb;
mod kde;

use std::path::{Path, PathBuf};

use serde::Serialize;
use ts_rs::TS;
use url::Url;
use zeroize::Zeroizing;

use super::script::Address;
use super::{Except, Proxy};
use crate::host::{Host, Platform};

/// What is larger is no settings file: users' databases have tens of kilobytes.
const MOST: u64 = 8 * 1024 * 1024;

/// What a desktop's settings say of proxies.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Desktop {
    /// None is set.
    #[default]
    Nothing,
    /// One is set.
    Set(Box<Set>),
    /// A script is set, at this address; without one the network itself is to tell.
    Script(Option<Address>),
    /// There is something to know, and no proxy.
    Noted(ProxyNote),
}

/// A proxy, and for whom it counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    proxy: Proxy,
    except: Except,
    /// Whether it counts for those exceptions alone.
    reversed: bool,
}

/// What there is to know where the system's settings name no proxy that could be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum ProxyNote {
    /// They name a script, which is asked for each service.
    Script {
        /// Where it is, without what may be private in that; absent where the network itself is to tell, which is not
        /// asked.
        address: Option<String>,
    },
    /// They are there and cannot be read.
    Unread {
        /// The file.
        path: String,
    },
    /// They name one for some addresses alone.
    ForSome {
        /// The proxy, to be shown.
        proxy: String,
    },
    /// They name one in a way that cannot be used. What they say is not told: a password may be in it.
    Unfit,
}

/// A file with settings that cannot be read.
#[derive(Debug)]
struct Unread(PathBuf);

/// How one desktop is asked.
type Way = fn(&Host) -> Result<Desktop, Unread>;

impl Desktop {
    /// What the desktop of a host says. Where the environment does not tell which desktop it is, as that of a bridge
    /// that an app starts may not, whichever says something counts.
    pub(super) fn of(host: &Host) -> Self {
        if host.platform != Platform::Linux {
            return Self::Nothing;
        }
        let named = host.var("XDG_CURRENT_DESKTOP").map(|names| names.split(':').any(|name| name == "KDE"));
        let ways: &[Way] = match named {
            Some(true) => &[kde::desktop],
            Some(false) => &[dconf::desktop],
            None => &[dconf::desktop, kde::desktop],
        };
        let mut found = Self::Nothing;
        for way in ways {
            match way(host) {
                Ok(Self::Nothing) => {}
                Ok(says) => return says,
                Err(Unread(path)) => found = Self::Noted(ProxyNote::Unread { path: path.display().to_string() }),
            }
        }
        found
    }

    fn script(address: Option<&str>) -> Self {
        Self::Script(address.and_then(Address::of))
    }

    /// The proxy to an address that is not on this computer.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<Proxy> {
        let Self::Set(set) = self else { return None };
        (set.except.covers(url) == set.reversed).then(|| set.proxy.clone())
    }

    /// The proxy, whatever for.
    pub(super) fn any(&self) -> Option<&Proxy> {
        if let Self::Set(set) = self { Some(&set.proxy) } else { None }
    }

    pub(super) fn note(&self) -> Option<ProxyNote> {
        match self {
            Self::Noted(note) => Some(note.clone()),
            Self::Script(address) => Some(ProxyNote::Script { address: address.as_ref().map(Address::told) }),
            Self::Set(set) if set.reversed => Some(ProxyNote::ForSome { proxy: set.proxy.to_string() }),
            Self::Set(_) | Self::Nothing => None,
        }
    }

    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        self.any().map(Proxy::secrets).unwrap_or_default()
    }
}

/// A file's bytes; `None` where there is none.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    // A pipe or a device might never end.
    if !found.is_file() || found.len() > MOST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    std::fs::read(path).map(Some)
}
