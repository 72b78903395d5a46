//! Signing out: what stands in the keychain goes, and the service is told where it offers that.

use std::time::Duration;

use super::renew::find;
use super::sign_in_view::SignedOut;
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::connection::{Connection, Credential, SignIn};
use crate::error::Result;
use crate::oauth::{self, Held};
use crate::wire::Endpoint;

/// How long a service may take to end a sign-in; then it is only forgotten here.
const SIGN_OUT: Duration = Duration::from_secs(10);

impl Patchbay {
    pub(super) async fn sign_out(&self, id: &str, token: Option<&str>) -> Result<SignedOut> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let signed_in = || connection.credentials.iter().find(|credential| credential.sign_in.is_some());
        let credential = match token {
            Some(token) => find(connection, token)?,
            None => signed_in().ok_or_else(|| token::not_signed_in(connection))?,
        };
        let revoked = match self.take_out(connection, credential).await? {
            Some(held) => self.end_at_service(&held, connection).await,
            None => false,
        };
        self.delete_tokens(&credential.keys()).await?;
        self.inner.state.update(|state| {
            state.reminders.remove(&credential.id);
            state.checks.remove(id);
            let connection = state.connection_mut(id)?;
            connection.credentials.retain(|other| other.id != credential.id);
            connection.token_lost |= connection.credentials.is_empty();
            connection.signed_out = connection.credentials.is_empty();
            let left = credential.sign_in.clone().filter(|_| connection.signed_out);
            connection.signed_out_of = left.map(|left| SignIn { needed: None, ..left });
            for placement in &mut connection.placements {
                placement.credential.take_if(|named| *named == credential.id);
            }
            Ok(())
        })?;
        self.note(connection, ActivityKind::SignedOut)?;
        self.tell(Event::Changed);
        Ok(SignedOut { id: id.to_owned(), revoked })
    }

    /// Signs out of all sign-ins of a connection that is about to go; whether the service has ended them all. Absent
    /// where there are none.
    pub(super) async fn sign_out_of_all(&self, connection: &Connection) -> Option<bool> {
        let mut ended = None;
        for credential in connection.credentials.iter().filter(|credential| credential.sign_in.is_some()) {
            let revoked = match self.take_out(connection, credential).await {
                Ok(Some(held)) => self.end_at_service(&held, connection).await,
                _ => false,
            };
            ended = Some(ended.unwrap_or(true) && revoked);
        }
        ended
    }

    /// What stood in the keychain of a sign-in that ends; nobody renews it any more.
    async fn take_out(&self, connection: &Connection, credential: &Credential) -> Result<Option<Held>> {
        if credential.sign_in.is_none() {
            return Ok(None);
        }
        let _turn = self.token_turn()?;
        oauth::take_out(&self.secrets(), &token::key(connection, credential)?, self.data_dir()).await
    }

    pub(super) async fn end_at_service(&self, held: &Held, connection: &Connection) -> bool {
        let Ok(endpoint) = self.bare(connection).await else { return false };
        self.end_sign_in(held, &endpoint).await
    }

    /// Ends a sign-in at the service, reached like this; whether the service did.
    pub(super) async fn end_sign_in(&self, held: &Held, endpoint: &Endpoint) -> bool {
        tokio::time::timeout(SIGN_OUT, oauth::sign_out(held, endpoint)).await.unwrap_or(false)
    }
}
