//! From a text to a tree of nodes with their places.
//!
//! The tree lies in one list, children before their parents, and no depth of nesting can exhaust the stack: the parser
//! keeps its levels on the heap, and both it and the tree stop at a limit. Aliases are links; what they would multiply is
//! counted before anything is built from them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};
use serde_json::Value;

use super::super::error::{DocumentError, line_of, owned};
use super::scalar;

/// Tables and lists inside each other that are taken at most; Goose's parser takes no more either.
const DEPTH_LIMIT: usize = 128;
/// How many nodes all aliases together may repeat.
const REPEAT_LIMIT: usize = 100_000;

/// A node's place in the list.
pub(super) type Id = usize;

/// A parsed text.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The document's node; none in a text of white space and comments.
    pub(super) root: Option<Id>,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The bytes of its content, without what marks it. A block's ends where its last member does.
    pub(super) range: Range<usize>,
    /// Whether an anchor or a tag stands before it.
    pub(super) marked: bool,
    /// How many nodes it would be with every alias written out.
    size: usize,
    /// Levels inside it, aliases included.
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text, number, truth or nothing.
    Scalar {
        value: Value,
        block: bool,
    },
    /// The same as another node.
    Alias(Id),
    Map {
        flow: bool,
        members: Vec<Member>,
    },
    List {
        flow: bool,
        items: Vec<Id>,
    },
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// The bytes of the key.
    pub(super) key: Range<usize>,
    pub(super) value: Id,
}

impl Tree {
    /// Parses a text.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        if let Some(at) = odd_line_end(text) {
            return Err(DocumentError::syntax(text, at, "a line end that not every program takes for one"));
        }
        let mut builder = Builder { text, ..Builder::default() };
        let mut options = granit_parser::Options::default();
        options.flow_nesting_limit = DEPTH_LIMIT;
        options.block_nesting_limit = DEPTH_LIMIT;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| refusal(text, &error))?;
            builder.take(event, &span)?;
        }
        builder.finish()
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// A node's value, aliases written out.
    pub(super) fn value(&self, id: Id) -> Value {
        match &self.node(id).kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::Alias(target) => self.value(*target),
            Kind::Map { members, .. } => {
                Value::Object(members.iter().map(|member| (member.name.clone(), self.value(member.value))).collect())
            }
            Kind::List { items, .. } => items.iter().map(|item| self.value(*item)).collect(),
        }
    }

    /// What a person would call a node.
    pub(super) fn noun(&self, id: Id) -> &'static str {
        match &self.node(id).kind {
            Kind::Map { .. } => "a table",
            Kind::List { .. } => "a list",
            Kind::Alias(_) => "a reference",
            Kind::Scalar { value, .. } => match value {
                Value::Null => "null",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// Where a node's content ends.
    pub(super) fn end(&self, text: &str, id: Id) -> usize {
        content_end(text, self.node(id))
    }

    /// All nodes, those inside others before them.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }
}

/// A line end that is one to Goose's parser, or in old files, and not to others.
fn odd_line_end(text: &str) -> Option<usize> {
    let alone = |(at, _): &(usize, &str)| !text[at + 1..].starts_with('\n');
    let old = text.match_indices('\r').find(alone).map(|(at, _)| at);
    old.or_else(|| text.find(['\u{85}', '\u{2028}', '\u{2029}']))
}

fn refusal(text: &str, error: &ScanError) -> DocumentError {
    let offset = error.marker().byte_offset().unwrap_or_default();
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return DocumentError::TooDeep { line: line_of(text, offset), limit: DEPTH_LIMIT };
    }
    DocumentError::syntax(text, offset, error.info())
}

