//! Apps in the snapshot: their files, their entries, whether they run.

use super::Scene;
use crate::api::look::Seen;
use crate::api::reopen::{changed_since, restart};
use crate::api::view::{AppView, CandidateView, EntryView, SourceView};
use crate::client::{Candidate, read_entry, version};
use crate::connection::state::State;
use crate::connection::{Connection, Placement};
use crate::process::Running;
use crate::secret::{find_plaintext, mask};

impl Scene<'_> {
    /// One app, from everything that it reads: its own table comes first.
    pub(super) fn app(&self, seen: &[Seen]) -> Option<AppView> {
        let (own, further) = seen.split_first()?;
        let running = self.running.get(own.client.id);
        let stale = running.filter(|running| self.runs_with_old_settings(own, running));
        Some(AppView {
            id: own.client.id.to_owned(),
            name: own.client.name.to_owned(),
            installed: own.location.installed,
            version: self.version(own, running),
            running: running.is_some(),
            since: running.map(|running| running.since.to_string()),
            restart: stale.map(|running| restart(own.client, running)),
            path: own.location.path.display().to_string(),
            exists: !matches!(own.entries, Ok(None)),
            why: own.location.why.map(str::to_owned),
            candidates: self.candidates(own),
            problem: own.entries.as_ref().err().cloned().or_else(|| own.refused()),
            entries: self.entries(own),
            further: further.iter().map(|seen| self.source(seen)).collect(),
            wirings: own.client.wirings.to_vec(),
            slow: self.patchbay.slow(seen.iter().map(|seen| seen.source.path.clone())),
        })
    }

    /// The files to choose from; none where there is no doubt.
    fn candidates(&self, own: &Seen) -> Vec<CandidateView> {
        let all = own.client.candidates(self.host);
        let view = |one: &Candidate| CandidateView {
            path: one.path.display().to_string(),
            what: one.what.to_owned(),
            name: one.name.clone(),
            exists: one.path.exists(),
            counts: one.path == own.location.path,
        };
        if all.len() > 1 { all.iter().map(view).collect() } else { Vec::new() }
    }

    fn source(&self, seen: &Seen) -> SourceView {
        SourceView {
            scope: seen.source.scope.clone(),
            path: seen.source.path.display().to_string(),
            problem: seen.entries.as_ref().err().cloned().or_else(|| seen.refused()),
            entries: self.entries(seen),
        }
    }

    fn entries(&self, seen: &Seen) -> Vec<EntryView> {
        seen.all().iter().map(|(name, value)| entry_view(self.state, seen, name, value)).collect()
    }

    fn version(&self, seen: &Seen, running: Option<&Running>) -> Option<String> {
        let program = running.and_then(|running| running.program.as_deref());
        seen.location.installed.then(|| version(seen.client, self.host, program)).flatten()
    }

    fn runs_with_old_settings(&self, seen: &Seen, running: &Running) -> bool {
        let Seen { client, location, .. } = seen;
        client.restart && changed_since(self.records, client.id, &location.path, running.since)
    }
}

/// One entry in an app's file, to be shown.
pub(in crate::api) fn entry_view(state: &State, seen: &Seen, name: &str, value: &serde_json::Value) -> EntryView {
    let entry = read_entry(name, value);
    let is_here = |place: &Placement| place.is_at(seen.client.id, &seen.source.scope) && place.entry == name;
    let placed = |connection: &&Connection| connection.placements.iter().any(is_here);
    let owner = state.connections.iter().find(placed).map(|connection| connection.id.clone());
    EntryView {
        name: entry.name,
        kind: entry.kind,
        target: mask(&entry.target, std::iter::once(value)),
        disabled: entry.disabled,
        connection: owner.or(entry.ours),
        plain_text: find_plaintext(value).into_iter().map(|finding| finding.path).collect(),
    }
}
