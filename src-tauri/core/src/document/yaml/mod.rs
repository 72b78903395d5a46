//! YAML: parsed with its places, edited in the text itself.
//!
//! No program here writes YAML as a person would, so nothing is printed but what is new, on whole lines where the table
//! is a block, and inside the brackets where it is written in brackets on one line. What is written in any other way
//! (brackets over several lines, anchors and tags at the place of the edit, keys with question marks, ...) is not edited:
//! [`DocumentError::Unsafe`].
//!
//! What both apps' parsers refuse is refused: a second document, a key that stands twice, a tab in the indentation, an
//! alias to nothing. Merge keys are keys as any others, for those parsers do not merge.

mod edit;
mod lines;
mod scalar;
mod tree;
mod write;

use serde_json::{Map, Value};

use self::edit::{Content, New, Path, Place};
use self::lines::{Odd, Page};
use self::tree::{Id, Kind, Member, Tree};
use super::YamlTable;
use super::edit::{Edit, apply};
use super::error::{DocumentError, owned};

/// A parsed text. Places are ranges of the text without its byte order mark.
#[derive(Debug, Clone)]
pub(super) struct Yaml {
    tree: Tree,
    table: YamlTable,
}

/// How far a path of keys goes.
struct Reached<'d, 'p> {
    /// The innermost node that is there; none in an empty document.
    node: Option<Id>,
    /// The member whose value it is.
    holder: Option<&'d Member>,
    /// The keys that are not there.
    missing: &'p [&'p str],
}

impl Yaml {
    /// Parses a text.
    pub(super) fn parse(text: &str, table: YamlTable) -> Result<Self, DocumentError> {
        // The parser would skip another byte order mark.
        if text.starts_with(super::BOM) {
            return Err(DocumentError::syntax(text, 0, "a second byte order mark"));
        }
        let yaml = Self { tree: Tree::parse(text)?, table };
        match yaml.root().map(|root| yaml.tree.noun(root)) {
            None | Some("a table") => Ok(yaml),
            Some(found) => Err(DocumentError::shape(&[], "a table", found)),
        }
    }

    /// The document's node; none where it says nothing at all.
    fn root(&self) -> Option<Id> {
        self.tree.root.filter(|root| !self.is_blank(*root))
    }

    /// Whether a value is only missing: `key:` and nothing behind it.
    fn is_blank(&self, id: Id) -> bool {
        let node = self.tree.node(id);
        matches!(&node.kind, Kind::Scalar { value: Value::Null, .. } if node.range.is_empty())
    }

    /// The value at a path. In a list of tables, a key is the name of one.
    pub(super) fn get(&self, path: &[&str]) -> Option<Value> {
        let Some(root) = self.root() else { return path.is_empty().then(|| Value::Object(Map::new())) };
        let found = path.iter().try_fold(root, |id, key| self.child(id, key));
        found.map(|id| self.tree.value(id))
    }

    fn child(&self, id: Id, key: &str) -> Option<Id> {
        match &self.tree.node(id).kind {
            Kind::Map { members, .. } => Some(members.iter().find(|member| member.name == key)?.value),
            Kind::List { items, .. } => items.iter().copied().find(|item| self.name(*item).as_deref() == Some(key)),
            Kind::Alias(target) => self.child(*target, key),
            Kind::Scalar { .. } => None,
        }
    }

    /// The name that an item of the list bears.
    fn name(&self, item: Id) -> Option<String> {
        let YamlTable::Named(field) = self.table else { return None };
        match &self.tree.node(item).kind {
            Kind::Map { .. } => self.tree.value(self.child(item, field)?).as_str().map(str::to_owned),
            Kind::Alias(target) => self.name(*target),
            _ => None,
        }
    }

    /// The entries of the table or list at a path. An item without a name is called by its place.
    pub(super) fn entries(&self, table: &[&str]) -> Result<Vec<(String, Value)>, DocumentError> {
        let reached = self.reach(table)?;
        let Some(id) = reached.node.filter(|_| reached.missing.is_empty()) else { return Ok(Vec::new()) };
        Ok(match &self.tree.node(id).kind {
            Kind::Map { members, .. } => {
                members.iter().map(|member| (member.name.clone(), self.tree.value(member.value))).collect()
            }
            Kind::List { items, .. } => {
                let name = |n: usize, item: Id| self.name(item).unwrap_or_else(|| format!("[{n}]"));
                items.iter().enumerate().map(|(n, item)| (name(n, *item), self.tree.value(*item))).collect()
            }
            Kind::Scalar { .. } | Kind::Alias(_) => Vec::new(),
        })
    }

