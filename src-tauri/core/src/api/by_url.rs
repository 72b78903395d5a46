//! Signing in for an address alone, without a connection, as the command line does.
//!
//! The tokens go to the keychain, what is known of them to a private file; see [`Kept`].

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::check::not_tried;
use super::sign_in_again::Again;
use super::sign_in_view::SignInWith;
use super::sign_in_want::{Before, known_at, want};
use super::{Event, Patchbay, ready_network};
use crate::connection::state::StateFile;
use crate::connection::{AuthHeader, SignInNeeded};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::oauth::{self, Access, Held, Kept, Manner, Refusal, Step};
use crate::probe::{self, Limits, OfSignIn, Probe, Report, Speaks, Verdict};
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::Endpoint;

/// The endpoint of an address for the bridge, with the token of the sign-in for it, where there is one.
///
/// # Errors
/// The address is unfit; `SignInNeeded`; the keychain does not answer.
pub fn ready_url(host: &Host, url: &str, refusal: Option<&Refusal>) -> Result<Endpoint> {
    let data_dir = &host.data_dir();
    let state = StateFile::new(data_dir).load()?.state;
    let secrets = SecretStore::system(data_dir, state.settings.backend);
    let bare = Endpoint::new(url)?.with_network(ready_network(host, &state, &secrets, None, url)?);
    let Some(kept) = Kept::of(data_dir, bare.url())? else {
        return if refusal.is_some() {
            Err(needed(&format!("patchbay sign-in --url {url}"), "The service wants a sign-in."))
        } else {
            Ok(bare)
        };
    };
    let lacking = refusal.map(|refusal| refusal.scopes.as_slice()).unwrap_or_default();
    let refused = refusal.filter(|_| lacking.is_empty()).and_then(|refusal| refusal.token.as_ref());
    let got = oauth::access_blocking(&secrets, &Kept::key(bare.url()), data_dir, &bare, refused);
    let (access, until) = got.map_err(|error| match error.code {
        Code::SignInNeeded | Code::TokenMissing => {
            note(data_dir, &kept, &[]);
            needed(&again(url, &kept), &error.message)
        }
        _ => error,
    })?;
    let is_same = refusal.is_some_and(|refusal| refusal.token.as_ref() == Some(&access.token));
    if is_same && lacking.iter().any(|scope| !kept.scopes.contains(scope)) {
        note(data_dir, &kept, lacking);
        return Err(needed(&again(url, &kept), "The service asks for more permissions than you gave."));
    }
    Ok(access.on(bare, &AuthHeader::default())?.fresh_until(until))
}

fn needed(command: &str, why: &str) -> Error {
    Error::new(Code::SignInNeeded, why).hint(format!("Run: {command}"))
}

/// The command that signs in again for an address.
fn again(url: &str, kept: &Kept) -> String {
    Again::of(&format!("--url {url}"), &kept.sign_in).command()
}

/// Writes down that the user has to sign in, and for which permissions.
fn note(data_dir: &Path, kept: &Kept, scopes: &[String]) {
    let mut noted = kept.clone();
    let fresh = || SignInNeeded { since: Timestamp::now(), scopes: Vec::new() };
    let needed = noted.sign_in.needed.get_or_insert_with(fresh);
    needed.scopes = oauth::union(&needed.scopes, scopes);
    if let Some(error) = (noted != *kept).then(|| noted.keep(data_dir)).and_then(Result::err) {
        tracing::warn!("that a sign-in is needed cannot be written down: {error}");
    }
}

/// What a check found where the user has signed out: the way in is the one that they went before.
fn said_of_left(report: Report, left: Option<&Kept>) -> Report {
    match (report.verdict, left) {
        (Verdict::TokenMissing | Verdict::NeedsBrowserSignIn, Some(left)) => {
            Report { verdict: Verdict::NeedsBrowserSignIn, ..report }.of_sign_in(OfSignIn::out_of(left.sign_in.grant))
        }
        _ => report,
    }
}

impl Patchbay {
    /// Signs in for an address. What `with` leaves open is as it was before, also before the user signed out.
    ///
    /// # Errors
    /// As [`oauth::sign_in`], and as [`want`] where a secret is missing; the keychain does not take the tokens.
    pub async fn sign_in_url(
        &self,
        url: &str,
        with: &SignInWith,
        secret: Option<Secret>,
        tell: impl Fn(Step),
    ) -> Result<Kept> {
        let bare = Endpoint::new(url)?.with_network(self.network_to(url).await?);
        let (url, secrets, key) = (bare.url().clone(), self.secrets(), Kept::key(bare.url()));
        let (kept, left) = known_at(self.data_dir(), &url);
        // Looked at ahead of it, so that nobody signs in for nothing.
        let stands = super::token::read_sound(&secrets, &key).await?;
        secrets.check_open().await?;
        let held = stands.filter(|_| kept.is_some()).map(Held);
        let before = Before {
            at: &format!("--url {url}"),
            sign_in: kept.as_ref().map(|kept| &kept.sign_in),
            scopes: kept.as_ref().map(|kept| kept.scopes.as_slice()).unwrap_or_default(),
            left: left.as_ref().map(|left| &left.sign_in),
            held: held.as_ref(),
        };
        let want = want(bare, before, with, secret)?;
        let patience = with.seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let manner = Manner { before: held.as_ref(), places: None, patience };
        let signed = oauth::sign_in_as(&want, &manner, tell).await?;
        let made = Kept { url: url.to_string(), sign_in: signed.sign_in, scopes: signed.scopes };
        // Known before it stands in the keychain, so that no token is there of which nobody knows.
        made.keep(self.data_dir())?;
        let ended = match self.put(&key, &signed.held).await {
            Ok(ended) => ended,
            Err(error) => {
                kept.map_or_else(|| Kept::forget(self.data_dir(), &url), |before| before.keep(self.data_dir()))?;
                return Err(error);
            }
        };
        Kept::forget_left(self.data_dir(), &url)?;
        if let Some(ended) = ended {
            self.end_sign_in(&ended, &want.endpoint).await;
        }
        Ok(made)
    }

