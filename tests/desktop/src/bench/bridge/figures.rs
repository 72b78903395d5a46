//! What was measured: values of several rounds, their medians, and the table of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Figure {
    /// From the start of the program to its answer to `initialize`, in milliseconds.
    Start,
    /// The median call, one at a time, in milliseconds.
    Call,
    /// One call in a hundred takes longer, in milliseconds.
    SlowCall,
    /// The median call where the service itself takes some milliseconds.
    WaitingCall,
    /// Calls per second with many in flight.
    PerSecond,
    /// Proportional memory in MiB, before the first call.
    Idle,
    /// Proportional memory in MiB, with many calls in flight.
    Loaded,
    /// What would be free again if it ended, in MiB, with many calls in flight.
    Private,
    /// Processor time in milliseconds for a thousand calls, many in flight.
    Processor,
}

impl Figure {
    const ALL: [(Self, &'static str, &'static str, usize); 9] = [
        (Self::Start, "start_ms", "start to `initialize`, ms", 1),
        (Self::Call, "call_p50_ms", "call p50, ms", 3),
        (Self::SlowCall, "call_p99_ms", "call p99, ms", 3),
        (Self::WaitingCall, "call_p50_waiting_ms", "p50 at a service of 5 ms", 3),
        (Self::PerSecond, "calls_per_second", "calls/s, 64 in flight", 0),
        (Self::Processor, "cpu_ms_per_1000_calls", "CPU ms per 1,000 calls", 0),
        (Self::Idle, "idle_mib", "memory idle, MiB", 1),
        (Self::Loaded, "loaded_mib", "memory loaded, MiB", 1),
        (Self::Private, "loaded_private_mib", "of it private", 1),
    ];
}

/// The measured values by subject, kind of answers and figure.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<(&'static str, &'static str, Figure), Vec<f64>>);

impl Figures {
    /// Notes a value.
    pub(super) fn note(&mut self, subject: &'static str, kind: &'static str, figure: Figure, value: f64) {
        self.0.entry((subject, kind, figure)).or_default().push(value);
    }

    /// The median of a figure's values; none where it does not apply.
    pub(super) fn median(&self, subject: &'static str, kind: &'static str, figure: Figure) -> Option<f64> {
        let mut values = self.0.get(&(subject, kind, figure))?.clone();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// A table with a line for each subject.
    pub(super) fn table(&self, subjects: &[&'static str], kind: &'static str) -> String {
        let heads: Vec<&str> = Figure::ALL.iter().map(|(_, _, words, _)| *words).collect();
        let mut text = format!("| {kind} | {} |\n|---{}|\n", heads.join(" | "), "|---:".repeat(heads.len()));
        for subject in subjects {
            let cells = Figure::ALL.iter().map(|(figure, _, _, digits)| {
                let value = self.median(subject, kind, *figure);
                value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
            });
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {subject} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        text
    }

    /// All medians and values.
    pub(super) fn json(&self) -> Value {
        let name = |figure| Figure::ALL.iter().find(|(own, ..)| *own == figure).map_or("", |(_, name, ..)| *name);
        let rows = self.0.iter().map(|((subject, kind, figure), values)| {
            let median = self.median(subject, kind, *figure);
            json!({ "subject": subject, "answers": kind, "figure": name(*figure), "median": median, "values": values })
        });
        rows.collect()
    }
}

/// An aim, and what came of it.
#[derive(Debug)]
pub(super) struct Aim {
    pub(super) words: String,
    pub(super) value: f64,
    pub(super) wanted: f64,
    /// Whether a larger value is better.
    pub(super) at_least: bool,
}

impl Aim {
    /// Whether it was reached.
    pub(super) fn is_met(&self) -> bool {
        if self.at_least { self.value >= self.wanted } else { self.value <= self.wanted }
    }

    /// A line about it.
    pub(super) fn line(&self) -> String {
        let mark = if self.is_met() { "met" } else { "**missed**" };
        let bound = if self.at_least { "at least" } else { "at most" };
        format!("| {} | {:.2} | {bound} {} | {mark} |", self.words, self.value, self.wanted)
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        let Self { words, value, wanted, at_least } = self;
        json!({ "aim": words, "value": value, "wanted": wanted, "at_least": at_least, "met": self.is_met() })
    }
}
