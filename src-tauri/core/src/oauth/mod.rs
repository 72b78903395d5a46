//! Signing in by OAuth: discovery, registration, the browser, refreshing, signing out.
//!
//! What a sign-in brings is one [`Held`] secret: tokens, and the client that they belong to, together in one keychain
//! entry. It is refreshed by one process at a time. Nothing here opens a browser or writes to the keychain unasked.

//!
//! The protocol is rmcp's; what it lacks, renewing and revoking without asking the service about itself again, is here.

mod access;
mod bearer;
mod bundle;
mod challenge;
mod claims;
mod client;
mod code;
mod company;
mod credentials;
mod discover;
mod dpop;
mod failure;
mod idp;
mod inside;
mod kept;
mod line;
mod mend;
mod platform;
mod redirect;
mod token;
mod unsaved;
mod vouch;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::connection::{Grant, SignIn};
use crate::error::{Code, Error, Result};
use crate::file::Lock;
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::Endpoint;

use bundle::{Bundle, Ready};

pub use challenge::Refusal;
pub use dpop::Access;
pub use kept::Kept;
pub use redirect::USUAL_PORT;
pub use vouch::{Company, Voucher};

/// The address to which the browser comes back where a client was registered by hand.
pub fn usual_redirect() -> String {
    format!("http://127.0.0.1:{USUAL_PORT}/callback")
}

/// What is to be signed in to.
#[derive(Debug, Clone)]
pub struct Want {
    /// The service's address, and how it is reached.
    pub endpoint: Endpoint,
    /// How the tokens are obtained.
    pub grant: Grant,
    /// A client that the user brought along; absent: what the service hands out.
    pub client: Option<OwnClient>,
    /// The permissions to ask for; empty: those that the service names.
    pub scopes: Vec<String>,
    /// Who vouches for the user, for the ways that need somebody; absent: who did last time.
    pub voucher: Option<Voucher>,
}

/// A client that was registered by hand at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnClient {
    /// Its identifier. Without a secret, an https address is that of a document about the client (SEP-991), which is used
    /// where the service takes such.
    pub id: String,
    /// Its secret, where it has one: a password or a private key in PEM.
    pub secret: Option<Secret>,
}

/// How far a sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is asked how to sign in.
    Asking,
    /// This page has to be opened in the user's browser; it is waited for the user there.
    Browser(Url),
    /// The user is back; the tokens are fetched.
    Fetching,
}

/// A finished sign-in; nothing of it is kept yet.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What is known of it.
    pub sign_in: SignIn,
    /// The permissions that were given.
    pub scopes: Vec<String>,
    /// What belongs into the keychain.
    pub held: Held,
}

/// Tokens and the client they belong to, as they stand in one keychain entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Held(pub Secret);

impl Held {
    /// The client's secret, where it has one.
    pub fn client_secret(&self) -> Option<Secret> {
        Bundle::read(&self.0)?.client.secret
    }
}

impl OwnClient {
    fn is_document(&self) -> bool {
        let is_address = || Url::parse(&self.id).is_ok_and(|url| url.scheme() == "https" && url.path() != "/");
        self.secret.is_none() && is_address()
    }
}

/// What else may be known before a sign-in.
#[derive(Debug, Clone, Default)]
pub struct Manner<'a> {
    /// What the sign-in before it brought: its client is used again where the service is the same.
    pub before: Option<&'a Held>,
    /// Where to sign in, for services that do not say so themselves.
    pub places: Option<Places>,
    /// How long the user may take in the browser; five minutes where nothing is said.
    pub patience: Option<Duration>,
}

/// Where to sign in at a service (RFC 6749, chapter 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The page for people.
    pub authorize: Url,
    /// Where tokens are fetched.
    pub token: Url,
}

/// Signs in. Dropping it cancels, and closes what waits for the browser.
///
/// # Errors
/// `SignInNotOffered`, `SignInRefused`, `SignInTimeout`, `ServiceError`, or `Unreachable`.
pub async fn sign_in(want: &Want, tell: impl Fn(Step)) -> Result<Signed> {
    sign_in_as(want, &Manner::default(), tell).await
}

/// The same, with what is known before.
///
/// # Errors
/// As [`sign_in`].
pub async fn sign_in_as(want: &Want, manner: &Manner<'_>, tell: impl Fn(Step)) -> Result<Signed> {
    match want.grant {
        Grant::AuthorizationCode => code::sign_in(want, manner, tell).await,
        Grant::ClientCredentials => credentials::sign_in(want, manner, tell).await,
        Grant::Company => company::sign_in(want, manner, tell).await,
        Grant::Platform => platform::sign_in(want, manner, tell).await,
    }
}