    /// The edits that set an entry.
    pub(super) fn set(&self, text: &str, table: &[&str], key: &str, value: &Value) -> Result<Vec<Edit>, DocumentError> {
        self.put(text, table, key, Content::Value(value))
    }

    /// The edits that put the text from [`raw`](Self::raw) back.
    pub(super) fn set_raw(&self, text: &str, table: &[&str], key: &str, raw: &str) -> Result<Vec<Edit>, DocumentError> {
        if self.raw(text, table, key).as_deref() == Some(raw) {
            return Ok(Vec::new());
        }
        self.put(text, table, key, Content::Raw(raw))
    }

    fn put(&self, text: &str, table: &[&str], key: &str, content: Content) -> Result<Vec<Edit>, DocumentError> {
        let page = Page { text, tree: &self.tree };
        let reached = self.reach(table)?;
        let listed = matches!(self.table, YamlTable::Named(_));
        let new = New { key: (!listed).then_some(key), content };
        let path = Path { missing: reached.missing, new };
        let standing = self.place(text, &reached, table, key)?;
        if let (Some(place), Content::Value(value)) = (standing, content) {
            let noun = self.tree.noun(place.node(page));
            if noun != "a reference" && value.is_object() != (noun == "a table") {
                let expected = if value.is_object() { "a table" } else { "something else" };
                return Err(DocumentError::shape(&[table, &[key]].concat(), expected, noun));
            }
        }
        let edits = match (standing, reached.node, reached.holder) {
            (Some(place), ..) => edit::update(page, place, new),
            (None, None, _) => Ok(vec![edit::create(page, &path)]),
            (None, Some(node), Some(holder)) if self.fillable(node) => edit::fill(page, holder, &path),
            (None, Some(node), _) => edit::insert(page, node, &path),
        };
        let wanted = match content {
            Content::Value(value) => Wanted::Value(value),
            Content::Raw(_) => Wanted::Anything,
        };
        self.tried(text, edits, table, key, wanted)
    }

    /// Whether a node is to become a block: nothing at all, or empty brackets that stand in a block.
    fn fillable(&self, id: Id) -> bool {
        let in_brackets = |other: &tree::Node| {
            let flow = matches!(other.kind, Kind::Map { flow: true, .. } | Kind::List { flow: true, .. });
            let node = &self.tree.node(id).range;
            flow && other.range.start < node.start && node.end < other.range.end
        };
        let empty = match &self.tree.node(id).kind {
            Kind::Map { members, .. } => members.is_empty(),
            Kind::List { items, .. } => items.is_empty(),
            Kind::Scalar { .. } => self.is_blank(id),
            Kind::Alias(_) => false,
        };
        empty && !self.tree.nodes().any(in_brackets)
    }

    /// The edits that take an entry out.
    pub(super) fn remove(&self, text: &str, table: &[&str], key: &str) -> Result<Vec<Edit>, DocumentError> {
        let page = Page { text, tree: &self.tree };
        let reached = self.reach(table)?;
        let Some(place) = self.place(text, &reached, table, key)? else { return Ok(Vec::new()) };
        self.tried(text, edit::remove(page, place), table, key, Wanted::Nothing)
    }

    /// The source text of an entry: its lines, or what stands in the brackets.
    pub(super) fn raw(&self, text: &str, table: &[&str], key: &str) -> Option<String> {
        let page = Page { text, tree: &self.tree };
        let reached = self.reach(table).ok()?;
        let place = self.place(text, &reached, table, key).ok()??;
        let raw = &text[place.range(page).ok()?];
        // No more than the last line's own end: blank lines before it belong to a text that keeps them.
        let raw = raw.strip_suffix('\n').unwrap_or(raw);
        Some(raw.strip_suffix('\r').unwrap_or(raw).to_owned())
    }

    /// Walks down a path of tables to the table or list of entries.
    fn reach<'p>(&self, table: &'p [&'p str]) -> Result<Reached<'_, 'p>, DocumentError> {
        let mut reached = Reached { node: self.root(), holder: None, missing: table };
        for (depth, key) in table.iter().enumerate() {
            let Some(Kind::Map { members, .. }) = reached.node.map(|id| &self.tree.node(id).kind) else { break };
            let Some(member) = members.iter().find(|member| member.name == *key) else { break };
            let last = depth + 1 == table.len();
            self.require(member.value, &table[..=depth], last)?;
            reached = Reached { node: Some(member.value), holder: Some(member), missing: &table[depth + 1..] };
        }
        Ok(reached)
    }

