//! How services are reached, as the user chose it: for all connections, or for one of them. Never a password.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::Result;
use crate::secret::Key;
use crate::wire::Proxy;

/// How services are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct NetworkChoice {
    /// Through which proxy.
    pub proxy: ProxyChoice,
    /// Hosts, domains and networks that are reached without it, as in `NO_PROXY`.
    pub except: Vec<String>,
    /// Files with certificates of authorities that are trusted besides the system's.
    pub certificates: Vec<PathBuf>,
}

/// Through which proxy services are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum ProxyChoice {
    /// The one that the system names, if it names one.
    #[default]
    System,
    /// None.
    None,
    /// This one.
    Own {
        /// Where it is, `http://host:port`.
        address: String,
        /// The name to sign in with.
        #[serde(default)]
        user: Option<String>,
        /// The keychain entry that holds the password, where there is one: `n-` and eight hex digits.
        #[serde(default)]
        password: Option<String>,
    },
}

impl NetworkChoice {
    /// The proxy of its own, not signed in to.
    ///
    /// # Errors
    /// `ProxyInvalid`.
    pub fn own_proxy(&self) -> Result<Option<Proxy>> {
        match &self.proxy {
            ProxyChoice::Own { address, .. } => Proxy::at(address).map(Some),
            ProxyChoice::System | ProxyChoice::None => Ok(None),
        }
    }

    /// Where the proxy's password stands, pinned to the proxy.
    pub fn key(&self) -> Option<Key> {
        let ProxyChoice::Own { address, password, .. } = &self.proxy else { return None };
        Some(Key::new(password.as_deref()?, &Proxy::at(address).ok()?.origin()))
    }

    /// The same when the password is deleted.
    #[must_use]
    pub fn without_password(mut self) -> Self {
        if let ProxyChoice::Own { password, .. } = &mut self.proxy {
            *password = None;
        }
        self
    }
}
