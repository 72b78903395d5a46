//! Saying or correcting when a token ends, without renewing it.

use super::{Event, Patchbay, fit, renew};
use crate::catalog;
use crate::connection::ExpirySource;
use crate::error::{Code, Error, Result};

impl Patchbay {
    /// Notes a token's end, or that nobody knows it.
    pub(super) fn set_expiry(&self, id: &str, token: &str, expires: Option<&str>) -> Result<()> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let credential = renew::find(connection, token)?;
        if credential.expires.is_some_and(|known| known.source == ExpirySource::Verified) {
            return Err(Error::new(Code::DateInvalid, "This token itself says when it ends.")
                .hint("Renew it to have a later end.")
                .field("expires"));
        }
        let provider = catalog::find(&connection.provider)?;
        let expires = expires.map(|text| fit::end(text, provider, &self.host())).transpose()?;
        self.with_credential(id, token, |credential| credential.expires = expires)?;
        self.inner.state.update(|state| {
            // What was shown or put off was about the old date.
            state.reminders.remove(token);
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }
}
