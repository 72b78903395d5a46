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
            Self::Practice => after("pbp_").is_some_and(|rest| rest.len() == 22),
        }
    }
}

/// Beginnings that only one service uses, with its name and the catalog's id where there is one.
const OWNED: &[(&str, &str, &str)] = &[
    ("rtly_mcp_pat_", "Retently", "retently"),
    ("pbp_", "the practice service", "practice"),
    ("github_pat_", "GitHub", "github"),
    ("ghp_", "GitHub", "github"),
    ("gho_", "GitHub", "github"),
    ("glpat-", "GitLab", "gitlab"),
    ("sk-ant-", "Anthropic", "anthropic"),
    ("xoxb-", "Slack", "slack"),
    ("xoxp-", "Slack", "slack"),
    ("ctx7sk-", "Context7", "context7"),
    ("AKIA", "Amazon Web Services", "aws"),
    ("dckr_pat_", "Docker", "docker"),
    ("hf_", "Hugging Face", "huggingface"),
    ("npm_", "npm", "npm"),
];

/// The service whose token this plainly is, unless it is `own` or a service of the user's own making.
pub fn foreign_service(token: &str, own: &str) -> Option<&'static str> {
    let (_, name, id) = OWNED.iter().find(|(prefix, ..)| token.starts_with(prefix))?;
    (own != "custom" && *id != own).then_some(*name)
}
