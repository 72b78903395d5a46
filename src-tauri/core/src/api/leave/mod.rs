//! Leaving Patchbay cleanly: every entry of ours goes, or is made to work without us; the tokens are deleted, and the
//! list is emptied. Nothing is deleted of Patchbay's own folder, so that what was only taken out can be undone.
//!
//! One record for each connection. Killed in the middle, the next start brings the one under way to its end or takes it
//! back; leaving again does the rest. Tokens that go into apps' files are never written into the history: they are masked in
//! what is noted, and a file in which one stands already is not copied. Sign-ins are ended at their services; what they
//! brought goes into no file.

mod login;
mod sort;

use super::leave_view::{LeaveChoice, LeaveView, LeftView};
use super::look::look;
use super::place::{self, Expected, restarts, until_settled};
use super::view::ActivityKind;
use super::{Event, Patchbay, token};
use crate::change::history::{Effect, History, Intent, PlacementEffect};
use crate::change::{Change, Planner, apply};
use crate::connection::{Connection, Placement};
use crate::error::Result;
use crate::secret::{Secret, mask_all};
use crate::wire::origin_of;
use sort::{Fate, SignInFate, Sorted, Tokens, orphans, sort};

/// A connection, what becomes of its entries, and the tokens that go into them.
struct Leaving {
    connection: Connection,
    sorted: Sorted,
    tokens: Tokens,
}

impl Patchbay {
    /// What leaving would do. Tokens are masked in what is shown.
    pub(super) async fn plan_leave(&self, choice: LeaveChoice) -> Result<LeaveView> {
        let (leaving, orphans) = self.leaving(choice).await?;
        let changes = self.leave_changes(leaving.iter().flat_map(|one| &one.sorted.fates).chain(&orphans.fates))?;
        let mut plan = place::view_changes(&changes);
        for file in &mut plan.files {
            let secrets = leaving.iter().flat_map(|one| one.tokens.values()).map(Secret::expose);
            file.diff = mask_all(&file.diff, secrets);
        }
        let clients = |is: fn(&Fate) -> bool| {
            let fates = leaving.iter().flat_map(|one| &one.sorted.fates).filter(|fate| is(fate));
            distinct(fates.map(|fate| fate.client.id.to_owned()))
        };
        Ok(LeaveView {
            connections: leaving.iter().map(|one| one.connection.name.clone()).collect(),
            brought_in: self.brought_in(&leaving),
            stays: leaving
                .iter()
                .map(|one| &one.sorted)
                .chain([&orphans])
                .flat_map(|sorted| sorted.stays.clone())
                .collect(),
            plain_text: clients(|fate| fate.plain_text),
            needs_node: clients(|fate| fate.needs_node),
            signs_in: clients(|fate| fate.sign_in == SignInFate::ByApp),
            cannot_sign_in: clients(|fate| fate.sign_in == SignInFate::Lost),
            shared: distinct(leaving.iter().flat_map(|one| one.sorted.shared.clone())),
            tokens: count(
                leaving.iter().flat_map(|one| &one.connection.credentials).count() + self.keys_of_addresses()?.len(),
            ),
            start_at_login: self.state()?.settings.start_at_login || login::login_file(&self.host()).is_some(),
            data_dir: self.inner.data_dir.display().to_string(),
            plan,
        })
    }

    /// The names of those that are taken out although they stood there before Patchbay.
    fn brought_in(&self, leaving: &[Leaving]) -> Vec<String> {
        let records = self.inner.history.records();
        let goes = |one: &&Leaving| one.sorted.fates.iter().any(|fate| fate.becomes.is_none());
        let was_there = |one: &&Leaving| records.iter().any(|record| record.brings_in(&one.connection.id));
        leaving.iter().filter(goes).filter(was_there).map(|one| one.connection.name.clone()).collect()
    }

