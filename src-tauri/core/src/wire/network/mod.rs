//! How a service is reached: through which proxy, and whom besides the system's own authorities to trust.
//!
//! A proxy is never used for this computer, whatever is set. A proxy's password goes to that proxy alone: it is in no
//! `Debug`, and what is told of a service passes [`super::veil`], which knows it.

mod certificates;
mod desktop;
mod except;
mod naming;
mod proxy;
mod script;
mod system;
mod trust;
mod tunnel;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use url::Url;
use zeroize::Zeroizing;

use crate::catalog::is_loopback;
use crate::error::Result;

pub use certificates::read_certificates;
pub use desktop::ProxyNote;
pub use except::Except;
pub(super) use naming::{SignsItself, UnknownOtherName, is_for_signing};
pub use proxy::Proxy;
use script::Script;
pub use script::{ScriptFault, ScriptWhy, bring_engine};
pub use system::SystemProxy;
pub(super) use tunnel::try_through;
pub(crate) use tunnel::{Line, tunnel};
pub use tunnel::{ProxyFault, ProxyWhy};

/// The way through the network; cheap to clone. The default is the system's: its proxy and its trust store.
#[derive(Clone, Default)]
pub struct Network {
    chosen: Option<Arc<Chosen>>,
    others: Option<Others>,
}

/// Tells how an address of somebody else is reached, when it is asked.
type Others = Arc<dyn Fn(&Url) -> BoxFuture<'static, Result<Network>> + Send + Sync>;

#[derive(Clone, PartialEq)]
struct Chosen {
    route: Route,
    system: SystemProxy,
    except: Except,
    certificates: Vec<CertificateDer<'static>>,
}

#[derive(Clone, PartialEq)]
enum Route {
    System,
    Direct,
    Through(Proxy),
}

/// A way that somebody has set and that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unused {
    /// A proxy, by its host and port.
    Proxy(String),
    /// A proxy script, which tells no way.
    Script(ScriptFault),
}

impl Unused {
    /// What was not used, and the next step: sentences for people.
    pub fn sentences(&self) -> String {
        match self {
            Self::Proxy(proxy) => format!(
                "It was tried directly, and your network has the proxy {proxy}. Use that one for it in Patchbay's \
                 settings, under Network."
            ),
            Self::Script(fault) => format!("It was tried directly. {} {}", fault.sentence(), fault.next_step()),
        }
    }
}

/// What the system's proxy script says of an address.
pub(crate) enum ScriptSays {
    /// Through a proxy, or directly.
    Way,
    /// Nothing, so that the way is directly.
    Nothing(ScriptFault),
}

impl Network {
    /// The way that a system's settings name.
    pub fn system(system: SystemProxy) -> Self {
        let (except, certificates) = (Except::default(), Vec::new());
        let chosen = Some(Arc::new(Chosen { route: Route::System, system, except, certificates }));
        Self { chosen, others: None }
    }

    /// The same without any proxy.
    pub fn direct(self) -> Self {
        self.with(|chosen| chosen.route = Route::Direct)
    }

    /// The same through a proxy, whatever the system says.
    pub fn through(self, proxy: Proxy) -> Self {
        self.with(|chosen| chosen.route = Route::Through(proxy))
    }

    /// The same with hosts that are reached directly, besides those that the system names for its own proxy.
    pub fn except(self, except: Except) -> Self {
        self.with(|chosen| chosen.except = except)
    }

    /// The same with authorities that are trusted besides the system's.
    pub fn trusting(self, certificates: Vec<CertificateDer<'static>>) -> Self {
        self.with(|chosen| chosen.certificates = certificates)
    }

    fn with(self, edit: impl FnOnce(&mut Chosen)) -> Self {
        let chosen = self.chosen.or_else(|| Self::system(SystemProxy::of_this_process()).chosen);
        let edited = chosen.map(|mut chosen| {
            edit(Arc::make_mut(&mut chosen));
            chosen
        });
        Self { chosen: edited, others: self.others }
    }

    /// The same, where `others` tells how addresses of somebody else are reached: of those who sign people in for a
    /// service. What only they need, as a proxy's password may be, is read only when one of them is asked.
    pub(crate) fn with_others(
        self,
        others: impl Fn(&Url) -> BoxFuture<'static, Result<Self>> + Send + Sync + 'static,
    ) -> Self {
        Self { others: Some(Arc::new(others)), ..self }
    }

    /// How an address of somebody else is reached by the same choice.
    ///
    /// # Errors
    /// What that needs cannot be read.
    pub(crate) async fn to(&self, url: &Url) -> Result<Self> {
        match &self.others {
            Some(others) => others(url).await,
            None => Ok(self.clone()),
        }
    }

