//! Settles what a kill left half done, and rebuilds damaged records from what the apps' files show.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Patchbay;
use super::look::look;
use super::view::ActivityKind;
use crate::change::history::{Effect, Record};
use crate::change::{parse, plan_undo, reached, roll_back};
use crate::client::{self, is_safe_name, read_entry};
use crate::connection::state::State;
use crate::connection::{AuthHeader, Connection, PROGRAM, Placement, Renewal, Wiring};
use crate::error::{Code, Result};
use crate::file::{self, Lock};
use crate::host::Host;
use crate::import::run_parts;
use crate::secret::{is_behind_masks, marked};

impl Patchbay {
    /// Brings state, files and keychain into agreement after a kill or a damaged file. Cheap where there is nothing to
    /// do; called once at each start.
    ///
    /// # Errors
    /// The state cannot be read or written, or the keychain does not answer where a renewal has to be settled.
    pub async fn settle(&self) -> Result<()> {
        let loaded = self.inner.state.load()?;
        match loaded.problem {
            Some(problem) if problem.code == Code::StateNewer => return Ok(()),
            Some(problem) => self.rebuild(problem)?,
            None => {}
        }
        // Whoever holds it is alive and will finish what is under way.
        let Some(_work) = Lock::try_take(&self.work_lock())? else { return Ok(()) };
        self.clear_strays();
        for record in self.inner.history.pending() {
            self.settle_change(record).await?;
        }
        self.prune_history()?;
        self.meet_tables()?;
        self.settle_move().await?;
        self.settle_renewals().await?;
        self.settle_import().await
    }

    /// Forgets changes that are too old, and closes the history to others.
    fn prune_history(&self) -> Result<()> {
        let placed: Vec<_> =
            self.state()?.connections.into_iter().flat_map(|connection| connection.placements).collect();
        self.inner.history.close_to_others();
        self.inner.history.prune(&placed, self.host().now)
    }

    /// Settles what a killed writer left beside the apps' files, where nobody else of us writes now, and in the history.
    fn clear_strays(&self) {
        let own = self.inner.state.path();
        let pending = self.inner.history.pending().into_iter().flat_map(|record| record.files).map(|file| file.path);
        let files: BTreeSet<_> = self.watched_files().into_iter().chain(pending).filter(|path| path != own).collect();
        for path in &files {
            file::settle(path);
        }
        self.inner.history.tidy();
        // Here others may be writing.
        file::clear_strays(&self.inner.data_dir, Duration::from_secs(600));
    }

    /// A change whose files all have it is brought to its end; one that was cut short between two files is taken back.
    async fn settle_change(&self, mut record: Record) -> Result<()> {
        let history = &self.inner.history;
        let empty = record.files.is_empty() && record.effect == Effect::default();
        if empty {
            history.forget(&record);
            return Ok(());
        }
        if !reached(&record) || self.is_orphan(&record)? {
            self.take_back(&record);
            return Ok(());
        }
        self.finish_change(&mut record).await
    }

    /// Brings the files back that a change has touched so far, and forgets it.
    pub(super) fn take_back(&self, record: &Record) {
        let history = &self.inner.history;
        let planned = plan_undo(&as_it_stands(record), history);
        match planned.and_then(|changes| roll_back(&changes, &record.effect, &self.inner.data_dir)) {
            Ok(()) => history.forget(record),
            // Its copies stay; a file that can be read again is settled next time.
            Err(error) => tracing::warn!("a change that was cut short cannot be taken back yet: {error}"),
        }
    }

    /// Whether a change put entries in for a connection that could not be saved.
    fn is_orphan(&self, record: &Record) -> Result<bool> {
        let puts_in = record.undoes.is_none() && record.effect.placements.iter().any(|effect| effect.after.is_some());
        Ok(puts_in && self.state()?.connection(&record.connection).is_err())
    }

    /// Makes the state agree with a change that all its files have.
    pub(super) async fn finish_change(&self, record: &mut Record) -> Result<()> {
        let state = self.state()?;
        let undone = record.undoes.as_deref().and_then(|id| self.inner.history.record(id).ok());
        if let Some(removed) = undone.as_ref().and_then(|undone| undone.effect.removed.as_ref()) {
            self.inner.state.update(|state| {
                if state.connection(&removed.id).is_err() {
                    state.connections.push(Connection { placements: Vec::new(), ..removed.clone() });
                }
                Ok(())
            })?;
        }
        if let (Some(_), Ok(connection)) = (&record.effect.removed, state.connection(&record.connection)) {
            self.forget(connection).await?;
            self.inner.runs.forget(&record.connection);
        }
        // A connection that is gone has no placements to agree with.
        if self.state()?.connection(&record.connection).is_ok() {
            self.take_effect(&record.connection, &record.effect)?;
        }
        self.inner.history.finish(record)?;
        match undone {
            Some(undone) => self.inner.history.mark_undone(&undone.id, &record.id),
            None => Ok(()),
        }
    }

