//! What a service's refusals mean, as its pack knows it.

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::probe::{Cause, Explained, Layer, LayerKind, Mark, Report};

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
        let decided = report.layers.iter().find(|layer| decides(layer));
        let rule = decided.and_then(|layer| self.refusals.iter().find(|rule| rule.fits(layer.kind, &report)));
        report.explained = rule.map(|rule| Explained { say: rule.say.clone(), then: rule.then.clone() });
        let is_call = |layer: &&mut Layer| layer.kind == LayerKind::Call && layer.mark == Mark::Skipped;
        if let (Some(why), true) = (&self.no_read_only_tool, report.tools.is_some_and(|tools| tools > 0)) {
            let call = report.layers.iter_mut().find(is_call).filter(|layer| layer.detail.is_some());
            call.into_iter().for_each(|layer| layer.detail = Some(why.clone()));
        }
        report
    }
}

/// Whether a layer is where the check ended; an error that a tool reports in its own words may be a refusal too.
fn decides(layer: &Layer) -> bool {
    layer.mark == Mark::Failed || (layer.mark == Mark::Warned && layer.cause == Some(Cause::ToolFailed))
}

impl Refusal {
    fn fits(&self, kind: LayerKind, report: &Report) -> bool {
        let layer = report.layers.iter().find(|layer| layer.kind == kind);
        let said = [layer.and_then(|layer| layer.detail.as_ref()), report.missing_right.as_ref()];
        let said = said.into_iter().flatten().map(|text| text.to_lowercase()).collect::<Vec<_>>().join(" ");
        let failed = layer.is_some_and(|layer| layer.mark == Mark::Failed);
        let status = failed && report.status.is_some_and(|status| self.status.contains(&status));
        let words = self.says.iter().any(|word| said.contains(word.as_str()));
        self.layers.contains(&kind)
            && if self.says.is_empty() {
                report.missing_right.is_none() && status
            } else {
                words && (status || self.status.is_empty() || !failed)
            }
    }
}
