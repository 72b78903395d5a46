//! Checks that run by themselves, at the front door: noting what happened to the computer, checking what is due without
//! asking anybody for anything, keeping what counts of it.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use jiff::Timestamp;

use super::check::used;
use super::token::lacks_token;
use super::{Event, Patchbay, token};
use crate::catalog::is_loopback;
use crate::connection::state::{Checked, State};
use crate::connection::{Connection, Credential};
use crate::error::Result;
use crate::probe::Verdict;
use crate::quiet::{Asked, Kept, Last, Moment, Sensed, Tries, due, is_rested, judge, note, unanswered};
use crate::secret::SecretStore;
use crate::wire::origin_of;

/// Something that a check found by itself and the user was not told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The connection's id.
    pub connection: String,
    /// Its name.
    pub name: String,
    /// What it turned to.
    pub verdict: Verdict,
}

impl Patchbay {
    /// One look at the clock: notes what happened, and names the connections that are
    /// to be checked now. `on_battery` is asked only where there are any.
    ///
    /// # Errors
    /// The state file cannot be read or written.
    pub fn due_checks(&self, sensed: &Sensed, on_battery: impl FnOnce() -> bool) -> Result<Vec<String>> {
        let now = self.host().now;
        self.note_events(sensed, now)?;
        let state = self.state()?;
        let moment = Moment {
            now,
            began: sensed.began,
            woke: state.quiet.woke,
            network: state.quiet.network,
            online: sensed.online,
            every_hours: state.settings.check_every_hours,
        };
        let busy = self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let due = due(&asked(&state, now), &moment, &busy);
        let rests = !due.is_empty() && !state.settings.check_on_battery && on_battery();
        Ok(if rests { Vec::new() } else { due })
    }

