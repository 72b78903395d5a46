//! The access token as it is now, renewed by one process at a time.
//!
//! A renewal is not cut off by whoever asked for it: the service may have replaced the token that renews already, and
//! the new one must reach the keychain. [`finish`] lets a program wait for that before it ends. A keychain that takes no
//! writes shows before the service is asked; one that stops taking them just then is asked again for a while, under the
//! lock, so that no other process uses the replaced token.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::bundle::{Bundle, Ready, check_sign_in};
use super::dpop::Access;
use super::failure::needs_person;
use super::line::Line;
use super::{company, token, unsaved};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::file::Lock;
use crate::secret::{Key, Secret, SecretStore};
use crate::wire::Endpoint;

/// How long another process may take for its renewal.
const PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(25);
/// How long a service may take to end what nobody wants any more.
const REVOCATION: Duration = Duration::from_secs(10);
/// How often the keychain is given what a renewal brought before whoever asked goes on.
const TRIES: u32 = 3;
/// How long it is given that afterwards; others wait longer for the lock.
const INSISTENCE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(500);

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
) -> Result<(Access, Option<Timestamp>)> {
    let held = store.read(key).await?.ok_or_else(missing)?;
    // What a person pasted in its place is sent as it is, and nothing else that is no sign-in known here.
    check_sign_in(&held)?;
    let lock = lock_of(data_dir, key);
    let Some(bundle) = known(&lock, &held) else { return Ok((held.into(), None)) };
    let still_good = match bundle.ready(Timestamp::now(), refused) {
        Ready::Now => return Ok((Access::of(&bundle)?, bundle.sent_until(Timestamp::now()))),
        Ready::Person => return Err(needs_person("It has ended.")),
        Ready::Renew { still_good } => still_good,
    };
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
    Ok((Access::of(&bundle)?, bundle.sent_until(Timestamp::now())))
}

/// What is known of a sign-in of which this stands in the keychain; `None` where a plain token stands there.
fn known(lock: &Path, held: &Secret) -> Option<Bundle> {
    unsaved::of(lock, held).or_else(|| Bundle::read(held))
}

fn missing() -> Error {
    Error::new(Code::TokenMissing, "There is no sign-in here.").hint("Sign in first.").field("token")
}

impl Place {
    /// Renews under the lock, unless somebody has done it meanwhile.
    async fn renew(&self, refused: Option<&Secret>) -> Result<Bundle> {
        let lock = locked(&self.lock).await?;
        let held = self.store.read(&self.key).await?.ok_or_else(missing)?;
        let bundle = known(&self.lock, &held).ok_or_else(missing)?;
        let still_good = match bundle.ready(Timestamp::now(), refused) {
            Ready::Now => return Ok(bundle),
            Ready::Person => return Err(needs_person("It has ended.")),
            Ready::Renew { still_good } => still_good,
        };
        let held = match self.proven(held, &bundle).await {
            Err(_) if still_good => return Ok(bundle),
            proven => proven?,
        };
        let line = Line::new(&self.endpoint);
        // What a company gives in place of what it takes is kept before anything else can fail.
        let (held, bundle, outcome) = match company::prepared(&line, &bundle).await {
            Ok(None) => (held, bundle.clone(), token::renewed(&line, &bundle).await),
            Ok(Some(prepared)) => {
                let renewed = prepared.held()?.0;
                self.replace(&held, &renewed).await?;
                (renewed, prepared.clone(), token::renewed(&line, &prepared).await)
            }
            Err(error) => (held, bundle, Err(error)),
        };
        match outcome {
            Ok(renewed) => {
                let after_refusal = refused == Some(&bundle.access);
                self.keep(lock, &held, Bundle { after_refusal, ..renewed }).await
            }
            Err(error) if error.code == Code::SignInNeeded => {
                // Asked once, the service need not be asked again until a person has signed in.
                let now = self.keep(lock, &held, bundle.over(line.refuses_client())).await?;
                if still_good || !now.ended { Ok(now) } else { Err(error) }
            }
            Err(_) if still_good => Ok(bundle),
            Err(error) => Err(error),
        }
    }

    /// Writes what is known already, where the service may replace the token that renews: only a keychain that takes this
    /// can be expected to take what comes in its place. What stands there then.
    async fn proven(&self, held: Secret, bundle: &Bundle) -> Result<Secret> {
        if bundle.refresh.is_none() && bundle.grant != Grant::Company {
            return Ok(held);
        }
        let known = if unsaved::of(&self.lock, &held).is_some() { bundle.held()?.0 } else { held.clone() };
        self.replace(&held, &known).await?;
        unsaved::forget(&self.lock);
        Ok(known)
    }

    /// Writes something in place of what stood there, unless the user has put something else there meanwhile.
    async fn replace(&self, before: &Secret, after: &Secret) -> Result<()> {
        match self.store.read(&self.key).await? {
            Some(stands) if stands == *before => self.store.write(&self.key, after).await,
            _ => Err(missing()),
        }
    }

    /// Writes what a renewal brought, unless the user has signed in anew or out meanwhile; what stands there then. Its
    /// only other copy is here, so a keychain that stumbles is asked again, in the end by [`insist`](Self::insist).
    async fn keep(&self, lock: Lock, before: &Secret, bundle: Bundle) -> Result<Bundle> {
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
        if outcome.is_err() && bundle.refresh.is_some() && !bundle.ended {
            unsaved::note(&self.lock, before, &bundle);
            self.clone().insist(lock, held.0);
            return Ok(bundle);
        }
        outcome.map(|()| bundle)
    }

    /// Goes on giving the keychain what a renewal brought, under the lock. Whoever asked has it meanwhile.
    fn insist(self, lock: Lock, held: Secret) {
        let under_way = UnderWay::begin();
        let work = async move {
            let begun = Instant::now();
            while begun.elapsed() < INSISTENCE {
                tokio::time::sleep(BETWEEN).await;
                if self.store.write(&self.key, &held).await.is_ok() {
                    return unsaved::forget(&self.lock);
                }
            }
            tracing::warn!("the keychain does not take a renewed sign-in, which is lost when this program ends");
        };
        // On a thread of its own: whoever asked may end its runtime as soon as it is answered.
        std::thread::spawn(move || {
            let _until_the_end = (under_way, lock);
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(work),
                Err(error) => tracing::warn!("a renewed sign-in could not be kept: {error}"),
            }
        });
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
