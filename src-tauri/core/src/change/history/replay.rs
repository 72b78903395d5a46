//! What a file would be, had some entries never been put in: so that taking them out leaves no trace.

use std::path::Path;

use super::{History, Status};
use crate::change::Op;
use crate::change::plan::edit;
use crate::client::Client;
use crate::error::Result;

/// A file as it would be; no bytes where it would not be there.
#[derive(Debug)]
pub(in crate::change) struct Replayed {
    pub(in crate::change) bytes: Option<Vec<u8>>,
}

impl History {
    /// The bytes that a file would have, had these entries never been put in: the bytes before the first of Patchbay's
    /// changes since which nobody else wrote, with what else those came to. `None` where an entry is older than that, or
    /// the copy of those bytes is gone.
    pub(in crate::change) fn replay_without(
        &self,
        client: &'static Client,
        path: &Path,
        now: &str,
        gone: &[Op],
    ) -> Result<Option<Replayed>> {
        let records = self.records();
        let mut digest = now.to_owned();
        let mut chain = Vec::new();
        for record in records.iter().filter(|record| record.status == Status::Done) {
            let Some(n) = record.files.iter().position(|file| file.path == path) else { continue };
            if record.files[n].after != digest {
                break;
            }
            digest.clone_from(&record.files[n].before);
            chain.push((record, n));
        }
        let ops = || chain.iter().rev().flat_map(|(record, n)| &record.files[*n].ops);
        if !gone.iter().all(|gone| ops().any(|op| op.is_of(gone) && op.old.is_none())) {
            return Ok(None);
        }
        let Some((first, n)) = chain.last() else { return Ok(None) };
        let Ok(base) = self.before(first, *n) else { return Ok(None) };
        let bytes = replay(client, path, base, &net(ops().filter(|op| !gone.iter().any(|gone| op.is_of(gone)))))?;
        Ok(Some(Replayed { bytes }))
    }
}

/// What several ops come to: one per entry, none where it is as it was.
fn net<'a>(ops: impl Iterator<Item = &'a Op>) -> Vec<Op> {
    let mut net: Vec<Op> = Vec::new();
    for op in ops {
        match net.iter_mut().find(|known| known.is_of(op)) {
            Some(known) => known.new.clone_from(&op.new),
            None => net.push(op.clone()),
        }
    }
    net.retain(|op| op.old != op.new);
    net
}

fn replay(client: &Client, path: &Path, base: Option<Vec<u8>>, ops: &[Op]) -> Result<Option<Vec<u8>>> {
    let mut bytes = base;
    for op in ops {
        let (next, _) = edit(client, path, bytes.as_deref().unwrap_or_default(), op)?;
        bytes = Some(next);
    }
    Ok(bytes)
}
