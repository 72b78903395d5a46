//! What a renewal brought and the keychain has not taken yet: it stands in this process alone, and on no disk.
//!
//! Many services give a new token that renews with each renewal and take the use of the one before for a theft, so losing
//! the new one costs the user a new sign-in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::bundle::Bundle;
use crate::secret::Secret;

/// By the lock of the sign-in: what stood in the keychain when it was renewed, and what came of that.
static UNSAVED: LazyLock<Mutex<HashMap<PathBuf, (Secret, Bundle)>>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, HashMap<PathBuf, (Secret, Bundle)>> {
    UNSAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers what a renewal of `before` brought.
pub(super) fn note(lock: &Path, before: &Secret, bundle: &Bundle) {
    all().insert(lock.to_path_buf(), (before.clone(), bundle.clone()));
}

/// What a renewal of that which `stands` in the keychain brought. Where something else stands there by now, the user has
/// signed in anew, and it counts for nothing.
pub(super) fn of(lock: &Path, stands: &Secret) -> Option<Bundle> {
    all().get(lock).filter(|(before, _)| before == stands).map(|(_, bundle)| bundle.clone())
}

/// It is in the keychain, or nobody wants it any more.
pub(super) fn forget(lock: &Path) {
    all().remove(lock);
}
