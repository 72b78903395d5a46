//! A service's token, and the secrets that it wants beside it, each in a header of its own: what they are called, where
//! they are made, what they look like.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Provider, Shape, When};
use crate::connection::{AuthHeader, Carrier};

/// What a service's tokens look like.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TokenRule {
    /// Their shape, where one is known.
    #[serde(default)]
    #[ts(skip)]
    pub pattern: Option<Shape>,
    /// Whether a token of another shape cannot be right.
    pub sure: bool,
    /// Whether the service needs one.
    pub needed: bool,
    /// What the service calls them, where it wants other secrets beside them.
    #[serde(default)]
    #[ts(skip)]
    pub label: Option<String>,
    /// A sentence of help beside its field, in the same case.
    #[serde(default)]
    #[ts(skip)]
    pub hint: Option<String>,
}

/// A header with a secret of its own, as a pack declares it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// The header's name.
    pub header: String,
    /// What stands before the secret; empty for a raw value.
    #[serde(default)]
    pub prefix: String,
    /// What the service calls it.
    pub label: String,
    /// A sentence of help beside its field.
    #[serde(default)]
    pub hint: Option<String>,
    /// The page where it is made, with `{keys}`.
    #[serde(default)]
    pub page: Option<String>,
    /// How it is made, step by step.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Its shape, where one is known.
    #[serde(default)]
    pub pattern: Option<Shape>,
    /// Whether a secret of another shape cannot be right.
    #[serde(default)]
    pub sure: bool,
    /// When it is wanted; always where empty.
    #[serde(default)]
    pub when: When,
}

/// One of several secrets that a connection needs, as its field is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SecretField {
    /// The header beside the token's that carries it; absent where it is the token.
    pub header: Option<String>,
    /// What it is called.
    pub label: String,
    /// A sentence of help.
    pub hint: Option<String>,
    /// The page where it is made.
    pub page: Option<String>,
    /// How it is made, step by step.
    pub steps: Vec<String>,
}

impl Provider {
    /// What is known of the header beside the token's of this name.
    pub fn beside_named(&self, header: &str) -> Option<&Beside> {
        self.beside.iter().find(|rule| rule.header.eq_ignore_ascii_case(header))
    }

    /// What one of a connection's secrets is called: that of a header, or the token.
    pub fn secret_label(&self, auth: &AuthHeader, header: Option<&str>) -> String {
        match header {
            Some(header) => self.beside_named(header).map_or_else(|| header.to_owned(), |rule| rule.label.clone()),
            // By its header, where the other is called by its own as well.
            None => self.token.label.clone().unwrap_or_else(|| match auth.name.as_str() {
                "Authorization" => "Token".to_owned(),
                name => name.to_owned(),
            }),
        }
    }

    /// What all of a connection's secrets are called, the token ahead.
    pub fn secret_labels(&self, auth: &AuthHeader) -> Vec<String> {
        let beside = auth.beside.iter().map(|one| self.secret_label(auth, Some(&one.name)));
        std::iter::once(self.secret_label(auth, None)).chain(beside).collect()
    }

    /// Which secret stands on which line where they are given together, as `one a line: 1. API key, 2. Application key`;
    /// `None` where there is one alone.
    pub fn secret_lines(&self, auth: &AuthHeader) -> Option<String> {
        let lines = |labels: Vec<String>| {
            let numbered = labels.iter().zip(1..).map(|(label, line)| format!("{line}. {label}"));
            format!("one a line: {}", numbered.collect::<Vec<_>>().join(", "))
        };
        (!auth.beside.is_empty()).then(|| lines(self.secret_labels(auth)))
    }

    /// The fields for a connection's secrets where it has several; `page` fills in addresses.
    pub(super) fn secret_fields(&self, auth: &AuthHeader, page: impl Fn(&str) -> Option<String>) -> Vec<SecretField> {
        if auth.beside.is_empty() {
            return Vec::new();
        }
        let token = SecretField {
            header: None,
            label: self.secret_label(auth, None),
            hint: self.token.hint.clone(),
            page: self.pages.create.as_deref().and_then(&page),
            steps: self.steps.clone(),
        };
        let field = |one: &Carrier| {
            let rule = self.beside_named(&one.name);
            SecretField {
                header: Some(one.name.clone()),
                label: self.secret_label(auth, Some(&one.name)),
                hint: rule.and_then(|rule| rule.hint.clone()),
                page: rule.and_then(|rule| rule.page.as_deref()).and_then(&page),
                steps: rule.map(|rule| rule.steps.clone()).unwrap_or_default(),
            }
        };
        std::iter::once(token).chain(auth.beside.iter().map(field)).collect()
    }
}