    fn require(&self, id: Id, path: &[&str], last: bool) -> Result<(), DocumentError> {
        let listed = last && matches!(self.table, YamlTable::Named(_));
        let expected = if listed { "a list" } else { "a table" };
        if self.is_blank(id) || self.tree.noun(id) == expected {
            return Ok(());
        }
        Err(DocumentError::shape(path, expected, self.tree.noun(id)))
    }

    /// Where an entry stands.
    fn place<'d>(
        &self,
        text: &str,
        reached: &Reached<'d, '_>,
        table: &[&str],
        key: &str,
    ) -> Result<Option<Place<'d>>, DocumentError> {
        let Some(id) = reached.node.filter(|_| reached.missing.is_empty()) else { return Ok(None) };
        let found: Vec<usize> = match &self.tree.node(id).kind {
            Kind::Map { members, .. } => members.iter().position(|member| member.name == key).into_iter().collect(),
            Kind::List { items, .. } => {
                let named = |item: &Id| self.name(*item).as_deref() == Some(key);
                items.iter().enumerate().filter(|(_, item)| named(item)).map(|(index, _)| index).collect()
            }
            Kind::Scalar { .. } | Kind::Alias(_) => Vec::new(),
        };
        let place = |index: &usize| Place { table: id, holder: reached.holder, index: *index };
        if let [_, second, ..] = found[..] {
            let page = Page { text, tree: &self.tree };
            let at = self.tree.node(place(&second).node(page)).range.start;
            return Err(DocumentError::duplicate(text, at, &[table, &[key]].concat()));
        }
        Ok(found.first().map(place))
    }

    /// Tries the edits: nothing but the entry may be another than before.
    fn tried(
        &self,
        text: &str,
        edits: Result<Vec<Edit>, Odd>,
        table: &[&str],
        key: &str,
        wanted: Wanted,
    ) -> Result<Vec<Edit>, DocumentError> {
        let refused = || DocumentError::Unsafe { path: owned(&[table, &[key]].concat()) };
        let mut edits = edits.map_err(|Odd| refused())?;
        edits.sort_by_key(|edit| edit.range.start);
        if edits.is_empty() {
            return Ok(edits);
        }
        // Tags can make the parser place two nodes on the same bytes.
        let whole =
            edits.iter().all(|edit| edit.range.start <= edit.range.end && text.get(edit.range.clone()).is_some());
        if !(whole && edits.is_sorted_by(|a, b| a.range.end <= b.range.start)) {
            return Err(refused());
        }
        let after = Self::parse(&apply(text, &edits), self.table).map_err(|_| refused())?;
        let now = after.get(&[table, &[key]].concat());
        let as_wanted = match wanted {
            Wanted::Value(value) => now.as_ref() == Some(value),
            Wanted::Anything => now.is_some(),
            Wanted::Nothing => now.is_none(),
        };
        let same = self.without(table, key) == after.without(table, key);
        if as_wanted && same { Ok(edits) } else { Err(refused()) }
    }

    /// All that the document says but one entry. A table that has nothing else does not count.
    fn without(&self, table: &[&str], key: &str) -> Value {
        let mut whole = self.get(&[]).unwrap_or_default();
        let holder = table.iter().try_fold(&mut whole, |at, key| at.as_object_mut()?.get_mut(*key));
        match (holder, self.table) {
            (Some(Value::Object(map)), _) => drop(map.shift_remove(key)),
            (Some(Value::Array(items)), YamlTable::Named(field)) => items.retain(|item| item[field] != *key),
            _ => {}
        }
        drop_emptied(&mut whole, table);
        whole
    }
}

/// What an entry is to be afterwards.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Value(&'a Value),
    Anything,
    Nothing,
}

fn drop_emptied(whole: &mut Value, table: &[&str]) {
    for length in (1..=table.len()).rev() {
        let (before, key) = (&table[..length - 1], table[length - 1]);
        let parent = before.iter().try_fold(&mut *whole, |at, key| at.as_object_mut()?.get_mut(*key));
        let Some(parent) = parent.and_then(Value::as_object_mut) else { continue };
        let empty = match parent.get(key) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Null) => true,
            _ => false,
        };
        if empty {
            parent.shift_remove(key);
        }
    }
}
