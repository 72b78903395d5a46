//! What came of doing as an app does, and what it shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::talk::{Learnt, Stop};
use super::{Finding, FindingKind, Plan};
use crate::catalog::Provider;
use crate::probe::{Cause, Explained, Layer, LayerKind, Mark, Report, ServerInfo, Verdict, not_tried_at_all};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, rename = "AsAppReport")]
pub struct Went {
    /// Whether it works.
    pub works: bool,
    /// Whether only the app can tell: it does not work as far as is seen, and that says nothing.
    #[serde(default)]
    pub open: bool,
    /// Whether a program was started, or an address asked.
    pub way: Way,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What was found, the cause first.
    pub findings: Vec<Finding>,
    /// The program's last words, where it did not work; without secrets.
    pub said: Vec<String>,
    /// What the server calls itself.
    pub server: Option<ServerInfo>,
    /// The protocol's revision.
    pub protocol: Option<String>,
    /// How many tools it offers.
    pub tools: Option<u32>,
    /// What the check of the address found, where it is one.
    pub service: Option<Report>,
    /// What a program's refusal means at its service, by the service's pack; said in the place of the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub explained: Option<Explained>,
    /// When it was made.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    #[ts(type = "number")]
    pub millis: u64,
}

/// How an app reaches something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, rename = "AsAppWay")]
pub enum Way {
    /// It starts a program.
    Program,
    /// It speaks to an address.
    Address,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, rename = "AsAppStep")]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// How it went.
    pub mark: Mark,
    /// How long it took, in milliseconds.
    #[ts(type = "number")]
    pub millis: u64,
    /// More about it.
    pub detail: Option<String>,
    /// What there is to know of what went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cause: Option<Cause>,
}

/// The steps of starting a program, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, rename = "AsAppStepKind")]
pub enum StepKind {
    /// The app finds the program.
    Found,
    /// It starts.
    Started,
    /// It speaks MCP.
    Handshake,
    /// It lists its tools.
    Tools,
    /// One harmless tool answers.
    Call,
}

impl StepKind {
    const ALL: [Self; 5] = [Self::Found, Self::Started, Self::Handshake, Self::Tools, Self::Call];
}

impl Went {
    /// The same with what the service is known to mean by a refusal: as the check of its address tells it.
    pub fn explained_by(mut self, provider: &Provider) -> Self {
        if let Some(report) = self.service.take() {
            let report = provider.explain(report);
            self.works &= report.verdict == Verdict::Working;
            self.service = Some(report);
            return self;
        }
        let Some((at, report)) = self.as_report() else { return self };
        let report = provider.explain(report);
        self.explained = report.explained;
        if report.verdict == Verdict::NotAllowed && self.works {
            // A tool put it into words of its own.
            self.works = false;
            let step = &mut self.steps[at];
            (step.mark, step.cause) = (Mark::Failed, None);
            let finding = Finding::new(FindingKind::NotAllowed);
            let words = step.detail.take();
            self.findings.insert(0, Finding { there: words, ..finding });
        }
        self
    }

    /// What a program refused, as the check of an address would say it, and at which step.
    fn as_report(&self) -> Option<(usize, Report)> {
        let refused = self.findings.first().filter(|finding| finding.kind == FindingKind::NotAllowed);
        let is_refused = |step: &Step| step.mark == Mark::Failed && refused.is_some();
        let is_remark = |step: &Step| step.cause == Some(Cause::ToolFailed);
        let at = self.steps.iter().position(|step| is_refused(step) || is_remark(step))?;
        let Step { kind, mark, millis, ref detail, cause } = self.steps[at];
        let kind = match kind {
            StepKind::Call => LayerKind::Call,
            StepKind::Tools => LayerKind::Tools,
            StepKind::Found | StepKind::Started | StepKind::Handshake => LayerKind::SignIn,
        };
        let detail = refused.and_then(|finding| finding.there.clone()).or_else(|| detail.clone());
        let verdict = if self.works { Verdict::Working } else { Verdict::NotAllowed };
        let layers = vec![Layer { kind, mark, millis, detail, cause }];
        let status = refused.map(|_| 403);
        Some((at, Report { verdict, layers, status, ..not_tried_at_all(self.at) }))
    }
}

/// All that is known after a run.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) learnt: Learnt,
    pub(super) stop: Option<Stop>,
    /// How it ended, in words, where it did by itself.
    pub(super) status: Option<String>,
    pub(super) left: usize,
    pub(super) said: Vec<String>,
    /// Seconds that were waited for the first answer.
    pub(super) patience: u64,
    pub(super) fetches: bool,
    pub(super) there: &'a dyn Fn(&str) -> Option<String>,
}

