//! Reading from text that has passed the check: members with their ranges, and values.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};

use super::scan::{Kind, Scanner, Token, decode};

/// One member of an object, as ranges of the text.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The key with its quotes.
    pub(super) key: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
    /// What the value is.
    pub(super) kind: Kind,
    /// Where the comma after it stands, if there is one.
    pub(super) comma: Option<usize>,
}

impl Member {
    /// A member of which only the key has been seen.
    pub(super) fn new(key: Token) -> Self {
        Self { key: key.range(), value: key.end..key.end, kind: Kind::Null, comma: None }
    }

    /// The key's meaning.
    pub(super) fn name<'a>(&self, text: &'a str) -> Cow<'a, str> {
        decode(&text[self.key.clone()])
    }
}

/// An object's brackets and members.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// Where `{` stands.
    pub(super) open: usize,
    /// Where `}` stands.
    pub(super) close: usize,
    /// In file order, second ones of a key too.
    pub(super) members: Vec<Member>,
}

impl Object {
    /// Reads the members of the object that opens at a byte.
    pub(super) fn at(text: &str, open: usize) -> Self {
        let mut walk = Walk::new(text, open + 1);
        let mut object = Self { open, close: text.len(), members: Vec::new() };
        while let Some(token) = walk.next() {
            match token.kind {
                Kind::String => object.members.extend(walk.member(token)),
                Kind::Comma => object.members.iter_mut().rev().take(1).for_each(|last| last.comma = Some(token.start)),
                _ => {
                    object.close = token.start;
                    break;
                }
            }
        }
        object
    }

    /// The member of a key that counts: the last.
    pub(super) fn last_named(&self, text: &str, name: &str) -> Option<&Member> {
        self.members.iter().rev().find(|member| member.name(text) == name)
    }

    /// The position of the key's only member; `Err` has the second one.
    pub(super) fn only_named(&self, text: &str, name: &str) -> Result<Option<usize>, &Member> {
        let mut found = None;
        for (index, member) in self.members.iter().enumerate() {
            if member.name(text) != name {
                continue;
            }
            if found.is_some() {
                return Err(member);
            }
            found = Some(index);
        }
        Ok(found)
    }
}

/// The range of the value that begins at a byte.
pub(super) fn extent(text: &str, start: usize) -> Range<usize> {
    let mut walk = Walk::new(text, start);
    let end = walk.next().map_or(start, |token| walk.end_of(token));
    start..end
}

/// The value that begins at a byte, as the app would see it: of a key that stands twice, the last counts.
pub(super) fn value(text: &str, start: usize) -> Value {
    let mut walk = Walk::new(text, start);
    walk.next().map_or(Value::Null, |token| walk.build(token))
}

/// A scanner over text that is known to be good: nothing can go wrong any more. Comments have been judged before.
struct Walk<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, scanner: Scanner::new(text, at, true) }
    }

    fn next(&mut self) -> Option<Token> {
        self.scanner.next().ok().flatten()
    }

    fn member(&mut self, key: Token) -> Option<Member> {
        self.next()?;
        let first = self.next()?;
        let end = self.end_of(first);
        Some(Member { key: key.range(), value: first.start..end, kind: first.kind, comma: None })
    }

    /// Skips the rest of a value and gives its end.
    fn end_of(&mut self, first: Token) -> usize {
        let mut depth = usize::from(first.kind.opens());
        let mut end = first.end;
        while depth > 0 {
            let Some(token) = self.next() else { break };
            depth += usize::from(token.kind.opens());
            depth -= usize::from(token.kind.closes());
            end = token.end;
        }
        end
    }

    /// Recurses as deep as the grammar's limit allows, which any stack holds.
    fn build(&mut self, first: Token) -> Value {
        let text = &self.text[first.range()];
        match first.kind {
            Kind::OpenObject => self.build_object(),
            Kind::OpenArray => self.build_list(),
            Kind::String => Value::String(decode(text).into_owned()),
            Kind::Number => number(text).map_or(Value::Null, Value::Number),
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            _ => Value::Null,
        }
    }

    fn build_object(&mut self) -> Value {
        let mut map = Map::new();
        while let Some(token) = self.next() {
            match token.kind {
                Kind::String => {
                    self.next();
                    let Some(first) = self.next() else { break };
                    let value = self.build(first);
                    map.insert(decode(&self.text[token.range()]).into_owned(), value);
                }
                Kind::Comma => {}
                _ => break,
            }
        }
        Value::Object(map)
    }

    fn build_list(&mut self) -> Value {
        let mut items = Vec::new();
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Comma => {}
                Kind::CloseArray => break,
                _ => items.push(self.build(token)),
            }
        }
        Value::Array(items)
    }
}

/// A number's value; none for one beyond what a float holds, where JavaScript has its infinity.
///
/// Floats go through the standard library, which rounds correctly, so that what was written reads back equal.
fn number(text: &str) -> Option<Number> {
    let whole = !text.contains(['.', 'e', 'E']) && text != "-0";
    if whole && let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if whole && let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
