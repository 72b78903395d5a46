//! What a service's refusals mean, as its pack knows it.

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::probe::{Cause, Explained, Layer, LayerKind, Mark, Report, Verdict};

/// One rule: where a check ends like this, this is why.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The layers at which the check ends.
    pub layers: Vec<LayerKind>,
    /// The statuses that decide it; any where empty.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Words of which the service says one, in small letters; any or none where empty. A rule without words says nothing
    /// where the service itself names the permission that is missing.
    #[serde(default)]
    pub says: Vec<String>,
    /// The cause, in a sentence.
    pub say: String,
    /// The next step, in a sentence.
    pub then: String,
    /// Where this is from.
    #[serde(default)]
    pub source: Option<String>,
}

impl Provider {
    /// A check's report with what this service is known to mean by it.
    pub fn explain(&self, mut report: Report) -> Report {
        if let Some(at) = report.layers.iter().position(decides) {
            let rule = self.refusals.iter().find(|rule| rule.fits(&report.layers[at], &report));
            if let Some(rule) = rule {
                report.explained = Some(Explained { say: rule.say.clone(), then: rule.then.clone() });
                refuse(&mut report, at);
            }
        }
        if report.tools.is_some_and(|tools| tools > 0) && self.no_read_only_tool.is_some() {
            let untried = |layer: &&mut Layer| layer.kind == LayerKind::Call && layer.mark == Mark::Skipped;
            if let Some(call) = report.layers.iter_mut().find(untried).filter(|layer| layer.detail.is_some()) {
                call.detail.clone_from(&self.no_read_only_tool);
            }
        }
        report
    }
}

/// Whether a layer is where the check ended; an error that a tool reports in its own words may be a refusal too.
fn decides(layer: &Layer) -> bool {
    layer.mark == Mark::Failed || is_remark(layer)
}

fn is_remark(layer: &Layer) -> bool {
    layer.mark == Mark::Warned && layer.cause == Some(Cause::ToolFailed)
}

/// What the service is known to mean as a refusal is one, though its tool put it into words of its own.
fn refuse(report: &mut Report, at: usize) {
    let layer = &mut report.layers[at];
    if is_remark(layer) {
        (layer.mark, layer.cause) = (Mark::Failed, None);
        report.verdict = Verdict::NotAllowed;
        report.detail.clone_from(&layer.detail);
    }
}

impl Refusal {
    fn fits(&self, layer: &Layer, report: &Report) -> bool {
        let said = [layer.detail.as_deref(), report.missing_right.as_deref()];
        let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase();
        let in_words = ["403", "forbidden"].iter().any(|word| said.contains(word)).then_some(403);
        let status = if is_remark(layer) { in_words } else { report.status };
        let of_status = self.status.is_empty() || status.is_some_and(|status| self.status.contains(&status));
        let of_words = self.says.iter().any(|word| said.contains(word.as_str()));
        let is_general = self.says.is_empty() && !self.status.is_empty() && report.missing_right.is_none();
        self.layers.contains(&layer.kind) && of_status && (of_words || is_general)
    }
}
