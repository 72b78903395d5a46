//! JSON and JSON with comments: a check of the whole text, then edits by ranges.

mod edit;
mod grammar;
mod read;
mod scan;
mod trial;
mod write;

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::Value;

use self::read::{Member, Object, extent};
use self::scan::{BLANK, Kind};
use self::write::{Content, Layout, Style};
use super::JsonDialect;
use super::edit::Edit;
use super::error::DocumentError;

/// From how many bytes on an object is remembered.
const LARGE: usize = 1 << 16;

/// What is known about a text that passed the check.
#[derive(Debug, Clone)]
pub(super) struct Json {
    dialect: JsonDialect,
    /// Where the root object opens; none in an empty document.
    root: Option<usize>,
    /// The root's members, where they have been remembered.
    members: Option<Object>,
    /// The first large object that was looked into, like Claude Code's `projects`: it is walked once, however many of its
    /// members are asked for.
    large: OnceLock<Object>,
    style: Style,
}

/// How far a path of keys goes.
struct Reached<'d, 'p> {
    /// The innermost object that is there; none in an empty document.
    object: Option<Cow<'d, Object>>,
    /// The keys that are not.
    missing: &'p [&'p str],
}

impl Json {
    /// Checks the text.
    pub(super) fn parse(text: &str, dialect: JsonDialect) -> Result<Self, DocumentError> {
        let survey = grammar::survey(text, dialect)?;
        if let Some(root) = survey.root
            && root.kind != Kind::OpenObject
        {
            return Err(DocumentError::shape(&[], "an object", root.kind.noun()));
        }
        let style = Style::of(text, &survey);
        let root = survey.root.map(|root| root.start);
        Ok(Self { dialect, root, members: survey.members, large: OnceLock::new(), style })
    }

