//! Apps and sign-ins in the store: how they begin, go on and end. All of this blocks for the disk.

use jiff::Timestamp;

use super::SignInRules;
use super::ask::Asked;
use super::client::{Client, Shown};
use super::fault::Fault;
use super::grant::{Brought, By, Part, SignIn};
use crate::error::StoreError;
use crate::store::Kept;
use crate::token;

const MOST_CLIENTS: usize = 200;
const MOST_SIGN_INS: usize = 200;

/// What comes of a change: the outer error is the disk's, the inner one goes to the app.
pub(crate) type Outcome<T> = Result<Result<T, Fault>, StoreError>;

impl Kept {
    /// The app of an id.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        self.clients.iter().find(|client| client.id == id).cloned()
    }

    /// The app that shows who it is.
    pub(crate) fn authenticated(&self, shown: &Shown) -> Result<Client, Fault> {
        self.client(&shown.id).filter(|client| client.is_shown_by(shown)).ok_or_else(Fault::client)
    }

    /// Adds an app. The oldest that registered itself and is signed in nowhere makes room.
    pub(crate) fn add_client(&mut self, client: Client) -> Result<(), StoreError> {
        while self.clients.len() >= MOST_CLIENTS {
            let idle = |client: &Client| !client.by_hand && !self.sign_ins.iter().any(|own| own.client == client.id);
            let idle = self.clients.iter().position(idle).ok_or(StoreError::FullOfApps)?;
            self.clients.remove(idle);
        }
        self.clients.push(client);
        Ok(())
    }

    /// Removes an app that was made by hand, and ends its sign-ins; whether there is one.
    pub(crate) fn remove_client(&mut self, id: &str, now: Timestamp) -> bool {
        let before = self.clients.len();
        self.clients.retain(|client| client.id != id || !client.by_hand);
        let removed = self.clients.len() < before;
        let own = self.sign_ins.iter_mut().filter(|sign_in| removed && sign_in.client == id);
        own.for_each(|sign_in| sign_in.end(now));
        removed
    }

    /// Begins the sign-in that a code stands for.
    pub(crate) fn begin(&mut self, asked: &Asked, id: String, rules: &SignInRules, now: Timestamp) -> Outcome<Brought> {
        let Some(client) = self.client(&asked.client) else { return Ok(Err(Fault::client())) };
        let mut sign_in = SignIn::new(id, &client, asked.scopes.clone(), By::Person, now);
        let brought = sign_in.bring(asked.scopes.clone(), rules, now)?;
        self.add_sign_in(sign_in, now)?;
        Ok(Ok(brought))
    }

    /// A token for an app's own secret; all of an app's stand in one sign-in.
    pub(crate) fn for_secret(
        &mut self,
        client: &Client,
        scopes: Vec<String>,
        rules: &SignInRules,
        now: Timestamp,
    ) -> Outcome<Brought> {
        let goes_on = |own: &&mut SignIn| own.client == client.id && own.by == By::Secret && own.lives(now);
        if let Some(sign_in) = self.sign_ins.iter_mut().find(goes_on) {
            sign_in.scopes.clone_from(&scopes);
            return sign_in.bring(scopes, rules, now).map(Ok);
        }
        let mut sign_in = SignIn::new(token::random(12)?, client, scopes.clone(), By::Secret, now);
        let brought = sign_in.bring(scopes, rules, now)?;
        self.add_sign_in(sign_in, now)?;
        Ok(Ok(brought))
    }

    /// New tokens for a refresh token.
    pub(crate) fn renew(
        &mut self,
        client: &Client,
        refresh: &str,
        scope: Option<&str>,
        rules: &SignInRules,
        now: Timestamp,
    ) -> Outcome<Brought> {
        match self.holder(client, refresh) {
            Some((sign_in, part)) => sign_in.renew(part, scope, rules, now),
            None => Ok(Err(Fault::grant("This refresh token is not known."))),
        }
    }

    /// Revokes a token: with a refresh token its whole sign-in. A token that is none of the app's changes nothing.
    pub(crate) fn revoke_one(&mut self, client: &Client, value: &str, now: Timestamp) {
        match self.holder(client, value) {
            Some((sign_in, Part::Access)) => sign_in.forget(&token::hash(value)),
            Some((sign_in, Part::Refresh | Part::Spent)) => sign_in.end(now),
            None => {}
        }
    }

    /// Ends a sign-in; whether there is one of that id.
    pub(crate) fn end(&mut self, id: &str, now: Timestamp) -> bool {
        let sign_in = self.sign_ins.iter_mut().find(|sign_in| sign_in.id == id);
        sign_in.map(|sign_in| sign_in.end(now)).is_some()
    }

    fn holder(&mut self, client: &Client, value: &str) -> Option<(&mut SignIn, Part)> {
        let hash = token::hash(value);
        let mut own = self.sign_ins.iter_mut().filter(|sign_in| sign_in.client == client.id);
        own.find_map(|sign_in| sign_in.part(&hash).map(|part| (sign_in, part)))
    }

    /// Adds a sign-in. The oldest that has ended makes room.
    fn add_sign_in(&mut self, sign_in: SignIn, now: Timestamp) -> Result<(), StoreError> {
        while self.sign_ins.len() >= MOST_SIGN_INS {
            let ended = self.sign_ins.iter().position(|own| !own.lives(now)).ok_or(StoreError::FullOfApps)?;
            self.sign_ins.remove(ended);
        }
        self.sign_ins.push(sign_in);
        Ok(())
    }
}
