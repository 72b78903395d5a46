//! Signing in at the front door.
//!
//! Steps of a sign-in, each of which leaves what worked before it working if the program is killed right after it:
//! 1. the service signs the user in; nothing is stored yet, and nothing is if that fails or is stopped;
//! 2. the tokens go to the keychain: in the place of the sign-in before, otherwise to one of their own;
//! 3. the state names them: from here on everybody uses them. A pasted token that they replace stays where it is and
//!    joins those that wait to be revoked.

use std::future::Future;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::oneshot;

use super::message::{Answer, Connect, Connected, Request};
use super::place::{self, Expected};
use super::renew::find;
use super::sign_in_view::{DueSignIn, RevokeAt, SignInStep, SignInWith, SignedIn, SignedOut};
use super::sign_in_want::{Before, places, want};
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::catalog;
use crate::connection::state::{State, random_hex};
use crate::connection::{Connection, Credential, Previous, SignInNeeded};
use crate::error::{Code, Error, Result};
use crate::oauth::{self, Held, Manner, Signed, Want};
use crate::probe::{Report, Verdict};
use crate::secret::{Key, Secret};
use crate::token::reminder::ShownReminders;
use crate::wire::origin_of;

impl Patchbay {
    /// The requests that are about signing in.
    pub(super) async fn sign(&self, request: Request, secret: Option<Secret>) -> Result<Answer> {
        if let Request::CancelSignIn { id } = &request {
            self.stop_signing(id);
            return Ok(Answer::Done);
        }
        self.inner.state.check_writable()?;
        match request {
            Request::ConnectSignedIn { connect, with, expected } => {
                Box::pin(self.connect_signed_in(&connect, &with, secret, expected)).await.map(Answer::Connected)
            }
            Request::SignIn { id, token, with } => {
                Box::pin(self.sign_in(&id, token.as_deref(), &with, secret)).await.map(Answer::SignedIn)
            }
            Request::SignOut { id, token } => {
                Box::pin(self.sign_out(&id, token.as_deref())).await.map(Answer::SignedOut)
            }
            Request::SignOutAt { url } => {
                let revoked = Box::pin(self.sign_out_url(&url)).await?;
                Ok(Answer::SignedOut(SignedOut { id: url, revoked }))
            }
            _ => Err(Error::new(Code::Usage, "Patchbay does not know this request.")),
        }
    }

    /// Signs in, tries the service, and only then sets the connection up and writes the apps' files.
    async fn connect_signed_in(
        &self,
        connect: &Connect,
        with: &SignInWith,
        secret: Option<Secret>,
        expected: Expected,
    ) -> Result<Connected> {
        let (mut connection, _) = self.draft(connect, &self.state()?)?;
        by_token_only(&connection)?;
        // Planned once ahead of everything else, so that a file that cannot be edited stops it before anybody signs in.
        place::check(&self.placing(&connection, &connect.places)?.changes, &expected)?;
        let mut stop = self.stoppable(&connection.id);
        let want = want(self.bare(&connection).await?, Before::default(), with, secret)?;
        self.can_keep(&connection).await?;
        let signed = self.obtain(&mut stop, &connection, &want, None, with.seconds).await?;
        // The first connection of all makes the state file, and with it the salt of all fingerprints.
        let state = self.inner.state.update(|state| Ok(state.clone()))?;
        let credential = made_of(&connection, &signed, &state, self.host().now)?;
        let key = token::key(&connection, &credential)?;
        let bare = connection.clone();
        connection.credentials.push(credential);
        let tried = async {
            // What came of it may not fit the apps as they were to use it.
            self.placing(&connection, &connect.places)?;
            self.put(&key, &signed.held).await?;
            or_stopped(&mut stop, self.try_sign_in(&bare, &key)).await
        };
        let report = match tried.await {
            Ok(report) => report,
            Err(error) => {
                self.end_at_service(&signed.held, &bare).await;
                self.delete_tokens(&[key]).await?;
                return Err(error);
            }
        };
        let done = self.set_up(&connection, connect, &expected).await?;
        self.keep_trial(&connection, report).await;
        Ok(done)
    }

    /// Looks whether what a sign-in brings can be kept, ahead of it: nobody signs in for nothing.
    async fn can_keep(&self, connection: &Connection) -> Result<()> {
        let secrets = self.secrets();
        secrets.read(&Key::new("sign-in", &origin_of(&connection.url)?)).await?;
        secrets.check_open().await
    }