    /// The object that opens at a byte.
    fn object(&self, text: &str, open: usize) -> Cow<'_, Object> {
        if let Some(known) = self.members.iter().chain(self.large.get()).find(|known| known.open == open) {
            return Cow::Borrowed(known);
        }
        let object = Object::at(text, open);
        if object.close - object.open < LARGE || self.large.get().is_some() {
            return Cow::Owned(object);
        }
        Cow::Borrowed(self.large.get_or_init(|| object))
    }

    /// The value at a path; of a key that stands twice, the last counts.
    pub(super) fn get(&self, text: &str, path: &[&str]) -> Option<Value> {
        let mut at = self.root?;
        for key in path {
            if !text[at..].starts_with('{') {
                return None;
            }
            at = self.object(text, at).last_named(text, key)?.value.start;
        }
        Some(read::value(text, at))
    }

    /// The keys of the object at a path, each with whether there is something under `inner` in its value.
    pub(super) fn keys_with(&self, text: &str, table: &[&str], inner: &str) -> Vec<(String, bool)> {
        let reached = self.reach(text, table).ok().filter(|reached| reached.missing.is_empty());
        let object = reached.and_then(|reached| reached.object);
        let members = object.as_deref().map(|object| object.members.as_slice()).unwrap_or_default();
        let is_filled = |member: &Member| match member.kind {
            Kind::OpenObject => {
                Object::at(text, member.value.start).last_named(text, inner).is_some_and(|found| !is_empty(text, found))
            }
            _ => false,
        };
        members.iter().map(|member| (member.name(text).into_owned(), is_filled(member))).collect()
    }

    /// The members of the object at a path.
    pub(super) fn entries(&self, text: &str, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        let Some(mut at) = self.root else { return Ok(Vec::new()) };
        for (depth, key) in table.iter().enumerate() {
            let object = self.object(text, at);
            let Some(member) = object.last_named(text, key) else { return Ok(Vec::new()) };
            require_object(&table[..=depth], member.kind)?;
            at = member.value.start;
        }
        match read::value(text, at) {
            Value::Object(map) => Ok(map.into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// The edits that set a member.
    pub(super) fn set(&self, text: &str, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        self.put(text, table, key, Content::Value(value))
    }

    /// The edits that set a member to source text. The text must be one value of the dialect.
    pub(super) fn set_raw(&self, text: &str, table: &[&str], key: &str, raw: &str) -> Result<Vec<Edit>, DocumentError> {
        let token = grammar::survey(raw, self.dialect)?.root;
        let range = token.map_or(0..0, |token| extent(raw, token.start));
        if range.is_empty() {
            return Err(DocumentError::syntax(raw, 0, "a value is missing"));
        }
        self.put(text, table, key, Content::Raw(&raw[range]))
    }

    fn put(&self, text: &str, table: &[&str], key: &str, content: Content) -> Result<Vec<Edit>, DocumentError> {
        let reached = self.reach(text, table)?;
        let Some(object) = reached.object else { return Ok(vec![self.create(text, table, key, content)]) };
        if let [first, rest @ ..] = reached.missing {
            let inner = Content::Within(&[key], &content);
            return Ok(edit::insert(text, &object, first, Content::Within(rest, &inner), &self.style));
        }
        let Some(index) = only(text, &object, table, key)? else {
            return Ok(edit::insert(text, &object, key, content, &self.style));
        };
        let standing = &object.members[index];
        if content.is_object() != (standing.kind == Kind::OpenObject) {
            let path: Vec<&str> = table.iter().copied().chain([key]).collect();
            let expected = if content.is_object() { "an object" } else { "something else" };
            return Err(DocumentError::shape(&path, expected, standing.kind.noun()));
        }
        let range = &standing.value;
        Ok(match content {
            Content::Value(value) => edit::update(text, range, value, &self.style),
            Content::Raw(raw) if text[range.clone()] == *raw => Vec::new(),
            other => vec![Edit::new(range.clone(), write::write(other, Layout::Lines(""), &self.style))],
        })
    }

    /// The edits that take a member out; none where it is absent.
    pub(super) fn remove(&self, text: &str, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        let reached = self.reach(text, table)?;
        let Some(object) = reached.object.filter(|_| reached.missing.is_empty()) else { return Ok(Vec::new()) };
        Ok(only(text, &object, table, key)?.map_or_else(Vec::new, |index| edit::remove(text, &object, index)))
    }

    /// Whether edits leave the text well-formed, and saying at a path what was asked.
    pub(super) fn stands(
        &self,
        text: &str,
        edits: &[Edit],
        path: &[&str],
        as_asked: impl Fn(&Option<Value>) -> bool,
    ) -> bool {
        trial::stands(self, text, edits, path, as_asked)
    }

    /// The source text of a member's value.
    pub(super) fn raw(&self, text: &str, table: &[&str], key: &str) -> Option<String> {
        let reached = self.reach(text, table).ok().filter(|reached| reached.missing.is_empty())?;
        let object = reached.object?;
        object.last_named(text, key).map(|member| text[member.value.clone()].to_owned())
    }

    /// Walks down a path on which an edit is to take place: objects all the way, and no key twice.
    fn reach<'d, 'p>(&'d self, text: &str, table: &'p [&'p str]) -> Result<Reached<'d, 'p>, DocumentError> {
        let Some(root) = self.root else { return Ok(Reached { object: None, missing: table }) };
        let mut object = self.object(text, root);
        for (depth, key) in table.iter().enumerate() {
            let Some(index) = only(text, &object, &table[..depth], key)? else {
                return Ok(Reached { object: Some(object), missing: &table[depth..] });
            };
            let member = &object.members[index];
            require_object(&table[..=depth], member.kind)?;
            object = self.object(text, member.value.start);
        }
        Ok(Reached { object: Some(object), missing: &[] })
    }

    /// A document where there was none: behind the comments, if there are any.
    fn create(&self, text: &str, table: &[&str], key: &str, content: Content) -> Edit {
        let path: Vec<&str> = table.iter().copied().chain([key]).collect();
        let at = text.trim_end_matches(BLANK).len();
        let newline = self.style.newline;
        let before = if at == 0 { "" } else { newline };
        let after = if text[at..].contains(['\n', '\r']) { "" } else { newline };
        let object = write::write(Content::Within(&path, &content), Layout::Lines(""), &self.style);
        Edit::insert(at, format!("{before}{object}{after}"))
    }
}

fn only(text: &str, object: &Object, table: &[&str], key: &str) -> Result<Option<usize>, DocumentError> {
    object.only_named(text, key).map_err(|second| {
        let path: Vec<&str> = table.iter().copied().chain([key]).collect();
        DocumentError::duplicate(text, second.key.start, &path)
    })
}

fn is_empty(text: &str, member: &Member) -> bool {
    member.kind == Kind::OpenObject && Object::at(text, member.value.start).members.is_empty()
}

fn require_object(path: &[&str], kind: Kind) -> Result<(), DocumentError> {
    if kind == Kind::OpenObject { Ok(()) } else { Err(DocumentError::shape(path, "an object", kind.noun())) }
}
