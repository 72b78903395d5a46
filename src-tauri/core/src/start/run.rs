//! Doing as an app does: within limits of time and size, and leaving nothing behind.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::around::path;
use super::ask::{NoHeaders, headers_of};
use super::command::Start;
use super::find::look;
use super::group::{Ended, Group};
use super::lines::{Room, Tail, keep_tail, read_lines};
use super::outcome::{Run, complete};
use super::request::Sending;
use super::talk::{Learnt, Stop, Talk};
use super::{Action, Around, Finding, FindingKind, Plan, Step, StepKind, Way, Went};
use crate::catalog::ToolCall;
use crate::probe::{self, Generation, LayerKind, Mark, Probe, Report, Speaks, Verdict};

/// How much a run may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a program's first answer.
    pub first: Duration,
    /// The same for one that may first fetch what it needs.
    pub fetching: Duration,
    /// For an answer in the newest protocol, before the older way is tried beside it.
    pub discover: Duration,
    /// For each later answer.
    pub exchange: Duration,
    /// Bytes of one message.
    pub line: usize,
    /// Bytes of all that it writes.
    pub all: usize,
    /// Pages of the tool list.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(30),
            fetching: Duration::from_secs(180),
            discover: Duration::from_secs(8),
            exchange: Duration::from_secs(30),
            line: 8 * 1024 * 1024,
            all: 64 * 1024 * 1024,
            pages: 20,
        }
    }
}

/// Carries out a plan. `tool` is called where the program offers it.
pub async fn run(plan: &Plan, around: &Around<'_>, tool: Option<&ToolCall>, limits: &Limits, now: Timestamp) -> Went {
    let begun = Instant::now();
    let mut went = match &plan.action {
        Action::Start(start) => started(plan, start, around, tool, limits, now).await,
        Action::Send(sending) => sent(plan, sending, tool, now).await,
        Action::Nothing => Went { findings: sorted(plan.findings.clone()), ..blank(Way::Program, now) },
    };
    let stops = went.findings.iter().any(|finding| finding.kind.stops());
    went.open = !went.works && !stops && went.findings.iter().any(|finding| finding.kind.leaves_open());
    went.millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    went
}

fn blank(way: Way, at: Timestamp) -> Went {
    let (steps, findings, said) = (Vec::new(), Vec::new(), Vec::new());
    Went {
        works: false,
        open: false,
        way,
        steps,
        findings,
        said,
        server: None,
        protocol: None,
        tools: None,
        service: None,
        explained: None,
        at,
        millis: 0,
    }
}

/// The cause first, what is only to be known last.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (!finding.kind.stops(), finding.kind.is_note()));
    findings
}

async fn started(
    plan: &Plan,
    start: &Start,
    around: &Around<'_>,
    tool: Option<&ToolCall>,
    limits: &Limits,
    now: Timestamp,
) -> Went {
    if !plan.starts() {
        let is_taken = plan.findings.iter().all(|finding| finding.kind != FindingKind::NotTaken);
        let steps = complete(Vec::new(), is_taken.then_some(StepKind::Found));
        return Went { steps, findings: sorted(plan.findings.clone()), ..blank(Way::Program, now) };
    }
    let mut session = session(start, start.asks_newest, tool, limits).await;
    if start.asks_newest && matches!(session.stop, Some(Stop::Ended)) && session.learnt.steps.len() <= 2 {
        // Some older servers end at a question that they do not know; apps begin again without it.
        session = self::session(start, false, tool, limits).await;
    }
    let Session { learnt, stop, ended, tail, refused } = session;
    let there = |name: &str| {
        let found = look(name, around.shell_path.as_deref(), &start.folder, around.host.platform)?;
        (look(name, path(&start.env), &start.folder, around.host.platform)? != found)
            .then(|| found.display().to_string())
    };
    let fails = stop.is_some().then(|| learnt.steps.last().map_or(StepKind::Started, |last| next(last.kind)));
    let run = Run {
        plan,
        stop,
        status: ended.status.map(|status| status.to_string()),
        left: ended.left,
        said: tail.lines(),
        patience: patience(start, limits).as_secs(),
        fetches: start.fetches,
        there: &there,
        learnt,
    };
    let mut findings = run.findings();
    if let Some(words) = refused {
        findings.insert(0, Finding::new(FindingKind::NotExecutable).named(&start.command).there(words));
    }
    let works = run.stop.is_none();
    let said = if works { Vec::new() } else { run.said.iter().map(|line| plan.hide(line)).collect() };
    let Learnt { server, protocol, tools, mut steps, .. } = run.learnt;
    for step in &mut steps {
        step.detail = step.detail.take().map(|words| plan.hide(&words));
    }
    Went { works, steps: complete(steps, fails), findings, said, server, protocol, tools, ..blank(Way::Program, now) }
}

fn next(kind: StepKind) -> StepKind {
    match kind {
        StepKind::Found => StepKind::Started,
        StepKind::Started => StepKind::Handshake,
        StepKind::Handshake => StepKind::Tools,
        StepKind::Tools | StepKind::Call => StepKind::Call,
    }
}

