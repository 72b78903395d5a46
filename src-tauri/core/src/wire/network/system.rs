//! The proxy that the system names: by environment variables everywhere, by its own settings on macOS and Windows.
//!
//! Services are reached by https alone, so it is `HTTPS_PROXY` and `ALL_PROXY` that count; `HTTP_PROXY` is known for
//! what there is to say where nobody answers. Names in capitals go before those in small letters. Scripts (PAC) and the
//! settings of Linux desktops are not read.

use url::Url;
use zeroize::Zeroizing;

use super::{Except, Proxy};

/// What the system names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SystemProxy {
    https: Option<Proxy>,
    http: Option<Proxy>,
    except: Except,
    /// Whether the system's own settings are asked where no variable names a proxy.
    settings: bool,
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
        }
    }

    /// The same where the system's own settings are asked as well.
    pub fn with_settings(self) -> Self {
        Self { settings: true, ..self }
    }

    /// What this process was started with, and the system it runs on.
    pub(super) fn of_this_process() -> Self {
        Self::of(|name| std::env::var(name).ok()).with_settings()
    }

    /// The proxy to an address that is not on this computer.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<Proxy> {
        if self.except.covers(url) {
            return None;
        }
        self.https.clone().or_else(|| if self.settings { of_settings(url) } else { None })
    }

    /// The proxy that the environment names, whatever for.
    pub fn any(&self) -> Option<Proxy> {
        self.https.clone().or_else(|| self.http.clone())
    }

    /// The proxy for services, to be shown.
    pub fn shown(&self) -> Option<String> {
        let anywhere = Url::parse("https://service.invalid/").ok()?;
        Some(self.proxy_for(&anywhere)?.to_string())
    }

    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        [&self.https, &self.http].into_iter().flatten().flat_map(Proxy::secrets).collect()
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