    fn rebuild(&self, problem: crate::Error) -> Result<()> {
        let host = self.host();
        self.inner.state.update(|state| {
            adopt_entries(state, &host);
            state.notice = Some(problem);
            Ok(())
        })
    }

    async fn settle_renewals(&self) -> Result<()> {
        let mut credentials = self.state()?.connections.into_iter().flat_map(|connection| connection.credentials);
        if credentials.all(|credential| credential.renewal.is_none()) {
            return Ok(());
        }
        // One that another process is in the middle of was not cut off.
        let _turn = self.token_turn()?;
        let state = self.state()?;
        for connection in &state.connections {
            for credential in &connection.credentials {
                if let Some(renewal) = &credential.renewal {
                    self.settle_renewal(&state, connection, &credential.id, renewal).await?;
                }
            }
        }
        Ok(())
    }

    /// The keychain tells how far a renewal came: whose fingerprint the token there has.
    async fn settle_renewal(&self, state: &State, connection: &Connection, id: &str, renewal: &Renewal) -> Result<()> {
        let Some(credential) = connection.credentials.iter().find(|credential| credential.id == id) else {
            return Ok(());
        };
        let stored = self.secrets().read(&credential.renewed_key(renewal)).await?;
        let swapped = stored.is_some_and(|stored| stored.fingerprint(&state.salt) == renewal.fingerprint);
        if swapped {
            self.finish_renewal(&connection.id, id).await?;
            return self.note(connection, ActivityKind::Renewed);
        }
        self.secrets().delete(&credential.previous_key(&renewal.previous)).await?;
        self.with_credential(&connection.id, id, |credential| credential.renewal = None)?;
        self.note(connection, ActivityKind::RenewalStopped)
    }
}

/// A record with the entries' values as they are now, where masks stand for tokens in it, and without the entries that
/// somebody changed since: those are not ours to take back.
fn as_it_stands(record: &Record) -> Record {
    let mut record = record.clone();
    for file in &mut record.files {
        let (Ok(client), Ok(state)) = (client::find(&file.client), file::read(&file.path)) else { continue };
        let Ok(document) = parse(client, &file.path, state.bytes.as_deref().unwrap_or_default()) else { continue };
        file.ops.retain_mut(|op| {
            let Ok(entries) = document.entries(&op.keys(client)) else { return true };
            let now = entries.into_iter().rev().find(|(name, _)| *name == op.entry).map(|(_, value)| value);
            if let (Some(noted), Some(now)) = (&mut op.new, &now)
                && is_behind_masks(noted, now)
            {
                noted.clone_from(now);
            }
            now == op.old || now == op.new
        });
    }
    record
}

/// Makes connections of entries that start our program for a connection nobody knows.
fn adopt_entries(state: &mut State, host: &Host) {
    for seen in look(host) {
        let Ok(Some(entries)) = seen.entries else { continue };
        for (name, value) in &entries {
            let entry = read_entry(name, value);
            let Some(id) = entry.ours.filter(|id| is_safe_name(id)) else { continue };
            let wiring = if run_parts(value).is_some() {
                Wiring::Run
            } else if value.get("command").is_some() {
                Wiring::Bridge
            } else {
                Wiring::HeadersHelper
            };
            let placement = Placement {
                client: seen.client.id.to_owned(),
                scope: seen.source.scope.clone(),
                entry: name.clone(),
                path: Some(seen.source.path.clone()),
                wiring,
                credential: None,
                expected: marked(value),
                kept: false,
                copies: Vec::new(),
                written: host.now,
            };
            let url = match wiring {
                Wiring::Run => format!("{PROGRAM}:{id}"),
                _ => value.get("url").and_then(|url| url.as_str()).unwrap_or_default().to_owned(),
            };
            adopt(state, &id, &url, placement, host);
        }
    }
}

fn adopt(state: &mut State, id: &str, url: &str, placement: Placement, host: &Host) {
    if state.connection(id).is_err() {
        state.connections.push(Connection {
            id: id.to_owned(),
            name: id.to_owned(),
            provider: if placement.wiring == Wiring::Run { PROGRAM } else { "custom" }.to_owned(),
            settings: std::collections::BTreeMap::new(),
            url: String::new(),
            auth: AuthHeader::default(),
            headers: Vec::new(),
            credentials: Vec::new(),
            token_lost: false,
            signed_out: false,
            signed_out_of: None,
            network: None,
            placements: Vec::new(),
            created: host.now,
        });
    }
    let Ok(connection) = state.connection_mut(id) else { return };
    if connection.url.is_empty() && !url.is_empty() {
        url.clone_into(&mut connection.url);
        if !connection.is_program() {
            connection.settings.insert("url".to_owned(), url.to_owned());
        }
    }
    if !connection.placements.iter().any(|known| known.is_at(&placement.client, &placement.scope)) {
        connection.placements.push(placement);
    }
}
