//! A keychain that takes no writes for a while: the service's one-time token that renews is not lost by it.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{CredentialStore, Entry, Error, Result};
use patchbay_core::oauth;
use patchbay_core::secret::SecretStore;

use super::service::{Rules, Service};
use super::{Kept, want};

/// A keychain that refuses writes while it is told to.
#[derive(Debug, Clone)]
struct Stumbling {
    inner: Arc<CredentialStore>,
    refuses: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Item {
    inner: Entry,
    refuses: Arc<AtomicBool>,
}

impl CredentialStoreApi for Stumbling {
    fn vendor(&self) -> String {
        "stumbling".to_owned()
    }

    fn id(&self) -> String {
        "stumbling".to_owned()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let (inner, refuses) = (self.inner.build(service, user, modifiers)?, self.refuses.clone());
        Ok(Entry::new_with_credential(Arc::new(Item { inner, refuses })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Error::PlatformFailure("no more writes".into()));
        }
        self.inner.set_secret(secret)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.inner.get_secret()
    }

    fn delete_credential(&self) -> Result<()> {
        self.inner.delete_credential()
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A sign-in in such a keychain.
async fn kept(service: &Service) -> (Kept, Arc<AtomicBool>) {
    let (refuses, mut kept) = (Arc::new(AtomicBool::new(false)), Kept::with(&want(service)).await);
    let inner: Arc<CredentialStore> = keyring_core::mock::Store::new().expect("a mock keychain");
    let held = kept.held().await;
    kept.store = SecretStore::with_store(Arc::new(Stumbling { inner, refuses: refuses.clone() }));
    kept.store.write(&kept.key, &held.0).await.expect("written");
    (kept, refuses)
}

#[tokio::test]
async fn a_service_is_asked_for_nothing_new_while_the_keychain_takes_no_writes() {
    let service = Service::start(Rules::default()).await;
    let (kept, refuses) = kept(&service).await;
    let first = kept.access(None).await.expect("a token");
    refuses.store(true, Ordering::SeqCst);
    kept.access(Some(&first)).await.expect_err("it could not be kept");
    assert_eq!(service.count("/token"), 1, "the token that renews is still the one in the keychain");
    refuses.store(false, Ordering::SeqCst);
    assert_ne!(kept.access(Some(&first)).await.expect("renewed"), first);
    assert!(!service.was_revoked());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_renewal_brought_just_as_the_keychain_stopped_taking_writes_is_used_and_kept_later() {
    let service = Service::start(Rules { slow: Duration::from_millis(400), ..Rules::default() }).await;
    let (kept, refuses) = kept(&service).await;
    let (first, before) = (kept.access(None).await.expect("a token"), kept.held().await);
    let stops = refuses.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stops.store(true, Ordering::SeqCst);
    });
    let second = kept.access(Some(&first)).await.expect("renewed all the same");
    assert_ne!(second, first);
    assert_eq!((kept.held().await, service.count("/token")), (before.clone(), 2), "it is not in the keychain");
    let begun = Instant::now();
    assert_eq!(kept.access(Some(&first)).await.expect("the same"), second);
    assert!(begun.elapsed() < Duration::from_millis(400), "nobody waits for the keychain");

    refuses.store(false, Ordering::SeqCst);
    oauth::finish(Duration::from_secs(10));
    assert_ne!(kept.held().await, before, "it is now");
    // One that came after a refusal is not replaced at once.
    kept.age(60).await;
    let third = kept.access(Some(&second)).await.expect("and renews");
    assert!(third != second && !service.was_revoked(), "each token that renews was used once");
}
