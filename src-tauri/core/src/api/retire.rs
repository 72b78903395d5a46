//! The tokens that renewals replaced: each is asked about where it belongs, and forgotten once it is refused there.

use super::message::Retired;
use super::renew::find;
use super::{Event, Patchbay, token};
use crate::connection::{Connection, Credential, Previous, Way};
use crate::error::{Code, Result};
use crate::oauth::{Access, Held};
use crate::probe::{Report, Verdict};
use crate::secret::Secret;
use crate::wire::origin_of;

/// What the service says to an old token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Refused,
    Accepted,
    /// It did not say, or there is nowhere to ask.
    Nothing,
}

impl Patchbay {
    /// Whether replaced tokens are refused now; those that are, or that shall be, are forgotten here too.
    pub(super) async fn retire_old(&self, id: &str, token: &str, old: Option<&str>, force: bool) -> Result<Retired> {
        let state = self.state()?;
        let connection = state.connection(id)?;
        let credential = find(connection, token)?;
        let mut retired = Retired { refused: true, unverified: false, report: None };
        for previous in credential.previous.iter().filter(|previous| old.is_none_or(|old| previous.id == old)) {
            let (answered, report) = self.ask_old(connection, credential, previous).await?;
            retired.refused &= answered == Answered::Refused;
            retired.unverified |= answered == Answered::Nothing;
            retired.report = report.or(retired.report);
            if answered == Answered::Refused || force {
                self.forget_old(id, credential, previous).await?;
            }
        }
        Ok(retired)
    }

    /// Asks at the address that the old token was used with, and at the one of now where that has the same origin. To
    /// another origin it is never sent.
    async fn ask_old(
        &self,
        connection: &Connection,
        credential: &Credential,
        previous: &Previous,
    ) -> Result<(Answered, Option<Report>)> {
        if connection.is_program() {
            return Ok((Answered::Nothing, None));
        }
        let secret = token::read_sound(&self.secrets(), &credential.previous_key(previous)).await?;
        let origin = credential.previous_origin(previous);
        let is_its_own = |way: &Way| origin_of(&way.url).is_ok_and(|of_way| of_way == origin);
        let mut ways: Vec<Way> =
            previous.way.clone().into_iter().chain([connection.way()]).filter(is_its_own).collect();
        ways.dedup();
        let mut last = None;
        let Some(secret) = secret else { return Ok((Answered::Nothing, None)) };
        for Way { url, auth, headers } in ways {
            let there = Connection { url, auth, headers, ..connection.clone() };
            let report = match self.ask_with(&there, credential, &secret).await {
                // What has to go along with it is not here any more.
                Err(error) if error.code == Code::TokenMissing => continue,
                report => report?,
            };
            let mut answered = answered(report.verdict);
            // A service that takes several does not say which one it refuses: only beside a pair that works is it the old.
            if answered == Answered::Refused && !connection.auth.beside.is_empty() {
                let now = self.try_new(connection, connection.first_token(), &[]).await?;
                if now.verdict != Verdict::Working {
                    answered = Answered::Nothing;
                }
            }
            if answered != Answered::Nothing {
                return Ok((answered, Some(report)));
            }
            last = last.or(Some(report));
        }
        Ok((Answered::Nothing, last))
    }

    /// Tries an old secret, together with what goes along with it now.
    async fn ask_with(&self, there: &Connection, credential: &Credential, old: &Secret) -> Result<Report> {
        let Some(header) = &credential.header else {
            return self.probe_with(there, Some(&Access::from(old.clone())), &[], false).await;
        };
        let token = there.first_token().ok_or_else(|| token::missing(there))?;
        let token = token::read(self, there, token).await?;
        self.probe_with(there, Some(&token), &[(header.clone(), old.clone())], false).await
    }

    /// Signs out of a sign-in that a token has taken the place of; whether the service has ended it too.
    pub(super) async fn end_replaced(&self, id: &str, credential: &Credential, old: &str) -> Result<bool> {
        let Some(previous) = credential.previous.iter().find(|previous| previous.id == old) else { return Ok(false) };
        let state = self.state()?;
        let held = token::read_sound(&self.secrets(), &credential.previous_key(previous)).await?.map(Held);
        let ended = match &held {
            Some(held) => self.end_at_service(held, state.connection(id)?).await,
            None => false,
        };
        self.forget_old(id, credential, previous).await?;
        Ok(ended)
    }

    async fn forget_old(&self, id: &str, credential: &Credential, old: &Previous) -> Result<()> {
        self.delete_tokens(&[credential.previous_key(old)]).await?;
        self.with_credential(id, &credential.id, |credential| {
            credential.previous.retain(|previous| previous.id != old.id);
        })?;
        self.tell(Event::Changed);
        Ok(())
    }
}

fn answered(verdict: Verdict) -> Answered {
    match verdict {
        Verdict::TokenRefused => Answered::Refused,
        // A right that is missing is said only to a token that is good.
        Verdict::Working | Verdict::NotAllowed => Answered::Accepted,
        _ => Answered::Nothing,
    }
}