impl Run<'_> {
    /// What it shows, the cause first.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let cause = self.stop.as_ref().map(|stop| self.cause(stop));
        let mut all: Vec<Finding> = cause.into_iter().collect();
        if let Some(noise) = self.learnt.noise.as_ref().filter(|_| self.stop.is_none()) {
            all.push(Finding::new(FindingKind::Noise).there(self.shown(noise)));
        }
        if self.left > 0 {
            all.push(Finding::new(FindingKind::LeftBehind).named(self.left.to_string()));
        }
        for finding in &self.plan.findings {
            // What was seen before the start as one's cause is told once.
            if !all.iter().any(|one| one.kind == finding.kind && one.name == finding.name) {
                all.push(finding.clone());
            }
        }
        all
    }

    fn shown(&self, text: &str) -> String {
        self.plan.hide(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
    }

    fn cause(&self, stop: &Stop) -> Finding {
        match stop {
            Stop::Floods => Finding::new(FindingKind::Floods),
            Stop::NotMcp(words) => Finding::new(FindingKind::NotMcp).there(self.shown(words)),
            Stop::Refused(words) | Stop::AsksBack(words) => Finding::new(FindingKind::Refused).there(self.shown(words)),
            Stop::NotAllowed(words) => Finding::new(FindingKind::NotAllowed).there(self.shown(words)),
            Stop::Ended => self.told().unwrap_or_else(|| self.ended()),
            Stop::Silent => self.told().unwrap_or_else(|| self.silent()),
        }
    }

    fn ended(&self) -> Finding {
        let last = self.said.iter().rev().take(3).rev().cloned().collect::<Vec<_>>().join(" ");
        let words = if last.is_empty() { self.learnt.noise.clone().unwrap_or_default() } else { last };
        let finding = Finding::new(FindingKind::Ended).named(self.status.clone().unwrap_or_default());
        if words.is_empty() { finding } else { finding.there(self.shown(&words)) }
    }

    fn silent(&self) -> Finding {
        let kind = if self.fetches { FindingKind::Fetching } else { FindingKind::Silent };
        Finding::new(kind).named(self.patience.to_string())
    }

    /// What the program's own words tell.
    fn told(&self) -> Option<Finding> {
        let words = self.said.iter().chain(&self.learnt.noise).map(String::as_str);
        let words: Vec<&str> = words.collect();
        if let Some(line) = words.iter().find(|line| is_old_node(line)) {
            return Some(Finding::new(FindingKind::NodeTooOld).there(self.shown(line)));
        }
        if let Some(name) = words.iter().find_map(|line| lacks_program(line)) {
            let finding = Finding::new(FindingKind::NeedsProgram).named(name);
            return Some(Finding { there: (self.there)(name), ..finding });
        }
        let line = words.iter().rev().find(|line| is_question(line))?;
        Some(Finding::new(FindingKind::AsksInTerminal).there(self.shown(line)))
    }
}

/// What Node.js and npm say where the program wants a newer one.
fn is_old_node(line: &str) -> bool {
    let line = line.to_lowercase();
    let wants = |words: &str| line.contains(words) && line.contains("node");
    line.contains("ebadengine")
        || line.contains("err_unknown_builtin_module")
        || line.contains("file is not defined")
        || line.contains("fetch is not defined")
        || line.contains("node: bad option")
        || wants("unsupported engine")
        || line.contains("requires node") && !line.contains("requires node to be installed")
        || wants("minimum supported version")
        || wants("please upgrade")
}

/// The program that a shell, `env` or an interpreter could not find.
fn lacks_program(line: &str) -> Option<&str> {
    let name = |text: &str| text.trim().rsplit(['/', ' ', '\'', '‘', '"']).find(|word| !word.is_empty()).map(str::len);
    let end = if let Some(before) = line.strip_suffix("No such file or directory") {
        let before = before.trim_end_matches([' ', ':', '\'', '’', '"']);
        line.contains("env: ").then_some(before)?
    } else {
        let at = [": command not found", ": not found", "' is not recognized"].iter().find_map(|end| line.find(end))?;
        &line[..at]
    };
    let end = end.trim_end_matches(['\'', '’', '"']);
    let start = end.len() - name(end)?;
    let word = end[start..].trim_start_matches(['‘', '\'']);
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))).then_some(word)
}

/// A line that waits for somebody to type.
fn is_question(line: &str) -> bool {
    let line = line.trim_end().to_lowercase();
    let asks = ["(y/n)", "[y/n]", "(yes/no)", "ok to proceed?", "press enter", "press any key"];
    let wants = ["password:", "passphrase:", "token:", "key:", "username:", "login:"];
    asks.iter().any(|words| line.contains(words))
        || line.ends_with('?')
        || wants.iter().any(|words| line.ends_with(words))
}

/// The steps in order, with those that were not reached.
pub(super) fn complete(mut steps: Vec<Step>, failed: Option<StepKind>) -> Vec<Step> {
    for kind in StepKind::ALL {
        if !steps.iter().any(|step| step.kind == kind) {
            let mark = if failed == Some(kind) { Mark::Failed } else { Mark::Skipped };
            steps.push(Step { kind, mark, millis: 0, detail: None, cause: None });
        }
    }
    steps.sort_by_key(|step| step.kind);
    steps
}