    /// Where the tokens of all sign-ins for addresses stand.
    pub(super) fn keys_of_addresses(&self) -> Result<Vec<Key>> {
        Ok(Kept::all(self.data_dir())?.iter().filter_map(Kept::own_key).collect())
    }

    /// Signs out of all addresses, and forgets all of those before; how many there were, and whether the services have
    /// ended them all.
    pub(super) async fn sign_out_of_addresses(&self) -> Result<(u32, Option<bool>)> {
        let (mut count, mut ended) = (0, None);
        for kept in Kept::all(self.data_dir())? {
            // Of one that was known its token may be gone.
            let (_, Some(revoked)) = self.leave_url(&kept.url).await? else { continue };
            ended = Some(ended.unwrap_or(true) && revoked);
            count += 1;
        }
        Kept::forget_all_left(self.data_dir())?;
        Ok((count, ended))
    }

    /// Checks an address, with the sign-in for it where there is one; like any check of a sign-in, it renews a token that
    /// is refused once.
    ///
    /// # Errors
    /// The address is unfit; what is known of its sign-in cannot be read.
    pub async fn check_url(&self, url: &str) -> Result<Report> {
        let bare = Endpoint::new(url)?.with_network(self.network_to(url).await?);
        let Some(kept) = Kept::of(self.data_dir(), bare.url())? else {
            let left = Kept::left(self.data_dir(), bare.url()).unwrap_or_default();
            return Ok(said_of_left(self.probe_url(bare).await, left.as_ref()));
        };
        let mut refused = None;
        loop {
            let access = match self.access_of_url(&bare, &kept, refused.as_ref()).await {
                Ok(access) => access,
                Err(error) if error.code == Code::SignInNeeded => {
                    return Ok(not_tried(&error, self.host().now).of_sign_in(OfSignIn::Ended));
                }
                Err(error) => return Ok(not_tried(&error, self.host().now)),
            };
            let report = self.probe_url(access.on(bare.clone(), &AuthHeader::default())?).await;
            if report.verdict != Verdict::TokenRefused {
                return Ok(report);
            }
            if refused.is_some() {
                return Ok(report.of_sign_in(OfSignIn::Ended));
            }
            refused = Some(access.token);
        }
    }

    async fn probe_url(&self, endpoint: Endpoint) -> Report {
        let probe = Probe {
            has_token: endpoint.has_auth(),
            endpoint,
            tool: None,
            speaks: Speaks::ALL,
            limits: Limits::default(),
        };
        probe::probe(&probe, self.host().now, |_| {}).await
    }

    async fn access_of_url(&self, bare: &Endpoint, kept: &Kept, refused: Option<&Secret>) -> Result<Access> {
        let (key, url) = (Kept::key(bare.url()), bare.url().as_str());
        oauth::access(&self.secrets(), &key, self.data_dir(), bare, refused).await.map_err(|error| match error.code {
            Code::SignInNeeded | Code::TokenMissing => {
                note(self.data_dir(), kept, &[]);
                needed(&again(url, kept), &error.message)
            }
            _ => error,
        })
    }

    /// Signs out of an address; whether the service ended the sign-in too.
    ///
    /// # Errors
    /// `TokenMissing` where there is no sign-in; the keychain does not answer.
    pub async fn sign_out_url(&self, url: &str) -> Result<bool> {
        let left = self.leave_url(url).await?;
        self.tell(Event::Changed);
        match left {
            (None, None) => Err(Error::new(Code::TokenMissing, "There is no sign-in for this address.")),
            (_, revoked) => Ok(revoked.unwrap_or(false)),
        }
    }

    /// Signs out of an address: what was known of the sign-in, which stays known as one that was left, and where its
    /// tokens were there, whether the service ended it.
    async fn leave_url(&self, url: &str) -> Result<(Option<Kept>, Option<bool>)> {
        let endpoint = Endpoint::new(url)?.with_network(self.network_to(url).await?);
        let turn = self.token_turn()?;
        let held = oauth::take_out(&self.secrets(), &Kept::key(endpoint.url()), self.data_dir()).await?;
        drop(turn);
        let (kept, _) = known_at(self.data_dir(), endpoint.url());
        match &kept {
            Some(kept) => kept.leave(self.data_dir())?,
            None => Kept::forget(self.data_dir(), endpoint.url())?,
        }
        let Some(held) = held else { return Ok((kept, None)) };
        Ok((kept, Some(self.end_sign_in(&held, &endpoint).await)))
    }
}
