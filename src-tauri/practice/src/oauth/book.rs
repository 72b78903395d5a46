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

    /// Adds an app. The oldest that registered itself and is signed in no longer makes room.
    pub(crate) fn add_client(&mut self, client: Client) -> Result<(), StoreError> {
        let now = client.created;
        while self.clients.len() >= MOST_CLIENTS {
            let signed_in = |id: &str| self.sign_ins.iter().any(|own| own.client == id && own.lives(now));
            let idle = |client: &Client| !client.by_hand && !signed_in(&client.id);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::{Proof, Wish};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn client(by_hand: bool) -> Client {
        let (name, scopes) = ("An app".to_owned(), vec!["notes:read".to_owned()]);
        let wish = Wish { name, redirects: Vec::new(), proof: Proof::Either, scopes, by_hand };
        Client::new(wish, at(1000)).expect("fit").0
    }

    fn signed_in(all: &mut Kept, client: &Client) -> String {
        let mut sign_in = SignIn::new(client.id.clone(), client, client.scopes.clone(), By::Person, at(1000));
        sign_in.bring(client.scopes.clone(), &SignInRules::default(), at(1000)).map(drop).expect("random");
        all.add_sign_in(sign_in, at(1000)).expect("room");
        client.id.clone()
    }

    #[test]
    fn apps_make_room_that_are_signed_in_no_longer_and_no_others() {
        let mut all = Kept::nothing();
        let (own, first, last) = (client(true), client(false), client(false));
        for one in [&own, &first, &last] {
            all.add_client(one.clone()).expect("room");
        }
        let id = signed_in(&mut all, &first);
        for _ in 0..2 * MOST_CLIENTS {
            all.add_client(client(false)).expect("the others make room");
        }
        assert_eq!(all.clients.len(), MOST_CLIENTS);
        assert!(all.client(&own.id).is_some() && all.client(&first.id).is_some() && all.client(&last.id).is_none());
        assert!(all.end(&id, at(1000)));
        all.add_client(client(false)).expect("it has signed out");
        assert!(all.client(&first.id).is_none());
    }

    #[test]
    fn sign_ins_that_live_never_make_room() {
        let (mut all, app) = (Kept::nothing(), client(false));
        for _ in 0..MOST_SIGN_INS {
            signed_in(&mut all, &app);
        }
        let one_more = SignIn::new("more".into(), &app, app.scopes.clone(), By::Person, at(1000));
        assert!(matches!(all.add_sign_in(one_more.clone(), at(1000)), Err(StoreError::FullOfApps)));
        assert!(all.end(&app.id, at(1000)));
        all.add_sign_in(one_more, at(1000)).expect("one has ended");
        assert_eq!(all.sign_ins.len(), MOST_SIGN_INS);
    }
}
