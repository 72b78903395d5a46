//! The user's choices: settings, reminders, where secrets are kept.

use super::snapshot::reminders;
use super::view::{ReminderView, Settings};
use super::{Event, Patchbay, sign_in};
use crate::client;
use crate::connection::{Credential, state::State};
use crate::error::{Code, Error, Result};
use crate::quiet::CHOICES;
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
            if let Some(needed) = sign_in::needed(&credential) {
                sign_in::acknowledge(state.reminders.entry(token.to_owned()).or_default(), needed);
            }
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

    /// Chooses the file of an app that has several candidates; the app's own rule counts again where none is named.
    pub(super) fn choose_file(&self, client: &str, path: Option<&str>) -> Result<()> {
        let client = client::find(client)?;
        let candidates = client.candidates(&self.host());
        let is_candidate = |path: &str| candidates.iter().any(|one| one.path.display().to_string() == path);
        if let Some(path) = path.filter(|path| !is_candidate(path)) {
            return Err(Error::new(Code::SettingInvalid, format!("{} does not read {path}.", client.name))
                .hint("Choose one of the files that are shown for this app.")
                .field("path"));
        }
        let own = candidates.first().is_some_and(|own| path.is_none_or(|path| own.path.display().to_string() == path));
        self.inner.state.update(|state| {
            match path.filter(|_| !own) {
                Some(path) => drop(state.settings.files.insert(client.id.to_owned(), path.into())),
                None => drop(state.settings.files.remove(client.id)),
            }
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
        if !CHOICES.contains(&settings.check_every_hours) {
            return Err(Error::new(Code::SettingInvalid, "Checks cannot run by themselves that often.")
                .hint("Give 1, 3, 6, 12 or 24 hours, or 0 for never.")
                .field("check_every_hours"));
        }
        self.inner.state.update(|state| {
            // The place for secrets, the apps' files and the network are chosen by requests of their own.
            let Settings { backend, files, network, .. } = std::mem::take(&mut state.settings);
            state.settings = Settings { backend, files, network, ..settings };
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
}

fn credential<'a>(state: &'a State, token: &str) -> Result<&'a Credential> {
    let all = state.connections.iter().flat_map(|connection| &connection.credentials);
    all.into_iter()
        .find(|credential| credential.id == token)
        .ok_or_else(|| Error::new(Code::TokenMissing, "This token is not known any more."))
}