    /// The proxy to an address, if there is one.
    pub fn proxy_for(&self, url: &Url) -> Option<Proxy> {
        if is_loopback(url) {
            return None;
        }
        let Some(chosen) = &self.chosen else { return SystemProxy::of_this_process().proxy_for(url) };
        if chosen.except.covers(url) {
            return None;
        }
        match &chosen.route {
            Route::System => match self.script(url) {
                Some(script) => script::said(&script, url)?.ok().flatten(),
                None => chosen.system.proxy_for(url),
            },
            Route::Direct => None,
            Route::Through(proxy) => Some(proxy.clone()),
        }
    }

    /// The system's proxy script, where it is to tell the way to an address.
    fn script(&self, url: &Url) -> Option<Script> {
        let chosen = self.chosen.as_ref().filter(|chosen| chosen.route == Route::System)?;
        if is_loopback(url) || chosen.except.covers(url) {
            return None;
        }
        Some(Script { certificates: self.certificates().to_vec(), ..chosen.system.script_for(url)? })
    }

    /// Asks the system's proxy script for the way to an address, where it is to tell and has not told lately: before
    /// [`Self::proxy_for`].
    pub(crate) async fn ask_script(&self, url: &Url) {
        if let Some(script) = self.script(url) {
            // On the heap: hardly anybody has a script, and everybody carries this along.
            Box::pin(script::ask(&script, self, url)).await;
        }
    }

    /// What the system's proxy script said of an address, if it was to tell.
    pub(crate) fn script_says(&self, url: &Url) -> Option<ScriptSays> {
        let script = self.script(url)?;
        let why = script::said(&script, url)?.err();
        let address = script.address.as_ref().map(script::Address::told);
        Some(why.map_or(ScriptSays::Way, |why| ScriptSays::Nothing(ScriptFault { address, why })))
    }

    /// Has the system's proxy script asked again next time, where the way that it told of leads nowhere.
    pub(crate) fn doubt_script(&self, url: &Url) {
        if let Some(script) = self.script(url) {
            script::doubt(&script, url);
        }
    }

    /// A way that somebody has set and that is not used for this address: for what to say where nobody answers.
    pub(crate) fn unused(&self, url: &Url) -> Option<Unused> {
        if is_loopback(url) || self.proxy_for(url).is_some() {
            return None;
        }
        let proxy = |proxy: Proxy| Unused::Proxy(proxy.to_string());
        let Some(chosen) = &self.chosen else { return SystemProxy::of_this_process().any().map(proxy) };
        if let Some(ScriptSays::Nothing(fault)) = self.script_says(url) {
            return Some(Unused::Script(fault));
        }
        match &chosen.route {
            Route::Through(own) => Some(proxy(own.clone())),
            _ => chosen.system.any().map(proxy),
        }
    }

    /// The authorities that are trusted besides the system's.
    pub(crate) fn certificates(&self) -> &[CertificateDer<'static>] {
        self.chosen.as_ref().map_or(&[], |chosen| &chosen.certificates)
    }

    /// The passwords that must not be told, as a proxy might repeat them.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let Some(chosen) = &self.chosen else { return SystemProxy::of_this_process().secrets() };
        let own = if let Route::Through(proxy) = &chosen.route { proxy.secrets() } else { Vec::new() };
        own.into_iter().chain(chosen.system.secrets()).collect()
    }

    /// How TLS is spoken: with the system's trust store, and who is trusted besides.
    ///
    /// # Errors
    /// `Internal` where the system's trust store cannot be opened.
    pub(crate) fn tls(&self) -> Result<rustls::ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = trust::verifier(self.certificates(), &provider)?;
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| trust::closed())?;
        Ok(config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(naming::Naming { verifier, own: self.certificates().to_vec() }))
            .with_no_client_auth())
    }

    /// The same to a web service, which is offered both versions of HTTP: some take nobody who does not.
    ///
    /// # Errors
    /// As [`Self::tls`].
    pub(crate) fn web_tls(&self) -> Result<rustls::ClientConfig> {
        let mut config = self.tls()?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Whether an address is reached in the same way.
impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.chosen == other.chosen
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(chosen) = &self.chosen else { return f.write_str("Network(the system's)") };
        let route = match &chosen.route {
            Route::System => "the system's".to_owned(),
            Route::Direct => "direct".to_owned(),
            Route::Through(proxy) => proxy.to_string(),
        };
        let own = chosen.certificates.len();
        f.debug_struct("Network").field("route", &route).field("certificates", &own).finish_non_exhaustive()
    }
}
