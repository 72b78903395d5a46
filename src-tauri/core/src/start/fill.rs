//! Filling in references the way an app does.

use std::collections::BTreeMap;
use std::path::Path;

use crate::client::{Client, Fills, Form, Unset};
use crate::host::Platform;

/// Where an app finds what it fills in.
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    /// What becomes of a variable that is not set.
    pub(super) unset: Unset,
    pub(super) platform: Platform,
    pub(super) home: &'a Path,
    pub(super) project: &'a Path,
    /// The app's own variables.
    pub(super) env: &'a BTreeMap<String, String>,
    /// The entry's own variables, where the app looks at them.
    pub(super) own: &'a BTreeMap<String, String>,
}

/// A text with what an app fills in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Variables that are not set.
    pub(super) unset: Vec<String>,
    /// References that the app does not know and leaves.
    pub(super) left: Vec<String>,
    /// What only the app has.
    pub(super) kept: Vec<String>,
    /// Variables whose values were put in.
    pub(super) put: Vec<(String, String)>,
}

/// What a reference comes to.
enum Found {
    Text(String, Option<String>),
    Unset(String),
    Kept(String),
    /// The app does not know this way of writing.
    Left,
}

impl Source<'_> {
    /// Fills a text in.
    pub(super) fn fill(&self, text: &str) -> Filled {
        let mut filled = Filled::default();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            filled.text.push_str(&rest[..at]);
            rest = &rest[at..];
            let length = reference(rest);
            let (whole, after) = rest.split_at(length.max(1));
            if length == 0 {
                filled.text.push_str(whole);
            } else {
                self.put(&mut filled, whole);
            }
            rest = after;
        }
        filled.text.push_str(rest);
        filled
    }

    fn put(&self, filled: &mut Filled, whole: &str) {
        match self.look_up(whole) {
            Found::Text(text, name) => {
                filled.text.push_str(&text);
                filled.put.extend(name.map(|name| (name, text)));
            }
            Found::Unset(name) => {
                filled.unset.push(name);
                if self.unset == Unset::Stays {
                    filled.text.push_str(whole);
                }
            }
            Found::Kept(name) => {
                filled.kept.push(name);
                filled.text.push_str(whole);
            }
            Found::Left => {
                // A dollar sign alone means nothing in most texts.
                if whole.starts_with("${") {
                    filled.left.push(whole.to_owned());
                }
                filled.text.push_str(whole);
            }
        }
    }

    fn fills(&self) -> &Fills {
        &self.client.starts.fills
    }

    fn knows(&self, form: Form) -> bool {
        self.fills().forms.contains(&form)
    }

    fn look_up(&self, whole: &str) -> Found {
        let Some(inner) = whole.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            return if self.knows(Form::Dollar) { self.variable(&whole[1..]) } else { Found::Left };
        };
        if let Some(secret) = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let name = secret.trim().strip_prefix("secrets.");
            return name.filter(|_| self.knows(Form::Secrets)).map_or(Found::Left, |name| self.variable(name));
        }
        if let Some((kind, rest)) = inner.split_once(':') {
            return self.prefixed(kind, rest);
        }
        match self.placeholder(inner).filter(|_| self.knows(Form::Editor)) {
            Some(text) => Found::Text(text, None),
            None if self.knows(Form::Braces) && is_name(inner) => self.variable(inner),
            None => Found::Left,
        }
    }

    fn prefixed(&self, kind: &str, rest: &str) -> Found {
        match kind {
            "env" if self.knows(Form::Env) => self.variable(rest),
            "input" if self.knows(Form::Input) => Found::Kept(rest.to_owned()),
            "file" if self.knows(Form::File) => match std::fs::read_to_string(rest) {
                Ok(text) => Found::Text(text.trim().to_owned(), Some(format!("file:{rest}"))),
                Err(_) => Found::Unset(rest.to_owned()),
            },
            name if self.knows(Form::Otherwise) && rest.starts_with('-') => match self.variable(name) {
                Found::Unset(_) => Found::Text(rest[1..].to_owned(), None),
                found => found,
            },
            _ => Found::Left,
        }
    }

    fn variable(&self, name: &str) -> Found {
        let own = self.own.get(name).filter(|_| self.fills().own);
        let found = own.or_else(|| self.env.get(name)).filter(|value| !value.is_empty());
        found.map_or_else(|| Found::Unset(name.to_owned()), |value| Found::Text(value.clone(), Some(name.to_owned())))
    }

    fn placeholder(&self, name: &str) -> Option<String> {
        let text = |path: &Path| path.display().to_string();
        match name {
            "userHome" => Some(text(self.home)),
            "workspaceFolder" => Some(text(self.project)),
            "workspaceFolderBasename" => self.project.file_name().map(|name| name.to_string_lossy().into_owned()),
            "pathSeparator" | "/" => Some(if self.platform == Platform::Windows { "\\" } else { "/" }.to_owned()),
            _ => None,
        }
    }
}

/// The length of the reference that begins a text; 0 where the dollar sign means nothing.
fn reference(text: &str) -> usize {
    if text.starts_with("${{") {
        return text.find("}}").map_or(0, |end| end + 2);
    }
    if text.starts_with("${") {
        return text.find('}').map_or(0, |end| end + 1);
    }
    let name = text[1..].find(|c: char| !is_word(c)).unwrap_or(text.len() - 1);
    if name == 0 || text[1..].starts_with(|c: char| c.is_ascii_digit()) { 0 } else { name + 1 }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_word)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
