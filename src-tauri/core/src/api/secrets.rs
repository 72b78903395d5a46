//! The places for secrets: which one is used, the vault, and the way of all tokens from one place to the other.
//!
//! A move, each step of which leaves every token readable if the program is killed right after it:
//! 1. all tokens are read from the old place;
//! 2. the state notes the names of those that will stand in both places;
//! 3. each is written to the new place and read back there;
//! 4. the setting changes: from here on everybody reads the new place;
//! 5. they are deleted from the old place, and then the note is.
//!
//! What is noted stands twice: at the next start it is deleted in the place that is not used.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Event, Patchbay, token};
use crate::connection::state::State;
use crate::error::{Code, Error, Result};
use crate::file::Lock;
use crate::oauth;
use crate::secret::{Backend, Key, Secret, SecretStore, StoreStatus, Vault};

/// How long a person may take to unlock the keychain.
const PERSON: Duration = Duration::from_secs(60);

/// Both places for secrets, opened at the first use; the settings say which one is used.
pub(super) struct Places {
    keychain: SecretStore,
    /// The same, which never asks anybody.
    silent: SecretStore,
    vault: Arc<Vault>,
}

impl Places {
    pub(super) fn new(keychain: SecretStore, data_dir: &Path) -> Self {
        Self { silent: keychain.clone(), keychain, vault: Arc::new(Vault::at(data_dir)) }
    }
}

impl Patchbay {
    /// The place for secrets that the settings name now, also where another process has just changed them.
    pub(super) fn secrets(&self) -> SecretStore {
        // Who cannot read the state has no token to look for.
        self.store_of(self.state().map_or(Backend::Keychain, |state| state.settings.backend))
    }

    /// The same place, which asks nobody to unlock it.
    pub(super) fn silent_secrets(&self) -> SecretStore {
        match self.state().map_or(Backend::Keychain, |state| state.settings.backend) {
            Backend::Keychain => self.inner.places.read().unwrap_or_else(PoisonError::into_inner).silent.clone(),
            Backend::Vault => self.store_of(Backend::Vault),
        }
    }

    /// The place that a setting names.
    pub(super) fn store_of(&self, backend: Backend) -> SecretStore {
        let places = self.inner.places.read().unwrap_or_else(PoisonError::into_inner);
        match backend {
            Backend::Keychain => places.keychain.clone(),
            Backend::Vault => SecretStore::of_vault(places.vault.clone()),
        }
    }

    /// Lets the keychain ask the user to unlock it, and waits for that: for a window, not for a background program.
    /// While it waits the snapshot says so.
    pub fn allow_prompts(&self) {
        let inner = Arc::downgrade(&self.inner);
        let hear = move |status| {
            if let Some(inner) = inner.upgrade() {
                Self { inner }.note_status(status);
            }
        };
        let mut places = self.inner.places.write().unwrap_or_else(PoisonError::into_inner);
        places.keychain = places.keychain.prompting(PERSON, hear);
    }

    fn note_status(&self, status: StoreStatus) {
        *self.inner.secrets_status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        self.tell(Event::Changed);
    }

    /// Asks the place for secrets for its state and remembers it for the snapshot.
    pub async fn secrets_status(&self) -> StoreStatus {
        let status = self.secrets().status().await;
        *self.inner.secrets_status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        status
    }

    pub(super) async fn vault(&self, work: VaultWork, passphrase: Option<Secret>) -> Result<()> {
        let vault = self.inner.places.read().unwrap_or_else(PoisonError::into_inner).vault.clone();
        // Deriving the key takes a good part of a second on purpose.
        tokio::task::spawn_blocking(move || match (work, passphrase) {
            (VaultWork::Create, Some(passphrase)) => vault.create(&passphrase),
            (VaultWork::Unlock, Some(passphrase)) => vault.unlock(&passphrase),
            (VaultWork::Lock, _) => {
                vault.lock();
                Ok(())
            }
            _ => Err(Error::new(Code::VaultPassphrase, "No passphrase was given.").field("passphrase")),
        })
        .await
        .map_err(|_| Error::new(Code::Internal, "The vault's work was cut off."))??;
        if work == VaultWork::Create {
            return self.set_backend(Backend::Vault).await;
        }
        self.secrets_status().await;
        self.tell(Event::Changed);
        Ok(())
    }

