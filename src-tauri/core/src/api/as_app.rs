//! The check the way an app does it, at the front door.
//!
//! Patchbay's own entries run without asking. Anybody else's program is started only with the digest of the plan that was
//! shown: what changed in between is shown again. Nothing here is ever done by a scheduled check.

use std::sync::OnceLock;

use serde_json::Value;

use super::as_app_view::{AsAppPlanView, AsAppVariable, AsAppView, Differs, EntryAt};
use super::look::{Seen, look_at_scope, look_for};
use super::{Event, Patchbay};
use crate::catalog::{self, Provider};
use crate::client::{self, Client};
use crate::connection::state::{KeptAsApp, State, random_hex};
use crate::connection::{Connection, Placement, Wiring};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::host::Host;
use crate::probe::Verdict;
use crate::start::{Action, Around, Known, Limits, Plan, Subject, Way, Went, around, known, plan, run};

/// An entry with everything that a plan needs.
struct Chosen {
    client: &'static Client,
    seen: Seen,
    value: Value,
    /// The connection that owns it.
    owner: Option<(Connection, Placement)>,
}

impl Patchbay {
    /// What would be started or asked for an entry.
    pub(super) async fn plan_as_app(&self, at: &EntryAt) -> Result<AsAppPlanView> {
        let (host, state) = (self.host(), self.state()?);
        let chosen = choose(at, &state, &host)?;
        let around = around_of(&host, chosen.client).await;
        let plan = self.plan_of(at, &chosen, &around);
        Ok(self.plan_view(at, &chosen, &plan, &around))
    }

    /// Does as the app does, and beside it what Patchbay's own check does, where the entry is a connection's.
    pub(super) async fn check_as_app(&self, at: &EntryAt, expected: Option<&str>) -> Result<AsAppView> {
        let (host, state) = (self.host(), self.state()?);
        let chosen = choose(at, &state, &host)?;
        let around = around_of(&host, chosen.client).await;
        let plan = self.plan_of(at, &chosen, &around);
        self.consented(&chosen, &plan.digest(salt()), expected)?;
        let tool = self.provider(&chosen).and_then(|provider| provider.read_only_tool.clone());
        let mut cancel = self.inner.cancel.subscribe();
        let limits = Limits::default();
        let both = async {
            let direct = async { self.direct(chosen.owner.as_ref()).await };
            futures_util::future::join(run(&plan, &around, tool.as_ref(), &limits, host.now), direct).await
        };
        let (report, direct) = tokio::select! {
            both = both => both,
            _ = cancel.changed() => return Err(Error::new(Code::Cancelled, "The check was stopped.")),
        };
        let mut report = match self.provider(&chosen) {
            Some(provider) => report.explained_by(provider),
            None => report,
        };
        report.said.retain(|line| !is_own_log(line));
        let differs = differs(&report, direct);
        let view = AsAppView { at: at.clone(), report, direct, differs };
        self.keep_as_app(&view, &chosen.value)?;
        Ok(view)
    }

    fn plan_of(&self, at: &EntryAt, chosen: &Chosen, around: &Around<'_>) -> Plan {
        let own = self.program();
        let subject =
            Subject { client: chosen.client, scope: &at.scope, name: &at.entry, value: &chosen.value, own: &own };
        plan(&subject, around)
    }

    /// Whether an entry is as Patchbay wrote it, and starts or asks nobody else's program.
    fn is_ours(&self, chosen: &Chosen) -> bool {
        let Some((_, placement)) = &chosen.owner else { return false };
        let starts_own = match placement.wiring {
            Wiring::Bridge => {
                client::words_of(&chosen.value).first().map(std::path::Path::new) == Some(&self.program())
            }
            Wiring::HeadersHelper | Wiring::ClientOauth => true,
            Wiring::Run => false,
        };
        starts_own && !placement.kept && placement.is_expected(&chosen.value)
    }

    fn consented(&self, chosen: &Chosen, digest: &str, expected: Option<&str>) -> Result<()> {
        match expected {
            Some(expected) if expected == digest => Ok(()),
            Some(_) => Err(Error::new(Code::FileChanged, "What would be started has changed since it was shown.")
                .at(&chosen.seen.source.path)
                .hint("Look at it again.")),
            None if self.is_ours(chosen) => Ok(()),
            None => Err(Error::new(Code::Usage, "This is not Patchbay's own, and nobody has looked at it yet.")
                .hint("Look at what would be started first.")),
        }
    }

