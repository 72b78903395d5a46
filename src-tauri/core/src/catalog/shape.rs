//! What tokens look like.

use serde::{Deserialize, Serialize};

/// A known shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Sixteen or more characters; nothing else is known.
    Opaque,
    /// `rtly_mcp_pat_<id>_<secret>`.
    Retently,
    /// `rt_` and twenty or more characters (seen in the service's examples, not documented).
    Uipath,
    /// `pbp_` and 22 characters.
    Practice,
    /// 32 hex digits.
    Hex32,
    /// 40 hex digits.
    Hex40,
}

impl Shape {
    /// Whether a token has this shape.
    pub fn fits(self, token: &str) -> bool {
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let after = |prefix: &str| token.strip_prefix(prefix).filter(|rest| word(rest));
        match self {
            Self::Opaque => token.chars().count() >= 16,
            Self::Retently => after("rtly_mcp_pat_")
                .and_then(|rest| rest.split_once('_'))
                .is_some_and(|(id, secret)| !id.is_empty() && secret.len() >= 8),
            Self::Uipath => after("rt_").is_some_and(|rest| rest.len() >= 20),
            Self::Hex32 => is_hex(token, 32),
            Self::Hex40 => is_hex(token, 40),
            Self::Practice => after("pbp_").is_some_and(|rest| rest.len() == 22),
        }
    }
}

fn is_hex(token: &str, digits: usize) -> bool {
    token.len() == digits && token.chars().all(|c| c.is_ascii_hexdigit())
}

/// How one service marks its tokens.
struct Mark {
    prefix: &'static str,
    /// The least length of what follows.
    least: usize,
    /// The least length of an unbroken run of letters and digits in it: what tells a token from hyphenated words.
    run: usize,
    service: &'static str,
    /// The catalog's id where there is one.
    id: &'static str,
}

const fn mark(prefix: &'static str, least: usize, service: &'static str) -> Mark {
    Mark { prefix, least, run: 1, service, id: "" }
}

/// Beginnings that only one service uses; the longer of two that begin alike comes first.
const MARKS: &[Mark] = &[
    Mark { id: "retently", ..mark("rtly_mcp_pat_", 8, "Retently") },
    Mark { id: "practice", ..mark("pbp_", 12, "the practice service") },
    mark("github_pat_", 20, "GitHub"),
    mark("ghp_", 20, "GitHub"),
    mark("gho_", 20, "GitHub"),
    mark("ghu_", 20, "GitHub"),
    mark("ghs_", 20, "GitHub"),
    mark("ghr_", 20, "GitHub"),
    mark("glpat-", 20, "GitLab"),
    mark("sk-ant-", 20, "Anthropic"),
    mark("sk_live_", 16, "Stripe"),
    mark("sk_test_", 16, "Stripe"),
    Mark { run: 16, ..mark("sk-", 20, "OpenAI or a service like it") },
    mark("xoxa-", 10, "Slack"),
    mark("xoxb-", 10, "Slack"),
    mark("xoxe-", 10, "Slack"),
    mark("xoxp-", 10, "Slack"),
    mark("xoxs-", 10, "Slack"),
    mark("xapp-", 10, "Slack"),
    mark("ctx7sk-", 8, "Context7"),
    Mark { id: "datadog", ..mark("ddpat_", 16, "Datadog") },
    Mark { id: "datadog", ..mark("ddsat_", 16, "Datadog") },
    mark("dckr_pat_", 20, "Docker"),
    Mark { run: 16, ..mark("AKIA", 16, "Amazon Web Services") },
    Mark { run: 30, ..mark("hf_", 30, "Hugging Face") },
    Mark { run: 30, ..mark("npm_", 30, "npm") },
];

impl Mark {
    fn is_on(&self, token: &str) -> bool {
        let run = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap_or(0);
        token.strip_prefix(self.prefix).is_some_and(|rest| {
            let sendable = rest.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c));
            sendable && rest.len() >= self.least && run(rest) >= self.run
        })
    }
}

/// The service whose token this plainly is, unless it is `own` or a service of the user's own making.
pub fn foreign_service(token: &str, own: &str) -> Option<&'static str> {
    let mark = MARKS.iter().find(|mark| mark.is_on(token))?;
    (own != "custom" && mark.id != own).then_some(mark.service)
}

/// Whether a text is plainly a token, of whichever service: one of the marks, or a JSON Web Token.
pub(super) fn is_token(text: &str) -> bool {
    let web_token = text.starts_with("eyJ") && text.len() >= 30 && text.contains('.');
    web_token || MARKS.iter().any(|mark| mark.is_on(text))
}