    /// Leaves. A keychain that does not answer stops it before any file is touched.
    pub(super) async fn leave(&self, choice: LeaveChoice, expected: &Expected) -> Result<LeftView> {
        let (leaving, orphans) = self.leaving(choice).await?;
        let changes = self.leave_changes(leaving.iter().flat_map(|one| &one.sorted.fates).chain(&orphans.fates))?;
        place::check(&changes, expected)?;
        let mut left = self.nothing_left();
        left.restart = distinct(restarts(&changes).into_iter());
        // Those of the others as well: one file may hold the entries of several connections.
        let history = self.inner.history.hiding(leaving.iter().flat_map(|one| one.tokens.values()));
        for one in &leaving {
            self.leave_one(one, choice, &history, &mut left).await?;
            self.tell(Event::Changed);
        }
        self.leave_orphans(&orphans.fates, &history, &mut left)?;
        left.stays.extend(orphans.stays);
        let (count, ended) = self.sign_out_of_addresses().await?;
        left.tokens += count;
        left.signed_out = left.signed_out.into_iter().chain(ended).reduce(|a, b| a && b);
        self.forget_proxy_password().await?;
        left.login_ended = login::end_login(&self.host())?;
        self.inner.state.update(|state| {
            left.login_ended |= std::mem::take(&mut state.settings.start_at_login);
            state.checks.clear();
            state.as_app.clear();
            state.reminders.clear();
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(left)
    }

    fn nothing_left(&self) -> LeftView {
        LeftView {
            taken_out: 0,
            released: 0,
            stays: Vec::new(),
            tokens: 0,
            signed_out: None,
            login_ended: false,
            restart: Vec::new(),
            data_dir: self.inner.data_dir.display().to_string(),
        }
    }

    async fn leaving(&self, choice: LeaveChoice) -> Result<(Vec<Leaving>, Sorted)> {
        let (state, host) = (self.state()?, self.host());
        if let Some(key) = state.settings.network.key() {
            token::read_sound(&self.secrets(), &key).await?;
        }
        for key in self.keys_of_addresses()? {
            token::read_sound(&self.secrets(), &key).await?;
        }
        let mut all = Vec::new();
        for connection in &state.connections {
            let tokens = self.tokens_for_leaving(connection, choice).await?;
            let sorted = sort(connection, &tokens, choice, &host, &self.inner.history)?;
            all.push(Leaving { connection: connection.clone(), sorted, tokens });
        }
        let program = self.program().display().to_string();
        let orphans = orphans(&look(&host), &state.connections, &program, &self.inner.history)?;
        Ok((all, orphans))
    }

    /// Reads what has to be deleted afterwards, so that a locked keychain shows at once; what is needed of it is kept.
    async fn tokens_for_leaving(&self, connection: &Connection, choice: LeaveChoice) -> Result<Tokens> {
        for key in connection.keys() {
            token::read_sound(&self.secrets(), &key).await?;
        }
        let mut tokens = Tokens::new();
        // A token belongs to one origin, and goes nowhere else.
        if choice.keep_working && origin_of(&connection.url).is_ok() {
            // What signs Patchbay in is Patchbay's alone, and its access token would end within the hour.
            for credential in connection.credentials.iter().filter(|credential| credential.sign_in.is_none()) {
                let found = token::read_sound(&self.secrets(), &token::key(connection, credential)?).await?;
                tokens.extend(found.map(|secret| (credential.id.clone(), secret)));
            }
        }
        Ok(tokens)
    }

    fn leave_changes<'a>(&self, fates: impl Iterator<Item = &'a Fate>) -> Result<Vec<Change>> {
        let mut planner = Planner::new(&self.inner.history);
        for fate in fates {
            match &fate.becomes {
                Some(value) => planner.set(fate.client, &fate.source, &fate.entry, value)?,
                None => planner.take_out(fate.client, &fate.source, &fate.entry)?,
            }
        }
        planner.finish()
    }

    async fn leave_one(
        &self,
        one: &Leaving,
        choice: LeaveChoice,
        history: &History,
        left: &mut LeftView,
    ) -> Result<()> {
        let Leaving { connection, tokens, .. } = one;
        let gone = |placement: &Placement| PlacementEffect::new(Some(placement.clone()), None);
        let intent = Intent {
            at: self.host().now,
            kind: if choice.keep_working { ActivityKind::Released } else { ActivityKind::Removed },
            connection: connection.id.clone(),
            name: connection.name.clone(),
            effect: Effect {
                placements: connection.placements.iter().map(gone).collect(),
                removed: Some(connection.without_tokens()),
                edited: None,
            },
            undoes: None,
        };
        let _work = self.at_work()?;
        let (mut applied, sorted) = until_settled(|| {
            let sorted = sort(connection, tokens, choice, &self.host(), history)?;
            let changes = self.leave_changes(sorted.fates.iter())?;
            Ok((apply(&changes, &intent, history, &self.inner.data_dir)?, sorted))
        })?;
        if let Some(ended) = self.sign_out_of_all(connection).await {
            left.signed_out = Some(left.signed_out.unwrap_or(true) && ended);
        }
        self.finish_change(&mut applied.record).await?;
        left.tokens += count(connection.credentials.len());
        count_fates(&sorted.fates, left);
        left.stays.extend(sorted.stays);
        Ok(())
    }

    fn leave_orphans(&self, orphans: &[Fate], history: &History, left: &mut LeftView) -> Result<()> {
        if orphans.is_empty() {
            return Ok(());
        }
        let intent = Intent {
            at: self.host().now,
            kind: ActivityKind::Disconnected,
            connection: orphans[0].entry.clone(),
            name: orphans[0].entry.clone(),
            effect: Effect::default(),
            undoes: None,
        };
        let _work = self.at_work()?;
        let mut applied = until_settled(|| {
            let changes = self.leave_changes(orphans.iter())?;
            apply(&changes, &intent, history, &self.inner.data_dir)
        })?;
        count_fates(orphans, left);
        self.inner.history.finish(&mut applied.record)
    }
}

fn count_fates(fates: &[Fate], left: &mut LeftView) {
    let released = fates.iter().filter(|fate| fate.becomes.is_some()).count();
    left.released += count(released);
    left.taken_out += count(fates.len() - released);
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for one in all.filter(|one| !one.is_empty()) {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}
