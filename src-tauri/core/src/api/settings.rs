//! The user's choices: settings, reminders, where secrets are kept.

use std::sync::PoisonError;
use std::time::Duration;

use super::snapshot::reminders;
use super::view::{ReminderView, Settings};
use super::{Event, Patchbay};
use crate::connection::{Credential, state::State};
use crate::error::{Code, Error, Result};
use crate::secret::{Backend, Secret, SecretStore, StoreStatus, Vault};
use crate::token::reminder;

impl Patchbay {
    /// Reminders whose notification was not shown yet.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn due_reminders(&self) -> Result<Vec<ReminderView>> {
        let state = self.state()?;
        Ok(reminders(&state, &self.host()).into_iter().filter(|reminder| !reminder.notified).collect())
    }

    pub(super) fn acknowledge(&self, token: &str) -> Result<()> {
        let host = self.host();
        self.inner.state.update(|state| {
            let credential = credential(state, token)?.clone();
            let Some(expires) = credential.expires else { return Ok(()) };
            let stage = reminder::stage(credential.created, expires, &state.settings.reminder_days, &host);
            if let Some(stage) = stage {
                reminder::acknowledge(state.reminders.entry(token.to_owned()).or_default(), expires, stage);
            }
            Ok(())
        })
    }

    pub(super) fn snooze(&self, token: &str, days: u16) -> Result<()> {
        let now = self.host().now;
        self.inner.state.update(|state| {
            credential(state, token)?;
            reminder::snooze(state.reminders.entry(token.to_owned()).or_default(), days, now);
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }

    pub(super) fn set_settings(&self, settings: Settings) -> Result<()> {
        if settings.reminder_days.len() > 10 || settings.reminder_days.iter().any(|days| *days == 0 || *days > 365) {
            return Err(Error::new(Code::SettingInvalid, "Reminders can be set for 1 to 365 days ahead.")
                .hint("Give whole days, like 30, 14, 7, 1.")
                .field("reminder_days"));
        }
        self.inner.state.update(|state| {
            // The place for secrets is changed by a request of its own.
            let backend = state.settings.backend;
            state.settings = Settings { backend, ..settings };
            state.settings.reminder_days.sort_unstable_by(|a, b| b.cmp(a));
            state.settings.reminder_days.dedup();
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }

    pub(super) fn dismiss_problem(&self) -> Result<()> {
        self.inner.state.update(|state| {
            state.notice = None;
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }

    pub(super) fn set_backend(&self, backend: Backend) -> Result<()> {
        self.inner.state.update(|state| {
            state.settings.backend = backend;
            Ok(())
        })?;
        self.use_secrets(SecretStore::system(&self.inner.data_dir, backend));
        self.tell(Event::Changed);
        Ok(())
    }

    fn use_secrets(&self, store: SecretStore) {
        *self.inner.secrets.write().unwrap_or_else(PoisonError::into_inner) = store;
    }

    /// Lets the keychain ask the user to unlock it, and waits for that: for a window, not for a background program.
    pub fn allow_prompts(&self) {
        let patient = self.secrets().prompting(Duration::from_secs(60));
        self.use_secrets(patient);
    }

    /// Asks the place for secrets for its state and remembers it for the snapshot.
    pub async fn secrets_status(&self) -> StoreStatus {
        let status = self.secrets().status().await;
        *self.inner.secrets_status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        status
    }

    pub(super) async fn vault(&self, work: VaultWork, passphrase: Option<Secret>) -> Result<()> {
        let data_dir = self.inner.data_dir.clone();
        // Deriving the key takes a good part of a second on purpose.
        tokio::task::spawn_blocking(move || {
            let vault = Vault::at(&data_dir);
            match (work, passphrase) {
                (VaultWork::Create, Some(passphrase)) => vault.create(&passphrase),
                (VaultWork::Unlock, Some(passphrase)) => vault.unlock(&passphrase),
                (VaultWork::Lock, _) => {
                    vault.lock();
                    Ok(())
                }
                _ => Err(Error::new(Code::VaultPassphrase, "No passphrase was given.").field("passphrase")),
            }
        })
        .await
        .map_err(|_| Error::new(Code::Internal, "The vault's work was cut off."))??;
        if work == VaultWork::Create {
            self.set_backend(Backend::Vault)?;
        }
        if self.state()?.settings.backend == Backend::Vault {
            self.use_secrets(SecretStore::system(&self.inner.data_dir, Backend::Vault));
        }
        self.secrets_status().await;
        self.tell(Event::Changed);
        Ok(())
    }
}

/// What is done with the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VaultWork {
    Create,
    Unlock,
    Lock,
}

fn credential<'a>(state: &'a State, token: &str) -> Result<&'a Credential> {
    let all = state.connections.iter().flat_map(|connection| &connection.credentials);
    all.into_iter()
        .find(|credential| credential.id == token)
        .ok_or_else(|| Error::new(Code::TokenMissing, "This token is not known any more."))
}
