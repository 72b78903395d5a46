//! Telling the user why nothing happens while the keychain waits for them.

use std::sync::Arc;
use std::time::Duration;

use super::StoreStatus;

/// How long a call may take before it is said what it waits for.
pub(super) const SOON: Duration = Duration::from_secs(2);

/// Hears that a call waits for the user, and how that ended.
#[derive(Clone)]
pub(super) struct Notice(Arc<dyn Fn(StoreStatus) + Send + Sync>);

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notice")
    }
}

impl Notice {
    pub(super) fn new(hear: impl Fn(StoreStatus) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Says that somebody is waited for, until the answer is dropped.
    pub(super) fn waiting(&self) -> Waiting {
        (self.0)(StoreStatus::WaitingForYou);
        // A call that nobody waits for any more leaves a keychain that nobody has unlocked.
        Waiting { notice: self.clone(), end: StoreStatus::Locked }
    }
}

/// A call that waits for the user.
pub(super) struct Waiting {
    notice: Notice,
    end: StoreStatus,
}

impl Waiting {
    /// Says how it ended.
    pub(super) fn over(mut self, end: StoreStatus) {
        self.end = end;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        (self.notice.0)(self.end);
    }
}
