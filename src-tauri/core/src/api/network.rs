//! How services are reached, at the front door: for all connections and for one, set, cleared and tried.
//!
//! A connection's own choice of proxy goes before the one for all; extra certificates of both are trusted. The bridge,
//! the check, renewing and signing in all get theirs from here. A proxy's password is read where that proxy is used.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use url::Url;

use super::message::CheckedView;
use super::view::Settings;
use super::{Event, Patchbay, token};
use crate::catalog::is_loopback;
use crate::connection::state::{State, random_hex};
use crate::connection::{Connection, NetworkChoice, ProxyChoice};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::probe::{self, Limits, Probe, Speaks};
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::{Endpoint, Except, Network, Proxy, SystemProxy, read_certificates};

/// What a user wants of the network.
pub(super) struct WantedNetwork<'a> {
    /// The connection; absent: for all.
    pub(super) id: Option<&'a str>,
    /// The choice; absent: none of its own.
    pub(super) choice: Option<NetworkChoice>,
    /// Whether the password that is kept goes on to be used.
    pub(super) keep_password: bool,
    /// A new password.
    pub(super) password: Option<Secret>,
}

/// A way that may still lack its proxy's password.
struct Planned {
    network: Network,
    signs_in: Option<SignsIn>,
}

struct SignsIn {
    proxy: Proxy,
    user: String,
    key: Key,
}

impl Planned {
    /// The way, with what was found in the keychain.
    fn finish(self, found: Option<Secret>) -> Result<Network> {
        let Some(SignsIn { proxy, user, .. }) = self.signs_in else { return Ok(self.network) };
        let Some(password) = found else {
            let words = format!("The password for your network's proxy {proxy} is not here any more.");
            return Err(Error::new(Code::ProxyPasswordMissing, words)
                .hint("Give it again in Patchbay's settings, under Network.")
                .field("password"));
        };
        Ok(self.network.through(proxy.with_sign_in(&user, Some(password))))
    }
}

/// The way to an address, by the choice for all and that of a connection.
fn plan(host: &Host, all: &NetworkChoice, own: Option<&NetworkChoice>, url: &Url) -> Result<Planned> {
    if url.scheme() == "http" {
        return Ok(Planned { network: Network::default(), signs_in: None });
    }
    let choice = own.unwrap_or(all);
    let except = Except::strict(&choice.except)?;
    let mut certificates = Vec::new();
    for path in all.certificates.iter().chain(own.into_iter().flat_map(|own| &own.certificates)) {
        certificates.extend(read_certificates(path, host.now)?);
    }
    let is_used = !is_loopback(url) && !except.covers(url);
    let network = Network::system(system_proxy(host)).except(except).trusting(certificates);
    let proxy = choice.own_proxy()?;
    let (network, signs_in) = match (&choice.proxy, proxy) {
        (ProxyChoice::None, _) => (network.direct(), None),
        (ProxyChoice::Own { user: Some(user), .. }, Some(proxy)) => {
            let key = choice.key().filter(|_| is_used);
            let signs_in = key.map(|key| SignsIn { proxy: proxy.clone(), user: user.clone(), key });
            (network.through(proxy.with_sign_in(user, None)), signs_in)
        }
        (_, Some(proxy)) => (network.through(proxy), None),
        (_, None) => (network, None),
    };
    Ok(Planned { network, signs_in })
}

/// What this computer names as its proxy.
pub(super) fn system_proxy(host: &Host) -> SystemProxy {
    SystemProxy::of_host(host)
}

/// How an address is reached, for the bridge's start, read without a thread in between.
///
/// # Errors
/// A certificate file is unfit; the proxy's password is missing, or the keychain does not answer.
pub fn ready_network(
    host: &Host,
    state: &State,
    secrets: &SecretStore,
    own: Option<&NetworkChoice>,
    url: &str,
) -> Result<Network> {
    // What is no address is told of where it is used.
    let Ok(url) = Url::parse(url) else { return Ok(Network::default()) };
    let planned = plan(host, &state.settings.network, own, &url)?;
    let found = match &planned.signs_in {
        Some(signs_in) => secrets.read_blocking(&signs_in.key)?,
        None => None,
    };
    Ok(with_others(planned.finish(found)?, host, &state.settings.network, own, secrets))
}

/// The same way, from which that to others is told by the same choices: to whoever signs people in for a service.
fn with_others(
    network: Network,
    host: &Host,
    all: &NetworkChoice,
    own: Option<&NetworkChoice>,
    secrets: &SecretStore,
) -> Network {
    let (host, all, own, secrets) = (host.clone(), all.clone(), own.cloned(), secrets.clone());
    network.with_others(move |url| {
        let (planned, secrets) = (plan(&host, &all, own.as_ref(), url), secrets.clone());
        Box::pin(async move {
            let planned = planned?;
            let found = match &planned.signs_in {
                Some(signs_in) => token::read_sound(&secrets, &signs_in.key).await?,
                None => None,
            };
            planned.finish(found)
        })
    })
}

