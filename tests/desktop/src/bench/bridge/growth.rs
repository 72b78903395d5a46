//! From one bridge to two hundred at once: what each more of them holds.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::subject::{KEYCHAIN, PLAIN, REMOTE, Subject};
use super::talk::Talk;
use super::{Effort, as_float, mebibytes, memory};
use crate::say;

/// How many at once; a peer's hundred would not fit into this computer.
const COUNTS: [usize; 3] = [1, 50, 200];
const PEERS_COUNTS: [usize; 2] = [1, 5];

/// What all of them hold together, in MiB, by name and count.
pub(super) struct Growth(Vec<(&'static str, usize, f64)>);

/// Starts more and more at once; each answers a call once all are there.
pub(super) fn measure(subjects: &[Subject], effort: Effort) -> Result<Growth> {
    let mut rows = Vec::new();
    for subject in subjects {
        let counts: &[usize] = match subject.name {
            PLAIN | KEYCHAIN => &COUNTS,
            REMOTE => &PEERS_COUNTS,
            _ => continue,
        };
        let mut talks = Vec::new();
        for count in counts.iter().filter(|count| effort.rounds > 1 || **count <= 50) {
            say(&format!("{count} at once: {}", subject.name));
            while talks.len() < *count {
                talks.push(Talk::open(subject.command("json"))?.0);
            }
            talks.iter_mut().try_for_each(|talk| talk.call().map(drop))?;
            let held: u64 = talks.iter().map(|talk| Ok(memory(talk.pid())?.proportional)).sum::<Result<u64>>()?;
            rows.push((subject.name, *count, mebibytes(held)));
        }
    }
    Ok(Growth(rows))
}

impl Growth {
    /// A line for each count.
    pub(super) fn table(&self) -> String {
        let mut text =
            "| at once, all answering | count | memory of all, MiB | of each |\n|---|---:|---:|---:|\n".to_owned();
        for (name, count, held) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {name} | {count} | {held:.1} | {:.2} |", held / as_float(*count));
        }
        text
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        self.0
            .iter()
            .map(|(name, count, held)| json!({ "subject": name, "count": count, "memory_mib": held }))
            .collect()
    }
}
