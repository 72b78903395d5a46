//! Taking tokens in plain text out of the history.

use super::message::PurgedView;
use super::{Event, Patchbay};
use crate::change::history::{Record, Status};
use crate::error::Result;
use crate::secret::marked;

impl Patchbay {
    /// Takes the tokens out of one change, or of all.
    pub(super) fn purge_tokens(&self, change: Option<&str>) -> Result<PurgedView> {
        let history = &self.inner.history;
        let _work = self.at_work()?;
        let records: Vec<Record> = match change {
            Some(id) => vec![history.record(id)?],
            None => history.records().into_iter().filter(|record| record.status == Status::Done).collect(),
        };
        let mut all = PurgedView { changes: 0, lost: 0 };
        for record in &records {
            let purged = history.purge(record)?;
            all.changes += purged.changes;
            all.lost += purged.lost;
        }
        // What older versions kept of entries may hold some, and so may the state before.
        self.inner.state.update(|state| {
            let placements = state.connections.iter_mut().flat_map(|connection| &mut connection.placements);
            placements.for_each(|placement| placement.expected = marked(&placement.expected));
            Ok(())
        })?;
        self.inner.state.renew_copy()?;
        self.tell(Event::Changed);
        Ok(all)
    }
}