    /// Signs in to a connection that is there: for the first time, anew, or in place of a token.
    async fn sign_in(
        &self,
        id: &str,
        token: Option<&str>,
        with: &SignInWith,
        secret: Option<Secret>,
    ) -> Result<SignedIn> {
        let state = self.state()?;
        let connection = state.connection(id)?.clone();
        if connection.is_program() {
            return Err(Error::new(Code::SignInNotOffered, "A program takes a token, not a sign-in.")
                .hint("Renew its token instead."));
        }
        by_token_only(&connection)?;
        let before = chosen(&connection, token)?;
        let held = self.held(&connection, before).await?;
        let known = Before {
            at: id,
            sign_in: before.and_then(|before| before.sign_in.as_ref()),
            scopes: before.map(|before| before.scopes.as_slice()).unwrap_or_default(),
            left: connection.last_sign_in(),
            held: held.as_ref(),
        };
        let want = want(self.bare(&connection).await?, known, with, secret)?;
        self.can_keep(&connection).await?;
        let mut stop = self.stoppable(id);
        let signed = self.obtain(&mut stop, &connection, &want, held.as_ref(), with.seconds).await?;
        let token = self.keep_sign_in(&connection, token, &signed).await?;
        self.note(&connection, ActivityKind::SignedIn)?;
        self.tell(Event::SignIn { id: id.to_owned(), step: SignInStep::Checking });
        let checked = self.check(&[id.to_owned()]).await?;
        let report = checked.into_iter().next().map(|checked| checked.report);
        let report = report.ok_or_else(|| Error::new(Code::Internal, "The check has no result."))?;
        Ok(SignedIn { id: id.to_owned(), token, report })
    }

    /// Where the token can be revoked that a sign-in would take the place of: the page, where one is known. Nothing where
    /// it would replace no token.
    ///
    /// # Errors
    /// The state cannot be read, or does not know the connection; `SignInNotOffered` where several secrets are sent.
    pub fn token_to_replace(&self, id: &str) -> Result<Option<RevokeAt>> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        by_token_only(connection)?;
        let before = chosen(connection, None)?.filter(|before| before.sign_in.is_none() && !connection.is_program());
        let resolved = || catalog::find(&connection.provider).ok()?.resolve(&connection.settings).ok();
        Ok(before.map(|_| RevokeAt { page: resolved().and_then(|resolved| resolved.revoke_page) }))
    }

    /// Step 1.
    async fn obtain(
        &self,
        stop: &mut oneshot::Receiver<()>,
        connection: &Connection,
        want: &Want,
        before: Option<&Held>,
        seconds: Option<u32>,
    ) -> Result<Signed> {
        let patience = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let manner = Manner { before, places: places(connection), patience };
        let tell = |step: oauth::Step| self.tell(Event::SignIn { id: connection.id.clone(), step: step.into() });
        or_stopped(stop, Box::pin(oauth::sign_in_as(want, &manner, tell))).await
    }

    /// Steps 2 and 3 for a connection that is there; the credential's id.
    async fn keep_sign_in(&self, connection: &Connection, token: Option<&str>, signed: &Signed) -> Result<String> {
        // One after the other: who signed in meanwhile is replaced, and not doubled.
        let turn = oauth::turn(self.data_dir(), &Key::new(&connection.id, "kept")).await?;
        let now = self.state()?.connection(&connection.id)?.clone();
        let before = chosen(&now, token)?;
        let mut made = made_of(connection, signed, &self.state()?, self.host().now)?;
        let again = before.filter(|credential| credential.sign_in.is_some());
        if let Some(again) = again {
            made.id.clone_from(&again.id);
            made.previous.clone_from(&again.previous);
        } else if let Some(before) = before {
            made.previous = before.previous.clone();
            made.previous.push(replaced(before, self.host().now));
        }
        let key = token::key(connection, &made)?;
        let ended = self.put(&key, &signed.held).await?;
        let stale = again.map(Credential::key).filter(|stale| *stale != key);
        self.inner.state.update(|state| {
            state.reminders.remove(&made.id);
            state.checks.remove(&connection.id);
            take_place(state.connection_mut(&connection.id)?, before, &made);
            Ok(())
        })?;
        // Where the address has changed since.
        self.delete_tokens(&stale.into_iter().collect::<Vec<_>>()).await?;
        drop(turn);
        self.tell(Event::Changed);
        if let Some(ended) = ended {
            self.end_at_service(&ended, connection).await;
        }
        Ok(made.id)
    }

    /// Puts a new sign-in where secrets are kept; the one that it takes the place of, which the service can end now.
    pub(super) async fn put(&self, key: &Key, held: &Held) -> Result<Option<Held>> {
        let _turn = self.token_turn()?;
        oauth::keep(&self.secrets(), key, self.data_dir(), held).await
    }

    /// Whether the service takes what it has just given. Anything but a refusal is left to the check that follows.
    async fn try_sign_in(&self, connection: &Connection, key: &Key) -> Result<Report> {
        self.tell(Event::SignIn { id: connection.id.clone(), step: SignInStep::Checking });
        let access = oauth::access(&self.secrets(), key, self.data_dir(), &self.bare(connection).await?, None).await?;
        let report = self.probe_with(connection, Some(&access), &[], true).await?;
        match report.verdict {
            Verdict::TokenRefused | Verdict::NeedsBrowserSignIn => {
                Err(Error::new(Code::SignInRefused, "The service signed you in and then refused the sign-in.")
                    .hint("Sign in again, or use a token."))
            }
            _ => Ok(report),
        }
    }

    /// What stands in the keychain of a sign-in.
    async fn held(&self, connection: &Connection, credential: Option<&Credential>) -> Result<Option<Held>> {
        let Some(credential) = credential.filter(|credential| credential.sign_in.is_some()) else { return Ok(None) };
        Ok(token::read_sound(&self.secrets(), &token::key(connection, credential)?).await?.map(Held))
    }

    /// What ends when a sign-in is stopped, or begun anew.
    fn stoppable(&self, id: &str) -> oneshot::Receiver<()> {
        let (keep, stop) = oneshot::channel();
        self.inner.signing.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), keep);
        stop
    }

    fn stop_signing(&self, id: &str) {
        self.inner.signing.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Sign-ins that only the user can renew and whose notification was not shown yet.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn due_sign_ins(&self) -> Result<Vec<DueSignIn>> {
        let state = self.state()?;
        let mut due = Vec::new();
        for connection in &state.connections {
            for credential in &connection.credentials {
                let Some(needed) = needed(credential) else { continue };
                if !is_told(state.reminders.get(&credential.id), needed) {
                    let (connection, name) = (connection.id.clone(), connection.name.clone());
                    due.push(DueSignIn { connection, name, token: credential.id.clone() });
                }
            }
        }
        Ok(due)
    }
}

