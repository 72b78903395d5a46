//! The proxy that the system names: by environment variables everywhere, and after those by its own settings.
//!
//! Services are reached by https alone, so it is `HTTPS_PROXY` and `ALL_PROXY` that count; `HTTP_PROXY` is known for
//! what there is to say where nobody answers. Names in capitals go before those in small letters. What a script (PAC)
//! says is asked of [`super::script`].

use url::Url;
use zeroize::Zeroizing;

use super::desktop::Desktop;
use super::script::Script;
use super::{Except, Proxy, ProxyNote};
use crate::host::Host;

/// What the system names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SystemProxy {
    https: Option<Proxy>,
    http: Option<Proxy>,
    except: Except,
    /// Whether the settings of macOS or Windows are asked where no variable names a proxy.
    settings: bool,
    /// Those of a Linux desktop.
    desktop: Desktop,
}

impl SystemProxy {
    /// What an environment names; `lookup` gives a variable's value.
    pub fn of(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let both = names.iter().flat_map(|name| [(*name).to_owned(), name.to_lowercase()]);
            both.filter_map(|name| lookup(&name)).find(|value| !value.trim().is_empty())
        };
        let proxy = |names: &[&str]| first(names).and_then(|text| Proxy::named(&text));
        Self {
            https: proxy(&["HTTPS_PROXY", "ALL_PROXY"]),
            http: proxy(&["HTTP_PROXY"]),
            except: first(&["NO_PROXY"]).map(|list| Except::lenient(&list)).unwrap_or_default(),
            settings: false,
            desktop: Desktop::default(),
        }
    }

    /// What a computer names: its environment, and where that names none, its own settings.
    pub fn of_host(host: &Host) -> Self {
        let of_environment = Self::of(|name| host.var(name).map(str::to_owned)).with_settings();
        let is_named = of_environment.https.is_some();
        Self { desktop: if is_named { Desktop::Nothing } else { Desktop::of(host) }, ..of_environment }
    }

    /// The same where the system's own settings are asked as well.
    fn with_settings(self) -> Self {
        Self { settings: true, ..self }
    }

    /// What this process was started with, and the system it runs on. No service is reached by it alone: whoever has a
    /// [`Host`] says more.
    pub(super) fn of_this_process() -> Self {
        Self::of(|name| std::env::var(name).ok()).with_settings()
    }

    /// The proxy to an address that is not on this computer.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<Proxy> {
        if self.except.covers(url) {
            return None;
        }
        let of_desktop = || self.desktop.proxy_for(url);
        self.https.clone().or_else(of_desktop).or_else(|| if self.settings { of_settings(url) } else { None })
    }

    /// The script that is to tell the way to an address that is not on this computer.
    pub(super) fn script_for(&self, url: &Url) -> Option<Script> {
        match &self.desktop {
            Desktop::Script(address) if !self.except.covers(url) => {
                Some(Script { address: address.clone(), certificates: Vec::new() })
            }
            _ => None,
        }
    }

    /// Whether a script is to tell the way to services, so that whoever reaches them needs the engine for it.
    pub fn has_script(&self) -> bool {
        matches!(self.desktop, Desktop::Script(Some(_)))
    }

    /// The proxy that is named, whatever for.
    pub(super) fn any(&self) -> Option<Proxy> {
        self.https.as_ref().or(self.desktop.any()).or(self.http.as_ref()).cloned()
    }

    /// What there is to know of its settings where they name no proxy that could be used.
    pub fn note(&self) -> Option<ProxyNote> {
        self.desktop.note()
    }

    /// The proxy for services, to be shown.
    pub fn shown(&self) -> Option<String> {
        let anywhere = Url::parse("https://service.invalid/").ok()?;
        Some(self.proxy_for(&anywhere)?.to_string())
    }

    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let of_environment = [&self.https, &self.http].into_iter().flatten().flat_map(Proxy::secrets);
        of_environment.chain(self.desktop.secrets()).collect()
    }
}

#[cfg(any(target_os = "macos", windows))]
fn of_settings(url: &Url) -> Option<Proxy> {
    let address = url.as_str().parse().ok()?;
    let found = hyper_util::client::proxy::matcher::Matcher::from_system().intercept(&address)?;
    Proxy::named(&found.uri().to_string())
}

#[cfg(not(any(target_os = "macos", windows)))]
fn of_settings(_: &Url) -> Option<Proxy> {
    None
}