impl Patchbay {
    /// How a connection's service is reached.
    ///
    /// # Errors
    /// As [`ready_network`].
    pub async fn network_of(&self, connection: &Connection) -> Result<Network> {
        self.network_by(&self.state()?.settings, connection.network.as_ref(), &connection.url).await
    }

    /// How an address that belongs to no connection is reached.
    ///
    /// # Errors
    /// As [`ready_network`].
    pub(super) async fn network_to(&self, url: &str) -> Result<Network> {
        self.network_by(&self.state()?.settings, None, url).await
    }

    /// How an address is reached, by settings that were read before and its connection's own choice.
    ///
    /// # Errors
    /// As [`ready_network`].
    pub(super) async fn network_by(
        &self,
        settings: &Settings,
        own: Option<&NetworkChoice>,
        url: &str,
    ) -> Result<Network> {
        let Ok(url) = Url::parse(url) else { return Ok(Network::default()) };
        let (host, secrets) = (self.host_by(settings), self.store_of(settings.backend));
        let planned = plan(&host, &settings.network, own, &url)?;
        let found = match &planned.signs_in {
            Some(signs_in) => token::read_sound(&secrets, &signs_in.key).await?,
            None => None,
        };
        Ok(with_others(planned.finish(found)?, &host, &settings.network, own, &secrets))
    }

    /// What this computer names as its proxy.
    pub fn system_proxy(&self) -> SystemProxy {
        system_proxy(&self.host())
    }

    /// Sets how services are reached, or goes back to what counts otherwise.
    ///
    /// # Errors
    /// The proxy's address, an exception, a certificate file or the password is unfit; the keychain does not answer.
    /// Nothing has changed then.
    pub(super) async fn set_network(&self, wanted: WantedNetwork<'_>) -> Result<()> {
        self.settle_move().await?;
        let turn = self.token_turn()?;
        let state = self.state()?;
        let before = own_choice(&state, wanted.id)?.cloned().unwrap_or_default();
        let (choice, password) = self.fit(&wanted, &before)?;
        let keys = [before.key(), choice.as_ref().and_then(NetworkChoice::key)];
        let (old, new) = (keys[0].clone(), keys[1].clone());
        let changed: Vec<Key> = if old == new { Vec::new() } else { keys.into_iter().flatten().collect() };
        self.note_importing(&changed, &[])?;
        if let (Some(key), Some(password)) = (&new, &password) {
            self.secrets().write(key, password).await?;
        }
        self.inner.state.update(|state| {
            set_choice(state, wanted.id, choice)?;
            forget_checks(state, wanted.id);
            Ok(())
        })?;
        let mut settled = changed;
        if let Some(old) = old.filter(|old| Some(old) != new.as_ref())
            && let Err(error) = self.secrets().delete(&old).await
        {
            // What stays noted is deleted at the next start.
            tracing::warn!("the proxy's old password is still to be deleted: {error}");
            settled.retain(|key| *key != old);
        }
        self.note_importing(&[], &settled)?;
        drop(turn);
        self.tell(Event::Changed);
        Ok(())
    }

    /// Notes keychain entries that are about to be made or deleted, and strikes others out.
    fn note_importing(&self, add: &[Key], remove: &[Key]) -> Result<()> {
        self.inner.state.update(|state| {
            state.importing.retain(|name| !remove.iter().any(|key| key.as_str() == name));
            state.importing.extend(add.iter().map(|key| key.as_str().to_owned()));
            Ok(())
        })
    }

    /// What is wanted, found fit to be kept, and the password to be saved with it.
    fn fit(
        &self,
        wanted: &WantedNetwork<'_>,
        before: &NetworkChoice,
    ) -> Result<(Option<NetworkChoice>, Option<Secret>)> {
        let Some(mut choice) = wanted.choice.clone() else { return Ok((None, None)) };
        choice.except.retain(|entry| !entry.trim().is_empty());
        Except::strict(&choice.except)?;
        let now = self.host().now;
        choice.certificates.iter().try_for_each(|path| read_certificates(path, now).map(|_| ()))?;
        let Some(proxy) = choice.own_proxy()? else { return Ok((Some(choice), None)) };
        let given = wanted.password.as_ref().filter(|password| !password.is_empty()).cloned();
        let ProxyChoice::Own { address, user, password } = &mut choice.proxy else { return Ok((Some(choice), None)) };
        *address = proxy.origin();
        *user = user.take().map(|user| user.trim().to_owned()).filter(|user| !user.is_empty());
        check_user(user.as_deref(), given.is_some())?;
        *password = match (&given, &before.proxy) {
            (Some(_), _) => Some(format!("n-{}", random_hex(4))),
            (None, ProxyChoice::Own { address: old, user: name, password: Some(kept) }) if wanted.keep_password => {
                if (old, name) != (&*address, &*user) {
                    return Err(Error::new(
                        Code::ProxyPasswordMissing,
                        "The password that is kept belongs to another proxy or user name.",
                    )
                    .hint("Give the password again.")
                    .field("password"));
                }
                Some(kept.clone())
            }
            _ => None,
        };
        Ok((Some(choice), given))
    }