    /// What is known of the service, of entries that Patchbay wrote.
    fn provider(&self, chosen: &Chosen) -> Option<&'static Provider> {
        let (connection, _) = chosen.owner.as_ref().filter(|_| self.is_ours(chosen))?;
        catalog::find(&connection.provider).ok()
    }

    async fn direct(&self, owner: Option<&(Connection, Placement)>) -> Option<Verdict> {
        let (connection, _) = owner.filter(|(connection, _)| !connection.is_program())?;
        let checked = self.check(std::slice::from_ref(&connection.id)).await.ok()?;
        checked.first().map(|checked| checked.report.verdict)
    }

    fn keep_as_app(&self, view: &AsAppView, value: &Value) -> Result<()> {
        self.inner.state.update(|state| {
            state.as_app.retain(|kept| kept.view.at != view.at);
            let digest = digest(state, value);
            state.as_app.push(KeptAsApp { view: view.clone(), digest });
            Ok(())
        })?;
        self.tell(Event::Changed);
        Ok(())
    }

    fn plan_view(&self, at: &EntryAt, chosen: &Chosen, plan: &Plan, around: &Around<'_>) -> AsAppPlanView {
        let view = AsAppPlanView {
            at: at.clone(),
            path: chosen.seen.source.path.display().to_string(),
            way: Way::Program,
            command: Vec::new(),
            program: plan.program().map(|program| program.display().to_string()),
            variables: Vec::new(),
            folder: None,
            url: None,
            headers: Vec::new(),
            helper: None,
            looks_in: around.looks_in().map(str::to_owned),
            from: plan.from,
            fetches: false,
            findings: plan.findings.clone(),
            starts: plan.starts(),
            ours: self.is_ours(chosen),
            expected: plan.digest(salt()),
        };
        with_action(view, plan)
    }
}

/// The same with what would be started or asked.
fn with_action(mut view: AsAppPlanView, plan: &Plan) -> AsAppPlanView {
    match &plan.action {
        Action::Start(start) => {
            view.command = plan.shown_command(start);
            let shown = |value: &String| plan.shown_text(value);
            view.variables.extend(start.variables.iter().map(|one| AsAppVariable {
                name: one.name.clone(),
                value: one.value.as_ref().filter(|_| !one.secret).map(shown),
            }));
            view.folder = Some(start.folder.display().to_string());
            view.fetches = start.fetches;
        }
        Action::Send(sending) => {
            view.way = Way::Address;
            view.url = Some(plan.shown_text(&sending.url));
            view.headers = sending.headers.iter().map(|(name, _)| name.clone()).collect();
            if let Some(helper) = &sending.helper {
                view.helper = Some(plan.shown_text(&helper.command));
                view.folder = Some(helper.folder.display().to_string());
                let told = |(name, value): &(String, String)| (name.clone(), Some(plan.shown_text(value)));
                view.variables.extend(helper.told.iter().map(told).map(|(name, value)| AsAppVariable { name, value }));
            }
        }
        Action::Nothing => {}
    }
    view
}

/// Makes digests of plans worthless elsewhere; what was shown is started by the same program.
fn salt() -> &'static str {
    static SALT: OnceLock<String> = OnceLock::new();
    SALT.get_or_init(|| random_hex(16))
}

async fn around_of<'a>(host: &'a Host, client: &'static Client) -> Around<'a> {
    let machine = host.clone();
    // Only how this system's programs see their surroundings is known.
    let looked = tokio::task::spawn_blocking(move || known(&machine, client)).await;
    around(host, client, &looked.unwrap_or_else(|_| Known::default()))
}

/// The entry, where it stands now; of a connection's, in the file that it was written to.
fn choose(at: &EntryAt, state: &State, host: &Host) -> Result<Chosen> {
    let client = client::find(&at.client)?;
    let is_here = |placement: &&Placement| placement.is_at(&at.client, &at.scope) && placement.entry == at.entry;
    let placed = |connection: &Connection| connection.placements.iter().find(is_here).cloned();
    let owner = state.connections.iter().find_map(|one| placed(one).map(|placement| (one.clone(), placement)));
    let seen = match &owner {
        Some((_, placement)) => look_for(placement, host)?,
        None => look_at_scope(client, &at.scope, host)?,
    };
    let value = seen.entry(&at.entry)?.ok_or_else(|| {
        Error::new(Code::FileChanged, format!("{} has no entry \"{}\" now.", client.name, at.entry))
            .at(&seen.source.path)
            .hint("See what there is with: patchbay list")
    })?;
    Ok(Chosen { client, seen, value, owner })
}

/// Whether a line is of Patchbay's own log: of our bridge, whose answer says the same in words for people.
fn is_own_log(line: &str) -> bool {
    line.split_whitespace().take(3).any(|word| word.starts_with("patchbay_") && word.contains(':'))
}

fn differs(report: &Went, direct: Option<Verdict>) -> Option<Differs> {
    match (report.works, direct? == Verdict::Working) {
        _ if report.open => None,
        (false, true) => Some(Differs::OnlyDirect),
        (true, false) => Some(Differs::OnlyApp),
        _ => None,
    }
}

fn digest(state: &State, value: &Value) -> String {
    file::digest(format!("{}{value}", state.salt).as_bytes())
}

/// What is kept of entries that are still the same.
pub(super) fn kept(state: &State, seen: &[Seen]) -> Vec<AsAppView> {
    let is_same = |kept: &&KeptAsApp| {
        let at = &kept.view.at;
        let table = seen.iter().find(|seen| seen.client.id == at.client && seen.source.scope == at.scope);
        let value = table.and_then(|seen| seen.entry(&at.entry).ok().flatten());
        value.is_some_and(|value| digest(state, &value) == kept.digest)
    };
    state.as_app.iter().filter(is_same).map(|kept| kept.view.clone()).collect()
}