/// A table or list that is still open.
struct Open {
    kind: Kind,
    start: usize,
    end: usize,
    anchor: usize,
    marked: bool,
    /// The key whose value comes next.
    key: Option<(String, Range<usize>)>,
    names: HashSet<String>,
    size: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    root: Option<Id>,
    documents: usize,
    repeated: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), DocumentError> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.fail(range.start, "a second document begins here");
                }
            }
            Event::Alias(target) => self.alias(target, range)?,
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, (anchor, tag.as_deref()), range)?,
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::List { flow: style == StructureStyle::Flow, items: Vec::new() };
                self.start(kind, anchor, tag.is_some(), range)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Map { flow: style == StructureStyle::Flow, members: Vec::new() };
                self.start(kind, anchor, tag.is_some(), range)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end)?,
            _ => {}
        }
        Ok(())
    }

    fn fail<T>(&self, offset: usize, message: &str) -> Result<T, DocumentError> {
        Err(DocumentError::syntax(self.text, offset, message))
    }

    /// Whether a key is what comes next.
    fn wants_key(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.kind, Kind::Map { .. }) && open.key.is_none())
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), DocumentError> {
        let Some(target) = self.anchors.get(&anchor).copied() else {
            return self.fail(range.start, "this refers to what it is part of");
        };
        if self.wants_key() {
            return match &self.nodes[target].kind {
                Kind::Scalar { value, .. } => {
                    let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    self.key(name, range)
                }
                _ => self.fail(range.start, "a key has to be a text"),
            };
        }
        let (size, depth) = (self.nodes[target].size, self.nodes[target].depth);
        self.repeated = self.repeated.saturating_add(size);
        if self.repeated > REPEAT_LIMIT {
            return self.fail(range.start, "references repeat too much");
        }
        self.add(Node { kind: Kind::Alias(target), range, marked: false, size, depth }, 0);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        (anchor, tag): (usize, Option<&Tag>),
        range: Range<usize>,
    ) -> Result<(), DocumentError> {
        let empty = range.is_empty() && style == ScalarStyle::Plain;
        let text = if empty { "" } else { text };
        let value = scalar::value(text, style, tag);
        if self.wants_key() {
            if empty && anchor == 0 {
                return self.fail(range.start, "a key is missing");
            }
            if anchor > 0 {
                let node = Node {
                    kind: Kind::Scalar { value, block: false },
                    range: range.clone(),
                    marked: true,
                    size: 1,
                    depth: 0,
                };
                self.nodes.push(node);
                self.anchors.insert(anchor, self.nodes.len() - 1);
            }
            return self.key(text.to_owned(), range);
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let marked = anchor > 0 || tag.is_some();
        self.add(Node { kind: Kind::Scalar { value, block }, range, marked, size: 1, depth: 0 }, anchor);
        Ok(())
    }

    fn key(&mut self, name: String, range: Range<usize>) -> Result<(), DocumentError> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        if !open.names.insert(name.clone()) {
            let path: Vec<&str> = self.path().chain([name.as_str()]).collect();
            return Err(DocumentError::DuplicateKey { line: line_of(self.text, range.start), path: owned(&path) });
        }
        open.key = Some((name, range));
        Ok(())
    }

    fn path(&self) -> impl Iterator<Item = &str> {
        self.open.iter().filter_map(|open| open.key.as_ref().map(|(name, _)| name.as_str()))
    }

    /// The first tab in the indentation of a block. Goose's parser refuses it, before a comment too.
    fn tab(&self) -> Option<usize> {
        let mut tabs = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let blank = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
            tabs.extend(blank.find('\t').map(|tab| start + tab));
            start += line.len();
        }
        if tabs.is_empty() {
            return None;
        }
        let mut allowed: Vec<_> = self.nodes.iter().filter_map(tabs_allowed).collect();
        allowed.sort_by_key(|range| range.start);
        let (mut next, mut end) = (0, 0);
        tabs.into_iter().find(|tab| {
            while let Some(range) = allowed.get(next).filter(|range| range.start <= *tab) {
                end = end.max(range.end);
                next += 1;
            }
            *tab >= end
        })
    }

    fn start(&mut self, kind: Kind, anchor: usize, tagged: bool, range: Range<usize>) -> Result<(), DocumentError> {
        if self.wants_key() {
            return self.fail(range.start, "a key has to be a text");
        }
        if self.open.len() == DEPTH_LIMIT {
            return Err(DocumentError::TooDeep { line: line_of(self.text, range.start), limit: DEPTH_LIMIT });
        }
        self.open.push(Open {
            kind,
            start: range.start,
            end: range.end,
            anchor,
            marked: anchor > 0 || tagged,
            key: None,
            names: HashSet::new(),
            size: 1,
            depth: 0,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), DocumentError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let flow = matches!(open.kind, Kind::Map { flow: true, .. } | Kind::List { flow: true, .. });
        let end = if flow { end } else { open.end };
        let depth = open.depth + 1;
        if depth + self.open.len() > DEPTH_LIMIT {
            return Err(DocumentError::TooDeep { line: line_of(self.text, open.start), limit: DEPTH_LIMIT });
        }
        let node = Node { kind: open.kind, range: open.start..end, marked: open.marked, size: open.size, depth };
        self.add(node, open.anchor);
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) {
        let id = self.nodes.len();
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            self.nodes.push(node);
            return;
        };
        open.size = open.size.saturating_add(node.size);
        open.depth = open.depth.max(node.depth);
        open.end = open.end.max(content_end(self.text, &node));
        match &mut open.kind {
            Kind::Map { members, .. } => {
                if let Some((name, key)) = open.key.take() {
                    open.end = open.end.max(key.end);
                    members.push(Member { name, key, value: id });
                }
            }
            Kind::List { items, .. } => items.push(id),
            _ => {}
        }
        self.nodes.push(node);
    }

    fn finish(self) -> Result<Tree, DocumentError> {
        if let Some(tab) = self.tab() {
            return self.fail(tab, "a tab stands where only spaces may");
        }
        Ok(Tree { nodes: self.nodes, root: self.root })
    }
}

/// The bytes of a node in which a line may begin with a tab: brackets, and texts over several lines.
fn tabs_allowed(node: &Node) -> Option<Range<usize>> {
    match node.kind {
        Kind::Map { flow: false, .. } | Kind::List { flow: false, .. } | Kind::Alias(_) => None,
        _ => Some(node.range.clone()),
    }
}

/// Where a node's content ends. A block of text reaches to the next line with something on it, as far as the parser is
/// concerned; what is blank at its end stays out of it, unless it belongs to the text.
fn content_end(text: &str, node: &Node) -> usize {
    let Kind::Scalar { value, block: true } = &node.kind else { return node.range.end };
    let lines = text[..node.range.end].rfind('\n').map_or(node.range.end, |newline| newline + 1);
    let whole = if text[lines.min(node.range.end)..node.range.end].trim().is_empty() { lines } else { node.range.end };
    let trimmed = text[..whole].trim_end_matches([' ', '\n', '\r']).len();
    let kept = value.as_str().is_some_and(|value| value.ends_with("\n\n") || value.trim().is_empty());
    if kept { whole } else { trimmed.max(node.range.start) }
}