fn patience(start: &Start, limits: &Limits) -> Duration {
    if start.fetches { limits.fetching } else { limits.first }
}

/// One start of a program, from its beginning to its end.
struct Session {
    learnt: Learnt,
    stop: Option<Stop>,
    ended: Ended,
    tail: Tail,
    /// Why the system did not start it.
    refused: Option<String>,
}

async fn session(start: &Start, newest: bool, tool: Option<&ToolCall>, limits: &Limits) -> Session {
    let begun = tokio::time::Instant::now();
    let mut learnt = Learnt::default();
    let tail = Tail::default();
    let found = Step { kind: StepKind::Found, mark: Mark::Passed, millis: 0, detail: None, cause: None };
    learnt.steps.push(found.clone());
    let program = start.program.clone().unwrap_or_default();
    let mut group = match Group::start(&program, &start.args, &start.env, &start.folder) {
        Ok(group) => group,
        Err(error) => {
            let (stop, ended) = (Some(Stop::Ended), Ended { status: None, left: 0 });
            return Session { learnt, stop, ended, tail, refused: Some(error.to_string()) };
        }
    };
    learnt.steps.push(Step { kind: StepKind::Started, ..found });
    let (to, from) = mpsc::channel(64);
    let room = Room { line: limits.line, all: limits.all };
    let err = group.child.stderr.take().map(|err| tokio::spawn(keep_tail(err, tail.clone())));
    let out = group.child.stdout.take().map(|out| tokio::spawn(read_lines(out, to, room)));
    let stop = match group.child.stdin.take() {
        Some(to) => {
            let mut talk = Talk { to, from, limits, learnt: &mut learnt, modern: false, next: 1, since: begun };
            talk.walk(newest, tool, patience(start, limits)).await.err()
        }
        None => Some(Stop::Ended),
    };
    let ended = group.end().await;
    for task in [err, out].into_iter().flatten() {
        let abort = task.abort_handle();
        // What others hold open is not waited for.
        if timeout(Duration::from_millis(300), task).await.is_err() {
            abort.abort();
        }
    }
    Session { learnt, stop, ended, tail, refused: None }
}

async fn sent(plan: &Plan, sending: &Sending, tool: Option<&ToolCall>, now: Timestamp) -> Went {
    let mut findings = plan.findings.clone();
    if !plan.starts() {
        return Went { findings: sorted(findings), ..blank(Way::Address, now) };
    }
    let given = match &sending.helper {
        None => Ok(Vec::new()),
        Some(helper) => headers_of(helper).await,
    };
    let given = match given {
        Ok(given) => given,
        Err(NoHeaders(words)) => {
            findings.push(Finding::new(FindingKind::HelperFailed).there(plan.hide(&words)));
            return Went { findings: sorted(findings), ..blank(Way::Address, now) };
        }
    };
    let asked = match sending.endpoint(&given) {
        Ok(endpoint) => {
            let (has_token, limits) = (endpoint.has_auth(), probe::Limits::default());
            asked(Probe { endpoint, tool: tool.cloned(), has_token, speaks: sending.speaks, limits }, now).await
        }
        Err(error) => Ok(probe::not_tried(Verdict::WrongAddress, LayerKind::Name, error.message, now)),
    };
    let report = match asked {
        Ok(report) => report,
        Err(kind) => {
            findings.push(Finding::new(kind));
            return Went { findings: sorted(findings), ..blank(Way::Address, now) };
        }
    };
    if report.verdict == Verdict::NeedsBrowserSignIn {
        findings.push(Finding::new(FindingKind::AppSignsIn));
    }
    let works = report.verdict == Verdict::Working;
    let hidden = |text: Option<String>| text.map(|text| plan.hide(&text));
    let report = Report { detail: hidden(report.detail), ..report };
    let Report { server, protocol, tools, .. } = report.clone();
    Went {
        works,
        findings: sorted(findings),
        server,
        protocol,
        tools,
        service: Some(report),
        ..blank(Way::Address, now)
    }
}

/// What the check finds in the ways that the app speaks; or that the service wants another, which the app does not have.
async fn asked(probe: Probe, now: Timestamp) -> Result<Report, FindingKind> {
    let report = probe::probe(&probe, now, |_| {}).await;
    let failed = report.layers.iter().find(|layer| layer.mark == Mark::Failed).map(|layer| layer.kind);
    let speaks = probe.speaks;
    if speaks == Speaks::ALL || failed != Some(LayerKind::Handshake) {
        return Ok(report);
    }
    // What is wrong with the service itself is told best where nothing of it was left out.
    let (report, generation) = probe::probe_and_place(&Probe { speaks: Speaks::ALL, ..probe }, now, |_| {}).await;
    match generation.filter(|generation| !speaks.knows(*generation)) {
        None => Ok(report),
        Some(_) if !speaks.posted => Err(FindingKind::AsksOlderWay),
        Some(Generation::Newest) => Err(FindingKind::NeedsNewestWay),
        Some(_) => Err(FindingKind::NeedsOlderWay),
    }
}