    /// Moves all tokens to a place and uses it from then on. A place that is gone has nothing to be moved.
    ///
    /// # Errors
    /// One of the two places is locked or does not answer; nothing has changed then.
    pub(super) async fn set_backend(&self, backend: Backend) -> Result<()> {
        let turn = self.token_turn()?;
        let state = self.state()?;
        if state.settings.backend != backend {
            self.clear_other_place(&state).await?;
            self.move_tokens(&state, backend).await?;
        }
        drop(turn);
        self.secrets_status().await;
        self.tell(Event::Changed);
        Ok(())
    }

    async fn move_tokens(&self, state: &State, to: Backend) -> Result<()> {
        let (old, new) = (self.store_of(state.settings.backend), self.store_of(to));
        let _turns = self.sign_in_turns(state).await?;
        let tokens = read_all(&old, state.keys().into_iter().chain(self.keys_of_addresses()?)).await?;
        self.note_moving(&tokens)?;
        for (key, secret) in &tokens {
            if let Err(error) = new.write(key, secret).await {
                // The setting names the old place still, so it is the new one that is cleared.
                self.finish_move().await;
                return Err(error);
            }
        }
        self.inner.state.update(|state| {
            state.settings.backend = to;
            Ok(())
        })?;
        self.finish_move().await;
        Ok(())
    }

    /// The right to change each sign-in: what a renewal brings meanwhile would go to the old place and be lost there.
    async fn sign_in_turns(&self, state: &State) -> Result<Vec<Lock>> {
        let mut turns = Vec::new();
        for connection in &state.connections {
            for credential in connection.credentials.iter().filter(|credential| credential.sign_in.is_some()) {
                turns.push(oauth::turn(self.data_dir(), &token::key(connection, credential)?).await?);
            }
        }
        for key in self.keys_of_addresses()? {
            turns.push(oauth::turn(self.data_dir(), &key).await?);
        }
        Ok(turns)
    }

    fn note_moving(&self, tokens: &[(Key, Secret)]) -> Result<()> {
        self.inner.state.update(|state| {
            state.moving = tokens.iter().map(|(key, _)| key.as_str().to_owned()).collect();
            Ok(())
        })
    }

    /// Clears what a move left in the place that is not used. A place that does not let it is cleared the next time.
    async fn finish_move(&self) {
        let cleared = match self.state() {
            Ok(state) => self.clear_other_place(&state).await,
            Err(error) => Err(error),
        };
        if let Err(error) = cleared {
            tracing::debug!("tokens stand in both places still: {error}");
        }
    }

    /// What [`Patchbay::settle`] does about a move that was cut off.
    pub(super) async fn settle_move(&self) -> Result<()> {
        if self.state()?.moving.is_empty() {
            return Ok(());
        }
        // One that another process is in the middle of was not cut off.
        let _turn = self.token_turn()?;
        self.finish_move().await;
        Ok(())
    }

    async fn clear_other_place(&self, state: &State) -> Result<()> {
        if state.moving.is_empty() {
            return Ok(());
        }
        let other = self.store_of(state.settings.backend.other());
        if !other.status().await.is_gone() {
            for name in &state.moving {
                other.delete(&Key::named(name)).await?;
            }
        }
        self.note_moving(&[])
    }

    /// Deletes tokens, also where a move has left them.
    pub(super) async fn delete_tokens(&self, keys: &[Key]) -> Result<()> {
        self.settle_move().await?;
        let _turn = self.token_turn()?;
        let secrets = self.secrets();
        for key in keys {
            secrets.delete(key).await?;
        }
        Ok(())
    }

    /// The right to put tokens somewhere, which one process has at a time: a token that is saved while all are moved
    /// would stay behind. Whoever also needs the right to a sign-in, [`oauth::turn`], takes that second; a renewal takes
    /// that one alone.
    pub(super) fn token_turn(&self) -> Result<Lock> {
        Lock::take(&self.inner.data_dir.join("secrets.lock"))
    }
}

/// All tokens in a place, the proxies' passwords among them; none where the place is gone.
async fn read_all(place: &SecretStore, keys: impl Iterator<Item = Key>) -> Result<Vec<(Key, Secret)>> {
    let mut tokens = Vec::new();
    if place.status().await.is_gone() {
        return Ok(tokens);
    }
    for key in keys {
        // A damaged one is no worse for staying where it is.
        tokens.extend(token::read_sound(place, &key).await?.map(|secret| (key, secret)));
    }
    Ok(tokens)
}

/// What is done with the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VaultWork {
    Create,
    Unlock,
    Lock,
}