    fn note_events(&self, sensed: &Sensed, now: Timestamp) -> Result<()> {
        let was_offline = self.state()?.quiet.offline.is_some();
        if !sensed.woke && !sensed.changed && was_offline != sensed.online {
            return Ok(());
        }
        self.inner.state.update(|state| {
            let quiet = &mut state.quiet;
            quiet.woke = if sensed.woke { Some(now) } else { quiet.woke };
            quiet.network = if sensed.changed { Some(now) } else { quiet.network };
            quiet.offline = if sensed.online { None } else { quiet.offline.or(Some(now)) };
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }

    /// Checks a connection without anybody being asked for anything: where its token cannot be read just like that,
    /// nothing is checked and nothing said. Where the service cannot be reached, one other service is asked too, to tell
    /// a service that is down from a network that is.
    ///
    /// # Errors
    /// The state file cannot be read or written; the connection is gone.
    pub async fn check_quietly(&self, id: &str) -> Result<()> {
        let in_doubt = self.check_one_quietly(id).await?;
        let state = self.state()?;
        let witness = if in_doubt { witness(&state, id, self.host().now) } else { None };
        match witness {
            Some(other) => self.check_one_quietly(&other).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether the result says as much about the network as about the service.
    async fn check_one_quietly(&self, id: &str) -> Result<bool> {
        let state = self.state()?;
        let connection = state.connection(id)?.clone();
        if !self.begin(&connection) {
            return Ok(false);
        }
        let is_readable = self.is_readable(&connection).await;
        let found = if is_readable { Some(self.find(&state.settings, &connection).await) } else { None };
        let noted = match &found {
            Some((checked, worked)) => self.take_found(&connection, checked, worked),
            None => self.note_try(id, |tries, now| tries.at = Some(now)).map(|()| false),
        };
        self.mark(&[connection], false);
        noted
    }

    /// Whether nobody else checks it at this moment; from now on this does.
    fn begin(&self, connection: &Connection) -> bool {
        let mut checking = self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = checking.insert(connection.id.clone());
        drop(checking);
        if begins {
            self.tell(Event::Changed);
        }
        begins
    }

    /// Whether its tokens can be read without a question; that there is none is an answer too.
    async fn is_readable(&self, connection: &Connection) -> bool {
        let secrets = self.silent_secrets();
        for credential in used(connection) {
            if !is_readable(&secrets, connection, credential).await {
                return false;
            }
        }
        true
    }

    fn take_found(&self, connection: &Connection, checked: &Checked, worked: &[&Credential]) -> Result<bool> {
        let (state, now) = (self.state()?, self.host().now);
        let found = &checked.report;
        let mut after = state.quiet.tries.get(&connection.id).cloned().unwrap_or_default();
        let before = state.checks.get(&connection.id).map(|kept| kept.report.verdict);
        let tries = after.clone();
        note(&mut after, before, found, Kept::NotYet, now);
        let alone = is_local(connection) || !nobody_answers(&state, now, Some((&connection.id, &after)));
        let kept = judge(before, found.verdict, &tries, alone);
        if kept == Kept::Yes {
            self.keep_check(connection, checked, worked)?;
        }
        self.note_try(&connection.id, |tries, now| note(tries, before, found, kept, now))?;
        Ok(kept == Kept::NotYet && after.unreached && !is_local(connection))
    }

    fn note_try(&self, id: &str, change: impl FnOnce(&mut Tries, Timestamp)) -> Result<()> {
        let now = self.host().now;
        self.inner.state.update(|state| {
            let known: BTreeSet<_> = state.connections.iter().map(|connection| connection.id.clone()).collect();
            change(state.quiet.tries.entry(id.to_owned()).or_default(), now);
            state.quiet.tries.retain(|id, _| known.contains(id));
            Ok(())
        })
    }

    /// What turned bad by itself and was not told yet.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub fn notices(&self) -> Result<Vec<Notice>> {
        let state = self.state()?;
        let notice = |connection: &Connection| {
            let verdict = state.quiet.tries.get(&connection.id)?.untold?;
            let is_so = state.checks.get(&connection.id).is_some_and(|checked| checked.report.verdict == verdict);
            is_so.then(|| Notice { connection: connection.id.clone(), name: connection.name.clone(), verdict })
        };
        Ok(state.connections.iter().filter_map(notice).collect())
    }

    /// Notes that the user was told.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn noticed(&self, notice: &Notice) -> Result<()> {
        self.note_try(&notice.connection, |tries, now| tries.say(notice.verdict, now))
    }
}

async fn is_readable(secrets: &SecretStore, connection: &Connection, credential: &Credential) -> bool {
    let Ok(key) = token::key(connection, credential) else { return true };
    token::read_sound(secrets, &key).await.is_ok()
}

/// What can be checked by itself: services that an app uses, with what they need to be asked.
fn asked(state: &State, now: Timestamp) -> Vec<Asked> {
    let is_fit = |connection: &&Connection| {
        let ended = used(connection).any(|credential| credential.has_ended(now) || credential.renewal.is_some());
        let signed_out =
            used(connection).any(|credential| credential.sign_in.as_ref().is_some_and(|of| of.needed.is_some()));
        let is_used = !connection.placements.is_empty() && !connection.is_program();
        is_used && !ended && !signed_out && !lacks_token(connection)
    };
    let asked = |connection: &Connection| Asked {
        id: connection.id.clone(),
        is_local: is_local(connection),
        last: state.checks.get(&connection.id).map(|kept| Last { at: kept.report.at, verdict: kept.report.verdict }),
        tries: state.quiet.tries.get(&connection.id).cloned().unwrap_or_default(),
    };
    state.connections.iter().filter(is_fit).map(asked).collect()
}

fn is_local(connection: &Connection) -> bool {
    url::Url::parse(&connection.url).is_ok_and(|url| is_loopback(&url))
}

/// Whether there is no network, or no service answers.
pub(super) fn is_offline(state: &State, now: Timestamp) -> bool {
    state.quiet.offline.is_some() || nobody_answers(state, now, None)
}

/// Whether no service answers, with one connection's tries as they are going to be.
fn nobody_answers(state: &State, now: Timestamp, with: Option<(&String, &Tries)>) -> bool {
    let remote = state.connections.iter().filter(|connection| !is_local(connection));
    let tries = remote.filter_map(|connection| {
        let own = with.filter(|(id, _)| **id == connection.id).map(|(_, tries)| tries);
        let tries = own.or_else(|| state.quiet.tries.get(&connection.id))?;
        Some((origin_of(&connection.url).ok()?, tries, reached(state, connection)))
    });
    let tries: Vec<_> = tries.collect();
    unanswered(tries.iter().map(|(origin, tries, reached)| (origin.as_str(), *tries, *reached)), now)
}

/// When a service was last known to answer.
fn reached(state: &State, connection: &Connection) -> Option<Timestamp> {
    let report = &state.checks.get(&connection.id)?.report;
    let not = matches!(report.verdict, Verdict::Unreachable | Verdict::TooSlow | Verdict::TlsNotTrusted);
    (!not).then_some(report.at)
}

/// Another service to ask whether the network is to blame: one at another address that was not tried just now.
fn witness(state: &State, id: &str, now: Timestamp) -> Option<String> {
    let origin = |connection: &Connection| origin_of(&connection.url).ok();
    let own = state.connection(id).ok().and_then(origin);
    let recently = |one: &Asked| {
        let latest = one.tries.at.max(one.last.map(|last| last.at));
        latest.is_some_and(|at| at <= now && now.duration_since(at).as_secs() < 180)
    };
    let others: Vec<_> = asked(state, now)
        .into_iter()
        .filter(|one| !one.is_local && state.connection(&one.id).ok().and_then(origin) != own)
        .collect();
    if others.iter().any(recently) {
        return None;
    }
    others.into_iter().find(|one| is_rested(one, now)).map(|one| one.id)
}
