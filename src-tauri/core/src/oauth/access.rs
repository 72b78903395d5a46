//! The access token as it is now, renewed by one process at a time.
//!
//! A renewal is not cut off by whoever asked for it: the service may have replaced the token that renews already, and
//! the new one must reach the keychain. [`finish`] lets a program wait for that before it ends.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::bundle::{Bundle, Ready};
use super::failure::needs_person;
use super::line::Line;
use super::{company, token};
use crate::error::{Code, Error, Result};
use crate::file::Lock;
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::Endpoint;

/// How long another process may take for its renewal.
const PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(25);
/// How long a service may take to end what nobody wants any more.
const REVOCATION: Duration = Duration::from_secs(10);
/// How often the keychain is given what a renewal brought.
const TRIES: u32 = 3;

/// Where a sign-in stands, and for what.
#[derive(Clone)]
struct Place {
    store: SecretStore,
    key: Key,
    lock: PathBuf,
    endpoint: Endpoint,
}

pub(super) async fn access(
    store: &SecretStore,
    key: &Key,
    data_dir: &Path,
    endpoint: &Endpoint,
    refused: Option<&Secret>,
) -> Result<(Secret, Option<Timestamp>)> {
    let held = store.read(key).await?.ok_or_else(missing)?;
    // What a person pasted in its place is sent as it is.
    let Some(bundle) = Bundle::read(&held) else { return Ok((held, None)) };
    let still_good = match bundle.ready(Timestamp::now(), refused) {
        Ready::Now => return Ok((bundle.access.clone(), bundle.sent_until(Timestamp::now()))),
        Ready::Person => return Err(needs_person("It has ended.")),
        Ready::Renew { still_good } => still_good,
    };
    let lock = lock_of(data_dir, key);
    let place = Place { store: store.clone(), key: key.clone(), lock, endpoint: endpoint.without_auth() };
    let (refused, under_way) = (refused.cloned(), UnderWay::begin());
    let renewal = tokio::spawn(async move {
        let _under_way = under_way;
        place.renew(refused.as_ref()).await
    });
    let bundle = match renewal.await.map_err(|_| Error::new(Code::Internal, "Renewing the sign-in failed."))? {
        // Somebody else's attempt does not end.
        Err(error) if still_good && error.code == Code::FileBusy => bundle,
        renewed => renewed?,
    };
    Ok((bundle.access.clone(), bundle.sent_until(Timestamp::now())))
}

fn missing() -> Error {
    Error::new(Code::TokenMissing, "There is no sign-in here.").hint("Sign in first.").field("token")
}

impl Place {
    /// Renews under the lock, unless somebody has done it meanwhile.
    async fn renew(&self, refused: Option<&Secret>) -> Result<Bundle> {
        let _lock = locked(&self.lock).await?;
        let held = self.store.read(&self.key).await?.ok_or_else(missing)?;
        let bundle = Bundle::read(&held).ok_or_else(missing)?;
        let still_good = match bundle.ready(Timestamp::now(), refused) {
            Ready::Now => return Ok(bundle),
            Ready::Person => return Err(needs_person("It has ended.")),
            Ready::Renew { still_good } => still_good,
        };
        let line = Line::new(&self.endpoint);
        // What a company gives in place of what it takes is kept before anything else can fail.
        let (held, bundle, outcome) = match company::prepared(&line, &bundle).await {
            Ok(None) => (held, bundle.clone(), token::renewed(&line, &bundle).await),
            Ok(Some(prepared)) => {
                let bundle = self.keep(&held, prepared).await?;
                (bundle.held()?.0, bundle.clone(), token::renewed(&line, &bundle).await)
            }
            Err(error) => (held, bundle, Err(error)),
        };
        match outcome {
            Ok(renewed) => {
                let after_refusal = refused == Some(&bundle.access);
                self.keep(&held, Bundle { after_refusal, ..renewed }).await
            }
            Err(error) if error.code == Code::SignInNeeded => {
                // Asked once, the service need not be asked again until a person has signed in.
                let now = self.keep(&held, bundle.over()).await?;
                if still_good || !now.ended { Ok(now) } else { Err(error) }
            }
            Err(_) if still_good => Ok(bundle),
            Err(error) => Err(error),
        }
    }

    /// Writes what a renewal brought, unless the user has signed in anew or out meanwhile; what stands there then. Its
    /// only other copy is here, so a keychain that stumbles is asked again.
    async fn keep(&self, before: &Secret, bundle: Bundle) -> Result<Bundle> {
        match self.store.read(&self.key).await {
            Ok(Some(other)) if other != *before => return Bundle::read(&other).ok_or_else(missing),
            Ok(None) => {
                // Nobody holds it any more, so nobody else could end it.
                if !bundle.ended {
                    let line = Line::new(&self.endpoint);
                    // A service that does not hear of it ends it when its time is over.
                    let _ = tokio::time::timeout(REVOCATION, token::revoke(&line, &bundle)).await;
                }
                return Err(missing());
            }
            _ => {}
        }
        let held = bundle.held()?;
        let mut outcome = Ok(());
        for tried in 0..TRIES {
            tokio::time::sleep(PAUSE * 10 * tried).await;
            outcome = self.store.write(&self.key, &held.0).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome.map(|()| bundle)
    }
}

/// The right to change a sign-in in the keychain, which one process has at a time.
pub(super) async fn turn(data_dir: &Path, key: &Key) -> Result<Lock> {
    locked(&lock_of(data_dir, key)).await
}

fn lock_of(data_dir: &Path, key: &Key) -> PathBuf {
    data_dir.join("locks").join(format!("sign-in-{}.lock", key.as_str()))
}

async fn locked(path: &Path) -> Result<Lock> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = Lock::try_take(path)? {
            return Ok(lock);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::new(
                Code::FileBusy,
                "Another program of Patchbay's renews the sign-in and does not finish.",
            )
            .hint("Wait a moment, then try again."));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

static RENEWALS: Mutex<usize> = Mutex::new(0);
static FINISHED: Condvar = Condvar::new();

/// A renewal from its beginning to its end.
struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        *RENEWALS.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *RENEWALS.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FINISHED.notify_all();
    }
}

/// Waits for the renewals under way, at most so long; to be called before a program ends.
pub(super) fn finish(patience: Duration) {
    let renewals = RENEWALS.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = FINISHED.wait_timeout_while(renewals, patience, |renewals| *renewals > 0);
    if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
        tracing::warn!("a sign-in could not be renewed in time");
    }
}