    /// Tries how connections are reached, one or all that have no choice of their own, and asks them nothing.
    ///
    /// # Errors
    /// As [`Patchbay::set_network`].
    pub(super) async fn test_network(&self, wanted: WantedNetwork<'_>) -> Result<Vec<CheckedView>> {
        let state = self.state()?;
        let before = own_choice(&state, wanted.id)?.cloned().unwrap_or_default();
        let (choice, password) = self.fit(&wanted, &before)?;
        let chosen: Vec<Connection> = match wanted.id {
            Some(id) => vec![state.connection(id)?.clone()],
            None => state.connections.iter().filter(|one| one.network.is_none() && is_far(one)).cloned().collect(),
        };
        let mut settings = state.settings;
        let own = if wanted.id.is_some() {
            choice
        } else {
            settings.network = choice.unwrap_or_default();
            None
        };
        let running: FuturesUnordered<_> = chosen
            .iter()
            .map(|connection| self.test_one(connection, &settings, own.as_ref(), password.as_ref()))
            .collect();
        let mut done = running.collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>()?;
        done.sort_by_key(|checked| chosen.iter().position(|connection| connection.id == checked.id));
        Ok(done)
    }

    async fn test_one(
        &self,
        connection: &Connection,
        settings: &Settings,
        own: Option<&NetworkChoice>,
        password: Option<&Secret>,
    ) -> Result<CheckedView> {
        let network = match (Url::parse(&connection.url), password) {
            (Ok(url), Some(password)) => {
                plan(&self.host(), &settings.network, own, &url)?.finish(Some(password.clone()))?
            }
            _ => self.network_by(settings, own, &connection.url).await?,
        };
        let endpoint = Endpoint::new(&connection.url)?.with_network(network);
        let probe = Probe { endpoint, tool: None, has_token: false, speaks: Speaks::ALL, limits: Limits::default() };
        let report = probe::reach(&probe, self.now()).await;
        Ok(CheckedView { id: connection.id.clone(), token: None, report })
    }

    /// Deletes the password of the proxy for all, when Patchbay is left.
    pub(super) async fn forget_proxy_password(&self) -> Result<()> {
        let Some(key) = self.state()?.settings.network.key() else { return Ok(()) };
        self.delete_tokens(&[key]).await?;
        self.inner.state.update(|state| {
            state.settings.network = std::mem::take(&mut state.settings.network).without_password();
            Ok(())
        })
    }
}

/// Whether a connection goes over a network at all.
fn is_far(connection: &Connection) -> bool {
    !connection.is_program() && Url::parse(&connection.url).is_ok_and(|url| !is_loopback(&url))
}

fn own_choice<'a>(state: &'a State, id: Option<&str>) -> Result<Option<&'a NetworkChoice>> {
    match id {
        Some(id) => Ok(state.connection(id)?.network.as_ref()),
        None => Ok(Some(&state.settings.network)),
    }
}

fn set_choice(state: &mut State, id: Option<&str>, choice: Option<NetworkChoice>) -> Result<()> {
    match id {
        Some(id) => state.connection_mut(id)?.network = choice,
        None => state.settings.network = choice.unwrap_or_default(),
    }
    Ok(())
}

/// What was found over another way says nothing of this one.
fn forget_checks(state: &mut State, id: Option<&str>) {
    let is_meant = |one: &&Connection| is_far(one) && id.map_or(one.network.is_none(), |id| one.id == id);
    let gone: Vec<_> = state.connections.iter().filter(is_meant).map(|one| one.id.clone()).collect();
    for id in &gone {
        state.checks.remove(id);
    }
}

fn check_user(user: Option<&str>, has_password: bool) -> Result<()> {
    let wrong = |message: &str, hint: &str| Err(Error::new(Code::SettingInvalid, message).hint(hint).field("user"));
    match user {
        None if has_password => wrong("A password alone signs nobody in.", "Give the user name as well."),
        Some(user) if user.contains(':') || user.chars().any(char::is_control) => {
            wrong("A user name for a proxy has no colon in it.", "Give the name alone; the password has its own field.")
        }
        _ => Ok(()),
    }
}