/// Notes that the need of a sign-in was told; a later need is another one.
pub(super) fn acknowledge(shown: &mut ShownReminders, needed: &SignInNeeded) {
    shown.expires = Some(needed.since);
}

fn is_told(shown: Option<&ShownReminders>, needed: &SignInNeeded) -> bool {
    shown.is_some_and(|shown| shown.expires == Some(needed.since))
}

/// Why a credential's sign-in has to be made anew, if it has to.
pub(super) fn needed(credential: &Credential) -> Option<&SignInNeeded> {
    credential.sign_in.as_ref().and_then(|sign_in| sign_in.needed.as_ref())
}

async fn or_stopped<T>(stop: &mut oneshot::Receiver<()>, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        _ = stop => Err(Error::new(Code::Cancelled, "The sign-in was stopped.")),
    }
}

/// Refuses a sign-in where several secrets are sent: what it brings is one token, and in another header.
pub(super) fn by_token_only(connection: &Connection) -> Result<()> {
    if connection.auth.beside.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::SignInNotOffered, format!("{} is used with several secrets here.", connection.name))
        .hint("To sign in instead, add the service's address as another service."))
}

/// The credential that is meant: the one named, else one that needs it, else the first.
pub(super) fn chosen<'a>(connection: &'a Connection, named: Option<&str>) -> Result<Option<&'a Credential>> {
    let of_need = || connection.credentials.iter().find(|credential| needed(credential).is_some());
    match named {
        Some(id) => find(connection, id).map(Some),
        None => Ok(of_need().or(connection.first_token())),
    }
}

/// The facts of a sign-in that is about to be kept.
fn made_of(connection: &Connection, signed: &Signed, state: &State, now: jiff::Timestamp) -> Result<Credential> {
    Ok(Credential {
        id: format!("t-{}", random_hex(4)),
        label: format!("{} sign-in", connection.name),
        scopes: signed.scopes.clone(),
        created: now,
        expires: None,
        fingerprint: signed.held.0.fingerprint(&state.salt),
        origin: origin_of(&connection.url)?,
        way: Some(connection.way()),
        variable: None,
        header: None,
        sign_in: Some(signed.sign_in.clone()),
        previous: Vec::new(),
        renewal: None,
    })
}

/// A token that a sign-in has replaced: it waits to be revoked where it stands.
fn replaced(before: &Credential, now: jiff::Timestamp) -> Previous {
    Previous {
        id: before.id.clone(),
        fingerprint: before.fingerprint.clone(),
        replaced: now,
        origin: Some(before.origin.clone()),
        way: before.way.clone(),
    }
}

/// Puts a credential in the place of the one before, also for the apps that name that one.
fn take_place(connection: &mut Connection, before: Option<&Credential>, made: &Credential) {
    connection.token_lost = false;
    connection.signed_out_of = None;
    let at = before.and_then(|before| connection.credentials.iter().position(|other| other.id == before.id));
    let Some(at) = at else { return connection.credentials.push(made.clone()) };
    let old = std::mem::replace(&mut connection.credentials[at], made.clone()).id;
    for placement in &mut connection.placements {
        if placement.credential.as_deref() == Some(&old) {
            placement.credential = Some(made.id.clone());
        }
    }
}
