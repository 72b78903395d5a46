//! Signing in by OAuth: discovery, registration, the browser, refreshing, signing out.
//!
//! What a sign-in brings is one [`Held`] secret: tokens, and the client that they belong to, together in one keychain
//! entry. It is refreshed by one process at a time. Nothing here opens a browser or writes to the keychain unasked.

use std::path::Path;

use url::Url;

use crate::connection::{Grant, SignIn};
use crate::error::{Code, Error, Result};
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::Endpoint;

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
}

/// A client that was registered by hand at the service.
#[derive(Debug, Clone)]
pub struct OwnClient {
    /// Its identifier.
    pub id: String,
    /// Its secret, where it has one.
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

/// Signs in. Dropping it cancels, and closes what waits for the browser.
///
/// # Errors
/// `SignInNotOffered`, `SignInRefused`, `SignInTimeout`, or the service cannot be reached.
pub async fn sign_in(_want: &Want, _tell: impl Fn(Step)) -> Result<Signed> {
    Err(Error::new(Code::Internal, "Signing in is not built yet."))
}

/// The access token of a sign-in as it is now, refreshed where it has ended or is the one that was `refused`. One
/// process refreshes at a time; the others take what it brought.
///
/// # Errors
/// `SignInNeeded` where only the user can go on; `TokenMissing`; the keychain does not answer.
pub async fn access(
    _store: &SecretStore,
    _key: &Key,
    _data_dir: &Path,
    _endpoint: &Endpoint,
    _refused: Option<&Secret>,
) -> Result<Secret> {
    Err(Error::new(Code::Internal, "Signing in is not built yet."))
}

/// Revokes a sign-in's tokens at the service, where it offers that; whether it did.
pub async fn sign_out(_held: &Held, _endpoint: &Endpoint) -> bool {
    false
}