fn signed(bundle: &Bundle) -> Result<Signed> {
    let sign_in = SignIn {
        grant: bundle.grant,
        issuer: bundle.server.issuer.clone(),
        client_id: bundle.client.id.clone(),
        own_client: bundle.client.own,
        has_secret: bundle.client.own && bundle.client.secret.is_some(),
        at: bundle.received,
        voucher: bundle.vouched.as_ref().and_then(vouch::Vouched::name),
        at_company: bundle.vouched.as_ref().and_then(vouch::Vouched::client),
        bound: bundle.bound,
        needed: None,
    };
    Ok(Signed { sign_in, scopes: bundle.scopes.clone(), held: bundle.held()? })
}

/// The access that a sign-in gives now, refreshed where it has ended or is the one that was `refused`. One
/// process refreshes at a time; the others take what it brought.
///
/// # Errors
/// `SignInNeeded` where only the user can go on; `TokenMissing`; `ServiceError`; `Unreachable`; the keychain does not answer.
pub async fn access(
    store: &SecretStore,
    key: &Key,
    data_dir: &Path,
    endpoint: &Endpoint,
    refused: Option<&Secret>,
) -> Result<Access> {
    Ok(access::access(store, key, data_dir, endpoint, refused).await?.0)
}

/// The same without a runtime, and until when the token can be sent without asking again. A token that is good comes
/// without a thread in between.
///
/// # Errors
/// As [`access`].
pub fn access_blocking(
    store: &SecretStore,
    key: &Key,
    data_dir: &Path,
    endpoint: &Endpoint,
    refused: Option<&Secret>,
) -> Result<(Access, Option<Timestamp>)> {
    if let Some(bundle) = store.read_blocking(key)?.as_ref().and_then(Bundle::read)
        && bundle.ready(Timestamp::now(), refused) == Ready::Now
    {
        return Ok((Access::of(&bundle)?, bundle.sent_until(Timestamp::now())));
    }
    let failed = || Error::new(Code::Internal, "Renewing the sign-in failed.");
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| failed())?;
        runtime.block_on(access::access(store, key, data_dir, endpoint, refused))
    };
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|_| Err(failed()))
}

/// Refuses to send as a token what is a sign-in, such as a newer Patchbay may have put in a token's place.
///
/// # Errors
/// `SignInNewer`.
pub fn check_token(held: &Secret) -> Result<()> {
    bundle::check_token(held)
}

/// Waits until what was renewed is in the keychain, at most so long; to be called before a program ends.
pub fn finish(patience: Duration) {
    access::finish(patience);
}

/// Puts a new sign-in into the keychain, while nobody renews the one that may stand there, which is handed back.
///
/// # Errors
/// A renewal does not finish; the keychain does not take it.
pub async fn keep(store: &SecretStore, key: &Key, data_dir: &Path, held: &Held) -> Result<Option<Held>> {
    let _turn = access::turn(data_dir, key).await?;
    // One that is damaged, or cannot be read, is ended by nobody.
    let before = store.read(key).await.ok().flatten();
    store.write(key, &held.0).await?;
    Ok(before.filter(|before| *before != held.0).map(Held))
}

/// The right to change a sign-in in the keychain: nobody renews it, keeps it or takes it out meanwhile.
///
/// # Errors
/// A renewal does not finish.
pub async fn turn(data_dir: &Path, key: &Key) -> Result<Lock> {
    access::turn(data_dir, key).await
}

/// Takes a sign-in out of the keychain once nobody renews it any more; what stood there, where that is sound. It is for
/// [`sign_out`].
///
/// # Errors
/// A renewal does not finish; the keychain does not answer.
pub async fn take_out(store: &SecretStore, key: &Key, data_dir: &Path) -> Result<Option<Held>> {
    let _turn = access::turn(data_dir, key).await?;
    let held = match store.read(key).await {
        Err(error) if error.code == Code::TokenMissing => None,
        held => held?,
    };
    store.delete(key).await?;
    Ok(held.map(Held))
}

/// Revokes a sign-in's tokens at the service, where it offers that; whether it did.
pub async fn sign_out(held: &Held, endpoint: &Endpoint) -> bool {
    match Bundle::read(&held.0) {
        Some(bundle) => {
            let line = line::Line::new(endpoint);
            let at_company = Box::pin(company::revoke(&line, &bundle)).await;
            token::revoke(&line, &bundle).await && at_company
        }
        None => false,
    }
}

/// The permissions to ask for at the next sign-in: those that were given and those that are missing.
pub fn union(given: &[String], needed: &[String]) -> Vec<String> {
    let mut all = given.to_vec();
    all.extend(needed.iter().filter(|scope| !given.contains(scope)).cloned());
    all
}
